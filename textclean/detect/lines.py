"""A line of text and its geometry: the piece between a network's output and a block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Polygon

# A rectangle less elongated than this says nothing about its reading direction: one glyph.
_SQUARE = 1.3


@dataclass(frozen=True, eq=False)
class Line:
    """One line (or column) of text.

    Attributes:
        polygon: ``(4, 2)`` float32 rectangle, clockwise from the top left corner.
        score: Confidence of the detection, 0 to 1.
    """

    polygon: Polygon
    score: float = 1.0

    @cached_property
    def center(self) -> NDArray[np.float64]:
        """``(2,)`` x, y."""
        center: NDArray[np.float64] = np.asarray(self.polygon, np.float64).mean(axis=0)
        return center

    @cached_property
    def _sides(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The mean vectors of the top edge (to the right) and of the left edge (downwards)."""
        points: NDArray[np.float64] = np.asarray(self.polygon, np.float64)
        tl, tr, br, bl = points[0], points[1], points[2], points[3]
        return ((tr - tl) + (br - bl)) / 2, ((bl - tl) + (br - tr)) / 2

    @cached_property
    def width(self) -> float:
        """Extent along the top edge, in pixels."""
        return max(float(np.hypot(*self._sides[0])), 1e-3)

    @cached_property
    def height(self) -> float:
        """Extent along the left edge, in pixels."""
        return max(float(np.hypot(*self._sides[1])), 1e-3)

    @cached_property
    def thickness(self) -> float:
        """The shorter side, in pixels: about 1.25 times the glyphs' body."""
        return min(self.width, self.height)

    @cached_property
    def length(self) -> float:
        """The longer side, in pixels."""
        return max(self.width, self.height)

    @cached_property
    def shape(self) -> Literal["horizontal", "vertical", "square"]:
        """Which way it runs, or "square" when its rectangle does not say."""
        if self.width >= _SQUARE * self.height:
            return "horizontal"
        return "vertical" if self.height >= _SQUARE * self.width else "square"

    @cached_property
    def tilt(self) -> float:
        """Angle of the top edge against the horizontal, in degrees, -90 to 90."""
        dx, dy = self._sides[0]
        return math.degrees(math.atan2(dy, dx))

    def frame(self, vertical: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Unit vectors along the reading direction and across it (to the next line).

        For horizontal text: to the right, and down. For vertical text: down, and to the left.
        """
        right = self._sides[0] / self.width
        down = np.array([-right[1], right[0]])
        return (down, -right) if vertical else (right, down)

    def spans(
        self, axis: NDArray[np.float64], across: NDArray[np.float64]
    ) -> tuple[float, float, float, float]:
        """Its extent along two unit vectors: ``(start, end, near, far)``."""
        points = np.asarray(self.polygon, np.float64)
        along, over = points @ axis, points @ across
        return float(along.min()), float(along.max()), float(over.min()), float(over.max())


def across_extent(line: Line, vertical: bool) -> float:
    """Thickness of a line that is read in the given direction."""
    return line.width if vertical else line.height


def along_extent(line: Line, vertical: bool) -> float:
    """Length of a line that is read in the given direction."""
    return line.height if vertical else line.width


def rectangle(points: NDArray[np.floating] | NDArray[np.integer]) -> Polygon:
    """The smallest rectangle around ``(N, 2)`` points as ``(4, 2)``, clockwise from top left."""
    hull = np.asarray(points, np.float32).reshape(-1, 1, 2)
    return corners(*cv2.minAreaRect(hull))


def corners(center: Sequence[float], size: Sequence[float], angle: float) -> Polygon:
    """Corners of a rotated rectangle, clockwise from the top left one.

    Args:
        center: x, y.
        size: Extent along the direction at ``angle`` and across it.
        angle: Degrees, clockwise from the x axis.

    Returns:
        ``(4, 2)`` float32. The edge from the first to the second corner is the one nearest to the
        horizontal, pointing right, so that an upright crop is never on its side or its head.
    """
    width, height = float(size[0]), float(size[1])
    quarter_turns = round(angle / 90.0)
    angle -= 90.0 * quarter_turns
    if quarter_turns % 2:
        width, height = height, width
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    right = np.array([cosine, sine]) * width / 2
    down = np.array([-sine, cosine]) * height / 2
    middle = np.asarray(center, np.float64)
    return np.array(
        [
            middle - right - down,
            middle + right - down,
            middle + right + down,
            middle - right + down,
        ],
        np.float32,
    )


def span_quad(
    spans: tuple[float, float, float, float],
    axis: NDArray[np.float64],
    across: NDArray[np.float64],
    vertical: bool,
) -> Polygon:
    """Corners clockwise from the top left, from what :meth:`Line.spans` gives."""
    start, end, near, far = spans
    if vertical:  # axis points down, across to the left
        order = [(start, far), (start, near), (end, near), (end, far)]
    else:
        order = [(start, near), (end, near), (end, far), (start, far)]
    return np.array([s * axis + t * across for s, t in order], np.float32)


def clipped(quad: Polygon, width: int, height: int) -> Polygon:
    """Points moved onto a page."""
    limit = np.array([width - 1, height - 1], np.float32)
    return np.clip(quad, 0, limit).astype(np.float32)


def box_line(x0: float, y0: float, x1: float, y1: float, score: float = 1.0) -> Line:
    """A line from an upright box."""
    return Line(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32), score)
