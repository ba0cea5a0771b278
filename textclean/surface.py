"""Robust polynomial surfaces: what colour would the paper be here?

Pure NumPy and OpenCV. Both the masks (which pixels stand out from the background) and the flat
fill (what to paint over them) ask this question, so both ask it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

_MAX_SAMPLES = 4000
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A colour for each pixel of a crop: constant, linear or quadratic in x and y.

    Attributes:
        degree: 0, 1 or 2.
        coefficients: ``(terms, 3)`` float64, for x and y scaled to -1 ... 1 over the crop.
        shape: Height and width of the crop.
        spread: Robust standard deviation of the samples about the surface, in grey levels
            (median absolute deviation, scaled; the largest of the three channels).
        outliers: Share of the samples farther than the tolerance from the surface, 0 to 1.
    """

    degree: int
    coefficients: NDArray[np.float64]
    shape: tuple[int, int]
    spread: float
    outliers: float

    def colors(self) -> NDArray[np.float32]:
        """``(H, W, 3)`` float32 colours of the whole crop, in grey levels, not clipped."""
        height, width = self.shape
        c = self.coefficients.astype(np.float32)
        if self.degree == 0:
            return np.broadcast_to(c[0], (height, width, 3))
        y = _scaled(np.arange(height, dtype=np.float32), height)[:, None, None]
        x = _scaled(np.arange(width, dtype=np.float32), width)[None, :, None]
        rows, columns = c[0] + c[2] * y, c[1] * x
        if self.degree == 1:
            return np.asarray(rows + columns, np.float32)
        curved = (rows + c[5] * y * y) + (columns + c[3] * x * x) + (c[4] * x) * y
        return np.asarray(curved, np.float32)

    def at(self, ys: NDArray[Any], xs: NDArray[Any]) -> NDArray[np.float32]:
        """``(N, 3)`` float32 colours at some pixels."""
        if self.degree == 0:
            return np.broadcast_to(self.coefficients[0].astype(np.float32), (len(ys), 3))
        terms = _terms(xs, ys, self.shape, self.degree)
        colors: NDArray[np.float32] = (terms @ self.coefficients).astype(np.float32)
        return colors

    def distance(self, image: Image) -> NDArray[np.float32]:
        """``(H, W)`` float32: largest channel difference between image and surface."""
        if self.degree == 0:
            return channel_distance(image, self.coefficients[0])
        return strongest(np.abs(image - self.colors()))


def fit(
    image: Image, samples: Mask, degree: int, *, tolerance: float = 12.0, rounds: int = 10
) -> Surface:
    """Fit a surface to the sample pixels, by iteratively reweighted least squares.

    Weights are Tukey's biweight with the scale held to ``tolerance`` from below, so that up to
    about half of the samples may be something else (strokes, a border) without pulling the
    surface.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        samples: ``(H, W)`` bool, pixels to fit; thinned to a few thousand.
        degree: 0 (median), 1 or 2.
        tolerance: Grey levels within which a pixel is explained by the surface.
        rounds: Reweighting rounds.

    Raises:
        ValueError: There is no sample.
    """
    places = np.flatnonzero(samples)
    if not len(places):
        raise ValueError("a surface needs at least one sample")
    step = -(-len(places) // _MAX_SAMPLES)
    ys, xs = np.divmod(places[::step], samples.shape[1])
    values = image[ys, xs].astype(np.float64)
    shape = (int(image.shape[0]), int(image.shape[1]))
    center = np.median(values, axis=0)
    if degree == 0 or len(ys) < 16:
        return _surface(0, center[None], shape, values - center, tolerance)
    terms = _terms(xs, ys, shape, degree)
    coefficients = np.zeros((terms.shape[1], 3))
    coefficients[0] = center
    for _ in range(rounds):
        residual = np.abs(values - terms @ coefficients).max(axis=1)
        scale = max(tolerance, _MAD_TO_SIGMA * float(np.median(residual)))
        weight = np.clip(1.0 - (residual / (2.0 * scale)) ** 2, 0.0, None)  # sqrt of biweight
        weighted = terms * (weight**2)[:, None]
        # The ridge keeps high terms at zero where the samples lie on a line.
        ridge = 1e-4 * len(ys) * np.diag([1e-6] + [1.0] * (terms.shape[1] - 1))
        coefficients = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ values)
    return _surface(degree, coefficients, shape, values - terms @ coefficients, tolerance)


