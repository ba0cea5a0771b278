"""The parts of a page that a hole is in: nobody should pay for the rest of it. Pure geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Box, Mask

    Part = tuple[slice, slice]


def parts(mask: Mask, reach: int, cell: int = 32, least: int = 1) -> list[Part]:
    """Disjoint boxes that show every hole with its surroundings.

    Args:
        mask: ``(H, W)`` bool, True = hole.
        reach: Pixels around each hole that are in its box, where the page has them. No hole of
            another box is nearer than twice that.
        cell: Boxes begin at multiples of it.
        least: Pixels of a hole in a cell under which the cell counts as having none.

    Returns:
        Rows and columns of each, from the top, then the left; nothing without a hole.
    """
    cells = _cells(mask, cell, least)
    near = -(-reach // cell)
    side = 2 * near + 1
    joined = cv2.dilate(np.pad(cells, near), np.ones((side, side), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes: list[Box] = []
    for x, y, width, height, _ in stats[1:].tolist():
        box = (x, y, x + width, y + height)
        while other := next((b for b in boxes if overlap(b, box)), None):
            boxes.remove(other)
            box = around(box, other)
        boxes.append(box)
    rows, columns = mask.shape
    return [
        (
            slice(max(y0 - near, 0) * cell, min((y1 - near) * cell, rows)),
            slice(max(x0 - near, 0) * cell, min((x1 - near) * cell, columns)),
        )
        for x0, y0, x1, y1 in sorted(boxes, key=lambda b: (b[1], b[0]))
    ]


def _cells(mask: Mask, cell: int, least: int) -> NDArray[np.uint8]:
    """``(h, w)`` uint8: which cells have so many pixels of the mask."""
    height, width = (-(-side // cell) for side in mask.shape)
    padded = np.pad(mask, ((0, height * cell - mask.shape[0]), (0, width * cell - mask.shape[1])))
    # First along the rows, in one piece of memory.
    if least == 1:
        across = padded.reshape(height * cell, width, cell).any(axis=2)
        return np.asarray(across.reshape(height, cell, width).any(axis=1), np.uint8)
    counts = padded.reshape(height, cell, width, cell).sum(axis=(1, 3))
    return np.asarray(counts >= least, np.uint8)


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes have a pixel in common."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def around(a: Box, b: Box) -> Box:
    """The smallest box that both are in."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
