"""At which scale the ink network looks at a page: halved where its lettering is large.

The network learned from pages whose lettering is some 25 pixels high. A scan of a manga page has
twice that: halved, it looks like what the network knows, large sound effects are seen whole, and
a quarter of the work is left. Masks are drawn on the page itself all the same: the map says which
ink is lettering, colours say where its edges are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.lines import Line, rectangle
from textclean.detect.tiles import halved
from textclean.ink_map import InkMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.protocols import PixelReader
    from textclean.types import Image, Region

LARGE = 38.0
"""Thickness of lines in pixels from which on lettering is large."""
SHARE = 25
"""Percentile of the lines' thickness that must reach it: most of the lettering, not a title."""
SMALLEST = 640
"""Shorter side in pixels that a page has at least to be halved."""


def read_lettering(read: PixelReader, image: Image, regions: Sequence[Region]) -> InkMap:
    """What each pixel of a page is, looked at on the scale that its lettering asks for.

    Args:
        read: The ink network.
        image: ``(H, W, 3)`` uint8 RGB page.
        regions: What the detector found on it and is to go.
    """
    if not halving_suffices(regions, image.shape):
        return read(image)
    height, width = image.shape[:2]
    planes = read(halved(image)).planes
    return InkMap(
        np.stack(
            [cv2.resize(p, (width, height), interpolation=cv2.INTER_LINEAR) for p in planes]
        ).astype(np.uint8, copy=False)
    )


def halving_suffices(regions: Sequence[Region], shape: tuple[int, ...]) -> bool:
    """Whether half its size shows a page's lettering well enough.

    A page without any is only looked over for what the detector missed, which is large.
    """
    if min(shape[:2]) < SMALLEST:
        return False
    lines = [line for region in regions for line in region.lines]
    if not lines:
        return not regions
    thickness = [Line(rectangle(line)).thickness for line in lines]
    return float(np.percentile(thickness, SHARE)) >= LARGE
