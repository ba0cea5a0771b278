"""A block's lines, each turned so that it runs straight, with its ink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Direction, Mask, Polygon

_MARGIN: Final = 0.2  # of a line's height that glyphs may reach beyond its outline
_LONG: Final = 1.6  # length in heights from which on a line shows where it runs
_STEEPEST: Final = 40.0  # degrees; what runs steeper is not a line of that direction


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line or column.

    Attributes:
        ink: ``(h, w)`` bool, its strokes, turned so that it runs to the right or down.
        rotation: By how many degrees it is turned on the page, clockwise.
        start: Where its ink begins, in pixels along its direction.
        end: Where it ends.
        across: Where its middle lies, in pixels across its direction.
    """

    ink: Mask
    rotation: float
    start: float
    end: float
    across: float


def lines_of(ink: Mask, outlines: Sequence[Polygon], direction: Direction) -> list[Line]:
    """The lines that have ink, in the order of their outlines.

    Args:
        ink: ``(h, w)`` bool, the strokes of the block.
        outlines: Outline of each line, in pixels of ``ink``.
        direction: Whether they are lines or columns.
    """
    turn = _rotation(outlines, direction)
    height, width = ink.shape
    middle = (width / 2, height / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn, 1.0)
    straight = ink
    if abs(turn) >= 0.5:
        turned = cv2.warpAffine(ink.view(np.uint8) * 255, matrix, (width, height))
        straight = turned >= 128
    if abs(turn) >= 0.5:
        outlines = [outline @ matrix[:, :2].T + matrix[:, 2] for outline in outlines]
    limits = _limits(outlines, direction)
    lines = [
        _line(straight, outline, direction, turn, limit)
        for outline, limit in zip(outlines, limits, strict=True)
    ]
    return [line for line in lines if line is not None]


def _limits(outlines: Sequence[Polygon], direction: Direction) -> list[tuple[float, float]]:
    """How far each line may reach across: half the way to the middles of those beside it."""
    axis = 1 if direction == "horizontal" else 0
    low = np.array([outline.min(axis=0) for outline in outlines], np.float32).reshape(-1, 2)
    high = np.array([outline.max(axis=0) for outline in outlines], np.float32).reshape(-1, 2)
    middle = (low[:, axis] + high[:, axis]) / 2
    found = []
    for index in range(len(outlines)):
        along = 1 - axis
        beside = (low[:, along] < high[index, along]) & (high[:, along] > low[index, along])
        before = middle[beside & (middle < middle[index] - 1)]
        behind = middle[beside & (middle > middle[index] + 1)]
        own = float(middle[index])
        found.append(
            (
                (own + float(before.max())) / 2 if len(before) else -np.inf,
                (own + float(behind.min())) / 2 if len(behind) else np.inf,
            )
        )
    return found


def _rotation(outlines: Sequence[Polygon], direction: Direction) -> float:
    """Degrees, clockwise, by which most of the length runs off; 0 when nothing is long enough."""
    angles, lengths = [], []
    for outline in outlines:
        corners = cv2.boxPoints(cv2.minAreaRect(outline.astype(np.float32)))
        sides = corners[1:3] - corners[:2]
        long, short = sorted(sides, key=lambda side: -float(np.hypot(*side)))
        length = float(np.hypot(*long))
        if length < _LONG * max(float(np.hypot(*short)), 1.0):
            continue
        angle = float(np.degrees(np.arctan2(long[1], long[0])))
        if direction == "vertical":
            angle -= 90.0
        angle = (angle + 90.0) % 180.0 - 90.0
        if abs(angle) <= _STEEPEST:
            angles.append(angle)
            lengths.append(length)
    if not angles:
        return 0.0
    order = np.argsort(angles)
    share = np.cumsum(np.array(lengths)[order])
    return float(np.array(angles)[order][np.searchsorted(share, share[-1] / 2)])


def _line(
    ink: Mask,
    outline: Polygon,
    direction: Direction,
    turn: float,
    limit: tuple[float, float],
) -> Line | None:
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    margin = _MARGIN * float(min(x1 - x0, y1 - y0))
    box = [x0 - margin, y0 - margin, x1 + margin, y1 + margin]
    axis = 1 if direction == "horizontal" else 0
    box[axis], box[axis + 2] = max(box[axis], limit[0]), min(box[axis + 2], limit[1])
    left, top = max(round(box[0]), 0), max(round(box[1]), 0)
    right, bottom = round(box[2]) + 1, round(box[3]) + 1
    part = _own(ink[top:bottom, left:right], direction)
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if not len(rows):
        return None
    along, over = (columns + left, rows + top)
    if direction == "vertical":
        along, over = over, along
    return Line(
        part,
        turn,
        start=float(along[0]),
        end=float(along[-1]) + 1.0,
        across=(float(over[0]) + float(over[-1]) + 1.0) / 2,
    )


def _own(part: Mask, direction: Direction) -> Mask:
    """Without what belongs to the neighbouring lines: marks whose middle lies in the margin."""
    count, labels, stats, centers = cv2.connectedComponentsWithStats(part.view(np.uint8))
    if count < 2:
        return part
    axis = 1 if direction == "horizontal" else 0
    size = part.shape[0] if direction == "horizontal" else part.shape[1]
    edge = _MARGIN / (1 + 2 * _MARGIN) * size
    inside = (centers[:, axis] >= edge) & (centers[:, axis] <= size - edge)
    first = stats[:, cv2.CC_STAT_TOP if axis == 1 else cv2.CC_STAT_LEFT]
    length = stats[:, cv2.CC_STAT_HEIGHT if axis == 1 else cv2.CC_STAT_WIDTH]
    inside &= (first > 0) & (first + length < size) | (length > 0.6 * size)
    inside[0] = False
    return np.asarray(inside[labels], bool) if inside.any() else part
