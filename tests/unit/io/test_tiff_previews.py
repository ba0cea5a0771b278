"""No small picture of the lettered page stays in a TIFF beside the cleaned one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from io_samples import block_mask, clean_document, cleaned, encoded, noise, smooth
from PIL import Image
from test_thumbnails import THUMBNAIL, XMP, resources

from textclean import compare_documents
from textclean.io import open_source, read_image, write_image
from textclean.io.notes import collected_notes
from textclean.io.tiff_file import JPEG_LENGTH, JPEG_OFFSET, SUB_IFDS, ByteOrder, Ifd, Tag, TiffFile
from textclean.io.tiff_previews import page_ifds, previews_of
from textclean.io.tiff_writer import TiffWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORM = ByteOrder("<", big=False)
LONG, SHORT, BYTE = 4, 3, 1
SMALL = b"SMALL PICTURE.." * 5  # 15 x 5 pixels
Part = tuple[Ifd, list[bytes]]


def directory(width: int, height: int, data: bytes, **extra: Tag) -> Part:
    """A grey picture in one strip."""
    tags = {
        256: FORM.tag(LONG, width), 257: FORM.tag(LONG, height), 258: FORM.tag(SHORT, 8),
        259: FORM.tag(SHORT, 1), 262: FORM.tag(SHORT, 1), 273: FORM.tag(LONG, 0),
        278: FORM.tag(LONG, height), 279: FORM.tag(LONG, 0),
    }  # fmt: skip
    return Ifd(tags | {int(number[1:]): tag for number, tag in extra.items()}), [data]


def page(seed: int = 0, **extra: Tag) -> Part:
    return directory(40, 30, noise(30, 40, seed=seed).tobytes(), **extra)


def small(kind: int = 1, number: str = "t254") -> Part:
    return directory(15, 5, SMALL, **{number: FORM.tag(LONG, kind)})


def exif_like() -> Part:
    tags = {259: FORM.tag(SHORT, 6), JPEG_OFFSET: FORM.tag(LONG, 0), JPEG_LENGTH: FORM.tag(LONG, 0)}
    return Ifd(tags), [THUMBNAIL]


def tiff(path: Path, parts: Sequence[Part]) -> Path:
    with path.open("w+b") as out:
        writer = TiffWriter(out, FORM)
        for ifd, blocks in parts:
            writer.add(ifd, blocks)
    return path


def with_child(path: Path, child: Part) -> Path:
    """A page with a sub-directory, which is the second of the chain, unlinked."""
    ifd, blocks = page()
    tags = {**ifd.tags, SUB_IFDS: FORM.tag(LONG, 0)}
    data = bytearray(tiff(path, [(Ifd(tags), blocks), child]).read_bytes())
    at = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[at : at + 2], "little")
    link = at + 2 + 12 * count
    place = next(
        e + 8
        for e in range(at + 2, link, 12)
        if int.from_bytes(data[e : e + 2], "little") == SUB_IFDS
    )
    data[place : place + 4] = data[link : link + 4]
    data[link : link + 4] = bytes(4)
    path.write_bytes(data)
    return path


def clean(path: Path, numbers: set[int]) -> Path:
    out = path.with_name("out.tif")
    clean_document(path, out, numbers)
    return out


def compared(path: Path, out: Path, numbers: set[int]) -> bool:
    masks = {n: block_mask(30, 40) if n in numbers else np.zeros((30, 40), bool) for n in (1, 2)}
    return compare_documents(path, out, masks=masks).same_outside


@pytest.mark.parametrize("thumb", [small(), small(2, "t255"), exif_like()])
def test_the_one_behind_a_page_goes_with_it(tmp_path: Path, thumb: Part) -> None:
    path = tiff(tmp_path / "in.tif", [page(1), thumb, page(2)])
    (picture,) = thumb[1]
    with open_source(path) as source:
        assert len(source.entries) == 2
    kept = clean(path, {2})
    assert picture in kept.read_bytes()
    assert compared(path, kept, {2})
    file = TiffFile(kept.read_bytes())
    assert list(file.blocks(file.ifds[1])) == [picture]
    kept.unlink()
    with collected_notes() as notes:
        out = clean(path, {1})
    assert any("small picture" in line for line in notes)
    assert picture not in out.read_bytes()
    assert compared(path, out, {1})
    with open_source(out) as source:
        assert len(source.entries) == 2


def test_where_a_file_begins_with_one_each_belongs_to_the_page_behind_it(tmp_path: Path) -> None:
    file = TiffFile(
        tiff(tmp_path / "in.tif", [small(), page(1), small(), page(2), small()]).read_bytes()
    )
    pages = page_ifds(file)
    assert pages == [1, 3]
    assert previews_of(file, pages, {1}) == {0}
    assert previews_of(file, pages, {3}) == {2, 4}


def test_masks_stay(tmp_path: Path) -> None:
    path = tiff(tmp_path / "in.tif", [page(1), small(4)])
    out = clean(path, {1})
    assert SMALL in out.read_bytes()
    assert compared(path, out, {1})


@pytest.mark.parametrize("child", [small(), small(0), exif_like()])
def test_sub_directories_that_show_the_page_go(tmp_path: Path, child: Part) -> None:
    path = with_child(tmp_path / "in.tif", child)
    assert TiffFile(path.read_bytes()).ifds[0].children[SUB_IFDS]
    with collected_notes() as notes:
        out = clean(path, {1})
    assert any("small picture" in line for line in notes)
    assert child[1][0] not in out.read_bytes()
    assert not TiffFile(out.read_bytes()).ifds[0].children
    assert compared(path, out, {1})


@pytest.mark.parametrize("child", [small(4), directory(40, 30, bytes(1200))])
def test_other_sub_directories_stay(tmp_path: Path, child: Part) -> None:
    path = with_child(tmp_path / "in.tif", child)
    file = TiffFile(clean(path, {1}).read_bytes())
    assert list(file.blocks(file.ifds[0].children[SUB_IFDS][0])) == child[1]


def test_pictures_in_tags_go_and_all_else_stays(tmp_path: Path) -> None:
    extra = {
        "t700": Tag(BYTE, len(XMP), XMP),
        "t34377": Tag(BYTE, len(resources()) - 14, resources()[14:]),
        "t37724": Tag(7, 12, b"LAYERS\0LAYER"),
        "t270": Tag(2, 8, b"a title\0"),
    }
    path = tiff(tmp_path / "in.tif", [page(1, **extra)])
    with collected_notes() as notes:
        out = clean(path, {1})
    data = out.read_bytes()
    assert b"PICTURE" not in data and b"LAYERS" not in data
    for kept in (b"a title", b"<xmp:CreateDate>2001", b"caption", b"last"):
        assert kept in data
    assert any("small picture" in line for line in notes)
    assert any("layers" in line for line in notes)
    assert compared(path, out, {1})


def test_the_same_among_other_files(tmp_path: Path) -> None:
    data = tiff(tmp_path / "in.tif", [page(1), small()]).read_bytes()
    loaded = read_image(data)
    mask = block_mask(30, 40)
    out = write_image(cleaned(loaded, mask), mask, data)
    assert SMALL not in out
    assert len(TiffFile(out).ifds) == 1


def test_what_pillow_writes_is_read_as_before() -> None:
    data = encoded(Image.fromarray(smooth(20, 20)), "TIFF")
    assert page_ifds(TiffFile(data)) == [0]
