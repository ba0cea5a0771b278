"""Breaking a text into lines that fit a rectangle or an ellipse, in the largest size that does."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textclean.types import Box

SMALLEST: Final = 6
"""Pixels of type below which nothing can be read."""

LEADING: Final = 1.18
"""Ems from line to line."""


class Measure(Protocol):
    """Tells how long a text is in a size of type."""

    def __call__(self, text: str, size: int) -> float:
        """Pixels."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines in their places.

    Attributes:
        size: Size of type in pixels.
        lines: Each with the middle of its em box, x and y in pixels of the page.
        fits: Whether all of it lies inside; False where even the smallest type is too large.
    """

    size: int
    lines: tuple[tuple[str, float, float], ...]
    fits: bool = True


def fit(text: str, box: Box, measure: Measure, *, most: float, is_round: bool = False) -> Fitted:
    """Set a text centred into a box, or into the ellipse that fills it.

    Args:
        text: Its own line breaks are kept.
        box: On the page.
        measure: Tells the length of a text.
        most: The largest size of type.
        is_round: Whether the room is the ellipse.
    """
    low, high = SMALLEST, max(int(most), SMALLEST)
    best = _lines(text, box, measure, low, is_round)
    if best is None:
        return _regardless(text, box, measure)
    size = low
    while low < high:
        middle = (low + high + 1) // 2
        found = _lines(text, box, measure, middle, is_round)
        if found is None:
            high = middle - 1
        else:
            low, best, size = middle, found, middle
    return Fitted(size, _placed(best, box, size))


def words_of(text: str) -> list[str]:
    """Pieces between which a line may end; a piece keeps the space before it.

    Scripts that are written without spaces may break between any two characters, but not before
    closing punctuation.
    """
    pieces: list[str] = []
    for word in re.findall(r"\s*\S+", text):
        start = 0
        for index in range(1, len(word)):
            before, after = word[index - 1], word[index]
            if _is_wide(before) and unicodedata.category(after) not in ("Pe", "Pf", "Po", "Lm"):
                pieces.append(word[start:index])
                start = index
        pieces.append(word[start:])
    return pieces


def _lines(text: str, box: Box, measure: Measure, size: int, is_round: bool) -> list[str] | None:
    """The fewest lines that fit, or None."""
    height = box[3] - box[1]
    paragraphs = [words_of(paragraph) for paragraph in text.split("\n")]
    for count in range(len(paragraphs), math.floor(height / (LEADING * size)) + 1):
        room = _room(box, size, count, is_round)
        lines = _broken(paragraphs, lambda piece: measure(piece, size), room)
        if lines is not None and len(lines) <= count:
            # Fewer than planned would stand elsewhere, where there may be less room.
            return lines + [""] * (count - len(lines)) if is_round else lines
    return None


def _room(box: Box, size: int, count: int, is_round: bool) -> list[float]:
    """How wide each of some lines may be."""
    width, height = box[2] - box[0], box[3] - box[1]
    if not is_round:
        return [float(width)] * count
    step, rooms = LEADING * size, []
    for number in range(count):
        middle = (number - (count - 1) / 2) * step
        farthest = (abs(middle) + size / 2) / (height / 2)
        rooms.append(width * math.sqrt(max(0.0, 1.0 - farthest * farthest)))
    return rooms


def _broken(
    paragraphs: Sequence[Sequence[str]], length: Callable[[str], float], room: Sequence[float]
) -> list[str] | None:
    lines: list[str] = []
    for words in paragraphs:
        current = ""
        for word in words:
            joined = current + word if current else word.lstrip()
            if len(lines) < len(room) and length(joined) <= room[len(lines)]:
                current = joined
                continue
            if not current:
                return None
            lines.append(current)
            current = word.lstrip()
            if len(lines) >= len(room) or length(current) > room[len(lines)]:
                return None
        lines.append(current)
    return lines


def _placed(lines: Sequence[str], box: Box, size: int) -> tuple[tuple[str, float, float], ...]:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    first = y - (len(lines) - 1) / 2 * LEADING * size
    return tuple(
        (line, x, first + number * LEADING * size) for number, line in enumerate(lines) if line
    )


def _regardless(text: str, box: Box, measure: Measure) -> Fitted:
    """In the smallest type, as wide as the box and as high as it gets."""
    wide = float(max(box[2] - box[0], max(measure(w, SMALLEST) for w in [*text.split(), ""])))
    paragraphs = [words_of(paragraph) for paragraph in text.split("\n")]
    lines = _broken(paragraphs, lambda piece: measure(piece, SMALLEST), [wide] * (len(text) + 1))
    return Fitted(SMALLEST, _placed(lines or [text], box, SMALLEST), fits=False)


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"
