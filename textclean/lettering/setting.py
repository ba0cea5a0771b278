"""How lines of text are set: slant, alignment, spacing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.lettering.lines import Line
    from textclean.types import Align

_SLANTS: Final = np.arange(-24.0, 34.5, 1.5)  # degrees
_UPRIGHT: Final = 1.04  # how much sharper a slanted view must be


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
