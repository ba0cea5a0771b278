"""Room for new text inside bubbles: what is free in them, shared out among their blocks."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from textclean.lettering.rectangle import largest_rectangle
from textclean.mask.morphology import Components, erode, rasterize
from textclean.surface import channel_distance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Polygon, Region

_STEPS: Final = 12  # halvings when an ellipse is made as large as it fits
_MARGIN: Final = 0.012  # of a bubble's shorter side that text keeps off its border, and 2 pixels
_NEAR: Final = 40  # grey levels within which a pixel is the bubble's paper
_PAPER: Final = 0.7  # share of a bubble that must be paper for the rest to be drawn on
_BETWEEN: Final = 4  # pixels by which room is nearer to its own block than to another
_SPECK: Final = 5  # pixels of what is no drawing


def with_room(image: Image, mask: Mask, regions: Sequence[Region]) -> list[Region]:
    """The regions with a safe rectangle and a safe ellipse, where they lie in bubbles.

    Both keep off the border and off what is drawn in the bubble. Blocks that share a bubble, or
    lie in bubbles that have run together, each get what is nearer to them than to the others.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page, cleaned or not.
        mask: ``(H, W)`` bool, what was or is to be removed.
        regions: In pixels of that page.
    """
    return [_with_room(image, mask, region, regions) for region in regions]


def _with_room(image: Image, mask: Mask, region: Region, regions: Sequence[Region]) -> Region:
    bubble = region.bubble
    if bubble is None:
        return region
    height, width = image.shape[:2]
    box = _box_of(bubble, width, height)
    if box is None:
        return region
    others = [other.polygon for other in _neighbours(region, regions)]
    free = _free(image, mask, bubble, box)
    free &= _nearest(region.polygon, others, box)
    free = _largest_part(free)
    safe = largest_rectangle(free)
    if safe is None:
        return region
    return region.with_(
        safe_box=_moved(safe, box[0], box[1]),
        safe_ellipse=None if (e := safe_ellipse(free, safe)) is None else _moved(e, box[0], box[1]),
    )


def _neighbours(region: Region, regions: Sequence[Region]) -> Iterator[Region]:
    """Other blocks that lie in the region's bubble."""
    bubble = region.bubble
    for other in regions:
        if other is region or bubble is None or other.kind == "sfx":
            continue
        x, y = (float(value) for value in other.polygon.mean(axis=0))
        if cv2.pointPolygonTest(bubble.reshape(-1, 1, 2), (x, y), False) >= 0:
            yield other


def _free(image: Image, mask: Mask, bubble: Polygon, box: Box) -> Mask:
    """The inside of a bubble that is its paper, with a margin to the border."""
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    crop, removed = image[part], mask[part]
    inside = rasterize([bubble - np.array(box[:2], np.float32)], crop.shape[:2])
    known = inside & ~removed
    if known.any():
        paper = np.median(crop[known], axis=0)
        drawn = inside & ~removed & (channel_distance(crop, paper) > _NEAR)
        if np.count_nonzero(drawn) <= (1 - _PAPER) * np.count_nonzero(inside):
            marks = Components.of(drawn)
            inside &= ~marks.select(marks.area > _SPECK)
    margin = 2 + round(_MARGIN * min(crop.shape[:2]))
    # What lies beyond the crop is outside.
    return erode(np.pad(inside, margin), margin)[margin:-margin, margin:-margin]


def _nearest(own: Polygon, others: Sequence[Polygon], box: Box) -> Mask:
    """Pixels of a crop that are nearer to a block than to the others."""
    shape = box[3] - box[1], box[2] - box[0]
    offset = np.array(box[:2], np.float32)
    if not others:
        return np.ones(shape, bool)
    away = _away(own, offset, shape)
    nearest: Mask = away + _BETWEEN <= np.min([_away(p, offset, shape) for p in others], axis=0)
    return nearest


