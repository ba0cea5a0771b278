"""A page lettered as comics are: speech in its bubbles, sound effects over art, captions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import DrawnPage, blend, chance, f32, log_uniform, uniform
from textclean.training.lettering import Style, dialogue, letter, random_style
from textclean.training.sfx import effect_style, sound_effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts
    from textclean.types import Image, Mask

_WINDOW = 384.0
"""Side in pixels of the window for which the usual numbers of blocks are given."""
_DARK, _LIGHT = 95, 185
"""Grey levels below and above which plain letters can be read, whatever the tone is made of."""


def comic_lettering(
    rng: np.random.Generator,
    fonts: Fonts,
    clean: Image,
    bubble: Mask,
    *,
    color: bool,
    effects: float,
    blocks: float = 0.45,
    plain: float = 0.0,
) -> DrawnPage:
    """Letter a page.

    Args:
        rng: Where the randomness comes from.
        fonts: Fonts to letter with.
        clean: ``(H, W, 3)`` uint8 page with empty bubbles.
        bubble: ``(H, W)`` bool, inside of these.
        color: Whether letters may have colours.
        effects: Sound effects to a window of 384 by 384 pixels, on average.
        blocks: Blocks of running text right on the art to such a window, on average.
        plain: Share of these blocks that have neither outline nor colour.
    """
    shown, labels = clean, np.zeros(clean.shape[:2], np.uint8)
    windows = max(clean.shape[0] * clean.shape[1] / _WINDOW**2, 0.3)
    taken = bubble.copy()
    if bubble.any():
        shown = _speech(rng, fonts, shown, labels, bubble)
    for _ in range(int(rng.poisson(effects * windows))):
        glyph = round(log_uniform(rng, 24, min(300.0, max(40.0, 0.8 * max(clean.shape[:2])))))
        block = sound_effect(rng, fonts, glyph)
        style: Callable[..., Style] = partial(effect_style, rng, glyph, color=color)
        shown = _placed(rng, shown, labels, block, taken, style)
    for _ in range(int(rng.poisson(blocks * windows))):
        bare = plain > 0 and chance(rng, plain)
        glyph = round(log_uniform(rng, 13 if bare else 9, 40))
        room = round(glyph * uniform(rng, 1, 7)), round(glyph * uniform(rng, 2, 9))
        block = dialogue(rng, fonts, glyph, room)
        style = _plain if bare else partial(random_style, rng, glyph, color=color)
        shown = _placed(rng, shown, labels, block, taken, style, clear=bare)
    return DrawnPage(clean, shown, labels, bubble)


def _speech(
    rng: np.random.Generator,
    fonts: Fonts,
    shown: Image,
    labels: NDArray[np.uint8],
    bubble: Mask,
) -> Image:
    """Text in most bubbles, around the spot that is farthest from their edge."""
    padded = np.pad(bubble, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    count, parts, boxes, centres = cv2.connectedComponentsWithStats(bubble.astype(np.uint8))
    for k in range(1, count):
        inside = parts == k
        y, x = np.unravel_index(int(np.argmax(depth * inside)), depth.shape)
        reach = float(depth[y, x])
        if reach < 11 or chance(rng, 0.08):
            continue
        width, height = int(boxes[k, cv2.CC_STAT_WIDTH]), int(boxes[k, cv2.CC_STAT_HEIGHT])
        middle = 0.7 * centres[k] + 0.3 * np.array([x, y])
        if boxes[k, cv2.CC_STAT_AREA] < 0.55 * width * height:  # two bubbles, or a long tail
            width = height = round(2.2 * reach)
            middle = np.array([x, y], np.float64)
        share = uniform(rng, 0.5, 0.78)
        glyph = round(log_uniform(rng, 9, max(10.0, min(38.0, 0.7 * reach))))
        block = dialogue(rng, fonts, glyph, (round(height * share), round(width * share)))
        block = _fitted(block, width, height) if chance(rng, 0.85) else block
        corner = (
            round(float(middle[0])) - block.shape[1] // 2,
            round(float(middle[1])) - block.shape[0] // 2,
        )
        shown = letter(rng, shown, labels, block, corner, _spoken(rng, shown[inside]))
    return shown


def _fitted(block: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A block no larger than what fits into an ellipse of that width and height."""
    factor = 0.95 / float(np.hypot(block.shape[1] / width, block.shape[0] / height))
    if factor >= 1:
        return block
    extent = max(1, round(block.shape[1] * factor)), max(1, round(block.shape[0] * factor))
    return np.asarray(cv2.resize(block, extent, interpolation=cv2.INTER_AREA), np.uint8)


def _spoken(rng: np.random.Generator, ground: NDArray[np.uint8]) -> Style:
    """Plain letters that stand out from the ground of a bubble; with an outline over tone."""
    dark = float(ground.mean()) < 110
    ink = (255, 255, 255) if dark else (0, 0, 0)
    if float(ground.std()) > 60 or chance(rng, 0.05):
        back = (0, 0, 0) if dark else (255, 255, 255)
        return Style(fill=ink, outlines=((uniform(rng, 1, 3), back),))
    return Style(fill=ink)


def _placed(
    rng: np.random.Generator,
    shown: Image,
    labels: NDArray[np.uint8],
    block: NDArray[np.uint8],
    taken: Mask,
    style: Callable[..., Style],
    *,
    clear: bool = False,
) -> Image:
    """A block where little lies yet, in a style that fits what is beneath; or none at all.

    ``clear``: only where the ground is dark or light enough for plain letters to be read.
    """
    height, width = labels.shape
    best, least = (0, 0), 1.0
    for _ in range(6):
        x, y = (
            round(uniform(rng, 0.02, 0.98) * side - extent / 2)
            for side, extent in zip((width, height), block.shape[::-1], strict=True)
        )
        rows, columns = _span(y, block.shape[0], height), _span(x, block.shape[1], width)
        under = labels[rows, columns][::3, ::3] > 0
        share = float((under | taken[rows, columns][::3, ::3]).mean()) if under.size else 1.0
        if share < least:
            best, least = (x, y), share
    if least > 0.12:
        return shown
    x, y = best
    beneath = shown[_span(y, block.shape[0], height), _span(x, block.shape[1], width)][::4, ::4]
    level, busy = float(beneath.mean()), float(beneath.std()) > 60
    if clear and _DARK < level < _LIGHT:
        return shown
    dark = level < 110
    return letter(rng, shown, labels, block, best, style(dark=dark, busy=busy))


def _plain(*, dark: bool, busy: bool) -> Style:
    """White letters on what is dark, black ones on what is not, be it busy or not."""
    del busy
    return Style(fill=(255, 255, 255) if dark else (0, 0, 0))


def _span(start: int, length: int, limit: int) -> slice:
    """The part of a range that lies on the page; at least one pixel of it."""
    low = min(max(start, 0), limit - 1)
    return slice(low, max(min(start + length, limit), low + 1))


def bordered(rng: np.random.Generator, ground: Image, bubble: Mask) -> Image:
    """Art with dark lines, 1 to 4 pixels wide, around the places where bubbles are to lie."""
    if not bubble.any():
        return ground
    width, ink = uniform(rng, 1, 4), int(rng.integers(0, 50))
    outside = cv2.distanceTransform((~bubble).astype(np.uint8), cv2.DIST_L2, 5)
    # A little of it lies beneath the bubble's soft edge.
    depth = cv2.distanceTransform(bubble.astype(np.uint8), cv2.DIST_L2, 5)
    ring = np.clip(width + 0.5 - outside, 0, 1) * (depth < 2.5)
    return blend(ground, (ink, ink, ink), f32(ring))
