"""The text of PDF pages, as PDFium finds it: another library than the one that writes them."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textclean.io.render import PDFIUM_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textclean.types import Mask

_STEP = 0.25
"""Characters whose boxes agree to so many points are the same."""


@dataclass(frozen=True, slots=True)
class Char:
    """One character on a page.

    Attributes:
        text: The character.
        box: Left, bottom, right and top in user space, in whole steps: what the font gives the
            character, which is what a program sees that removes it, and not the ink alone.
        word: Number of the word that it is in; no part of what makes two characters equal.
    """

    text: str
    box: tuple[int, int, int, int]
    word: int = field(default=0, compare=False)


class TextReader:
    """Reads the text of one PDF."""

    def __init__(self, path: Path, password: str | None) -> None:
        """Open the file."""
        import pypdfium2 as pdfium

        with PDFIUM_LOCK:
            self._document: Any = pdfium.PdfDocument(path, password=password)

    def chars(self, number: int) -> list[Char]:
        """The characters of a page in reading order; spaces left out."""
        with PDFIUM_LOCK:
            page = self._document[number - 1]
            text = page.get_textpage()
            try:
                return list(_chars(text))
            finally:
                text.close()
                page.close()

    def image_box(self, number: int) -> tuple[float, float, float, float] | None:
        """What the images of a page cover together: left, bottom, right, top; None = no image."""
        import pypdfium2.raw as raw

        with PDFIUM_LOCK:
            page = self._document[number - 1]
            try:
                found = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])
                boxes = [item.get_bounds() for item in found]
            finally:
                page.close()
        if not boxes:
            return None
        left, bottom, right, top = zip(*boxes, strict=True)
        return min(left), min(bottom), max(right), max(top)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with PDFIUM_LOCK:
            self._document.close()


def differing_text(before: list[Char], after: list[Char]) -> tuple[list[Char], list[Char]]:
    """The characters that are gone, and those that are new, in reading order."""
    gone, new = Counter(before), Counter(after)
    return _taken(before, gone - new), _taken(after, new - gone)


def lying_in(
    chars: list[Char], area: Mask, frame: Frame
) -> tuple[list[Char], list[Char], list[Char]]:
    """The characters whose boxes an area touches, the rest of their words, and all others.

    The box counts and not its middle: strokes are masked, and the middle of an "o" is none.

    Args:
        chars: Characters of a page.
        area: ``(H, W)`` bool, upright.
        frame: Where the area lies on the page.
    """
    inside: list[Char] = []
    others: list[Char] = []
    height, width = area.shape
    for char in chars:
        left, bottom, right, top = (edge * _STEP for edge in char.box)
        corners = frame.place(left, bottom), frame.place(right, top)
        columns = sorted(u * width for u, _ in corners)
        rows = sorted(v * height for _, v in corners)
        touched = area[
            max(math.floor(rows[0]), 0) : max(math.ceil(rows[1]), 0),
            max(math.floor(columns[0]), 0) : max(math.ceil(columns[1]), 0),
        ]
        (inside if np.any(touched) else others).append(char)
    words = {char.word for char in inside}
    beside = [char for char in others if char.word in words]
    return inside, beside, [char for char in others if char.word not in words]


class Frame(NamedTuple):
    """Where a picture lies on a page.

    Attributes:
        box: Left, bottom, right and top in user space.
        rotation: Clockwise rotation of the page when it is shown, in degrees.
    """

    box: tuple[float, float, float, float]
    rotation: int

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Shares of the upright picture's width and height, from the top left corner."""
        left, bottom, right, top = self.box
        u = (x - left) / max(right - left, 1e-9)
        v = (top - y) / max(top - bottom, 1e-9)
        for _ in range(self.rotation // 90 % 4):
            u, v = 1 - v, u
        return u, v


def _chars(text: Any) -> Iterator[Char]:
    import pypdfium2.raw as raw

    word = 0
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        shown = chr(code) if 0 < code <= 0x10FFFF else ""
        if not shown.strip():
            word += 1
            continue
        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(text, index, ctypes.byref(box))  # all zeros when it has none
        a, b, c, d = (round(edge / _STEP) for edge in (box.left, box.bottom, box.right, box.top))
        yield Char(shown, (a, min(b, d), c, max(b, d)), word)


def _taken(chars: list[Char], wanted: Counter[Char]) -> list[Char]:
    left = wanted.copy()
    found = []
    for char in chars:
        if left[char] > 0:
            left[char] -= 1
            found.append(char)
    return found
