"""What people write and draw on printed pages: handwriting, pen strokes, highlighter.

Every function gives a coverage, ``(H, W)`` float32 from 0 to 1, of ink that has no colour yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from textclean.training.alphabet import smooth
from textclean.training.drawing import (
    chance,
    draw,
    f32,
    field,
    fill,
    log_uniform,
    pick,
    spline,
    u8,
    uniform,
)
from textclean.training.penmanship import Writer, formula, inked, note
from textclean.training.typesetting import set_columns, set_lines, slanted
from textclean.training.words import eastern, latin_words, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts

Coverage: TypeAlias = "NDArray[np.float32]"
Lines: TypeAlias = "Sequence[NDArray[np.float32]]"
Path: TypeAlias = "NDArray[np.float64]"


def strokes(
    rng: np.random.Generator, size: tuple[int, int], lines: Lines, glyph: float
) -> Coverage:
    """One thing drawn with a pen: an underline, a circle, an arrow, a crossing-out ..."""
    canvas = np.zeros(size, np.uint8)
    width = log_uniform(rng, 1.2, 4.0) * (uniform(rng, 2, 4) if chance(rng, 0.1) else 1.0)
    start, end = _span(rng, size, lines)
    kind = pick(rng, list(_STROKES), (0.18, 0.16, 0.12, 0.14, 0.1, 0.08, 0.13, 0.09))
    if kind == "ruling":
        width = min(width, uniform(rng, 0.5, 1.6))
    for path in _STROKES[kind](rng, start, end, glyph):
        curve = spline(path.astype(np.float32), 2.0)
        wobble = field(rng, (1, len(curve)), 12)[0] * 0.2
        pressure = np.clip(1 + wobble, 0.4, 1.6)
        tail = int(min(len(curve) // 3, 8))
        if tail:
            pressure[-tail:] *= np.linspace(1, 0.35, tail)
        draw(canvas, curve, (width * pressure).astype(np.float32), 255)
    return f32(canvas) / np.float32(255)


def _span(
    rng: np.random.Generator, size: tuple[int, int], lines: Lines
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A piece of a text line, or of nothing where there is none."""
    inside = [
        line
        for line in lines
        if 0 < line[0, 1] < size[0] and line[1, 0] > 10 and line[0, 0] < size[1] - 10
    ]
    if inside and chance(rng, 0.85):
        line = pick(rng, inside)
        low = max(0.0, -line[0, 0] / max(line[1, 0] - line[0, 0], 1.0))
        high = min(1.0, (size[1] - line[0, 0]) / max(line[1, 0] - line[0, 0], 1.0))
        a = uniform(rng, low, low + 0.6 * (high - low))
        b = uniform(rng, a + 0.2 * (high - low), high)
        return line[0] + (line[1] - line[0]) * a, line[0] + (line[1] - line[0]) * b
    start = rng.uniform(0.05, 0.7, 2) * size[::-1]
    return start, start + np.array([uniform(rng, 0.1, 0.5) * size[1], rng.normal() * 6])


