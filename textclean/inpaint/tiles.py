"""Small square windows on a grid: where they lie, how they are cut out and put together again.

Pure NumPy and OpenCV. The windows overlap, and may hang over the edge of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The windows of one size.

    Attributes:
        size: Width and height of a window in pixels.
        corners: ``(N, 2)`` rows and columns of their top left corners on the image; negative and
            past the far edge where a window hangs over.
    """

    size: int
    corners: NDArray[np.int64]


def corners(part: Mask, size: int, step: int) -> NDArray[np.int64]:
    """``(N, 2)`` corners on a grid of ``step`` whose central halves meet the pixels of ``part``."""
    height, width = part.shape
    margin = size // 4
    summed = cv2.integral(part.astype(np.uint8))  # (H + 1, W + 1)

    def edges(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        # From the first grid line whose central half reaches the image to the last.
        first = -(size - margin - 1) // step * step
        corner = np.arange(first, length - margin, step, dtype=np.int64)
        low = np.clip(corner + margin, 0, length)
        return corner, low, np.clip(corner + size - margin, 0, length)

    rows, top, bottom = edges(height)
    columns, left, right = edges(width)
    count = (
        summed[np.ix_(bottom, right)]
        - summed[np.ix_(top, right)]
        - summed[np.ix_(bottom, left)]
        + summed[np.ix_(top, left)]
    )
    chosen = np.argwhere(count > 0)
    return np.stack([rows[chosen[:, 0]], columns[chosen[:, 1]]], axis=1)


def hann(size: int) -> NDArray[np.float32]:
    """``(size, size)`` separable Hann window without its zeros at the edge."""
    phase = (np.arange(size) + 1) / (size + 1)
    row = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    return np.outer(row, row).astype(np.float32)


def cut(planes: NDArray[Any], corner: NDArray[np.int64], size: int) -> NDArray[Any]:
    """The ``(C, size, size)`` window at ``corner``, zero outside the image."""
    window = np.zeros((len(planes), size, size), dtype=planes.dtype)
    page, part = _overlap(corner, size, planes.shape[1:])
    window[:, part[0], part[1]] = planes[:, page[0], page[1]]
    return window


def add(
    total: NDArray[np.float32],
    fill: NDArray[np.float32],
    blend: NDArray[np.float32],
    corner: NDArray[np.int64],
) -> None:
    """Add one window's fill to the sums, in place, where it lies on the image.

    Args:
        total: ``(C + 1, H, W)``: the weighted sums of the fills, and last those of the weights.
        fill: ``(C, size, size)``.
        blend: ``(size, size)`` weights.
        corner: Row and column of the window's top left corner.
    """
    page, part = _overlap(corner, len(blend), total.shape[1:])
    weight = blend[part]
    total[:-1, page[0], page[1]] += fill[:, part[0], part[1]] * weight
    total[-1, page[0], page[1]] += weight


def _overlap(
    corner: NDArray[np.int64], size: int, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a window lies on the image, and the same pixels in the window's own coordinates."""
    low = np.maximum(corner, 0)
    high = np.minimum(corner + size, shape)
    page = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
    low, high = low - corner, high - corner
    return page, (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
