"""How two lines lie to each other, and whether they are of one block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.lines import Line, across_extent, along_extent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

LEADING = 0.75  # widest gap between neighbouring lines, in line thicknesses
WORD_GAP = 0.9  # widest gap between pieces of one line, in line thicknesses
RUBY = 0.65  # furigana are at most this thick, against the line they explain
_RUBY_GAP = 0.35  # and this close to it
_ROW_RUBY_GAP = 0.15  # above a row; a line of small print above a heading stands farther off
_SIMILAR = 1.9  # lines of one block differ less in thickness than by this factor
_TURN = 12.0  # degrees that lines of one block may be turned against each other
_BORDER = 64  # grey levels by which a border differs from the paper
_CROSSED = 0.8  # share of the gap's length along which it must do so
_PAPER = 60  # levels by which the papers of two blocks differ
_PLAIN, _LIKE = 0.55, 24  # share of a line's rim that is within so many levels of its colour: plain


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """What lies between two lines of a block.

    Attributes:
        axis: Unit vector along which they are read.
        across: Unit vector from one line to the next.
        overlap: Interval along ``axis`` that both share.
        gap: Interval along ``across`` between them; empty when they touch.

    For the pieces of one line ``axis`` and ``across`` change places: the gap lies along the line.
    """

    axis: NDArray[np.float64]
    across: NDArray[np.float64]
    overlap: tuple[float, float]
    gap: tuple[float, float]


def related(a: Line, b: Line) -> Relation | None:
    """How two lines of one block lie to each other, or None when they are not of one block."""
    first, second = (a, b) if a.length >= b.length else (b, a)
    for vertical in _directions(first, second):
        relation = _relation(first, second, vertical)
        if relation is not None:
            return relation
    return None


def _directions(first: Line, second: Line) -> tuple[bool, ...]:
    """Reading directions that suit two lines; ``first`` is the longer one."""
    if first.shape == "square":
        return (True, False)
    vertical = first.shape == "vertical"
    turned = abs((first.tilt - second.tilt + 90) % 180 - 90)
    if second.shape not in (first.shape, "square"):
        # Two marks side by side at the end of a column are wider than high, and belong to it.
        return (vertical,) if second.length <= 1.6 * first.thickness else ()
    if second.length > 2.5 * second.thickness and turned > _TURN:
        return ()
    return (vertical,)


def _relation(first: Line, second: Line, vertical: bool) -> Relation | None:
    axis, across = first.frame(vertical)
    s0, s1, t0, t1 = first.spans(axis, across)
    p0, p1, q0, q1 = second.spans(axis, across)
    thick, thin = max(t1 - t0, q1 - q0), min(t1 - t0, q1 - q0)
    shared = (max(s0, p0), min(s1, p1))
    between = (min(t1, q1), max(t0, q0))
    overlap, gap = shared[1] - shared[0], max(between[1] - between[0], 0.0)
    aside = abs((t0 + t1) / 2 - (q0 + q1) / 2)
    if aside <= 0.4 * thick and thick <= _SIMILAR * thin:
        if -overlap <= WORD_GAP * thin:
            apart = (shared[1], max(shared))
            return Relation(across, axis, between[::-1], apart)
        return None
    stacked = Relation(axis, across, shared, between)
    if overlap <= 0:
        return None
    if thick > _SIMILAR * thin:
        return stacked if _is_ruby(first, second, vertical, gap, overlap) else None
    if gap > LEADING * thin:
        return None
    return stacked if _aligned((s0, s1), (p0, p1), overlap, thin, vertical) else None


def _aligned(
    a: tuple[float, float], b: tuple[float, float], overlap: float, size: float, vertical: bool
) -> bool:
    """Whether two neighbouring lines start, end or are centred together."""
    shorter = min(a[1] - a[0], b[1] - b[0])
    if overlap < 0.5 * shorter:
        return False
    starts, ends = abs(a[0] - b[0]), abs(a[1] - b[1])
    if min(starts, ends) <= (1.5 if vertical else 1.0) * size:
        return True
    middles = abs(a[0] + a[1] - b[0] - b[1]) / 2
    return middles <= 0.3 * max(a[1] - a[0], b[1] - b[0])


def _is_ruby(first: Line, second: Line, vertical: bool, gap: float, overlap: float) -> bool:
    """Whether the thinner line is furigana of the thicker one: close, beside, on the right side."""
    pair = sorted((first, second), key=lambda line: across_extent(line, vertical))
    ruby, base = pair
    size = across_extent(base, vertical)
    widest = (_RUBY_GAP if vertical else _ROW_RUBY_GAP) * size
    if across_extent(ruby, vertical) > RUBY * size or gap > widest:
        return False
    if overlap < 0.6 * along_extent(ruby, vertical):
        return False
    _, across = base.frame(vertical)
    return float((ruby.center - base.center) @ across) < 0  # right of a column, above a row


def separated(relation: Relation, image: Image) -> bool:
    """Whether a border or another paper lies between two lines."""
    low, high = relation.gap
    if high - low < 2.0:
        return False
    start, end = relation.overlap
    along = np.linspace(start, end, 26)[1:-1]
    over = np.linspace(low, high, max(int(high - low) + 1, 3))
    points = along[:, None, None] * relation.axis + over[None, :, None] * relation.across
    limit = np.array([image.shape[1] - 1, image.shape[0] - 1])
    x, y = np.moveaxis(np.clip(np.rint(points).astype(int), 0, limit), -1, 0)
    strip = image[y, x].astype(np.int16)  # (24, M, 3)
    near, far = np.median(strip[:, 0], axis=0), np.median(strip[:, -1], axis=0)
    if np.abs(near - far).max() > _PAPER:
        return True
    deviation = np.abs(strip - near).max(axis=(1, 2))
    return float((deviation > _BORDER).mean()) >= _CROSSED


def on_other_ground(a: Line, b: Line, image: Image) -> bool:
    """Whether two lines lie on papers of different colours, be they as close as they may."""
    first, second = _ground(a, image), _ground(b, image)
    if first is None or second is None:
        return False
    return float(np.abs(first - second).max()) > _PAPER


def _ground(line: Line, image: Image) -> NDArray[np.float64] | None:
    """The colour along a line's rim ``(3,)``; None where it has not one."""
    corners = line.polygon
    steps = np.linspace(0, 1, 24, endpoint=False)[:, None, None]
    points = (corners + steps * (np.roll(corners, -1, axis=0) - corners)).reshape(-1, 2)
    limit = np.array([image.shape[1] - 1, image.shape[0] - 1])
    x, y = np.clip(np.rint(points).astype(int), 0, limit).T
    colors = image[y, x].astype(np.float64)
    middle = np.asarray(np.median(colors, axis=0), np.float64)
    plain = np.abs(colors - middle).max(axis=1) <= _LIKE
    return middle if float(plain.mean()) >= _PLAIN else None
