"""A run over documents: what is done is not done again, and nothing is lost or half-written."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import FakeWork, encoded, files_below, lettered, read_archive, write_archive
from PIL import Image as PILImage

from textclean.batch import Job, PageSelection, SidecarPaths
from textclean.batch.engine import BatchResult, run_batch
from textclean.batch.placing import Placer
from textclean.batch.plan import Batch, make_plan
from textclean.batch.teller import BatchWatcher
from textclean.batch.workplace import Shard
from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    OptionsError,
    OutputExistsError,
    PageError,
    TextcleanError,
    WeightsError,
)
from textclean.io.atomic import WORK_FOLDER, move_into_place
from textclean.options import Options

if TYPE_CHECKING:
    from pathlib import Path

    from textclean import DocumentResult, PageReport
    from textclean.batch.history import Move

OPTIONS = Options(ink=False)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    (folder / "b").mkdir(parents=True)
    for number, name in enumerate(("1.png", "2.png", "b/3.png")):
        lettered(160 + number, text=f"P{number}").save(folder / name)
    return folder


@pytest.fixture
def book(tmp_path: Path) -> Path:
    pages = {f"{n}.png": encoded(lettered(170 + n, text=f"B{n}")) for n in range(1, 4)}
    return write_archive(tmp_path / "book.cbz", {**pages, "ComicInfo.xml": b"<ComicInfo/>"})


@pytest.fixture
def work(tmp_path: Path) -> FakeWork:
    (tmp_path / "diary").mkdir()
    return FakeWork(diary=tmp_path / "diary")


def job(source: Path, output: Path, **changes: Any) -> Job:
    return Job(source=source, output=output, options=changes.pop("options", OPTIONS), **changes)


def run(*jobs: Job, work: FakeWork | None = None, **changes: Any) -> BatchResult:
    changes.setdefault("workers", 0)
    return run_batch(Batch(jobs=jobs, **changes), work or FakeWork())


def pixels(path: Path) -> np.ndarray:
    with PILImage.open(path) as image:
        return np.asarray(image)


class Diary(BatchWatcher):
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def opened(self, source: str, pages: int) -> None:
        self.told.append(("opened", pages))

    def resumed(self, source: str, pages: int) -> None:
        self.told.append(("resumed", pages))

    def finished(self, report: PageReport, result: object) -> None:
        self.told.append((report.name, report.status))

    def document(self, result: DocumentResult) -> None:
        self.told.append(("document", len(result.pages)))

    def refused(self, source: Path, error: TextcleanError) -> None:
        self.told.append(("refused", type(error)))


class TestOneRun:
    def test_every_kind_of_output(self, tmp_path: Path, scans: Path, book: Path) -> None:
        out = tmp_path / "out"
        page = scans / "1.png"
        result = run(
            job(scans, out / "scans"), job(book, out / "book.cbz"), job(page, out / "1.png"),
            folder=out,
        )  # fmt: skip
        assert [len(document.pages) for document in result.documents] == [3, 3, 1]
        assert all(page.status == "cleaned" for d in result.documents for page in d.pages)
        assert files_below(out) == {
            "1.png", "book.cbz", "scans", "scans/1.png", "scans/2.png", "scans/b", "scans/b/3.png",
            WORK_FOLDER, f"{WORK_FOLDER}/journal.jsonl",
        }  # fmt: skip
        assert (out / "scans/1.png").read_bytes() == (out / "1.png").read_bytes()
        assert read_archive(out / "book.cbz")["ComicInfo.xml"] == b"<ComicInfo/>"

    def test_the_same_as_a_document_alone(self, tmp_path: Path, book: Path) -> None:
        from textclean.batch import run_job

        run(job(book, tmp_path / "a.cbz"))
        run_job(job(book, tmp_path / "b.cbz"), lambda: FakeWork()(None))
        assert (tmp_path / "a.cbz").read_bytes() == (tmp_path / "b.cbz").read_bytes()

    def test_a_single_file_leaves_no_journal(self, tmp_path: Path, book: Path) -> None:
        before = files_below(tmp_path)
        run(job(book, tmp_path / "new" / "out.cbz"))
        assert files_below(tmp_path) == before | {"new", "new/out.cbz"}

    def test_masks_and_regions(self, tmp_path: Path, scans: Path) -> None:
        beside = SidecarPaths(mask=tmp_path / "masks", regions=tmp_path / "regions.json")
        result = run(job(scans, tmp_path / "out", sidecars=beside))
        assert files_below(tmp_path / "masks") == {"1.png", "2.png", "b", "b/3.png"}
        assert result.documents[0].files[-1] == tmp_path / "regions.json"
        from textclean.batch import run_job

        other = replace(beside, mask=tmp_path / "m2", regions=tmp_path / "r2.json")
        alone = job(scans, tmp_path / "out2", sidecars=other)
        run_job(alone, lambda: FakeWork()(None))
        assert (tmp_path / "r2.json").read_bytes() == (tmp_path / "regions.json").read_bytes()
        assert (tmp_path / "m2/1.png").read_bytes() == (tmp_path / "masks/1.png").read_bytes()

    def test_pages_of_a_tiff_and_a_conversion(self, tmp_path: Path, book: Path) -> None:
        first, second = lettered(text="A"), lettered(text="B")
        first.save(tmp_path / "two.tiff", save_all=True, append_images=[second])
        run(job(tmp_path / "two.tiff", tmp_path / "out.tiff"))
        with PILImage.open(tmp_path / "out.tiff") as image:
            assert image.n_frames == 2
            assert np.asarray(image.convert("L")).min() > 60
        run(job(tmp_path / "two.tiff", tmp_path / "out.cbz", to="cbz"))
        assert len(read_archive(tmp_path / "out.cbz")) == 2
        run(job(book, tmp_path / "pages", to="folder"))
        assert {"1.png", "2.png", "3.png"} <= files_below(tmp_path / "pages")

    def test_pages_that_are_not_asked_for_stay_as_they_are(
        self, tmp_path: Path, scans: Path
    ) -> None:
        out = tmp_path / "out"
        (document,) = run(job(scans, out, pages=PageSelection.parse("2"))).documents
        assert [page.status for page in document.pages] == ["skipped", "cleaned", "skipped"]
        assert (out / "1.png").read_bytes() == (scans / "1.png").read_bytes()
        assert (out / "2.png").read_bytes() != (scans / "2.png").read_bytes()

    def test_watchers_are_told_of_one_document_after_the_other(
        self, tmp_path: Path, scans: Path, book: Path
    ) -> None:
        diary = Diary()
        jobs = [job(scans, tmp_path / "o"), job(tmp_path / "none", tmp_path / "p")]
        run_batch(Batch(jobs=jobs, workers=0), FakeWork(), diary)
        assert diary.told == [
            ("refused", FileAccessError),
            ("opened", 3),
            ("1.png", "cleaned"),
            ("2.png", "cleaned"),
            ("b/3.png", "cleaned"),
            ("document", 3),
        ]


class TestResume:
    def test_what_is_done_is_not_done_again(
        self, tmp_path: Path, scans: Path, book: Path, work: FakeWork
    ) -> None:
        out = tmp_path / "out"
        jobs = job(scans, out / "scans"), job(book, out / "book.cbz")
        run(*jobs, work=work, folder=out)
        begun, stat = work.begun(), (out / "book.cbz").stat()
        again = run(*jobs, work=work, folder=out)
        assert again.resumed == 6
        assert work.begun() == begun
        assert (out / "book.cbz").stat().st_mtime_ns == stat.st_mtime_ns
        assert [page.status for page in again.documents[1].pages] == ["cleaned"] * 3

    def test_a_page_that_changed_is_done_again_alone(
        self, tmp_path: Path, scans: Path, work: FakeWork
    ) -> None:
        out = tmp_path / "out"
        run(job(scans, out), work=work)
        old = (out / "2.png").read_bytes()
        lettered(200, text="NEW").save(scans / "2.png")
        again = run(job(scans, out), work=work)
        assert again.resumed == 2
        assert (out / "2.png").read_bytes() != old
        assert pixels(out / "2.png").min() > 60

    def test_a_file_that_was_only_touched_is_not_done_again(
        self, tmp_path: Path, scans: Path, work: FakeWork
    ) -> None:
        run(job(scans, tmp_path / "out"), work=work)
        os.utime(scans / "1.png", (1, 1))
        assert run(job(scans, tmp_path / "out"), work=work).resumed == 3

    def test_an_output_that_is_gone_is_made_again(
        self, tmp_path: Path, scans: Path, work: FakeWork
    ) -> None:
        out = tmp_path / "out"
        run(job(scans, out), work=work)
        old = (out / "1.png").read_bytes()
        (out / "1.png").unlink()
        assert run(job(scans, out), work=work).resumed == 2
        assert (out / "1.png").read_bytes() == old

    def test_an_archive_that_changed_is_put_together_again(
        self, tmp_path: Path, book: Path, work: FakeWork
    ) -> None:
        out = tmp_path / "out"
        run(job(book, out / "book.cbz"), folder=out, work=work)
        pages = read_archive(book)
        pages["2.png"] = encoded(lettered(200, text="NEW"))
        write_archive(book, pages)
        run(job(book, out / "book.cbz"), folder=out, work=work)
        fresh = tmp_path / "fresh.cbz"
        run(job(book, fresh))
        assert (out / "book.cbz").read_bytes() == fresh.read_bytes()

    def test_other_options_do_not_replace_outputs_unasked(
        self, tmp_path: Path, scans: Path
    ) -> None:
        out = tmp_path / "out"
        run(job(scans, out))
        other = job(scans, out, options=Options(ink=False, dilate=9))
        result = run(other)
        assert isinstance(result.failures[scans], OutputExistsError)
        assert run(other, resume=True).documents[0].pages[0].status == "cleaned"
        assert run(other).resumed == 3

    def test_other_weights_count_as_other_options(self, tmp_path: Path, scans: Path) -> None:
        run(job(scans, tmp_path / "out"), versions={"weights": "1"})
        result = run(job(scans, tmp_path / "out"), versions={"weights": "2"})
        assert isinstance(result.failures[scans], OutputExistsError)

    def test_starting_anew(self, tmp_path: Path, scans: Path, work: FakeWork) -> None:
        out = tmp_path / "out"
        run(job(scans, out), work=work)
        refused = run(job(scans, out), work=work, resume=False)
        assert isinstance(refused.failures[scans], OutputExistsError)
        run(job(scans, out, overwrite=True), work=work)
        assert set(work.begun().values()) == {2}

    def test_what_somebody_changed_is_not_replaced(self, tmp_path: Path, scans: Path) -> None:
        out = tmp_path / "out"
        run(job(scans, out))
        (out / "1.png").write_bytes(b"drawn by hand")
        result = run(job(scans, out))
        assert "was changed since it was written" in str(result.failures[scans])
        assert (out / "1.png").read_bytes() == b"drawn by hand"

    def test_masks_that_were_not_asked_for_before_are_made(
        self, tmp_path: Path, scans: Path
    ) -> None:
        run(job(scans, tmp_path / "out"))
        beside = SidecarPaths(mask=tmp_path / "masks", regions=tmp_path / "r.json")
        assert run(job(scans, tmp_path / "out", sidecars=beside)).resumed == 0
        assert files_below(tmp_path / "masks") == {"1.png", "2.png", "b", "b/3.png"}
        text = (tmp_path / "r.json").read_bytes()
        (tmp_path / "r.json").unlink()
        assert run(job(scans, tmp_path / "out", sidecars=beside)).resumed == 3
        assert (tmp_path / "r.json").read_bytes() == text

    def test_failed_pages_are_tried_again(self, tmp_path: Path, scans: Path) -> None:
        out = tmp_path / "out"
        result = run(job(scans, out), work=FakeWork({"2.png": "error"}))
        assert [page.status for page in result.documents[0].pages] == [
            "cleaned", "failed", "cleaned",
        ]  # fmt: skip
        assert (out / "2.png").read_bytes() == (scans / "2.png").read_bytes()
        again = run(job(scans, out))
        assert again.resumed == 2
        assert not again.documents[0].failed
        assert (out / "2.png").read_bytes() != (scans / "2.png").read_bytes()

    @pytest.mark.parametrize("backwards", [True, False])
    def test_a_clock_that_is_set_does_no_harm(
        self, tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool
    ) -> None:
        now = iter(range(10**9, 0, -1000)) if backwards else iter(range(0, 10**9, 1000))
        monkeypatch.setattr(time, "time", lambda: float(next(now)))
        with pytest.raises(KeyboardInterrupt):
            run(job(scans, tmp_path / "out"), work=_interrupting("b/3.png"))
        os.utime(scans / "1.png", (10, 10) if backwards else (2**31, 2**31))
        assert run(job(scans, tmp_path / "out")).resumed == 2
        assert run(job(scans, tmp_path / "out")).resumed == 3


class TestFailures:
    def test_left_out(self, tmp_path: Path, scans: Path, book: Path) -> None:
        bad = FakeWork({"2.png": "error"})
        run(job(scans, tmp_path / "out"), work=bad, on_error="skip")
        assert not (tmp_path / "out" / "2.png").exists()
        assert (tmp_path / "out" / "1.png").exists()
        run(job(book, tmp_path / "out.cbz"), work=bad, on_error="skip")
        assert sorted(read_archive(tmp_path / "out.cbz")) == ["1.png", "3.png", "ComicInfo.xml"]

    def test_stop(self, tmp_path: Path, scans: Path) -> None:
        bad = FakeWork({"2.png": "error"})
        with pytest.raises(PageError, match="first page that failed: it is damaged"):
            run(job(scans, tmp_path / "out"), work=bad, on_error="stop")
        assert (tmp_path / "out" / "1.png").exists()
        assert run(job(scans, tmp_path / "out")).resumed == 1

    def test_as_many_as_are_allowed(self, tmp_path: Path, scans: Path) -> None:
        bad = FakeWork({"1.png": "error", "2.png": "error"})
        assert run(job(scans, tmp_path / "a"), work=bad, max_failures=2).documents[0].failed
        with pytest.raises(PageError, match="2 pages failed and --max-failures is 1"):
            run(job(scans, tmp_path / "b"), work=bad, max_failures=1)

    def test_when_all_fail_nothing_is_written_unless_asked(
        self, tmp_path: Path, scans: Path, book: Path
    ) -> None:
        bad = FakeWork({"*": "error"})
        before = files_below(tmp_path)
        for source, output in ((scans, tmp_path / "out"), (book, tmp_path / "new" / "out.cbz")):
            result = run(job(source, output), work=bad)
            assert isinstance(result.failures[source], PageError)
            assert files_below(tmp_path) == before
        run(job(scans, tmp_path / "out"), work=bad, on_error="copy")
        assert (tmp_path / "out/1.png").read_bytes() == (scans / "1.png").read_bytes()

    def test_what_every_page_needs(self, tmp_path: Path, scans: Path) -> None:
        def missing(device: str | None) -> Any:
            raise WeightsError("they are missing")

        before = files_below(tmp_path)
        with pytest.raises(WeightsError):
            run_batch(Batch(jobs=[job(scans, tmp_path / "out")], workers=0), missing)
        assert files_below(tmp_path) == before

    def test_a_network_that_gives_no_numbers(self, tmp_path: Path, scans: Path) -> None:
        result = run(job(scans, tmp_path / "out"), work=FakeWork({"2.png": "nan"}))
        (failed,) = result.documents[0].failed
        assert "the inpainter gave back float32" in failed.reason
        assert (tmp_path / "out/2.png").read_bytes() == (scans / "2.png").read_bytes()

    def test_a_page_over_the_limit_is_not_decoded(self, tmp_path: Path, scans: Path) -> None:
        PILImage.new("1", (30_000, 30_000)).save(scans / "2.png")
        small = Options(ink=False, max_pixels=50_000_000)
        result = run(job(scans, tmp_path / "out", options=small))
        (failed,) = result.documents[0].failed
        assert "30000 x 30000" in failed.reason
        assert failed.seconds < 1

    def test_the_input_goes_while_it_is_processed(self, tmp_path: Path, scans: Path) -> None:
        class Removing(BatchWatcher):
            def finished(self, report: PageReport, result: object) -> None:
                (scans / "2.png").unlink(missing_ok=True)

        batch = Batch(jobs=[job(scans, tmp_path / "out")], workers=0)
        result = run_batch(batch, FakeWork(), Removing())
        assert "the input changed" in str(result.failures[scans])
        assert (tmp_path / "out" / "1.png").exists()
        assert not (tmp_path / "out" / "2.png").exists()

    def test_an_archive_that_changes_while_it_is_processed(
        self, tmp_path: Path, book: Path
    ) -> None:
        class Changing(BatchWatcher):
            def finished(self, report: PageReport, result: object) -> None:
                if report.name == "2.png":
                    pages = read_archive(book)
                    pages["1.png"] = encoded(lettered(200, text="NEW"))
                    write_archive(book, pages)

        out = tmp_path / "out" / "book.cbz"
        batch = Batch(jobs=[job(book, out)], workers=0)
        result = run_batch(batch, FakeWork(), Changing())
        assert isinstance(result.failures[book], CorruptInputError)
        assert "changed" in str(result.failures[book])
        assert not out.exists()
        run(job(book, out))
        run(job(book, tmp_path / "fresh.cbz"))
        assert out.read_bytes() == (tmp_path / "fresh.cbz").read_bytes()

    def test_the_output_folder_goes(self, tmp_path: Path, scans: Path) -> None:
        import shutil

        class Removing(BatchWatcher):
            def finished(self, report: PageReport, result: object) -> None:
                shutil.rmtree(tmp_path / "out", ignore_errors=True)

        batch = Batch(jobs=[job(scans, tmp_path / "out")], workers=0)
        result = run_batch(batch, FakeWork(), Removing())
        assert isinstance(result.failures[scans], FileAccessError)
        assert "cannot write" in str(result.failures[scans])
        assert not (tmp_path / "out").exists()

    def test_the_input_is_never_the_output(self, tmp_path: Path, scans: Path, book: Path) -> None:
        before = {path: path.read_bytes() for path in scans.rglob("*.png")}
        for source, output in (
            (scans, scans), (scans, scans / "out"), (book, book),
            (scans / "1.png", scans / "1.png"),
        ):  # fmt: skip
            result = run(job(source, output, overwrite=True))
            assert isinstance(result.failures[source], FileAccessError), output
        assert {path: path.read_bytes() for path in scans.rglob("*.png")} == before
        assert files_below(tmp_path) == {"book.cbz", "scans"} | {
            f"scans/{name}" for name in ("1.png", "2.png", "b", "b/3.png")
        }


class TestInterrupted:
    def test_finished_pages_are_kept(self, tmp_path: Path, book: Path, work: FakeWork) -> None:
        out = tmp_path / "out" / "book.cbz"
        with pytest.raises(KeyboardInterrupt):
            run(job(book, out), work=_interrupting("3.png"))
        assert not out.exists()
        assert run(job(book, out), work=work).resumed == 2
        assert set(work.begun()) == {"3.png"}
        assert files_below(tmp_path / "out") == {"book.cbz"}
        run(job(book, tmp_path / "fresh.cbz"))
        assert out.read_bytes() == (tmp_path / "fresh.cbz").read_bytes()

    def test_nothing_stays_when_nothing_was_finished(self, tmp_path: Path, book: Path) -> None:
        before = files_below(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            run(job(book, tmp_path / "out" / "book.cbz"), work=_interrupting("1.png"))
        assert files_below(tmp_path) == before

    def test_a_part_that_was_damaged_is_made_again(
        self, tmp_path: Path, book: Path, work: FakeWork
    ) -> None:
        out = tmp_path / "out" / "book.cbz"
        with pytest.raises(KeyboardInterrupt):
            run(job(book, out), work=_interrupting("3.png"))
        part = min((tmp_path / "out" / WORK_FOLDER / "book.cbz" / "parts").iterdir())
        part.write_bytes(part.read_bytes()[:-1])
        assert run(job(book, out), work=work).resumed == 1

    def test_a_document_that_is_whole_gets_its_name_later(
        self, tmp_path: Path, book: Path, work: FakeWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out" / "book.cbz"
        with monkeypatch.context() as patch:
            patch.setattr(Placer, "move", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(job(book, out))
        assert not out.exists()
        monkeypatch.setattr("textclean.batch.document.bind_document", _interrupt)
        assert run(job(book, out), work=work).resumed == 3
        assert work.begun() == {}
        assert files_below(tmp_path / "out") == {"book.cbz"}

    def test_a_file_that_has_both_names(
        self, tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A link was made to the new name and the old one not removed yet."""
        out = tmp_path / "out"
        with monkeypatch.context() as patch:
            patch.setattr(Placer, "_rename", _link_and_interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(job(scans, out))
        assert (out / "1.png").exists()
        assert run(job(scans, out)).resumed == 1
        assert files_below(out / WORK_FOLDER) == {"journal.jsonl"}

    def test_masks_on_another_file_system(
        self, tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def elsewhere(temporary: Path, path: Path, **wishes: bool) -> None:
            if temporary.parent.name == "parts" and "masks" in path.parts:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            move_into_place(temporary, path, **wishes)

        monkeypatch.setattr("textclean.batch.placing.move_into_place", elsewhere)
        beside = SidecarPaths(mask=tmp_path / "masks")
        run(job(scans, tmp_path / "out", sidecars=beside))
        assert files_below(tmp_path / "masks") == {"1.png", "2.png", "b", "b/3.png"}
        assert run(job(scans, tmp_path / "out", sidecars=beside)).resumed == 3


class TestShards:
    def test_each_page_is_in_one(self, tmp_path: Path) -> None:
        scans = tmp_path / "scans"
        scans.mkdir()
        for number in range(12):
            lettered(160 + number, text=str(number)).save(scans / f"{number}.png")
        found: list[str] = []
        for number in (1, 2, 3):
            result = run(job(scans, tmp_path / "out"), shard=Shard(number, 3))
            pages = result.documents[0].pages
            found += [page.name for page in pages if page.status == "cleaned"]
        assert sorted(found) == sorted(path.name for path in scans.iterdir())
        run(job(scans, tmp_path / "whole"))
        for path in scans.iterdir():
            one, two = tmp_path / "out" / path.name, tmp_path / "whole" / path.name
            assert one.read_bytes() == two.read_bytes()
        assert {p for p in files_below(tmp_path / "out") if p.startswith(WORK_FOLDER)} == {
            WORK_FOLDER, *(f"{WORK_FOLDER}/journal-{n}-of-3.jsonl" for n in (1, 2, 3)),
        }  # fmt: skip

    def test_documents_go_whole_and_always_to_the_same(self, tmp_path: Path, book: Path) -> None:
        out = tmp_path / "out"
        jobs = [job(book, out / f"{n}.cbz") for n in range(8)]
        plans = [
            [
                d.identity
                for d in make_plan(Batch(jobs=jobs, folder=out, shard=Shard(n, 3))).documents
            ]
            for n in (1, 2, 3)
        ]
        assert sorted(itertools.chain(*plans)) == [f"{n}.cbz" for n in range(8)]
        moved = tmp_path / "elsewhere"
        again = [job(book, moved / f"{n}.cbz") for n in reversed(range(8))]
        other = make_plan(Batch(jobs=again, folder=moved, shard=Shard(2, 3)))
        assert sorted(d.identity for d in other.documents) == sorted(plans[1])

    def test_regions_of_a_folder_cannot_be_shared(self, tmp_path: Path, scans: Path) -> None:
        beside = SidecarPaths(regions=tmp_path / "r.json")
        with pytest.raises(OptionsError, match="shards"):
            for number in (1, 2, 3, 4):
                run(job(scans, tmp_path / "out", sidecars=beside), shard=Shard(number, 4))


@pytest.mark.skipif(os.name != "posix", reason="elsewhere names are text")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    lettered(text="A").save(scans / "plain.png")
    (scans / "plain.png").rename(scans / name)
    lettered(text="B").save(scans / "b.png")
    out = tmp_path / os.fsdecode(b"out\xff")
    run(job(scans, out))
    assert (out / name).exists()
    assert run(job(scans, out)).resumed == 2
    alone = job(scans / name, tmp_path / os.fsdecode(b"\xe9.png"))
    assert run(alone).documents[0].pages[0].status == "cleaned"


def test_two_runs_on_one_output(tmp_path: Path, scans: Path, book: Path) -> None:
    out = tmp_path / "out"
    seen: list[BaseException] = []

    class Second(BatchWatcher):
        def finished(self, report: PageReport, result: object) -> None:
            try:
                run(job(book, out / "book.cbz"), folder=out)
            except FileAccessError as error:
                seen.append(error)

    run_batch(Batch(jobs=[job(scans, out / "s")], folder=out, workers=0), FakeWork(), Second())
    assert len(seen) == 3
    assert "another run is writing to" in str(seen[0])
    assert run(job(book, out / "book.cbz"), folder=out).documents


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("kind", ["folder", "archive", "document"])
def test_what_has_no_name_yet_is_private(
    tmp_path: Path, scans: Path, book: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whatever the umask lets others do: nobody else can enter what files without a name lie in."""
    hidden: set[Path] = set()

    def looking(self: Placer, move: Move) -> None:
        hidden.update(found for found in tmp_path.rglob("*") if found.parent.name == WORK_FOLDER)
        hidden.update(tmp_path.glob(f"**/{WORK_FOLDER}/*/*"))
        for path in {folder for folder in hidden if folder.name in ("parts", "ready")}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
        for path in tmp_path.rglob("*.tmp"):
            assert {"parts", "ready"} & set(path.parts), path
        assert {"parts", "ready"} & set(move.waiting.parts)
        return whole(self, move)

    whole = Placer.move
    monkeypatch.setattr(Placer, "move", looking)
    before = os.umask(0)
    try:
        match kind:
            case "folder":
                run(job(scans, tmp_path / "out"))
            case "archive":
                run(job(book, tmp_path / "out.cbz"))
            case _:
                pages = [lettered(text=text) for text in "AB"]
                pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
                run(job(tmp_path / "a.pdf", tmp_path / "out.pdf"))
    finally:
        os.umask(before)
    assert {path.name for path in hidden} >= {"parts", "ready"}


def test_what_a_worker_was_writing_goes(tmp_path: Path, scans: Path) -> None:
    """A worker that is ended leaves half a file; pages that are whole stay."""
    out = tmp_path / "out"

    def ended(device: str | None) -> Any:
        work = FakeWork()(device)

        def half(page: Any) -> Any:
            if page.name == "b/3.png":
                (out / WORK_FOLDER / "parts" / ".3.0123.tmp").write_bytes(b"half")
                raise KeyboardInterrupt
            return work(page)

        return half

    with pytest.raises(KeyboardInterrupt):
        run_batch(Batch(jobs=[job(scans, out)], workers=0), ended)
    assert files_below(out / WORK_FOLDER) == {"journal.jsonl"}


def _interrupting(name: str) -> Any:
    """A cleaner that is interrupted at a page."""

    def prepare(device: str | None) -> Any:
        work = FakeWork()(device)

        def interrupted(page: Any) -> Any:
            if page.name == name:
                raise KeyboardInterrupt
            return work(page)

        return interrupted

    return prepare


def _interrupt(*args: object, **settings: object) -> None:
    raise KeyboardInterrupt


def _link_and_interrupt(placer: Placer, move: Move) -> None:
    move.final.hardlink_to(move.waiting)
    raise KeyboardInterrupt
