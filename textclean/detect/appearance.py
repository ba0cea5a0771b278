"""What print and pen look like on this page: how dark, of what hue, how thick.

The ink network goes by shapes, and learned from many pages at once. But a page is printed in one
ink and written on with few pens, and where the network is sure it shows which: pencil is paler
than the print of a laser printer, and a pen of today darker than that of 1784. So each page
teaches its own: of what is surely print and what is surely pen, histograms are taken, and all other
ink is weighed by what it looks like, as naive Bayes does. Then the histograms are taken once more.

Self-training: K. Nigam, A. McCallum, S. Thrun, T. Mitchell, "Text classification from labeled and
unlabeled documents using EM", Machine Learning 39 (2000). A network is surer than it should be:
C. Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.ink_map import BUBBLE, PEN, PRINT, InkMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask

    Floats = NDArray[np.float32]
    Cells = NDArray[np.int64]

INKED = 0.25
"""Density (natural, mean of the channels) over the paper's from which on a pixel is ink."""

SURELY_PRINT, SURELY_PEN = 200, 230
"""Probabilities (of 255) over which a pixel teaches what its kind looks like."""

ENOUGH_PRINT, ENOUGH_PEN = 500, 300
"""Pixels that it takes to do so. With less pen, all that does not look like print may be it."""

ROUNDS = 2
"""How often histograms are taken."""

BINS = 32
"""Bins of a histogram a side; they are smoothed by a Gaussian as wide as one."""

UNHEARD_OF = 0.05, 0.3
"""Share of print, and of pen, that may look like anything: pages have other pens, too."""

LEAST, MOST = 0.1, 30.0
"""What looks tell is worth such a ratio of probabilities at least and at most."""

COOLED = 1.3
"""By so much the network's own log-odds are divided, as it is surer than it should be."""

DARKEST = 5.0
"""Density up to which looks are told apart."""

THICKEST = 12.0
"""Pixels from a stroke's middle to its rim up to which they are."""

