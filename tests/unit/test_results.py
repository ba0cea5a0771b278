"""What is made of a result, and results from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pikepdf
import pypdfium2
import pytest
from fakes import FakeDetector, FakeInpainter, lettered
from PIL import Image as PILImage
from psd_tools import PSDImage
from typer.testing import CliRunner

from textclean import PageResult, clean_document, clean_page
from textclean.cli import app
from textclean.errors import MaskError, OptionsError, OutputExistsError, TextcleanError

if TYPE_CHECKING:
    from pathlib import Path

FAKES = {"detector": FakeDetector(), "inpainter": FakeInpainter(), "ink": False}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A page, what was made of it, its mask and regions."""
    lettered(320, 240).save(tmp_path / "page.png")
    clean_document(
        tmp_path / "page.png", tmp_path / "clean.png",
        mask_out=tmp_path / "mask.png", regions_out=tmp_path / "r.json", **FAKES,
    )  # fmt: skip
    return tmp_path


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "CMYK"])
def test_a_result_is_saved_without_loss(tmp_path: Path, mode: str) -> None:
    result = clean_page(lettered(mode=mode), **FAKES)
    path = tmp_path / ("page.tif" if mode in ("1", "CMYK") else "page.png")
    result.save(path)
    assert (np.array(PILImage.open(path)) == np.array(result.image)).all()
    with pytest.raises(OutputExistsError):
        result.save(path)
    result.save(path, overwrite=True)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_the_name_says_the_format(tmp_path: Path, mode: str, suffix: str) -> None:
    result = clean_page(lettered(mode=mode), **FAKES)
    path = tmp_path / f"page{suffix}"
    result.save(path)
    shown = PILImage.open(path)
    assert shown.format == {".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    assert (np.array(shown.convert("RGB")) == np.array(result.image.convert("RGB"))).all()


def test_a_jpeg_is_near_and_other_names_are_refused(tmp_path: Path) -> None:
    result = clean_page(lettered(), **FAKES)
    result.save(tmp_path / "page.jpg")
    off = np.array(PILImage.open(tmp_path / "page.jpg")).astype(int) - np.array(result.image)
    assert np.abs(off).max() < 16
    with pytest.raises(OptionsError, match="AVIF, which a page is not written as"):
        result.save(tmp_path / "page.avif")


def test_a_result_becomes_layers(tmp_path: Path) -> None:
    result = clean_page(lettered(), **FAKES)
    result.to_psd(tmp_path / "a.psd", per_region=True)
    result.save(tmp_path / "a.psb")
    result.to_psd(tmp_path / "a.ora")
    assert (np.array(PSDImage.open(tmp_path / "a.psd").topil()) == np.array(result.image)).all()
    assert PSDImage.open(tmp_path / "a.psb").version == 2
    assert (tmp_path / "a.ora").read_bytes()[:2] == b"PK"


def test_a_result_comes_back_from_its_files(files: Path) -> None:
    made = clean_page(files / "page.png", **FAKES)
    for mask in (None, files / "mask.png"):
        again = PageResult.from_files(
            files / "page.png", files / "clean.png", files / "r.json", mask
        )
        assert (again.page.pixels == made.page.pixels).all()
        assert again.original is not None
        assert (again.original.pixels == np.array(lettered(320, 240))).all()
        assert [region.box for region in again.regions] == [region.box for region in made.regions]
        assert (again.mask <= made.mask).all() and (mask is None or (again.mask == made.mask).all())
    again.to_psd(files / "again.psd")
    assert PSDImage.open(files / "again.psd").size == (320, 240)


def test_files_that_do_not_belong_together_are_refused(files: Path) -> None:
    lettered(30, 20, text="").save(files / "small.png")
    with pytest.raises(MaskError, match="differ in size"):
        PageResult.from_files(files / "page.png", files / "small.png", files / "r.json")


def test_texts_are_set_in_the_regions() -> None:
    result = clean_page(lettered(320, 240), **FAKES)
    assert result.regions
    preview = result.overlay(["New"])
    x0, y0, x1, y1 = result.regions[0].box
    drawn = preview.layer[..., 3] > 0
    assert drawn[y0:y1, x0:x1].any()
    outside = drawn.copy()
    outside[y0 - 3 : y1 + 3, x0 - 3 : x1 + 3] = False
    assert not outside.any()
    page = preview.over(result.page.rgb)
    assert (page[~drawn] == result.page.rgb[~drawn]).all()
    assert (page != result.page.rgb).any()
    assert (preview.small, preview.missing) == ((), "")


def test_what_the_font_lacks_and_what_is_too_long_is_told() -> None:
    result = clean_page(lettered(320, 240), **FAKES)
    assert result.overlay({1: "言葉"}).missing == "葉言"
    assert result.overlay({1: "far too long " * 200}).small == (1,)


def _overlay(folder: Path, *args: str) -> object:
    (folder / "t.json").write_text(json.dumps({"p1-r1": "New"}))
    names = [str(folder / name) for name in ("clean.png", "r.json", "t.json")]
    return CliRunner().invoke(app, ["overlay", *names[:2], "--text", names[2], *args])


def test_the_command_writes_a_page_or_a_layer(files: Path) -> None:
    assert _overlay(files, "-o", str(files / "p.png")).exit_code == 0
    assert _overlay(files, "-o", str(files / "l.png"), "--transparent").exit_code == 0
    page = np.array(PILImage.open(files / "p.png")).astype(int)
    layer = np.array(PILImage.open(files / "l.png"))
    clean = np.array(PILImage.open(files / "clean.png").convert("RGB")).astype(int)
    assert layer.shape[2] == 4
    assert ((page != clean).any(axis=2) <= (layer[..., 3] > 0)).all()
    assert (page != clean).any()


def test_the_command_writes_a_pdf_whose_text_can_be_switched_off(files: Path) -> None:
    assert _overlay(files, "-o", str(files / "p.pdf")).exit_code == 0
    with pikepdf.open(files / "p.pdf") as pdf:
        (group,) = pdf.Root.OCProperties.OCGs
        assert str(group.Name) == "Text"
        stored = pdf.pages[0].Resources.XObject.Page.read_bytes()
    clean = np.array(PILImage.open(files / "clean.png").convert("RGB"))
    assert stored == clean.tobytes()
    document = pypdfium2.PdfDocument(files / "p.pdf")
    shown = np.array(document[0].render(scale=300 / 72).to_pil())[:240, :320, :3].astype(int)
    document.close()
    assert np.abs(shown - clean).max() > 60


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("-o", "p.jpg"), "PNG or a PDF"),
        (("-o", "p.pdf", "--transparent"), "transparent picture"),
        (("-o", "p.png", "--font", "none.ttf"), "no font none.ttf"),
        (("-o", "p.png", "--font", "r.json"), "no font that can be read"),
        (("-o", "p.png", "--page", "7"), "0 pages numbered 7"),
        (
            (
                "-o",
                "page.png",
            ),
            "exists already",
        ),
    ],
)
def test_a_wrong_call(
    files: Path, args: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    result = _overlay(files, *args)
    assert result.exit_code != 0
    assert told in result.stderr


def test_texts_for_regions_that_are_not_there_are_refused(files: Path) -> None:
    (files / "t.csv").write_text("9,text\n")
    result = CliRunner().invoke(
        app,
        ["overlay", str(files / "clean.png"), str(files / "r.json"),
         "--text", str(files / "t.csv"), "-o", str(files / "p.png")],
    )  # fmt: skip
    assert result.exit_code == 1
    assert "region 9" in result.stderr


def test_regions_of_another_size_are_refused(files: Path) -> None:
    lettered(30, 20, text="").save(files / "clean.png")
    with pytest.raises(TextcleanError, match="320 x 240"):
        from textclean.results import write_preview

        (files / "t.json").write_text("{}")
        write_preview(
            files / "clean.png", files / "r.json", files / "t.json", files / "x.png"
        )  # fmt: skip
