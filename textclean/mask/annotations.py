"""Masks of annotations: the ink network's own pixels, since no threshold tells pen from print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.ink_map import HIGHLIGHTER, PEN, STAMP, InkMap, hysteresis
from textclean.mask.build import RegionMask
from textclean.mask.morphology import dilate, rasterize
from textclean.mask.strokes import Strokes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textclean.types import Image, Kind, Mask, Region

PLANE_OF: Mapping[Kind, int] = {
    "handwriting": PEN,
    "pen": PEN,
    "highlighter": HIGHLIGHTER,
    "stamp": STAMP,
}
"""Which plane of the ink map shows the pixels of a kind of annotation."""

LEVELS: Mapping[int, tuple[int, int]] = {
    PEN: (80, 150),
    HIGHLIGHTER: (96, 176),
    STAMP: (80, 168),
}
"""Levels from which on a pixel counts where it continues a sure one, and counts surely."""

GROWTH: Mapping[Kind, int] = {"handwriting": 2, "pen": 2, "highlighter": 2, "stamp": 2}
"""Pixels to grow by: antialiasing and the colour that JPEG spreads lie around the ink. So does the
rest of what the ink network saw as one pixel."""

MARGIN = 2
"""Pixels around a region's polygon whose ink is the region's."""


def annotation_ink(ink: InkMap, plane: int) -> Mask:
    """``(H, W)`` bool: the pixels of a class of annotations."""
    return hysteresis(ink.plane(plane), *LEVELS[plane])


def annotation_mask(image: Image, region: Region, ink: InkMap, *, extra: int = 0) -> RegionMask:
    """The pixels to remove for a region of pen, handwriting, highlighter or stamp.

    Args:
        image: ``(H, W, 3)`` uint8 page.
        region: Its kind is one of :data:`PLANE_OF`.
        ink: What the ink network says of the page.
        extra: Pixels to grow by beyond :data:`GROWTH` (second attempts).

    Raises:
        KeyError: A region of another kind.
    """
    plane = PLANE_OF[region.kind]
    grown = GROWTH[region.kind] + round(ink.pixel - 1) + extra
    x0, y0, x1, y1 = region.box
    margin = grown + MARGIN + 1
    height, width = image.shape[:2]
    left, top = min(max(x0 - margin, 0), width), min(max(y0 - margin, 0), height)
    box = (left, top, max(min(x1 + margin, width), left), max(min(y1 + margin, height), top))
    crop = image[box[1] : box[3], box[0] : box[2]]
    found = nothing = np.zeros(crop.shape[:2], bool)
    if crop.size:
        area = rasterize([region.polygon - np.array(box[:2], np.float32)], crop.shape[:2])
        found = annotation_ink(ink.crop(box), plane) & dilate(area, MARGIN)
    color = None
    if found.any():
        red, green, blue = np.median(crop[found], axis=0)
        color = (int(red), int(green), int(blue))
    described = region.with_(stroke_color=color, grown=grown if found.any() else 0)
    strokes = Strokes(
        found, nothing, None, None, nothing, f"{region.kind}, as the ink network sees it"
    )
    return RegionMask(described, box, dilate(found, grown) if found.any() else found, strokes)
