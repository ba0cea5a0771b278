"""The largest upright rectangle in a shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from textclean.types import Box, Mask

GRID = 128
"""Cells along the longer side of the grid on which the largest rectangle is sought."""

COARSE = 12
"""Cells along the rectangle's shorter side at least; otherwise a finer grid is taken."""


def largest_rectangle(inside: Mask) -> Box | None:
    """The largest upright rectangle in a shape, or None when the shape is empty.

    Found by the largest rectangle under each row's histogram, in a time that grows with the number
    of cells. Shapes of more than :data:`GRID` pixels are first reduced to cells
    that lie wholly inside, so that the rectangle does; its sides are then moved out pixel by pixel
    as far as the shape goes: it comes close to the largest. On smaller shapes it
    is the largest there is.

    Args:
        inside: ``(H, W)`` bool.

    Returns:
        ``x0, y0, x1, y1``, the last two exclusive; every pixel of it is inside.
    """
    if not inside.any():
        return None
    factor = -(-max(inside.shape) // GRID)
    while True:
        cells = _under_histograms(_whole_cells(inside, factor))
        if factor == 1:
            return cells
        if cells is not None and min(cells[2] - cells[0], cells[3] - cells[1]) >= COARSE:
            x0, y0, x1, y1 = (factor * side for side in cells)
            return _moved_out(inside, (x0, y0, x1, y1))
        factor //= 2  # so thin that a cell is a large part of it


def _whole_cells(inside: Mask, factor: int) -> Mask:
    """Cells of ``factor`` by ``factor`` pixels that lie wholly inside; what is left over is not."""
    if factor == 1:
        return inside
    rows, columns = inside.shape[0] // factor, inside.shape[1] // factor
    part = inside[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(part.all(axis=(1, 3)), bool)


def _under_histograms(grid: Mask) -> Box | None:
    """The largest rectangle of True cells; of equals, the first from the top, then the left.

    For each cell, the rectangle that stands on it as high as its column goes, as wide as it gets:
    the largest there is is one of these. Row by row, from the one above.
    """
    if not grid.any():
        return None
    rows, columns = grid.shape
    place = np.arange(columns)
    # How far each row goes on without a gap, to the left and, exclusive, to the right.
    starts = np.maximum.accumulate(np.where(grid, 0, place + 1), axis=1)
    ends = np.minimum.accumulate(np.where(grid, columns, place)[:, ::-1], axis=1)[:, ::-1]
    height = np.zeros(columns, np.int64)
    left, right = np.zeros(columns, np.int64), np.full(columns, columns)
    lefts, rights, heights = (np.empty(grid.shape, np.int64) for _ in range(3))
    for row in range(rows):
        cells = grid[row]
        height = np.where(cells, height + 1, 0)
        left = np.where(cells, np.maximum(left, starts[row]), 0)
        right = np.where(cells, np.minimum(right, ends[row]), columns)
        lefts[row], rights[row], heights[row] = left, right, height
    area = heights * (rights - lefts)
    row = int(area.max(axis=1).argmax())
    best = np.flatnonzero(area[row] == area[row].max())
    first = best[np.lexsort((-lefts[row, best], rights[row, best]))[0]]
    tall = int(heights[row, first])
    return int(lefts[row, first]), row + 1 - tall, int(rights[row, first]), row + 1


def _moved_out(inside: Mask, box: Box) -> Box:
    """The box with its sides moved out, one pixel each in turn, as long as all is inside."""
    height, width = inside.shape
    x0, y0, x1, y1 = box
    moved = True
    while moved:
        before = (x0, y0, x1, y1)
        if x0 > 0 and inside[y0:y1, x0 - 1].all():
            x0 -= 1
        if y0 > 0 and inside[y0 - 1, x0:x1].all():
            y0 -= 1
        if x1 < width and inside[y0:y1, x1].all():
            x1 += 1
        if y1 < height and inside[y1, x0:x1].all():
            y1 += 1
        moved = before != (x0, y0, x1, y1)
    return x0, y0, x1, y1
