"""A page as a PNG file made from nothing but its pixels and what its file said of it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import UnsupportedFormatError
from textclean.io.raster import Raster, pack_bits
from textclean.io.scanlines import SIGNATURE, chunk, encode_scanlines, header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Metadata

_PALETTE: Final = 3
# Mode without its depth -> colour type and samples of a pixel.
_COLORS: Final = {"1": (0, 1), "L": (0, 1), "I": (0, 1), "P": (3, 1), "LA": (4, 2),
                  "RGB": (2, 3), "RGBA": (6, 4)}  # fmt: skip
_SPACES: Final = {0: b"GRAY", 4: b"GRAY", 2: b"RGB ", 6: b"RGB ", 3: b"RGB "}


def encode_png(raster: Raster) -> bytes:
    """A PNG with the raster's mode, depth, palette, profile, resolution and orientation.

    Pixels of a colour that is declared transparent become transparent pixels.

    Raises:
        UnsupportedFormatError: CMYK, for which PNG has no place.
    """
    raster = without_key(raster)
    pixels, base = raster.pixels, raster.mode.removesuffix(";16")
    if base not in _COLORS:
        raise UnsupportedFormatError(
            f"a {raster.mode} page cannot be stored as a PNG", remedy="Choose TIFF or PDF"
        )
    color, channels = _COLORS[base]
    bits = _bits(raster)
    height, width = pixels.shape[:2]
    rows = _rows(pixels, bits, height)
    step = max(1, channels * bits // 8)
    filtered = color != _PALETTE and bits >= 8
    return b"".join(
        [
            SIGNATURE,
            chunk(b"IHDR", header(width, height, bits, color)),
            _about(raster.metadata, _SPACES[color]),
            _colors(raster),
            chunk(b"IDAT", encode_scanlines(rows, step, filtered=filtered)),
            chunk(b"IEND", b""),
        ]
    )


def without_key(raster: Raster) -> Raster:
    """The raster with real alpha where it had a transparent colour, or two kinds of it (PA)."""
    pixels, palette = raster.pixels, raster.palette
    if raster.mode == "PA" and palette is not None:
        colors = palette[np.minimum(pixels[..., 0], len(palette) - 1), :3]
        rgba = np.dstack([colors, pixels[..., 1]])
        return Raster(pixels=rgba, mode="RGBA", metadata=raster.metadata)
    if raster.transparent is None or raster.mode not in ("L", "RGB", "I;16", "RGB;16"):
        return raster
    top = pixels.dtype.type(np.iinfo(pixels.dtype).max)
    alpha = np.where(raster.transparent, pixels.dtype.type(0), top)
    wide = raster.mode.endswith(";16")
    if pixels.ndim == 2:
        mode = "LA;16" if wide else "LA"
        return Raster(np.dstack([pixels, alpha]), mode, metadata=raster.metadata)  # type: ignore[arg-type]
    mode = "RGBA;16" if wide else "RGBA"
    return Raster(np.dstack([pixels, alpha]), mode, metadata=raster.metadata)  # type: ignore[arg-type]


def exif_of_orientation(orientation: int) -> bytes:
    """A TIFF-like block that holds an orientation and nothing else, without the "Exif" mark."""
    return struct.pack(">2sHI H HHIHH I", b"MM", 42, 8, 1, 274, 3, 1, orientation, 0, 0)


def exif_with(orientation: int, dpi: tuple[float, float] | None) -> bytes:
    """An EXIF block, big-endian, of an orientation and a resolution."""
    if dpi is None:
        return exif_of_orientation(orientation)
    across, down = (min(round(value * 10_000), 2**32 - 1) for value in dpi)
    head = struct.pack(">2sHIH", b"MM", 42, 8, 4)
    entries = struct.pack(">HHIHH", 274, 3, 1, orientation, 0)
    entries += struct.pack(">HHII", 282, 5, 1, 62) + struct.pack(">HHII", 283, 5, 1, 70)
    entries += struct.pack(">HHIHH", 296, 3, 1, 2, 0)
    values = struct.pack(">4I", across, 10_000, down, 10_000)
    return head + entries + bytes(4) + values


def _bits(raster: Raster) -> int:
    if raster.mode == "1":
        return 1
    if raster.mode == "P" and raster.palette is not None:
        return next(bits for bits in (1, 2, 4, 8) if len(raster.palette) <= 2**bits)
    return 16 if raster.mode.endswith(";16") else 8


def _rows(pixels: NDArray[Any], bits: int, height: int) -> NDArray[np.uint8]:
    if bits < 8:
        return pack_bits(pixels.astype(np.uint8), bits)
    if bits == 16:
        pixels = pixels.astype(">u2").view(np.uint8)
    return np.ascontiguousarray(pixels).reshape(height, -1)


def _colors(raster: Raster) -> bytes:
    """Palette and its transparency."""
    if raster.mode != "P" or raster.palette is None:
        return b""
    palette = np.ascontiguousarray(raster.palette[:, :3])
    out = chunk(b"PLTE", palette.tobytes())
    if raster.palette.shape[1] == 4:
        out += chunk(b"tRNS", np.ascontiguousarray(raster.palette[:, 3]).tobytes())
    return out


def _about(metadata: Metadata, space: bytes) -> bytes:
    out = b""
    if metadata.icc is not None and metadata.icc[16:20] == space:
        out += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc, 9))
    if metadata.dpi is not None:
        across, down = (max(1, round(value / 0.0254)) for value in metadata.dpi)
        out += chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif is not None:
        out += chunk(b"eXIf", metadata.exif)
    elif metadata.orientation != 1:
        out += chunk(b"eXIf", exif_of_orientation(metadata.orientation))
    return out
