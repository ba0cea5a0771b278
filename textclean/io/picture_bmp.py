"""A page as a BMP file made from nothing but its pixels, its resolution and its profile."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.raster import Raster, grey_palette, pack_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER: Final = 14
_PLAIN, _FIFTH = 40, 124
_RGB, _BITFIELDS = 0, 3
_MASKS: Final = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
_SRGB, _EMBEDDED = 0x73524742, 0x4D424544  # "sRGB", "MBED"
_PHOTOGRAPHIC: Final = 4


def encode_bmp(raster: Raster) -> bytes:
    """An uncompressed BMP; a profile or alpha make it one of the fifth version.

    Args:
        raster: Mode 1, L, P (without transparency), RGB or RGBA.
    """
    height, width = raster.pixels.shape[:2]
    bits, colors = _colors(raster)
    rows = _rows(raster.pixels, bits)
    icc = raster.metadata.icc or b""
    size = _FIFTH if icc or bits == 32 else _PLAIN
    offset = _HEADER + size + 4 * len(colors)
    across, down = (
        (0, 0)
        if raster.metadata.dpi is None
        else (max(1, round(value / 0.0254)) for value in raster.metadata.dpi)
    )
    head = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, _BITFIELDS if bits == 32 else _RGB,
        rows.size, across, down, len(colors), 0,
    )  # fmt: skip
    if size == _FIFTH:
        head += struct.pack("<4I", *(_MASKS if bits == 32 else (0, 0, 0, 0)))
        head += struct.pack("<I", _EMBEDDED if icc else _SRGB) + bytes(48)
        # The profile's offset counts from the header.
        place = offset - _HEADER + rows.size if icc else 0
        head += struct.pack("<4I", _PHOTOGRAPHIC, place, len(icc), 0)
    table = np.zeros((len(colors), 4), np.uint8)
    table[:, :3] = colors[:, ::-1]
    start = struct.pack("<2sIHHI", b"BM", offset + rows.size + len(icc), 0, 0, offset)
    return b"".join([start, head, table.tobytes(), rows.tobytes(), icc])


def _colors(raster: Raster) -> tuple[int, NDArray[np.uint8]]:
    """Bits of a pixel, and the ``(N, 3)`` palette."""
    if raster.mode == "P" and raster.palette is not None:
        return 8, raster.palette[:, :3]
    bits = {"1": 1, "L": 8, "RGB": 24, "RGBA": 32}[raster.mode]
    return bits, grey_palette(bits) if bits <= 8 else np.zeros((0, 3), np.uint8)


def _rows(pixels: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """``(H, B)`` uint8, the last row first, padded to whole words of four bytes."""
    if bits == 1:
        raw = pack_bits(pixels.astype(np.uint8), 1)
    elif bits == 8:
        raw = pixels
    else:
        order = [2, 1, 0, 3][: pixels.shape[2]]
        raw = np.ascontiguousarray(pixels[..., order]).reshape(len(pixels), -1)
    rows = np.zeros((len(raw), (raw.shape[1] + 3) // 4 * 4), np.uint8)
    rows[:, : raw.shape[1]] = raw[::-1]
    return rows