def strongest(channels: NDArray[Any]) -> NDArray[Any]:
    """``(H, W)``: the largest of the three channels at each pixel (faster than ``max(axis=2)``)."""
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    largest: NDArray[Any] = np.maximum(np.maximum(red, green), blue)
    return largest


def weakest(channels: NDArray[Any]) -> NDArray[Any]:
    """``(H, W)``: the smallest of the three channels at each pixel."""
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    smallest: NDArray[Any] = np.minimum(np.minimum(red, green), blue)
    return smallest


def channel_distance(image: Image, color: NDArray[Any]) -> NDArray[np.float32]:
    """``(H, W)`` float32: largest channel difference from one colour, rounded to whole levels."""
    whole = np.clip(np.rint(color), 0, 255)
    difference = cv2.absdiff(image, np.array([*whole, 0.0], np.float64))
    return strongest(np.asarray(difference)).astype(np.float32)


def dominant_colors(pixels: NDArray[np.uint8], count: int = 3) -> NDArray[np.float64]:
    """The most common colours of ``(N, 3)`` uint8 pixels, ``(<= count, 3)``, commonest first.

    Colours are counted in cells of 16 levels, together with the neighbouring half-shifted cells,
    and refined to the median of the pixels around each peak.
    """
    remaining = pixels = pixels[:: max(1, len(pixels) // (4 * _MAX_SAMPLES))]
    found: list[NDArray[np.float64]] = []
    while len(found) < count and len(remaining) * 20 >= max(len(pixels), 1):
        peak = _peak(remaining)
        near = _within(remaining, peak, 20)
        if not near.any():
            break
        found.append(np.median(remaining[near], axis=0))
        remaining = remaining[~_within(remaining, found[-1], 32)]
    return np.array(found).reshape(-1, 3)


def _within(
    pixels: NDArray[np.uint8], color: NDArray[np.float64], levels: float
) -> NDArray[np.bool_]:
    return strongest(np.abs(pixels - color.astype(np.float32))) <= levels


def _peak(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Centre of the fullest colour cell, over two grids shifted by half a cell."""
    best, center = -1, np.zeros(3)
    for shift in (0, 8):
        cells = ((pixels.astype(np.uint16) + shift) >> 4).astype(np.uint32)
        keys = (cells[:, 0] * 17 + cells[:, 1]) * 17 + cells[:, 2]
        counts = np.bincount(keys)
        top = int(counts.argmax())
        if counts[top] > best:
            best = int(counts[top])
            cell = np.array([top // 289, (top // 17) % 17, top % 17], dtype=np.float64)
            center = cell * 16 + 7.5 - shift
    return center


def _scaled(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Pixel numbers as -1 ... 1 over a crop of that length."""
    return values * (2.0 / max(length - 1, 1)) - 1.0


def _terms(
    xs: NDArray[Any], ys: NDArray[Any], shape: tuple[int, int], degree: int
) -> NDArray[np.float64]:
    x, y = _scaled(xs, shape[1]), _scaled(ys, shape[0])
    columns = [np.ones_like(x), x, y]
    if degree >= 2:
        columns += [x * x, x * y, y * y]
    return np.stack(columns, axis=1)


def _surface(
    degree: int,
    coefficients: NDArray[np.float64],
    shape: tuple[int, int],
    residual: NDArray[np.float64],
    tolerance: float,
) -> Surface:
    distance = np.abs(residual)
    spread = _MAD_TO_SIGMA * float(np.median(distance, axis=0).max())
    outliers = float((distance.max(axis=1) > tolerance).mean())
    return Surface(degree, coefficients, shape, spread, outliers)
