"""A detector together with the ink network: what the one misses or mistakes, the other tells.

A detector of text takes a face, a crowd or a wing for lettering now and then, and the larger the
find the worse the damage. The ink network seldom sees lettering there. It is blind to some small
print, so only large finds that the detector is not sure of are put to it. On 641 lines of 36
lettered pages that cost no line of text; on ten pages of art it took away seven finds, one of them
73 % of its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.ink_regions import propose_regions
from textclean.detect.lines import Line, rectangle
from textclean.detect.order import reading_order
from textclean.mask.morphology import rasterize

if TYPE_CHECKING:
    from textclean.ink_map import InkMap
    from textclean.types import Image, Polygon, Region

LARGE = 0.04
"""Thickness of a line, in page heights, from which on the ink network is asked."""
TALLEST = 1.5
"""Height of a page, in widths, beyond which it is a strip: a screen of it is its height."""
SURE = 0.9
"""Score of a region from which on it is not."""
SEEN = 0.04
"""Share of a line that must be lettering to the ink network."""
LIKELY = 128
"""Level from which on a pixel is."""


def with_missed(
    regions: tuple[Region, ...], ink: InkMap, image: Image, order: str = "auto"
) -> tuple[Region, ...]:
    """Detected regions that show lettering, and lettering that lies in none, in reading order.

    Args:
        regions: What a detector found, in reading order.
        ink: What the ink network says of the page.
        image: ``(H, W, 3)`` uint8 RGB page.
        order: "rtl", "ltr" or "auto": right to left when most blocks are vertical.
    """
    regions = without_art(regions, ink)
    missed = propose_regions(ink, regions, image)
    if not missed:
        return regions
    every = (*regions, *missed)
    vertical = sum(region.direction == "vertical" for region in regions or missed)
    rtl = order == "rtl" or (order == "auto" and 2 * vertical > len(regions or missed))
    return tuple(every[i] for i in reading_order([r.box for r in every], image, rtl=rtl))


def without_art(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Regions without their large lines in which the ink network sees no lettering.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
    """
    height, width = ink.shape
    large = LARGE * min(height, TALLEST * width)
    kept = []
    for region in regions:
        lines = region.lines or (region.polygon,)
        shown = tuple(line for line in lines if _may_be_text(line, region.score, large, ink))
        if len(shown) == len(lines):
            kept.append(region)
        elif shown:
            around = rectangle(np.concatenate(shown))
            kept.append(region.with_(lines=shown, polygon=around))
    return tuple(kept)


def _may_be_text(line: Polygon, score: float, large: float, ink: InkMap) -> bool:
    if score >= SURE or Line(rectangle(line)).thickness < large:
        return True
    height, width = ink.shape
    low = np.clip(np.floor(line.min(axis=0)).astype(int), 0, (width, height))
    high = np.clip(np.ceil(line.max(axis=0)).astype(int) + 1, 0, (width, height))
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    if x0 >= x1 or y0 >= y1:
        return True
    inside = rasterize([line - low.astype(np.float32)], (y1 - y0, x1 - x0))
    plane = ink.lettering[y0:y1, x0:x1]
    return float((plane[inside] >= LIKELY).mean()) >= SEEN if inside.any() else True
