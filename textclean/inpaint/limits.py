"""Within limits: un-mixed pixels are no darker than what was seen, no lighter than the ink allows.

Ink takes light away, so a page without it is nowhere darker. And one pen takes away about the same
everywhere: how much, its strokes on bare paper tell, which are most of them. A pixel that is darker
has print beneath, and print that a network has washed out comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.paper import LEVELS, densities, measure_paper
from textclean.inpaint.wrapped import Wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

INKED = 0.25
"""Density from which on there is ink."""
FEWEST = 20
"""Pixels of a stroke from which its density is known."""
USUAL = 60.0
"""Percentile of a stroke's densities that is its ink's, on bare paper."""
MOST, MORE = 1.1, 0.2
"""A stroke's ink has at most so many times that density, and so much more."""


class WithinLimits(Wrapped):
    """An inpainter whose un-mixed pixels are held to what their ink allows.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        filled, errors = super().fill_with_error(image, mask, see_through)
        if see_through is not None and see_through.any():
            filled = held(image, filled, mask, see_through)
        return filled, errors


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
    inked = see_through & (density.max(axis=2) > INKED)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        inked.astype(np.uint8), connectivity=8
    )
    for index in range(1, count):
        x, y, width, height, area = (int(value) for value in boxes[index])
        if area < FEWEST:
            continue
        box = np.s_[y : y + height, x : x + width]
        own = labels[box] == index
        ink = np.percentile(density[box][own], USUAL, axis=0)
        most = (image[box][own] + LEVELS) * np.exp(MOST * np.maximum(ink, 0) + MORE)
        out[box][own] = np.minimum(out[box][own], np.rint(most)).astype(np.uint8)
    return out
