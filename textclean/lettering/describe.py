"""From the pixels before and after to what is told of a region's lettering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from textclean.lettering.lines import lines_of
from textclean.lettering.setting import alignment, slant, spacing
from textclean.lettering.size import Bodies, font_size, without_ruby
from textclean.mask.morphology import dilate, rasterize, ring
from textclean.surface import channel_distance, strongest
from textclean.types import Lettering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Region

_APART: Final = 40  # grey levels from which on two colours are not the same
_EVEN: Final = 30.0  # grey levels within which an outline is of one colour
_LEAST: Final = 12  # pixels of ink below which nothing is measured


def describe(before: Image, after: Image, mask: Mask, region: Region) -> Region:
    """The region with how its text was set.

    Args:
        before: ``(H, W, 3)`` uint8 RGB, the page with its text, upright.
        after: The same without; the same array where nothing was cleaned yet: then what lies behind
            the text is taken for it.
        mask: ``(H, W)`` bool, what was removed.
        region: In pixels of the page as it is seen. Text that was kept is not measured.
    """
    if region.action == "keep" or region.stroke_color is None:
        return region
    box = _crop(region, before.shape[:2])
    if box is None:
        return region
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    there = after[part]
    if after is before:
        if region.background is None:
            return region
        there = np.broadcast_to(np.array(region.background.color, np.uint8), there.shape)
    return region.with_(lettering=_measured(before[part], there, mask[part], region, box[:2]))


def _measured(
    before: Image, after: Image, mask: Mask, region: Region, corner: tuple[int, int]
) -> Lettering | None:
    offset = np.array(corner, np.float32)
    outlines = [line - offset for line in region.lines or (region.polygon,)]
    color = region.stroke_color
    assert color is not None  # the caller has looked
    area = mask & rasterize(outlines, mask.shape)
    ink = _ink(before, after, mask, color)
    if np.count_nonzero(ink & area) < _LEAST:
        return None
    lines = lines_of(ink, outlines, region.direction)
    if not lines:
        return None
    bodies = Bodies.of(lines, region)
    size = font_size(bodies, region)
    lines = without_ruby(lines, bodies)
    return Lettering(
        font_size=round(size, 1),
        stroke_width=round(_stroke_width(ink & area), 1),
        rotation=round(float(np.median([line.rotation for line in lines])), 1),
        slant=round(slant(lines), 1) if region.direction == "horizontal" else 0.0,
        align=alignment(lines),
        line_count=len(lines),
        line_spacing=spacing(lines),
        color=color,
        outline_color=_outline(before, after, ink, color),
        background_color=_median(after[area]),
    )


def _crop(region: Region, shape: tuple[int, ...]) -> Box | None:
    x0, y0, x1, y1 = region.box
    margin = round(0.1 * max(x1 - x0, y1 - y0)) + 8
    left, top = max(x0 - margin, 0), max(y0 - margin, 0)
    right, bottom = min(x1 + margin, shape[1]), min(y1 + margin, shape[0])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _ink(before: Image, after: Image, mask: Mask, color: tuple[int, int, int]) -> Mask:
    """Pixels of the mask that are nearer to the strokes' colour than to what is there now."""
    own = channel_distance(before, np.array(color))
    other = strongest(np.asarray(cv2.absdiff(before, after)))
    ink: Mask = mask & (own < other)
    return ink


def _stroke_width(ink: Mask) -> float:
    """Twice the distance to the edge along the middle of the strokes."""
    distance = cv2.distanceTransform(np.pad(ink, 1).view(np.uint8), cv2.DIST_L2, 5)
    highest = cv2.dilate(distance, np.ones((3, 3), np.uint8))
    middle = (distance >= highest - 1e-3) & (distance > 0)
    return max(1.0, 2.0 * float(np.median(distance[middle])) - 1.0)


def _outline(
    before: Image, after: Image, ink: Mask, color: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """The colour that lies around the strokes, where it is even and neither theirs nor nearby's."""
    near = ring(ink, 1, 2)
    beyond = ring(ink, 2, 9)
    beyond &= ~dilate(near, 3)
    if not near.any() or not beyond.any():
        return None
    around = before[near].astype(np.float32)
    found = np.median(around, axis=0)
    even = float(np.median(np.abs(around - found).max(axis=1)))
    apart = min(
        float(np.abs(found - np.array(other, np.float32)).max())
        for other in (color, _median(before[beyond]), _median(after[near]))
    )
    return _median(before[near]) if even <= _EVEN and apart >= _APART else None


def _median(pixels: NDArray[np.uint8]) -> tuple[int, int, int]:
    red, green, blue = np.median(pixels.reshape(-1, 3), axis=0)
    return int(red), int(green), int(blue)
