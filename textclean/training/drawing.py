"""A drawn page, and the few strokes and noises that every kind of training page is drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask

T = TypeVar("T")

NOTHING, LETTERING, PEN, HIGHLIGHTER, STAMP, PRINT = range(6)
"""The values of :attr:`DrawnPage.labels`."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPage:
    """A page, or a piece of one, drawn by this package, and the truth about it.

    Attributes:
        clean: ``(H, W, 3)`` uint8 RGB, without what is to be removed.
        shown: ``(H, W, 3)`` uint8 RGB, with it.
        labels: ``(H, W)`` uint8: 0 nothing, 1 lettering with its outline or glow, 2 handwriting
            and pen, 3 highlighter, 4 stamp, 5 printed body text (part of ``clean``).
        bubble: ``(H, W)`` bool, inside a speech bubble or caption box.
        family: Which generator drew it.
    """

    clean: Image
    shown: Image
    labels: NDArray[np.uint8]
    bubble: Mask
    family: str = ""

    def changed(self, tolerance: int = 6) -> Mask:
        """``(H, W)`` bool, where any channel of the two looks differs by more than a tolerance."""
        return np.asarray(cv2.absdiff(self.clean, self.shown).max(axis=2) > tolerance, bool)

    def crop(self, box: tuple[int, int, int, int]) -> DrawnPage:
        """A copy of the part within ``x0, y0, x1, y1``."""
        x0, y0, x1, y1 = box
        cut = (slice(y0, y1), slice(x0, x1))
        return DrawnPage(
            self.clean[cut].copy(),
            self.shown[cut].copy(),
            self.labels[cut].copy(),
            self.bubble[cut].copy(),
            self.family,
        )


def as_rgb(grey: NDArray[np.uint8]) -> Image:
    """``(H, W)`` grey as ``(H, W, 3)``."""
    return np.asarray(cv2.merge([grey, grey, grey]), np.uint8)


def u8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Rounded to whole grey levels and kept within 0 to 255."""
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def f32(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32, without a copy where they are."""
    return np.asarray(values, np.float32)


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A plain float from the interval."""
    return float(rng.uniform(low, high))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A float whose logarithm is uniform: as many between 3 and 6 as between 6 and 12."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] = ()) -> T:
    """One of the options, evenly or by weight; the options are never made into an array."""
    if not weights:
        return options[int(rng.integers(len(options)))]
    share = np.cumsum(np.asarray(weights, dtype=np.float64))
    return options[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]


def field(
    rng: np.random.Generator, size: tuple[int, int], grain: float, octaves: int = 1
) -> NDArray[np.float32]:
    """Smooth random noise, ``(H, W)`` float32 of mean 0 and deviation about 1.

    Args:
        rng: Where the randomness comes from.
        size: Height and width.
        grain: Distance in pixels over which the coarsest octave changes.
        octaves: Number of octaves; each has half the grain and half the weight of the last.
    """
    total = np.zeros(size, np.float32)
    weight, power = 1.0, 0.0
    for _ in range(octaves):
        shape = [max(3, round(side / max(grain, 1.0)) + 2) for side in size]
        coarse = rng.standard_normal(shape, dtype=np.float32)
        total += weight * cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
        power += weight**2
        weight, grain = weight / 2, grain / 2
    # Cubic interpolation of white noise keeps about two thirds of its variance.
    return total / np.float32(np.sqrt(power * 0.66))


def spline(
    points: NDArray[np.float32], step: float = 3.0, *, closed: bool = False
) -> NDArray[np.float32]:
    """A Catmull-Rom curve through ``(N, 2)`` points, about every ``step`` pixels, ``(M, 2)``."""
    ring = np.asarray(points, np.float32)
    if closed:
        ring = np.concatenate([ring[-1:], ring, ring[:2]])
    else:
        ring = np.concatenate([2 * ring[:1] - ring[1:2], ring, 2 * ring[-1:] - ring[-2:-1]])
    pieces = []
    for p0, p1, p2, p3 in zip(ring[:-3], ring[1:-2], ring[2:-1], ring[3:], strict=True):
        count = max(2, int(np.hypot(*(p2 - p1)) / step))
        t = np.linspace(0, 1, count, endpoint=False, dtype=np.float32)[:, None]
        pieces.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    if not closed:
        pieces.append(ring[-2:-1])
    return np.concatenate(pieces).astype(np.float32)


def ribbon(path: NDArray[np.float32], width: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """The outline of a stroke: ``(M, 2)`` path with ``(M,)`` widths in pixels -> ``(2 M, 2)``."""
    along = np.gradient(path, axis=0)
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-3)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / length[:, None]
    half = normal * (np.broadcast_to(np.asarray(width, np.float32), (len(path),)) / 2)[:, None]
    return np.concatenate([path + half, (path - half)[::-1]]).astype(np.float32)


def fill(canvas: NDArray[np.uint8], outline: NDArray[np.float32], value: int = 255) -> None:
    """Fill an ``(N, 2)`` polygon on an ``(H, W)`` canvas, in place, antialiased, to 1/16 pixel."""
    fixed = np.rint(np.clip(outline, -8000, 8000) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], value, lineType=cv2.LINE_AA, shift=4)


def draw(
    canvas: NDArray[np.uint8],
    path: NDArray[np.float32],
    width: NDArray[np.float32] | float,
    value: int = 0,
) -> None:
    """Draw a stroke of even or changing width along a path, in place, antialiased.

    A ribbon that bends sharply crosses itself; it is filled piece by piece, so that the even-odd
    rule leaves no gaps.
    """
    if len(path) < 2:
        return
    outline = ribbon(path, width)
    count = len(path)
    fixed = np.rint(np.clip(outline, -8000, 8000) * 16).astype(np.int32)
    left, right = fixed[:count], fixed[count:][::-1]
    for i in range(0, count - 1, 6):
        j = min(i + 7, count)
        piece = np.concatenate([left[i:j], right[i:j][::-1]])
        cv2.fillPoly(canvas, [piece], value, lineType=cv2.LINE_AA, shift=4)


def blend(
    image: Image, color: NDArray[np.floating] | Sequence[int], alpha: NDArray[np.float32]
) -> Image:
    """``color`` (one, or ``(H, W, 3)``) laid over ``image`` with ``(H, W)`` alpha, 0 to 1."""
    top = np.asarray(color, np.float32)
    mixed = image + (top - image) * alpha[..., None]
    return u8(mixed)


def grown(mask: Mask, radius: float) -> Mask:
    """A mask dilated by a disk; radius in pixels, 0 leaves it as it is."""
    side = 2 * int(np.ceil(radius)) + 1
    if side <= 1:
        return mask.copy()
    yy, xx = np.mgrid[:side, :side] - side // 2
    disk = (yy**2 + xx**2 <= (radius + 0.25) ** 2).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disk).astype(bool)
