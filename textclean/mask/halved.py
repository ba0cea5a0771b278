"""Masks of large lettering, made where it is as large as usual, and enlarged.

Rules about strokes know pixels: how wide an outline is, how large a dot of tone, how far
antialiasing reaches. On a scan at 600 dots an inch all of them are twice or four times that. So
masks are made on the page at half its size while its lettering is very large: two vector pages at
twice their size had 17.3 and 24.6 dB without, and have 25.9 and 24.2; four of print, 42.4 and 43.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.mask.build import RegionMask
from textclean.mask.morphology import dilate, line_height
from textclean.mask.strokes import Strokes
from textclean.scales import placed, times_halved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Box, Mask, Region

LARGE = 64.0
"""Height of lines in pixels from which on lettering is large."""
SHARE = 25
"""Percentile of the lines' heights that must reach it: most of the lettering, not a title."""


def halvings(regions: Sequence[Region]) -> int:
    """How often a page may be halved before masks are made for its regions.

    Args:
        regions: Those that are to go; only their lines have a say.
    """
    heights = [line_height(line) for region in regions for line in region.lines]
    return times_halved(float(np.percentile(heights, SHARE)), LARGE) if heights else 0


def enlarged(
    item: RegionMask, region: Region, step: tuple[float, float], shape: tuple[int, ...]
) -> RegionMask:
    """A mask that was made on a smaller page, on the page itself.

    What was one pixel there is several here, of which the strokes may fill all: it is grown by
    the others, but not onto the art.

    Args:
        item: The mask on the smaller page.
        region: The region on the page itself.
        step: Pixels of the page that one of the smaller page's is wide and high.
        shape: Height and width of the page come first.
    """
    box = _enlarged_box(item.box, step, shape)
    size = box[2] - box[0], box[3] - box[1]

    def larger(mask: Mask) -> Mask:
        if not mask.size or not min(size):
            return np.zeros(size[::-1], bool)
        levels = cv2.resize(mask.view(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        found: Mask = levels > 127
        return found

    strokes = item.strokes
    interior = None if strokes.interior is None else larger(strokes.interior)
    art, mask, more = larger(strokes.art), larger(item.mask), round(max(step) - 1)
    told = placed(item.region, step).with_(
        polygon=region.polygon,
        lines=region.lines,
        grown=round(item.region.grown * max(step)) + more,
    )
    return RegionMask(
        told,
        box,
        mask | (dilate(mask, more) & ~art) if mask.size else mask,
        Strokes(larger(strokes.mask), art, None, interior, larger(strokes.bridge), strokes.reason),
    )


def _enlarged_box(box: Box, step: tuple[float, float], shape: tuple[int, ...]) -> Box:
    (x0, y0, x1, y1), (across, down), (high, wide) = box, step, shape[:2]
    left, top = min(round(x0 * across), wide), min(round(y0 * down), high)
    return left, top, min(round(x1 * across), wide), min(round(y1 * down), high)
