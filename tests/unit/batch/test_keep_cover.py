"""The cover stays as it is on request, and a run converts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import FakeDetector, FakeInpainter, encoded, lettered, read_archive, write_archive

from textclean.api import make_cleaner
from textclean.batch import Job, PageSelection, resolve_output, run_job
from textclean.io import open_source
from textclean.options import Options

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("p1.png", "p2.png", "p3.png")
INFO = b'<ComicInfo><Pages><Page Image="1" Type="FrontCover"/></Pages></ComicInfo>'


@pytest.mark.parametrize("info", [b"<ComicInfo/>", INFO])
def test_the_cover_stays(tmp_path: Path, info: bytes) -> None:
    pages = {name: encoded(lettered(text=name[:2])) for name in NAMES}
    book = write_archive(tmp_path / "book.cbz", {**pages, "ComicInfo.xml": info})
    cover = 2 if info == INFO else 1
    out = tmp_path / "out.cbz"
    job = Job(book, out, Options(keep_cover=True), pages=PageSelection.of("1-2"))
    cleaner = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    result = run_job(job, lambda: cleaner.clean)
    status = [page.status for page in result.pages]
    assert status[cover - 1] == "skipped"
    assert status.count("cleaned") == 1
    after = read_archive(out)
    assert after[NAMES[cover - 1]] == pages[NAMES[cover - 1]]
    assert after[NAMES[2 - cover]] != pages[NAMES[2 - cover]]


def test_a_run_converts(tmp_path: Path) -> None:
    pages = {name: encoded(lettered(text=name[:2])) for name in NAMES}
    book = write_archive(tmp_path / "book.cbz", pages)
    out, to = resolve_output(book, tmp_path / "out.pdf")
    cleaner = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    result = run_job(Job(book, out, Options(), to=to), lambda: cleaner.clean)
    assert len(result.with_status("cleaned")) == 3
    with open_source(out) as source:
        assert [entry.name for entry in source.entries] == ["page 1", "page 2", "page 3"]
