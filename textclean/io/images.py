"""Single images: bytes to a page, and a cleaned page back to bytes of the same format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    MaskError,
    PageError,
    TextcleanError,
    UnsupportedFormatError,
)
from textclean.io import avif, bmp, jp2, jpeg, jxl, png, tiff, webp
from textclean.io.differences import Differences
from textclean.io.guard import MAX_PIXELS, check_file_size
from textclean.io.notes import note
from textclean.io.raster import LOSSLESS, Raster, require_inside, require_same_outside
from textclean.io.sniff import FOREIGN_DOCUMENTS, FOREIGN_IMAGES, HEAD_BYTES, sniff
from textclean.io.thumbnails import cleared
from textclean.io.tiff_file import TiffFile
from textclean.io.tiff_previews import note_gone, page_ifds, previews_of, without_previews
from textclean.io.tiff_writer import TiffWriter
from textclean.io.wishes import ALLOW_LOSSY, PROMOTED, note_promoted, promoted

if TYPE_CHECKING:
    import os

    from textclean.types import Mask, Page


_MODERN: Final[dict[str | None, Any]] = {"webp": webp, "jp2": jp2, "avif": avif, "jxl": jxl}
# What turns a format into one that is read, for those that nothing here reads.
_REMEDIES: Final = {
    "heif": "Convert it to PNG: heif-convert page.heic page.png (apt install libheif-examples)",
    "gif": "Convert it to PNG: convert page.gif page.png (apt install imagemagick)",
    "ico": "Convert it to PNG: convert page.ico page.png (apt install imagemagick)",
    "pnm": "Convert it to PNG: pnmtopng page.ppm > page.png (apt install netpbm)",
    "pcx": "Convert it to PNG: convert page.pcx page.png (apt install imagemagick)",
    "psd": "Convert it to PNG: convert 'page.psd[0]' page.png (apt install imagemagick)",
    "ps": "Convert it to PDF: ps2pdf book.ps (apt install ghostscript)",
    "djvu": "Convert it to TIFF: ddjvu -format=tiff book.djvu book.tif (apt install djvulibre-bin)",
    "gzip": "Unpack it: gunzip FILE",
    "xz": "Unpack it: unxz FILE (apt install xz-utils)",
}


def read_image(
    data: bytes | str | os.PathLike[str],
    name: str = "",
    *,
    max_pixels: int = MAX_PIXELS,
    source: str = "",
    number: int = 1,
) -> Page:
    """Decode one image, by its content and not by its name.

    Args:
        data: The file's bytes, or a path to it.
        name: Name of the page for messages; defaults to the path's.
        max_pixels: Images with more pixels are refused before decoding.
        source: Name of the document for messages.
        number: Position in the document, from 1.

    Returns:
        The page, in the file's own mode and depth; its arrays are read-only.

    Raises:
        CorruptInputError: Empty, truncated, damaged, or no image.
        FileAccessError: The path cannot be read.
        TooLargeError: Over the limit.
        UnsupportedFormatError: A format, mode or feature that is not handled.
    """
    if not isinstance(data, bytes):
        path = Path(data)
        name = name or path.name
        data = read_file(path)
    try:
        raster = decode_image(data, max_pixels)
    except TextcleanError as error:
        raise error.at(source=source or None, page=name or None) from None
    return raster.to_page(source=source, name=name, number=number)


def write_image(page: Page, mask: Mask, original: bytes, loaded: Page | None = None) -> bytes:
    """Encode a cleaned page in the format of the file it came from.

    What was written is decoded again and compared with the original outside the mask.

    Args:
        page: The cleaned page.
        mask: ``(H, W)`` bool, as stored: pixels that may differ from the original.
        original: The bytes that the page was decoded from.
        loaded: What they decode to, if that is at hand; else they are decoded again.

    Returns:
        The new file. All metadata is the original's.

    Raises:
        MaskError: The mask has not the size of the page as stored.
        PageError: Pixels outside the mask would not be the original's.
        UnsupportedFormatError: The format cannot hold the page as it is.
    """
    try:
        return _write_image(page, mask, original, loaded)
    except TextcleanError as error:
        raise error.at(source=page.source or None, page=page.name or None) from None


def decode_image(data: bytes, max_pixels: int) -> Raster:
    """Decode an image; see :func:`read_image`."""
    check_file_size(len(data))
    kind = sniff(data[:HEAD_BYTES])
    if kind == "png":
        return png.decode(data, max_pixels)
    if kind == "jpeg":
        return jpeg.decode(data, max_pixels)
    if kind == "bmp":
        return bmp.decode(data, max_pixels)
    if kind in _MODERN:
        raster: Raster = _MODERN[kind].decode(data, max_pixels)
        return raster
    if kind == "tiff":
        file = TiffFile(data)
        return tiff.decode(file, file.ifds[_only_page(file)], max_pixels)
    raise no_image(kind)


def no_image(kind: str | None) -> CorruptInputError | UnsupportedFormatError:
    """The error for data that is not an image of a format that is handled."""
    known = FOREIGN_IMAGES | FOREIGN_DOCUMENTS | {"pdf": "PDF", "zip": "ZIP"}
    if kind is None:
        return CorruptInputError("this is not an image of any known format, whatever its name says")
    return UnsupportedFormatError(
        f"{known[kind]} is not handled here",
        remedy=_REMEDIES.get(kind, "Convert it to PNG, JPEG, WebP, TIFF or BMP"),
    )


def read_file(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        CorruptInputError: It is empty.
        FileAccessError: It cannot be read.
        TooLargeError: It is larger than any image that is handled.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            try:
                check_file_size(size)
            except TextcleanError as error:
                raise error.at(source=str(path)) from None
            file.seek(0)
            return file.read()
    except OSError as error:
        raise cannot_read(path, error) from None


def cannot_read(path: Path, error: OSError) -> FileAccessError:
    """The error for a path that cannot be read."""
    return FileAccessError(f"cannot read {path}: {error.strerror or error}")


def require_fits(page: Page, mask: Mask, before: Raster) -> None:
    """Check that a page can stand where the original stood.

    Raises:
        MaskError: The mask is not a mask of the page.
        UnsupportedFormatError: Mode or size differ.
    """
    if mask.shape != page.pixels.shape[:2] or mask.dtype != bool:
        raise MaskError(
            f"the mask is {mask.dtype} {mask.shape}; the page as stored is "
            f"{page.pixels.shape[:2]} and needs a boolean mask"
        )
    if page.mode != before.mode or page.pixels.shape != before.pixels.shape:
        raise UnsupportedFormatError(
            f"the page is {page.mode} {page.pixels.shape}, but the file it is written back to is "
            f"{before.mode} {before.pixels.shape}"
        )


def placed(
    page: Page, mask: Mask, original: bytes, loaded: Page | None
) -> tuple[Raster, Differences]:
    """What stood where a page goes, and where it differs, which is under the mask alone.

    Args:
        page: The cleaned page.
        mask: ``(H, W)`` bool, as stored.
        original: The bytes that the page was decoded from.
        loaded: What they decode to, if that is at hand.

    Raises:
        MaskError: The mask has not the size of the page as stored.
        PageError: Pixels outside the mask are not the original's.
        UnsupportedFormatError: Mode or size differ.
    """
    if loaded is None:
        before = decode_image(original, page.pixels.shape[0] * page.pixels.shape[1])
    else:
        before = Raster(loaded.pixels, loaded.mode, loaded.palette, metadata=loaded.metadata)
    if page.metadata.extra.get(PROMOTED):
        before = promoted(before)
        note_promoted(before)
    require_fits(page, mask, before)
    chosen = Differences.of(before.pixels, page.pixels)
    require_inside(chosen, mask)
    return before, chosen


def _write_image(page: Page, mask: Mask, original: bytes, loaded: Page | None) -> bytes:
    before, chosen = placed(page, mask, original, loaded)
    original = cleared(original, before.metadata.format or "image")
    if sniff(original[:HEAD_BYTES]) == "jpeg":
        return _write_jpeg(original, before, page, chosen, mask)
    encoded = _encode(original, page, chosen.mask)
    after = decode_image(encoded, mask.size)
    if before.metadata.extra[LOSSLESS] and not page.metadata.extra.get(ALLOW_LOSSY):
        require_same_outside(before, after, mask)
    elif after.mode != before.mode or after.pixels.shape != before.pixels.shape:
        raise PageError("the page cannot be encoded as it was; it was not written")
    else:
        note_loss(before, Differences.of(before.pixels, after.pixels), mask)
    return encoded


def _write_jpeg(
    original: bytes, before: Raster, page: Page, chosen: Differences, mask: Mask
) -> bytes:
    """A JPEG with new blocks: what they change outside the mask is told."""
    written = jpeg.encode(original, before, page.pixels, chosen)
    where = ", all in the blocks it touches," if written.spliced else ""
    note_loss(before, written.differs, mask, where)
    return written.data


def note_loss(before: Raster, differs: Differences, mask: Mask, where: str = "") -> None:
    """Tell how many pixels outside the mask a lossy format could not keep, and how far off."""
    outside = differs.outside(mask)
    count = np.count_nonzero(outside)
    if not count:
        return
    note(
        f"{before.metadata.format}: {count:,} of {mask.size - np.count_nonzero(mask):,} pixels "
        f"outside the mask{where} changed when the page was encoded, by {differs.most(outside)} "
        "levels at most"
    )


def _encode(original: bytes, page: Page, chosen: Mask) -> bytes:
    kind = sniff(original[:HEAD_BYTES])
    lossy = bool(page.metadata.extra.get(ALLOW_LOSSY))
    promote = bool(page.metadata.extra.get(PROMOTED))
    if kind == "png":
        return (png.encode_promoted if promote else png.encode)(original, page.pixels)
    if kind in _MODERN:
        encoded: bytes = _MODERN[kind].encode(original, page.pixels, allow_lossy=lossy)
        return encoded
    if kind == "bmp":
        return bmp.encode(original, page.pixels, chosen)
    file = TiffFile(original)
    index = _only_page(file)
    gone = previews_of(file, [index], {index})
    if gone:
        note_gone()
    bare = without_previews(file, file.ifds[index])
    if promote:
        new = tiff.encode_promoted(file, bare, page.pixels)
    else:
        new = tiff.encode(file, bare, page.pixels, chosen)
    out = io.BytesIO()
    writer = TiffWriter(out, file.order)
    for number, ifd in enumerate(file.ifds):
        if number == index:
            writer.add(*new, file)
        elif number not in gone:
            writer.add(ifd, file.blocks(ifd), file)
    return out.getvalue()


def _only_page(file: TiffFile) -> int:
    """Index of the one page of a TIFF that stands among other files."""
    pages = page_ifds(file)
    if len(pages) != 1:
        raise UnsupportedFormatError(
            f"the TIFF has {len(pages)} pages; inside a folder or an archive it must have one",
            remedy="Clean the TIFF on its own, or split it",
        )
    return pages[0]
