"""Plain backgrounds first: what a measured surface fills exactly, no network should guess.

The pipeline fills plain bubbles itself, region by region. A hole that a user draws, or a word that
lies half on art and half on paper, comes here whole: each of its pieces is looked at, and the rest
goes to the inpainter. Here nobody knows what is lettering, so the rules are strict. A piece is
plain where the ring around it is, but for a mark or two, a bubble's border say; what lies near
such a mark is left to the inpainter, and so are pieces with many marks around them: a light tone
must not pass for paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.disks import grown
from textclean.inpaint.flat import FlatFill, measure, paint
from textclean.inpaint.wrapped import Wrapped, fill_with_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.surface import Surface
    from textclean.types import Image, Mask

JOINED = 9
"""Side in pixels of the square that joins near-by holes, the letters of a word, to one piece."""
RING = 8
"""Width in pixels of the ring around a piece that is measured."""
MARKS = 4
"""How many marks in that ring may stand out from the surface."""
NEAR = 16
"""Pixels around such a mark that are left to the inpainter."""
STANDS_OUT = 6.0
"""Grey levels from the surface from which on a pixel is part of a mark."""
SPREAD = 2.0
"""Largest robust standard deviation of the ring about the surface, in grey levels."""


class PlainFirst(Wrapped):
    """An inpainter with a measured fill before it; see :class:`textclean.protocols.ErrorPredictor`.

    Args:
        inpainter: Fills what is not plain.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        painted, rest, spread = paint_plain(image, mask, see_through)
        if not rest.any():
            return painted, spread
        seen = None if see_through is None else see_through & rest
        painted, errors = fill_with_error(self.inpainter, painted, rest, seen)
        unknown = np.full(mask.shape, np.nan, np.float32) if errors is None else errors
        return painted, np.where(rest, unknown, spread)


def paint_plain(
    image: Image, mask: Mask, see_through: Mask | None = None
) -> tuple[Image, Mask, NDArray[np.float32]]:
    """Paint the pieces of a hole that lie on a plain colour or a plain gradient.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool, True = fill.
        see_through: ``(H, W)`` bool or None; pieces with such pixels are left alone.

    Returns:
        The painted image; ``(H, W)`` bool, what is left of the mask; and ``(H, W)`` float32, the
        expected error of what was painted in grey levels, 0 elsewhere.
    """
    painted, rest = image.copy(), mask.copy()
    errors = np.zeros(mask.shape, np.float32)
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((JOINED, JOINED), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for index in range(1, count):
        x, y, width, height, _ = (int(value) for value in boxes[index])
        crop = np.s_[max(y - RING, 0) : y + height + RING, max(x - RING, 0) : x + width + RING]
        hole = mask[crop] & (labels[crop] == index)
        if see_through is not None and see_through[crop][hole].any():
            continue
        plain, fill = plain_part(image[crop], mask[crop], hole, surroundings(hole, mask[crop]))
        if plain.any():
            painted[crop][plain] = paint(image[crop], plain, fill, seed=index)[plain]
            errors[crop][plain] = fill.background.spread
            rest[crop] &= ~plain
    return painted, rest, errors


def plain_part(image: Image, mask: Mask, hole: Mask, ring: Mask) -> tuple[Mask, FlatFill]:
    """What of a piece of a hole lies on plain ground, and how it is filled.

    Args:
        image: ``(h, w, 3)`` uint8 crop.
        mask: ``(h, w)`` bool, all that is not known of it.
        hole: ``(h, w)`` bool, the piece.
        ring: ``(h, w)`` bool, known pixels around it that tell its ground.
    """
    fill = measure(image, mask, ring)
    if fill.surface is None or fill.background.spread > SPREAD:
        return np.zeros_like(hole), fill
    return hole & ~_near_marks(image, ring, fill.surface), fill


def surroundings(hole: Mask, mask: Mask) -> Mask:
    """Known pixels around a piece."""
    side = 2 * RING + 1
    around: Mask = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return around & ~mask


def _near_marks(image: Image, ring: Mask, surface: Surface) -> Mask:
    """Near what stands out from the surface in a ring; everywhere, where that is a lot."""
    marks = ring & (surface.distance(image) > max(STANDS_OUT, 4 * surface.spread))
    count, _ = cv2.connectedComponents(marks.astype(np.uint8), connectivity=8)
    if count - 1 > MARKS:
        return np.ones_like(ring)
    return grown(marks, NEAR)
