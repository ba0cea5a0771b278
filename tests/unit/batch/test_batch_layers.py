"""Files of layers beside the cleaned document."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, files_below, lettered, write_archive
from PIL import Image as PILImage
from psd_tools import PSDImage

from textclean import Options, make_cleaner
from textclean.batch import Batch, Job, SidecarPaths, run_batch, run_job
from textclean.batch.job import open_job, refuse_sizes
from textclean.batch.layered import LayerWishes
from textclean.errors import OptionsError, OutputExistsError, UnsupportedFormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textclean.batch import DocumentResult
    from textclean.types import Page, PageResult


def _run(source: Path, output: Path, **paths: Path | LayerWishes) -> DocumentResult:
    cleaner = make_cleaner(Options(ink=False), detector=FakeDetector(), inpainter=FakeInpainter())
    job = Job(source, output, Options(), sidecars=SidecarPaths(**paths))
    return run_job(job, lambda: cleaner.clean)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    lettered().save(path)
    return path


def test_a_page_becomes_a_psd_and_an_openraster_file(tmp_path: Path, page: Path) -> None:
    out = tmp_path / "clean.png"
    result = _run(page, out, psd=tmp_path / "a.psd", ora=tmp_path / "a.ora")
    assert [path.name for path in result.files] == ["a.psd", "a.ora"]
    merged = PSDImage.open(tmp_path / "a.psd").topil()
    assert (np.array(merged) == np.array(PILImage.open(out))).all()
    original = next(iter(PSDImage.open(tmp_path / "a.psd"))).numpy()
    assert (np.rint(original * 255) == np.array(lettered())).all()


def test_pages_of_a_document_lie_in_a_folder(tmp_path: Path) -> None:
    data = encoded(lettered())
    book = write_archive(tmp_path / "book.cbz", {"a/1.png": data, "a/2.png": data})
    _run(book, tmp_path / "out.cbz", psd=tmp_path / "p", layers=LayerWishes(large=True))
    assert files_below(tmp_path / "p") == {"a", "a/1.psb", "a/2.psb"}
    assert PSDImage.open(tmp_path / "p/a/1.psb").version == 2


def test_each_region_may_have_its_layer(tmp_path: Path, page: Path) -> None:
    _run(page, tmp_path / "o.png", psd=tmp_path / "a.psd", layers=LayerWishes(per_region=True))
    clean = list(PSDImage.open(tmp_path / "a.psd"))[1]
    assert clean.is_group()
    assert all(layer.name[3:] == " free" for layer in clean)


def test_pieces_are_numbered(tmp_path: Path, page: Path) -> None:
    wishes = LayerWishes(split=80)
    result = _run(page, tmp_path / "o.png", psd=tmp_path / "a.psd", layers=wishes)
    assert [path.name for path in result.files] == [f"a-{n}.psd" for n in (1, 2, 3, 4)]
    assert {PSDImage.open(path).size for path in result.files} == {(80, 60)}


def test_pieces_that_are_there_already_are_not_replaced(tmp_path: Path, page: Path) -> None:
    (tmp_path / "a-2.psd").write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        _run(page, tmp_path / "o.png", psd=tmp_path / "a.psd", layers=LayerWishes(split=80))
    assert files_below(tmp_path) == {"page.png", "a-2.psd"}


def test_a_page_too_long_for_a_psd_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    tall = PILImage.new("L", (70, 30_001), 255)
    tall.paste(lettered(70, 60, text="T").convert("L"), (0, 100))
    path = tmp_path / "tall.png"
    path.write_bytes(encoded(tall))
    with pytest.raises(OptionsError, match=r"30,000 a side.*--psb.*--split"):
        _run(path, tmp_path / "o.png", psd=tmp_path / "a.psd")
    assert files_below(tmp_path) == {"tall.png"}
    _run(path, tmp_path / "o.png", psd=tmp_path / "a.psb")
    assert PSDImage.open(tmp_path / "a.psb").size == (70, 30_001)


def test_that_a_page_is_too_long_is_told_before_any_is_cleaned(tmp_path: Path) -> None:
    tall = encoded(PILImage.new("L", (70, 30_001), 255))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.png").write_bytes(encoded(lettered()))
    (folder / "2.png").write_bytes(tall)
    tiff = tmp_path / "tall.tif"
    PILImage.new("L", (70, 30_001), 255).save(tiff)
    book = write_archive(tmp_path / "book.cbz", {"1.png": encoded(lettered()), "2.png": tall})
    for source in (folder, tiff, book):
        job = Job(source, tmp_path / "out", Options(), sidecars=SidecarPaths(psd=tmp_path / "p"))
        with pytest.raises(OptionsError, match=r"70 x 30001 pixels.*30,000 a side.*--psb"):
            run_job(job, _never)
        with pytest.raises(OptionsError, match=r"30,000 a side"):
            run_batch(Batch(jobs=(job,), workers=0), lambda _: _never())
        wishes = LayerWishes(split=9000)
        split = replace(job, sidecars=replace(job.sidecars, layers=wishes))
        with open_job(split) as document:
            refuse_sizes(split, document, range(1, len(document.entries) + 1))
    with pytest.raises(UnsupportedFormatError, match=r"16,383 a side"):
        run_job(Job(folder / "2.png", tmp_path / "o.webp", Options(), to="webp"), _never)


def _never() -> Callable[[Page], PageResult]:
    raise AssertionError("nothing is to be cleaned")


def test_wishes_that_contradict_each_other_are_refused(tmp_path: Path, page: Path) -> None:
    with pytest.raises(OptionsError, match=r"Name it a\.psb"):
        _run(page, tmp_path / "o.png", psd=tmp_path / "a.psd", layers=LayerWishes(large=True))
    with pytest.raises(OptionsError, match="64 pixels"):
        LayerWishes(split=3)


def test_the_same_page_gives_the_same_bytes(tmp_path: Path, page: Path) -> None:
    found = []
    for folder in (tmp_path / "1", tmp_path / "2"):
        _run(page, folder / "o.png", psd=folder / "a.psd", ora=folder / "a.ora")
        found.append([(folder / name).read_bytes() for name in ("a.psd", "a.ora")])
    assert found[0] == found[1]
    assert PSDImage.open(io.BytesIO(found[0][0])).size == (160, 120)
