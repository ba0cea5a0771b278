"""Lines become blocks: what one bubble, caption or sign says.

Judged from the lines' geometry (size, gap, overlap, alignment, direction), and from the page
between them: a drawn border that crosses the gap, or a change of paper, separates two lines
however close they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.lines import Line, across_extent, along_extent, span_quad
from textclean.detect.relations import (
    LEADING,
    RUBY,
    WORD_GAP,
    on_other_ground,
    related,
    separated,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Image, Polygon

_THIN = 0.5  # thicknesses of the other that a piece of a line has at least, unless it is short
_PART = 0.4  # by how much a gap is wider than the others between two blocks, in thicknesses


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Lines that belong together, in reading order.

    Attributes:
        lines: At least one.
        vertical: Whether they are columns.
    """

    lines: tuple[Line, ...]
    vertical: bool

    @property
    def thickness(self) -> float:
        """Typical thickness of its lines in pixels; long lines count more, furigana hardly."""
        sizes = np.array([across_extent(line, self.vertical) for line in self.lines])
        weights = np.array([along_extent(line, self.vertical) for line in self.lines]) * sizes
        order = np.argsort(sizes, kind="stable")
        half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
        return float(sizes[order][min(half, len(sizes) - 1)])

    @property
    def score(self) -> float:
        """Mean score of the lines, weighted by area."""
        areas = np.array([line.width * line.height for line in self.lines])
        scores = np.array([line.score for line in self.lines])
        return round(float((areas * scores).sum() / areas.sum()), 4)

    @property
    def tilt(self) -> float:
        """Median angle of the lines against the page, in degrees."""
        return float(np.median([line.tilt for line in self.lines]))

    @property
    def polygon(self) -> Polygon:
        """``(N, 2)`` float32 outline: the lines with the gaps between them closed."""
        return outline([line.polygon for line in self.lines], reach=self.thickness)

    def ruby(self) -> tuple[bool, ...]:
        """For each line, whether it is furigana: much thinner than the block's typical line."""
        limit = RUBY * self.thickness
        return tuple(across_extent(line, self.vertical) < limit for line in self.lines)


def group(lines: Sequence[Line], image: Image) -> list[Block]:
    """Put lines together into blocks.

    Args:
        lines: The lines of a page, in any order.
        image: ``(H, W, 3)`` uint8 page; what lies between the lines counts.

    Returns:
        The blocks, in no particular order but the same for the same lines in any order.
    """
    from shapely import STRtree, box

    lines = sorted(lines, key=_position)
    if not lines:
        return []
    reach = [
        box(*_bounds(line, LEADING * min(line.thickness, 4 * _median_thickness(lines))))
        for line in lines
    ]
    left, right = STRtree(reach).query(reach)
    owner = list(range(len(lines)))
    for i, j in sorted(zip(left.tolist(), right.tolist(), strict=True)):
        if i < j and _root(owner, i) != _root(owner, j):
            relation = related(lines[i], lines[j])
            if relation is None or separated(relation, image):
                continue
            if not on_other_ground(lines[i], lines[j], image):
                owner[_root(owner, j)] = _root(owner, i)
    members: dict[int, list[Line]] = {}
    for index, line in enumerate(lines):
        members.setdefault(_root(owner, index), []).append(line)
    prevailing = _prevailing(lines)
    return [
        _block(part, prevailing)
        for together in members.values()
        for part in _parted(together, _block(together, prevailing).vertical)
    ]


def outline(polygons: Sequence[Polygon], reach: float) -> Polygon:
    """One outline around several polygons, following them more closely than their hull.

    Args:
        polygons: Each ``(N, 2)``.
        reach: Gaps up to this many pixels are closed; where that leaves several pieces, the
            convex hull is taken.
    """
    from shapely import MultiPoint, unary_union
    from shapely import Polygon as Shape

    merged = unary_union([Shape(polygon).buffer(0) for polygon in polygons])
    closed = merged.buffer(reach / 2, join_style="mitre").buffer(-reach / 2, join_style="mitre")
    joined = unary_union([closed, merged]).simplify(0.5)
    if joined.geom_type != "Polygon" or joined.is_empty:
        joined = MultiPoint(np.concatenate([np.asarray(p) for p in polygons])).convex_hull
    return np.asarray(joined.exterior.coords[:-1], np.float32)


def _position(line: Line) -> tuple[float, ...]:
    return (*line.polygon[:, ::-1].reshape(-1).tolist(), line.score)


