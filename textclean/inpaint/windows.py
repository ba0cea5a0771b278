"""From a mask to the windows an inpainter sees, and back. Pure geometry: NumPy and OpenCV.

A network's cost is its area, and one window per glyph would pay for the same context again and
again. So holes are grouped: two groups become one as long as their common window is not larger,
or hardly, than both of theirs. Windows are cut at native scale; nothing is ever resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from textclean.distance import depth_inside
from textclean.types import Box, Image, Mask, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)

SLACK = 1.1
"""A merge may make the total area larger by this factor: it also saves a call."""
MOST_GROUPS = 256
"""Holes are joined over growing gaps until so many groups are left; merging is quadratic."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How windows are made; see :func:`merge_windows`."""

    shape: tuple[int, int]
    context: int
    relative: float
    max_size: int
    multiple: int


def merge_windows(
    mask: Mask,
    *,
    context: int = 64,
    relative: float = 1.5,
    max_size: int = 1024,
    multiple: int = 8,
) -> tuple[Window, ...]:
    """Few windows that cover every hole with enough context.

    Args:
        mask: ``(H, W)`` bool, True = hole.
        context: Known surroundings on every side of a hole, in pixels, less only at the edge of
            the page.
        relative: The same in widths of the hole, as far as ``max_size`` allows. The width is that
            of its thickest stroke, not of its bounding box.
        max_size: Side in pixels of the largest square window; no window has a larger area. Holes
            that do not fit with ``context`` on all sides are cut, where possible in a gap.
        multiple: Width and height are multiples of it where the page is large enough.

    Returns:
        Windows ordered by the upper left corner of their holes. Their hole boxes do not overlap,
        so every pixel of the mask belongs to exactly one window.

    Raises:
        ValueError: ``max_size`` leaves no room for a hole between its context.
    """
    if min(context, relative) < 0 or multiple < 1 or max_size < 2 * context + 2 * multiple:
        raise ValueError(
            f"windows of at most {max_size} px cannot hold {context} px of context on both sides"
        )
    height, width = mask.shape
    rules = Rules((height, width), context, relative, max_size, multiple)
    boxes, widths = _holes(mask, gap=max(1, context // 8))
    boxes, widths = group(boxes, widths, rules)
    parts = [
        (part, stroke)
        for box, stroke in zip(boxes.tolist(), widths.tolist(), strict=True)
        for part in _split(mask, _box(box), rules)
    ]
    parts.sort(key=lambda item: (item[0][1], item[0][0]))
    return tuple(Window(box=_widen(part, stroke, rules), hole=part) for part, stroke in parts)


def crop(array: NDArray[S], window: Window) -> NDArray[S]:
    """The part of an ``(H, W, ...)`` array that a window shows; a view."""
    x0, y0, x1, y1 = window.box
    return array[y0:y1, x0:x1]


def own_hole(mask: Mask, window: Window) -> Mask:
    """``mask`` in the window's coordinates, less what other windows answer for."""
    x0, y0, x1, y1 = window.hole
    left, top = window.box[:2]
    own = np.zeros_like(crop(mask, window))
    own[y0 - top : y1 - top, x0 - left : x1 - left] = mask[y0:y1, x0:x1]
    return own


def paste(target: NDArray[Any], filled: NDArray[Any], mask: Mask, window: Window) -> None:
    """Write a filled window into ``target``, in place, where the window answers for the mask."""
    own = own_hole(mask, window)
    crop(target, window)[own] = filled[own]


def fill_windows(
    image: Image,
    mask: Mask,
    fill: Callable[[Image, Mask], Image],
    *,
    windows: Iterable[Window] | None = None,
) -> Image:
    """Fill a page window by window.

    Each window is filled by itself, the holes of all others being holes to it too. Only the parts
    of a hole that had to be cut are filled one after the other, each seeing those before it.

    Args:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool.
        fill: Called with a window's image and mask; returns an image of the same size.
        windows: The windows; None = :func:`merge_windows` with its defaults.

    Returns:
        A new image, equal to ``image`` outside the mask.
    """
    out = image.copy()
    done: list[Window] = []
    for window in merge_windows(mask) if windows is None else windows:
        hole, seen = crop(mask, window).copy(), crop(image, window).copy()
        for other in done:
            if _touch(window.hole, other.hole):
                filled = crop(_own_page(mask, other), window)
                hole &= ~filled
                seen[filled] = crop(out, window)[filled]
        paste(out, fill(seen, hole), mask, window)
        done.append(window)
    return out


def group(
    boxes: NDArray[np.int64], widths: NDArray[np.float64], rules: Rules
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Merge holes while that saves area, best first; overlapping boxes are always merged.

    Args:
        boxes: ``(N, 4)`` bounding boxes, in any order.
        widths: ``(N,)`` thickest stroke of each in pixels.
        rules: How windows are made.

    Returns:
        The same for the groups, ordered by their upper left corner.
    """
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 0], boxes[:, 1]))
    boxes, widths = boxes[order].copy(), widths[order].copy()
    alive = np.ones(len(boxes), dtype=bool)
    gain = np.full((len(boxes), len(boxes)), -np.inf)  # upper triangle: what each merge saves
    for i in range(len(boxes)):
        gain[i, i + 1 :] = _gain(boxes[i], widths[i], boxes[i + 1 :], widths[i + 1 :], rules)
    while gain.size and (best := int(gain.argmax())) >= 0 and gain.flat[best] > 0:
        i, j = divmod(best, len(boxes))
        boxes[i] = _union(boxes[i], boxes[j])
        widths[i] = max(widths[i], widths[j])
        alive[j] = False
        gain[j, :] = gain[:, j] = -np.inf
        new = np.where(alive, _gain(boxes[i], widths[i], boxes, widths, rules), -np.inf)
        gain[i, i + 1 :], gain[:i, i] = new[i + 1 :], new[:i]
    boxes, widths = boxes[alive], widths[alive]
    order = np.lexsort((boxes[:, 0], boxes[:, 1]))
    return boxes[order], widths[order]


def _gain(
    box: NDArray[np.int64],
    width: float,
    others: NDArray[np.int64],
    widths: NDArray[np.float64],
    rules: Rules,
) -> NDArray[np.float64]:
    """Area saved by merging a hole with each of the others; infinite where boxes overlap."""
    union = _union(box, others)
    window = _windows(union, np.maximum(width, widths), rules)
    apart = _area(_windows(box[None], np.array([width]), rules))
    saved = SLACK * (apart + _area(_windows(others, widths, rules))) - _area(window)
    fits = _room(union, rules) >= rules.context
    overlap = (np.minimum(box[2:], others[:, 2:]) > np.maximum(box[:2], others[:, :2])).all(axis=1)
    return np.where(overlap, np.inf, np.where(fits, saved, -np.inf))


def _union(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Smallest boxes around both."""
    return np.concatenate(
        [np.minimum(a[..., :2], b[..., :2]), np.maximum(a[..., 2:], b[..., 2:])], axis=-1
    )


def _area(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    area: NDArray[np.int64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _windows(
    boxes: NDArray[np.int64], widths: NDArray[np.float64], rules: Rules
) -> NDArray[np.int64]:
    """``(N, 4)`` windows around ``(N, 4)`` holes, clipped to the page."""
    height, width = rules.shape
    wanted = np.ceil(rules.relative * widths).astype(np.int64)
    margin = np.maximum(rules.context, np.minimum(wanted, _room(boxes, rules)))[:, None]
    low = np.maximum(boxes[:, :2] - margin, 0)
    high = np.minimum(boxes[:, 2:] + margin, (width, height))
    return np.concatenate([low, high], axis=1)


def _room(boxes: NDArray[np.int64], rules: Rules) -> NDArray[np.int64]:
    """``(N,)``, the widest margin around each box that keeps its window within the area."""
    sides = boxes[:, 2:] - boxes[:, :2] + rules.multiple - 1  # rounding up included
    width, height = sides[:, 0], sides[:, 1]
    # (width + 2 m) (height + 2 m) = max_size**2, solved for m
    root = np.sqrt((width - height) ** 2.0 + 4.0 * rules.max_size**2)
    room: NDArray[np.int64] = np.floor((root - width - height) / 4).astype(np.int64)
    return room


def _widen(hole: Box, stroke: float, rules: Rules) -> Box:
    """The window around one hole, its sides rounded up to the multiple."""
    x0, y0, x1, y1 = _windows(np.array([hole]), np.array([stroke]), rules)[0].tolist()
    x0, x1 = _round_up(x0, x1, rules.shape[1], rules.multiple)
    y0, y1 = _round_up(y0, y1, rules.shape[0], rules.multiple)
    return x0, y0, x1, y1


def _round_up(low: int, high: int, length: int, multiple: int) -> tuple[int, int]:
    """The interval grown to a multiple, first at its end; as it is where there is no room."""
    extra = -(high - low) % multiple
    if high - low + extra > length:
        return low, high
    after = min(extra, length - high)
    return low - (extra - after), high + after


def _holes(mask: Mask, gap: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bounding boxes ``(N, 4)`` of the holes and their greatest widths ``(N,)``.

    Pieces of a hole that lie within twice the gap of each other are one hole.
    """
    while True:
        # The margin keeps the dilation from being clipped, so that boxes shrink back exactly.
        joined = cv2.dilate(
            np.pad(mask, gap).astype(np.uint8), np.ones((2 * gap + 1, 2 * gap + 1), np.uint8)
        )
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        if count - 1 <= MOST_GROUPS:
            break
        gap *= 2
    stats = stats[1:].astype(np.int64)
    x0, y0 = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    x1 = x0 + stats[:, cv2.CC_STAT_WIDTH] - 2 * gap
    y1 = y0 + stats[:, cv2.CC_STAT_HEIGHT] - 2 * gap
    widths = np.zeros(count - 1)
    for index, (left, top, right, bottom) in enumerate(np.stack([x0, y0, x1, y1], axis=1).tolist()):
        # What a hole borders on is known, so that no other part of the page matters.
        box = np.s_[top:bottom, left:right]
        depth = depth_inside(np.pad(mask[box], 1))[1:-1, 1:-1]
        own = labels[gap:-gap, gap:-gap][box] == index + 1
        widths[index] = 2 * depth[own].max(initial=0.0)
    return np.stack([x0, y0, x1, y1], axis=1), widths


def _split(mask: Mask, box: Box, rules: Rules) -> list[Box]:
    """Shrink a box to its pixels; cut it in two, and so on, while its window would be too large.

    Each cut goes through the longer side where fewest pixels of the mask are, near the middle.
    """
    x0, y0, x1, y1 = box
    inside = mask[y0:y1, x0:x1]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return []
    x0, x1 = x0 + int(columns[0]), x0 + int(columns[-1]) + 1
    y0, y1 = y0 + int(rows[0]), y0 + int(rows[-1]) + 1
    if _room(np.array([(x0, y0, x1, y1)]), rules)[0] >= rules.context:
        return [(x0, y0, x1, y1)]
    inside = mask[y0:y1, x0:x1]
    if x1 - x0 >= y1 - y0:
        at = x0 + _cut(inside.sum(axis=0))
        halves: Sequence[Box] = ((x0, y0, at, y1), (at, y0, x1, y1))
    else:
        at = y0 + _cut(inside.sum(axis=1))
        halves = ((x0, y0, x1, at), (x0, at, x1, y1))
    return [part for half in halves for part in _split(mask, half, rules)]


def _cut(pixels: NDArray[np.int64]) -> int:
    """Index in the middle half of a profile where it is lowest, nearest to the middle."""
    length = len(pixels)
    indices = np.arange(max(1, length // 4), max(2, length - length // 4))
    order = np.lexsort((np.abs(2 * indices - length), pixels[indices]))
    return int(indices[order[0]])


def _own_page(mask: Mask, window: Window) -> Mask:
    """The part of ``mask`` that a window answers for, in page coordinates."""
    own = np.zeros_like(mask)
    x0, y0, x1, y1 = window.hole
    own[y0:y1, x0:x1] = mask[y0:y1, x0:x1]
    return own


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or share a border."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _box(values: Sequence[int]) -> Box:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
