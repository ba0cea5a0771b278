"""Connected parts of the ink map, what is measured of them, and the groups they form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.detect.lines import Line, clipped, rectangle
from textclean.mask.morphology import Components, erode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Polygon, Region

SPECK = 6
"""Pixels of a piece at least; fewer are noise."""

BOXY = 0.75
"""Share of its smallest rectangle that a hull fills, from which on the rectangle is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Connected parts of a mask; arrays have one entry a piece.

    Attributes:
        parts: The labels; a piece's label is in ``label``.
        label: ``(n,)`` int.
        box: ``(n, 4)`` float64 x0, y0, x1, y1.
        area: ``(n,)`` pixels.
        mean: ``(n,)`` mean probability, 0 to 1.
        stroke: ``(n,)`` stroke width in pixels.
        color: ``(n, 3)`` mean RGB.
    """

    parts: Components
    label: NDArray[np.intp]
    box: NDArray[np.float64]
    area: NDArray[np.float64]
    mean: NDArray[np.float64]
    stroke: NDArray[np.float64]
    color: NDArray[np.float64]

    @classmethod
    def of(cls, mask: Mask, plane: NDArray[np.uint8], image: Image) -> Pieces:
        """Measure the parts of a mask; specks are left out.

        Args:
            mask: ``(H, W)`` bool.
            plane: ``(H, W)`` uint8 probabilities.
            image: ``(H, W, 3)`` uint8.
        """
        parts = Components.of(mask)
        inside = parts.labels[mask]
        area = parts.area.astype(np.float64)

        def mean(values: NDArray[np.uint8]) -> NDArray[np.float64]:
            total = np.bincount(inside, weights=values[mask], minlength=parts.number)
            averages: NDArray[np.float64] = total / np.maximum(area, 1)
            return averages

        # A bar's two long rims have its length: twice its area through their length is its width.
        rim = parts.count(mask & ~erode(mask, 1))
        stroke = 2.0 * area / np.maximum(rim, 1)
        color = np.stack([mean(image[..., channel]) for channel in range(3)], axis=1)
        box = np.concatenate([parts.box[:, :2], parts.box[:, :2] + parts.box[:, 2:]], axis=1)
        keep = np.flatnonzero(parts.area >= SPECK)
        keep = keep[keep > 0]
        return cls(
            parts,
            keep,
            box[keep].astype(np.float64),
            area[keep],
            mean(plane)[keep] / 255,
            stroke[keep],
            color[keep],
        )

    @property
    def size(self) -> NDArray[np.float64]:
        """``(n,)`` longer side of each piece's box."""
        size: NDArray[np.float64] = (self.box[:, 2:] - self.box[:, :2]).max(axis=1)
        return size

    @property
    def short(self) -> NDArray[np.float64]:
        """``(n,)`` shorter side of each piece's box."""
        short: NDArray[np.float64] = (self.box[:, 2:] - self.box[:, :2]).min(axis=1)
        return short

    def gap(self, i: int, j: int) -> float:
        """Distance between the boxes of two pieces, in pixels."""
        return float(gaps(self.box[i], self.box[j]))

    def groups(
        self, reach: NDArray[np.float64], belong: Callable[[int, int], bool]
    ) -> list[list[int]]:
        """Pieces joined where ``belong`` says so; ``reach`` (n,) bounds the gaps that it allows."""
        from shapely import STRtree, box

        if not len(self.label):
            return []
        wide = self.box + np.stack([-reach, -reach, reach, reach], axis=1)
        shapes = box(*wide.T)
        left, right = STRtree(shapes).query(shapes)
        owner = list(range(len(self.label)))
        for i, j in sorted(zip(left.tolist(), right.tolist(), strict=True)):
            if i < j and _root(owner, i) != _root(owner, j) and belong(i, j):
                a, b = sorted((_root(owner, i), _root(owner, j)))
                owner[b] = a
        members: dict[int, list[int]] = {}
        for index in range(len(owner)):
            members.setdefault(_root(owner, index), []).append(index)
        return list(members.values())

    def window(self, group: Sequence[int]) -> tuple[Box, Mask]:
        """The box around some pieces, and their pixels in it."""
        box = self.box[group].astype(int)
        x0, y0 = (int(v) for v in box[:, :2].min(axis=0))
        x1, y1 = (int(v) for v in box[:, 2:].max(axis=0))
        pixels: Mask = np.isin(self.parts.labels[y0:y1, x0:x1], self.label[group])
        return (x0, y0, x1, y1), pixels


def gaps(box: NDArray[np.number[Any]], others: NDArray[np.number[Any]]) -> NDArray[np.float64]:
    """``(...)`` distances between a box ``(4,)`` and others ``(..., 4)``, in pixels."""
    apart = np.maximum(np.maximum(box[:2] - others[..., 2:], others[..., :2] - box[2:]), 0)
    between: NDArray[np.float64] = np.hypot(apart[..., 0], apart[..., 1])
    return between


def outline(pixels: Mask, box: Box, margin: float, shape: tuple[int, ...]) -> tuple[Polygon, float]:
    """Outline around a group, grown a little, and its slant against the page in degrees.

    The smallest rectangle where the group about fills it, else the convex hull.
    """
    from shapely import Polygon as Shape

    outlines, _ = cv2.findContours(
        pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    points = np.concatenate(outlines).reshape(-1, 2) + np.array(box[:2])
    frame = Line(rectangle(points))
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)
    fills = (cv2.contourArea(hull) + 1.0) / (frame.width * frame.height + 1.0)
    base = hull if fills < BOXY and len(hull) >= 3 else frame.polygon
    grown = Shape(base).buffer(margin, join_style="mitre", mitre_limit=2.0).simplify(0.5)
    outline = np.asarray(grown.exterior.coords[:-1], np.float32)
    # What is about as high as it is wide has no direction to slant.
    elongated = frame.length >= 1.5 * frame.thickness and fills >= BOXY
    return clipped(outline, shape[1], shape[0]), abs(frame.tilt) if elongated else 0.0


def in_order(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Regions from the top, then the left."""
    return tuple(sorted(regions, key=lambda region: (region.box[1], region.box[0], region.box)))


def _root(owner: list[int], index: int) -> int:
    while owner[index] != index:
        owner[index] = owner[owner[index]]
        index = owner[index]
    return index
