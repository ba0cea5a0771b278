"""A press: sets text, titles, tables, forms, pictures, notes and bar codes on a canvas."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from textclean.training import drawing
from textclean.training.blackletter import BrokenType
from textclean.training.drawing import chance, draw, log_uniform, pick, uniform
from textclean.training.engravings import engraving
from textclean.training.tone import ramp, random_screen, screened
from textclean.training.words import eastern, latin_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Font, Fonts, Manner, Script

_SCRIPTS: tuple[Script, ...] = ("latin", "japanese", "chinese", "korean")


class Press:
    """Sets print on a canvas that is larger than the page by ``scale``."""

    def __init__(
        self,
        rng: np.random.Generator,
        fonts: Fonts,
        size: tuple[int, int],
        scale: float,
        *,
        broken: bool = False,
        old: bool = False,
    ) -> None:
        self.rng, self.fonts, self.scale, self.old = rng, fonts, scale, old
        self.size = round(size[0] * scale), round(size[1] * scale)
        self.picture = PillowImage.new("L", self.size[::-1])
        self.rules, self.type = np.zeros(self.size, np.uint8), np.zeros(self.size, np.uint8)
        self.pen = ImageDraw.Draw(self.picture)
        self.lines: list[NDArray[np.float32]] = []
        smallest, largest = (11, 60) if old or broken else (9, 34)
        self.glyph = log_uniform(rng, smallest, largest) * scale
        self.script: Script = pick(rng, _SCRIPTS, (0.8, 0.12, 0.04, 0.04))
        if self.script not in fonts.scripts():
            self.script = "latin"
        if old:
            self.script = "latin"
        self.body = fonts.choose(rng, self._manners(), self.script)
        self.long_s, self.german = old and chance(rng, 0.7), old and chance(rng, 0.6)
        self.broken: BrokenType | None = None
        if broken:
            self.script, self.broken = "latin", BrokenType(rng)

    def _manners(self) -> tuple[Manner, ...]:
        """Print, or now and then the face of a comic, as advertisements have it."""
        if self.old:
            return ("old",) if chance(self.rng, 0.6) else ("print",)
        return ("print",) if chance(self.rng, 0.99) else ("comic",)

    def line(
        self, font: Font, glyph: float, spot: tuple[float, float], width: float, *, fill: bool
    ) -> None:
        """One line of text at a left end of the baseline; ``fill`` spreads it over the width."""
        em = max(5, round(glyph))
        words = self._words(font, max(1, round(width / (2.4 * glyph))), int(width / glyph))
        spread = chance(self.rng, 0.15 if self.old or self.broken else 0.04)
        apart = uniform(self.rng, 0.08, 0.3) * glyph if spread else 0.0
        lengths = [self._length(font, em, word, apart) for word in words]
        space = 0.28 * glyph + 2 * apart
        while words and sum(lengths) + space * (len(words) - 1) > width:
            words.pop()
            lengths.pop()
        if not words:
            return
        if fill and len(words) > 1:
            space = min((width - sum(lengths)) / (len(words) - 1), max(0.8 * glyph, space))
        x, y = spot
        for word, length in zip(words, lengths, strict=True):
            self._set(font, em, word, (x, y), apart)
            x += length + space
        self.lines.append(np.array([spot, (x - space, y)], np.float32))

    def _length(self, font: Font, em: int, word: str, apart: float) -> float:
        """Width of a word whose letters are set ``apart`` pixels apart."""
        if self.broken is not None:
            pieces = list(word) if apart else [word]
            return sum(self.broken.length(piece, em) for piece in pieces) + apart * len(word)
        return font.at(em).getlength(word) + apart * len(word)

    def _set(self, font: Font, em: int, word: str, spot: tuple[float, float], apart: float) -> None:
        """Set a word at the left end of its baseline; letter by letter if they are to be apart."""
        x, y = spot
        for piece in list(word) if apart else [word]:
            if self.broken is None:
                self.pen.text((round(x), round(y)), piece, 255, font.at(em), anchor="ls")
            else:
                self.broken.set(self.type, piece, em, (x, y))
            x += self._length(font, em, piece, apart)

    def _words(self, font: Font, words: int, characters: int) -> list[str]:
        """About so many words or characters, as the script has them."""
        if self.script == "latin":
            german = self.german and font.writes("äöüß")
            found = latin_words(self.rng, words, german=german)
            return (
                [self._spelled(word, font) for word in found] if self.old or self.broken else found
            )
        return [eastern(self.rng, max(1, characters), self.script)]

    def _spelled(self, word: str, font: Font) -> str:
        """A word as old books spell it: many capitals, a long s inside."""
        if chance(self.rng, 0.25):
            word = word.capitalize()
        if self.long_s and self.broken is None and font.writes("ſ"):
            word = word[:-1].replace("s", "ſ") + word[-1:]
        return word

    def rule(self, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
        """A straight printed line; the width is in page pixels."""
        path = np.linspace(start, end, 12).astype(np.float32)
        if self.old or self.broken:  # bent brass, unevenly inked
            path += self.rng.normal(0, 0.3 * self.scale, path.shape).astype(np.float32)
            thick = np.float32(width * self.scale) * self.rng.uniform(0.7, 1.2, 12)
            draw(self.rules, path, np.maximum(thick, 1.0).astype(np.float32), 255)
            return
        draw(self.rules, path, max(1.0, width * self.scale), 255)

    def text_block(self, box: tuple[float, float, float, float]) -> None:
        """Paragraphs in a box, justified or ragged, with a heading now and then."""
        rng, (x0, y0, x1, y1) = self.rng, box
        leading = self.glyph * uniform(rng, 1.15, 1.7)
        fill, indent = chance(rng, 0.7), self.glyph * uniform(rng, 0, 2.5)
        y, first = y0 + self.glyph, True
        while y < y1:
            if first and chance(rng, 0.15):
                heading = self.fonts.choose(rng, self._manners(), self.script)
                large = self.glyph * log_uniform(rng, 1.1, 3.0)
                y += large * 0.6
                self.line(heading, large, (x0, y), (x1 - x0) * uniform(rng, 0.3, 1), fill=False)
                y += leading + large * 0.4
            last = chance(rng, 0.14)
            start = x0 + (indent if first else 0)
            width = (x1 - start) * (uniform(rng, 0.2, 0.9) if last else 1.0)
            self.line(self.body, self.glyph, (start, y), width, fill=fill and not last)
            y += leading * (uniform(rng, 1.0, 1.6) if last else 1.0)
            first = last

    def title(self, box: tuple[float, float, float, float]) -> float:
        """A few large lines, as titles and letter heads have, above or below; gives their end."""
        rng, (x0, y, x1, y1) = self.rng, box
        face = self.fonts.choose(rng, self._manners(), self.script)
        for _ in range(int(rng.integers(1, 4))):
            large = log_uniform(rng, 30, 130) * self.scale
            y += large * uniform(rng, 0.9, 1.3)
            if y > y1:
                break
            start = x0 + (x1 - x0) * uniform(rng, 0, 0.4)
            width = max((x1 - start) * uniform(rng, 0.4, 1.2), 2.5 * large)
            self.line(face, large, (start, y), width, fill=False)
            if chance(rng, 0.3):
                face = self.fonts.choose(rng, self._manners(), self.script)
        return y + self.glyph * uniform(rng, 0.6, 3)

    def table(self, box: tuple[float, float, float, float]) -> None:
        """Ruled cells with short entries."""
        rng, (x0, y0, x1, y1) = self.rng, box
        step = self.glyph * uniform(rng, 1.4, 2.4)
        columns = np.linspace(x0, x1, int(rng.integers(3, 7)))
        width = uniform(rng, 0.7, 2.0)
        ruled = pick(rng, ("all", "rows", "none"), (0.55, 0.3, 0.15))
        counted = rng.random(len(columns) - 1) < 0.4
        for y in np.arange(y0, y1, step):
            if ruled != "none":
                self.rule((x0, y), (x1, y), width)
            for (left, right), numeric in zip(pairwise(columns), counted, strict=True):
                if not chance(rng, 0.8):
                    continue
                room = (right - left - self.glyph) * uniform(rng, 0.3, 1)
                spot = (left + self.glyph * 0.4, y + step * 0.68)
                if numeric:
                    self.number((spot[0] + room * uniform(rng, 0, 0.6), spot[1]))
                else:
                    self.line(self.body, self.glyph, spot, max(room, self.glyph), fill=False)
        if ruled == "all":
            for x in columns:
                self.rule((x, y0), (x, y1), width)

    def number(self, spot: tuple[float, float]) -> None:
        """A number at a left end of the baseline, by itself, as in tables and on margins."""
        if self.broken is not None:
            return
        digits = str(int(self.rng.integers(10 ** int(self.rng.integers(1, 5)))))
        word = digits + pick(self.rng, ("", ".", ")", ",5", "%"), (0.68, 0.14, 0.06, 0.08, 0.04))
        self._set(self.body, max(5, round(self.glyph)), word, spot, 0.0)

    def numbers(self, count: int) -> None:
        """Numbers by themselves wherever there is nothing yet."""
        for _ in range(count):
            x, y = self.rng.uniform(0, 1, 2) * self.size[::-1]
            room = (round(x), round(y - self.glyph), round(x + 2 * self.glyph), round(y))
            if self.picture.crop(room).getbbox() is None:
                self.number((x, y))

    def form(self, box: tuple[float, float, float, float]) -> None:
        """Labels followed by dotted or ruled lines to write on."""
        rng, (x0, y0, x1, y1) = self.rng, box
        for y in np.arange(y0 + self.glyph, y1, self.glyph * uniform(rng, 1.8, 3)):
            width = (x1 - x0) * uniform(rng, 0.15, 0.5)
            self.line(self.body, self.glyph, (x0, y), width, fill=False)
            self.rule((x0 + width, y), (x1, y), uniform(rng, 0.7, 1.6))

    def engraving(self, box: tuple[float, float, float, float]) -> None:
        """A picture in a box: tone, or lines whose width follows a shape."""
        rng, (x0, y0, x1, y1) = self.rng, (round(v) for v in box)
        x0, y0 = max(x0, 0), max(y0, 0)
        x1, y1 = min(x1, self.size[1]), min(y1, self.size[0])
        if x1 - x0 < 8 or y1 - y0 < 8:
            return
        extent = (y1 - y0, x1 - x0)
        if chance(rng, 0.5):
            pitch = log_uniform(rng, 2.5, 7) * self.scale
            tone = drawing.u8(255 * engraving(rng, extent, pitch))
        else:
            relief = drawing.field(rng, extent, 0.4 * max(extent), octaves=4)
            darkness = np.clip(ramp(rng, extent) + 0.25 * relief, 0, 1).astype(np.float32)
            shapes = ("line", "round", "cross", "grain", "wave")
            shape = pick(rng, shapes, (0.4, 0.3, 0.1, 0.1, 0.1))
            screen = random_screen(rng, shape=shape, pitch=log_uniform(rng, 3, 8))
            tone = 255 - screened(darkness, screen.thresholds(extent, self.scale), 0.2)
        self.rules[y0:y1, x0:x1] = np.maximum(self.rules[y0:y1, x0:x1], tone)

    def staff(self, box: tuple[float, float, float, float]) -> None:
        """Musical notes on their five lines."""
        rng, (x0, y0, x1, y1) = self.rng, box
        gap = self.glyph * uniform(rng, 0.35, 0.6)
        for top in np.arange(y0, y1, gap * uniform(rng, 9, 14)):
            for k in range(5):
                self.rule((x0, top + k * gap), (x1, top + k * gap), 0.8)
            for x in np.arange(x0 + gap, x1, gap * uniform(rng, 2, 4)):
                y = top + gap * 0.5 * int(rng.integers(-2, 11))
                centre = (round(x), round(y))
                axes = (max(1, round(gap * 0.6)), max(1, round(gap * 0.45)))
                hollow = max(1, round(self.scale)) if chance(rng, 0.2) else cv2.FILLED
                cv2.ellipse(self.rules, centre, axes, -20, 0, 360, 255, hollow, cv2.LINE_AA)
                self.rule((x + gap * 0.55, y), (x + gap * 0.55, y - 3.2 * gap), 1.0)

    def bars(self, box: tuple[float, float, float, float]) -> None:
        """A bar code."""
        rng, (x0, y0, x1, y1) = self.rng, box
        x, unit = x0, max(1.0, self.scale * uniform(rng, 1, 2.5))
        while x < x1:
            width = unit * int(rng.integers(1, 4))
            ends = (round(x), round(y0)), (round(x + width) - 1, round(min(y1, y0 + 60 * unit)))
            cv2.rectangle(self.rules, *ends, 255, cv2.FILLED)
            x += width + unit * int(rng.integers(1, 4))
