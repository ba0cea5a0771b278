"""What a block of lettering is written on: plain paper, closed in or open, or drawn art."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Polygon

_TOLERANCE = 28  # levels within which a pixel is the paper: scans are noisy, JPEGs ring
_PLAIN = 0.6  # share of the surroundings that must be paper
_CONTRAST = 48  # levels by which lettering stands out at least


@dataclass(frozen=True, eq=False)
class Paper:
    """The surroundings of a block.

    Attributes:
        box: Crop of the page that the arrays cover.
        page_size: Width and height of the page.
        core: ``(h, w)`` bool, inside the block's lines.
        distance: ``(h, w)`` uint8, largest difference of a channel from the paper's colour.
        contrast: Difference of the lettering from the paper, 0 to 255.
        plain: Whether most of the surroundings are of the paper's colour.
    """

    box: Box
    page_size: tuple[int, int]
    core: Mask
    distance: NDArray[np.uint8]
    contrast: float
    plain: bool

    @cached_property
    def sheet(self) -> Mask:
        """``(h, w)`` bool, the connected paper around the lettering, lettering not included."""
        paper = (self.distance <= _TOLERANCE).astype(np.uint8)
        count, labels = cv2.connectedComponents(paper, connectivity=4)
        hits = np.bincount(labels[self.core | _rim(self.core, 3)], minlength=count)
        hits[0] = 0
        kept = hits >= max(0.1 * hits.sum(), 1)
        sheet: Mask = kept[labels]
        return sheet

    @cached_property
    def interior(self) -> Mask:
        """``(h, w)`` bool, the sheet with everything it encloses."""
        open_side = np.pad(~self.sheet, 1, constant_values=True).astype(np.uint8)
        _, labels = cv2.connectedComponents(open_side, connectivity=4)
        enclosed: Mask = labels[1:-1, 1:-1] != labels[0, 0]
        return enclosed

    @cached_property
    def openness(self) -> float:
        """Share of the crop's rim that the interior reaches; edges of the page do not count."""
        x0, y0, x1, y1 = self.box
        inner = self.interior
        sides = [
            (x0 > 0, inner[:, 0]),
            (y0 > 0, inner[0]),
            (x1 < self.page_size[0], inner[:, -1]),
            (y1 < self.page_size[1], inner[-1]),
        ]
        rims = [rim for inside_page, rim in sides if inside_page]
        return float(np.concatenate(rims).mean()) if rims else 0.0


def paper_around(image: Image, polygons: Sequence[Polygon], thickness: float) -> Paper:
    """Look at what surrounds a block.

    Args:
        image: ``(H, W, 3)`` uint8 page.
        polygons: The block's lines.
        thickness: Their typical thickness in pixels.
    """
    box = _crop(image, polygons, thickness)
    x0, y0, x1, y1 = box
    crop = image[y0:y1, x0:x1]
    core = np.zeros(crop.shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(core, [np.rint(polygon - (x0, y0)).astype(np.int32)], 1)
    inside = core.astype(bool)
    band = _rim(inside, max(3, round(0.35 * thickness)))
    color = _mode(crop[band] if band.any() else crop.reshape(-1, 3))
    distance = _distance(crop, color)
    samples = distance[band] if band.any() else distance
    written = distance[inside] if inside.any() else distance
    contrast = float(np.quantile(written, 0.95))
    share = min(float((samples <= _TOLERANCE).mean()), 2 * float((written <= _TOLERANCE).mean()))
    plain = share >= _PLAIN and contrast >= _CONTRAST
    return Paper(box, (image.shape[1], image.shape[0]), inside, distance, contrast, plain)


def _crop(image: Image, polygons: Sequence[Polygon], thickness: float) -> Box:
    points = np.concatenate([np.asarray(polygon) for polygon in polygons])
    low, high = points.min(axis=0), points.max(axis=0)
    # Wide enough for a long dash after a column, and to see whether a bubble closes.
    margin = max(4.0 * thickness, 0.5 * float((high - low).max()))
    height, width = image.shape[:2]
    x0, y0 = np.maximum(np.floor(low - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(high + margin) + 1, (width, height)).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _rim(mask: Mask, width: int) -> Mask:
    """Pixels outside a mask and at most ``width`` away from it."""
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    grown = np.asarray(cv2.dilate(mask.astype(np.uint8), kernel)).astype(bool)
    rim: Mask = grown & ~mask
    return rim


def _distance(crop: Image, color: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest difference of a channel from a colour, ``(h, w)`` uint8."""
    red, green, blue = (
        cv2.absdiff(np.ascontiguousarray(crop[..., i]), np.array(color[i], np.float64))
        for i in range(3)
    )
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _mode(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The most frequent colour of ``(n, 3)`` pixels: the median of the fullest 16-level cell."""
    cells = (pixels >> 4).astype(np.int64) @ np.array([256, 16, 1])
    fullest = int(np.bincount(cells, minlength=4096).argmax())
    color: NDArray[np.uint8] = np.median(pixels[cells == fullest], axis=0).astype(np.uint8)
    return color
