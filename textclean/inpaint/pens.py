"""Thin pens: what colour and darkness tell of the print beneath, beside what the network says.

A thin stroke has no even core to be divided out as in :mod:`textclean.inpaint.dyes`. But a red or
blue one has a colour, and of a pixel's three densities that of the dye and that of the print, which
is grey, can be told apart. The rim of a stroke covers a part of each pixel: there the light of what
is covered and of what is not is added up, and a coverage is looked for that leaves grey. Where
little light comes through there is little to tell, so channels are weighted by their light. And a
grey pen has a usual darkness: where the page's print is darker by far, so is what lies over it. A
network knows what print looks like and errs elsewhere: the mean of both is better than either, by 1
to 3 dB. What colour tells to be blank seldom is anything else, and counts for more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.dyes import PURE
from textclean.inpaint.foreign import print_near, told_and_unseen
from textclean.inpaint.inked import Inked, OnPaper
from textclean.inpaint.paper import densities
from textclean.surface import strongest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

    Plane = NDArray[np.float32]

INKED = 0.25
"""Density from which on there is ink."""
FEWEST = 60
"""Pixels of a stroke from which its ink is known well enough."""
COLORED = 0.35
"""Difference of the densities of a stroke's most coloured pixels, at least."""
ASTRAY = 0.35
"""Share of its density by which a stroke may miss its colour in the median."""
COVERAGES = np.linspace(0, 1, 21, dtype=np.float32)
"""Shares of a pixel that a stroke may cover."""
THICKER = np.array((1.05, 1.1, 1.15), np.float32)
"""Times its usual thickness that a pen's ink may have where it covers all of a pixel."""
BLANK, MOSTLY = 0.2, 0.8
"""Density up to which a coloured pen tells that there is no print, and how much that counts."""
AT_ONCE = 20_000
"""Pixels that are looked at together: what bounds the memory."""
BINS = np.arange(0.3, 4.2, 0.1)
"""Mean densities among which a grey stroke's commonest is looked for."""
SURE = 0.1
"""Density over a grey stroke's commonest that is still its own."""
DARK = 0.6
"""Mean density from which on what is known is print."""
PURE_PRINT = 0.7
"""Quantile of what is known of print that is its own darkness: of small type most is its rim."""
FOREIGN, SEVERAL = 0.3, 150
"""Share of what is told to be print that the network sees none of, from which on it is another ink;
and pixels of it that this takes."""
APART = 0.8
"""Density by which print must be darker than a grey stroke to be told from it."""


class ThinPens(OnPaper):
    """An inpainter that is helped where thin pens went over print.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _by_sheet(self, page: Inked, filled: Image) -> Image:
        return helped(page, filled)


def helped(page: Inked, filled: Image) -> Image:
    """The filled page, under pen strokes the mean of it and of what their densities tell.

    Args:
        page: The page with its ink.
        filled: ``(H, W, 3)`` uint8.
    """
    paper, density, mask = page.paper, page.density, page.mask
    mean = density.mean(axis=2)
    known = mean[~mask & (mean > DARK)]
    print_ = float(np.quantile(known, PURE_PRINT)) if len(known) >= FEWEST else 0.0
    near = print_near(mean, mask)
    inked = page.see_through & (strongest(density) > INKED)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        inked.astype(np.uint8), connectivity=8
    )
    out = filled.copy()
    for index in range(1, count):
        x, y, width, height, area = (int(value) for value in boxes[index])
        if area < FEWEST:
            continue
        box = np.s_[y : y + height, x : x + width]
        own = labels[box] == index
        sheet, given = paper[box][own], filled[box][own]
        found = _beneath(density[box][own], print_)
        if found is None:
            continue
        grey, colored = found
        seen = densities(given, sheet).mean(axis=1)
        told, unseen = told_and_unseen(grey, seen, near[box][own])
        if told.sum() >= SEVERAL and unseen.sum() > FOREIGN * told.sum():
            continue
        below = np.clip(sheet * np.exp(-grey)[:, None], 0, 255)
        share = np.where(colored & (grey < BLANK), np.float32(MOSTLY), np.float32(0.5))[:, None]
        both = given * (1 - share) + below * share
        out[box][own] = np.rint(both).astype(np.uint8)
    return out


def _beneath(density: Plane, print_: float) -> tuple[Plane, bool] | None:
    """Densities ``(N,)`` of print under a stroke's pixels ``(N, 3)``, and whether a colour tells.

    None = nothing does.

    Args:
        density: The pixels' densities.
        print_: Mean density of the page's print.
    """
    strength = density.max(axis=1) - density.min(axis=1)
    if float(np.percentile(strength, 80)) >= COLORED:
        color = _color(density, strength)
        return None if color is None else (_grey(density, color), True)
    mean = density.mean(axis=1)
    counts, _ = np.histogram(mean, BINS)
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    level = float(BINS[int(smooth.argmax())] + BINS[int(smooth.argmax()) + 1]) / 2
    if print_ < level + APART:
        return None
    return np.asarray(np.maximum(mean - level - SURE, 0), np.float32), False


def _color(density: Plane, strength: Plane) -> Plane | None:
    """A coloured stroke's usual densities ``(3,)``; None = it has not one colour."""
    dyed = density[strength >= 0.75 * np.percentile(strength, 80)]
    color = np.asarray(np.maximum(np.median(dyed, axis=0), 0), np.float32)
    length = float(np.linalg.norm(color))
    if color.max() - color.min() < PURE * color.max():
        return None
    rest = dyed - np.outer(dyed @ color, color) / length**2
    return color if float(np.median(np.linalg.norm(rest, axis=1))) <= ASTRAY * length else None


def _grey(density: Plane, color: Plane) -> Plane:
    """``(N,)``: what print has of the densities ``(N, 3)``, by weighted least squares."""
    covered = -np.log(1 - np.outer(COVERAGES, 1 - np.exp(-color)))
    inks = np.asarray(np.concatenate([covered, np.outer(THICKER, color)]), np.float32)
    print_ = np.empty(len(density), np.float32)
    for start in range(0, len(density), AT_ONCE):
        part = density[start : start + AT_ONCE]
        light = np.exp(-0.5 * np.clip(part, 0, 4))
        total = light.sum(axis=1, keepdims=True)
        # For each ink that may be there, the print that fits best; then the ink that leaves least.
        grey = np.maximum(((light * part).sum(axis=1, keepdims=True) - light @ inks.T) / total, 0)
        rest = np.zeros_like(grey)
        for channel in range(3):
            off = part[:, channel, None] - inks[None, :, channel] - grey
            rest += light[:, channel, None] * np.square(off)
        best = rest.argmin(axis=1)
        print_[start : start + AT_ONCE] = grey[np.arange(len(part)), best]
    return print_
