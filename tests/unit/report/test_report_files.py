"""The files of a report: bounded, whole or not at all, and nothing that can break out of them."""

from __future__ import annotations

import io
import json
import re
import string
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from fakes import files_below
from PIL import Image as PILImage
from reported import MIXED, page, picture, region, told

import textclean.report
from textclean.batch import DocumentResult, run_dict
from textclean.errors import FileAccessError, OptionsError, OutputExistsError, PageError
from textclean.report import ReportFiles, html
from textclean.report.data import SCHEMA

SCHEMA_FILE = Path(textclean.report.__file__).with_name(SCHEMA)


def _inert(text: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found is not None, name
    return found[1]


def _written(path: Path, pages=MIXED, *, failures=None, **settings) -> str:
    files = ReportFiles([path], **settings)
    told(files.collector, pages)
    files.write(failures or {}, {"profile": "manga"})
    files.close()
    return path.read_text("utf-8")


class TestJson:
    def test_it_follows_its_schema(self, tmp_path: Path) -> None:
        text = _written(tmp_path / "r.json", failures={"no.pdf": PageError("none worked")})
        schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(text), schema)
        broken = json.loads(text)
        del broken["documents"][0]["pages"][0]["doubt"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)

    def test_it_is_the_result_and_the_decisions(self, tmp_path: Path) -> None:
        files = ReportFiles([tmp_path / "r.json"])
        result = told(files.collector)
        files.write({}, {"profile": "manga"})
        files.close()
        got = json.loads((tmp_path / "r.json").read_text())
        plain = run_dict([result], {}, {"profile": "manga"})
        assert got["counts"] == plain["counts"]
        (document,) = got["documents"]
        for told_page, plain_page in zip(
            document["pages"], plain["documents"][0]["pages"], strict=True
        ):
            assert {key: told_page[key] for key in plain_page} == plain_page
        assert document["pages"][1]["decisions"] == [
            region("inpaint", confidence=31.5, kind="sfx", background="art")
        ]
        assert document["pages"][1]["doubt"]["level"] == "look"
        assert document["pages"][1]["size"] == [120, 160]
        assert document["pages"][5]["size"] is None

    def test_no_pictures_are_made_for_it(self, tmp_path: Path) -> None:
        assert not ReportFiles([tmp_path / "r.json"]).viewer.pictures
        assert ReportFiles([tmp_path / "r.json", tmp_path / "r.HTML"]).viewer.pictures


