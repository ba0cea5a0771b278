"""The loop: one page that fails does not stop the others, and nothing is left half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import (
    FakeDetector,
    FakeInpainter,
    encoded,
    files_below,
    lettered,
    read_archive,
    write_archive,
)

from textclean import Options, make_cleaner
from textclean.batch import Job, PageSelection, SidecarPaths, Watcher, run_job, target_of
from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    OptionsError,
    OutputExistsError,
    PageError,
    WeightsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textclean import Page, PageReport, PageResult

    Work = Callable[[Page], PageResult]

NAMES = ("p1.png", "p2.png", "p3.png")


class Diary(Watcher):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def opened(self, source: str, pages: int) -> None:
        self.told.append(("opened", pages))

    def started(self, name: str, number: int) -> None:
        self.told.append(("started", name, number))

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        self.told.append(("finished", report.status, result is not None))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    pages = {name: encoded(lettered(text=name[:2])) for name in NAMES}
    return write_archive(tmp_path / "book.cbz", {**pages, "ComicInfo.xml": b"<ComicInfo/>"})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "book.cbz"


def _work(trouble: BaseException | None = None, page_name: str = "p2.png") -> Callable[[], Work]:
    """A cleaner that raises ``trouble`` on one page."""

    def on_page(page: Page) -> None:
        if trouble is not None and page.name == page_name:
            raise trouble

    cleaner = make_cleaner(detector=FakeDetector(on_page=on_page), inpainter=FakeInpainter())
    return lambda: cleaner.clean


def _job(source: Path, output: Path | None, **changes: object) -> Job:
    return Job(source=source, output=output, options=Options(), **changes)  # type: ignore[arg-type]


def test_every_page_is_cleaned(book: Path, out: Path) -> None:
    result = run_job(_job(book, out), _work())
    assert [page.status for page in result.pages] == ["cleaned"] * 3
    assert [page.name for page in result.pages] == list(NAMES)
    assert all(page.regions == page.removed == 1 and page.seconds > 0 for page in result.pages)
    assert result.output == out
    assert result.versions["detector"] == "FakeDetector"
    before, after = read_archive(book), read_archive(out)
    assert list(after) == list(before)
    assert after["ComicInfo.xml"] == before["ComicInfo.xml"]
    assert all(after[name] != before[name] for name in NAMES)


def test_pages_without_text_are_taken_over_byte_for_byte(tmp_path: Path, out: Path) -> None:
    data = encoded(lettered(text=""))
    book = write_archive(tmp_path / "book.cbz", {"a.png": data, "b.png": encoded(lettered())})
    result = run_job(_job(book, out), _work())
    assert [page.status for page in result.pages] == ["untouched", "cleaned"]
    assert result.pages[0].reason == "no text was found"
    assert read_archive(out)["a.png"] == data


@pytest.mark.parametrize(
    ("trouble", "kind", "says"),
    [
        (CorruptInputError("it is damaged"), CorruptInputError, "it is damaged"),
        (MemoryError(), PageError, "not enough memory"),
        (ZeroDivisionError("by zero"), PageError, "ZeroDivisionError: by zero"),
        (RuntimeError(), PageError, "RuntimeError"),
    ],
    ids=["ours", "memory", "unexpected", "unexpected and silent"],
)
def test_one_page_that_fails_does_not_stop_the_others(
    book: Path, out: Path, trouble: Exception, kind: type[Exception], says: str
) -> None:
    result = run_job(_job(book, out), _work(trouble))
    assert [page.status for page in result.pages] == ["cleaned", "failed", "cleaned"]
    (failed,) = result.failed
    assert type(failed.error) is kind
    assert says in failed.reason
    assert read_archive(out)["p2.png"] == read_archive(book)["p2.png"]
    assert read_archive(out)["p3.png"] != read_archive(book)["p3.png"]


def test_an_unexpected_error_keeps_its_traceback_and_no_page(book: Path, out: Path) -> None:
    """A traceback object would keep the pixels of each failed page in memory."""
    result = run_job(_job(book, out), _work(ZeroDivisionError("by zero")))
    (failed,) = result.failed
    assert "on_page" in failed.details
    assert failed.error is not None
    assert failed.error.__traceback__ is None
    assert failed.error.__cause__ is None
    assert failed.error.__context__ is None
    ours = run_job(_job(book, out.with_name("2.cbz")), _work(CorruptInputError("damaged")))
    assert ours.failed[0].details == ""
    assert ours.failed[0].error is not None
    assert ours.failed[0].error.__traceback__ is None


def test_a_page_that_cannot_be_decoded_fails_alone(tmp_path: Path, out: Path) -> None:
    good, bad = encoded(lettered()), encoded(lettered())[:60]
    book = write_archive(tmp_path / "book.cbz", {"a.png": good, "b.png": bad, "c.png": good})
    result = run_job(_job(book, out), _work())
    assert [page.status for page in result.pages] == ["cleaned", "failed", "cleaned"]
    assert isinstance(result.failed[0].error, CorruptInputError)
    assert read_archive(out)["b.png"] == bad


def test_a_page_that_cannot_be_written_is_taken_over(
    book: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textclean.io import archive

    def refuse(self: object, entry: object, page: Page, mask: object) -> None:
        if page.name == "p2.png":
            raise PageError("pixels outside the mask would change")
        whole(self, entry, page, mask)

    whole = archive.ArchiveSink._write
    monkeypatch.setattr(archive.ArchiveSink, "_write", refuse)
    result = run_job(_job(book, out), _work())
    assert [page.status for page in result.pages] == ["cleaned", "failed", "cleaned"]
    assert read_archive(out)["p2.png"] == read_archive(book)["p2.png"]


@pytest.mark.parametrize(
    "trouble",
    [
        KeyboardInterrupt(),
        SystemExit(3),
        WeightsError("they are missing"),
        OptionsError("out of range"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_ends_the_run_leaves_nothing(
    tmp_path: Path, book: Path, out: Path, trouble: BaseException
) -> None:
    sidecars = SidecarPaths(mask=tmp_path / "masks", regions=tmp_path / "r.json")
    before = files_below(tmp_path)
    with pytest.raises(type(trouble)):
        run_job(_job(book, out, sidecars=sidecars), _work(trouble, "p3.png"))
    assert files_below(tmp_path) == before


def test_a_disk_that_is_full_ends_the_run(
    tmp_path: Path, book: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textclean.io.atomic import Spool

    def full(self: Spool, data: bytes) -> tuple[int, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "add", full)
    before = files_below(tmp_path)
    with pytest.raises(FileAccessError, match="No space left"):
        run_job(_job(book, out), _work())
    assert files_below(tmp_path) == before


def test_a_commit_that_fails_leaves_nothing(
    tmp_path: Path, book: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textclean.io.archive import ArchiveSink

    def refuse(self: ArchiveSink) -> None:
        raise FileAccessError("the disk is gone")

    monkeypatch.setattr(ArchiveSink, "_commit", refuse)
    before = files_below(tmp_path)
    with pytest.raises(FileAccessError, match="the disk is gone"):
        run_job(_job(book, out, sidecars=SidecarPaths(mask=tmp_path / "masks")), _work())
    assert files_below(tmp_path) == before


def test_when_no_page_can_be_processed_nothing_is_written(tmp_path: Path, out: Path) -> None:
    cut = encoded(lettered())[:60]
    book = write_archive(tmp_path / "book.cbz", {"a.png": cut, "b.png": cut})
    before = files_below(tmp_path)
    with pytest.raises(PageError, match="none of the 2 pages"):
        run_job(_job(book, out), _work())
    one = write_archive(tmp_path / "one.cbz", {"a.png": cut})
    with pytest.raises(CorruptInputError, match="cut off"):
        run_job(_job(one, out), _work())
    assert files_below(tmp_path) == before | {"one.cbz"}


def test_pages_that_are_not_asked_for_stay_as_they_are(book: Path, out: Path) -> None:
    diary = Diary()
    result = run_job(_job(book, out, pages=PageSelection.parse("2")), _work(), diary)
    assert [page.status for page in result.pages] == ["skipped", "cleaned", "skipped"]
    before, after = read_archive(book), read_archive(out)
    assert after["p1.png"] == before["p1.png"]
    assert after["p2.png"] != before["p2.png"]
    assert diary.told == [
        ("opened", 1),
        ("started", "p2.png", 2),
        ("finished", "cleaned", True),
    ]


def test_a_selection_of_which_every_page_fails_is_a_failure(book: Path, out: Path) -> None:
    with pytest.raises(CorruptInputError):
        run_job(
            _job(book, out, pages=PageSelection.parse("2")), _work(CorruptInputError("damaged"))
        )
    assert not out.exists()


def test_the_watcher_is_told_of_failures(book: Path, out: Path) -> None:
    diary = Diary()
    run_job(_job(book, out), _work(CorruptInputError("damaged")), diary)
    assert diary.told[0] == ("opened", 3)
    assert [told for told in diary.told if told[0] == "finished"] == [  # type: ignore[index]
        ("finished", "cleaned", True),
        ("finished", "failed", False),
        ("finished", "cleaned", True),
    ]


def test_networks_are_loaded_only_when_input_and_output_are_usable(book: Path, out: Path) -> None:
    def never() -> Work:
        raise AssertionError("the networks were loaded for nothing")

    with pytest.raises(FileAccessError):
        run_job(_job(book.with_name("missing.cbz"), out), never)
    with pytest.raises(FileAccessError, match="never overwritten"):
        run_job(_job(book, book, overwrite=True), never)
    with pytest.raises(OptionsError, match="only 3 pages"):
        run_job(_job(book, out, pages=PageSelection.parse("9")), never)
    out.parent.mkdir()
    out.write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        run_job(_job(book, out), never)
    assert out.read_bytes() == b"old"


def test_looking_only_writes_nothing(tmp_path: Path, book: Path) -> None:
    cleaner = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    before = files_below(tmp_path)
    result = run_job(_job(book, None), lambda: cleaner.detect)
    assert result.output is None
    assert [page.status for page in result.pages] == ["untouched"] * 3
    assert [page.removed for page in result.pages] == [1, 1, 1]
    assert files_below(tmp_path) == before


def test_an_output_is_replaced_only_when_asked(book: Path, out: Path) -> None:
    run_job(_job(book, out), _work())
    first = out.read_bytes()
    out.write_bytes(b"old")
    run_job(_job(book, out, overwrite=True), _work())
    assert out.read_bytes() == first


def test_where_an_output_goes(tmp_path: Path) -> None:
    page, folder = tmp_path / "page.png", tmp_path / "in"
    folder.mkdir()
    assert target_of(page, tmp_path / "x.png") == tmp_path / "x.png"
    assert target_of(page, folder) == folder / "page.png"
    assert target_of(page, f"{tmp_path}/new/") == tmp_path / "new" / "page.png"
    assert target_of(folder, tmp_path / "out") == tmp_path / "out"
    assert target_of(folder, tmp_path) == tmp_path


def test_masks_are_those_of_the_result(tmp_path: Path, book: Path, out: Path) -> None:
    from textclean.io import read_mask

    seen: list[np.ndarray] = []

    class Keeper(Watcher):
        def finished(self, report: PageReport, result: PageResult | None) -> None:
            assert result is not None
            seen.append(result.mask)

    masks = tmp_path / "masks"
    result = run_job(_job(book, out, sidecars=SidecarPaths(mask=masks)), _work(), Keeper())
    assert result.files == tuple(masks / name for name in NAMES)
    for path, mask in zip(result.files, seen, strict=True):
        assert np.array_equal(read_mask(path, (160, 120)), mask)
