"""Screentone: how greys become dots, lines and grain, and how a scan leaves them.

A screen is a periodic threshold. Ink falls where the darkness of the picture exceeds it, as in
printing (R. Ulichney, *Digital Halftoning*, 1987, ch. 5). The thresholds of a screen are spread
evenly over 0 to 1, so that the share of ink equals the darkness asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.training.drawing import chance, f32, field, log_uniform, pick, u8, uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SHAPES = ("round", "euclid", "square", "diamond", "ellipse", "line", "wave", "cross", "grain")
_SHAPE_WEIGHTS = (0.36, 0.16, 0.06, 0.06, 0.08, 0.12, 0.03, 0.05, 0.08)
_LEVELS = 1024


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of ink.

    Attributes:
        pitch: Distance between neighbouring dots or lines, in pixels.
        angle: Direction of the rows, in radians.
        shape: One of :data:`SHAPES`.
        phase: Offset of the lattice, in cells.
        seed: What grain is drawn from.
    """

    pitch: float
    angle: float
    shape: str
    phase: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    def thresholds(self, size: tuple[int, int], scale: float = 1.0) -> NDArray[np.float32]:
        """``(H, W)`` float32 from 0 to 1, evenly spread over a cell.

        Args:
            size: Height and width of the canvas, in its own pixels.
            scale: Canvas pixels to a page pixel; the pitch grows by it.
        """
        if self.shape == "grain":
            return self._grain(size, scale)
        step = self.pitch * scale
        cos, sin = np.cos(self.angle) / step, np.sin(self.angle) / step
        x = np.arange(size[1], dtype=np.float32)[None, :]
        y = np.arange(size[0], dtype=np.float32)[:, None]
        u = np.float32(cos) * x + np.float32(sin) * y + np.float32(self.phase[0] + 1e3)
        v = np.float32(cos) * y - np.float32(sin) * x + np.float32(self.phase[1] + 1e3)
        spot = _spot(self.shape, u - np.floor(u) - 0.5, v - np.floor(v) - 0.5)
        return _rank_table(self.shape)[(spot * np.float32(_LEVELS - 1)).astype(np.int16)]

    def _grain(self, size: tuple[int, int], scale: float) -> NDArray[np.float32]:
        """Sand tone: ranked noise without its low frequencies."""
        rng = np.random.default_rng(self.seed)
        side = [max(8, round(extent / scale / max(self.pitch / 4, 1.0))) for extent in size]
        noise = rng.standard_normal(side, dtype=np.float32)
        noise = f32(cv2.GaussianBlur(noise, (0, 0), 0.7) - cv2.GaussianBlur(noise, (0, 0), 2.5))
        noise = f32(cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC))
        sample = noise[::3, ::3]
        low, high = float(sample.min()), float(sample.max())
        steps = np.float32((_LEVELS - 1) / max(high - low, 1e-6))
        above = (noise - np.float32(low)) * steps + np.float32(0.5)
        level = np.clip(above, 0, _LEVELS - 1).astype(np.int16)
        counts = np.bincount(level[::3, ::3].ravel(), minlength=_LEVELS)
        return f32(_mean_ranks(counts).take(level))