class TestHtml:
    def test_rows_are_in_the_order_of_doubt(self, tmp_path: Path) -> None:
        head = json.loads(_inert(_written(tmp_path / "r.html"), "run"))
        assert [row["number"] for row in head["pages"]] == [3, 4, 2, 1, 7, 5, 6]
        assert head["total"] == 7
        assert head["levels"]["clean"] == 2
        assert head["warnings"] == [["grew", 1]]
        assert head["stages"] == {"detect": 3.0, "fill": 1.5, "files": 1.5}
        assert head["folder"] is None

    def test_pictures_lie_inside_while_they_are_few(self, tmp_path: Path) -> None:
        import base64

        text = _written(tmp_path / "r.html")
        assert base64.b64decode(_inert(text, "before-2")) == picture(2, "before")
        assert base64.b64decode(_inert(text, "patch-2")) == picture(2, "patch")
        assert base64.b64decode(_inert(text, "thumbnail-2")) == picture(2, "thumbnail")
        assert files_below(tmp_path) == {"r.html"}

    def test_and_beside_it_when_they_are_many(self, tmp_path: Path) -> None:
        files = ReportFiles([tmp_path / "r.html"], inside=100)
        told(files.collector)
        (written,) = files.write({}, {})
        files.close()
        text = (tmp_path / "r.html").read_text()
        folder = tmp_path / "r-files"
        assert written.folder == folder
        assert written.bytes == len(text.encode())
        assert written.picture_bytes == sum(item.stat().st_size for item in folder.iterdir())
        assert (folder / "000002-before.jpg").read_bytes() == picture(2, "before")
        assert not (folder / "000005-patch.webp").exists()  # nothing changed there
        assert json.loads(_inert(text, "run"))["folder"] == "r-files"
        assert 'id="before-2"' not in text
        assert PILImage.open(io.BytesIO((folder / "000002-patch.webp").read_bytes())).mode == "RGBA"

    def test_it_asks_nothing_of_a_network_and_runs_only_its_own_script(
        self, tmp_path: Path
    ) -> None:
        import base64
        import hashlib

        text = _written(tmp_path / "r.html")
        addresses = set(re.findall(r"https?://[^\s\"'<)]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "unsafe" not in policy[1]
        (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
        assert not re.search(r"<[^>]+\s(style|on\w+)=", text.split("<script", 1)[0])

    def test_names_cannot_break_out(self, tmp_path: Path) -> None:
        evil = "</script><script>alert(1)</script><!--.png"
        odd = "caf\udce9.png"  # a byte that is no text
        pages = [page(1, name=evil, warnings=(evil,)), page(2, name=odd)]
        text = _written(tmp_path / "r.html", pages)
        assert "alert(1)</script>" not in text
        names = {row["name"] for row in json.loads(_inert(text, "run"))["pages"]}
        assert names == {evil, "caf?.png"}

    def test_the_size_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(html, "MAX_ROWS", 3)
        monkeypatch.setattr(html, "DETAIL_BYTES", 600)
        text = _written(tmp_path / "r.html")
        head = json.loads(_inert(text, "run"))
        assert [row["number"] for row in head["pages"]] == [3, 4, 2]
        assert head["total"] == 7
        assert 'id="page-3"' in text
        assert 'id="page-2"' not in text

    def test_the_surest_pages_lose_their_pictures(self, tmp_path: Path) -> None:
        size = len(picture(1, "before")) + len(picture(1, "patch"))
        text = _written(tmp_path / "r.html", budget=round(2.6 * size))
        head = json.loads(_inert(text, "run"))
        with_pictures = [row["number"] for row in head["pages"] if row["pictures"]]
        assert with_pictures == [3, 4, 2][: len(with_pictures)]
        assert len(with_pictures) >= 2
        assert head["left_out"] == 6 - len(with_pictures)
        assert all(row["thumbnail"] for row in head["pages"] if row["number"] != 6)

    def test_a_document_that_failed_midway_is_passed_over(self, tmp_path: Path) -> None:
        files = ReportFiles([tmp_path / "r.html"])
        files.collector.opened("broken.cbz", 1)
        files.collector.finished(page(1, "failed", reason="cut off"), None)
        told(files.collector, [page(1, told=[region("inpaint", confidence=50)])])
        files.write({"broken.cbz": PageError("none worked")}, {})
        files.close()
        head = json.loads(_inert((tmp_path / "r.html").read_text(), "run"))
        assert [(row["level"], row["document"]) for row in head["pages"]] == [("look", 0)]
        assert head["failed_documents"][0]["source"] == "broken.cbz"

    def test_the_scripts_are_text_that_any_browser_reads(self) -> None:
        for name in ("report.css", "report.template.html", *html._SCRIPTS):
            text = SCHEMA_FILE.with_name(name).read_text("utf-8")
            assert "</script" not in text.replace("<!-- script -->", "") or name.endswith("html")
            assert set(text) - set(string.printable) <= set("–·‹›−")

    def test_warnings_that_differ_in_numbers_are_one(self, tmp_path: Path) -> None:
        pages = [
            page(1, warnings=("12 pixels changed by 3.5", "the palette is full")),
            page(2, warnings=("1,204 pixels changed by 2",)),
        ]
        head = json.loads(_inert(_written(tmp_path / "r.html", pages), "run"))
        assert head["warnings"] == [["… pixels changed by …", 2], ["the palette is full", 1]]


class TestGoingOn:
    """A run that is cut short leaves the views of its pages to the one that goes on."""

    def _cut_short(self, path: Path, pages=MIXED, *, keep: bool = True) -> None:
        files = ReportFiles([path])
        files.collector.opened("shelf/book.cbz", len(pages))
        for report in pages:
            if report.status != "skipped":
                files.collector.finished(report, None)
        files.close(keep=keep)

    def _went_on(self, path: Path, fresh=(), **settings) -> dict:
        """A run that does the ``fresh`` pages and takes the others from the earlier one."""
        files = ReportFiles([path], **settings)
        files.collector.opened("shelf/book.cbz", len(fresh))
        for report in fresh:
            files.collector.finished(report, None)
        redone = {report.number: report for report in fresh}
        pages = [redone.get(report.number, report) for report in MIXED]
        result = DocumentResult(
            "shelf/book.cbz", None, tuple(replace(report, view=None) for report in pages)
        )
        files.collector.add(result)
        files.write({}, {})
        files.close()
        return json.loads(_inert(path.read_text("utf-8"), "run"))

    def test_nothing_is_lost(self, tmp_path: Path) -> None:
        path = tmp_path / "r.html"
        self._cut_short(path)
        assert files_below(tmp_path) == {".r.html.views"}
        fresh = [page(1, told=[region("inpaint", confidence=99.0)])]
        head = self._went_on(path, fresh)
        assert [row["number"] for row in head["pages"]] == [3, 4, 1, 2, 7, 5, 6]
        assert [row["number"] for row in head["pages"] if not row["pictures"]] == [6]
        detail = json.loads(_inert(path.read_text("utf-8"), "page-2"))
        assert detail["regions"][0]["confidence"] == 31.5
        assert next(row["size"] for row in head["pages"] if row["number"] == 2) == [120, 160]
        assert files_below(tmp_path) == {"r.html"}

    @pytest.mark.parametrize("cut", [1, 700, 3000, 9000])
    def test_a_torn_record_is_cut_off(self, tmp_path: Path, cut: int) -> None:
        path = tmp_path / "r.html"
        self._cut_short(path)
        views = tmp_path / ".r.html.views"
        whole = views.read_bytes()
        views.write_bytes(whole[:-cut])
        head = self._went_on(path, [page(7)])
        seen = {row["number"] for row in head["pages"] if row["pictures"]}
        assert {1, 7} <= seen
        assert 6 not in seen
        assert len(seen) < 7

    @pytest.mark.parametrize(
        "junk",
        [b"", b"\n\n", b"[]\n", b'{"parts": [1]}\n', b"\xff" * 70_000, b"[" * 50_000 + b"\n"],
    )
    def test_a_file_of_something_else_is_started_anew(self, tmp_path: Path, junk: bytes) -> None:
        path = tmp_path / "r.html"
        (tmp_path / ".r.html.views").write_bytes(junk)
        head = self._went_on(path, [page(7)])
        assert [row["number"] for row in head["pages"] if row["pictures"]] == [7]

    def test_the_budget_holds_for_what_was_there_too(self, tmp_path: Path) -> None:
        path = tmp_path / "r.html"
        self._cut_short(path)
        size = len(picture(1, "before")) + len(picture(1, "patch"))
        head = self._went_on(path, budget=round(2.6 * size))
        seen = [row["number"] for row in head["pages"] if row["pictures"]]
        assert seen == [3, 4, 2][: len(seen)]
        assert len(seen) >= 2

    def test_two_runs_do_not_write_one_report(self, tmp_path: Path) -> None:
        one, two = (ReportFiles([tmp_path / "r.html"]) for _ in range(2))
        told(one.collector)
        with pytest.raises(FileAccessError, match=r"another run is writing to .*r\.html"):
            told(two.collector)
        two.close()
        one.close()
        assert files_below(tmp_path) == set()


class TestNames:
    def test_nothing_is_replaced_unasked(self, tmp_path: Path) -> None:
        (tmp_path / "r.html").write_text("mine")
        with pytest.raises(OutputExistsError):
            ReportFiles([tmp_path / "r.html"])
        _written(tmp_path / "r.html", overwrite=True)
        assert "mine" not in (tmp_path / "r.html").read_text()[:10]

    def test_a_new_report_replaces_the_folder_of_the_last(self, tmp_path: Path) -> None:
        _written(tmp_path / "r.html", inside=100)
        assert (tmp_path / "r-files" / "000003-before.jpg").exists()
        with pytest.raises(OutputExistsError, match="r-files"):
            (tmp_path / "r.html").rename(tmp_path / "old.html")
            ReportFiles([tmp_path / "r.html"])
        _written(tmp_path / "r.html", MIXED[:1], inside=100, overwrite=True)
        assert {item.name for item in (tmp_path / "r-files").iterdir()} == {
            "000001-thumbnail.jpg", "000001-before.jpg", "000001-patch.webp",
        }  # fmt: skip
        _written(tmp_path / "r.html", MIXED[:1], overwrite=True)
        assert files_below(tmp_path) == {"r.html", "old.html"}

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "r-files").mkdir()
        (tmp_path / "r-files" / "thesis.txt").write_text("years")
        with pytest.raises(FileAccessError, match="something else"):
            ReportFiles([tmp_path / "r.html"], overwrite=True)

    def test_one_name_for_two_reports(self, tmp_path: Path) -> None:
        with pytest.raises(OptionsError, match="same name"):
            ReportFiles([tmp_path / "r.html", tmp_path / "x" / ".." / "r.html"])

    def test_not_among_the_pages(self, tmp_path: Path) -> None:
        scans = tmp_path / "scans"
        scans.mkdir()
        ReportFiles([scans / "r.json"]).refuse_inputs([scans])
        with pytest.raises(FileAccessError, match="read as pages"):
            ReportFiles([scans / "r.html"]).refuse_inputs([tmp_path / "b.cbz", scans])
        with pytest.raises(FileAccessError, match="is the input"):
            ReportFiles([tmp_path / "r.html"], overwrite=True).refuse_inputs([tmp_path / "r.html"])

    def test_nothing_is_left_of_a_report_that_is_not_written(self, tmp_path: Path) -> None:
        files = ReportFiles([tmp_path / "new" / "r.html"])
        told(files.collector)
        files.close()
        assert files_below(tmp_path) == set()

    @pytest.mark.parametrize("broken", ["pictures", "write_html"])
    def test_nor_of_one_that_breaks_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        _written(tmp_path / "r.html", inside=100)
        before = files_below(tmp_path), (tmp_path / "r.html").read_bytes()

        def full(*args: object, **settings: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(html, broken, full)
        files = ReportFiles([tmp_path / "r.html"], inside=100, overwrite=True)
        told(files.collector, MIXED[:2])
        with pytest.raises(FileAccessError, match="No space left"):
            files.write({}, {})
        files.close()
        assert (files_below(tmp_path), (tmp_path / "r.html").read_bytes()) == before
