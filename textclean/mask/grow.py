"""How far to grow the strokes: as far as the image itself says, and not across a border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.mask.morphology import Components, dilate, local_range

if TYPE_CHECKING:
    from textclean.mask.strokes import Strokes
    from textclean.types import Image, Mask

_EVEN = 0.015  # share of edge pixels that may still stand out
_COUNTER = 0.6  # longer side of a letter's counter at most, in line heights


def grow(
    image: Image, strokes: Strokes, height: float, *, pixels: int | None = None
) -> tuple[Mask, int]:
    """Grow the strokes; returns the mask and by how many pixels.

    On a plain background the candidates 1, 2, 3 ... are tried until the pixels along the mask's
    edge are background (after PanelCleaner's idea of judging candidate masks by how even the image
    is along their edge), one pixel is added, and the counters of letters are filled. Over art the
    edge is judged by the step across it. Art, with the pixel next to it, is never grown over.

    Args:
        image: ``(H, W, 3)`` uint8 crop.
        strokes: What was found in it.
        height: Line height in pixels.
        pixels: Grow by exactly this much instead.
    """
    if not strokes.mask.any():
        return strokes.mask, 0
    if pixels is None:
        if strokes.surface is not None:
            pixels = _until_plain(image, strokes, height)
        else:
            pixels = _until_even(image, strokes.mask, height)
    grown = dilate(strokes.mask, pixels)
    if strokes.surface is not None:
        art = dilate(strokes.art, 1)
        grown = _filled(grown, art, _COUNTER * height) & ~art | strokes.mask
    return grown, pixels


def _filled(mask: Mask, art: Mask, largest: float) -> Mask:
    """The mask with its small holes: counters of letters, where compression left its noise.

    Holes in which there is art stay.
    """
    holes = Components.of(~mask, connectivity=4)
    edges = (holes.labels[0], holes.labels[-1], holes.labels[:, 0], holes.labels[:, -1])
    small = (holes.longest <= largest) & (holes.count(art) == 0)
    small[np.unique(np.concatenate(edges))] = False
    return mask | holes.select(small)


def _until_plain(image: Image, strokes: Strokes, height: float) -> int:
    assert strokes.surface is not None
    limit = max(3, min(12, round(0.25 * height)))
    level = max(6.0, 3.0 * strokes.surface.spread)
    stands_out = strokes.surface.distance(image) > level
    stands_out &= ~dilate(strokes.art, 2)
    inner = dilate(strokes.mask, 1)
    for radius in range(1, limit + 1):
        outer = dilate(strokes.mask, radius + 1)
        edge = outer & ~inner
        if not edge.any() or float(stands_out[edge].mean()) <= _EVEN:
            return radius + 1
        inner = outer
    return limit


def _until_even(image: Image, mask: Mask, height: float) -> int:
    """The smallest growth whose edge step is within a tenth of the evenest's."""
    limit = max(4, min(8, round(0.15 * height)))
    step = local_range(image)
    scores = []
    inner = dilate(mask, 1)
    for radius in range(1, limit + 1):
        outer = dilate(mask, radius + 1)
        edge = outer & ~inner
        scores.append(float(step[edge].mean()) if edge.any() else 0.0)
        inner = outer
    target = min(scores) * 1.1 + 0.5
    return 1 + next(i + 1 for i, score in enumerate(scores) if score <= target)
