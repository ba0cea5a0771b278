"""The command line: what is told where, and with which exit code it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fakes import (
    FakeDetector,
    SeesGhosts,
    encoded,
    files_below,
    lettered,
    read_archive,
    write_archive,
)
from typer.testing import CliRunner

import textclean
from textclean import detect
from textclean.cli import app
from textclean.cli.console import one_line, plural
from textclean.cli.parameters import options_from
from textclean.errors import CorruptInputError, OptionsError

if TYPE_CHECKING:
    from pathlib import Path

    from textclean import Page

pytestmark = pytest.mark.usefixtures("fake_names")

FAKE = ("--detector", "fake", "--inpainter", "fake")


def run(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def clean(*args: object) -> Any:
    return run("clean", *args, *FAKE)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    lettered().save(path)
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    pages = {f"{n}.png": encoded(lettered(text=f"P{n}")) for n in range(1, 4)}
    return write_archive(tmp_path / "book.cbz", pages)


def _detector_with(monkeypatch: pytest.MonkeyPatch, detector: Any) -> None:
    monkeypatch.setitem(detect._FACTORIES, "fake", lambda options: detector)


def _failing_on(name: str, error: BaseException) -> FakeDetector:
    def on_page(page: Page) -> None:
        if page.name == name:
            raise error

    return FakeDetector(on_page=on_page)


class TestClean:
    def test_one_page(self, page: Path) -> None:
        out = page.with_name("out.png")
        result = clean(page, "-o", out)
        assert result.exit_code == 0
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert lines[0].startswith("[1/1] page.png: 1 region removed (")
        assert f"{page} -> {out}: 1 page, 1 cleaned; " in lines[1]
        assert "pages/s" in lines[1]
        assert out.exists()

    def test_without_an_output_it_lands_beside_the_input(self, page: Path, book: Path) -> None:
        folder = page.parent / "scans"
        folder.mkdir()
        (folder / "a.png").write_bytes(page.read_bytes())
        assert clean(page, book, folder).exit_code == 0
        made = files_below(page.parent)
        assert {"page.clean.png", "book.clean.cbz", "scans-clean/a.png"} <= made

    def test_several_inputs_go_to_a_folder(self, page: Path, book: Path) -> None:
        out = page.parent / "out"
        result = clean(page, book, "-o", out, "--mask-out", page.parent / "masks")
        assert result.exit_code == 0
        assert files_below(out) == {
            "page.png", "book.cbz", ".textclean", ".textclean/journal.jsonl",
        }  # fmt: skip
        assert files_below(page.parent / "masks") == {
            "page.png",
            "book",
            *(f"book/{n}.png" for n in (1, 2, 3)),
        }

    def test_of_many_pictures_not_each_has_a_line(self, tmp_path: Path) -> None:
        for number in range(30):
            lettered(40, 40, text="" if number else "x").save(tmp_path / f"{number:02}.png")
        result = clean(*sorted(tmp_path.glob("*.png")), "-o", tmp_path / "out", "--jobs", "0")
        assert result.exit_code == 0
        lines = result.stderr.splitlines()
        assert len(lines) < 8  # unless the machine is very slow, there is one of a page
        assert lines[-1].startswith("30 documents, 30 pages: ")

    def test_an_existing_folder_is_where_it_goes(self, page: Path) -> None:
        (page.parent / "out").mkdir()
        assert clean(page, "-o", page.parent / "out").exit_code == 0
        assert (page.parent / "out" / "page.png").exists()

    def test_quiet(self, page: Path) -> None:
        result = clean(page, "-q")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")

    def test_verbose_tells_every_decision(self, page: Path) -> None:
        result = clean(page, "-v")
        assert "  1. fill " in result.stderr
        assert "score 0.90" in result.stderr
        assert "background" in result.stderr

    def test_json(self, book: Path) -> None:
        result = clean(book, "--json", "-q", "--pages", "1-2")
        told = json.loads(result.stdout)
        assert told["counts"]["cleaned"] == 2
        assert told["counts"]["skipped"] == 1
        assert told["options"]["detector"] == "fake"
        assert told["documents"][0]["source"] == str(book)
        assert [page["status"] for page in told["documents"][0]["pages"]] == [
            "cleaned",
            "cleaned",
            "skipped",
        ]

    def test_everything_beside_it(self, page: Path) -> None:
        folder = page.parent / "more"
        result = clean(
            page, "-o", folder / "out.png", "--mask-out", folder / "m.png",
            "--patch-out", folder / "p.png", "--regions-out", folder / "r.json",
            "--report", folder / "report.json",
        )  # fmt: skip
        assert result.exit_code == 0
        assert files_below(folder) == {"out.png", "m.png", "p.png", "r.json", "report.json"}
        report = json.loads((folder / "report.json").read_text())
        assert report["counts"]["cleaned"] == 1
        assert set(report["documents"][0]["files"]) == {
            str(folder / name) for name in ("m.png", "p.png", "r.json")
        }

    def test_a_report_to_look_at_and_as_data(self, book: Path) -> None:
        folder = book.parent / "out"
        result = clean(
            book, "-o", folder / "out.cbz",
            "--report", folder / "r.html", "--report", folder / "r.json",
        )  # fmt: skip
        assert result.exit_code == 0
        assert files_below(folder) == {"out.cbz", "r.html", "r.json"}
        assert f"{folder / 'r.html'}: report, 0." in result.stderr
        pages = json.loads((folder / "r.json").read_text())["documents"][0]["pages"]
        assert [page["doubt"]["level"] for page in pages] == ["clean"] * 3
        assert [page["decisions"][0]["action"] for page in pages] == ["fill"] * 3
        text = (folder / "r.html").read_text()
        assert all(f'id="{kind}-3"' in text for kind in ("thumbnail", "before", "patch", "page"))

    def test_a_run_that_fails_leaves_no_report(self, tmp_path: Path) -> None:
        (tmp_path / "broken.png").write_bytes(b"nothing")
        assert (
            clean(tmp_path / "broken.png", "--report", tmp_path / "new" / "r.html").exit_code == 2
        )
        assert files_below(tmp_path) == {"broken.png"}

    def test_no_report_among_the_pages(self, page: Path) -> None:
        result = clean(
            page.parent, "-o", page.parent.parent / "o", "--report", page.parent / "r.html"
        )
        assert result.exit_code == 5
        assert "read as pages the next time" in result.stderr

    def test_log_json(self, page: Path, book: Path) -> None:
        result = clean(page, book, "-o", book.parent / "o", "--log-json", "--json",
                       "--report", book.parent / "r.html")  # fmt: skip
        assert result.exit_code == 0
        assert json.loads(result.stdout)["counts"]["pages"] == 4
        told = [json.loads(line) for line in result.stderr.splitlines()]
        names = [event["event"] for event in told]
        assert names.count("document_opened") == names.count("document_finished") == 2
        assert names.count("page_started") == names.count("page_finished") == 4
        assert names[-2:] == ["run_finished", "report_written"]
        assert told[-2]["counts"]["cleaned"] == 4

    @pytest.mark.parametrize(
        ("args", "code", "says"),
        [
            (("broken.png",), 2, "broken.png"),
            (("page.png", "--verify", "9"), 1, "verify"),
            (("page.png", "--no-such-option"), 1, "--no-such-option"),
        ],
    )
    def test_log_json_tells_errors_in_json(
        self,
        page: Path,
        monkeypatch: pytest.MonkeyPatch,
        args: tuple[str, ...],
        code: int,
        says: str,
    ) -> None:
        monkeypatch.chdir(page.parent)
        (page.parent / "broken.png").write_bytes(b"nothing")
        for more in ((), ("-q",)):
            result = clean(*args, "--log-json", *more)
            assert result.exit_code == code
            error = json.loads(result.stderr.splitlines()[-1])
            assert error["event"] == "error"
            assert says in error["text"]
            assert error["exit_code"] in (code, None)

    def test_options_reach_the_cleaner(self, page: Path) -> None:
        result = clean(page, "--only", "sfx,sign", "--json", "-q", "--profile", "comic")
        told = json.loads(result.stdout)
        assert told["options"]["only"] == ["sfx", "sign"]
        assert told["options"]["reading_order"] == "ltr"
        assert told["counts"] == {
            "pages": 1, "cleaned": 0, "untouched": 1, "skipped": 0, "failed": 0,
            "regions": 1, "removed": 0, "residual": 0,
        }  # fmt: skip
        assert page.with_name("page.clean.png").read_bytes() == page.read_bytes()

    def test_overwrite(self, page: Path) -> None:
        out = page.with_name("page.clean.png")
        out.write_bytes(b"old")
        refused = clean(page)
        assert refused.exit_code == 5
        assert out.read_bytes() == b"old"
        assert clean(page, "--overwrite").exit_code == 0
        assert out.read_bytes() != b"old"


class TestExitCodes:
    def test_some_pages_failed(self, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _detector_with(monkeypatch, _failing_on("2.png", CorruptInputError("it is damaged")))
        result = clean(book)
        assert result.exit_code == 4
        assert "error: [2/3] 2.png: it is damaged" in result.stderr
        assert "1 of 3 pages failed and were taken over as they were" in result.stderr
        assert book.with_name("book.clean.cbz").exists()

    def test_failed_pages_are_told_even_when_quiet(
        self, book: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _detector_with(monkeypatch, _failing_on("2.png", CorruptInputError("it is damaged")))
        assert "2.png: it is damaged" in clean(book, "-q").stderr

    def test_one_of_several_inputs_failed(self, page: Path, book: Path) -> None:
        missing = page.with_name("missing.png")
        result = clean(missing, page, "--json")
        assert result.exit_code == 4
        assert result.stderr.count("error:") == 1
        told = json.loads(result.stdout)
        assert told["failed_documents"][0]["source"] == str(missing)
        assert page.with_name("page.clean.png").exists()

    def test_all_inputs_failed_in_the_same_way(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(b"")
        (tmp_path / "b.png").write_bytes(b"no image")
        assert clean(tmp_path / "a.png", tmp_path / "b.png").exit_code == 2
        assert clean(tmp_path / "a.png", tmp_path / "missing.png").exit_code == 4

    def test_residual_text_under_strict(self, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _detector_with(monkeypatch, SeesGhosts())
        assert clean(page, "-o", page.with_name("1.png"), "--verify", 1).exit_code == 0
        _detector_with(monkeypatch, SeesGhosts())
        result = clean(page, "-o", page.with_name("2.png"), "--verify", 1, "--strict")
        assert result.exit_code == 6
        assert "the output was written to" in result.stderr
        assert page.with_name("2.png").exists()

    def test_interrupted(self, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _detector_with(monkeypatch, _failing_on("page.png", KeyboardInterrupt()))
        before = files_below(page.parent)
        result = clean(page, "--mask-out", page.with_name("m.png"))
        assert result.exit_code == 130
        assert result.stderr.splitlines()[-1].startswith("error: interrupted")
        assert files_below(page.parent) == before

    def test_a_page_with_an_unexpected_error(
        self, page: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _detector_with(monkeypatch, _failing_on("page.png", ZeroDivisionError("by zero")))
        result = clean(page)
        assert result.exit_code == 4
        assert len(result.stderr.splitlines()) == 1
        assert "ZeroDivisionError: by zero" in result.stderr
        assert "Traceback" in clean(page, "-v").stderr

    def test_a_command_with_an_unexpected_error(
        self, page: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: object, **settings: object) -> None:
            raise RuntimeError("the roof\nis on fire")

        monkeypatch.setattr("textclean.cli.outputs.plan_clean", broken)
        result = clean(page)
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert "RuntimeError: the roof is on fire" in line
        assert "run with -v for the traceback" in line
        loud = clean(page, "-qv")
        assert "Traceback" in loud.stderr
        assert loud.exit_code == 1

    @pytest.mark.parametrize(
        "args",
        [
            ("clean",),
            ("clean", "page.png", "--colour"),
            ("clean", "page.png", "--verify", "often"),
            ("clean", "page.png", "--verify", "9"),
            ("clean", "page.png", "--dilate", "far"),
            ("clean", "page.png", "--dilate", "-3"),
            ("clean", "page.png", "--min-score", "2"),
            ("clean", "page.png", "--pages", "two"),
            ("clean", "page.png", "--pages", "2"),
            ("clean", "page.png", "--mask", "hexagons"),
            ("clean", "page.png", "--only", "sfx", "--except", "sign"),
            ("clean", "page.png", "--only", "poems"),
            ("clean", "page.png", "--keep-text", "("),
            ("clean", "page.png", "--reading-order", "boustrophedon"),
            ("clean", "page.png", "--pdf-renderer", "gutenberg"),
            ("clean", "page.png", "--detector", "regions"),
            ("clean", "page.png", "--shard", "3/2"),
            ("clean", "page.png", "--memory", "plenty"),
            ("clean", "page.png", "--on-error", "cry"),
            ("clean", "page.png", "--jobs", "-1"),
            ("clean", "page.png", "--report", "r.html", "--report", "r.html"),
            ("clean", "page.png", "-o", "page.gif"),
            ("clean", "page.png", "other.png", "--mask-out", "m.png"),
            ("clean", "page.png", "page.png", "-o", "out"),
            ("clean", "page.png", "page.webp", "--mask-out", "masks"),
            ("inpaint", "page.png"),
            ("models", "path", "unheard-of"),
            ("compose",),
            ("--colour",),
        ],
        ids=" ".join,
    )
    def test_a_wrong_call(
        self, page: Path, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(page.parent)
        before = files_below(page.parent)
        given = [*args, *FAKE] if args[0] == "clean" and "--detector" not in args else args
        result = run(*given)
        assert result.exit_code == 1
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ")
        assert files_below(page.parent) == before


class TestDetect:
    def test_writes_regions_and_a_picture(self, page: Path, book: Path) -> None:
        result = run("detect", page, book, "--detector", "fake")
        assert result.exit_code == 0
        assert files_below(page.parent) == {
            "page.png", "page.regions.json", "page.overlay.png",
            "book.cbz", "book.regions.json", "book.overlay",
            *(f"book.overlay/{n}.png" for n in (1, 2, 3)),
        }  # fmt: skip
        assert "3 regions found, 3 to remove" in result.stderr

    def test_into_a_folder(self, page: Path) -> None:
        out = page.parent / "found"
        assert run("detect", page, "-o", out, "--detector", "fake").exit_code == 0
        assert files_below(out) == {"page.regions.json", "page.overlay.png"}

    def test_loads_no_inpainter(self, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def never(*args: object, **settings: object) -> None:
            raise AssertionError("an inpainter was loaded")

        monkeypatch.setattr("textclean.api.build.load_inpainter", never)
        assert run("detect", page, "--detector", "fake").exit_code == 0


class TestBatches:
    def test_a_dry_run_prints_the_plan(self, page: Path, book: Path) -> None:
        before = files_below(page.parent)
        out = page.parent / "out"
        result = clean(page, book, "-o", out, "--dry-run")
        assert result.exit_code == 0
        assert files_below(page.parent) == before
        first, second, total = result.stdout.splitlines()
        assert first == f"{page} -> {out / 'page.png'}: 1 page"
        assert second == f"{book} -> {out / 'book.cbz'}: 3 pages"
        assert total.startswith("2 documents, 4 pages, about 8 s (2.0 s a page, a guess")
        told = json.loads(clean(page, book, "-o", out, "--dry-run", "--json").stdout)
        assert told["pages"] == 4
        assert told["measured"] is False

    def test_going_on_and_telling_so(self, page: Path, book: Path) -> None:
        out = page.parent / "out"
        assert clean(page, book, "-o", out).exit_code == 0
        result = clean(page, book, "-o", out)
        assert result.exit_code == 0
        assert f"{book}: 3 pages done by an earlier run" in result.stderr
        measured = clean(page, book, "-o", out, "--dry-run").stdout.splitlines()[-1]
        assert "measured in an earlier run" in measured
        assert clean(page, book, "-o", out, "--no-resume").exit_code == 5
        assert clean(page, book, "-o", out, "--dilate", 9).exit_code == 5
        assert clean(page, book, "-o", out, "--dilate", 9, "--resume").exit_code == 0

    def test_an_interrupted_run_tells_what_is_kept(
        self, book: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _detector_with(monkeypatch, _failing_on("3.png", KeyboardInterrupt()))
        result = clean(book)
        assert result.exit_code == 130
        assert "2 pages done; the same command goes on from there" in result.stderr
        _detector_with(monkeypatch, FakeDetector())
        again = clean(book)
        assert again.exit_code == 0
        assert "2 pages done by an earlier run" in again.stderr
        assert files_below(book.parent) == {"book.cbz", "book.clean.cbz"}

    def test_the_report_knows_the_pages_of_the_interrupted_run(
        self, book: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reports = ("--report", book.with_name("r.html"), "--report", book.with_name("r.json"))
        _detector_with(monkeypatch, _failing_on("3.png", KeyboardInterrupt()))
        assert clean(book, *reports).exit_code == 130
        assert not book.with_name("r.html").exists()
        _detector_with(monkeypatch, FakeDetector())
        assert clean(book, *reports).exit_code == 0
        assert files_below(book.parent) == {"book.cbz", "book.clean.cbz", "r.html", "r.json"}
        pages = json.loads(book.with_name("r.json").read_text())["documents"][0]["pages"]
        assert [len(page["decisions"]) for page in pages] == [1, 1, 1]
        text = book.with_name("r.html").read_text()
        assert all(f'id="{kind}-{n}"' in text for kind in ("before", "patch") for n in (1, 2, 3))

    def test_failures_that_are_not_to_be(self, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _detector_with(monkeypatch, _failing_on("2.png", CorruptInputError("damaged")))
        stopped = clean(book, "--on-error", "stop")
        assert stopped.exit_code == 4
        assert "the run ends with the first page that failed" in stopped.stderr
        assert clean(book, "--max-failures", 0).exit_code == 4
        assert clean(book, "--on-error", "skip").exit_code == 4
        assert set(read_archive(book.with_name("book.clean.cbz"))) == {"1.png", "3.png"}

    def test_status(self, page: Path, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _detector_with(monkeypatch, _failing_on("2.png", CorruptInputError("damaged")))
        out = page.parent / "out"
        clean(page, book, "-o", out)
        result = run("status", out)
        assert result.exit_code == 0
        head, failed = result.stdout.splitlines()
        assert head.startswith("4 pages: 3 cleaned, 1 failed; ")
        assert failed == "  failed: book.cbz: 2.png: damaged"
        (told,) = json.loads(run("status", out, "--json").stdout)
        assert told["failed_pages"] == {"book.cbz//2.png": "damaged"}
        assert run("status", page.parent).exit_code == 5

    def test_shards_and_their_status(self, page: Path) -> None:
        scans, out = page.parent / "scans", page.parent / "out"
        scans.mkdir()
        for number in range(6):
            lettered(text=str(number)).save(scans / f"{number}.png")
        assert clean(scans, "-o", out, "--shard", "1/3").exit_code == 0
        assert clean(scans, "-o", out, "--shard", "3/3").exit_code == 0
        assert "no journal of shard 2/3" in run("status", out, "--merge").stdout
        assert clean(scans, "-o", out, "--shard", "2/3").exit_code == 0
        (told,) = json.loads(run("status", out, "--merge", "--json").stdout)
        assert told["pages"] == told["cleaned"] == 6
        assert told["missing_shards"] == []
        assert len(json.loads(run("status", out, "--json").stdout)) == 3

    def test_patterns_lists_and_folders_of_documents(self, page: Path, book: Path) -> None:
        folder = page.parent
        assert clean(folder / "*.png", "-o", folder / "a.png").exit_code == 0
        assert clean(folder / "*.gif", "-o", folder / "a").exit_code == 5
        listed = CliRunner().invoke(
            app,
            ["clean", "-", "-o", str(folder / "b"), *FAKE],
            input=f"{page}\n{book}\n".encode(),
        )
        assert listed.exit_code == 0
        assert {"page.png", "book.cbz"} <= files_below(folder / "b")
        series = folder / "series"
        (series / "vol 1").mkdir(parents=True)
        book.rename(series / "vol 1" / "1.cbz")
        page.rename(series / "page.png")
        assert clean(series).exit_code == 0
        assert {"page.png", "vol 1/1.cbz"} <= files_below(folder / "series-clean")


class TestInpaint:
    def test_fills_a_drawn_mask(self, page: Path) -> None:
        mask = page.with_name("mask.png")
        assert clean(page, "-o", page.with_name("a.png"), "--mask-out", mask).exit_code == 0
        out = page.with_name("out.png")
        result = run("inpaint", page, mask, "-o", out, "--inpainter", "fake", "--json", "-q")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["counts"]["cleaned"] == 1
        assert out.exists()

    def test_an_empty_mask_changes_nothing(self, page: Path) -> None:
        lettered(text="").convert("1").point(lambda value: 0).save(page.with_name("mask.png"))
        out = page.with_name("out.png")
        result = run("inpaint", page, page.with_name("mask.png"), "-o", out, "--inpainter", "fake")
        assert result.exit_code == 0
        assert out.read_bytes() == page.read_bytes()


class TestModels:
    def test_list(self) -> None:
        result = run("models", "list")
        assert result.exit_code == 0
        assert "telea" in result.stdout
        assert "ppocr" in result.stdout
        told = json.loads(run("models", "list", "--json").stdout)
        assert set(told) == {"weights", "inpainters", "detectors"}
        assert "fake" in told["inpainters"]

    def test_verify(self) -> None:
        result = run("models", "verify")
        assert result.exit_code == 0
        assert len(result.stdout.splitlines()) == len(textclean.weights.WEIGHTS)

    def test_convert_wants_a_checkpoint(self, tmp_path: Path) -> None:
        source, out = tmp_path / "in.pt", tmp_path / "out.safetensors"
        assert run("models", "convert", source, out).exit_code == 3
        source.write_bytes(b"garbage")
        result = run("models", "convert", source, out)
        assert result.exit_code == 3
        assert len(result.stderr.splitlines()) == 1
        assert not out.exists()

    def test_convert_replaces_nothing(self, tmp_path: Path) -> None:
        source, out = tmp_path / "in.pt", tmp_path / "out.safetensors"
        source.write_bytes(b"garbage")
        out.write_bytes(b"old")
        assert run("models", "convert", source, source, "--overwrite").exit_code == 5
        assert run("models", "convert", source, out).exit_code == 5
        assert source.read_bytes() == b"garbage"
        assert out.read_bytes() == b"old"


class TestLab:
    def test_eval_measures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, Any] = {}

        def measure(data: object, **settings: Any) -> Any:
            asked.update(settings, data=data)
            raise OptionsError("there is nothing to measure")

        monkeypatch.setattr("textclean.evaluation.run.evaluate", measure)
        result = run("eval", "--data", "truth", "--sets", "manga, comics", "--limit", 2)
        assert result.exit_code == 1
        assert str(asked["data"]) == "truth"
        assert asked["sets"] == ("manga", "comics")
        assert asked["suites"] == ("clean", "fill")
        assert asked["limit"] == 2

    def test_train_trains(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        asked: dict[str, Any] = {}

        def train(**settings: Any) -> Path:
            asked.update(settings)
            return tmp_path / "samples.png"

        monkeypatch.setattr("textclean.training.run.run_from_cli", train)
        result = run("train", "inpaint", "--out", tmp_path, "--minutes", "1.5", "--dry-run")
        assert result.exit_code == 0
        assert result.stdout.strip() == str(tmp_path / "samples.png")
        assert asked["task"] == "inpaint"
        assert asked["minutes"] == 1.5
        assert asked["dry"] is True


class TestHelp:
    @pytest.mark.parametrize(
        "command",
        [(), ("clean",), ("detect",), ("inpaint",), ("eval",), ("models",), ("train", "inpaint")],
        ids=" ".join,
    )
    def test_help(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--help")
        assert result.exit_code == 0
        assert "Usage: " in result.stdout
        assert command == () or "Examples:" in result.stdout

    def test_no_command_is_a_question_for_help(self) -> None:
        result = run()
        assert result.exit_code == 0
        assert "Usage: " in result.stdout

    def test_version(self) -> None:
        assert run("--version").stdout == f"textclean {textclean.__version__}\n"

    def test_the_examples_are_calls_that_parse(self) -> None:
        """No example shows an option that does not exist."""
        import shlex

        from textclean.cli import documents, inpaint, lab, models, training

        examples = (
            *documents.CLEAN_EXAMPLES,
            *documents.DETECT_EXAMPLES,
            *inpaint.INPAINT_EXAMPLES,
            *models.MODELS_EXAMPLES,
            *lab.EVAL_EXAMPLES,
            *training.TRAIN_EXAMPLES,
            *training.INK_EXAMPLES,
        )
        for example in examples:
            program, *args = shlex.split(example)
            assert program == "textclean"
            # --help stops before anything is done, but not before the options are known.
            result = run(*args, "--help")
            assert result.exit_code == 0, example


class TestOptions:
    def test_what_is_not_given_is_as_in_the_profile(self) -> None:
        options = options_from({"profile": "comic", "ocr": None, "only": None, "inputs": ["x"]})
        assert options.reading_order == "ltr"
        assert options.only == ()

    def test_lists_are_split(self) -> None:
        options = options_from({"keep_language": ["en, ja", "ko"]})
        assert options.keep_language == ("en", "ja", "ko")

    @pytest.mark.parametrize(
        ("text", "pixels"), [("auto", None), ("0", 0), ("12", 12), (None, None)]
    )
    def test_dilate(self, text: str | None, pixels: int | None) -> None:
        assert options_from({"dilate": text}).dilate == pixels

    def test_a_regions_file_is_a_detector(self) -> None:
        assert options_from({"regions": "r.json"}).detector == "regions"
        assert options_from({"regions": "r.json", "detector": "ppocr"}).detector == "ppocr"


def test_text_from_files_cannot_talk_to_the_terminal() -> None:
    assert one_line("a\x1b[2Jb\r\nc\td\x9b") == "a [2Jb c d"
    assert one_line("名前 \udce9.png") == "名前 �.png"


def test_plurals() -> None:
    assert [plural(n, "page") for n in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]
