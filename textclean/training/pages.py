"""Synthetic black-and-white comic pages: panels, figures, tone, hatching, speed lines, bubbles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.bubbles import bubble_outline, closed
from textclean.training.drawing import (
    as_rgb,
    chance,
    draw,
    field,
    fill,
    log_uniform,
    pick,
    uniform,
)
from textclean.training.paper import reduced
from textclean.training.scenery import THINGS, Desk, hatch
from textclean.training.tone import ramp, random_screen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask


def comic_page(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image, Mask]:
    """A piece of a synthetic page.

    Args:
        rng: Where the randomness comes from.
        size: Height and width in pixels.

    Returns:
        ``(H, W, 3)`` uint8 grey page without text, and ``(H, W)`` bool, inside of bubbles.
    """
    scale = pick(rng, (1.0, 2.0, 3.0, uniform(rng, 1.2, 2.9)), (0.15, 0.35, 0.2, 0.3))
    extent = round(size[0] * scale), round(size[1] * scale)
    hard = chance(rng, 0.7)
    desk = Desk(
        rng,
        np.full(extent, 255, np.uint8),
        scale,
        log_uniform(rng, 1.0, 3.2) * scale,
        [random_screen(rng) for _ in range(int(rng.integers(1, 4)))],
        0.0 if hard and scale > 1 else uniform(rng, 0.08, 0.4),
    )
    for panel in _panels(rng, extent, max(size) / 256):
        _panel(desk, panel)
    inside = np.zeros(extent, np.uint8)
    for _ in range(int(rng.poisson(0.6 * max(1.0, size[0] * size[1] / 320**2)))):
        inside = np.maximum(inside, _bubble(desk))
    if hard and scale > 1:
        desk.canvas[:] = np.where(desk.canvas > 127, np.uint8(255), np.uint8(0))
    page = as_rgb(reduced(desk.canvas, size, rng))
    return page, cv2.resize(inside, size[::-1], interpolation=cv2.INTER_AREA) > 127


def _panels(
    rng: np.random.Generator, size: tuple[int, int], parts: float
) -> list[NDArray[np.float32]]:
    """The panels that show in a window, as quadrangles ``(4, 2)``; often one fills it.

    The larger the window, the more ``parts`` it has.
    """
    height, width = size
    whole = (-20.0, -20.0, width + 20.0, height + 20.0)
    boxes = [whole]
    count = int(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15]))
    for _ in range(round(count * parts)):
        x0, y0, x1, y1 = boxes.pop(0)
        gap = uniform(rng, 0.015, 0.06) * max(size)
        if chance(rng, 0.5):
            cut = x0 + (x1 - x0) * uniform(rng, 0.25, 0.75)
            boxes += [(x0, y0, cut - gap, y1), (cut + gap, y0, x1, y1)]
        else:
            cut = y0 + (y1 - y0) * uniform(rng, 0.25, 0.75)
            boxes += [(x0, y0, x1, cut - gap), (x0, cut + gap, x1, y1)]
    tilt = uniform(rng, -0.06, 0.06) * max(size) if chance(rng, 0.3) else 0.0
    return [
        np.array([[x0, y0 + tilt], [x1, y0 - tilt], [x1, y1 - tilt], [x0, y1 + tilt]], np.float32)
        for x0, y0, x1, y1 in boxes
    ]


def _panel(desk: Desk, frame: NDArray[np.float32]) -> None:
    """Draw one panel: a ground, things on it, a border."""
    rng = desk.rng
    area = np.zeros(desk.size, np.uint8)
    fill(area, frame)
    before = desk.canvas.copy()
    ground = pick(
        rng,
        ("white", "tone", "toned twice", "black", "speed", "focus", "hatch", "wash"),
        (0.12, 0.3, 0.12, 0.06, 0.12, 0.1, 0.12, 0.06),
    )
    _ground(desk, ground)
    for _ in range(int(rng.integers(1, 6))):
        THINGS[pick(rng, list(THINGS), (0.3, 0.16, 0.16, 0.1, 0.1, 0.1, 0.08))](desk)
    drawn = desk.canvas.copy()
    desk.canvas[:] = before
    desk.lay(area, drawn)
    if chance(rng, 0.92):
        draw(desk.canvas, closed(frame), desk.line * uniform(rng, 1, 2.2), 0)


def _ground(desk: Desk, kind: str) -> None:
    rng = desk.rng
    if kind == "black":
        desk.canvas[:] = 0
    elif kind == "wash":
        grey = 255 * (1 - ramp(rng, desk.size))
        noise = field(rng, desk.size, 30 * desk.scale, octaves=3) * uniform(rng, 0, 10)
        desk.canvas[:] = np.rint(np.clip(grey + noise, 0, 255)).astype(np.uint8)
    elif kind.startswith("tone"):
        desk.canvas[:] = desk.tone()
        if kind == "toned twice":  # a second sheet over part of the first gives moire
            area = np.where(field(rng, desk.size, max(desk.size) / 2) > 0, 255, 0)
            desk.lay(area.astype(np.uint8), np.minimum(desk.canvas, desk.tone()))
    elif kind == "hatch":
        hatch(desk, np.full(desk.size, 255, np.uint8))
    elif kind in ("speed", "focus"):
        if chance(rng, 0.4):
            desk.canvas[:] = desk.tone()
        _rays(desk, focus=kind == "focus")


def _rays(desk: Desk, *, focus: bool) -> None:
    """Speed lines (parallel) or focus lines (towards a point): long wedges of ink."""
    rng, reach = desk.rng, float(np.hypot(*desk.size))
    value = 0 if chance(rng, 0.8) else 255
    if value == 255:
        desk.canvas[:] = 0
    centre = rng.uniform(-0.2, 1.2, 2) * desk.size[::-1]
    angle, jitter = uniform(rng, 0, np.pi), uniform(rng, 0.005, 0.03)
    hollow = reach * uniform(rng, 0.1, 0.45)
    widest = desk.line * uniform(rng, 1, 4)
    for _ in range(int(log_uniform(rng, 40, 220))):
        if focus:
            turn = uniform(rng, 0, 2 * np.pi)
            way = np.array([np.cos(turn), np.sin(turn)])
            near = centre + way * hollow * uniform(rng, 0.7, 1.5)
            far = centre + way * reach * 1.5
        else:
            turn = angle + rng.normal() * jitter
            way = np.array([np.cos(turn), np.sin(turn)])
            across = np.array([-way[1], way[0]])
            middle = np.array(desk.size[::-1]) / 2 + across * uniform(rng, -0.6, 0.6) * reach
            near = middle - way * reach * uniform(rng, 0, 0.7)
            far = middle + way * reach * uniform(rng, 0, 0.7)
        side = np.array([-way[1], way[0]]) * widest * uniform(rng, 0.2, 1) / 2
        wedge = np.stack([near, far + side, far - side]).astype(np.float32)
        if chance(rng, 0.3) and not focus:
            wedge = np.stack([near, (near + far) / 2 + side, far, (near + far) / 2 - side])
        fill(desk.canvas, wedge.astype(np.float32), value)


def _bubble(desk: Desk) -> NDArray[np.uint8]:
    """Draw a speech bubble or a caption box; gives back its inside, ``(H, W)`` uint8."""
    rng = desk.rng
    outline = bubble_outline(rng, desk.size, desk.scale)
    inside = np.zeros(desk.size, np.uint8)
    fill(inside, outline)
    sheet = pick(rng, ("white", "black", "tone", "clear"), (0.72, 0.08, 0.12, 0.08))
    if sheet == "tone":
        desk.lay(inside, desk.tone())
    elif sheet == "clear":
        desk.lay((inside * 0.7).astype(np.uint8), 255)
    else:
        desk.lay(inside, 255 if sheet == "white" else 0)
    edge = 255 if sheet == "black" else 0
    draw(desk.canvas, closed(outline), desk.line * uniform(rng, 0.7, 1.8), edge)
    return inside
