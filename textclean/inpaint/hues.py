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

import numpy as np

from textclean.inpaint.disks import grown, mean_around
from textclean.inpaint.inked import Inked, OnPaper
from textclean.inpaint.paper import LEVELS, densities

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


class HuesLast(OnPaper):
    """An inpainter whose un-mixed pixels are held to what their inks' hues tell of the print.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _by_sheet(self, page: Inked, filled: Image) -> Image:
        return without_hues(page, filled)


def without_hues(page: Inked, filled: Image) -> Image:
    """The filled page; un-mixed pixels are no darker than was seen, and have the print's own hue.

    Args:
        page: The page with its ink.
        filled: ``(H, W, 3)`` uint8.
    """
    print_ = Print.of(page.density, page.mask)
    if print_ is None:
        return filled
    seen = page.see_through
    paper, told = page.paper[seen], print_.told[seen]
    least = np.where(told[:, None], print_.darkest(page.density[seen], paper), 0)
    least = np.minimum(np.maximum(least, page.image[seen]), paper - SHADE)
    held = np.maximum(filled[seen], np.rint(np.clip(least, 0, 255)).astype(np.uint8))
    held[told] = print_.without_hue(held[told], paper[told])
    out = filled.copy()
    out[seen] = held
    return out


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
        """``(N, 3)`` float32 levels that print beneath such densities has at least.

        Args:
            density: ``(N, 3)`` densities with the ink.
            paper: ``(N, 3)`` float32, the paper's colour.
        """
        clearest = (density / self.way).min(axis=1) + self.astray
        return self._level(np.maximum(clearest, 0), paper)

    def without_hue(self, pixels: Image, paper: Plane) -> Image:
        """``(N, 3)`` uint8 pixels; those that stray from the print's own colour have it.

        Args:
            pixels: ``(N, 3)`` uint8.
            paper: ``(N, 3)`` float32, the paper's colour.
        """
        parts = densities(pixels, paper) / self.way
        stray = parts.max(axis=1) - parts.min(axis=1) > 2 * self.astray + 0.1
        level = self._level(parts.mean(axis=1), paper)
        return np.where(stray[:, None], np.rint(np.clip(level, 0, 255)), pixels).astype(np.uint8)

    def _level(self, print_: Plane, paper: Plane) -> Plane:
        """Grey levels of so much print, ``(N,)``, on paper ``(N, 3)``."""
        return np.asarray(
            (paper + LEVELS) * np.exp(-print_[:, None] * self.way) - LEVELS, np.float32
        )


def _share(part: Mask, whole: Mask) -> Plane:
    """``(H, W)``: how much of the one the other is, in a window around each pixel."""
    least = np.float32(1e-6)
    return np.asarray(mean_around(part, NEAR) / np.maximum(mean_around(whole, NEAR), least))
