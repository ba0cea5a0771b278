"""At which scale the ink network looks at a page: halved while its lettering is large.

The network learned from pages whose lettering is some 25 pixels high. A scan of a manga page has
twice that: halved, it looks like what the network knows, large sound effects are seen whole, and
a quarter of the work is left. A page made small for the web is enlarged: 14 comic pages at 0.6 of
their size came to 29.6 dB so, where it had been 27.6, with 0.936 of the lettering and not 0.891.

Masks are drawn on the page itself all the same: the map says which ink is lettering, colours say
where its edges are. Where it is very large they are made halved (:mod:`textclean.mask.halved`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.lines import Line, rectangle
from textclean.scales import halved, scaled, steps, times_halved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Image, Region

LARGE = 38.0
"""Thickness of lines in pixels from which on lettering is large."""
SHARE = 25
"""Percentile of the lines' thickness that must reach it: most of the lettering, not a title."""
SMALL, USUAL, MOST_ENLARGED = 24.0, 30.0, 2.0
"""Usual thickness of lines in pixels below which lettering is small, what it becomes then, and
times that a page is enlarged at most."""
ENOUGH = 25.0
"""Thickness of lines in pixels as on usual pages."""
MOST_PIXELS = 4e6
"""Pixels up to which it is."""
SMALLEST = 900
"""Shorter side in pixels that a page has at least to be halved, also when it has been before."""


def lettering_view(image: Image, regions: Sequence[Region]) -> Image:
    """The page on the scale that its lettering asks for; itself, where that is its own.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
        regions: What the detector found on it. What is to stay needs no mask, and has no say.
    """
    sizes = _sizes(regions)
    usual = float(np.median(sizes)) if sizes else USUAL
    if usual < SMALL:
        room = (MOST_PIXELS / (image.shape[0] * image.shape[1])) ** 0.5
        return scaled(image, max(min(USUAL / usual, MOST_ENLARGED, room), 1.0))
    return halved(image, halvings(regions, image.shape))


def is_usual(image: Image, view: Image, regions: Sequence[Region]) -> bool:
    """Whether lettering is large enough on a view for all that is done about it.

    What the network sees is enough on a halved page; rules for what the detector missed count in
    pixels, and take tone for strokes, and a sound effect for speech, where lettering is too small.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
        view: What :func:`lettering_view` made of it.
        regions: What the detector found on the page.
    """
    step = max(steps(image, view))
    sizes = _sizes(regions)
    return step <= 1 or bool(sizes and np.percentile(sizes, SHARE) >= ENOUGH * step)


def halvings(regions: Sequence[Region], shape: tuple[int, ...]) -> int:
    """How often a page may be halved and still show its lettering well enough.

    A page without any is only looked over for what the detector missed, which is large.
    """
    sizes = _sizes(regions)
    if not sizes and any(region.action != "keep" for region in regions):
        return 0
    size = float(np.percentile(sizes, SHARE)) if sizes else np.inf
    return times_halved(size, LARGE, min(shape[:2]), SMALLEST)


def _sizes(regions: Sequence[Region]) -> list[float]:
    """Thickness of the lines that are to go, in pixels."""
    gone = [region for region in regions if region.action != "keep"]
    return [Line(rectangle(line)).thickness for region in gone for line in region.lines]
