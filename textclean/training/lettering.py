"""Lettering laid over a page: dialogue, captions and sound effects, with outlines and glow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training import drawing
from textclean.training.drawing import (
    LETTERING,
    blend,
    chance,
    f32,
    grown,
    log_uniform,
    pick,
    uniform,
)
from textclean.training.tone import random_screen, screened
from textclean.training.typesetting import bent, set_columns, set_lines
from textclean.training.words import eastern, latin_words, sound, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts, Manner, Script
    from textclean.types import Image

_SCRIPT_WEIGHTS: dict[Script, float] = {
    "latin": 0.4, "japanese": 0.4, "chinese": 0.1, "korean": 0.1
}  # fmt: skip
Color = tuple[int, int, int]
_FAR = 5.0
"""Radius in pixels beyond which outlines are drawn by their distance from the letters."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a block of letters is inked; from the bottom up.

    Attributes:
        glow: Blurred halo: radius in pixels, colour; or None.
        outlines: Widths in pixels and colours, the widest first.
        fill: Colour of the letters.
        second: Colour at their lower end, for gradients, or None.
        toned: Whether the letters are filled with screentone.
        shadow: Offset (x, y) and colour of a hard shadow of letters and outlines, or None.
        opacity: Of the whole, 0 to 1.
        clear: Whether there are only outlines, and the page shows inside the letters.
    """

    fill: Color = (0, 0, 0)
    outlines: tuple[tuple[float, Color], ...] = ()
    glow: tuple[float, Color] | None = None
    second: Color | None = None
    toned: bool = False
    shadow: tuple[tuple[int, int], Color] | None = None
    opacity: float = 1.0
    clear: bool = False


def choose_script(rng: np.random.Generator, fonts: Fonts) -> Script:
    """One of the scripts that the fonts can write."""
    able = fonts.scripts()
    return pick(rng, able, [_SCRIPT_WEIGHTS[script] for script in able])


def dialogue(
    rng: np.random.Generator, fonts: Fonts, size: int, reach: tuple[int, int]
) -> NDArray[np.uint8]:
    """Running text about ``reach`` (height, width) large with glyphs of ``size`` pixels."""
    script = choose_script(rng, fonts)
    manners: tuple[Manner, ...] = (
        ("comic", "print") if script == "latin" else ("print", "hand", "comic")
    )
    font = fonts.choose(rng, manners, script)
    leading = uniform(rng, 1.0, 1.5)
    if script == "latin":
        width = max(3, round(reach[1] / (0.55 * size)))
        count = max(1, round(reach[0] / (size * leading)))
        words = latin_words(rng, max(1, width * count // 5), capitals=chance(rng, 0.6))
        return set_lines(font, size, wrap(words, width)[:count], leading)
    vertical = script != "korean" and chance(rng, 0.7)
    along, across = (reach[0], reach[1]) if vertical else (reach[1], reach[0])
    length, count = max(1, round(along / (size * 1.04))), max(1, round(across / (size * leading)))
    texts = [eastern(rng, max(1, int(length * uniform(rng, 0.5, 1))), script) for _ in range(count)]
    if vertical:
        return set_columns(font, size, texts, max(leading, 1.25), ruby=chance(rng, 0.25))
    return set_lines(font, size, texts, leading)


def effect(rng: np.random.Generator, fonts: Fonts, size: int) -> NDArray[np.uint8]:
    """A sound effect with glyphs of ``size`` pixels, warped and turned."""
    script = choose_script(rng, fonts)
    font = fonts.choose(rng, ("brush", "comic", "print", "hand"), script)
    text = sound(rng, script)
    if script != "latin" and chance(rng, 0.6):
        coverage = set_columns(font, size, [text.replace(" ", "")], 1.2)
    else:
        coverage = set_lines(font, size, [text], 1.2)
    return bent(rng, coverage, uniform(rng, 0.1, 1))


def random_style(
    rng: np.random.Generator, size: int, *, color: bool, dark: bool, busy: bool = False
) -> Style:
    """How letters of that size are inked on a page with or without colour.

    Args:
        rng: Where the randomness comes from.
        size: Of the glyphs, in pixels.
        color: Whether the page has colours.
        dark: Whether what lies beneath is dark.
        busy: Whether it has light and dark parts; letters then mostly have an outline.
    """
    black, white = (0, 0, 0), (255, 255, 255)
    ink, back = (white, black) if chance(rng, 0.75 if dark else 0.25) else (black, white)
    if color and chance(rng, 0.5):
        ink = _any_color(rng)
    if color and chance(rng, 0.3):
        back = _any_color(rng)
    width = max(1.0, size * log_uniform(rng, 0.03, 0.18))
    outlines: tuple[tuple[float, Color], ...] = ()
    kind = pick(rng, ("plain", "outlined", "double", "glow"), (0.35, 0.4, 0.12, 0.13))
    if kind == "plain" and busy and chance(rng, 0.5):
        kind = "outlined"
    if kind == "outlined":
        outlines = ((width, back),)
    elif kind == "double":
        outlines = ((2 * width, ink), (width, back))
    large = size >= 40
    return Style(
        fill=ink,
        outlines=outlines,
        glow=(max(1.5, size * uniform(rng, 0.06, 0.3)), back) if kind == "glow" else None,
        second=_any_color(rng) if color and large and chance(rng, 0.3) else None,
        toned=not color and large and kind != "plain" and chance(rng, 0.25),
        shadow=((round(width), round(width)), back) if chance(rng, 0.06) else None,
        opacity=uniform(rng, 0.6, 0.95) if chance(rng, 0.04) else 1.0,
    )


def _any_color(rng: np.random.Generator) -> Color:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def letter(
    rng: np.random.Generator,
    shown: Image,
    labels: NDArray[np.uint8],
    coverage: NDArray[np.uint8],
    corner: tuple[int, int],
    style: Style,
) -> Image:
    """Ink a block of letters on a page.

    Args:
        rng: Where the tone of toned letters comes from.
        shown: ``(H, W, 3)`` uint8 page; not changed.
        labels: ``(H, W)`` uint8, changed in place: lettering where the block now is.
        coverage: ``(h, w)`` uint8 of the glyphs; parts off the page are cut.
        corner: x and y of the block's top left corner.
        style: How it is inked.

    Returns:
        The page with the block on it.
    """
    spread = max([width for width, _ in style.outlines] + [3 * (style.glow or (0.0, 0))[0], 0.0])
    spread += max(abs(step) for step in style.shadow[0]) if style.shadow else 0
    margin = int(np.ceil(spread)) + 6
    box = _overlap(shown.shape, coverage.shape, corner, margin)
    if box is None:
        return shown
    page, block = box
    glyphs = np.pad(coverage, margin).astype(np.float32) / np.float32(255)
    before = shown[page]
    after, touched = before, np.zeros(before.shape[:2], np.float32)
    for alpha, ink in _layers(rng, glyphs, style):
        cut = alpha[block] * style.opacity
        paint = ink if isinstance(ink, tuple) else ink[block]
        after = blend(after, paint, cut)
        touched = np.maximum(touched, cut)
    out = shown.copy()
    out[page] = after
    # Where the ink has the colour that was there already there is nothing to see.
    visible = (touched > 0.1) & (cv2.absdiff(before, after).max(axis=2) > 3)
    core = (touched if style.clear else glyphs[block]) > 0.5
    if not (style.outlines or style.glow or style.shadow):
        core &= grown(visible, 2)  # white on white, with nothing around it, is no lettering
    labels[page][visible | core] = LETTERING
    return out


def _layers(
    rng: np.random.Generator, glyphs: NDArray[np.float32], style: Style
) -> list[tuple[NDArray[np.float32], Color | NDArray[np.float32]]]:
    """The paints of a style from the bottom up: ``(h, w)`` alpha and colour."""
    layers: list[tuple[NDArray[np.float32], Color | NDArray[np.float32]]] = []
    if style.glow is not None:
        radius, color = style.glow
        halo = cv2.GaussianBlur(_swollen(glyphs, radius * 0.5), (0, 0), radius)
        layers.append((np.clip(halo * 1.6, 0, 1), color))
    if style.shadow is not None:
        (dx, dy), color = style.shadow
        widest = max([width for width, _ in style.outlines], default=0.0)
        cast = _swollen(glyphs, widest) if widest else glyphs
        layers.append((np.roll(cast, (dy, dx), (0, 1)), color))
    rims = [(_swollen(glyphs, width), color) for width, color in style.outlines]
    if style.clear:
        return layers + [(f32(rim * (1 - glyphs)), color) for rim, color in rims]
    layers += rims
    height, width = glyphs.shape
    if style.second is not None:
        share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        ends = np.asarray(style.fill, np.float32), np.asarray(style.second, np.float32)
        ramp = np.broadcast_to(ends[0] + (ends[1] - ends[0]) * share, (height, width, 3))
        layers.append((glyphs, ramp))
    elif style.toned:
        darkness = np.full((height, width), uniform(rng, 0.15, 0.5), np.float32)
        tone = screened(darkness, random_screen(rng).thresholds((height, width)), 0.3)
        layers.append((glyphs, drawing.as_rgb(tone).astype(np.float32)))
    else:
        layers.append((glyphs, style.fill))
    return layers


def _swollen(glyphs: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    if radius > _FAR:  # a disk of that size would take too long
        outside = (glyphs < 0.5).astype(np.uint8)
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
        return f32(np.maximum(np.clip(radius + 0.5 - distance, 0, 1), glyphs))
    side = 2 * int(np.ceil(radius)) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return f32(cv2.dilate(glyphs, disk))


def _overlap(
    page: tuple[int, ...], block: tuple[int, ...], corner: tuple[int, int], margin: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Where a block with a margin around it lies on the page, and which part of it does."""
    spans = []
    for start, length, limit in zip(corner[::-1], block, page[:2], strict=True):
        low, high = start - margin, start + length + margin
        first, last = max(low, 0), min(high, limit)
        if first >= last:
            return None
        spans.append((slice(first, last), slice(first - low, last - low)))
    return (spans[0][0], spans[1][0]), (spans[0][1], spans[1][1])
