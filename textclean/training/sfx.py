"""Sound effects drawn by hand: brushed letters along a curve, and how such effects are inked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.training.alphabet import KANA, letter_paths, made_up, parsed, smooth
from textclean.training.drawing import chance, draw, f32, log_uniform, pick, uniform
from textclean.training.lettering import Style, effect
from textclean.training.typesetting import bent
from textclean.training.words import latin_words, sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.alphabet import Path
    from textclean.training.fonts import Fonts
    from textclean.training.lettering import Color

_ROWS = 6.0
"""Rows of the grid that a capital, or a kana, is high."""


def sound_effect(rng: np.random.Generator, fonts: Fonts, size: int) -> NDArray[np.uint8]:
    """A sound effect with glyphs about ``size`` pixels high: ``(H, W)`` uint8 coverage."""
    if chance(rng, 0.4):
        return effect(rng, fonts, size)
    block = _drawn(rng, size)
    return bent(rng, block, uniform(rng, 0.1, 0.7)) if chance(rng, 0.4) else block


def _drawn(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Letters brushed along a curve, upright or down the page, growing or shrinking."""
    letters = _letters(rng)
    upright = chance(rng, 0.45)
    angle = rng.normal(0, 0.3) + (np.pi / 2 if upright else 0)
    bow, grow = rng.normal(0, 0.15), np.exp(rng.normal(0, 0.12))
    turn, wide = rng.normal(0, 0.2), log_uniform(rng, 0.7, 1.5)
    weight, taper = log_uniform(rng, 0.08, 0.3), uniform(rng, 0, 0.9)
    round_tips, unsteady = chance(rng, 0.4), uniform(rng, 0.1, 0.4)
    spot, scale = np.zeros(2), size / _ROWS
    strokes: list[tuple[Path, float]] = []
    for letter in letters:
        tilt = turn + rng.normal(0, 0.1)
        matrix = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        for stroke in letter:
            bent_ = stroke + rng.normal(0, unsteady, stroke.shape) - np.array([2.5, 5.5])
            placed = (bent_ * np.array([wide, -1]) @ matrix) * scale + spot
            strokes.append((smooth(f32(placed), 7), weight * scale * _ROWS))
        step = uniform(rng, 0.85, 1.15) * scale * (_ROWS if upright else 5 * wide + 1)
        spot = spot + np.array([np.cos(angle), np.sin(angle)]) * step
        angle, scale = angle + bow, scale * grow
    return _brushed(rng, strokes, taper, round_tips=round_tips)


def _letters(rng: np.random.Generator) -> list[tuple[Path, ...]]:
    """The letters of a short cry in kana, Latin capitals or no script at all."""
    kind = pick(rng, ("kana", "latin", "invented"), (0.5, 0.3, 0.2))
    if kind == "kana":
        names = list(KANA)
        unit = [pick(rng, names) for _ in range(int(rng.integers(1, 4)))]
        return [parsed(KANA[name]) for name in unit * int(rng.integers(1, 3))]
    if kind == "latin":
        word = sound(rng, "latin") if chance(rng, 0.6) else latin_words(rng, 1)[0]
        word = word if chance(rng, 0.2) else word.upper()
        return [letter_paths(character) for character in word[:9] if character != " "]
    return [made_up(rng) for _ in range(int(rng.integers(1, 6)))]


