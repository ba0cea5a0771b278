"""Marks that belong to a block although no line covers them.

Networks for text miss ellipses, long dashes, small punctuation and furigana, or stop short of
them. On plain paper they are easy to tell: small, on the same sheet of paper, with paper around
them, close to a line and in a place where such marks stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.blocks import Block, in_reading_order
from textclean.detect.lines import Line, across_extent, span_quad
from textclean.mask.morphology import Components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.detect.paper import Paper
    from textclean.types import Polygon

_ROUNDS = 12  # marks in a row that are followed
_END_GAP = 0.75  # widest gap between a line and the mark that continues it, in thicknesses
_SIDE_GAP = 0.5  # widest gap between a line and what stands beside it
_GLYPH = 1.1  # largest extent of a mark across the line
_DASH = 3.0  # largest length of a dash
_SMALL = 0.6  # largest extent of a furigana glyph
_DOT = 0.3  # largest extent of a dot of an ellipsis
_PAD = 0.08  # pixels around the marks, in thicknesses
_CROWD = 0.25  # share of a mark's surroundings that other ink may cover
_MANY = 16  # marks within one thickness of a mark: more are screentone
_CLOSE = 0.6  # thicknesses within which the dots of an ellipsis are, and nothing else
_LEVEL = 0.08  # thicknesses by which they may be out of line
_SCREEN = 48  # marks on one sheet: more are screentone, or a drawing
_OPEN = 0.35  # share of its surroundings' rim beyond which a sheet is not a bubble


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    """A connected mark in the frame of its block: its extent along and across the lines."""

    start: float
    end: float
    near: float
    far: float

    @property
    def size(self) -> float:
        """Its larger extent."""
        return max(self.end - self.start, self.far - self.near)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Directions of a block: along its lines, and from one line to the next."""

    axis: NDArray[np.float64]
    across: NDArray[np.float64]
    vertical: bool

    def quad(self, start: float, end: float, near: float, far: float) -> Polygon:
        """Corners of a rectangle, from extents along and across the lines."""
        return span_quad((start, end, near, far), self.axis, self.across, self.vertical)

    def around(self, marks: Sequence[_Mark], pad: float) -> Polygon:
        """The rectangle around some marks."""
        return self.quad(
            min(mark.start for mark in marks) - pad,
            max(mark.end for mark in marks) + pad,
            min(mark.near for mark in marks) - pad,
            max(mark.far for mark in marks) + pad,
        )


def completed(block: Block, paper: Paper, others: Sequence[Polygon]) -> Block:
    """The block with the marks that belong to it.

    Lines are lengthened over marks that continue them; furigana and rows of dots that no line
    covers become lines of their own.

    Args:
        block: The block.
        paper: What it is written on; art leaves the block as it is.
        others: Lines of other blocks, whose marks are theirs.
    """
    if not paper.plain:
        return block
    longest = max(block.lines, key=lambda line: line.length)
    frame = _Frame(*longest.frame(block.vertical), block.vertical)
    marks = _marks(block, paper, others, frame)
    # In sight of screentone only an ellipsis that stands apart from it can be told.
    toned = len(marks) > _SCREEN
    marks = _in_a_row(marks, block.thickness) if toned else _lonely(marks, block.thickness)
    if not marks:
        return block
    closed = paper.openness <= _OPEN and not toned
    lines: list[Line] = []
    for line, ruby in zip(block.lines, block.ruby(), strict=True):
        longer, marks = (line, marks) if ruby else _lengthened(line, marks, block.vertical, closed)
        lines.append(longer)
    if not toned:
        lines += _beside(lines, marks, frame, block.score, closed)
    return replace(block, lines=tuple(in_reading_order(lines, block.vertical)))


def _marks(block: Block, paper: Paper, others: Sequence[Polygon], frame: _Frame) -> list[_Mark]:
    """Small marks on the block's sheet of paper that no line covers."""
    x0, y0, _, _ = paper.box
    ink = paper.distance > 0.4 * paper.contrast
    taken = paper.core.astype(np.uint8)
    for polygon in others:
        cv2.fillPoly(taken, [np.rint(polygon - (x0, y0)).astype(np.int32)], 1)
    parts = Components.of(ink)
    low, high = parts.box[:, :2], parts.box[:, :2] + parts.box[:, 2:]
    inside = (low > 0).all(axis=1) & (high < ink.shape[::-1]).all(axis=1)
    covered = parts.count(taken > 0) > 0.2 * parts.area
    enough = parts.area >= max(3.0, (0.06 * block.thickness) ** 2)
    fitting = (parts.longest <= _DASH * block.thickness) & ~covered & inside & enough
    margin = max(2, round(0.3 * block.thickness))
    marks = []
    for index in np.flatnonzero(fitting[1:]) + 1:
        (left, top), (right, bottom) = low[index], high[index]
        window = np.s_[
            max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin
        ]
        mark = parts.labels[window] == index
        crowd = ink[window] & ~mark & (taken[window] == 0)
        # Borders and drawings reach beyond the sheet; dots of screentone stand in a crowd.
        if paper.interior[window][mark].all() and crowd.mean() <= _CROWD:
            ys, xs = np.nonzero(mark)
            points = np.stack([xs + window[1].start + x0, ys + window[0].start + y0], axis=1)
            along, over = points @ frame.axis, points @ frame.across
            marks.append(
                _Mark(along.min() - 0.5, along.max() + 0.5, over.min() - 0.5, over.max() + 0.5)
            )
    return marks


