"""BMP: pixels are read from and patched into the file's own bytes; nothing else is touched."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from PIL import BmpImagePlugin

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.guard import check_size, decoder_errors
from textclean.io.raster import LOSSLESS, WARNINGS, Raster, pack_bits, unpack_bits
from textclean.types import Metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask, Mode

_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHA_BITFIELDS = 0, 1, 2, 3, 6
_MASKS: Final = {16: (0x7C00, 0x03E0, 0x001F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_RLE_PALETTE: Final = {_RLE8: 8, _RLE4: 4}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the pixels are.

    Attributes:
        width: In pixels.
        height: In pixels.
        bottom_up: Whether the last row comes first.
        bits: Bits of a pixel.
        compression: One of the constants above.
        offset: Of the first row in the file.
        palette: ``(N, 3)`` uint8 RGB, or None.
        masks: Bit masks of red, green, blue and alpha, for 16 and 32 bits.
    """

    width: int
    height: int
    bottom_up: bool
    bits: int
    compression: int
    offset: int
    palette: NDArray[np.uint8] | None
    masks: tuple[int, int, int, int]

    @property
    def row_bytes(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4

    @property
    def mode(self) -> Mode:
        if self.bits > 8:
            return "RGBA" if self.masks[3] else "RGB"
        palette = self.palette
        ramp = np.arange(256, dtype=np.uint8)[:, None]
        if self.bits == 1 and palette is not None and palette.tolist() == [[0] * 3, [255] * 3]:
            return "1"
        if palette is not None and len(palette) == 256 and (palette == ramp).all():
            return "L"
        return "P"


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a BMP.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: A compression other than none, RLE and bit fields.
    """
    layout = _layout(data, max_pixels)
    metadata = _metadata(data, layout)
    if layout.compression in _RLE_PALETTE:
        data, layout = _expanded(data, layout)
    stored = _rows(data, layout)
    pixels, mode = _pixels(stored, layout), layout.mode
    if mode == "RGBA" and not pixels[..., 3].any():
        # Many programs declare alpha and leave it zero: such a page is opaque.
        pixels, mode = np.ascontiguousarray(pixels[..., :3]), "RGB"
    return Raster(
        pixels=pixels,
        mode=mode,
        palette=layout.palette if mode == "P" else None,
        metadata=metadata,
    )


def encode(original: bytes, pixels: NDArray[Any], chosen: Mask) -> bytes:
    """The BMP with other pixels of the same mode and size.

    Args:
        original: The BMP that the page was decoded from.
        pixels: Native array, as :func:`decode` gives it.
        chosen: ``(H, W)`` bool: the pixels that differ from what :func:`decode` gives for
            ``original``; only rows that have some are written.

    Returns:
        The original's bytes with those pixels replaced; run-length coding is expanded.
    """
    layout = _layout(original, pixels.shape[0] * pixels.shape[1])
    if layout.compression in _RLE_PALETTE:
        original, layout = _expanded(original, layout)
    data = bytearray(original)
    every = _rows(data, layout)
    touched = np.flatnonzero(chosen.any(axis=1))
    rows, pixels = every[touched], pixels[touched]
    if layout.bits <= 8:
        # Padding at the end of a row stays as it is.
        used = (layout.width * layout.bits + 7) // 8
        rows[:, :used] = pack_bits(pixels.astype(np.uint8), layout.bits)
    elif layout.bits == 24:
        rows[:, : 3 * layout.width] = _reversed(pixels).reshape(len(rows), -1)
    else:
        _patch_fields(rows, pixels, chosen[touched], layout)
    every[touched] = rows
    return bytes(data)


def _layout(data: bytes, max_pixels: int) -> _Layout:
    try:
        (offset, size) = struct.unpack_from("<II", data, 10)
        if size == 12:
            width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
            compression = _RGB
        else:
            width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        if len(data) < 14 + size:
            raise CorruptInputError("the BMP is cut off inside its header")
        check_size(width, abs(height), max_pixels)
        if compression not in (_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHA_BITFIELDS) or size == 64:
            raise UnsupportedFormatError(
                f"the BMP is compressed in a way that is not handled ({compression})",
                remedy="Save it uncompressed, or as PNG",
            )
        if bits not in (1, 4, 8, 16, 24, 32) or _RLE_PALETTE.get(compression, bits) != bits:
            raise CorruptInputError(f"the BMP declares {bits} bits a pixel")
        if compression in _RLE_PALETTE and _profile(data, size):
            raise UnsupportedFormatError("the BMP is run-length coded and carries a profile")
        masks = _field_masks(data, size, bits, compression)
        palette = _palette(data, size, bits) if bits <= 8 else None
        colors = 0 if palette is None else len(palette) * (3 if size == 12 else 4)
        if offset < 14 + size + colors:
            raise CorruptInputError("the BMP's pixels lie inside its header")
    except struct.error:
        raise CorruptInputError("the BMP is cut off inside its header") from None
    return _Layout(width, abs(height), height > 0, bits, compression, offset, palette, masks)


def _field_masks(data: bytes, size: int, bits: int, compression: int) -> tuple[int, int, int, int]:
    if compression not in (_BITFIELDS, _ALPHA_BITFIELDS) or bits not in (16, 32):
        return _MASKS.get(bits, (0, 0, 0, 0))
    has_alpha = size >= 56 or compression == _ALPHA_BITFIELDS
    red, green, blue = struct.unpack_from("<III", data, 54)
    alpha = struct.unpack_from("<I", data, 66)[0] if has_alpha else 0
    masks = red, green, blue, alpha
    if not all(masks[:3]) or not all(_is_run(mask, bits) for mask in masks if mask):
        raise UnsupportedFormatError(
            f"the BMP has colour masks that are not handled: {', '.join(map(hex, masks))}",
            remedy="Save it with 24 bits a pixel, or as PNG",
        )
    return masks


def _is_run(mask: int, bits: int) -> bool:
    """Whether a mask is one run of at most eight bits inside the pixel."""
    run = mask // (mask & -mask)
    return not run & (run + 1) and run <= 255 and mask < 1 << bits


def _palette(data: bytes, size: int, bits: int) -> NDArray[np.uint8]:
    used = struct.unpack_from("<I", data, 46)[0] if size >= 40 else 0
    count = min(used or 2**bits, 2**bits)
    each = 3 if size == 12 else 4
    at = 14 + size
    raw = data[at : at + each * count]
    if len(raw) < each * count:
        raise CorruptInputError("the BMP is cut off inside its palette")
    return np.frombuffer(raw, np.uint8).reshape(-1, each)[:, 2::-1].copy()


def _rows(data: bytes | bytearray, layout: _Layout) -> NDArray[np.uint8]:
    """``(H, row_bytes)`` uint8, top row first; to be written into where the data is."""
    length = layout.row_bytes * layout.height
    raw = np.frombuffer(data, np.uint8)[layout.offset : layout.offset + length]
    if raw.size < length:
        raise CorruptInputError("the BMP is cut off", remedy="Get the file again")
    rows = raw.reshape(layout.height, layout.row_bytes)
    return rows[::-1] if layout.bottom_up else rows


def _pixels(rows: NDArray[np.uint8], layout: _Layout) -> NDArray[Any]:
    width, height = layout.width, layout.height
    if layout.bits <= 8:
        samples = np.ascontiguousarray(unpack_bits(rows, width, layout.bits))
        return samples.astype(np.bool_) if layout.mode == "1" else samples
    if layout.bits == 24:
        return _reversed(rows[:, : 3 * width].reshape(height, width, 3))
    words = _words(rows, layout)
    planes = [_field(words, mask) for mask in layout.masks if mask]
    return np.stack(planes, axis=2)


def _reversed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W, 3)``: blue, green, red for red, green, blue."""
    other = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2RGB)
    return np.asarray(other, np.uint8)


