"""The signs of a line that runs to the right: where they stand, and at what pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mask

_LARGE: Final = 0.6  # of the largest marks' size: what a sign beside the line, or a dot, is not
_OUTER: Final = 0.13  # share of marks that may reach beyond the others
_BEYOND: Final = 0.06  # of their usual size by which marks may reach beyond the others
_LETTER: Final = 0.4  # of the tallest mark's height: what a dot is not
_SQUARE: Final = 0.7, 1.1  # width of signs that fill a cell, in the line's height
_PITCHES: Final = np.arange(0.92, 1.4, 0.01)  # distances of signs, in the line's height
_USUAL: Final = 1.08  # the most common one
_UNUSUAL: Final = 0.075  # ink on borders that speaks against a pitch, for each line's height
_UNSEEN: Final = 2.0, 0.2  # borders that are taken for granted, and the ink on them


def body(ink: Mask) -> Mask:
    """A line without what stands beside it: ruby, emphasis dots, parts of other lines and borders.

    Large marks around the middle say from where to where the line reaches; what has its middle
    beyond that goes, and what reaches far beyond it is cut off.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
    boxes = stats[1:, :4].astype(np.float32)
    if not len(boxes):
        return ink
    size = boxes[:, 2:].max(axis=1)
    large = size >= _LARGE * float(np.quantile(size, 0.9))
    middle = boxes[:, 1] + boxes[:, 3] / 2
    away = np.abs(middle - float(np.median(middle[large])))
    usual = float(np.quantile(size[large], 0.75))
    central = large & (away <= 0.5 * usual)
    if not central.any():
        return ink
    outer = int(_OUTER * np.count_nonzero(central))
    top = float(np.sort(boxes[central, 1])[outer])
    bottom = float(np.sort((boxes[:, 1] + boxes[:, 3])[central])[-1 - outer])
    kept = np.concatenate([[False], (middle >= top) & (middle <= bottom)])
    found = np.asarray(kept[labels], bool)
    found[: max(round(top - _BEYOND * usual), 0)] = False
    found[round(bottom + _BEYOND * usual) :] = False
    return found if found.any() else ink


def thickness(ink: Mask) -> float:
    """Pixels from the topmost ink to the lowest."""
    rows = np.flatnonzero(ink.any(axis=1))
    return float(rows[-1] - rows[0] + 1) if len(rows) else 0.0


def letters(ink: Mask) -> NDArray[np.float32]:
    """``(n, 4)`` x, y, width, height of marks that are no dots; of all when there are only dots."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
    boxes = stats[1:, :4].astype(np.float32)
    large = boxes[:, 2:].max(axis=1) >= _LETTER * float(boxes[:, 3].max())
    return boxes[large] if large.any() else boxes


def standing(inks: Sequence[Mask]) -> float:
    """Share of marks that stand on one line with others: most in an alphabet, 0.6 elsewhere."""
    count = total = 0
    for ink in inks:
        marks = letters(ink)
        bottoms = marks[:, 1] + marks[:, 3]
        near = max(1.0, 0.06 * float(np.quantile(marks[:, 3], 0.85)))
        count += int((np.abs(bottoms[:, None] - bottoms[None]) <= near).sum(axis=1).max()) - 1
        total += len(marks)
    return count / max(total, 1)


def squares(inks: Sequence[Mask], height: float) -> float:
    """Share of the lines' length, without gaps, in pieces about as wide as the lines are high."""
    lengths = np.concatenate([_lengths(ink) for ink in inks]) / height
    square = (lengths > _SQUARE[0]) & (lengths < _SQUARE[1])
    return float(lengths[square].sum() / lengths.sum())


def pitch(inks: Sequence[Mask], height: float) -> tuple[float, float]:
    """At what distance signs follow one another, if they do at any that is near to their height.

    Borders are laid across the lines at every distance, and where there is the least ink.

    Returns:
        The distance in pixels whose borders have the least ink on them; and how much that is, in
        the ink of any place: 0.03 for signs in cells, 0.2 for an alphabet.
    """
    profiles = [np.trim_zeros(ink.sum(axis=0).astype(np.float64)) for ink in inks]
    distances = _PITCHES * height
    weight = np.full(len(distances), _UNSEEN[0])
    inked = weight * _UNSEEN[1]
    for profile in profiles:
        count, crossed = _crossed(profile, distances)
        weight, inked = weight + count, inked + count * crossed
    share = inked / weight
    against = share + _UNUSUAL * np.abs(_PITCHES - _USUAL)
    best = int(against.argmin())
    return float(distances[best]), float(share[best])


def _crossed(
    profile: NDArray[np.float64], distances: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """How many borders cross a line at each distance, and the least ink on them, in any place's.

    All distances and places of the first border at once: ``(distances, places, borders)``.
    """
    length = len(profile)
    steps = np.maximum(0.5, distances / 40)
    first = -distances[:, None] + steps[:, None] * np.arange(int((distances / steps).max()) + 1)
    borders = distances[:, None] * np.arange(int(length / distances.min()) + 2)
    places = np.rint(first[:, :, None] + borders[:, None, :]).astype(np.intp)
    inside = (places > 0) & (places < length - 1) & (first < 0)[:, :, None]
    count = inside.sum(axis=2)
    ink = np.where(inside, profile[np.clip(places, 0, length - 1)], 0.0).sum(axis=2)
    ink = ink / np.maximum(count, 1) / profile.mean()
    # As many as there is room for, or one less.
    most = count.max(axis=1, keepdims=True)
    ink[count < np.maximum(1, most - 1)] = np.inf
    best = ink.argmin(axis=1)[:, None]
    count = np.take_along_axis(count, best, 1)[:, 0]
    return count, np.where(count > 0, np.take_along_axis(ink, best, 1)[:, 0], 0.0)


def _lengths(ink: Mask) -> NDArray[np.intp]:
    """Of the pieces that gaps part a line into, in pixels."""
    steps = np.diff(ink.any(axis=0).astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)