def _brushed(
    rng: np.random.Generator, strokes: list[tuple[Path, float]], taper: float, *, round_tips: bool
) -> NDArray[np.uint8]:
    """Strokes of a brush that is pressed down and drawn away; ``taper`` from 0 to 1."""
    points = np.concatenate([stroke for stroke, _ in strokes])
    margin = max(width for _, width in strokes)
    low = np.floor(points.min(axis=0) - margin)
    extent = np.ceil(points.max(axis=0) + margin - low).astype(int)
    canvas = np.zeros((min(int(extent[1]), 2400), min(int(extent[0]), 2400)), np.uint8)
    for stroke, width in strokes:
        path = stroke - f32(low)
        if len(path) == 1:
            path = np.concatenate([path, path + f32(np.array([[0.3, 0.5]])) * width])
        if len(path) == 2:
            path = f32(np.linspace(path[0], path[1], 8))
        along = np.linspace(0, 1, len(path), dtype=np.float32)
        wide = 1 - taper * along ** uniform(rng, 0.7, 2)
        if round_tips:
            wide *= np.minimum(1, 0.35 + 4 * np.minimum(along, 1 - along))
        # The ends of a brush stroke reach a little beyond the path.
        ends = path[:1] - (path[1:2] - path[:1]) * 0.5, path[-1:] + (path[-1:] - path[-2:-1]) * 0.5
        path = np.concatenate([ends[0], path[1:-1], ends[1]])
        draw(canvas, f32(path), f32(width * wide), 255)
    return canvas


def effect_style(
    rng: np.random.Generator, size: int, *, color: bool, dark: bool, busy: bool
) -> Style:
    """How a sound effect with glyphs of ``size`` pixels is inked.

    Args:
        rng: Where the randomness comes from.
        size: Of the glyphs, in pixels.
        color: Whether the page has colours.
        dark: Whether what lies beneath is dark.
        busy: Whether it has light and dark parts.
    """
    black, white = (0, 0, 0), (255, 255, 255)
    kind = pick(
        rng,
        ("hollow", "solid", "outlined", "toned", "faded", "double", "ghost", "clear"),
        (0.3, 0.12 if busy else 0.2, 0.18, 0.1, 0.08, 0.1, 0.04, 0.14),
    )
    width = float(np.clip(size * log_uniform(rng, 0.02, 0.12), 1, 16))
    light = white if not (color and chance(rng, 0.5)) else _bright(rng)
    deep = black if not (color and chance(rng, 0.45)) else _any(rng)
    around = ((2.2 * width, light), (width, deep)) if chance(rng, 0.4) else ((width, deep),)
    if kind == "hollow":
        return Style(fill=light, outlines=around, shadow=_shadow(rng, width, deep))
    if kind == "clear":
        edge = light if dark and not busy else deep
        rim = (2.2 * width, light if edge is deep else deep)
        outlines = (rim, (width, edge)) if chance(rng, 0.3) else ((width, edge),)
        return Style(outlines=outlines, clear=True)
    if kind == "toned":
        if color:
            return Style(fill=_any(rng), outlines=around)
        return Style(fill=light, outlines=around, toned=True)
    if kind == "faded":
        second = _any(rng) if color else (int(rng.integers(90, 220)),) * 3
        red, green, blue = second
        return Style(fill=light, second=(red, green, blue), outlines=around)
    if kind == "double":
        return Style(fill=deep, outlines=((2.2 * width, deep), (width, light)))
    if kind == "ghost":
        return Style(fill=white if dark else deep, opacity=uniform(rng, 0.55, 0.9))
    ink = light if dark and chance(rng, 0.8) else deep
    back = deep if ink is light else light
    return Style(fill=ink, outlines=((width, back),) if kind == "outlined" else ())


def _shadow(
    rng: np.random.Generator, width: float, color: Color
) -> tuple[tuple[int, int], Color] | None:
    """Now and then a hard shadow to one side, as thick as the outline or twice."""
    if not chance(rng, 0.25):
        return None
    far = max(1, round(width * uniform(rng, 0.8, 2.0)))
    return (pick(rng, (-far, far)), pick(rng, (0, far))), color


def _any(rng: np.random.Generator) -> Color:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def _bright(rng: np.random.Generator) -> Color:
    """A light colour: one of its channels at least is full."""
    channels = rng.integers(90, 256, 3)
    channels[int(rng.integers(3))] = 255
    red, green, blue = (int(value) for value in channels)
    return red, green, blue
