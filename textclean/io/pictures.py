"""Every page of every document as an image file of its own, with its compressed bytes kept.

Conversions read pages from here: what is an image file already is taken as it is, a page of a TIFF
becomes a TIFF of one page with the same blocks and tags, and a PDF's page gives the JPEG or the
Group 4 data that it holds, or else a PNG of its pixels.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Final

from textclean.errors import InputError, UnsupportedFormatError
from textclean.io.document import Document, ImageEntry, located
from textclean.io.images import decode_image
from textclean.io.picture_png import encode_png, exif_with
from textclean.io.raster import Raster
from textclean.io.tiff_document import TiffSource
from textclean.io.tiff_file import is_movable
from textclean.io.tiff_writer import TiffWriter

if TYPE_CHECKING:
    from textclean.protocols import PageEntry
    from textclean.types import Metadata

_JFIF: Final = b"JFIF\0"
_MOST_DENSITY: Final = 65535


def picture_of(source: Document, entry: PageEntry) -> bytes:
    """The page as an image file that decodes to what the page does.

    Args:
        source: The document.
        entry: One of its pages.

    Raises:
        FileAccessError: It cannot be read.
        InputError: It cannot be decoded, and only its pixels could be taken over.
    """
    if isinstance(entry, ImageEntry):
        with located(source.name, entry.name):
            return entry.read()
    if isinstance(source, TiffSource):
        return _of_tiff(source, entry.number)
    page = entry.load()
    stored = _stored_jpeg(source, entry.number, page.metadata)
    raster = Raster(page.pixels, page.mode, page.palette, metadata=page.metadata)
    if stored is not None and _is_same(raster, stored):
        return stored
    return encoded(raster)


def encoded(raster: Raster) -> bytes:
    """Pixels as an image file without loss: bitonal ones as Group 4, CMYK as TIFF, else PNG."""
    if raster.mode not in ("1", "CMYK"):
        return encode_png(raster)
    from textclean.io.book_tiff import TiffBook

    out = io.BytesIO()
    TiffBook(out, max_pixels=raster.pixels.size).add_raster(raster)
    return out.getvalue()


def _of_tiff(source: TiffSource, number: int) -> bytes:
    file = source.file
    ifd = file.ifds[source.entries[number - 1].index]
    if not is_movable(ifd):
        raise UnsupportedFormatError(
            "a page of the TIFF is old-style JPEG, which cannot be taken out of the file",
            remedy="Convert it to another compression first",
        )
    out = io.BytesIO()
    TiffWriter(out, file.order).add(ifd, file.blocks(ifd), file)
    return out.getvalue()


def _stored_jpeg(source: Document, number: int, metadata: Metadata) -> bytes | None:
    """The JPEG that a PDF's page is, with the page's resolution and orientation in it."""
    import pikepdf

    from textclean.io.pdf_content import find_images
    from textclean.io.pdf_open import open_pdf, pdf_errors

    password: str | None = getattr(source, "password", None)
    with pdf_errors(), open_pdf(source.path, password) as pdf:
        images = find_images(pdf.pages[number - 1])
        if len(images) != 1:
            return None
        image = images[0].image
        if image.get("/Filter") not in (pikepdf.Name.DCTDecode, [pikepdf.Name.DCTDecode]):
            return None
        return with_metadata(bytes(image.read_raw_bytes()), metadata)


def with_metadata(jpeg: bytes, metadata: Metadata) -> bytes:
    """A JPEG that tells a resolution and an orientation of its own; nothing is coded anew.

    Args:
        jpeg: The file, from a PDF, where neither counts.
        metadata: What it is to tell.
    """
    parts = [b"\xff\xd8"]
    density = metadata.dpi or (0.0, 0.0)
    across, down = (min(round(value), _MOST_DENSITY) for value in density)
    kept, rest, adobe = _segments(jpeg)
    if not adobe and across and down:
        # A JFIF mark says YCbCr, which an Adobe mark may contradict.
        jfif = _JFIF + struct.pack(">HBHHBB", 0x0102, 1, across, down, 0, 0)
        parts.append(_segment(0xE0, jfif))
    if metadata.orientation != 1 or adobe:
        tags = exif_with(metadata.orientation, metadata.dpi)
        parts.append(_segment(0xE1, b"Exif\0\0" + tags))
    if metadata.icc is not None:
        parts += _profile(metadata.icc)
    return b"".join([*parts, *kept, jpeg[rest:]])


def _segments(jpeg: bytes) -> tuple[list[bytes], int, bool]:
    """Segments before the first scan that are kept, where the rest starts, whether Adobe's is in.

    What tells resolution, orientation or a profile is dropped: the page's own takes its place.
    """
    kept, at, adobe = [], 2, False
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        marker, body = jpeg[at + 1], jpeg[at + 4 : end]
        adobe = adobe or (marker == 0xEE and body.startswith(b"Adobe"))
        dropped = (_JFIF, b"Exif\0", b"ICC_PROFILE\0")
        if not body.startswith(dropped):
            kept.append(jpeg[at:end])
        at = end
    return kept, at, adobe


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _profile(icc: bytes) -> list[bytes]:
    most = 65519
    parts = [icc[i : i + most] for i in range(0, len(icc), most)]
    if len(parts) > 255:
        return []
    mark = b"ICC_PROFILE\0"
    return [
        _segment(0xE2, mark + bytes([number, len(parts)]) + part)
        for number, part in enumerate(parts, start=1)
    ]


def _is_same(raster: Raster, stored: bytes) -> bool:
    """Whether an image file gives the same page, also the way up."""
    try:
        other = decode_image(stored, raster.pixels.size)
    except InputError:
        return False
    same: Any = (
        other.mode == raster.mode
        and other.pixels.shape == raster.pixels.shape
        and other.metadata.orientation == raster.metadata.orientation
        and (other.pixels == raster.pixels).all()
    )
    return bool(same)
