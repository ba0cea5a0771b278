"""Pages with no lettering at all, of which much looks like it: hatching, tone, engravings, bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.alphabet import smooth
from textclean.training.bookpages import aged_sheet
from textclean.training.drawing import chance, draw, f32, log_uniform, pick, u8, uniform
from textclean.training.engravings import engraving
from textclean.training.paper import paper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image


def figure_page(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    """A printed page without text, ``(H, W, 3)`` uint8: an engraving, bars, a chart or a net."""
    sheet = aged_sheet(rng, size) if chance(rng, 0.5) else paper(rng, size)
    kind = pick(rng, ("engraving", "bars", "net", "curves"), (0.5, 0.15, 0.15, 0.2))
    if kind == "engraving":
        ink = engraving(rng, size, log_uniform(rng, 2.5, 8))
    else:
        canvas = np.zeros(size, np.uint8)
        {"bars": _bars, "net": _net, "curves": _curves}[kind](rng, canvas)
        ink = f32(canvas) / np.float32(255)
    if chance(rng, 0.3):
        frame = np.zeros(size, np.uint8)
        _frame(rng, frame)
        ink = np.maximum(ink, f32(frame) / np.float32(255))
    color = uniform(rng, 0.02, 0.3)
    return u8(sheet * (1 - ink[..., None] * np.float32(1 - color)))


def _bars(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Bars of a code or of a chart, standing or lying."""
    view = canvas if chance(rng, 0.6) else canvas.T
    unit, x = log_uniform(rng, 1, 8), 0.0
    low, high = sorted(uniform(rng, 0, view.shape[0]) for _ in range(2))
    even = chance(rng, 0.7)
    while x < view.shape[1]:
        width = unit * int(rng.integers(1, 5))
        top = low if even else uniform(rng, low, high)
        view[round(top) : round(high) + 2, round(x) : round(x + width)] = 255
        x += width + unit * int(rng.integers(1, 5))


def _net(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Ruled or squared paper, or the empty cells of a table; some cells are filled."""
    height, width = canvas.shape
    rows = np.arange(uniform(rng, 0, 20), height, log_uniform(rng, 8, 60))
    columns = np.arange(uniform(rng, 0, 20), width, log_uniform(rng, 8, 120))
    thick = max(1, round(log_uniform(rng, 0.6, 3)))
    for y in rows.astype(int).tolist():
        cv2.line(canvas, (0, y), (width, y), 255, thick, cv2.LINE_AA)
    if chance(rng, 0.7):
        for x in columns.astype(int).tolist():
            cv2.line(canvas, (x, 0), (x, height), 255, thick, cv2.LINE_AA)
    if len(rows) > 1 and len(columns) > 1 and chance(rng, 0.4):
        for _ in range(int(rng.integers(1, 12))):
            i, j = int(rng.integers(len(rows) - 1)), int(rng.integers(len(columns) - 1))
            cell = (
                slice(int(rows[i]), int(rows[i + 1])),
                slice(int(columns[j]), int(columns[j + 1])),
            )
            canvas[cell] = int(rng.integers(60, 255))


def _curves(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """A plotted chart: axes with ticks, and curves."""
    height, width = canvas.shape
    origin = np.array([uniform(rng, 0.05, 0.3) * width, uniform(rng, 0.7, 0.95) * height])
    thick = log_uniform(rng, 0.8, 2.5)
    reach = np.array([width * 0.95, height * 0.05])
    for end in (np.array([reach[0], origin[1]]), np.array([origin[0], reach[1]])):
        draw(canvas, f32(np.linspace(origin, end, 10)), thick, 255)
        for tick in np.linspace(origin, end, int(rng.integers(4, 14))):
            side = np.array([0, 5]) if end[1] == origin[1] else np.array([-5, 0])
            draw(canvas, f32(np.linspace(tick, tick + side, 3)), thick, 255)
    for _ in range(int(rng.integers(1, 5))):
        x = np.linspace(origin[0], reach[0], int(rng.integers(4, 12)))
        y = rng.uniform(reach[1], origin[1], len(x))
        y = np.sort(y)[::-1] if chance(rng, 0.5) else y
        path = f32(np.stack([x, y], axis=1))
        draw(canvas, smooth(path, 8) if chance(rng, 0.6) else path, thick * 1.4, 255)


def _frame(rng: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Parallel rules around the page."""
    height, width = canvas.shape
    inset = uniform(rng, 0.02, 0.15) * min(height, width)
    for _ in range(int(rng.integers(1, 4))):
        x, y = round(inset), round(inset * uniform(rng, 0.9, 1.1))
        thick = max(1, round(log_uniform(rng, 0.7, 4)))
        cv2.rectangle(canvas, (x, y), (width - x, height - y), 255, thick, cv2.LINE_AA)
        inset += uniform(rng, 3, 9)
