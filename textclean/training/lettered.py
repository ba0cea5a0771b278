"""Pages with lettering laid over them: set from fonts, or cut from real lettering layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import (
    LETTERING,
    DrawnPage,
    as_rgb,
    chance,
    grown,
    log_uniform,
    pick,
    u8,
    uniform,
)
from textclean.training.lettering import Style, dialogue, effect, letter, random_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.training.art import ArtFolder
    from textclean.training.fonts import Fonts
    from textclean.types import Image, Mask


_CROWDED = 0.15
"""Share of a block that may lie over other lettering."""


def lettered(
    rng: np.random.Generator, fonts: Fonts, clean: Image, bubble: Mask, *, color: bool
) -> DrawnPage:
    """Synthetic lettering over a page: speech in its bubbles, running text, sound effects.

    Args:
        rng: Where the randomness comes from.
        fonts: Fonts to letter with.
        clean: ``(H, W, 3)`` uint8 page.
        bubble: ``(H, W)`` bool, inside of its bubbles.
        color: Whether letters may have colours.
    """
    shown, labels = clean, np.zeros(clean.shape[:2], np.uint8)
    spoken = bubble.any() and chance(rng, 0.6)
    if spoken:
        shown = _speech(rng, fonts, shown, labels, bubble)
    if not spoken or chance(rng, 0.5):
        for block, glyph, middle in _blocks(rng, fonts, (clean.shape[0], clean.shape[1])):
            shown = _place(rng, shown, labels, block, glyph, color=color, middle=middle)
    return DrawnPage(clean, shown, labels, bubble)


def _blocks(
    rng: np.random.Generator, fonts: Fonts, size: tuple[int, int]
) -> Iterator[tuple[NDArray[np.uint8], int, bool]]:
    """Blocks of lettering for a page, the size of their glyphs, and whether they go amidst."""
    windows = max(1.0, size[0] * size[1] / 384**2)
    reach = min(size[0], 384), min(size[1], 384)
    plan = pick(rng, ("text", "scattered", "effects", "both"), (0.55, 0.15, 0.2, 0.1))
    if plan in ("text", "both"):
        for _ in range(round(windows)):
            glyph = round(log_uniform(rng, 11, 42))
            room = (
                round(reach[0] * uniform(rng, 0.5, 1.1)),
                round(reach[1] * uniform(rng, 0.5, 1.1)),
            )
            yield dialogue(rng, fonts, glyph, room), glyph, windows < 2
    if plan == "scattered":
        for _ in range(round(windows * rng.integers(2, 6))):
            glyph = round(log_uniform(rng, 10, 34))
            room = (
                round(reach[0] * uniform(rng, 0.15, 0.45)),
                round(reach[1] * uniform(rng, 0.15, 0.45)),
            )
            yield dialogue(rng, fonts, glyph, room), glyph, False
    if plan in ("effects", "both"):
        for _ in range(round(windows * rng.integers(1, 4))):
            glyph = round(log_uniform(rng, 28, max(30.0, min(200.0, 0.8 * min(size)))))
            yield effect(rng, fonts, glyph), glyph, False


def _speech(
    rng: np.random.Generator,
    fonts: Fonts,
    shown: Image,
    labels: NDArray[np.uint8],
    bubble: Mask,
) -> Image:
    """Plain dialogue in each bubble, as large as its middle."""
    count, _, boxes, centres = cv2.connectedComponentsWithStats(bubble.astype(np.uint8))
    for k in range(1, count):
        width, height = (int(boxes[k, side]) for side in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
        if min(width, height) < 24:
            continue
        glyph = round(log_uniform(rng, 11, max(12.0, min(34.0, 0.4 * min(width, height)))))
        share = uniform(rng, 0.5, 0.75)
        block = dialogue(rng, fonts, glyph, (round(height * share), round(width * share)))
        corner = (
            round(float(centres[k, 0])) - block.shape[1] // 2,
            round(float(centres[k, 1])) - block.shape[0] // 2,
        )
        dark = float(_under(shown, block, corner).mean()) < 110
        style = Style(fill=(255, 255, 255) if dark else (0, 0, 0))
        shown = letter(rng, shown, labels, block, corner, style)
    return shown


def _place(
    rng: np.random.Generator,
    shown: Image,
    labels: NDArray[np.uint8],
    block: NDArray[np.uint8],
    glyph: int,
    *,
    color: bool,
    middle: bool,
) -> Image:
    """Put a block near the middle or where there is room, in a style that fits what is there."""
    spots = [_spot(rng, labels, block, 0.12 if middle else 0.3) for _ in range(6)]
    x, y = min(spots, key=lambda spot: float((_under(labels, block, spot) > 0).mean()))
    if float((_under(labels, block, (x, y)) > 0).mean()) > _CROWDED:
        return shown
    beneath = _under(shown, block, (x, y))
    dark, busy = float(beneath.mean()) < 110, float(beneath.std()) > 60
    style = random_style(rng, glyph, color=color, dark=dark, busy=busy)
    return letter(rng, shown, labels, block, (x, y), style)


def _spot(
    rng: np.random.Generator, page: NDArray[np.uint8], block: NDArray[np.uint8], spread: float
) -> tuple[int, int]:
    """A corner x, y that leaves the middle of the block on the page."""
    corner = [
        round(side * float(np.clip(rng.normal(0.5, spread), 0.05, 0.95)) - extent / 2)
        for side, extent in zip(page.shape, block.shape, strict=True)
    ]
    return corner[1], corner[0]


def _under(
    page: NDArray[np.uint8], block: NDArray[np.uint8], spot: tuple[int, int]
) -> NDArray[np.uint8]:
    """Every fourth pixel of the page under a block; at least one."""
    (x, y), (height, width) = spot, page.shape[:2]
    rows = slice(min(max(y, 0), height - 1), max(y + block.shape[0], 1), 4)
    columns = slice(min(max(x, 0), width - 1), max(x + block.shape[1], 1), 4)
    return page[rows, columns]


def really_lettered(
    rng: np.random.Generator, art: ArtFolder, clean: Image, *, color: bool
) -> DrawnPage:
    """Real lettering over the page: with its bubbles, or the letters alone."""
    height, width = clean.shape[:2]
    full, bare = _busy_window(rng, art, (height, width))
    if not color:
        full, bare = _greyed(full), _greyed(bare)
    before = clean
    bubble = np.zeros((height, width), bool)
    ink = cv2.absdiff(_visible(full), _visible(bare)).max(axis=2).astype(np.float32)
    if chance(rng, 0.5):
        before = _over(clean, bare)
        bubble = bare[..., 3] > 200
        shown = _over(clean, full)
    else:
        alpha = ink / max(float(ink.max()), 1.0) * (full[..., 3] / np.float32(255))
        mixed = clean + (full[..., :3] - clean.astype(np.float32)) * alpha[..., None]
        shown = u8(mixed)
    changed = cv2.absdiff(before, shown).max(axis=2) > 6
    # White letters over white dots are lettering too, as far as the rest of them can be seen.
    solid = (ink > 0.5 * float(ink.max())) & grown(changed, 8)
    labels = np.where(changed | solid, np.uint8(LETTERING), np.uint8(0))
    return DrawnPage(before, shown, labels, bubble)


def _busy_window(
    rng: np.random.Generator, art: ArtFolder, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A window around some text of a real layer pair, ``(H, W, 4)`` each, padded with nothing."""
    full, bare = art.layer(pick(rng, art.layers))
    differs = (_visible(full[::8, ::8]) != _visible(bare[::8, ::8])).any(axis=2)
    spots = np.argwhere(differs)
    spot = spots[int(rng.integers(len(spots)))] * 8 if len(spots) else np.zeros(2, np.int64)
    corner = spot - np.rint(np.array(size) * rng.uniform(0.2, 0.8, 2)).astype(int)
    windows = []
    for layer in (full, bare):
        padded = np.zeros((*size, 4), np.uint8)
        y0, x0 = (max(0, int(c)) for c in corner)
        y1, x1 = (
            min(limit, int(c) + side)
            for c, side, limit in zip(corner, size, layer.shape[:2], strict=True)
        )
        if y1 > y0 and x1 > x0:
            inner = layer[y0:y1, x0:x1]
            top, left = y0 - int(corner[0]), x0 - int(corner[1])
            padded[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        windows.append(padded)
    return windows[0], windows[1]


def _visible(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A layer with its colours weighted by alpha: what is transparent has none."""
    return np.dstack([u8(layer[..., :3] * (layer[..., 3:] / np.float32(255))), layer[..., 3]])


def _greyed(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = u8(cv2.cvtColor(np.ascontiguousarray(layer[..., :3]), cv2.COLOR_RGB2GRAY))
    return np.dstack([as_rgb(grey), layer[..., 3]])


def _over(image: Image, layer: NDArray[np.uint8]) -> Image:
    alpha = layer[..., 3:].astype(np.float32) / 255
    return u8(image + (layer[..., :3] - image.astype(np.float32)) * alpha)
