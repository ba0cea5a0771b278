"""Handwriting without a font: every hand has its own letters, and writes none of them twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.alphabet import BASELINE, X_HEIGHT, letter_paths, made_up, smooth
from textclean.training.drawing import chance, f32, log_uniform, pick, uniform
from textclean.training.words import latin_words, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.alphabet import Path

_ENLARGED = 3
"""Canvas pixels to a page pixel while strokes are drawn."""
_FORMULAS = ("x = 3/4", "y = ax + b", "12.50", "ok!", "?", "S. 214", "a > b", "v = [3 2 6]",
             "f(x) = 2x", "∑ n", "√2", "∫ f(t)", "→ p. 17", "VL = X", "1)", "2)", "!!", "E = mc^2",
             "N.B.", "cf. p. 9")  # fmt: skip


@dataclass(slots=True)
class Writer:
    """One person's hand.

    Attributes:
        slant: Shear of the letters, to the right if positive.
        width: Width of the letters against their height.
        belly: Height of small letters against the usual one.
        gap: Space between letters, in columns of the grid.
        joined: How often letters are joined, 0 to 1.
        unsteady: Deviation of every point of every letter, in columns of the grid.
        angular: Whether strokes are straight between their points.
        pressure: Share by which the width of a stroke changes.
        invented: Whether the letters are those of no script.
        manner: Deviations of this hand's letters from the copybook's.
    """

    slant: float
    width: float
    belly: float
    gap: float
    joined: float
    unsteady: float
    angular: bool
    pressure: float
    invented: bool
    manner: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    def letter(self, rng: np.random.Generator, character: str) -> list[Path]:
        """The strokes of one letter, on the grid, as written this once."""
        if character not in self.manner:
            strokes = made_up(rng) if self.invented else letter_paths(character)
            habit = 0.0 if self.invented else 0.35
            self.manner[character] = tuple(
                f32(stroke + rng.normal(0, habit, stroke.shape)) for stroke in strokes
            )
        return [
            f32(stroke + rng.normal(0, self.unsteady, stroke.shape))
            for stroke in self.manner[character]
        ]

    def line(self, rng: np.random.Generator, text: str) -> list[Path]:
        """The strokes of a line of text, in heights of a capital; its start is at 0, 0."""
        x, previous = 0.0, False
        strokes: list[Path] = []
        drift, climb = rng.normal(0, 0.15), rng.normal(0, 0.004)
        for character in text:
            if character == " ":
                x += 3 + self.gap
                previous = False
                continue
            letter = [stroke + f32(np.array([x, drift])) for stroke in self.letter(rng, character)]
            drift = 0.8 * drift + rng.normal(0, 0.15) + climb
            joins = character.isalpha() and previous and chance(rng, self.joined)
            if joins and len(strokes[-1]) > 1 and len(letter[0]) > 1:
                letter[0] = np.concatenate([strokes.pop(), letter[0]])
            strokes += letter[1:] + letter[:1]  # the first stroke is what the next letter joins
            previous = character.isalpha()
            x = max(float(stroke[:, 0].max()) for stroke in letter) + self.gap
        return [self._placed(stroke) for stroke in strokes]

    def _placed(self, stroke: Path) -> Path:
        """From the grid, upwards, to heights of a capital, downwards."""
        rise = stroke[:, 1] - np.float32(BASELINE)
        small = np.clip(rise, 0, X_HEIGHT - BASELINE)
        rise = rise + small * np.float32(self.belly - 1)
        across = stroke[:, 0] * np.float32(self.width) + rise * np.float32(self.slant)
        curve = np.stack([across, -rise], axis=1) / np.float32(6)
        return f32(curve) if self.angular else smooth(f32(curve))


def writer(rng: np.random.Generator) -> Writer:
    """A hand: upright or slanted, printed or joined, calm or hasty."""
    joined = uniform(rng, 0.5, 1) if chance(rng, 0.4) else uniform(rng, 0, 0.2)
    return Writer(
        slant=rng.normal(0.12, 0.18),
        width=log_uniform(rng, 0.6, 1.25),
        belly=uniform(rng, 0.75, 1.4),
        gap=uniform(rng, 0.5, 2.2),
        joined=joined,
        unsteady=log_uniform(rng, 0.08, 0.35),
        angular=chance(rng, 0.1),
        pressure=uniform(rng, 0.05, 0.45),
        invented=chance(rng, 0.12),
    )


def formula(rng: np.random.Generator) -> str:
    """A piece of what people note down that is no words."""
    return pick(rng, _FORMULAS)


def note(rng: np.random.Generator, hand: Writer, glyph: float, count: int) -> list[Path]:
    """The strokes of ``count`` written lines, in pixels, glyphs ``glyph`` pixels high."""
    if chance(rng, 0.25):
        texts = [formula(rng) for _ in range(count)]
    else:
        words = latin_words(rng, count * int(rng.integers(1, 7)), capitals=chance(rng, 0.15))
        texts = wrap(words, int(rng.integers(6, 34)))[:count]
    leading, strokes = glyph * uniform(rng, 1.2, 2.2), []
    indent, tilt = rng.normal(0, 0.6, len(texts)) * glyph, rng.normal(0, 0.03)
    for row, text in enumerate(texts):
        start = np.array([indent[row], row * leading], np.float32)
        strokes += [stroke * np.float32(glyph) + start for stroke in hand.line(rng, text)]
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]], np.float32)
    return [f32(stroke @ turn) for stroke in strokes]


def inked(
    rng: np.random.Generator,
    size: tuple[int, int],
    strokes: list[Path],
    width: float,
    pressure: float = 0.2,
) -> NDArray[np.float32]:
    """Strokes as a pen of that width draws them on ``(H, W)``: coverage 0 to 1, round ends.

    Args:
        rng: Where the changes of pressure come from.
        size: Height and width of the page in pixels; strokes beyond its edge are cut.
        strokes: Paths ``(N, 2)`` of x and y in pixels; one of a single point is a dot.
        width: Usual width of a stroke in pixels.
        pressure: Share by which it changes.
    """
    cover = np.zeros(size, np.float32)
    if not strokes:
        return cover
    points = np.concatenate(strokes)
    margin = 2 * width + 2
    low = np.maximum(np.floor(points.min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + margin), size[::-1]).astype(int)
    if (high <= low).any():
        return cover
    canvas = np.zeros((high - low)[::-1] * _ENLARGED, np.uint8)
    for stroke in strokes:
        _trace(rng, canvas, (stroke - low) * _ENLARGED, width * _ENLARGED, pressure)
    extent = int(high[0] - low[0]), int(high[1] - low[1])
    small = cv2.resize(canvas, extent, interpolation=cv2.INTER_AREA)
    cover[low[1] : high[1], low[0] : high[0]] = small.astype(np.float32) / 255
    return cover


def _trace(
    rng: np.random.Generator,
    canvas: NDArray[np.uint8],
    path: NDArray[np.floating],
    width: float,
    pressure: float,
) -> None:
    """One stroke, its width changing slowly, thinner where the pen is lifted."""
    if not (np.abs(path) < 30000).all():
        return
    if len(path) == 1:
        centre = int(path[0, 0]), int(path[0, 1])
        cv2.circle(canvas, centre, max(1, round(0.6 * width)), 255, cv2.FILLED)
        return
    ends = np.rint(path * 16).astype(int).tolist()
    phase, beat = uniform(rng, 0, 6), uniform(rng, 0.2, 0.8)
    along = np.arange(len(path) - 1)
    wide = width * (1 + pressure * np.sin(phase + beat * along))
    if len(path) > 4:
        wide[-2:] *= 1 - 0.6 * pressure
    for k, thick in enumerate(np.maximum(np.rint(wide), 1).astype(int).tolist()):
        cv2.line(canvas, ends[k], ends[k + 1], 255, thick, cv2.LINE_8, 4)
