"""Within limits: un-mixed pixels are no darker than what was seen, no lighter than the ink allows.

Ink takes light away, so a page without it is nowhere darker. And one pen takes away about the same
everywhere: how much, its strokes on bare paper tell, which are most of them. A pixel that is darker
has print beneath, and print that a network has washed out comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.paper import LEVELS, Histograms, densities, measure_paper
from textclean.inpaint.wrapped import AfterUnmixing
from textclean.surface import strongest

if TYPE_CHECKING:
    from textclean.types import Image, Mask

INKED = 0.25
"""Density from which on there is ink."""
FEWEST = 20
"""Pixels of a stroke from which its density is known."""
USUAL = 0.6
"""Share of a stroke's pixels that are no denser than its ink, on bare paper."""
MOST, MORE = 1.1, 0.2
"""A stroke's ink has at most so many times that density, and so much more."""


class WithinLimits(AfterUnmixing):
    """An inpainter whose un-mixed pixels are held to what their ink allows.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _gone_over(self, image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
        return held(image, filled, mask, see_through)


def held(image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
    """The filled page with un-mixed pixels brought between the limits of their ink.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, with the ink.
        filled: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole; the paper is measured outside of it.
        see_through: ``(H, W)`` bool, where ink is translucent.
    """
    measured = measure_paper(image, ~mask)
    if measured is None:
        return filled
    density = densities(image, measured[0])
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
    limited = np.minimum(out[inked], np.rint(most)).astype(np.uint8)
    out[inked] = np.where(large[:, None], limited, out[inked])
    return out
