"""Filtered scan lines: the compressed form that PNG and PDF's Flate images share.

A PNG's pixels are rows of bytes, each row filtered against its neighbours (PNG specification,
section 9) and all of them deflated; PDF calls the same thing predictor 15. The filters know bytes
and a distance, not samples. So rows of any depth can be coded as those of an 8-bit image whose
pixels have as many bytes: one bit as grey, 16-bit grey as grey with alpha, and so on. No decoder
gets a chance to convert anything.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, PngImagePlugin

from textclean.errors import CorruptInputError
from textclean.io.guard import decoder_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# Bytes of a pixel -> mode and PNG colour type of the 8-bit image that stands in for it.
_STAND_IN: Final = {1: ("L", 0), 2: ("LA", 4), 3: ("RGB", 2), 4: ("RGBA", 6)}
# Three and four samples of 16 bits have no such image.
_WIDE: Final = {6: 2, 8: 6}


def chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int, color: int, interlaced: bool = False) -> bytes:
    """The data of an IHDR chunk."""
    return struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))


def minimal_png(ihdr: bytes, idat: bytes, plte: bytes = b"") -> bytes:
    """A PNG with nothing in it but pixels."""
    palette = chunk(b"PLTE", plte) if plte else b""
    return SIGNATURE + chunk(b"IHDR", ihdr) + palette + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def open_png(data: bytes) -> Image.Image:
    """Decode with Pillow, without the check on Pillow's global pixel limit."""
    image = PngImagePlugin.PngImageFile(io.BytesIO(data))
    image.load()
    return image


def decode_scanlines(
    stream: bytes, height: int, row_bytes: int, step: int, *, interlaced: bool = False
) -> NDArray[np.uint8]:
    """Inflate and unfilter.

    Args:
        stream: zlib stream of filtered rows.
        height: Number of rows.
        row_bytes: Bytes of a row, a multiple of ``step``.
        step: Bytes of a pixel: 1 to 4, 6 or 8.
        interlaced: Whether the rows are those of the seven passes of Adam7; only for whole bytes.

    Returns:
        ``(height, row_bytes)`` uint8.

    Raises:
        CorruptInputError: The stream is damaged or too short.
    """
    width = row_bytes // step
    if step in _WIDE:
        return _decode_wide(stream, height, width, step, interlaced)
    _, color = _STAND_IN[step]
    with decoder_errors("compressed image data"):
        image = open_png(minimal_png(header(width, height, 8, color, interlaced), stream))
        rows = np.asarray(image)
    return rows.reshape(height, row_bytes)


def encode_scanlines(rows: NDArray[np.uint8], step: int, *, filtered: bool = True) -> bytes:
    """Filter and deflate.

    Args:
        rows: ``(H, B)`` uint8.
        step: Bytes of a pixel: 1 to 4, 6 or 8.
        filtered: Whether to look for a filter per row. Packed bits and palette indices compress
            better without.

    Returns:
        A zlib stream that :func:`decode_scanlines` takes.
    """
    height, row_bytes = rows.shape
    if not filtered:
        unfiltered = np.zeros((height, row_bytes + 1), np.uint8)
        unfiltered[:, 1:] = rows
        return zlib.compress(unfiltered.data, 6)
    if step in _WIDE:
        return _encode_wide(rows, step)
    mode, _ = _STAND_IN[step]
    size = (row_bytes // step, height)
    image = Image.frombytes(mode, size, np.ascontiguousarray(rows).tobytes())
    out = io.BytesIO()
    image.save(out, "PNG")
    return image_data(out.getvalue())


def image_data(png: bytes) -> bytes:
    """The joined IDAT chunks of a well-formed PNG."""
    parts, at = [], len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            parts.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return b"".join(parts)


def _decode_wide(
    stream: bytes, height: int, width: int, step: int, interlaced: bool
) -> NDArray[np.uint8]:
    import cv2

    _require_inflated(stream, height * width * step)
    png = minimal_png(header(width, height, 16, _WIDE[step], interlaced), stream)
    try:
        image: Any = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.shape != (height, width, step // 2):
        raise CorruptInputError("the compressed image data is damaged")
    rows = _swap_blue_and_red(image).astype(">u2").view(np.uint8)
    return rows.reshape(height, width * step)


def _encode_wide(rows: NDArray[np.uint8], step: int) -> bytes:
    import cv2

    samples = np.ascontiguousarray(rows).view(">u2").astype(np.uint16)
    image = _swap_blue_and_red(samples.reshape(len(rows), -1, step // 2))
    done, png = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise RuntimeError("OpenCV wrote no PNG")
    return image_data(png.tobytes())


def _require_inflated(stream: bytes, length: int) -> None:
    """libpng, inside OpenCV, reports short data on file descriptor 2: keep it from seeing any."""
    inflate = zlib.decompressobj()
    left = length
    try:
        while left > 0 and stream:
            left -= len(inflate.decompress(stream, 1 << 24))
            stream = inflate.unconsumed_tail
    except zlib.error as error:
        raise CorruptInputError(f"the compressed image data is damaged ({error})") from None
    if left > 0:
        raise CorruptInputError("the compressed image data is cut off")


def _swap_blue_and_red(image: NDArray[Any]) -> NDArray[Any]:
    order = [2, 1, 0, 3][: image.shape[2]]
    return np.ascontiguousarray(image[..., order])
