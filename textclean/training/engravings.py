"""Engravings: pictures made of lines that swell in the shadows and bend around their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.training.drawing import chance, f32, field, log_uniform, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray


def engraving(rng: np.random.Generator, size: tuple[int, int], pitch: float) -> NDArray[np.float32]:
    """A picture of no particular thing, ``(H, W)`` float32, 0 paper to 1 ink.

    Args:
        rng: Where the randomness comes from.
        size: Height and width in pixels.
        pitch: Usual distance between lines, in pixels.
    """
    height, width = size
    grain = max(height, width) * uniform(rng, 0.15, 0.6)
    relief = field(rng, size, grain, octaves=3)
    shade = field(rng, size, grain * uniform(rng, 0.5, 1.2), octaves=4)
    darkness = np.clip(0.42 + 0.22 * shade + 0.12 * relief, 0, 1)
    if chance(rng, 0.6):
        darkness = darkness * _vignette(rng, size)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ink = np.zeros(size, np.float32)
    # Every further set of lines crosses the last, and is cut in darker parts only.
    angle, bend = uniform(rng, 0, np.pi), uniform(rng, 0.2, 1.5) * grain / pitch / 8
    for lightest in (0.04, uniform(rng, 0.4, 0.6), uniform(rng, 0.6, 0.85)):
        along = (y * np.cos(angle) - x * np.sin(angle)) / pitch + bend * relief
        swell = np.clip((darkness - lightest) * 1.2 + 0.12, 0, 1) * (darkness > lightest)
        line = 1 - 2 * np.abs(along - np.floor(along) - 0.5)  # 0 between lines, 1 on them
        # Edges as soft as a pixel is wide.
        ink = np.maximum(ink, np.clip((line - 1 + swell) * pitch / 2 + 0.5, 0, 1) * (swell > 0))
        angle += uniform(rng, 0.6, 1.4)
    return f32(ink)


def _vignette(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """A share from 0 to 1 that lets the picture fade towards an uneven border."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    edge = np.hypot(x, y) + 0.12 * field(rng, size, max(size) / 6, octaves=2)
    return f32(np.clip((uniform(rng, 0.8, 1.15) - edge) * log_uniform(rng, 2, 9), 0, 1))
