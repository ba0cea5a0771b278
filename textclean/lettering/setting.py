"""How lines of text are set: the size of their type, slant, alignment, spacing.

The size is that of the em. Glyphs of East Asian scripts fill most of it. Of Latin, Greek and
Cyrillic letters, capitals and those with a long stem are about 0.72 em high, and so are the small
ones with a tail.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.lettering.lines import Line
    from textclean.types import Align, Mask, Region

_CAPITAL: Final = 0.72  # height of a capital in ems
_FULL: Final = 0.93  # width or height of a full-width glyph in ems
_BASELINE: Final = 0.6  # share of marks that stand on one line from which on it is an alphabet
_NARROW: Final = 0.965  # width in heights under which most tall letters of an alphabet stay
_SLANTS: Final = np.arange(-24.0, 34.5, 1.5)  # degrees
_UPRIGHT: Final = 1.04  # how much sharper a slanted view must be


def font_size(lines: Sequence[Line], region: Region) -> float:
    """Height of the em in pixels.

    Args:
        lines: The lines.
        region: Says how they run and, where it was recognized, what they say.
    """
    if region.direction == "vertical":
        return float(np.median([_width(line.ink) for line in lines])) / _FULL
    if _is_alphabet(lines, region.text):
        heights = np.concatenate([_marks(line.ink)[:, 3] for line in lines])
        return float(np.quantile(heights, 0.85)) / _CAPITAL
    return float(np.median([_width(line.ink.T) for line in lines])) / _FULL


def slant(lines: Sequence[Line]) -> float:
    """Degrees by which strokes lean to the right: where the columns' ink is the most uneven."""
    scores = np.zeros(len(_SLANTS))
    for line in lines:
        ys, xs = np.nonzero(line.ink)
        for index, angle in enumerate(_SLANTS):
            # Undone: what leans to the right by that much stands upright.
            moved = np.rint(xs + (ys - ys.mean()) * np.tan(np.radians(angle))).astype(int)
            scores[index] += float(np.square(np.bincount(moved - moved.min())).sum())
    best = int(scores.argmax())
    straight = float(np.interp(0.0, _SLANTS, scores))
    return float(_SLANTS[best]) if scores[best] > _UPRIGHT * straight else 0.0


def alignment(lines: Sequence[Line]) -> Align:
    """Which of the lines' starts, middles and ends agree best; a single line is centred."""
    if len(lines) < 2:
        return "center"
    starts = np.array([line.start for line in lines])
    ends = np.array([line.end for line in lines])
    spread = {
        "start": float(starts.std()),
        "center": float(((starts + ends) / 2).std()),
        "end": float(ends.std()),
    }
    # Of lines of one length, all agree.
    best = min(spread.values()) + 0.5
    order: tuple[Align, ...] = ("center", "start", "end")
    return next(name for name in order if spread[name] <= best)


def spacing(lines: Sequence[Line]) -> float | None:
    """Pixels from one line to the next, or None for a single one."""
    if len(lines) < 2:
        return None
    steps = np.abs(np.diff([line.across for line in lines]))
    return round(float(np.median(steps)), 1)


def _is_alphabet(lines: Sequence[Line], text: str | None) -> bool:
    """Whether the letters stand on a line, rather than fill squares."""
    if text:
        letters = [sign for sign in text if unicodedata.category(sign)[0] == "L"]
        wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in letters)
        if letters:
            return 2 * wide < len(letters)
    standing = total = 0
    shapes = []
    for line in lines:
        marks = _marks(line.ink)
        bottoms = marks[:, 1] + marks[:, 3]
        tall = float(np.quantile(marks[:, 3], 0.85))
        near = np.abs(bottoms[:, None] - bottoms[None]) <= max(1.0, 0.06 * tall)
        standing += int(near.sum(axis=1).max())
        total += len(marks)
        large = marks[marks[:, 3] >= 0.85 * tall]
        shapes.append(large[:, 2] / large[:, 3])
    narrow = float(np.quantile(np.concatenate(shapes), 0.75)) < _NARROW
    return narrow and standing >= _BASELINE * total


def _marks(ink: Mask) -> NDArray[np.float32]:
    """``(n, 4)`` x, y, width, height of marks that are no dots; of all when there are only dots."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
    boxes = stats[1:, :4].astype(np.float32)
    large = boxes[:, 2:].max(axis=1) >= 0.4 * float(boxes[:, 3].max())
    return boxes[large] if large.any() else boxes


def _width(ink: Mask) -> float:
    """How wide a column is where its ink reaches its usual extent on either side."""
    columns = np.flatnonzero(ink.any(axis=0))
    return float(columns[-1] - columns[0] + 1)
