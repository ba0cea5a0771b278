"""WebP: lossless stays lossless, metadata chunks are kept byte for byte."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image, WebPImagePlugin

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.guard import check_size, decoder_errors
from textclean.io.notes import LOSSLESS_NOW, note
from textclean.io.raster import LOSSLESS, Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mode

LOSSY_QUALITY: Final = 95
"""Quality at which lossy WebP is encoded again."""

LOSSLESS_EFFORT: Final = 50
"""How hard lossless WebP is packed, 0 to 100. Pages take a third less time than with the usual 75,
and are the same size or, with screentone, 3 % larger."""

_ANIMATED = 0x02
_PIXELS: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})


class _Chunk(NamedTuple):
    kind: bytes
    data: bytes

    @property
    def raw(self) -> bytes:
        padding = b"\0" * (len(self.data) & 1)
        return self.kind + struct.pack("<I", len(self.data)) + self.data + padding


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a WebP; an alpha channel that is opaque everywhere is left out.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Animated.
    """
    chunks = _chunks(data)
    check_size(*_size(chunks), max_pixels)
    with decoder_errors("WebP image"):
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
        image.load()
        pixels = np.asarray(image)
    if image.mode == "RGBA" and (pixels[..., 3] == 255).all():
        pixels = np.ascontiguousarray(pixels[..., :3])
    mode: Mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
    return Raster(pixels=pixels, mode=mode, metadata=_metadata(chunks))


def encode(original: bytes, pixels: NDArray[Any], *, allow_lossy: bool = False) -> bytes:
    """The WebP with other pixels of the same mode and size.

    Args:
        original: The WebP that the page was decoded from.
        pixels: ``(H, W, 3)`` or ``(H, W, 4)`` uint8, as :func:`decode` gives it.
        allow_lossy: Whether a lossy image may come back lossy, of :data:`LOSSY_QUALITY`.

    Returns:
        A WebP, lossless and exact unless that is allowed and the original is not; all other chunks
        are the original's.
    """
    chunks = _chunks(original)
    height, width, channels = pixels.shape
    image = Image.frombytes("RGBA" if channels == 4 else "RGB", (width, height), pixels.tobytes())
    out = io.BytesIO()
    if _is_lossless(chunks) or not allow_lossy:
        if not _is_lossless(chunks):
            note(LOSSLESS_NOW.format("WebP"))
        image.save(out, "WEBP", lossless=True, exact=True, quality=LOSSLESS_EFFORT, method=4)
    else:
        image.save(out, "WEBP", quality=LOSSY_QUALITY, alpha_quality=100, exact=True, method=4)
    return _with_chunks_of(chunks, out.getvalue())


def _chunks(data: bytes) -> list[_Chunk]:
    size = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= 12 else 0
    # Some writers leave out the padding byte at the very end.
    if size < 12 or size > len(data) + 1:
        raise CorruptInputError("the WebP is cut off", remedy="Get the file again")
    found, at = [], 12
    while at + 8 <= min(size, len(data)):
        kind = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > len(data):
            raise CorruptInputError("the WebP is cut off", remedy="Get the file again")
        found.append(_Chunk(kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + (length & 1)
    _refuse_animated(found)
    return found


def _refuse_animated(chunks: Sequence[_Chunk]) -> None:
    extended = next((c.data for c in chunks if c.kind == b"VP8X"), b"\0")
    if extended[:1] and extended[0] & _ANIMATED:
        raise UnsupportedFormatError(
            "the WebP is animated; only still pages are cleaned",
            remedy="Save the frame that you want as a file of its own",
        )


def _size(chunks: Sequence[_Chunk]) -> tuple[int, int]:
    """Width and height from the first chunk's header (WebP container specification)."""
    for kind, data in chunks:
        if kind == b"VP8X" and len(data) >= 10:
            return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
        if kind == b"VP8L" and len(data) >= 5:
            bits = int.from_bytes(data[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if kind == b"VP8 " and len(data) >= 10:
            width, height = struct.unpack_from("<HH", data, 6)
            return width & 0x3FFF, height & 0x3FFF
    raise CorruptInputError("the WebP has no image in it")


def _is_lossless(chunks: Sequence[_Chunk]) -> bool:
    return any(c.kind == b"VP8L" for c in chunks)


def _with_chunks_of(chunks: Sequence[_Chunk], encoded: bytes) -> bytes:
    """The encoded pixels among the original's other chunks, in the original's order."""
    if not any(c.kind == b"VP8X" for c in chunks):
        return encoded
    new = [c for c in _chunks(encoded) if c.kind in _PIXELS]
    parts: list[_Chunk] = []
    for part in chunks:
        if part.kind not in _PIXELS:
            parts.append(part)
        elif new:
            parts.extend(new)
            new = []
    body = b"WEBP" + b"".join(part.raw for part in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _metadata(chunks: Sequence[_Chunk]) -> Metadata:
    found = {c.kind: c.data for c in chunks}
    exif = found.get(b"EXIF")
    return Metadata(
        format="WEBP",
        icc=found.get(b"ICCP"),
        exif=exif,
        dpi=exif_dpi(exif),
        orientation=exif_orientation(exif),
        extra={LOSSLESS: True},
    )
