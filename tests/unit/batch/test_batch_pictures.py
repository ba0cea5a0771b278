"""Pictures that a run writes as another format: alone, many, and the pages of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, files_below, lettered, write_archive
from PIL import Image as PILImage

from textclean import Options, clean_document, make_cleaner
from textclean.batch import Batch, Input, Job, run_batch
from textclean.cli.outputs import common_folder, plan_clean
from textclean.errors import OptionsError, OutputExistsError
from textclean.io import read_image

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.batch import BatchResult

LOSS = "JPEG: pages of other formats are written with loss, at quality 95"
FAKES = {"detector": FakeDetector(), "inpainter": FakeInpainter(), "ink": False}


def _pixels(path: Path) -> np.ndarray:
    with PILImage.open(path) as image:
        return np.array(image.convert("RGB"))


def _batch(sources: list[Path], output: Path, to: str) -> BatchResult:
    inputs = [Input(source) for source in sources]
    plans = plan_clean(inputs, str(output), to=to)
    jobs = [Job(plan.source, plan.output, Options(ink=False), to=plan.to) for plan in plans]
    cleaner = make_cleaner(Options(ink=False), detector=FakeDetector(), inpainter=FakeInpainter())
    folder = common_folder(inputs, str(output))
    return run_batch(Batch(jobs=jobs, workers=0, folder=folder), lambda _: cleaner.clean)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".bmp"])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "BMP", "PNG"])
def test_pixels_outside_the_mask_are_the_decoded_sources(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    source, out = tmp_path / f"page.{kind.lower()}", tmp_path / f"clean{suffix}"
    lettered().save(source, kind)
    report = clean_document(source, out, mask_out=tmp_path / "mask.png", **FAKES)
    assert report.pages[0].status == "cleaned"
    mask = np.array(PILImage.open(tmp_path / "mask.png")) > 0
    before, after = _pixels(source), _pixels(out)
    assert (before == after)[~mask].all()
    assert not (before == after)[mask].all()


def test_a_jpeg_tells_its_loss(tmp_path: Path) -> None:
    lettered().save(tmp_path / "page.png")
    report = clean_document(tmp_path / "page.png", tmp_path / "clean.jpg", **FAKES)
    told = report.pages[0].warnings
    assert LOSS in told
    blank = PILImage.new("RGB", (60, 50), "white")
    blank.save(tmp_path / "blank.png")
    report = clean_document(tmp_path / "blank.png", tmp_path / "blank.jpg", **FAKES)
    assert report.warnings == (LOSS,)
    assert read_image(tmp_path / "blank.jpg").metadata.format == "JPEG"


def test_many_pictures_become_one_format(tmp_path: Path) -> None:
    sources = [tmp_path / "a.webp", tmp_path / "b.png", tmp_path / "c.tif"]
    for source in sources:
        lettered().save(source)
    for _ in range(2):  # the second run finds everything done
        result = _batch(sources, tmp_path / "out", "png")
        assert not result.failures
        assert result.resumed in (0, 3)
        assert files_below(tmp_path / "out") - {".textclean"} >= {"a.png", "b.png", "c.png"}
        for source in sources:
            out = tmp_path / "out" / f"{source.stem}.png"
            assert read_image(out).metadata.format == "PNG"
            assert not (_pixels(out) == _pixels(source)).all()


def test_a_document_becomes_a_folder_of_pictures(tmp_path: Path) -> None:
    blank = encoded(PILImage.new("RGB", (60, 50), "white"))
    pages = {"1.png": encoded(lettered()), "2.png": blank}
    book = write_archive(tmp_path / "book.cbz", pages)
    result = _batch([book], tmp_path / "pages", "webp")
    assert not result.failures
    out = tmp_path / "pages"
    assert {path.name for path in out.iterdir() if path.is_file()} == {"1.webp", "2.webp"}
    assert (read_image(out / "2.webp").rgb == read_image(blank).rgb).all()
    again = clean_document(book, tmp_path / "api", to="png", **FAKES)
    assert (tmp_path / "api/2.png").read_bytes() == blank
    assert len(again.pages) == 2
    with pytest.raises(OutputExistsError, match="not empty"):
        clean_document(book, tmp_path / "api", to="png", **FAKES)
    with pytest.raises(OptionsError, match="Name a folder"):
        clean_document(book, tmp_path / "book.png", to="png", **FAKES)


def test_formats_that_are_there_already_are_no_conversion(tmp_path: Path) -> None:
    sources = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for source in sources:
        lettered().save(source)
    result = _batch(sources, tmp_path / "out", "tiff")
    assert [page.status for d in result.documents for page in d.pages] == ["cleaned", "cleaned"]
