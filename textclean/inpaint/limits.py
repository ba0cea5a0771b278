"""Within limits: un-mixed pixels are no darker than what was seen, no lighter than the ink allows.

Ink takes light away, so a page without it is nowhere darker. And one pen takes away about the same
everywhere: how much, its strokes on bare paper tell, which are most of them. A pixel that is darker
has print beneath, and print that a network has washed out comes back; unless it is another's ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.foreign import print_near, told_and_unseen
from textclean.inpaint.inked import Inked, OnPaper
from textclean.inpaint.paper import LEVELS, Histograms, densities
from textclean.surface import strongest

if TYPE_CHECKING:
    from textclean.types import Image

INKED = 0.25
"""Density from which on there is ink."""
FEWEST = 20
"""Pixels of a stroke from which its density is known."""
USUAL = 0.6
"""Share of a stroke's pixels that are no denser than its ink, on bare paper."""
MOST, MORE = 1.1, 0.2
"""A stroke's ink has at most so many times that density, and so much more."""
WASHED = 0.1
"""Density that a pixel must gain to have been washed out."""
FOREIGN, SEVERAL = 0.45, 100
"""Share of what was washed out that the network sees no print in, from which on it is another ink;
and pixels of it that this takes."""


class WithinLimits(OnPaper):
    """An inpainter whose un-mixed pixels are held to what their ink allows.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _by_sheet(self, page: Inked, filled: Image) -> Image:
        return held(page, filled)


def held(page: Inked, filled: Image) -> Image:
    """The filled page with un-mixed pixels brought between the limits of their ink.

    Args:
        page: The page with its ink.
        filled: ``(H, W, 3)`` uint8.
    """
    image, see_through, density = page.image, page.see_through, page.density
    out = filled.copy()
    out[see_through] = np.maximum(filled, image)[see_through]
    inked = see_through & (strongest(density) > INKED)
    count, labels = cv2.connectedComponents(inked.astype(np.uint8), connectivity=8)
    number = labels[inked].astype(np.intp)
    # Percentiles of all strokes at once, to a fiftieth.
    levels = np.rint(np.clip(density[inked], 0, 5.1) * 50).astype(np.intp)
    strokes = [Histograms(number, levels[:, channel], count) for channel in range(3)]
    ink = np.stack([stroke.quantile(USUAL) / 50 for stroke in strokes], axis=1)
    large = (strokes[0].count >= FEWEST)[number]
    most = (image[inked] + LEVELS) * np.exp(MOST * ink + MORE)[number]
    given = out[inked]
    limited = np.minimum(given, np.rint(most)).astype(np.uint8)
    paper = page.paper[inked]
    seen, told = (densities(one, paper).mean(axis=1) for one in (given, limited))
    near = print_near(density.mean(axis=2), page.mask)[inked]
    print_, unseen = told_and_unseen(told, seen, near)
    washed = told > seen + WASHED
    foreign = np.bincount(number[unseen & washed], minlength=count)
    likely = FOREIGN * np.bincount(number[print_ & washed], minlength=count)
    large &= (foreign <= np.maximum(likely, SEVERAL))[number]
    out[inked] = np.where(large[:, None], limited, given)
    return out
