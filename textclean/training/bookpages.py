"""Old books under the camera: yellowed, spotted sheets, and what lies beyond a page's edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import chance, f32, field, log_uniform, pick, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask


def aged_sheet(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """A yellowed sheet, ``(H, W, 3)`` float32, 0 to 255: fibres, clouds, foxing, uneven light."""
    age = uniform(rng, 0.15, 1)
    tint = np.array([253, 249, 238], np.float32) - np.array([22, 38, 82], np.float32) * age
    tint += rng.normal(0, 5, 3).astype(np.float32)
    light = field(rng, size, max(size) * 0.7) * uniform(rng, 0, 7)
    light += field(rng, size, log_uniform(rng, 1.2, 4), octaves=2) * uniform(rng, 1, 5)
    light += field(rng, size, log_uniform(rng, 10, 60), octaves=3) * uniform(rng, 0, 4)
    yellow = field(rng, size, log_uniform(rng, 20, 120), octaves=2) * uniform(rng, 0, 6)
    sheet = np.empty((*size, 3), np.float32)
    for channel, share in enumerate((0.0, 0.4, 1.0)):
        sheet[..., channel] = tint[channel] + light - share * np.abs(yellow)
    if chance(rng, 0.5):
        _spot(rng, sheet)
    return np.clip(sheet, 0, 255)


def _spot(rng: np.random.Generator, sheet: NDArray[np.float32]) -> None:
    """Brown spots and specks, darkest in the middle, in place."""
    height, width = sheet.shape[:2]
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(int(log_uniform(rng, 1, 25))):
        centre = int(rng.integers(width)), int(rng.integers(height))
        radius = log_uniform(rng, 0.7, 18)
        cv2.circle(canvas, centre, max(1, round(radius)), int(rng.integers(60, 220)), cv2.FILLED)
    soft = cv2.GaussianBlur(canvas, (0, 0), log_uniform(rng, 0.8, 9)).astype(np.float32) / 255
    sheet -= soft[..., None] * np.array([90, 125, 150], np.float32) * uniform(rng, 0.4, 1)


def cut_edge(
    rng: np.random.Generator, page: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Mask]:
    """A page, ``(H, W, 3)`` float32, that ends within the window.

    Beyond its edge are the leaves beneath it, seen from the side, a shadow, the scanner's black or
    a grey table.

    Returns:
        The picture, and ``(H, W)`` bool, what lies beyond the edge.
    """
    turns = int(rng.integers(4))
    upright = np.rot90(page, turns)
    height, width = upright.shape[:2]
    row = np.arange(height, dtype=np.float32)[:, None]
    column = np.arange(width, dtype=np.float32)[None, :]
    line = width * uniform(rng, 0.6, 0.97) + row * rng.normal(0, 0.02)
    line = line + field(rng, (height, 1), max(height / 2, 4.0)) * uniform(rng, 0, 3)
    beyond = f32(column - line)
    leaves = uniform(rng, 0, 0.2) * width if chance(rng, 0.7) else 0.0
    ground = _ground(rng, (height, width), upright)
    out = np.where(beyond[..., None] > leaves, ground, _leaves(rng, upright, beyond))
    shade = np.exp(-np.abs(beyond) / uniform(rng, 2, 25)) * uniform(rng, 0, 0.45)
    out = np.where(beyond[..., None] > 0, out, upright) * (1 - shade[..., None])
    back = -turns
    return (
        np.ascontiguousarray(np.rot90(np.clip(out, 0, 255), back)).astype(np.float32),
        np.ascontiguousarray(np.rot90(beyond > 0, back)),
    )


def _ground(
    rng: np.random.Generator, size: tuple[int, int], page: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What the book lies on, ``(H, W, 3)``."""
    kind = pick(rng, ("black", "grey", "page"), (0.65, 0.2, 0.15))
    if kind == "page":  # the other page, without its print
        level = np.quantile(page[::8, ::8], 0.8, axis=(0, 1))
    else:
        level = np.full(3, uniform(rng, 0, 25) if kind == "black" else uniform(rng, 60, 230))
    noise = field(rng, size, 3, octaves=2)[..., None] * uniform(rng, 0, 5)
    return f32(level + noise)


def _leaves(
    rng: np.random.Generator, page: NDArray[np.float32], beyond: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The edges of the leaves beneath: fine lines along the page's edge, with coloured specks."""
    height, width = beyond.shape
    tint = np.quantile(page[::8, ::8], 0.7, axis=(0, 1)) * uniform(rng, 0.55, 0.95)
    table = rng.normal(0, 1, 4 * width + 8).astype(np.float32)
    place = np.clip(beyond * uniform(rng, 0.4, 1.0), 0, 2 * width).astype(np.int32)
    lines = table[place] * uniform(rng, 4, 22)
    grain = field(rng, (height, width), 3) * uniform(rng, 1, 8)
    out = f32(tint + (lines + grain)[..., None])
    if chance(rng, 0.4):  # edges were sprinkled with colour
        specks = np.clip(field(rng, (height, width), 4) - 1.2, 0, 1)[..., None]
        out -= specks * np.array([10, 90, 90], np.float32)
    return out
