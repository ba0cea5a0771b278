"""Coloured pens: what their colour tells of the print beneath, beside what the network says.

A thin stroke of red or blue has no even core, but it has a colour, and of a pixel's three densities
that of the dye and that of the print, which is grey, can be told apart as in
:mod:`textclean.inpaint.dyes`. Where little light comes through there is little to tell, so the
channels are weighted by their light, and the rim of a stroke is mixed with paper. A network knows
what print looks like and errs elsewhere: the mean of both is better than either, by 1 to 2.5 dB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.dyes import PURE
from textclean.inpaint.paper import densities, measure_paper
from textclean.inpaint.wrapped import Wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

    Plane = NDArray[np.float32]

INKED = 0.25
"""Density from which on there is ink."""
FEWEST = 200
"""Pixels of a stroke from which its colour is known well enough."""
COLORED = 0.35
"""Difference of the densities of a stroke's most coloured pixels, at least."""
ASTRAY = 0.35
"""Share of its density by which a stroke may miss its colour in the median."""
THICKEST = 1.15
"""Times its usual thickness that a pen's ink has at most."""


class ColoredPens(Wrapped):
    """An inpainter that is helped where coloured pens went over print.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        filled, errors = super().fill_with_error(image, mask, see_through)
        if see_through is not None and see_through.any():
            filled = helped(image, filled, mask, see_through)
        return filled, errors


def helped(image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
    """The filled page, under coloured strokes the mean of it and of what their colour tells.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, with the ink.
        filled: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole; the paper is measured outside of it.
        see_through: ``(H, W)`` bool, where ink is translucent.
    """
    measured = measure_paper(image, ~mask)
    if measured is None:
        return filled
    paper = measured[0]
    density = densities(image, paper)
    inked = see_through & (density.max(axis=2) > INKED)
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
        color = _color(density[box][own])
        if color is None:
            continue
        below = paper[box][own] * np.exp(-_grey(density[box][own], color))[:, None]
        both = (filled[box][own].astype(np.float32) + np.clip(below, 0, 255)) / 2
        out[box][own] = np.rint(both).astype(np.uint8)
    return out


def _color(density: Plane) -> Plane | None:
    """A stroke's usual densities ``(3,)`` from those of its pixels ``(N, 3)``; None = no colour."""
    strength = density.max(axis=1) - density.min(axis=1)
    strong = float(np.percentile(strength, 80))
    if strong < COLORED:
        return None
    dyed = density[strength >= 0.75 * strong]
    color = np.asarray(np.maximum(np.median(dyed, axis=0), 0), np.float32)
    length = float(np.linalg.norm(color))
    if color.max() - color.min() < PURE * color.max():
        return None
    rest = dyed - np.outer(dyed @ color, color) / length**2
    return color if float(np.median(np.linalg.norm(rest, axis=1))) <= ASTRAY * length else None


def _grey(density: Plane, color: Plane) -> Plane:
    """``(N,)``: what print has of the densities ``(N, 3)``, by weighted least squares."""
    length = float(np.linalg.norm(color))
    way = color / length
    light = np.exp(-0.5 * np.clip(density, 0, 4))
    ones, mixed, dyes = light.sum(axis=1), light @ way, light @ np.square(way)
    first, second = (light * density).sum(axis=1), (light * density) @ way
    scale = ones * dyes - np.square(mixed) + 1e-6
    dye = np.clip((ones * second - mixed * first) / scale, 0, THICKEST * length)
    return np.asarray(np.maximum((first - mixed * dye) / ones, 0), np.float32)
