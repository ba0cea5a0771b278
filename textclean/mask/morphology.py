"""Small mask operations on boolean arrays, with round structuring elements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.distance import within
from textclean.surface import strongest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Polygon


_SMALL = 5  # up to this radius a structuring element is faster than a distance transform


@cache
def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element of ``2 * radius + 1`` pixels; radius 1 is the full 3x3."""
    if radius <= 1:
        return np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    element: NDArray[np.uint8] = (xs * xs + ys * ys <= (radius + 0.5) ** 2).astype(np.uint8)
    return element


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow by a disc."""
    if radius <= 0:
        return mask
    if radius <= _SMALL:
        return _apply(cv2.dilate, mask, disc(radius))
    grown = np.zeros_like(mask)
    window = _around(mask, radius)
    if window is not None:
        grown[window] = within(mask[window], radius)  # costs the same for any radius
    return grown


def erode(mask: Mask, radius: int) -> Mask:
    """Shrink by a disc; what lies outside the array counts as set."""
    if radius <= 0:
        return mask
    if radius <= _SMALL:
        return _apply(cv2.erode, mask, disc(radius))
    shrunk = np.zeros_like(mask)
    window = _around(mask, 1)  # with what is nearest of all that is not set
    if window is not None:
        inside = mask[window]
        shrunk[window] = inside if inside.all() else ~within(~inside, radius)
    return shrunk


def opened(mask: Mask, radius: int) -> Mask:
    """Remove what is thinner than the disc."""
    return dilate(erode(mask, radius), radius)


def closed(mask: Mask, radius: int) -> Mask:
    """Fill gaps narrower than the disc."""
    return erode(dilate(mask, radius), radius)


def ring(mask: Mask, inner: int, outer: int) -> Mask:
    """Pixels farther than ``inner`` and at most ``outer`` pixels from the mask."""
    return dilate(mask, outer) & ~dilate(mask, inner)


def rasterize(polygons: Iterable[Polygon], shape: tuple[int, int]) -> Mask:
    """The union of the polygons' pixels, edges included; parts outside the array are cut off."""
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32).reshape(-1, 1, 2)], 1)
    return canvas.astype(bool)


def line_height(polygon: Polygon) -> float:
    """Short side of the smallest rectangle around the polygon, in pixels, at least 1."""
    (_, (width, height), _) = cv2.minAreaRect(polygon.astype(np.float32))
    return max(1.0, float(min(width, height)))


def local_range(image: Image) -> NDArray[np.float32]:
    """``(H, W)`` float32: largest difference of a channel within 3x3, in grey levels."""
    element = np.ones((3, 3), np.uint8)
    high = np.asarray(cv2.dilate(image, element), np.int16)
    low = np.asarray(cv2.erode(image, element), np.int16)
    return np.asarray(strongest(high - low), np.float32)


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of a mask; measured where somebody asks.

    Attributes:
        labels: ``(H, W)`` int32, 0 = background, components from 1.
        number: Number of labels, the background's among them: n + 1.
    """

    labels: NDArray[np.int32]
    number: int

    @classmethod
    def of(cls, mask: Mask, connectivity: int = 8) -> Components:
        """Label a mask; pixels hang together over edges (4) or over corners too (8)."""
        around = _around(mask, 0) or np.s_[0:1, 0:1]
        # Only where something is; from even places on, so that the order of labels is the same.
        top, left = around[0].start & ~1, around[1].start & ~1
        part = mask[top : around[0].stop, left : around[1].stop]
        sparse = 2 * part.size < mask.size
        view = np.ascontiguousarray(part if sparse else mask).view(np.uint8)
        number, labels = cv2.connectedComponents(view, connectivity=connectivity)
        if sparse:
            whole = np.zeros(mask.shape, np.int32)
            whole[top : top + part.shape[0], left : left + part.shape[1]] = labels
            labels = whole
        return cls(np.asarray(labels, np.int32), number)

    @cached_property
    def area(self) -> NDArray[np.int64]:
        """``(n + 1,)`` pixel counts; index 0 is the background's."""
        label, _, first, end = self._runs
        area = np.bincount(label, weights=end - first, minlength=self.number).astype(np.int64)
        area[0] = self.labels.size - area.sum()
        return area

    @cached_property
    def box(self) -> NDArray[np.int32]:
        """``(n + 1, 4)`` x, y, width, height; index 0 is the whole array."""
        label, row, first, end = self._runs
        height, width = self.labels.shape
        left, right = np.full(self.number, width), np.zeros(self.number, np.intp)
        top, bottom = np.zeros(self.number, np.intp), np.zeros(self.number, np.intp)
        np.minimum.at(left, label, first)
        np.maximum.at(right, label, end)
        top[label[::-1]] = row[::-1]  # rows rise: the last that is written is the first there is
        bottom[label] = row + 1
        left[0], right[0], top[0], bottom[0] = 0, width, 0, height
        return np.stack([left, top, right - left, bottom - top], axis=1).astype(np.int32)

    @cached_property
    def _runs(self) -> tuple[NDArray[np.intp], ...]:
        """Label, row, first column and column behind of each stretch of one component in a row."""
        height, width = self.labels.shape
        begins = np.ones((height, width), bool)
        np.not_equal(self.labels[:, 1:], self.labels[:, :-1], out=begins[:, 1:])
        place = np.flatnonzero(begins)
        label = self.labels.ravel()[place]
        stretch = np.flatnonzero(label)
        end = np.append(place, height * width)[stretch + 1]  # each row begins with a stretch
        row, first = np.divmod(place[stretch], max(width, 1))
        return label[stretch].astype(np.intp), row, first, end - row * width

    @property
    def longest(self) -> NDArray[np.int32]:
        """``(n + 1,)`` longer side of each component's box."""
        longest: NDArray[np.int32] = self.box[:, 2:].max(axis=1)
        return longest

    def count(self, where: Mask) -> NDArray[np.int64]:
        """``(n + 1,)`` number of each component's pixels under ``where``."""
        return np.bincount(self.labels[where], minlength=self.number).astype(np.int64)

    def select(self, chosen: NDArray[np.bool_]) -> Mask:
        """The pixels of the chosen components; index 0 is ignored."""
        table = chosen.copy()
        table[0] = False
        if not table.any():
            return np.zeros(self.labels.shape, np.bool_)
        return np.asarray(np.take(table, self.labels))  # faster than indexing


def _around(mask: Mask, reach: int) -> tuple[slice, slice] | None:
    """The part of the array that is within a reach of what is set; None when nothing is."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    if not width:
        return None
    return (
        slice(max(top - reach, 0), top + height + reach),
        slice(max(left - reach, 0), left + width + reach),
    )


def _apply(operation: object, mask: Mask, element: NDArray[np.uint8]) -> Mask:
    result: NDArray[np.uint8] = operation(mask.view(np.uint8), element)  # type: ignore[operator]
    return result.view(bool)
