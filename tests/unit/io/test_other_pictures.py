"""Pictures written as another format, alone and page by page."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from io_samples import (
    block_mask,
    cleaned,
    encoded,
    exif,
    left_behind,
    noise,
    picture,
    rgb_profile,
    smooth,
)
from PIL import Image, ImageCms
from test_thumbnails import THUMBNAIL, exif_block

from textclean.errors import OptionsError, UnsupportedFormatError
from textclean.io import open_sink, open_source, read_image
from textclean.io.exif import exif_dpi, exif_orientation, with_facts
from textclean.io.naming import PICTURES, default_suffix, resolve
from textclean.io.notes import collected_notes
from textclean.io.picture_write import encode_picture
from textclean.io.raster import Raster
from textclean.native import stored, to_rgb
from textclean.types import Metadata

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Mask, Page

TURNED = b"Exif\0\0" + exif(6)
SOURCES = {
    "jpeg.jpg": encoded(
        Image.fromarray(smooth(43, 61, 3)), "JPEG", dpi=(300, 300), exif=TURNED,
        icc_profile=rgb_profile(),
    ),
    "grey.jpg": encoded(Image.fromarray(smooth(43, 61)), "JPEG", quality=60),
    "lossy.webp": encoded(picture("RGB", seed=1), "WEBP", quality=50),
    "clear.webp": encoded(picture("RGBA", seed=2), "WEBP", lossless=True, exact=True, exif=TURNED),
    "fax.tif": encoded(picture("1", seed=3), "TIFF", compression="group4", dpi=(600, 600)),
    "deep.tif": encoded(picture("I;16", seed=4), "TIFF"),
    "bmp.bmp": encoded(picture("RGB", seed=5), "BMP", dpi=(72, 72)),
    "wave.jp2": encoded(picture("RGB", seed=6), "JPEG2000"),
    "rgb.png": encoded(picture("RGB", seed=7), "PNG", dpi=(150, 150), icc_profile=rgb_profile()),
    "palette.png": encoded(picture("P", seed=8), "PNG"),
    "clear-palette.png": encoded(picture("P", seed=8), "PNG", transparency=b"\0\x80\xff"),
    "one-clear.png": encoded(Image.new("RGB", (61, 43), (9, 8, 7)), "PNG", transparency=(9, 8, 7)),
    "alpha.png": encoded(picture("LA", seed=9), "PNG"),
    "bits.png": encoded(picture("1", seed=10), "PNG"),
    "deep.png": encoded(picture("I;16", seed=11), "PNG"),
}  # fmt: skip
LOSSLESS = ("png", "webp", "tiff", "bmp")
SUFFIXES = {**PICTURES, "tiff": ".tif"}


def _convert(src: Path, dst: Path, *, clean: bool = True, to: str | None = None) -> list[str]:
    """Clean the page or not, and write it; what is told."""
    with (
        open_source(src) as source,
        open_sink(source, dst, to=to) as sink,
        collected_notes() as notes,
    ):
        for entry in source.entries:
            if clean:
                page = entry.load()
                mask = _mask(page)
                sink.write(entry, cleaned(page, mask), mask)
        sink.commit()
        return [*sink.warnings, *notes]


def _mask(page: Page) -> Mask:
    return np.ascontiguousarray(stored(block_mask(*page.rgb.shape[:2]), page.metadata.orientation))


def _alpha(page: Page) -> np.ndarray:
    """``(H, W)`` alpha as it is seen, 8 bits."""
    if page.mode in ("LA", "RGBA"):
        return page.pixels[..., -1]
    if page.mode == "P" and page.palette is not None and page.palette.shape[1] == 4:
        return page.palette[page.pixels][..., 3]
    return np.full(page.pixels.shape[:2], 255)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("to", LOSSLESS)
@pytest.mark.parametrize("name", SOURCES)
def test_outside_the_mask_every_pixel_is_the_decoded_sources(
    tmp_path: Path, name: str, to: str, clean: bool
) -> None:
    source, out = tmp_path / name, tmp_path / f"out{SUFFIXES[to]}"
    source.write_bytes(SOURCES[name])
    _convert(source, out, clean=clean)
    before, after = read_image(source), read_image(out)
    assert after.metadata.format == to.upper() or name.endswith(SUFFIXES[to])
    assert after.rgb.shape == before.rgb.shape
    seen = block_mask(*before.rgb.shape[:2]) & clean
    assert (after.rgb == before.rgb)[~seen].all()
    if name != "palette.png" and before.mode != "P":
        opaque = before.mode not in ("LA", "RGBA") and name != "one-clear.png"
        assert (after.rgb[seen] == 255).all() or not opaque
    if before.mode in ("I;16", "L", "1") and to in ("png", "tiff"):
        assert after.mode == before.mode
        assert (after.pixels == before.pixels)[~_mask(before) | (not clean)].all()
    if before.metadata.orientation == after.metadata.orientation:
        assert (_alpha(after) == _alpha(before))[~_mask(before)].all() or name == "one-clear.png"
    if before.metadata.dpi:
        assert after.metadata.dpi == pytest.approx(before.metadata.dpi, rel=1e-3)
    assert after.metadata.icc == before.metadata.icc
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("name", SOURCES)
def test_a_jpeg_tells_its_loss(tmp_path: Path, name: str) -> None:
    source, out = tmp_path / name, tmp_path / "out.jpeg"
    source.write_bytes(SOURCES[name])
    told = "\n".join(_convert(source, out, to="jpeg"))
    before, after = read_image(source), read_image(out)
    assert after.metadata.format == "JPEG"
    assert after.metadata.orientation == before.metadata.orientation
    assert after.metadata.icc == before.metadata.icc
    if name.endswith(".jpg"):
        assert "quality 95" not in told
        return
    assert "quality 95" in told
    assert ("8 are left" in told) == (before.mode == "I;16")
    assert ("laid over white" in told) == ("clear" in name or before.mode == "LA")
    seen = block_mask(*before.rgb.shape[:2])
    assert np.abs(after.rgb.astype(int) - before.rgb)[~seen].mean() < 12


def test_what_is_kept_is_written_once_only(tmp_path: Path) -> None:
    """A page of the format that is asked for is taken over byte for byte."""
    book = tmp_path / "book.cbz"
    with zipfile.ZipFile(book, "w") as file:
        for name in ("jpeg.jpg", "rgb.png"):
            file.writestr(f"a/{name}", SOURCES[name])
    _convert(book, tmp_path / "pages", clean=False, to="png")
    out = tmp_path / "pages/a"
    assert {path.name for path in out.iterdir()} == {"jpeg.png", "rgb.png"}
    assert (out / "rgb.png").read_bytes() == SOURCES["rgb.png"]
    assert (read_image(out / "jpeg.png").rgb == read_image(SOURCES["jpeg.jpg"]).rgb).all()


def test_a_colour_that_is_transparent_stays_so_where_nothing_was_cleaned(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(SOURCES["one-clear.png"])
    _convert(tmp_path / "p.png", tmp_path / "p.webp")
    after = read_image(tmp_path / "p.webp")
    mask = block_mask(43, 61)
    assert (after.pixels[~mask] == (9, 8, 7, 0)).all()
    assert (after.pixels[mask] == 255).all()


@pytest.mark.parametrize("to", ["png", "webp", "jpeg", "tiff"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_kept(to: str, turn: int) -> None:
    pixels = smooth(30, 40, 3)
    about = Metadata(exif=exif(turn), orientation=turn)
    after = read_image(encode_picture(Raster(pixels, "RGB", metadata=about), to))
    assert after.metadata.orientation == turn
    assert after.pixels.shape == pixels.shape


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_bmp_is_upright(turn: int) -> None:
    about = Metadata(orientation=turn, dpi=(100, 200))
    before = Raster(noise(30, 40, 3), "RGB", metadata=about).to_page()
    after = read_image(encode_picture(Raster(before.pixels, "RGB", metadata=about), "bmp"))
    assert (after.rgb == before.rgb).all()
    assert after.metadata.dpi == pytest.approx((100, 200) if turn < 5 else (200, 100), rel=1e-3)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P"])
def test_a_bmp_keeps_mode_and_profile(mode: str) -> None:
    image = picture(mode)
    pixels = np.asarray(image)
    palette = noise(256, 3) if mode == "P" else None
    about = Metadata(icc=rgb_profile() if mode in ("RGB", "RGBA", "P") else None)
    data = encode_picture(Raster(pixels, mode, palette, metadata=about), "bmp")  # type: ignore[arg-type]
    after = read_image(data)
    assert after.mode == mode
    assert (after.pixels == pixels).all()
    assert after.metadata.icc == about.icc
    assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) == _seen(after)).all()


def _seen(page: Page) -> np.ndarray:
    """The colours without alpha."""
    if page.mode == "RGBA":
        return page.pixels[..., :3]
    return to_rgb(page.pixels, page.mode, page.palette)


def test_pixels_that_a_decoder_turned_are_not_turned_again() -> None:
    about = Metadata(exif=exif(6), orientation=1)
    for to in ("png", "webp", "jpeg"):
        raster = Raster(smooth(30, 40, 3), "RGB", metadata=about)
        assert read_image(encode_picture(raster, to)).metadata.orientation == 1


def test_exif_is_told_other_facts() -> None:
    for block in (exif(6), exif_block("<"), exif_block(">", last=False)):
        new = with_facts(block, 3, (300, 150))
        assert new is not None
        assert (exif_orientation(new), exif_dpi(new)) == (3, (300, 150))
        comment = Image.Exif()
        comment.load(new)
        assert comment[305].startswith(("a scanner", "Written by"))
    assert with_facts(b"II*\0", 3, None) is None


def test_small_pictures_of_the_page_stay_behind() -> None:
    block = exif_block()
    assert THUMBNAIL in block
    raster = Raster(smooth(30, 40, 3), "RGB", metadata=Metadata(exif=block))
    for to in ("png", "webp", "jpeg"):
        assert THUMBNAIL not in encode_picture(raster, to)


def test_profiles_of_other_colours_are_left_out_and_told() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    raster = Raster(smooth(30, 40, 3), "RGB", metadata=Metadata(icc=lab))
    with collected_notes() as notes:
        assert read_image(encode_picture(raster, "webp")).metadata.icc is None
    assert notes == ["WebP: the colour profile is not one for RGB pixels and is left out"]


@pytest.mark.parametrize("to", ["png", "webp", "bmp"])
def test_cmyk_is_refused_where_there_is_no_place_for_it(tmp_path: Path, to: str) -> None:
    source = tmp_path / "p.tif"
    source.write_bytes(encoded(picture("CMYK"), "TIFF"))
    for clean in (True, False):
        with pytest.raises(UnsupportedFormatError, match="CMYK page cannot be stored"):
            _convert(source, tmp_path / f"out{PICTURES[to]}", clean=clean)
    assert _convert(source, tmp_path / "out.jpg")
    assert read_image(tmp_path / "out.jpg").mode == "CMYK"


def test_sizes_that_a_format_does_not_have_are_refused() -> None:
    raster = Raster(np.zeros((1, 16_384), np.uint8), "L")
    with pytest.raises(UnsupportedFormatError, match=r"16384 x 1 pixels.*16,383 a side"):
        encode_picture(raster, "webp")


def test_a_tiff_of_several_pages_is_no_picture(tmp_path: Path) -> None:
    source = tmp_path / "in.tif"
    source.write_bytes(
        encoded(picture("L"), "TIFF", save_all=True, append_images=[picture("L", seed=1)])
    )
    with pytest.raises(UnsupportedFormatError, match="2 pages, and a PNG holds one"):
        _convert(source, tmp_path / "out.png")
    assert {path.name for path in tmp_path.iterdir()} == {"in.tif"}


@pytest.mark.parametrize(
    ("name", "kind", "output", "to", "expected", "format"),
    [
        ("p.webp", "webp", "out.png", None, "out.png", "png"),
        ("p.webp", "webp", "out.PNG", "png", "out.PNG", "png"),
        ("p.webp", "webp", "there", "jpeg", "there/p.jpg", "jpeg"),
        ("p.webp", "webp", "out.webp", "webp", "out.webp", None),
        ("p.tif", "tiff", "out.png", None, "out.png", "png"),
        ("p.png", "jpeg", "out.png", None, "out.png", None),
        ("p.png", "jpeg", "out.png", "png", "out.png", "png"),
        ("b.cbz", "zip", "there", "png", "there", "png"),
        ("pages", "folder", "there", "webp", "there", "webp"),
    ],
)
def test_names(
    tmp_path: Path,
    name: str,
    kind: str,
    output: str,
    to: str | None,
    expected: str,
    format: str | None,
) -> None:
    (tmp_path / "there").mkdir()
    found = resolve(tmp_path / name, kind, f"{tmp_path}/{output}", to)
    assert found == (tmp_path / expected, format)


def test_names_that_contradict(tmp_path: Path) -> None:
    for name, kind, output, to in (
        ("p.webp", "webp", "out.avif", None),
        ("p.webp", "webp", "out.jpg", "png"),
        ("b.cbz", "zip", "out.png", None),
        ("b.cbz", "zip", "out.png", "png"),
    ):
        with pytest.raises(OptionsError):
            resolve(tmp_path / name, kind, str(tmp_path / output), to)


def test_extensions(tmp_path: Path) -> None:
    assert default_suffix(tmp_path / "p.jpg", "png") == ".png"
    assert default_suffix(tmp_path / "b.cbz", "png") == ""
