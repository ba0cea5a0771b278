"""PNG: every depth and colour type, with all chunks but the pixels kept byte for byte."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.guard import check_size, decoder_errors
from textclean.io.png_chunks import (
    GREY,
    PALETTE,
    RGB,
    RGB_ALPHA,
    Chunk,
    Header,
    find_chunk,
    read_chunks,
    read_header,
)
from textclean.io.raster import LOSSLESS, Raster, grey_palette, pack_bits, unpack_bits
from textclean.io.scanlines import (
    SIGNATURE,
    chunk,
    decode_scanlines,
    encode_scanlines,
    header,
    minimal_png,
    open_png,
)
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mask

_MAX_PROFILE = 2**26
# Transparency, background, histogram and significant bits of palette entries.
_OF_THE_PALETTE: Final = (b"PLTE", b"tRNS", b"bKGD", b"hIST", b"sBIT")


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a PNG.

    Greys of 2 and 4 bits come as palette pages with a palette of greys, because that is what can
    be written back to them.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Animated.
    """
    chunks = read_chunks(data)
    head = read_header(chunks)
    check_size(head.width, head.height, max_pixels)
    if any(c.kind == b"acTL" for c in chunks):
        raise UnsupportedFormatError(
            "the PNG is animated; only still pages are cleaned",
            remedy="Save the frame that you want as a PNG of its own",
        )
    palette = _palette(head, chunks)
    samples = _samples(head, b"".join(c.data for c in chunks if c.kind == b"IDAT"))
    return Raster(
        pixels=_native(head, samples),
        mode=head.mode,
        palette=palette,
        transparent=_transparent(head, samples, find_chunk(chunks, b"tRNS")),
        metadata=_metadata(chunks),
    )


def encode(original: bytes, pixels: NDArray[Any]) -> bytes:
    """The PNG with other pixels of the same mode and size.

    Args:
        original: The PNG that the page was decoded from.
        pixels: Native array, as :func:`decode` gives it.

    Returns:
        A PNG of the same depth and colour type, not interlaced; every other chunk is the
        original's, in the original's order.
    """
    chunks = read_chunks(original)
    head = read_header(chunks)
    # Palette indices and packed bits have no neighbourly values for a filter to find.
    filtered = head.color != PALETTE and head.bits >= 8
    stream = encode_scanlines(_rows(head, pixels), head.step, filtered=filtered)
    replaced = {
        b"IHDR": chunk(b"IHDR", header(head.width, head.height, head.bits, head.color)),
        b"IDAT": chunk(b"IDAT", stream),
    }
    return _with_chunks(original, replaced)


def encode_promoted(original: bytes, pixels: NDArray[Any]) -> bytes:
    """The palette PNG with colours in place of indices.

    Args:
        original: The PNG that the page was decoded from.
        pixels: ``(H, W)`` or ``(H, W, C)`` uint8.

    Returns:
        An 8-bit grey, RGB or RGBA PNG without the chunks that speak of the palette.
    """
    head = read_header(read_chunks(original))
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    color = {1: GREY, 3: RGB, 4: RGB_ALPHA}[channels]
    rows = np.ascontiguousarray(pixels).reshape(head.height, head.width * channels)
    replaced = {
        b"IHDR": chunk(b"IHDR", header(head.width, head.height, 8, color)),
        b"IDAT": chunk(b"IDAT", encode_scanlines(rows, channels)),
        **dict.fromkeys(_OF_THE_PALETTE, b""),
    }
    return _with_chunks(original, replaced)


def _with_chunks(original: bytes, replaced: dict[bytes, bytes]) -> bytes:
    """The PNG with some chunks replaced, each where the first of its kind stood."""
    out, seen = [SIGNATURE], set()
    for part in read_chunks(original):
        if part.kind not in replaced:
            out.append(part.raw)
        elif part.kind not in seen:
            out.append(replaced[part.kind])
            seen.add(part.kind)
    return b"".join(out)


