"""What a caller may wish of the way a page comes back, noted on the page itself.

A page is written by the format it came from, far from whoever opened the document. So wishes travel
with the page, in the part of its metadata that only codecs read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.notes import note
from textclean.io.raster import Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mode, Page

PROMOTED: Final = "promoted"
"""Key in ``Metadata.extra``: the page's palette was replaced by its colours."""

ALLOW_LOSSY: Final = "allow_lossy"
"""Key in ``Metadata.extra``: a lossy page may come back lossy."""

PROMOTABLE: Final = frozenset({"PNG", "TIFF"})
"""Formats whose palette pages can be written without their palette."""


def with_wishes(page: Page, *, promote: bool = False, allow_lossy: bool = False) -> Page:
    """The page with wishes for the way it is written.

    Args:
        page: A page as its format gave it.
        promote: Let a palette page become RGB (grey, when its palette is), so that cleaned pixels
            need not make do with the entries of the palette.
        allow_lossy: Let a page of a lossy format come back lossy, at high quality. Without it, it
            comes back lossless, larger, so that nothing outside the mask changes.
    """
    if allow_lossy:
        page = _noted(page, ALLOW_LOSSY)
    if promote and page.mode == "P" and page.metadata.format in PROMOTABLE:
        raster = promoted(Raster(page.pixels, page.mode, page.palette, None, page.metadata))
        raster.pixels.flags.writeable = False
        page = _noted(replace(page, pixels=raster.pixels, mode=raster.mode, palette=None), PROMOTED)
    return page


def promoted(raster: Raster) -> Raster:
    """A palette image with its colours in place of the indices."""
    if raster.mode != "P" or raster.palette is None:
        return raster
    colors = raster.palette[np.minimum(raster.pixels, len(raster.palette) - 1)]
    pixels: NDArray[Any] = colors
    mode: Mode = "RGBA" if colors.shape[2] == 4 else "RGB"
    if mode == "RGB" and not np.ptp(raster.palette, axis=1).any():
        pixels, mode = np.ascontiguousarray(colors[..., 0]), "L"
    return replace(raster, pixels=pixels, mode=mode, palette=None)


def note_promoted(raster: Raster) -> None:
    """Tell of a page that was written without its palette."""
    note(f"the palette page was written as {raster.mode}")


def _noted(page: Page, wish: str) -> Page:
    extra = {**page.metadata.extra, wish: True}
    return replace(page, metadata=replace(page.metadata, extra=extra))
