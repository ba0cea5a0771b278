"""Speech bubbles and caption boxes: their outlines, and bubbles laid over art."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.training.drawing import blend, chance, draw, f32, fill, log_uniform, pick, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask


def bubble_outline(
    rng: np.random.Generator, size: tuple[int, int], scale: float = 1.0
) -> NDArray[np.float32]:
    """A closed curve ``(N, 2)`` somewhere on a canvas of ``size`` = height and width.

    Bubbles are 60 to 300 pixels across, times ``scale``: ellipses, boxes, clouds and bursts,
    about half of them with a tail.
    """
    centre = rng.uniform(0.05, 0.95, 2) * size[::-1]
    radius = np.array([log_uniform(rng, 30, 150), log_uniform(rng, 30, 150)]) * scale
    kind = pick(rng, ("round", "box", "cloud", "burst"), (0.55, 0.2, 0.12, 0.13))
    if kind == "box":
        return f32(centre + radius * np.array([[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]]))
    count = 2 * int(rng.integers(9, 24)) if kind == "burst" else 96
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    if kind == "cloud":
        ring *= (1 + 0.08 * np.abs(np.sin(turns * rng.integers(4, 9) / 2)))[:, None]
    elif kind == "burst":
        spikes = rng.normal(1.0, 0.08, count) * np.where(np.arange(count) % 2, 1.0, 0.78)
        ring *= spikes[:, None]
    else:  # between an ellipse and a rounded box
        ring = np.sign(ring) * np.abs(ring) ** uniform(rng, 0.7, 1.0)
    if kind != "burst" and chance(rng, 0.5):
        root = int(rng.integers(count))
        ring[root] *= uniform(rng, 1.3, 2.2)
    return f32(centre + ring * radius)


def with_bubbles(rng: np.random.Generator, image: Image, *, color: bool) -> tuple[Image, Mask]:
    """An ``(H, W, 3)`` picture with one or two bubbles on it, and their inside."""
    size = (image.shape[0], image.shape[1])
    inside = np.zeros(size, np.uint8)
    dark = chance(rng, 0.12)
    ground = np.array([0.0 if dark else 255.0] * 3)
    if color and chance(rng, 0.3):
        ground = rng.uniform(0, 90, 3) if dark else rng.uniform(190, 255, 3)
    opacity = uniform(rng, 0.6, 0.95) if chance(rng, 0.12) else 1.0
    edge = 255.0 - ground
    width = uniform(rng, 1.0, 4.0) if chance(rng, 0.8) else 0.0
    for _ in range(int(rng.integers(1, 3))):
        outline = bubble_outline(rng, size)
        area, border = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        fill(area, outline)
        image = blend(image, ground, f32(area / 255 * opacity))
        if width:
            draw(border, closed(outline), width, 255)
            image = blend(image, edge, f32(border / 255))
        inside = np.maximum(inside, area)
    return image, inside > 127


def closed(outline: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outline with points every few pixels, ending where it began."""
    ring = np.concatenate([outline, outline[:1]])
    counts = np.ceil(np.hypot(*np.diff(ring, axis=0).T) / 8).astype(int)
    pieces = [
        np.linspace(ring[i], ring[i + 1], max(1, count), endpoint=False)
        for i, count in enumerate(counts)
    ]
    return f32(np.concatenate([*pieces, ring[-1:]]))
