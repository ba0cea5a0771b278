"""At which scale the ink network looks at a page: halved while its lettering is large.

The network learned from pages whose lettering is some 25 pixels high. A scan of a manga page has
twice that: halved, it looks like what the network knows, large sound effects are seen whole, and
a quarter of the work is left. Masks are drawn on the page itself all the same: the map says which
ink is lettering, colours say where its edges are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.lines import Line, rectangle
from textclean.scales import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Image, Region

LARGE = 38.0
"""Thickness of lines in pixels from which on lettering is large."""
SHARE = 25
"""Percentile of the lines' thickness that must reach it: most of the lettering, not a title."""
SMALLEST = 900
"""Shorter side in pixels that a page has at least to be halved, also when it has been before."""


def lettering_view(image: Image, regions: Sequence[Region]) -> Image:
    """The page on the scale that its lettering asks for; itself, where that is its own.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
        regions: What the detector found on it. What is to stay needs no mask, and has no say.
    """
    return scaled(image, 0.5 ** halvings(regions, image.shape))


def halvings(regions: Sequence[Region], shape: tuple[int, ...]) -> int:
    """How often a page may be halved and still show its lettering well enough.

    A page without any is only looked over for what the detector missed, which is large.
    """
    gone = [region for region in regions if region.action != "keep"]
    lines = [line for region in gone for line in region.lines]
    if gone and not lines:
        return 0
    size = np.inf
    if lines:
        size = float(np.percentile([Line(rectangle(line)).thickness for line in lines], SHARE))
    return times_halved(size, shape)


def times_halved(size: float, shape: tuple[int, ...]) -> int:
    """How often a page of lettering of one size may be halved.

    Args:
        size: Thickness of its lines in pixels.
        shape: Height and width of the page come first.
    """
    side, count = float(min(shape[:2])), 0
    while size >= LARGE and side >= SMALLEST:
        size, side, count = size / 2, side / 2, count + 1
    return count