def _underline(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    wavy = uniform(rng, 0.05, 0.15) * glyph * (3 if chance(rng, 0.2) else 1)
    found = []
    for k in range(2 if chance(rng, 0.2) else 1):
        path = np.linspace(start, end, int(rng.integers(4, 14)))
        path[:, 1] += glyph * (0.2 + 0.2 * k) + rng.normal(0, wavy, len(path))
        found.append(path)
    return found


def _circle(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    centre = (start + end) / 2 - np.array([0, glyph * 0.3])
    radius = np.array([abs(end[0] - start[0]) / 2 + glyph * 0.6, glyph * uniform(rng, 0.8, 1.6)])
    turns = np.linspace(0, 2 * np.pi * uniform(rng, 0.95, 1.2), 16) + uniform(rng, 0, 6)
    drift = np.linspace(1, uniform(rng, 0.9, 1.15), 16) * rng.normal(1, 0.03, 16)
    return [centre + radius * np.stack([np.cos(turns), np.sin(turns)], 1) * drift[:, None]]


def _arrow(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    head = start + rng.normal(0, 1, 2) * glyph * 5
    middle = (head + end) / 2 + rng.normal(0, glyph, 2)
    way = (end - middle) / max(float(np.hypot(*(end - middle))), 1e-6)
    side = np.array([-way[1], way[0]])
    barb = glyph * uniform(rng, 0.4, 0.9)
    tips = [end - way * barb + side * barb * 0.6, end - way * barb - side * barb * 0.6]
    return [np.stack([head, middle, end]), np.stack([tips[0], end, tips[1]])]


def _crossing(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    up = np.array([0, glyph * 0.3])
    if chance(rng, 0.55):
        tilt = rng.normal(0, 0.1, (5, 2)) * glyph
        return [np.linspace(start - up, end - up, 5) + tilt]
    count = max(4, int(abs(end[0] - start[0]) / (glyph * uniform(rng, 0.25, 0.6))))
    path = np.linspace(start - up, end - up, count)
    path[:, 1] += np.where(np.arange(count) % 2, 1, -1) * glyph * uniform(rng, 0.3, 0.6)
    return [path + rng.normal(0, 0.06, path.shape) * glyph]


def _bracket(rng: np.random.Generator, start: Path, _: Path, glyph: float) -> list[Path]:
    top = start + np.array([rng.normal() * glyph, -glyph])
    height, bow = glyph * uniform(rng, 2, 7), glyph * uniform(rng, -0.8, 0.8)
    shape = np.array([[bow, 0], [0, 0.1], [0, 0.5], [0, 0.9], [bow, 1.0]])
    return [top + shape * np.array([1, height])]


def _tick(rng: np.random.Generator, start: Path, _: Path, glyph: float) -> list[Path]:
    reach = glyph * uniform(rng, 0.6, 2)
    if chance(rng, 0.5):
        points = np.array([[0, 0.4], [0.3, 0.9], [1.0, -0.4]])
        return [start + points * reach + rng.normal(0, 0.04, (3, 2)) * reach]
    ends = np.array([[[0, 0], [1, 1]], [[1, 0], [0, 1]]]) * reach
    return [start + pair + rng.normal(0, 0.05, (2, 2)) * reach for pair in ends]


def _scribble(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    """Cursive loops without meaning: signatures and quick notes."""
    count = int(rng.integers(8, 40))
    size = glyph * uniform(rng, 0.5, 1.8)
    along = np.linspace(0, max(abs(end[0] - start[0]), 3 * size), count)
    beat = np.arange(count) * uniform(rng, 1.4, 2.6)
    tall = np.where(rng.random(count) < 0.15, 2.0, 0.7) * rng.uniform(0.4, 1.1, count)
    x = along + size * 0.5 * np.sin(beat + 1.2)
    y = -size * tall * np.sin(beat) + along * rng.normal() * 0.05
    path = start + np.stack([x, y], axis=1)
    breaks = np.flatnonzero(rng.random(count) < 0.08)
    return [piece for piece in np.split(path, breaks) if len(piece) > 2]


def _ruling(rng: np.random.Generator, start: Path, end: Path, glyph: float) -> list[Path]:
    """Faint lines of the writing paper, broken, which came along with what was written on it."""
    gap, tilt = glyph * uniform(rng, 0.8, 2.5), rng.normal() * 0.01
    found = []
    for k in range(int(rng.integers(2, 7))):
        x, y = start[0] - uniform(rng, 0, 4) * glyph, start[1] + k * gap
        reach = x + uniform(rng, 5, 25) * glyph
        while x < reach:
            length = uniform(rng, 0.5, 6) * glyph
            across = np.linspace(x, x + length, 4)
            found.append(np.stack([across, y + across * tilt], axis=1))
            x += length + uniform(rng, 0, 1) * glyph
    return found


_STROKES = {
    "underline": _underline,
    "circle": _circle,
    "arrow": _arrow,
    "crossing": _crossing,
    "bracket": _bracket,
    "tick": _tick,
    "scribble": _scribble,
    "ruling": _ruling,
}


def handwriting(rng: np.random.Generator, fonts: Fonts, size: tuple[int, int]) -> Coverage:
    """A few written lines somewhere on the page."""
    scripts = [s for s in ("latin", "japanese") if s in fonts.scripts()]
    script = "japanese" if "japanese" in scripts and chance(rng, 0.15) else "latin"
    font = fonts.choose(rng, ("hand",), script)  # type: ignore[arg-type]
    glyph = round(log_uniform(rng, 11, 64) if chance(rng, 0.85) else log_uniform(rng, 50, 140))
    count = int(rng.integers(1, 5))
    if script == "japanese":
        texts = [eastern(rng, int(rng.integers(2, 10)), "japanese") for _ in range(count)]
    else:
        words = latin_words(rng, count * int(rng.integers(2, 6)))
        texts = wrap(words, int(rng.integers(8, 30)))[:count] or ["x"]
        if chance(rng, 0.2):
            texts = [pick(rng, ("x = 3/4", "y = ax + b", "12.50", "ok!", "?", "S. 214", "a > b"))]
    vertical = script == "japanese" and chance(rng, 0.3)
    setter = set_columns if vertical else set_lines
    block = slanted(rng, setter(font, glyph, texts, uniform(rng, 1.0, 1.6)), 0.35)
    weight = int(rng.integers(0, 3)) if glyph > 20 else int(rng.integers(0, 2))
    if glyph > 28 and chance(rng, 0.2):
        weight = round(glyph * uniform(rng, 0.08, 0.2))
    if weight:
        nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (weight + 1, weight + 1))
        block = u8(cv2.dilate(block, nib))
    return laid(rng, size, block)


def written(rng: np.random.Generator, hand: Writer, size: tuple[int, int]) -> Coverage:
    """A few lines somewhere on the page in someone's hand."""
    glyph = log_uniform(rng, 9, 30) if chance(rng, 0.65) else log_uniform(rng, 30, 75)
    # Notes that were made smaller with their page are thick for their height.
    thick = log_uniform(rng, 0.045, 0.24 if glyph < 30 else 0.14)
    if chance(rng, 0.12):  # a felt marker, as large as it is thick
        glyph, thick = log_uniform(rng, 35, 150), uniform(rng, 0.12, 0.3)
    strokes = note(rng, hand, glyph, int(rng.integers(1, 5)))
    if not strokes:
        return np.zeros(size, np.float32)
    low, high = (edge(np.concatenate(strokes), axis=0) for edge in (np.min, np.max))
    middle = rng.uniform(0.05, 0.95, 2) * size[::-1]
    shift = f32(middle - (low + high) / 2)
    width = max(1.1, glyph * thick)
    return inked(rng, size, [stroke + shift for stroke in strokes], width, hand.pressure)


def sheet(rng: np.random.Generator, hand: Writer, fonts: Fonts, size: tuple[int, int]) -> Coverage:
    """A whole sheet of small notes: many lines in one hand, whatever is printed beneath."""
    glyph = log_uniform(rng, 8, 26)
    leading, wide = glyph * uniform(rng, 1.4, 3.2), uniform(rng, 0.1, 0.26) * glyph
    left, top = uniform(rng, -0.3, 0.35) * size[1], uniform(rng, -0.1, 0.35) * size[0]
    starts, texts = [], []
    for level in np.arange(top, uniform(rng, 0.6, 1.1) * size[0], leading):
        if chance(rng, 0.85):
            indent = uniform(rng, 0, 8) * glyph if chance(rng, 0.3) else 0.0
            starts.append((left + indent, float(level)))
            words = latin_words(rng, int(rng.integers(1, 9)), capitals=chance(rng, 0.05))
            texts.append(formula(rng) if chance(rng, 0.2) else " ".join(words))
    if chance(rng, 0.4):
        font = fonts.choose(rng, ("hand",)).at(round(1.2 * glyph))
        picture = PillowImage.new("L", size[::-1])
        pen = ImageDraw.Draw(picture)
        for start, text in zip(starts, texts, strict=True):
            pen.text(start, text, 255, font, anchor="ls")
        canvas = np.array(picture)
        if wide > 2 and chance(rng, 0.6):
            canvas = u8(cv2.dilate(canvas, np.ones((2, 2), np.uint8)))
        return f32(canvas) / np.float32(255)
    paths = [
        f32(stroke * glyph + np.array(start, np.float32))
        for start, text in zip(starts, texts, strict=True)
        for stroke in hand.line(rng, text)
    ]
    return inked(rng, size, paths, max(1.1, wide), hand.pressure)


def ruled(rng: np.random.Generator, note: Coverage) -> Coverage:
    """The lines of the writing paper, which came along with a note: a few, longer than it."""
    x, y, width, height = cv2.boundingRect((note > 0).astype(np.uint8))
    canvas = np.zeros(note.shape, np.uint8)
    gap, tilt = log_uniform(rng, 14, 60), rng.normal() * 0.006
    left, right = x - uniform(rng, 0, 1) * 2 * gap, x + width + uniform(rng, 0, 1) * 4 * gap
    thin, broken = uniform(rng, 0.5, 1.5), chance(rng, 0.5)
    for level in np.arange(y + uniform(rng, 0, 1) * gap, y + height + gap, gap):
        start = left
        while start < right:
            end = min(right, start + uniform(rng, 0.2, 4) * gap) if broken else right
            across = np.linspace(start, end, 5)
            path = f32(np.stack([across, level + (across - left) * tilt], axis=1))
            draw(canvas, path, np.full(5, thin, np.float32), 255)
            start = end + uniform(rng, 0, 2) * gap
    if chance(rng, 0.15):  # and the one along its margin
        column = f32(np.array([[left + gap, y - gap], [left + gap, y + height + 2 * gap]]))
        draw(canvas, column, np.full(2, thin, np.float32), 255)
    return f32(canvas) / np.float32(255)


def sketch(rng: np.random.Generator, size: tuple[int, int]) -> Coverage:
    """A small drawing such as notes have: boxes, rings, lines between them, arrows."""
    reach = log_uniform(rng, 30, 0.6 * max(60, *size))
    centre = rng.uniform(0.1, 0.9, 2) * size[::-1]
    spots = centre + rng.uniform(-0.5, 0.5, (int(rng.integers(2, 6)), 2)) * reach
    paths = []
    for spot in spots:
        radius = reach * uniform(rng, 0.05, 0.22)
        if chance(rng, 0.5):
            turns = np.linspace(0, 2 * np.pi * uniform(rng, 0.95, 1.1), 14) + uniform(rng, 0, 6)
            ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
            paths.append(smooth(f32(spot + radius * ring * rng.normal(1, 0.05, (14, 1)))))
        else:
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
            box = corners * radius * np.array([uniform(rng, 0.6, 2), 1])
            paths.append(f32(spot + box + rng.normal(0, 0.05, (5, 2)) * radius))
    for start, end in pairwise(spots):
        middle = (start + end) / 2 + rng.normal(0, 0.06, 2) * reach
        paths.append(smooth(f32(np.stack([start, middle, end]))))
        if chance(rng, 0.4):
            way = (end - middle) / max(float(np.hypot(*(end - middle))), 1e-6) * 0.07 * reach
            side = np.array([-way[1], way[0]])
            paths.append(f32(np.stack([end - way + side, end, end - way - side])))
    return inked(rng, size, paths, log_uniform(rng, 1.1, 4.0))


def laid(rng: np.random.Generator, size: tuple[int, int], block: NDArray[np.uint8]) -> Coverage:
    """A block put at a random place of an empty page; what reaches over its edge is cut."""
    canvas = np.zeros(size, np.uint8)
    spot = [
        int(uniform(rng, 0.1, 0.9) * side - extent / 2)
        for side, extent in zip(size, block.shape, strict=True)
    ]
    y0, x0 = (max(0, s) for s in spot)
    y1, x1 = (min(side, s + e) for side, s, e in zip(size, spot, block.shape, strict=True))
    if y1 > y0 and x1 > x0:
        part = block[y0 - spot[0] : y1 - spot[0], x0 - spot[1] : x1 - spot[1]]
        canvas[y0:y1, x0:x1] = part
    return f32(canvas) / np.float32(255)


def highlight(
    rng: np.random.Generator, size: tuple[int, int], lines: Lines, glyph: float
) -> Coverage:
    """One pass of a highlighter over a piece of a line: uneven edges, streaks, wet ends."""
    start, end = _span(rng, size, lines)
    width = glyph * uniform(rng, 0.7, 1.5) if chance(rng, 0.8) else uniform(rng, 8, 40)
    path = np.linspace(start, end, 8)
    height = glyph * 0.33 if chance(rng, 0.8) else -glyph * uniform(rng, 0.1, 0.4)
    path[:, 1] += rng.normal(0, 0.04, 8).cumsum() * glyph - height
    curve = spline(path.astype(np.float32), 3)
    canvas = np.zeros(size, np.uint8)
    ragged = 1 + 0.06 * field(rng, (1, len(curve)), 6)[0]
    draw(canvas, curve, (width * ragged).astype(np.float32), 255)
    if chance(rng, 0.4):  # a round tip
        for tip in (curve[0], curve[-1]):
            centre, radius = tip.round().astype(int).tolist(), max(1, round(width / 2))
            cv2.circle(canvas, centre, radius, 255, cv2.FILLED, cv2.LINE_AA)
    cover = cv2.GaussianBlur(canvas, (0, 0), uniform(rng, 0.4, 1.2)).astype(np.float32) / 255
    if chance(rng, 0.6):  # streaks run along the stroke, which is nearly level
        fine = field(rng, (size[0], max(4, size[1] // 24)), 3)
        streaks = cv2.resize(fine, size[::-1], interpolation=cv2.INTER_LINEAR)
        cover = cover * np.clip(1 - uniform(rng, 0, 0.25) * np.abs(streaks), 0, 1)
    if chance(rng, 0.4):
        wet = np.zeros(size, np.uint8)
        reach = np.array([[-0.3 * width, -width], [3, -width], [3, width], [-0.3 * width, width]])
        fill(wet, f32(end + reach))
        cover = np.clip(cover * (1 + 0.25 * (wet > 0)), 0, 1.15)
    return np.clip(cover * uniform(rng, 0.6, 1.0), 0, 1).astype(np.float32)
