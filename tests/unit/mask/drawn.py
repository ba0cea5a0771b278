"""Pages drawn for the mask tests: lettering, bubbles and art whose pixels are known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from textclean.types import Image, Mask, Polygon


def paper(
    height: int = 240, width: int = 320, color: tuple[int, int, int] = (255, 255, 255)
) -> Image:
    return np.full((height, width, 3), color, np.uint8)


def write(
    image: Image,
    text: str,
    at: tuple[int, int],
    *,
    scale: float = 1.2,
    color: tuple[int, int, int] = (0, 0, 0),
    thickness: int = 3,
) -> tuple[Mask, Polygon]:
    """Letter ``image`` in place; the pixels that changed, and a line polygon around them."""
    before = image.copy()
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)
    changed = (image != before).any(axis=2)
    ys, xs = np.nonzero(changed)
    return changed, box(xs.min() - 3, ys.min() - 3, xs.max() + 3, ys.max() + 3)


def box(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def bubble(image: Image, center: tuple[int, int], axes: tuple[int, int]) -> Mask:
    """A white ellipse with a black border; the border's pixels."""
    cv2.ellipse(image, center, axes, 0, 0, 360, (255, 255, 255), -1, cv2.LINE_AA)
    line = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(line, center, axes, 0, 0, 360, 255, 3)
    image[line > 0] = 0
    return line > 0


def dots(height: int, width: int, pitch: int = 6, radius: float = 1.8) -> Image:
    """Screentone: black dots on white."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((xs % pitch) - pitch / 2, (ys % pitch) - pitch / 2)
    grey: NDArray[np.uint8] = np.where(away <= radius, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def gradient(height: int, width: int) -> Image:
    ys, xs = np.mgrid[0:height, 0:width]
    grey = 90 + 100 * xs / width + 40 * ys / height
    return np.stack([grey, grey * 0.8, 255 - grey], axis=2).astype(np.uint8)