def _away(polygon: Polygon, offset: Polygon, shape: tuple[int, int]) -> NDArray[np.float32]:
    """``(h, w)``: pixels to a polygon; infinite when it lies outside."""
    outside = ~rasterize([polygon - offset], shape)
    if outside.all():
        return np.full(shape, np.inf, np.float32)
    distance = cv2.distanceTransform(outside.view(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(distance, np.float32)


def _largest_part(free: Mask) -> Mask:
    parts = Components.of(np.ascontiguousarray(free), connectivity=4)
    if parts.number < 2:
        return free
    largest: Mask = parts.labels == 1 + int(parts.area[1:].argmax())
    return largest


def safe_ellipse(free: Mask, safe_box: Box) -> Box | None:
    """The bounding box of a large upright ellipse in a shape.

    The largest of a few: of the shape's and its rectangle's proportions, around either's middle
    and between them, each as large as it fits. It is a good ellipse, not the largest there is.

    Args:
        free: ``(h, w)`` bool.
        safe_box: The largest upright rectangle in it.
    """
    rows, columns = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
    if not len(rows):
        return None
    around = np.array(safe_box, np.float64)
    whole = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    best: Box | None = None
    # Of each row how much is free up to a column: a few numbers a row tell whether a shape fits.
    upto = np.pad(np.cumsum(free, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    for middle in (_middle(around), _middle(whole), (_middle(around) + _middle(whole)) / 2):
        for box in (around, whole):
            ratio = float((box[2] - box[0]) / (box[3] - box[1]))
            found = _largest(upto, middle, ratio, beyond=0 if best is None else _area(best))
            if found is not None and (best is None or _area(found) > _area(best)):
                best = found
    return best


def ellipse_mask(box: Box, shape: tuple[int, int]) -> Mask:
    """``(H, W)`` bool: pixels of the ellipse that fills a box."""
    x0, y0, x1, y1 = box
    ys, xs = np.ogrid[: shape[0], : shape[1]]
    across = (xs + 0.5 - (x0 + x1) / 2) / max((x1 - x0) / 2, 0.5)
    down = (ys + 0.5 - (y0 + y1) / 2) / max((y1 - y0) / 2, 0.5)
    mask: Mask = across**2 + down**2 <= 1.0
    return mask


def _largest(
    upto: NDArray[np.int32], middle: NDArray[np.float64], ratio: float, beyond: int
) -> Box | None:
    """The largest ellipse of some proportions around a point, if its box is larger than that."""
    small, large = float(np.sqrt(beyond / ratio)), float(max(upto.shape[0], upto.shape[1] - 1))
    if beyond and not _fits(upto, _around(middle, small, ratio)):
        return None
    best: Box | None = None
    for _ in range(_STEPS):
        height = (small + large) / 2
        box = _around(middle, height, ratio)
        if box[2] <= box[0] or box[3] <= box[1]:
            small = height
        elif _fits(upto, box):
            small, best = height, box
        else:
            large = height
    return best


def _around(middle: NDArray[np.float64], height: float, ratio: float) -> Box:
    """Whole pixels of the box of a height around a point."""
    half = height * ratio / 2, height / 2
    x, y = float(middle[0]), float(middle[1])
    return ceil(x - half[0]), ceil(y - half[1]), floor(x + half[0]), floor(y + half[1])


def _fits(upto: NDArray[np.int32], box: Box) -> bool:
    """Whether all pixels of :func:`ellipse_mask` are free; ``upto`` ``(h, w + 1)`` counts those."""
    x0, y0, x1, y1 = box
    if x0 < 0 or y0 < 0 or x1 >= upto.shape[1] or y1 > upto.shape[0]:
        return False
    down = (np.arange(y1 - y0) + 0.5) / ((y1 - y0) / 2) - 1
    reach = np.sqrt(1 - down**2) * (x1 - x0) / 2
    left = np.ceil((x1 - x0) / 2 - reach - 0.5).astype(int)
    right = x1 - left
    left = left + x0
    rows = np.arange(y0, y1)
    return bool((upto[rows, right] - upto[rows, left] == right - left).all())


def _box_of(polygon: Polygon, width: int, height: int) -> Box | None:
    x0, y0 = np.maximum(np.floor(polygon.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(polygon.max(axis=0)).astype(int) + 1, [width, height])
    return (int(x0), int(y0), int(x1), int(y1)) if x0 < x1 and y0 < y1 else None


def _middle(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def _moved(box: Box, x: int, y: int) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