def _samples(head: Header, stream: bytes) -> NDArray[Any]:
    """``(H, W)`` or ``(H, W, C)`` samples, uint8 (also of fewer bits) or uint16."""
    if head.interlaced and head.bits < 8:
        return _interlaced_bits(head, stream)
    rows = decode_scanlines(
        stream, head.height, head.row_bytes, head.step, interlaced=head.interlaced
    )
    if head.bits < 8:
        return unpack_bits(rows, head.width, head.bits)
    samples = rows if head.bits == 8 else rows.view(">u2").astype(np.uint16)
    shape = (head.height, head.width, head.channels)
    return samples.reshape(shape[: 2 if head.channels == 1 else 3])


def _interlaced_bits(head: Header, stream: bytes) -> NDArray[np.uint8]:
    """Passes of packed bits end in mid-byte: here Pillow has to know the true depth."""
    ihdr = header(head.width, head.height, head.bits, head.color, True)
    plte = bytes(range(256)) * 3 if head.color == PALETTE else b""
    with decoder_errors("PNG image"):
        image = open_png(minimal_png(ihdr, stream, plte[: 3 * 2**head.bits]))
        samples = np.asarray(image).astype(np.uint8)
    scaled = head.color == GREY and head.bits > 1
    return samples // np.uint8(255 // (2**head.bits - 1)) if scaled else samples


def _native(head: Header, samples: NDArray[Any]) -> NDArray[Any]:
    return samples.astype(np.bool_) if head.mode == "1" else samples


def _rows(head: Header, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The inverse of :func:`_samples` and :func:`_native`."""
    if head.bits < 8:
        return pack_bits(pixels.astype(np.uint8), head.bits)
    if head.bits == 16:
        pixels = pixels.astype(">u2").view(np.uint8)
    return np.ascontiguousarray(pixels).reshape(head.height, head.row_bytes)


def _palette(head: Header, chunks: Sequence[Chunk]) -> NDArray[np.uint8] | None:
    if head.mode != "P":
        return None
    if head.color == GREY:
        return grey_palette(head.bits)
    plte = find_chunk(chunks, b"PLTE")
    if not plte or len(plte) % 3:
        raise CorruptInputError("the PNG has no usable palette")
    colors = np.frombuffer(plte, np.uint8).reshape(-1, 3)
    alpha = find_chunk(chunks, b"tRNS")
    if not alpha:
        return colors.copy()
    column = np.full((len(colors), 1), 255, np.uint8)
    known = np.frombuffer(alpha[: len(colors)], np.uint8)
    column[: len(known), 0] = known
    return np.hstack([colors, column])


def _transparent(head: Header, samples: NDArray[Any], trns: bytes | None) -> Mask | None:
    """Pixels of the one colour that a grey or RGB image declares transparent."""
    if not trns or head.color not in (GREY, RGB) or len(trns) != 2 * head.channels:
        return None
    key = np.frombuffer(trns, ">u2")
    hit = samples == (key if head.channels > 1 else key[0])
    mask: Mask = hit.all(axis=2) if head.channels > 1 else hit
    return mask


def _metadata(chunks: Sequence[Chunk]) -> Metadata:
    exif = find_chunk(chunks, b"eXIf")
    return Metadata(
        format="PNG",
        icc=_profile(find_chunk(chunks, b"iCCP")),
        exif=exif,
        dpi=_dpi(find_chunk(chunks, b"pHYs")) or exif_dpi(exif),
        orientation=exif_orientation(exif),
        extra={LOSSLESS: True},
    )


def _profile(data: bytes | None) -> bytes | None:
    """The ICC profile of an iCCP chunk: name, zero, method, zlib stream."""
    if data is None or b"\0" not in data[:80]:
        return None
    try:
        return zlib.decompressobj().decompress(data[data.index(b"\0") + 2 :], _MAX_PROFILE)
    except zlib.error:
        return None


def _dpi(phys: bytes | None) -> tuple[float, float] | None:
    if phys is None or len(phys) != 9 or phys[8] != 1:
        return None
    x, y = struct.unpack_from(">II", phys)
    return (x * 0.0254, y * 0.0254) if x and y else None
