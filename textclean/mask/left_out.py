"""Stretches of lines that a mask leaves: half a line that is gone is worse than none.

The ink network may see the middle of a line alone: pale lettering, another ground beneath the rest.
Where it sees nothing for longer than words lie apart, thresholds are asked. On 70 lettered pages it
was so in two lines, and all that thresholds found there was lettering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.mask.morphology import Components, rasterize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Image, Mask, Polygon

LONG = 1.5
"""Line heights of a line without lettering from which on some is left out."""
ALIKE = 40.0
"""Grey levels by which the middle colours of shapes of one line may differ."""


def left_out(
    shapes: Mask,
    mask: Mask,
    image: Image,
    lines: Sequence[Polygon],
    height: float,
    *,
    whole: bool,
) -> Mask:
    """The shapes in stretches of lines that a mask leaves.

    Args:
        shapes: ``(H, W)`` bool, what may be lettering in a crop of the page.
        mask: ``(H, W)`` bool, what is.
        image: ``(H, W, 3)`` uint8, the crop.
        lines: Polygons of the block's lines, in pixels of the crop.
        height: Typical line height in pixels.
        whole: Whether the shapes can be believed along all of such a line: they stand out from a
            plain background.

    Returns:
        ``(H, W)`` bool.
    """
    cut = np.zeros_like(mask)
    for line in lines:
        inside = rasterize([line], mask.shape)
        stretches = _stretches(mask, inside, line, LONG * height)
        more = shapes & stretches
        if more.any() and _alike(image, more, shapes & mask & inside):
            cut |= inside if whole else stretches
    if not cut.any():
        return cut
    parts = Components.of(shapes)
    return parts.select(parts.count(cut) > 0)


def _stretches(mask: Mask, inside: Mask, line: Polygon, least: float) -> Mask:
    """The parts of a line, as high as it is, along which a mask has nothing, if not all of it."""
    found = np.zeros_like(mask)
    rows, columns = np.nonzero(inside)
    held = mask[rows, columns]
    if not held.any():
        return found
    x, y = _along(line)
    places = columns * x + rows * y
    places = (places - places.min()).astype(np.intp)
    free = np.bincount(places[held], minlength=int(places.max()) + 1) == 0
    starts, ends = np.flatnonzero(np.diff(np.r_[0, free.astype(np.int8), 0])).reshape(-1, 2).T
    for start, end in zip(starts, ends, strict=True):
        if end - start >= least:
            there = (places >= start) & (places < end)
            found[rows[there], columns[there]] = True
    return found


def _alike(image: Image, some: Mask, others: Mask) -> bool:
    """Whether two sets of pixels are of one colour in the middle; not if one is empty."""
    if not others.any():
        return False
    one, other = (np.median(image[pixels], axis=0) for pixels in (some, others))
    return float(np.abs(one - other).max()) <= ALIKE


def _along(line: Polygon) -> tuple[float, float]:
    """The unit vector x, y of a line's longer side."""
    corners = cv2.boxPoints(cv2.minAreaRect(line.astype(np.float32)))
    longest = max((corners[1] - corners[0], corners[2] - corners[1]), key=np.linalg.norm)
    x, y = longest / max(float(np.linalg.norm(longest)), 1e-6)
    return float(x), float(y)
