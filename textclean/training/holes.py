"""Which pixels a training sample asks for: from lettering, or of no meaning at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import (
    chance,
    draw,
    field,
    grown,
    log_uniform,
    pick,
    spline,
    uniform,
)

if TYPE_CHECKING:
    from textclean.types import Image, Mask


def grown_hole(rng: np.random.Generator, ink: Mask) -> Mask:
    """The hole that mask code would make of ink: grown by 1 to 6 pixels, mostly 2 to 4.

    By disks, as strokes are grown with care, or by squares, as they are grown in haste.
    """
    radius = uniform(rng, 1, 6) if chance(rng, 0.3) else float(pick(rng, (2, 3, 3, 4)))
    if chance(rng, 0.7):
        return grown(ink, radius)
    side = 2 * round(radius) + 1
    return cv2.dilate(ink.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def shapes(rng: np.random.Generator, size: tuple[int, int]) -> Mask:
    """Boxes, strokes and blobs that cover a tenth to a third of ``(H, W)``."""
    canvas = np.zeros(size, np.uint8)
    goal = uniform(rng, 0.06, 0.3)
    kind = pick(rng, ("boxes", "strokes", "blobs"), (0.3, 0.5, 0.2))
    if kind == "blobs":
        noise = field(rng, size, uniform(rng, 12, 70), octaves=2)
        return noise > np.quantile(noise, 1 - goal)
    for _ in range(60):
        if cv2.countNonZero(canvas) > goal * canvas.size:
            break
        if kind == "boxes":
            height, width = (int(log_uniform(rng, 6, 0.4 * side)) for side in size)
            x, y = int(rng.integers(-8, size[1])), int(rng.integers(-8, size[0]))
            cv2.rectangle(canvas, (x, y), (x + width, y + height), 255, cv2.FILLED)
        else:
            start = rng.uniform(0, 1, 2) * size[::-1]
            steps = rng.normal(0, uniform(rng, 8, 60), (int(rng.integers(2, 7)), 2))
            path = spline((start + np.cumsum(steps, axis=0)).astype(np.float32))
            draw(canvas, path, log_uniform(rng, 4, 22), 255)
    return canvas > 127


def dull_share(clean: Image, hole: Mask, tolerance: int = 10) -> float:
    """How much of a hole lies on one even colour, which a flat fill solves; 0 to 1.

    A pixel is dull when nothing within 7 pixels of it differs by more than the tolerance.
    """
    kernel = np.ones((15, 15), np.uint8)
    reach = cv2.dilate(clean, kernel).astype(np.int16) - cv2.erode(clean, kernel)
    dull = reach.max(axis=2) <= tolerance
    count = int(hole.sum())
    return float((dull & hole).sum() / count) if count else 1.0
