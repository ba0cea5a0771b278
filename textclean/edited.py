"""A mask that somebody changed by hand, taken in place of the one that was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from textclean.mask.build import RegionMask, union
from textclean.mask.morphology import Components, dilate
from textclean.mask.strokes import Strokes
from textclean.types import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Box, Mask

BY_HAND: Final = "drawn by hand"
ERASED: Final = "erased from the mask by hand"
OVERRULED: Final = "to be kept, and removed where the mask that was given covers it"

_TOUCHES: Final = 3  # pixels within which paint belongs to a region's own mask
_GROUPED: Final = 8  # pixels within which marks are one new region


def held_to(
    drawn: Mask, regions: Sequence[Region], masks: Sequence[RegionMask | None]
) -> tuple[list[Region], list[RegionMask | None]]:
    """The regions and their masks, so that together they are what was drawn.

    What was erased is taken out of the masks; a region of which nothing is left is kept. What was
    added goes to the region whose mask it touches, or becomes a region of its own; a region that
    was to be kept and is painted on says so. A mask of which nothing changed is the same object.

    Args:
        drawn: ``(H, W)`` bool, upright.
        regions: The page's regions.
        masks: Their masks, None for those that are kept.
    """
    left = drawn & ~union(masks, drawn.shape)
    held: list[RegionMask | None] = [
        None if item is None else _held(item, drawn, left) for item in masks
    ]
    told = [
        region.with_(reason=OVERRULED) if item is None and _is_painted(region, left) else region
        for region, item in zip(regions, masks, strict=True)
    ]
    for index, (before, after) in enumerate(zip(masks, held, strict=True)):
        if before is not None and after is not None and before.mask.any() and not after.mask.any():
            told[index], held[index] = before.region.with_(action="keep", reason=ERASED), None
    new = [_new_region(left, box) for box in _groups(left)]
    return [*told, *(item.region for item in new)], [*held, *new]


def _is_painted(region: Region, left: Mask) -> bool:
    """Whether any paint that nobody has taken lies in the region."""
    x0, y0, x1, y1 = region.box
    x0, y0 = max(x0, 0), max(y0, 0)
    part = left[y0:y1, x0:x1]
    if not part.any():
        return False
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(region.polygon - (x0, y0)).astype(np.int32)], (1,))
    return bool((part & (inside > 0)).any())


def _held(item: RegionMask, drawn: Mask, left: Mask) -> RegionMask:
    """A region's mask as drawn; the paint that it takes is taken out of ``left``."""
    x0, y0, x1, y1 = item.box
    part = np.s_[y0:y1, x0:x1]
    own = item.mask & drawn[part]
    if left[part].any():
        paint = Components.of(np.ascontiguousarray(left[part]))
        added = paint.select(paint.count(dilate(item.mask, _TOUCHES)) > 0)
        left[part] &= ~added
        own |= added
    return item if np.array_equal(own, item.mask) else replace(item, mask=own)


def _groups(left: Mask) -> list[Box]:
    """Boxes around marks that lie close together."""
    if not left.any():
        return []
    groups = Components.of(dilate(left, _GROUPED))
    boxes = []
    for label in range(1, len(groups.area)):
        x, y, width, height = (int(value) for value in groups.box[label])
        boxes.append((x, y, x + width, y + height))
    return boxes


def _new_region(left: Mask, box: Box) -> RegionMask:
    x0, y0, x1, y1 = box
    mask = left[y0:y1, x0:x1].copy()
    left[y0:y1, x0:x1] = False
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    nothing = np.zeros_like(mask)
    strokes = Strokes(mask, nothing, None, None, nothing, BY_HAND)
    return RegionMask(Region(corners, reason=BY_HAND), box, mask, strokes)
