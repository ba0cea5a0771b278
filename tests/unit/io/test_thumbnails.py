"""No small picture of the lettered page stays in the file of a cleaned one."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from io_samples import cleaned, encoded, smooth
from PIL import Image

from textclean import compare_documents
from textclean.io import open_sink, open_source, read_image, write_image
from textclean.io.boxes import FileBox
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.jpeg_frame import Segment, read_frame
from textclean.io.notes import collected_notes
from textclean.io.scanlines import chunk
from textclean.io.thumbnails import without_exif_thumbnail, without_thumbnails
from textclean.io.xmp_extended import EXTENSION, MAIN

THUMBNAIL = encoded(Image.fromarray(smooth(16, 24, 3)), "JPEG")
XMP = b"""<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description
 xmlns:xmp='http://ns.adobe.com/xap/1.0/'><xmp:CreateDate>2001</xmp:CreateDate>
 <xmp:Thumbnails><rdf:Alt>PICTURE</rdf:Alt></xmp:Thumbnails></rdf:Description></x:xmpmeta>"""


def exif_block(order: str = ">", *, last: bool = True) -> bytes:
    """An EXIF block: orientation 1, 300 dpi, a thumbnail, and a comment behind or before it."""
    comment = b"Written by a scanner\0"
    first = 8
    entries = [(274, 3, 1, None), (282, 5, 1, None), (305, 2, len(comment), None)]
    second = first + 2 + 12 * len(entries) + 4
    values = second + 2 + 12 * 2 + 4
    rational = values
    places = [len(comment), len(THUMBNAIL)]
    text = rational + 8 + (0 if last else places[1])
    picture = rational + 8 + (places[0] if last else 0)
    out = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HIH", 42, first, len(entries))
    out += struct.pack(f"{order}HHIHH", 274, 3, 1, 1, 0)
    out += struct.pack(f"{order}HHII", 282, 5, 1, rational)
    out += struct.pack(f"{order}HHII", 305, 2, len(comment), text)
    out += struct.pack(f"{order}I", second)
    out += struct.pack(f"{order}HHHIIHHIII", 2, 513, 4, 1, picture, 514, 4, 1, places[1], 0)
    out += struct.pack(f"{order}II", 300, 1)
    return out + (comment + THUMBNAIL if last else THUMBNAIL + comment)


def resources() -> bytes:
    def one(number: int, data: bytes) -> bytes:
        return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) & 1)

    return b"Photoshop 3.0\0" + one(1028, b"caption") + one(1036, b"PICTURE") + one(1061, b"last")


def jpeg_file() -> bytes:
    data = encoded(Image.fromarray(smooth(64, 48, 3)), "JPEG", quality=85)
    added = [
        Segment(0xE0, b"JFXX\0\x10PICTURE"),
        Segment(0xE1, b"Exif\0\0" + exif_block()),
        Segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        Segment(0xED, resources()),
        Segment(0xFE, b"a comment"),
    ]
    at = 4 + int.from_bytes(data[4:6], "big")
    return data[:at] + b"".join(s.raw for s in added) + data[at:]


def png_file() -> bytes:
    data = encoded(Image.fromarray(smooth(64, 48, 3)), "PNG")
    at = data.index(b"IDAT") - 4
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    return data[:at] + chunk(b"eXIf", exif_block("<", last=False)) + xmp + data[at:]


def webp_file() -> bytes:
    image = Image.fromarray(smooth(64, 48, 3))
    return encoded(image, "WEBP", lossless=True, exact=True, exif=exif_block(), xmp=XMP)


FILES = {".jpg": jpeg_file(), ".png": png_file(), ".webp": webp_file()}


@pytest.mark.parametrize("suffix", FILES)
def test_a_cleaned_page_has_no_picture_of_the_old_one(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(FILES[suffix])
    mask = np.zeros((64, 48), bool)
    mask[8:24, 8:24] = True
    with open_source(source) as document, open_sink(document, out, overwrite=False) as sink:
        page = document.entries[0].load()
        with collected_notes() as notes:
            sink.write(document.entries[0], cleaned(page, mask), mask)
        sink.commit()
    assert any("small picture" in line for line in notes)
    data = out.read_bytes()
    assert THUMBNAIL[20:60] not in data
    assert b"PICTURE" not in data
    for kept in (b"Written by a scanner", b"<xmp:CreateDate>2001"):
        assert kept in data
    after = read_image(data)
    assert after.metadata.dpi == page.metadata.dpi
    assert without_thumbnails(data) == data
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[305] == "Written by a scanner"
        ifd1: Any = image.getexif().get_ifd(1)
        assert not ifd1
    found = compare_documents(source, out, masks={1: mask})
    assert not found.unexpected
    assert any("small picture" in d.what or d.kind == "exif" for d in found.differences)


@pytest.mark.parametrize("suffix", FILES)
def test_a_page_that_is_kept_keeps_it(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(FILES[suffix])
    with open_source(source) as document, open_sink(document, out, overwrite=False) as sink:
        sink.keep(document.entries[0])
        sink.commit()
    assert out.read_bytes() == FILES[suffix]


def test_photoshop_keeps_its_other_resources() -> None:
    new = without_thumbnails(FILES[".jpg"])
    for kept in (b"caption", b"last", b"a comment", b"8BIM\x04\x25"):
        assert kept in new
    assert b"8BIM\x04\x0c" not in new


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("last", [True, False])
def test_other_values_of_exif_stay_where_they_are(order: str, last: bool) -> None:
    block = exif_block(order, last=last)
    for mark in (b"", b"Exif\0\0"):
        new = without_exif_thumbnail(mark + block)
        assert new.startswith(mark)
        assert exif_orientation(new) == 1
        assert exif_dpi(block) is None  # only one of two resolutions is there
        assert b"Written by a scanner\0" in new
        assert (len(new) < len(mark + block)) == last
        assert without_exif_thumbnail(new) == new


def test_a_file_without_one_is_handed_back() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "BMP"):
        data = encoded(Image.fromarray(smooth(16, 16, 3)), kind)
        assert without_thumbnails(data) is data


@given(st.binary(max_size=80), st.integers(0, 200), st.binary(max_size=4))
def test_damaged_blocks_are_no_error(noise: bytes, at: int, some: bytes) -> None:
    without_exif_thumbnail(noise)
    without_exif_thumbnail(b"MM\0*" + noise)
    block = exif_block()
    broken = block[:at] + some + block[at + len(some) :]
    assert len(without_exif_thumbnail(broken)) <= len(broken)


def test_jfif_loses_its_raw_picture() -> None:
    data = encoded(Image.fromarray(smooth(16, 16, 3)), "JPEG")
    body = data[6:18] + b"\x02\x01" + b"RAWRAW"
    length = int.from_bytes(data[4:6], "big")
    marked = data[:2] + Segment(0xE0, body).raw + data[4 + length :]
    page = read_image(marked)
    mask = np.zeros((16, 16), bool)
    mask[:8, :8] = True
    out = write_image(cleaned(page, mask), mask, marked)
    assert b"RAWRAW" not in out
    assert read_image(out).metadata.dpi == page.metadata.dpi


def checksum(packet: bytes) -> bytes:
    return hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()


def with_extended(packet: bytes, step: int, *, lost: int = -1) -> bytes:
    """A JPEG with an extended packet in parts, one of which may be lost."""
    data = encoded(Image.fromarray(smooth(16, 16, 3)), "JPEG")
    name = checksum(packet)
    parts = [Segment(0xE1, MAIN + b"<x xmpNote:HasExtendedXMP='" + name + b"'/>")]
    for number, at in enumerate(range(0, len(packet), step)):
        head = EXTENSION + name + struct.pack(">II", len(packet), at)
        if number != lost:
            parts.append(Segment(0xE1, head + packet[at : at + step]))
    return data[:20] + b"".join(part.raw for part in parts) + data[20:]


def extended_of(data: bytes) -> tuple[bytes, bytes]:
    """The extended packet, and the name by which the main one calls it."""
    found = read_frame(data).find(0xE1, EXTENSION)
    (main,) = read_frame(data).find(0xE1, MAIN)
    return b"".join(part[len(EXTENSION) + 40 :] for part in found), main[-35:-3]


@pytest.mark.parametrize("step", [60, 40_000])
def test_extended_packets_lose_theirs(step: int) -> None:
    packet = XMP.replace(b"PICTURE", b"PICTURE" * 20_000).replace(b"2001", b"2001" * 30_000)
    data = with_extended(packet if step > 60 else XMP, step)
    new = without_thumbnails(data)
    assert b"PICTURE" not in new
    kept, name = extended_of(new)
    assert kept.startswith(b"<x:xmpmeta") and kept.endswith(b"</x:xmpmeta>")
    assert b"CreateDate>2001" in kept
    assert name == checksum(kept)
    assert read_image(new).pixels.tolist() == read_image(data).pixels.tolist()
    assert without_thumbnails(new) == new


def test_extended_packets_without_one_stay() -> None:
    data = with_extended(b"<x:xmpmeta>nothing to see</x:xmpmeta>", 10)
    assert without_thumbnails(data) == data


def test_of_an_extended_packet_that_is_not_whole_no_picture_stays() -> None:
    assert b"PICTURE" not in without_thumbnails(with_extended(XMP, 60, lost=0))
    other = with_extended(b"<x:xmpmeta>nothing to see</x:xmpmeta>", 10, lost=1)
    assert without_thumbnails(other) == other


def test_boxes_lose_theirs() -> None:
    jp2 = encoded(Image.fromarray(smooth(32, 32, 3)), "JPEG2000")
    xmp = FileBox(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP)
    block = FileBox(b"uuid", b"JpgTiffExif->JP2" + exif_block())
    jxl = b"\0\0\0\x0cJXL \r\n\x87\n" + FileBox(b"Exif", bytes(4) + exif_block()).raw
    jxl += FileBox(b"xml ", XMP).raw + FileBox(b"jxlc", b"\xff\x0a").raw
    for data in (jp2 + xmp.raw + block.raw, jxl):
        new = without_thumbnails(data)
        assert THUMBNAIL[20:60] not in new and b"PICTURE" not in new
        assert b"Written by a scanner" in new and b"<xmp:CreateDate>2001" in new
        assert without_thumbnails(new) == new
    assert without_thumbnails(jp2) == jp2
