"""A page as a picture of another format than its own: PNG, WebP, TIFF, BMP, JPEG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from textclean.errors import PageError, TextcleanError
from textclean.io import jpeg
from textclean.io.book_tiff import TiffBook
from textclean.io.differences import Differences
from textclean.io.images import decode_image, note_loss, placed
from textclean.io.notes import note
from textclean.io.picture_bmp import encode_bmp
from textclean.io.picture_forms import NAMES, fitted
from textclean.io.picture_png import encode_png
from textclean.io.raster import Raster
from textclean.io.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.types import Mask, Page

JPEG_QUALITY: Final = 95
"""Quality of JPEGs that are made of pages of another format; their chroma is not subsampled."""

_XMP: Final = b"ns.adobe.com/xap/"


def write_picture(
    page: Page, mask: Mask, original: bytes, to: str, loaded: Page | None = None
) -> bytes:
    """Encode a cleaned page in another format than that of the file it came from.

    What was written without loss is decoded again and compared.

    Args:
        page: The cleaned page.
        mask: ``(H, W)`` bool, as stored: pixels that may differ from the original.
        original: The bytes that the page was decoded from.
        to: "png", "webp", "tiff", "jpeg" or "bmp".
        loaded: What they decode to, if that is at hand; else they are decoded again.

    Raises:
        MaskError: The mask has not the size of the page as stored.
        PageError: Pixels outside the mask would not be the original's.
        UnsupportedFormatError: The format has no place for the page.
    """
    try:
        if _has_key(original):
            loaded = None  # a page does not know which colour is transparent
        before, chosen = placed(page, mask, original, loaded)
        clear = None if before.transparent is None else before.transparent & ~chosen.mask
        raster = Raster(page.pixels, page.mode, page.palette, clear, page.metadata)
        data, fit = _encoded(raster, to)
        if to == "jpeg":
            after = jpeg.decode(data, mask.size)
            note_loss(after, Differences.of(fit.pixels, after.pixels), mask)
    except TextcleanError as error:
        raise error.at(source=page.source or None, page=page.name or None) from None
    _note_xmp(original, to)
    return data


def recoded(data: bytes, to: str, max_pixels: int) -> bytes:
    """An image file in another format; the same bytes when it is of that.

    Raises:
        InputError: It cannot be decoded, or the format has no place for it.
    """
    if sniff(data[:HEAD_BYTES]) == to:
        return data
    raster = decode_image(data, max_pixels)
    _note_xmp(data, to)
    return encode_picture(raster, to)


def encode_picture(raster: Raster, to: str) -> bytes:
    """Pixels as a picture, without loss but for JPEG; resolution, profile and EXIF are kept.

    Args:
        raster: The pixels, and what is to be said of them.
        to: "png", "webp", "tiff", "jpeg" or "bmp".

    Raises:
        PageError: What was written is not what it should be.
        UnsupportedFormatError: The format has no place for the page.
    """
    return _encoded(raster, to)[0]


def _encoded(raster: Raster, to: str) -> tuple[bytes, Raster]:
    """The file, and what it was made from."""
    fit = fitted(raster, to)
    data = _ENCODERS[to](fit)
    if to == "jpeg":
        note(f"JPEG: pages of other formats are written with loss, at quality {JPEG_QUALITY}")
        return data, fit
    after = decode_image(data, fit.pixels.shape[0] * fit.pixels.shape[1])
    if not _is_same(fit, after):
        raise PageError(f"the page cannot be encoded as {NAMES[to]}; it was not written")
    return data, fit


def _has_key(data: bytes) -> bool:
    """Whether it may be a PNG that declares a colour transparent."""
    return sniff(data[:HEAD_BYTES]) == "png" and data.find(b"tRNS", 0, data.find(b"IDAT")) > 0


def _is_same(fit: Raster, after: Raster) -> bool:
    if fit.mode == after.mode and fit.pixels.shape == after.pixels.shape:
        return not len(Differences.of(fit.pixels, after.pixels).groups)
    one, two = fit.to_page(), after.to_page()
    return bool(one.rgb.shape == two.rgb.shape and (one.rgb == two.rgb).all())


def _note_xmp(original: bytes, to: str) -> None:
    if _XMP in original:
        note(f"{NAMES[to]}: XMP is left out")


def _webp(raster: Raster) -> bytes:
    out = io.BytesIO()
    _image(raster).save(
        out, "WEBP", lossless=True, exact=True, quality=75, method=4, **_about(raster)
    )
    return out.getvalue()


def _jpeg(raster: Raster) -> bytes:
    about = _about(raster)
    if raster.metadata.dpi is not None:
        about["dpi"] = raster.metadata.dpi
    out = io.BytesIO()
    _image(raster).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True, **about)
    return out.getvalue()


def _about(raster: Raster) -> dict[str, Any]:
    metadata = raster.metadata
    about: dict[str, Any] = {}
    if metadata.icc is not None:
        about["icc_profile"] = metadata.icc
    if metadata.exif is not None:
        about["exif"] = b"Exif\0\0" + metadata.exif
    return about


def _image(raster: Raster) -> Image.Image:
    height, width = raster.pixels.shape[:2]
    return Image.frombytes(raster.mode, (width, height), raster.pixels.tobytes())


def _tiff(raster: Raster) -> bytes:
    out = io.BytesIO()
    TiffBook(out, max_pixels=raster.pixels.size).add_raster(raster)
    return out.getvalue()


_ENCODERS: Final[dict[str, Callable[[Raster], bytes]]] = {
    "png": encode_png, "webp": _webp, "tiff": _tiff, "jpeg": _jpeg, "bmp": encode_bmp,
}  # fmt: skip