def _median_thickness(lines: Sequence[Line]) -> float:
    return float(np.median([line.thickness for line in lines]))


def _bounds(line: Line, margin: float) -> tuple[float, float, float, float]:
    x0, y0 = line.polygon.min(axis=0)
    x1, y1 = line.polygon.max(axis=0)
    return float(x0 - margin), float(y0 - margin), float(x1 + margin), float(y1 + margin)


def _root(owner: list[int], index: int) -> int:
    while owner[index] != index:
        owner[index] = owner[owner[index]]
        index = owner[index]
    return index


def _prevailing(lines: Sequence[Line]) -> bool:
    """Whether most of a page's text is vertical."""
    lengths = {"vertical": 0.0, "horizontal": 0.0, "square": 0.0}
    for line in lines:
        lengths[line.shape] += line.length
    return lengths["vertical"] > lengths["horizontal"]


def _parted(lines: Sequence[Line], vertical: bool) -> list[list[Line]]:
    """Lines parted where a gap is clearly wider than the others: bubbles that run together."""
    block = Block(tuple(in_reading_order(lines, vertical)), vertical)
    main = [line for line, ruby in zip(block.lines, block.ruby(), strict=True) if not ruby]
    _, across = max(main, key=lambda line: line.length).frame(vertical)
    spans = [line.spans(across, across)[:2] for line in main]
    size = block.thickness
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    if len([gap for gap in gaps if gap > -0.5 * size]) < 2:
        return [list(lines)]
    widest = int(np.argmax(gaps))
    others = [gap for i, gap in enumerate(gaps) if i != widest and gap > -0.5 * size]
    if gaps[widest] < max(_PART * size, float(np.median(others)) + _PART * size):
        return [list(lines)]
    border = (spans[widest][1] + spans[widest + 1][0]) / 2
    before = [line for line in lines if float(line.center @ across) < border]
    after = [line for line in lines if float(line.center @ across) >= border]
    return [*_parted(before, vertical), *_parted(after, vertical)]


def _block(lines: Sequence[Line], prevailing: bool) -> Block:
    vertical = prevailing
    shaped = [line for line in lines if line.shape != "square"]
    if shaped:
        vertical = _prevailing(shaped)
    elif len(lines) > 1:
        x, y = np.ptp(np.array([line.center for line in lines]), axis=0)
        vertical = bool(y > x)
    return Block(tuple(_whole_lines(in_reading_order(lines, vertical), vertical)), vertical)


def _whole_lines(lines: Sequence[Line], vertical: bool) -> list[Line]:
    """Lines in reading order with the pieces (words, a detached mark) of each put together."""
    whole = [lines[0]]
    for piece in lines[1:]:
        line = whole[-1]
        longer = line if line.length >= piece.length else piece
        axis, across = longer.frame(vertical)
        s0, s1, t0, t1 = line.spans(axis, across)
        p0, p1, q0, q1 = piece.spans(axis, across)
        thick, gap = max(t1 - t0, q1 - q0), max(s0, p0) - min(s1, p1)
        in_line = max(t1, q1) - min(t0, q0) <= 1.3 * thick
        # What is much thinner is a mark that ends a long line, or no part of this one.
        thin, short = min((t1 - t0, s1 - s0), (q1 - q0, p1 - p0))
        ends = short <= thick and max(s1 - s0, p1 - p0) >= 2 * thick
        in_line &= thin >= _THIN * thick or ends
        if not in_line or not -0.5 * thick <= gap <= WORD_GAP * thick:
            whole.append(piece)
            continue
        areas = np.array([line.width * line.height, piece.width * piece.height])
        score = float((areas * [line.score, piece.score]).sum() / areas.sum())
        quad = span_quad(
            (min(s0, p0), max(s1, p1), min(t0, q0), max(t1, q1)), axis, across, vertical
        )
        whole[-1] = Line(quad, round(score, 4))
    return whole


def in_reading_order(lines: Sequence[Line], vertical: bool) -> list[Line]:
    """Columns from the right, rows from the top; pieces of one line along it."""
    longest = max(lines, key=lambda line: along_extent(line, vertical))
    axis, across = longest.frame(vertical)
    rest = sorted(lines, key=lambda line: float(line.center @ across))
    ordered: list[Line] = []
    while rest:
        head = rest[0]
        reach = 0.5 * across_extent(head, vertical)
        row = [line for line in rest if (line.center - head.center) @ across <= reach]
        ordered += sorted(row, key=lambda line: float(line.center @ axis))
        rest = [line for line in rest if all(line is not other for other in row)]
    return ordered
