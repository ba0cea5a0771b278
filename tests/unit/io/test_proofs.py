"""What is written is looked at again, and refused when anything else than the mask has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from io_samples import block_mask, changed_outside, cleaned, encoded, picture, smooth
from PIL import Image

from textclean.errors import PageError
from textclean.io import bmp, jpeg, open_sink, open_source, read_image, tiff, write_image
from textclean.io.notes import collected_notes
from textclean.io.tiff_file import TiffFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEIGHT, WIDTH = 300, 80
MASK = block_mask(HEIGHT, WIDTH)
STRIPS = {278: 20}
CODECS = ["raw", "tiff_lzw", "tiff_adobe_deflate", "group4"]


def page_file(kind: str, **options: Any) -> bytes:
    mode = "1" if options.get("compression") == "group4" else "RGB"
    return encoded(picture(mode, WIDTH, HEIGHT), kind, **options)


def write(tmp_path: Path, data: bytes) -> bytes:
    """Write a TIFF as a document."""
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    path.write_bytes(data)
    with open_source(path) as source, open_sink(source, out) as sink:
        (entry,) = source.entries
        sink.write(entry, cleaned(entry.load(), MASK), MASK)
        sink.commit()
    return out.read_bytes()


@pytest.mark.parametrize("compression", CODECS)
def test_strips_without_a_change_keep_their_bytes(tmp_path: Path, compression: str) -> None:
    data = page_file("TIFF", compression=compression, tiffinfo=STRIPS)
    out = write(tmp_path, data)
    a, b = TiffFile(data), TiffFile(out)
    same = [x == y for x, y in zip(a.blocks(a.ifds[0]), b.blocks(b.ifds[0]), strict=True)]
    touched = MASK.reshape(-1, 20, WIDTH).any(axis=(1, 2))
    assert len(same) == 15
    assert all(same[i] for i in np.flatnonzero(~touched))
    assert not all(same)
    page, after = read_image(data), read_image(out)
    assert changed_outside(page, after, MASK) == 0
    assert np.array_equal(after.pixels, cleaned(page, MASK).pixels)


def last_row(blocks: list[bytes]) -> list[bytes]:
    return [*blocks[:-1], blocks[0]]


@pytest.mark.parametrize("compression", CODECS)
def test_a_strip_that_is_not_touched_and_differs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    encode: Callable[..., Any] = tiff.encode

    def swap(*args: Any) -> Any:
        ifd, blocks = encode(*args)
        return ifd, last_row(blocks)

    monkeypatch.setattr(tiff, "encode", swap)
    with pytest.raises(PageError, match="outside the mask"):
        write(tmp_path, page_file("TIFF", compression=compression, tiffinfo=STRIPS))


@pytest.mark.parametrize("compression", [*CODECS, "jpeg"])
def test_a_new_strip_that_is_wrong_outside_the_mask_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    made: Callable[..., Any] = tiff.write_samples

    def wrong(file: Any, samples: Any, *rest: Any) -> Any:
        samples[:, 0] = 1 - samples[:, 0] % 2
        return made(file, samples, *rest)

    monkeypatch.setattr(tiff, "write_samples", wrong)
    strips = STRIPS if compression != "jpeg" else {}
    with pytest.raises(PageError, match="outside the mask"):
        write(tmp_path, page_file("TIFF", compression=compression, tiffinfo=strips))


def test_a_directory_that_reads_the_same_strips_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode: Callable[..., Any] = tiff.encode

    def inverted(file: TiffFile, *args: Any) -> Any:
        ifd, blocks = encode(file, *args)
        tags = {**ifd.tags, 262: file.order.tag(3, 0)}
        return type(ifd)(tags, ifd.blocks, ifd.children), blocks

    monkeypatch.setattr(tiff, "encode", inverted)
    data = encoded(picture("L", WIDTH, HEIGHT), "TIFF", tiffinfo=STRIPS)
    with pytest.raises(PageError, match="outside the mask"):
        write(tmp_path, data)


@pytest.mark.parametrize("at", [30, -1])
def test_a_bmp_that_differs_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    encode: Callable[..., Any] = bmp.encode

    def wrong(*args: Any) -> bytes:
        data = bytearray(encode(*args))
        data[at] ^= 255
        return bytes(data)

    data = page_file("BMP")
    page = read_image(data)
    assert (
        changed_outside(page, read_image(write_image(cleaned(page, MASK), MASK, data)), MASK) == 0
    )
    monkeypatch.setattr(bmp, "encode", wrong)
    with pytest.raises(Exception, match=r"outside the mask|compressed"):
        write_image(cleaned(page, MASK), MASK, data)


def test_a_splice_that_reaches_too_far_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    splice: Callable[..., Any] = jpeg.splice
    data = encoded(Image.fromarray(smooth(HEIGHT, WIDTH, 3)), "JPEG", quality=80)
    other = encoded(Image.fromarray(smooth(HEIGHT, WIDTH, 3, seed=5)), "JPEG", quality=80)
    page = read_image(data)
    monkeypatch.setattr(jpeg, "splice", lambda *args: (other, splice(*args)[1]))
    with collected_notes() as notes:
        out = write_image(cleaned(page, MASK), MASK, data)
    assert any("encoded again" in line for line in notes)
    assert np.abs(read_image(out).pixels.astype(int) - page.pixels)[~MASK].mean() < 2


@pytest.mark.parametrize("how", ["not at all", "in another size", "otherwise", "with an error"])
def test_pillow_decides_where_opencv_decodes_a_jpeg(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    decode: Callable[..., Any] = cv2.imdecode
    asked = []

    def wrong(*args: Any) -> Any:
        asked.append(how)
        pixels = decode(*args)
        if how == "with an error":
            raise cv2.error("too large")
        if how == "otherwise":
            pixels[-1, -1] ^= 1
        return {"not at all": None, "in another size": pixels[1:]}.get(how, pixels)

    data = page_file("JPEG", quality=85)
    page = read_image(data)
    wanted = write_image(cleaned(page, MASK), MASK, data)
    monkeypatch.setattr(cv2, "imdecode", wrong)
    with collected_notes() as notes:
        assert write_image(cleaned(page, MASK), MASK, data) == wanted
    assert asked
    assert not any("encoded again" in line for line in notes)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "PNG", "TIFF"])
def test_a_page_that_was_changed_elsewhere_is_refused(kind: str) -> None:
    data = page_file(kind)
    page = read_image(data)
    wide = MASK.copy()
    wide[-1, -1] = True
    with pytest.raises(PageError, match="1 pixels outside the mask"):
        write_image(cleaned(page, wide, 0), MASK, data)
