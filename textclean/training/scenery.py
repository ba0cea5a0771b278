"""What a synthetic comic panel is filled with: figures, hair, cloth, buildings, foliage, shade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.bubbles import closed
from textclean.training.drawing import (
    chance,
    draw,
    f32,
    fill,
    log_uniform,
    pick,
    spline,
    uniform,
)
from textclean.training.drawing import field as noise_field
from textclean.training.tone import Screen, ramp, screened

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class Desk:
    """What one page is drawn with.

    Attributes:
        rng: Where the randomness comes from.
        canvas: ``(H, W)`` uint8 grey, larger than the page by ``scale``.
        scale: Canvas pixels to a page pixel.
        line: Usual width of a line, in canvas pixels.
        screens: The few tone sheets in use.
        soft: Span of darkness over which ink fades in; 0 = hard edges.
    """

    rng: np.random.Generator
    canvas: NDArray[np.uint8]
    scale: float
    line: float
    screens: list[Screen]
    soft: float
    _sheets: dict[Screen, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        return self.canvas.shape[0], self.canvas.shape[1]

    def lay(self, area: NDArray[np.uint8], top: NDArray[np.uint8] | int) -> None:
        """Cover an antialiased ``(H, W)`` area with a picture or a grey."""
        alpha = area.astype(np.float32) / 255
        mixed = self.canvas + (np.asarray(top, np.float32) - self.canvas) * alpha
        self.canvas[:] = np.rint(mixed).astype(np.uint8)

    def tone(self) -> NDArray[np.uint8]:
        """A whole sheet of tone."""
        darkness = ramp(self.rng, self.size)
        screen = pick(self.rng, self.screens)
        if screen not in self._sheets:
            self._sheets[screen] = screen.thresholds(self.size, self.scale)
        return screened(darkness, self._sheets[screen], self.soft)


def hatch(desk: Desk, area: NDArray[np.uint8]) -> None:
    """Hand-drawn hatching within an area, in one to three directions."""
    rng, reach = desk.rng, int(np.hypot(*desk.size))
    sheet = np.full(desk.size, 255, np.uint8)
    gap = log_uniform(rng, 2.5, 9) * desk.scale
    angle = uniform(rng, 0, np.pi)
    for turn in range(int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.1]))):
        way = np.array([np.cos(angle + turn * 0.9), np.sin(angle + turn * 0.9)])
        across = np.array([-way[1], way[0]])
        bow = uniform(rng, -0.08, 0.08)
        for offset in np.arange(-reach / 2, reach / 2, gap):
            middle = np.array(desk.size[::-1]) / 2 + across * (offset + rng.normal() * gap * 0.15)
            ends = rng.uniform(0.1, 0.7, 2) * reach if chance(rng, 0.8) else (reach, reach)
            path = np.stack(
                [middle - way * ends[0], middle + across * bow * reach, middle + way * ends[1]]
            )
            curve = spline(path.astype(np.float32), 12)
            width = desk.line * 0.7 * np.linspace(1.2, 0.3, len(curve), dtype=np.float32)
            draw(sheet, curve, width * uniform(rng, 0.7, 1.2), 0)
    desk.lay(area, np.minimum(desk.canvas, sheet))


def _outline(desk: Desk, reach: float) -> NDArray[np.float32]:
    """A closed, lumpy curve somewhere on the canvas, about ``reach`` canvas pixels across."""
    rng = desk.rng
    centre = rng.uniform(-0.1, 1.1, 2) * desk.size[::-1]
    count = int(rng.integers(4, 10))
    turns = np.sort(rng.uniform(0, 2 * np.pi, count)) + 2 * np.pi * np.arange(count) / count
    turns = np.sort(turns % (2 * np.pi))
    radius = reach / 2 * rng.uniform(0.55, 1.25, count) * np.array([1.0])
    points = centre + radius[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return spline(points.astype(np.float32), 4 * desk.scale, closed=True)


def _figure(desk: Desk) -> None:
    """A filled shape with a contour of varying width, shading and folds."""
    rng = desk.rng
    outline = _outline(desk, log_uniform(rng, 0.25, 1.3) * max(desk.size))
    area = np.zeros(desk.size, np.uint8)
    fill(area, outline)
    dress = pick(rng, ("white", "tone", "black", "grey"), (0.42, 0.38, 0.14, 0.06))
    if dress == "tone":
        desk.lay(area, desk.tone())
    else:
        desk.lay(area, {"white": 255, "black": 0, "grey": int(rng.integers(60, 230))}[dress])
    if chance(rng, 0.4):  # a shadow: the shape again, moved, where both overlap
        shift = (rng.normal(size=2) * 0.12 * max(desk.size)).astype(np.float32)
        shade = np.zeros(desk.size, np.uint8)
        fill(shade, outline + shift)
        shade = np.minimum(area, 255 - shade)
        if chance(rng, 0.5):
            hatch(desk, shade)
        else:
            desk.lay(shade, desk.tone() if chance(rng, 0.7) else 0)
    _contour(desk, outline, 255 if dress == "black" else 0)
    for _ in range(int(rng.integers(0, 7))):
        _fold(desk, outline, 255 if dress == "black" else 0)


def _contour(desk: Desk, path: NDArray[np.float32], value: int) -> None:
    phase = np.linspace(0, 2 * np.pi * uniform(desk.rng, 1, 4), len(path), dtype=np.float32)
    width = desk.line * (1 + 0.45 * np.sin(phase + uniform(desk.rng, 0, 6)))
    draw(desk.canvas, np.concatenate([path, path[:1]]), np.append(width, width[:1]), value)


def _fold(desk: Desk, outline: NDArray[np.float32], value: int) -> None:
    """A line that tapers to both ends, from the contour inwards: cloth, muscles, faces."""
    rng = desk.rng
    start = outline[int(rng.integers(len(outline)))]
    centre = outline.mean(axis=0)
    way = (centre - start) * uniform(rng, 0.2, 0.9)
    bend = np.array([-way[1], way[0]]) * uniform(rng, -0.4, 0.4)
    curve = spline(np.stack([start, start + way / 2 + bend, start + way]).astype(np.float32))
    taper = np.sin(np.linspace(0.35, np.pi, len(curve))).astype(np.float32)
    draw(desk.canvas, curve, desk.line * uniform(rng, 0.6, 1.4) * taper, value)


def _hair(desk: Desk) -> None:
    """A lock of strands that run together: black with gleams, or white with lines."""
    rng, reach = desk.rng, max(desk.size)
    root = rng.uniform(0, 1, 2) * desk.size[::-1]
    way = rng.normal(size=(3, 2)) * reach * 0.3
    value = 0 if chance(rng, 0.75) else 255
    for _ in range(int(log_uniform(rng, 15, 90))):
        spread = rng.normal(size=(3, 2)) * reach * 0.045
        path = (
            root
            + np.concatenate([rng.normal(size=(1, 2)) * reach * 0.05, np.cumsum(way, 0)])[:4]
            + np.concatenate([np.zeros((1, 2)), np.cumsum(spread, 0)])
        )
        curve = spline(path.astype(np.float32), 6)
        taper = np.linspace(1, 0.15, len(curve), dtype=np.float32)
        draw(desk.canvas, curve, desk.line * log_uniform(rng, 0.5, 3.5) * taper, value)


def _cloth(desk: Desk) -> None:
    """Parallel curves that fan out."""
    rng = desk.rng
    ends = rng.uniform(-0.1, 1.1, (2, 3, 2)) * desk.size[::-1]
    for share in np.linspace(0, 1, int(rng.integers(4, 28))):
        path = ends[0] * (1 - share) + ends[1] * share + rng.normal(size=(3, 2)) * desk.line
        curve = spline(path.astype(np.float32), 6)
        taper = np.sin(np.linspace(0.5, 2.9, len(curve))).astype(np.float32)
        draw(desk.canvas, curve, desk.line * uniform(rng, 0.4, 1.3) * taper, 0)


def _building(desk: Desk) -> None:
    """Straight lines towards a vanishing point, and a grid of windows with or without bars."""
    rng = desk.rng
    eye = rng.uniform(-1, 2, 2) * desk.size[::-1]
    x0, y0 = rng.uniform(-0.1, 0.8, 2) * desk.size[::-1]
    width, height = rng.uniform(0.2, 0.8, 2) * desk.size[::-1]
    columns, rows = int(rng.integers(2, 8)), int(rng.integers(2, 8))

    def corner(column: float, row: float) -> NDArray[np.float32]:
        point = np.array([x0 + width * column / columns, y0 + height * row / rows])
        depth = 0.6 * column / columns
        return f32(point + (eye - point) * depth)

    wall = np.stack([corner(0, 0), corner(columns, 0), corner(columns, rows), corner(0, rows)])
    area = np.zeros(desk.size, np.uint8)
    fill(area, wall)
    desk.lay(area, desk.tone() if chance(rng, 0.5) else 255)
    panes, frames = np.zeros(desk.size, np.uint8), []
    inset, bars = uniform(rng, 0.1, 0.3), rng.random(2) < 0.4
    for column in range(columns):
        for row in range(rows):
            ends = [(inset, inset), (1 - inset, inset), (1 - inset, 1 - inset), (inset, 1 - inset)]
            pane = np.stack([corner(column + a, row + b) for a, b in ends])
            fill(panes, pane)
            frames.append(closed(pane))
            if bars[0]:
                frames.append(f32(np.stack([pane[:2].mean(axis=0), pane[2:].mean(axis=0)])))
            if bars[1]:
                frames.append(f32(np.stack([pane[[0, 3]].mean(axis=0), pane[1:3].mean(axis=0)])))
    dark = chance(rng, 0.4)
    desk.lay(panes, 0 if dark else desk.tone())
    for frame in frames:
        draw(desk.canvas, frame, desk.line * 0.8, 255 if dark else 0)
    draw(desk.canvas, closed(wall), desk.line, 0)


def _foliage(desk: Desk) -> None:
    """Many small loops: leaves, fur, rubble, smoke."""
    rng = desk.rng
    centre = rng.uniform(0, 1, 2) * desk.size[::-1]
    spread, leaf = uniform(rng, 0.1, 0.4) * max(desk.size), log_uniform(rng, 4, 24) * desk.scale
    for _ in range(int(rng.integers(20, 90))):
        spot = centre + rng.normal(size=2) * spread
        turns = np.linspace(0, uniform(rng, 2, 6), 5) + uniform(rng, 0, 6)
        path = spot + leaf * np.stack([np.cos(turns), np.sin(turns) * 0.6], axis=1)
        draw(desk.canvas, spline(path.astype(np.float32), 3), desk.line * 0.8, 0)


def _splash(desk: Desk) -> None:
    """Spots of ink or white-out."""
    rng = desk.rng
    value = 0 if chance(rng, 0.5) else 255
    for _ in range(int(rng.integers(10, 120))):
        x, y = (rng.uniform(0, 1, 2) * desk.size[::-1]).astype(int)
        radius = log_uniform(rng, 0.6, 5) * desk.scale
        cv2.circle(
            desk.canvas, (int(x) * 16, int(y) * 16), int(radius * 16), value, -1, cv2.LINE_AA, 4
        )


def _shade(desk: Desk) -> None:
    """A patch of tone, hatching or scraped-off tone over what is there."""
    rng = desk.rng
    area = np.zeros(desk.size, np.uint8)
    fill(area, _outline(desk, uniform(rng, 0.3, 1) * max(desk.size)))
    kind = pick(rng, ("tone", "hatch", "scrape"), (0.5, 0.35, 0.15))
    if kind == "hatch":
        hatch(desk, area)
    elif kind == "tone":
        desk.lay(area, np.minimum(desk.canvas, desk.tone()))
    else:
        glow = cv2.GaussianBlur(area, (0, 0), 6 * desk.scale)
        noise = noise_field(rng, desk.size, 8 * desk.scale, octaves=2) * 60
        desk.lay(np.where(glow + noise > 160, 255, 0).astype(np.uint8), 255)


THINGS = {
    "figure": _figure,
    "hair": _hair,
    "cloth": _cloth,
    "building": _building,
    "foliage": _foliage,
    "splash": _splash,
    "shade": _shade,
}
