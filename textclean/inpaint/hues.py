"""Hues: a pen has one, print has none, and what is left of one after un-mixing is the pen's.

Print takes all colours alike: of its three densities, each is the same share everywhere on a page.
Ink adds to them, so none of a pixel's channels tells less of the print than the one that its pen
lets pass: under a red pen the red one. Print beneath is no denser than that channel says, nor has
it more of one colour than print has elsewhere. How nearly that holds of a page (a scan's colours
stray at the edges of letters, and a JPEG's more) its known print tells; where there is print in
colour near by, nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.inpaint.disks import grown
from textclean.inpaint.paper import LEVELS, densities, measure_paper
from textclean.inpaint.wrapped import AfterUnmixing
from textclean.surface import strongest, weakest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

    Plane = NDArray[np.float32]

FAINT, DARK = 0.3, 0.6
"""Mean densities from which on known pixels are print, and print of which the colour is certain."""
SHADE = 6.0
"""Grey levels under the paper that its grain may have."""
FEWEST = 300
"""Pixels of certain print at least."""
BESIDE = 4
"""Pixels around the hole that may have some of its ink."""
USUAL = 0.95
"""Share of the known print that strays no farther than what is told of the print beneath."""
ASTRAY = 0.3
"""Straying of that share from which on a page's print has colours of its own."""
COLORED = 0.15
"""Straying over the usual, in parts of the density, that makes print coloured."""
NEAR, MANY = 129, 0.2
"""Side in pixels of a window, and share of coloured pixels among its print, that hold back."""


class HuesLast(AfterUnmixing):
    """An inpainter whose un-mixed pixels are held to what their inks' hues tell of the print.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _gone_over(self, image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
        return without_hues(image, filled, mask, see_through)


def without_hues(image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
    """The filled page; un-mixed pixels are no darker than was seen, and have the print's own hue.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, with the ink.
        filled: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole; paper and print are measured outside of it.
        see_through: ``(H, W)`` bool, where ink is translucent.
    """
    measured = measure_paper(image, ~mask)
    if measured is None:
        return filled
    paper = measured[0]
    density = densities(image, paper)
    print_ = Print.of(density, mask)
    if print_ is None:
        return filled
    least = np.minimum(np.maximum(print_.darkest(density, paper), image), paper - SHADE)
    least = np.rint(np.clip(least, 0, 255)).astype(np.uint8)
    out = filled.copy()
    out[see_through] = np.maximum(filled, least)[see_through]
    return print_.without_hue(out, densities(out, paper), paper, see_through)


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """How a page's print takes light.

    Attributes:
        way: ``(3,)`` its densities in parts of their mean.
        astray: How far the least of a print's densities, in these parts, lies under their mean.
        told: ``(H, W)`` bool, where there is no coloured print near by.
    """

    way: Plane
    astray: float
    told: Mask

    @classmethod
    def of(cls, density: Plane, mask: Mask) -> Print | None:
        """The print of a page; None where there is too little, or where it is in many colours.

        Args:
            density: ``(H, W, 3)`` densities over the paper's, see
                :func:`textclean.inpaint.paper.densities`.
            mask: ``(H, W)`` bool, what is not known.
        """
        mean = density.mean(axis=2)
        print_ = ~grown(mask, BESIDE) & (mean > FAINT)
        certain = print_ & (mean > DARK)
        if int(certain.sum()) < FEWEST:
            return None
        way = np.median(density[certain] / mean[certain][:, None], axis=0)
        way = np.asarray(way / way.mean(), np.float32)
        known = density[print_] / way
        short = known.mean(axis=1) - known.min(axis=1)
        astray = float(np.quantile(short, USUAL))
        if astray > ASTRAY:
            return None
        colored = np.zeros_like(mask)
        colored[print_] = short - astray > COLORED * known.mean(axis=1)
        return cls(way, astray, _share(colored, print_) < MANY)

    def darkest(self, density: Plane, paper: Plane) -> Plane:
        """``(H, W, 3)`` float32 levels that print beneath such densities has at least.

        Args:
            density: ``(H, W, 3)`` densities with the ink.
            paper: ``(H, W, 3)`` float32, the paper's colour.
        """
        clearest = np.maximum(weakest(density / self.way) + self.astray, 0)
        return np.where(self.told[..., None], self._level(clearest, paper), 0)

    def without_hue(self, filled: Image, density: Plane, paper: Plane, where: Mask) -> Image:
        """The filled page; what strays from the print's own colour has it.

        Args:
            filled: ``(H, W, 3)`` uint8.
            density: Its densities, ``(H, W, 3)``.
            paper: ``(H, W, 3)`` float32, the paper's colour.
            where: ``(H, W)`` bool, what may be changed.
        """
        parts = density / self.way
        stray = where & self.told & (strongest(parts) - weakest(parts) > 2 * self.astray + 0.1)
        if not stray.any():
            return filled
        out = filled.copy()
        level = self._level(parts[stray].mean(axis=1), paper[stray])
        out[stray] = np.rint(np.clip(level, 0, 255)).astype(np.uint8)
        return out

    def _level(self, print_: Plane, paper: Plane) -> Plane:
        """Grey levels of so much print, ``(...)``, on paper ``(..., 3)``."""
        return np.asarray(
            (paper + LEVELS) * np.exp(-print_[..., None] * self.way) - LEVELS, np.float32
        )


def _share(part: Mask, whole: Mask) -> Plane:
    """``(H, W)``: how much of the one the other is, in a window around each pixel."""
    size = (NEAR, NEAR)
    inside = cv2.boxFilter(part.astype(np.float32), -1, size)
    return np.asarray(inside / np.maximum(cv2.boxFilter(whole.astype(np.float32), -1, size), 1e-6))