def _words(rows: NDArray[np.uint8], layout: _Layout) -> NDArray[Any]:
    each = layout.bits // 8
    return np.ascontiguousarray(rows[:, : each * layout.width]).view(f"<u{each}")


def _field(words: NDArray[Any], mask: int) -> NDArray[np.uint8]:
    """The bits under ``mask``, stretched to 0 to 255."""
    step = mask & -mask
    top = mask // step
    values = ((words & mask) // step).astype(np.uint32)
    return ((values * 255 + top // 2) // top).astype(np.uint8)


def _patch_fields(
    rows: NDArray[np.uint8], pixels: NDArray[Any], changed: Mask, layout: _Layout
) -> None:
    words = _words(rows, layout).astype(np.uint32)
    for channel, mask in enumerate(layout.masks[: pixels.shape[2]]):
        step = mask & -mask
        top = mask // step
        values = (pixels[changed, channel].astype(np.uint32) * top + 127) // 255
        words[changed] = words[changed] & np.uint32(~mask & 0xFFFFFFFF) | values * np.uint32(step)
    each = layout.bits // 8
    raw = words.astype(f"<u{each}").view(np.uint8)
    rows[:, : each * layout.width] = raw.reshape(len(rows), -1)


def _expanded(data: bytes, layout: _Layout) -> tuple[bytes, _Layout]:
    """The same BMP without run-length coding."""
    with decoder_errors("BMP image"):
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
        image.load()
        samples = np.asarray(image)
    used = (layout.width * layout.bits + 7) // 8
    rows = np.zeros((layout.height, layout.row_bytes), np.uint8)
    rows[:, :used] = pack_bits(samples, layout.bits)
    raw = (rows[::-1] if layout.bottom_up else rows).tobytes()
    head = bytearray(data[: layout.offset])
    struct.pack_into("<I", head, 2, len(head) + len(raw))
    struct.pack_into("<I", head, 30, _RGB)
    struct.pack_into("<I", head, 34, len(raw))
    return bytes(head) + raw, replace(layout, compression=_RGB)


def _metadata(data: bytes, layout: _Layout) -> Metadata:
    notes = []
    if layout.bits == 16:
        notes.append("BMP: 16 bits a pixel, cleaned pixels are rounded to them")
    if layout.compression in _RLE_PALETTE:
        notes.append("BMP: run-length coding comes back uncompressed")
    size = struct.unpack_from("<I", data, 14)[0]
    x, y = struct.unpack_from("<ii", data, 38) if size >= 40 else (0, 0)
    return Metadata(
        format="BMP",
        icc=_profile(data, size),
        dpi=(x * 0.0254, y * 0.0254) if x > 0 and y > 0 else None,
        extra={LOSSLESS: True, WARNINGS: tuple(notes)},
    )


def _profile(data: bytes, size: int) -> bytes | None:
    """The profile embedded in a version 5 header, found by its offset from that header."""
    if size < 124 or data[14 + 56 : 14 + 60] != b"DEBM":
        return None
    offset, length = struct.unpack_from("<II", data, 14 + 112)
    return data[14 + offset : 14 + offset + length] or None
