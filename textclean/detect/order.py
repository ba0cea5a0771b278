"""Reading order of blocks: panel by panel, and within a panel by rows.

Panels are found as what the gutter leaves over: paper that is connected to the page's margin.
Rows and columns are found by recursive X-Y cuts of boxes (Nagy and Seth, *Hierarchical
representation of optically scanned documents*, ICPR 1984).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image

_VIEW = 1000  # pixels; longest side of the page on which panels are looked for
_PAPER = 24  # levels within which a pixel is the margin's paper
_LEAST = 0.015  # share of the page that a panel covers
_SLACK = 0.15  # share of the smaller extent by which two rows may overlap


def reading_order(boxes: Sequence[Box], image: Image, *, rtl: bool) -> list[int]:
    """In which order the blocks of a page are read.

    Args:
        boxes: Bounding boxes of the blocks.
        image: ``(H, W, 3)`` uint8 page, to find its panels.
        rtl: Whether panels and bubbles run from right to left.

    Returns:
        Indices into ``boxes``.
    """
    if len(boxes) < 2:
        return list(range(len(boxes)))
    panels = find_panels(image)
    inside: dict[int, list[int]] = {}
    for index, box in enumerate(boxes):
        inside.setdefault(_home(box, panels), []).append(index)
    used = sorted(inside)
    order: list[int] = []
    for which in sequence([panels[i] for i in used], rtl=rtl):
        members = inside[used[which]]
        order += [members[i] for i in sequence([boxes[i] for i in members], rtl=rtl)]
    return order


def sequence(boxes: Sequence[Box], *, rtl: bool) -> list[int]:
    """Order boxes by rows from the top, within a row from the side where reading starts.

    Where neither a horizontal nor a vertical cut parts the boxes, the one that has no other above
    it or before it comes first.
    """
    return _cut(boxes, list(range(len(boxes))), rtl)


def find_panels(image: Image) -> list[Box]:
    """Boxes of a page's panels; the whole page where there is no gutter to tell them by."""
    height, width = image.shape[:2]
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    scale = max(1, -(-max(height, width) // _VIEW))
    frame = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(frame))
    distance = np.asarray(cv2.absdiff(grey, np.array(paper)), np.uint8)
    # The farthest pixel of a cell counts, so that thin frames do not get lost.
    peaks = np.asarray(cv2.dilate(distance, np.ones((scale, scale), np.uint8), anchor=(0, 0)))
    cells = (peaks[::scale, ::scale] > _PAPER).astype(np.uint8)
    panels = [
        (x * scale, y * scale, min((x + w) * scale, width), min((y + h) * scale, height))
        for x, y, w, h in _islands(cells)
        if w * h >= _LEAST * cells.size
    ]
    panels = [
        box for box in panels if not any(other != box and _within(box, other) for other in panels)
    ]
    return panels or [(0, 0, width, height)]


def _islands(cells: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes of what the paper connected to the margin leaves over."""
    free = np.pad(1 - cells, 1, constant_values=1).astype(np.uint8)
    _, labels = cv2.connectedComponents(free, connectivity=4)
    solid = (labels != labels[0, 0])[1:-1, 1:-1].astype(np.uint8)
    # Lettering that sticks out of a panel, or a crooked scan line, does not join two panels.
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, _ in stats[1:]]


def _home(box: Box, panels: Sequence[Box]) -> int:
    """The panel that holds most of a box, else the nearest one."""

    def key(panel: Box) -> tuple[float, float]:
        width = min(box[2], panel[2]) - max(box[0], panel[0])
        height = min(box[3], panel[3]) - max(box[1], panel[1])
        shared = max(width, 0) * max(height, 0)
        return -float(shared), float(np.hypot(max(-width, 0), max(-height, 0)))

    return min(range(len(panels)), key=lambda i: key(panels[i]))


def _within(box: Box, other: Box) -> bool:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(width, 0) * max(height, 0) >= 0.9 * area


def _cut(boxes: Sequence[Box], members: list[int], rtl: bool) -> list[int]:
    if len(members) < 2:
        return members
    rows = _parts(boxes, members, low=1, high=3)
    if len(rows) > 1:
        return [index for row in rows for index in _cut(boxes, row, rtl)]
    columns = _parts(boxes, members, low=0, high=2)
    if len(columns) > 1:
        ordered = columns[::-1] if rtl else columns
        return [index for column in ordered for index in _cut(boxes, column, rtl)]
    first = min(members, key=lambda i: (_ahead(boxes, members, i, rtl), boxes[i][1], boxes[i][0]))
    return [first, *_cut(boxes, [i for i in members if i != first], rtl)]


def _parts(boxes: Sequence[Box], members: list[int], low: int, high: int) -> list[list[int]]:
    """Members parted where their extents along one axis (nearly) do not overlap."""
    ordered = sorted(members, key=lambda i: (boxes[i][low] + boxes[i][high], i))
    parts, reach = [[ordered[0]]], float(boxes[ordered[0]][high])
    for k, index in enumerate(ordered[1:], start=1):
        start = min(boxes[i][low] for i in ordered[k:])
        extents = [boxes[i][high] - boxes[i][low] for i in (*parts[-1], *ordered[k:])]
        if reach - start <= _SLACK * min(extents):
            parts.append([])
        parts[-1].append(index)
        reach = max(reach, float(boxes[index][high]))
    return parts


def _ahead(boxes: Sequence[Box], members: list[int], index: int, rtl: bool) -> int:
    """How many others are read before a box: those above it, and those beside it."""
    box = boxes[index]
    count = 0
    for i in members:
        other = boxes[i]
        if i == index:
            continue
        shared = min(box[3], other[3]) - max(box[1], other[1])
        level = shared > 0.4 * min(box[3] - box[1], other[3] - other[1])
        aside = (other[0] + other[2]) - (box[0] + box[2])
        if level:
            count += aside > 0 if rtl else aside < 0
        else:
            count += other[1] + other[3] < box[1] + box[3]
    return count
