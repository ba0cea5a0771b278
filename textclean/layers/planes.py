"""Native pixels as colours and alpha, which is what layers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean import native

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.layers.stack import Space
    from textclean.types import Mask, Page


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A page's pixels, upright.

    Attributes:
        space: How ``colors`` is to be read.
        colors: ``(H, W, C)`` uint8 or uint16.
        alpha: ``(H, W)`` of the same type, or None.
    """

    space: Space
    colors: NDArray[Any]
    alpha: NDArray[Any] | None

    def paint(self, grey: int, rgb: tuple[int, int, int]) -> NDArray[Any]:
        """``(C,)``: a colour in this space and depth, given by its 8-bit grey or RGB."""
        levels: tuple[int, ...] = (grey,)
        if self.space == "RGB":
            levels = rgb
        elif self.space == "CMYK":
            levels = (*(255 - level for level in rgb), 0)
        scale = 257 if self.colors.dtype == np.uint16 else 1
        return np.array([level * scale for level in levels], self.colors.dtype)

    @property
    def full(self) -> int:
        """The largest value of a sample."""
        return int(np.iinfo(self.colors.dtype).max)


def planes_of(page: Page) -> Planes:
    """The pixels of a page, upright, in the nearest space that image editors have layers in.

    Bitonal pages and grey palettes become grey, other palettes RGB; every value stays what it was.
    """
    pixels, base = page.pixels, page.mode.removesuffix(";16")
    alpha: NDArray[Any] | None = None
    space: Space = "RGB"
    if base == "1":
        colors, space = pixels[..., None].astype(np.uint8) * np.uint8(255), "L"
    elif base in ("L", "I"):
        colors, space = pixels[..., None], "L"
    elif base == "LA":
        colors, alpha, space = pixels[..., :1], pixels[..., 1], "L"
    elif base in ("P", "PA"):
        colors, alpha, space = _of_palette(page)
    elif base == "CMYK":
        colors, space = pixels, "CMYK"
    else:
        colors = pixels[..., :3]
        alpha = pixels[..., 3] if base == "RGBA" else None
    turn = page.metadata.orientation
    return Planes(
        space,
        np.ascontiguousarray(native.upright(colors, turn)),
        None if alpha is None else np.ascontiguousarray(native.upright(alpha, turn)),
    )


def _of_palette(page: Page) -> tuple[NDArray[Any], NDArray[Any] | None, Space]:
    palette = page.palette
    assert palette is not None  # a palette page has one
    index = page.pixels if page.pixels.ndim == 2 else page.pixels[..., 0]
    index = np.minimum(index, len(palette) - 1)
    alpha: NDArray[Any] | None = page.pixels[..., 1] if page.mode == "PA" else None
    if alpha is None and palette.shape[1] == 4:
        alpha = palette[index, 3]
    if (palette[:, :1] == palette[:, :3]).all():
        return palette[index, :1], alpha, "L"
    return palette[index, :3], alpha, "RGB"


def bounds(mask: Mask) -> tuple[int, int, int, int] | None:
    """The box around a mask's pixels, or None when it has none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
