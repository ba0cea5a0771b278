"""Detection at native scale on pages of any size: tiles in, one stitched map out.

A page is never resampled to fit a network. Large pages are cut into overlapping tiles and the
networks' *maps* are stitched, before any line is drawn: a line that a seam cuts is one component
of the stitched map, so there is nothing to merge afterwards. Pure geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from textclean.types import Box, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How a page is cut.

    Attributes:
        whole: Pages of no more pixels than this, and no side longer than ``longest``, go through
            in one piece; it bounds the networks' memory.
        longest: See ``whole``.
        side: Longest side of a tile, in pixels.
        overlap: Pixels that neighbouring tiles share at least.
        margin: Pixels along a tile's inner rim that do not count: what a network says there is
            marred by the cut.
    """

    whole: int = 3_300_000
    longest: int = 2304
    side: int = 1536
    overlap: int = 256
    margin: int = 32


DEFAULT_TILING = Tiling()


def cuts(length: int, tiling: Tiling) -> list[tuple[int, int]]:
    """Intervals of (nearly) equal size that cover ``0 .. length`` and overlap their neighbours.

    Returns:
        ``(start, end)`` pairs, none longer than ``tiling.side``.
    """
    count = max(1, -(-(length - tiling.overlap) // (tiling.side - tiling.overlap)))
    side = min(length, -(-(length + (count - 1) * tiling.overlap) // count))
    gaps = max(count - 1, 1)
    starts = [i * (length - side) // gaps for i in range(count)]
    return [(start, start + side) for start in starts]


def boxes(width: int, height: int, tiling: Tiling) -> list[Box]:
    """The tiles of a page, row by row."""
    if width * height <= tiling.whole and max(width, height) <= tiling.longest:
        return [(0, 0, width, height)]
    return [(x0, y0, x1, y1) for y0, y1 in cuts(height, tiling) for x0, x1 in cuts(width, tiling)]


def stitched(
    image: Image,
    network: Callable[[Image], NDArray[np.uint8]],
    channels: int,
    tiling: Tiling = DEFAULT_TILING,
) -> NDArray[np.uint8]:
    """Run a network over the tiles of a page and lay its maps together.

    Args:
        image: ``(H, W, 3)`` uint8.
        network: Takes ``(h, w, 3)`` uint8, gives ``(h, w, C)`` uint8.
        channels: The ``C`` of the network.
        tiling: How to cut.

    Returns:
        ``(H, W, C)`` uint8: where tiles overlap, the larger value. Tiles of one colour are not
        looked at and give zeros.
    """
    height, width = image.shape[:2]
    canvas = np.zeros((height, width, channels), np.uint8)
    for x0, y0, x1, y1 in boxes(width, height, tiling):
        tile = image[y0:y1, x0:x1]
        if _plain(tile):
            continue
        answer = network(np.ascontiguousarray(tile))
        left, top = x0 + tiling.margin * (x0 > 0), y0 + tiling.margin * (y0 > 0)
        right, bottom = x1 - tiling.margin * (x1 < width), y1 - tiling.margin * (y1 < height)
        target = canvas[top:bottom, left:right]
        np.maximum(target, answer[top - y0 : bottom - y0, left - x0 : right - x0], out=target)
    return canvas


def padded(image: Image, multiple: int = 32, minimum: int = 64) -> Image:
    """The image continued to the right and below by its own rim to a network's size."""
    height, width = image.shape[:2]
    below = max(minimum - height, -height % multiple)
    right = max(minimum - width, -width % multiple)
    below += -(height + below) % multiple
    right += -(width + right) % multiple
    if not below and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def halvings(width: int, height: int, smallest: int = 700) -> list[int]:
    """How often to halve a page to see its largest lettering whole: ``[0, 1, ...]``.

    A text network sees glyphs up to a few hundred pixels; sound effects, titles and the body text
    of a 600-dpi scan are larger. Each further level costs a quarter of the one before.

    Args:
        width: Page width in pixels.
        height: Page height in pixels.
        smallest: Geometric mean of the sides under which a page is not halved any more, except
            once.
    """
    levels = [0, 1]
    while (width * height) ** 0.5 / 2 ** (levels[-1] + 1) >= smallest:
        levels.append(levels[-1] + 1)
    return levels


def _plain(tile: Image) -> bool:
    """Whether nothing can be read on a tile: all one colour but for compression noise."""
    # Nearly every tile is told by a few of its pixels.
    for sample in (tile[::16, ::16], tile):
        low, high = sample.min(axis=(0, 1)), sample.max(axis=(0, 1))
        if (high.astype(int) - low).max() >= 12:
            return False
    return True
