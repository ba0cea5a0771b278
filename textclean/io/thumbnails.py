"""Small pictures of a page in its own file: a cleaned page must not carry the lettered one along.

They are taken out of EXIF, XMP (extended packets, too), JFIF and Photoshop's resources; all other
metadata stays. In EXIF other values are found by their offsets, so that the picture is overwritten
with zeros and its directory unlinked, and only what it leaves empty at the end is cut off. What a
TIFF has of them is in :mod:`textclean.io.tiff_previews`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from textclean.io.boxes import FileBox, read_boxes
from textclean.io.jpeg_frame import APP0, APP1, APP13, SOI, Segment, read_frame
from textclean.io.notes import note
from textclean.io.scanlines import SIGNATURE, chunk
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.io.xmp import without_thumbnails as without_xmp_thumbnails
from textclean.io.xmp_extended import MAIN, without_extended_thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXIF: Final = b"Exif\0\0"
_PNG_XMP: Final = b"XML:com.adobe.xmp\0\0\0\0\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
# Boxes of JPEG 2000 that are known by a number: EXIF, XMP.
_EXIF_BOX: Final = b"JpgTiffExif->JP2"
_XMP_BOX: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_THUMBNAIL_RESOURCES: Final = frozenset({1033, 1036})
# Tags of a picture's place and length: of a JPEG, of strips.
_PICTURES: Final = ((513, 514), (273, 279))
_SHORT, _LONG = 3, 4


def cleared(data: bytes, what: str) -> bytes:
    """:func:`without_thumbnails`, and a note when there was one.

    Args:
        data: An image file.
        what: What it is called in the note.
    """
    new = without_thumbnails(data)
    if new != data:
        note(f"{what}: the small picture of the page in its metadata was taken out")
    return new


def without_thumbnails(data: bytes) -> bytes:
    """An image file without small pictures of itself; the same bytes where it has none.

    Args:
        data: A JPEG, PNG, WebP, JPEG 2000 or JPEG XL that can be decoded; other formats are handed
            back.
    """
    take_out = {"jpeg": _jpeg, "png": _png, "webp": _webp, "jp2": _boxes, "jxl": _boxes}
    found = take_out.get(sniff(data[:HEAD_BYTES]) or "")
    return found(data) if found else data


def without_exif_thumbnail(block: bytes) -> bytes:
    """An EXIF block without its thumbnail; the same bytes where it has none or is damaged.

    Args:
        block: With or without the mark "Exif" before it.
    """
    start = len(_EXIF) if block.startswith(_EXIF) else 0
    tiff = bytearray(block[start:])
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(tiff[:2])]
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        link = first + 2 + 12 * count
        (second,) = struct.unpack_from(f"{order}I", tiff, link)
        if not second:
            return block
        struct.pack_into(f"{order}I", tiff, link, 0)
        if second > link:
            _wipe(tiff, order, second, link + 4)
    except (KeyError, struct.error):
        return block
    return block[:start] + bytes(tiff)


def _wipe(tiff: bytearray, order: str, at: int, least: int) -> None:
    """Overwrite a directory and its picture; nothing before ``least``."""
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    tags: dict[int, int] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, _ = struct.unpack_from(f"{order}HHI", tiff, entry)
        if kind in (_SHORT, _LONG):
            code = "H" if kind == _SHORT else "I"
            (tags[tag],) = struct.unpack_from(f"{order}{code}", tiff, entry + 8)
    end = min(at + 2 + 12 * count + 4, len(tiff))
    tiff[at:end] = bytes(end - at)
    for place, length in _PICTURES:
        begin = max(tags.get(place, 0), least)
        stop = min(tags.get(place, 0) + tags.get(length, 0), len(tiff))
        if begin >= stop:
            continue
        tiff[begin:stop] = bytes(stop - begin)
        if stop == len(tiff):
            del tiff[begin:]


def _jpeg(data: bytes) -> bytes:
    frame = read_frame(data)
    kept = [new for segment in frame.segments if (new := _segment(segment)) is not None]
    kept = without_extended_thumbnails(kept)
    if kept == list(frame.segments):
        return data
    return b"".join([SOI, *(segment.raw for segment in kept), data[frame.body :]])


def _segment(segment: Segment) -> Segment | None:
    """The segment without a picture, or None when it is nothing but that."""
    marker, body = segment
    if marker == APP0 and body.startswith(b"JFXX\0"):
        return None
    if segment.is_jfif and len(body) > 14:
        return Segment(marker, body[:12] + b"\0\0")
    if marker == APP1 and body.startswith(_EXIF):
        return Segment(marker, without_exif_thumbnail(body))
    if marker == APP1 and body.startswith(MAIN):
        return Segment(marker, MAIN + without_xmp_thumbnails(body[len(MAIN) :])[0])
    if marker == APP13 and body.startswith(_PHOTOSHOP):
        return Segment(marker, _PHOTOSHOP + without_photoshop_thumbnails(body[len(_PHOTOSHOP) :]))
    return segment


def without_photoshop_thumbnails(data: bytes) -> bytes:
    """Photoshop's image resources without its thumbnails; as they are where they are damaged."""
    kept, at = [], 0
    while at < len(data):
        if data[at : at + 4] != b"8BIM" or at + 12 > len(data):
            return data
        # A name of odd length including its count is padded, and so is the resource.
        name = (data[at + 6] + 2) & ~1
        if at + 10 + name > len(data):
            return data
        (number,) = struct.unpack_from(">H", data, at + 4)
        (length,) = struct.unpack_from(">I", data, at + 6 + name)
        end = at + 10 + name + (length + 1 & ~1)
        if number not in _THUMBNAIL_RESOURCES:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _png(data: bytes) -> bytes:
    parts, changed = [SIGNATURE], False
    for kind, body, raw in _chunks(data):
        new = body
        if kind == b"eXIf":
            new = without_exif_thumbnail(body)
        elif kind == b"iTXt" and body.startswith(_PNG_XMP):
            new = _PNG_XMP + without_xmp_thumbnails(body[len(_PNG_XMP) :])[0]
        changed |= new != body
        parts.append(raw if new == body else chunk(kind, new))
    return b"".join(parts) if changed else data


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, body and stored bytes of each chunk; what is cut off comes as it is."""
    at = len(SIGNATURE)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : end - 4], data[at:end]
        at = end


def _webp(data: bytes) -> bytes:
    parts, at, changed = [b"WEBP"], 12, False
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        new = body = data[at + 8 : at + 8 + length]
        if kind == b"EXIF":
            new = without_exif_thumbnail(body)
        elif kind == b"XMP ":
            new = without_xmp_thumbnails(body)[0]
        changed |= new != body
        parts.append(kind + len(new).to_bytes(4, "little") + new + b"\0" * (len(new) & 1))
        at += 8 + length + (length & 1)
    content = b"".join(parts)
    return b"RIFF" + len(content).to_bytes(4, "little") + content if changed else data


def _boxes(data: bytes) -> bytes:
    """A file of boxes; a bare codestream has no metadata."""
    if data.startswith(b"\xff"):
        return data
    boxes = read_boxes(data, "image")
    kept = [_box(box) for box in boxes]
    return data if kept == boxes else b"".join(box.raw for box in kept)


def _box(box: FileBox) -> FileBox:
    kind, data = box
    if kind == b"Exif":  # an offset stands before the block
        return FileBox(kind, data[:4] + without_exif_thumbnail(data[4:]))
    if kind == b"xml ":
        return FileBox(kind, without_xmp_thumbnails(data)[0])
    if kind == b"uuid" and data.startswith(_EXIF_BOX):
        return FileBox(kind, _EXIF_BOX + without_exif_thumbnail(data[16:]))
    if kind == b"uuid" and data.startswith(_XMP_BOX):
        return FileBox(kind, _XMP_BOX + without_xmp_thumbnails(data[16:])[0])
    return box