MOST_HUE = 1.2
"""Difference between the densities of two channels up to which they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One way to look at a page's ink: a histogram in two dimensions.

    Attributes:
        cells: ``(n,)`` the bin of each pixel of ink, of ``BINS`` squared.
        possible: Share of the bins that a pixel can be in.
        weight: What its log-ratio counts for. The looks depend on one another, so that each is
            worth less than its own.
    """

    cells: Cells
    possible: float
    weight: float

    def ratio(self, printed: Mask, penned: Mask) -> Floats:
        """``(n,)`` how much likelier a pen is to look like this than print, as a logarithm.

        Args:
            printed: ``(n,)`` bool: what surely is print.
            penned: ``(n,)`` bool: what surely is pen.
        """
        anything = np.float32(1 / (self.possible * BINS**2))
        some_print, some_pen = UNHEARD_OF
        of_print = (1 - some_print) * self._shares(printed) + some_print * anything
        of_pen = np.full_like(of_print, anything)
        if np.count_nonzero(penned) >= ENOUGH_PEN:
            of_pen = (1 - some_pen) * self._shares(penned) + some_pen * anything
        ratio: Floats = (self.weight * np.log(of_pen / of_print))[self.cells]
        return ratio

    def _shares(self, chosen: Mask) -> Floats:
        """``(BINS ** 2,)`` shares of the chosen pixels by bin, smoothed."""
        counts = np.bincount(self.cells[chosen], minlength=BINS**2).astype(np.float32)
        smooth = cv2.GaussianBlur(
            counts.reshape(BINS, BINS), (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE
        ).reshape(-1)
        shares: Floats = smooth / smooth.sum()
        return shares


def speaks_for_pen(ink: InkMap, density: Floats) -> Floats:
    """How much likelier a pen is to look like each pixel than the page's print.

    Args:
        ink: What the ink network says.
        density: ``(H, W, 3)`` float32, see :func:`textclean.detect.colored.densities`.

    Returns:
        ``(H, W)`` float32, a logarithm; 0 where there is no ink, and on all of a page with too
        little print to learn from.
    """
    depth = np.asarray(cv2.transform(density, np.full((1, 3), 1 / 3, np.float32)), np.float32)
    inked: Mask = depth > INKED
    given = ink.planes[:, inked].astype(np.float32)  # (7, n)
    found = np.zeros(depth.shape, np.float32)
    looks: tuple[Look, ...] = ()
    believed = given
    for turn in range(ROUNDS):
        printed, penned = believed[PRINT] > SURELY_PRINT, believed[PEN] > SURELY_PEN
        if np.count_nonzero(printed) < ENOUGH_PRINT:
            return np.zeros(depth.shape, np.float32)
        looks = looks or _looks(density, depth, inked)
        evidence = sum((look.ratio(printed, penned) for look in looks), np.float32(0))
        found[inked] = np.clip(evidence, np.log(LEAST), np.log(MOST))
        if turn + 1 < ROUNDS:
            believed = _updated(given, found[inked])
    return found


def weighed(ink: InkMap, evidence: Floats) -> InkMap:
    """The map with pen made likelier where ink looks like the page's pens, and less like its print.

    Args:
        ink: What the ink network says.
        evidence: ``(H, W)`` float32, see :func:`speaks_for_pen`.
    """
    inked: Mask = evidence != 0
    planes = ink.planes.copy()
    given = planes[:, inked].astype(np.float32)
    planes[:, inked] = np.rint(_updated(given, evidence[inked])).astype(np.uint8)
    return InkMap(planes)


def _looks(density: Floats, depth: Floats, inked: Mask) -> tuple[Look, ...]:
    """Darkness with that of the neighbours, hue, and thickness with that darkness."""
    core = np.asarray(cv2.dilate(depth, np.ones((3, 3), np.uint8)), np.float32)
    own, around = _by_root(depth[inked]), _by_root(core[inked])
    thick = _bin(_thickness(depth)[inked] / THICKEST)
    # Blurred: channels do not lie quite on one another in scans.
    hues = cv2.GaussianBlur(density, (0, 0), 0.7)[inked]
    warm, cold = (
        _bin((hues[:, i] - hues[:, i + 1]) / (2 * MOST_HUE) + np.float32(0.5)) for i in (0, 1)
    )
    return (
        Look(own * BINS + around, 0.5, 0.5),
        Look(warm * BINS + cold, 0.25, 0.4),
        Look(thick * BINS + around, 0.5, 0.5),
    )


def _thickness(depth: Floats) -> Floats:
    """``(H, W)``: how far it is from the middle of a stroke near by to its rim, in pixels."""
    most = cv2.dilate(depth, np.ones((7, 7), np.uint8))
    body = (depth > INKED) & (depth > most / 2)
    rim = cv2.distanceTransform(body.view(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(cv2.dilate(rim, np.ones((7, 7), np.uint8)), np.float32)


def _by_root(depth: Floats) -> Cells:
    """Bins that are finer where ink is pale."""
    return _bin(np.sqrt(np.maximum(depth, 0) / DARKEST))


def _bin(share: NDArray[Any]) -> Cells:
    """The bins of numbers from 0 to 1."""
    cells: Cells = np.clip(share * BINS, 0, BINS - 1).astype(np.int64)
    return cells


def _updated(given: Floats, evidence: Floats) -> Floats:
    """Probabilities ``(7, n)`` times 255 in the light of what speaks for pen, as a logarithm."""
    odds = np.exp(log_odds(given[PEN]) / COOLED + evidence)
    likely = odds / (1 + odds)
    updated = given.copy()
    updated[:BUBBLE] *= (1 - likely) / np.maximum(1 - given[PEN] / 255, 1e-6)
    updated[PEN] = 255 * likely
    return np.clip(updated, 0, 255)


def log_odds(plane: NDArray[Any]) -> Floats:
    """Log-odds of probabilities times 255; what is 0 there may be anything below 1."""
    share = np.clip(plane / np.float32(255), 1 / 255, 1 - 1 / 1024)
    found: Floats = np.log(share / (1 - share))
    return found
