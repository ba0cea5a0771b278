"""What a codec hands over: the pixels as the file stores them, before a page is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import PageError
from textclean.io.differences import Differences
from textclean.native import to_rgb, upright
from textclean.types import Metadata, Page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask, Mode

WARNINGS: Final = "warnings"
"""Key in ``Metadata.extra``: tuple of lines on what will not come back as it was."""

LOSSLESS: Final = "lossless"
"""Key in ``Metadata.extra``: whether pixels outside the mask will be bit-identical."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Decoded pixels.

    Attributes:
        pixels: Native array, as in :class:`textclean.types.Page`.
        mode: Mode of ``pixels``.
        palette: ``(N, 3)`` or ``(N, 4)`` uint8 for the palette modes, else None.
        transparent: ``(H, W)`` bool, pixels of the colour that the file declares transparent, or
            None.
        metadata: What else the file says.
    """

    pixels: NDArray[Any]
    mode: Mode
    palette: NDArray[np.uint8] | None = None
    transparent: Mask | None = None
    metadata: Metadata = field(default_factory=Metadata)

    def to_page(self, *, source: str = "", name: str = "", number: int = 1) -> Page:
        """The page around these pixels; its arrays are read-only."""
        rgb = to_rgb(self.pixels, self.mode, self.palette)
        if self.transparent is not None:
            if rgb is self.pixels:
                rgb = rgb.copy()
            rgb[self.transparent] = 255
        rgb = np.ascontiguousarray(upright(rgb, self.metadata.orientation))
        for array in (rgb, self.pixels, self.palette):
            if array is not None:
                array.flags.writeable = False
        return Page(
            pixels=self.pixels,
            mode=self.mode,
            rgb=rgb,
            palette=self.palette,
            metadata=self.metadata,
            source=source,
            name=name,
            number=number,
        )


def differs_outside(
    before: Raster, after: Raster, mask: Mask, differs: Differences | None = None
) -> int:
    """How many pixels outside ``mask`` differ, or -1 when mode or shape do.

    Args:
        before: One image.
        after: The other.
        mask: ``(H, W)`` bool, as stored.
        differs: Where they differ, if that is known.
    """
    if before.mode != after.mode or before.pixels.shape != after.pixels.shape:
        return -1
    differs = Differences.of(before.pixels, after.pixels) if differs is None else differs
    return int(np.count_nonzero(differs.outside(mask)))


def require_same_outside(before: Raster, after: Raster, mask: Mask) -> None:
    """Check what was written against what was there.

    Raises:
        PageError: A pixel outside the mask differs.
    """
    if before.mode != after.mode or before.pixels.shape != after.pixels.shape:
        raise PageError(
            f"the page would come back as {after.mode} {after.pixels.shape} instead of "
            f"{before.mode} {before.pixels.shape}; it was not written"
        )
    require_inside(Differences.of(before.pixels, after.pixels), mask)


def require_inside(differs: Differences, mask: Mask) -> None:
    """Check that pixels that change lie under the mask.

    Raises:
        PageError: One does not.
    """
    count = np.count_nonzero(differs.outside(mask))
    if count:
        raise PageError(f"{count} pixels outside the mask would change; the page was not written")


def grey_palette(bits: int) -> NDArray[np.uint8]:
    """``(2 ** bits, 3)`` uint8: the greys of a 1, 2 or 4-bit image, black first."""
    ramp = np.linspace(0, 255, 2**bits).astype(np.uint8)
    return np.repeat(ramp[:, None], 3, axis=1)


def unpack_bits(rows: NDArray[np.uint8], width: int, bits: int) -> NDArray[np.uint8]:
    """Samples of 1, 2, 4 or 8 bits, most significant first, one by one.

    Args:
        rows: ``(H, B)`` uint8 packed rows.
        width: Samples in a row.
        bits: Bits of a sample.

    Returns:
        ``(H, width)`` uint8, values below ``2 ** bits``.
    """
    if bits == 8:
        return rows[:, :width]
    if bits == 1:
        return np.unpackbits(rows, axis=1, count=width)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    parts = (rows[..., None] >> shifts) & np.uint8(2**bits - 1)
    return np.ascontiguousarray(parts.reshape(len(rows), -1)[:, :width])


def pack_bits(samples: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The inverse of :func:`unpack_bits`; rows are padded with zero bits to whole bytes."""
    if bits == 8:
        return np.ascontiguousarray(samples)
    if bits == 1:
        return np.packbits(samples, axis=1)
    each = 8 // bits
    height, width = samples.shape
    padded = np.zeros((height, -(-width // each) * each), np.uint8)
    padded[:, :width] = samples
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    parts = padded.reshape(height, -1, each) << shifts
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(parts, axis=2)
    return packed
