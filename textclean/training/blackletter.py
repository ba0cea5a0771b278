"""Broken type: letters made of straight strokes of a broad nib, as old books are printed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.alphabet import ASCENDER, BASELINE, letter_paths, parsed, smooth
from textclean.training.drawing import f32, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.alphabet import Path

# Small letters as the broad nib breaks them; written as in the alphabet.
_BROKEN = {
    "a": "05 16 35 33 43/34 13 04 15 34",
    "b": "18 09 04 13 34 35 26 15",
    "c": "36 26 15 14 23 33",
    "d": "08 17 35 34 23 14 15 26 35",
    "e": "14 35 26 15 14 23 33",
    "f": "38 28 17 12/06 36",
    "g": "26 15 14 24 35/26 46/35 31 20 11",
    "h": "28 19 13/15 26 35 33 22",
    "i": "06 15 14 23/28",
    "j": "06 15 11 00/28",
    "k": "28 19 13 23/36 25 33 43",
    "l": "19 14 23",
    "m": "06 15 13 23/15 26 35 33 43/35 46 55 53",
    "n": "06 15 13 23/15 26 35 34 43",
    "o": "26 15 14 23 34 35 26",
    "p": "06 15 10/15 26 35 34 23 14",
    "q": "26 15 14 23 34/36 35 30",
    "r": "06 15 13 23/15 26 36",
    "s": "36 26 15 34 23 13",
    "ſ": "38 28 17 12/16 06",
    "t": "18 14 23 33/06 36",
    "u": "06 15 14 23 34/36 35 33 43",
    "v": "07 16 13 34 35 26",
    "w": "07 16 13 24 27/24 33 44 35",
    "x": "06 15 13 23/15 26 36/11 13",
    "y": "07 16 14 23 34 36/34 22 10",
    "z": "06 26 35 24 33 22 10",
}
_ROW = 12
"""Pixels to a row of the grid in the master glyphs."""
_ROWS = 10
_MARGIN = 10


class BrokenType:
    """A face of broken type; its letters are cut when first set.

    Glyphs are ``(H, W)`` uint8 coverage; the em is seven rows of the letters' grid.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._seed = int(rng.integers(2**31))
        self._width = uniform(rng, 0.62, 0.95)
        self._space = uniform(rng, 0.5, 1.1)
        angle, nib = uniform(rng, 0.55, 0.95), uniform(rng, 0.7, 1.2) * _ROW
        self._flourish = uniform(rng, 0.3, 1.0)
        reach = int(np.ceil(nib / 2))
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
        way = np.array([np.cos(angle), -np.sin(angle)]) * nib / 2
        start, end = (tuple(np.rint(reach + s * way).astype(int).tolist()) for s in (-1, 1))
        cv2.line(kernel, start, end, 1, max(1, round(0.14 * nib)))
        self._nib = kernel
        self._cut: dict[str, NDArray[np.uint8]] = {}
        self._sized: dict[tuple[str, int], NDArray[np.uint8]] = {}

    def glyph(self, character: str, size: int) -> NDArray[np.uint8]:
        """A letter for an em of ``size`` pixels; all letters of a size are equally high."""
        key = character, size
        if key not in self._sized:
            master = self._master(character)
            scale = size / (7 * _ROW)
            extent = max(1, round(master.shape[1] * scale)), max(1, round(master.shape[0] * scale))
            self._sized[key] = np.asarray(
                cv2.resize(master, extent, interpolation=cv2.INTER_AREA), np.uint8
            )
        return self._sized[key]

    def length(self, word: str, size: int) -> float:
        """Width of a word in pixels."""
        return float(sum(self._advance(character, size) for character in _spelled(word)))

    def set(
        self, canvas: NDArray[np.uint8], word: str, size: int, spot: tuple[float, float]
    ) -> None:
        """Set a word on an ``(H, W)`` canvas in place; ``spot`` is the left of its baseline."""
        x, scale = spot[0], size / (7 * _ROW)
        for character in _spelled(word):
            block = self.glyph(character, size)
            left = round(x - _MARGIN * scale)
            top = round(spot[1] - ((ASCENDER - BASELINE + 0.5) * _ROW + _MARGIN) * scale)
            y0, x0 = max(top, 0), max(left, 0)
            y1 = min(top + block.shape[0], canvas.shape[0])
            x1 = min(left + block.shape[1], canvas.shape[1])
            if y1 > y0 and x1 > x0:
                part = block[y0 - top : y1 - top, x0 - left : x1 - left]
                np.maximum(canvas[y0:y1, x0:x1], part, out=canvas[y0:y1, x0:x1])
            x += self._advance(character, size)

    def _advance(self, character: str, size: int) -> float:
        scale = size / (7 * _ROW)
        inner = self._master(character).shape[1] - 2 * _MARGIN
        return float((inner + (self._space + 0.4) * _ROW) * scale)

    def _master(self, character: str) -> NDArray[np.uint8]:
        """A letter at its largest: thin strokes, swept by the nib."""
        if character in self._cut:
            return self._cut[character]
        rng = np.random.default_rng((self._seed, ord(character)))
        broken = _BROKEN.get(character)
        paths = letter_paths(character) if broken is None else parsed(broken)
        strokes = [self._stroke(rng, stroke, broken is not None) for stroke in paths]
        if character.isupper():
            strokes.append(self._swash(rng))
        right = max(float(stroke[:, 0].max()) for stroke in strokes)
        extent = round(right * _ROW) + 2 * _MARGIN, round(_ROWS * _ROW) + 2 * _MARGIN
        canvas = np.zeros(extent[::-1], np.uint8)
        for stroke in strokes:
            placed = stroke * np.array([1, -1]) + np.array([0, ASCENDER + 0.5])
            points = np.rint((placed * _ROW + _MARGIN) * 16).astype(np.int32)
            cv2.polylines(canvas, [points], False, 255, 2, cv2.LINE_AA, 4)
        self._cut[character] = np.asarray(cv2.dilate(canvas, self._nib), np.uint8)
        return self._cut[character]

    def _stroke(self, rng: np.random.Generator, stroke: Path, broken: bool) -> Path:
        """A stroke as this face has it: narrowed, and bent where it is not to be broken."""
        moved = f32(stroke * np.array([self._width, 1]) + rng.normal(0, 0.1, stroke.shape))
        moved[:, 0] = np.maximum(moved[:, 0], 0)
        if len(moved) == 1:
            return f32(np.concatenate([moved, moved + np.array([[0.25, -0.25]])]))
        return moved if broken else smooth(moved, 4)

    def _swash(self, rng: np.random.Generator) -> Path:
        """The flourish of a capital: a bent stroke beside its stem."""
        reach = self._flourish
        points = np.array([[0.2, 8.6], [0.9, 8.9], [0.5, 6.5], [1.0, 4.5], [0.1, 3.6]], np.float32)
        return smooth(f32(points * np.array([1 + reach, 1]) + rng.normal(0, 0.2, points.shape)), 4)


def _spelled(word: str) -> str:
    """Within a word, s is long."""
    return word[:-1].replace("s", "ſ") + word[-1:]