def _lonely(marks: list[_Mark], thickness: float) -> list[_Mark]:
    """Marks without the company that a dot of screentone keeps."""
    first, _ = _near(marks, thickness)
    company = np.bincount(first, minlength=len(marks)) - 1
    return [mark for mark, count in zip(marks, company, strict=True) if count <= _MANY]


def _in_a_row(marks: list[_Mark], thickness: float) -> list[_Mark]:
    """Marks that are beside others and neither above nor below any, as the dots of an ellipsis."""
    first, across = _near(marks, _CLOSE * thickness)
    near = np.bincount(first, minlength=len(marks))
    level = np.bincount(first[across <= _LEVEL * thickness], minlength=len(marks))
    row = (level > 1) & (level == near)
    return [mark for mark, fits in zip(marks, row, strict=True) if fits]


def _near(marks: list[_Mark], reach: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs of marks whose middles are within a reach, each mark with itself among them.

    Only neighbours are compared: a sheet of screentone has thousands of marks.

    Returns:
        ``(p,)`` position of the first of each pair, and ``(p,)`` how far apart they are across the
        lines.
    """
    from shapely import STRtree, box, points

    if not marks:
        return np.zeros(0, np.intp), np.zeros(0)
    middle = np.array([(mark.start + mark.end, mark.near + mark.far) for mark in marks]) / 2
    low, high = (middle - reach - 1).T, (middle + reach + 1).T
    first, second = STRtree(points(middle)).query(box(*low, *high))
    apart = np.abs(middle[first] - middle[second])
    close = apart.max(axis=1) <= reach
    return first[close], apart[close, 1]


def _lengthened(
    line: Line, marks: list[_Mark], vertical: bool, closed: bool
) -> tuple[Line, list[_Mark]]:
    """A line with the marks that continue it at either end, and the marks left over.

    On an open sheet, with art about, only dots and dashes count.
    """
    frame = _Frame(*line.frame(vertical), vertical)
    start, end, near, far = first = line.spans(frame.axis, frame.across)
    size = far - near
    for _ in range(_ROUNDS):
        fitting = [
            mark
            for mark in marks
            if near - 0.1 * size <= (mark.near + mark.far) / 2 <= far + 0.1 * size
            and _may_continue(mark, size, closed)
            and mark.end >= start - _END_GAP * size
            and mark.start <= end + _END_GAP * size
        ]
        if not fitting:
            break
        start = min(start, *(mark.start - _PAD * size for mark in fitting))
        end = max(end, *(mark.end + _PAD * size for mark in fitting))
        near = min(near, *(mark.near for mark in fitting))
        far = max(far, *(mark.far for mark in fitting))
        marks = [mark for mark in marks if mark not in fitting]
    if (start, end, near, far) == first:
        return line, marks
    return replace(line, polygon=frame.quad(start, end, near, far)), marks


def _may_continue(mark: _Mark, size: float, closed: bool) -> bool:
    """Whether a mark has the shape of a glyph, a dot or a dash, for a line of this thickness."""
    length, width = mark.end - mark.start, mark.far - mark.near
    dash = width <= _DOT * size and length >= 3 * width
    return dash or mark.size <= (_GLYPH if closed else _DOT) * size


def _beside(
    lines: Sequence[Line], marks: Sequence[_Mark], frame: _Frame, score: float, closed: bool
) -> list[Line]:
    """Lines around furigana, and around a last line of dots."""
    found = []
    left = list(marks)
    for line in lines:
        size = across_extent(line, frame.vertical)
        start, end, near, far = line.spans(frame.axis, frame.across)
        reach = [
            mark
            for mark in left
            if start - 0.3 * size <= (mark.start + mark.end) / 2 <= end + 0.3 * size
        ]
        ruby = [
            mark
            for mark in reach
            if near - (_SIDE_GAP + _SMALL) * size <= mark.near <= mark.far <= near + 0.2 * size
            and mark.size <= _SMALL * size
        ]
        dots = [
            mark
            for mark in reach
            if far <= mark.near <= far + 0.9 * size and mark.size <= _DOT * size
        ]
        runs = [
            run
            for run in _runs(ruby, 0.8 * size)
            # A stray full stop is none; a single mark on an open sheet may be anything.
            if max(mark.size for mark in run) >= 0.2 * size and (closed or len(run) > 1)
        ]
        runs += [run for run in _runs(dots, 0.8 * size) if len(run) > 2]
        found += [Line(frame.around(run, _PAD * size), score) for run in runs]
        used = [mark for run in runs for mark in run]
        left = [mark for mark in left if mark not in used]
    return found


def _runs(marks: Sequence[_Mark], gap: float) -> list[list[_Mark]]:
    """Marks parted where the gap along the line is wide."""
    runs: list[list[_Mark]] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, mark.near)):
        if runs and mark.start - max(other.end for other in runs[-1]) <= gap:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    return runs