def _spot(shape: str, u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
    """Value from 0, inked first, to 1, inked last; u and v run from -0.5 to 0.5 over a cell."""
    spots: dict[str, Callable[[], NDArray[Any]]] = {
        "round": lambda: (u * u + v * v) * 2,
        # Dots in the lights, a chequer at the middle, holes in the darks.
        "euclid": lambda: (2 - np.cos(2 * np.pi * u) - np.cos(2 * np.pi * v)) / 4,
        "square": lambda: np.maximum(np.abs(u), np.abs(v)) * 2,
        "diamond": lambda: np.abs(u) + np.abs(v),
        "ellipse": lambda: (u * u * 0.55 + v * v) / 0.3875,
        "line": lambda: np.abs(v) * 2,
        "wave": lambda: 2 * np.abs(_wrapped(f32(v + 0.18 * np.sin(2 * np.pi * u)))),
        "cross": lambda: np.minimum(np.abs(u), np.abs(v)) * 2,
    }
    return f32(spots[shape]())


def _wrapped(phase: NDArray[np.float32]) -> NDArray[np.float32]:
    return f32(phase - np.rint(phase))


def _tabulate(shape: str) -> NDArray[np.float32]:
    """For each of the spot's levels, the share of a cell at or below it."""
    axis = (np.arange(192, dtype=np.float32) + 0.5) / 192 - 0.5
    u, v = np.meshgrid(axis, axis)
    spot = _spot(shape, f32(u), f32(v))
    histogram, _ = np.histogram(spot, bins=_LEVELS, range=(0, 1))
    return _mean_ranks(histogram)


def _mean_ranks(counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """For each level, the mean rank, 0 to 1, of the pixels that have it."""
    return f32((np.cumsum(counts) - counts / 2) / counts.sum())


_TABLES: dict[str, NDArray[np.float32]] = {}


def _rank_table(shape: str) -> NDArray[np.float32]:
    if shape not in _TABLES:
        _TABLES[shape] = _tabulate(shape)
    return _TABLES[shape]


def random_screen(
    rng: np.random.Generator, *, shape: str | None = None, pitch: float | None = None
) -> Screen:
    """A screen such as manga are made with: mostly round dots at 45 degrees, 3 to 14 pixels."""
    shape = shape or pick(rng, SHAPES, _SHAPE_WEIGHTS)
    # Printed at 60 to 85 lines an inch and scanned at 150 to 400 dots, most have 3 to 8 pixels.
    pitch = pitch or (log_uniform(rng, 3.0, 8.0) if chance(rng, 0.7) else uniform(rng, 8.0, 14.0))
    if chance(rng, 0.6):
        angle = np.pi / 4
    elif chance(rng, 0.5):
        angle = np.deg2rad(pick(rng, (0, 15, 30, 60, 75, 90, 22.5)))
    else:
        angle = uniform(rng, 0, np.pi)
    if chance(rng, 0.5):  # a page is never laid on the scanner quite straight
        angle += rng.normal() * 0.02
    phase = (uniform(rng, 0, 1), uniform(rng, 0, 1))
    return Screen(pitch, float(angle), shape, phase, int(rng.integers(2**31)))


def screened(
    darkness: NDArray[np.float32], thresholds: NDArray[np.float32], softness: float = 0.0
) -> NDArray[np.uint8]:
    """``(H, W)`` uint8, 0 ink and 255 paper, from darkness 0 to 1.

    Args:
        darkness: ``(H, W)`` float32.
        thresholds: ``(H, W)`` float32 of :meth:`Screen.thresholds`.
        softness: 0 for ink and paper only, else the span of darkness over which ink fades in.
    """
    if softness <= 0:
        return np.where(thresholds < darkness, np.uint8(0), np.uint8(255))
    cover = (darkness - thresholds) * np.float32(1 / softness) + np.float32(0.5)
    cover[darkness <= 0.004] = 0
    return u8(255 - 255 * cover)


def ramp(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """A darkness field as tone sheets have it: flat, a gradient, a glow or clouds, 0 to 1."""
    low, high = sorted((uniform(rng, 0.02, 0.9), uniform(rng, 0.02, 0.9)))
    kind = pick(rng, ("flat", "linear", "radial", "clouds"), (0.45, 0.3, 0.1, 0.15))
    if kind == "flat":
        return np.full(size, uniform(rng, 0.06, 0.75), np.float32)
    if kind == "clouds":
        noise = field(rng, size, max(size) * uniform(rng, 0.15, 0.6), octaves=3)
        share = np.clip(noise * 0.25 + 0.5, 0, 1)
        return f32(low + (high - low) * share)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32) / max(size)
    if kind == "linear":
        angle = uniform(rng, 0, 2 * np.pi)
        along = x * np.cos(angle) + y * np.sin(angle)
    else:
        along = np.hypot(x - uniform(rng, 0, 1), y - uniform(rng, 0, 1))
    along = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    if chance(rng, 0.4):  # fades out into paper or into black
        along = np.clip((along - uniform(rng, 0, 0.3)) * uniform(rng, 1, 2.5), 0, 1)
        low, high = (0.0, high) if chance(rng, 0.7) else (low, 1.0)
    return f32(low + (high - low) * along)
