"""What printed sheets lack to be as evenly lit and as crisp as the ink network knows them.

It learned from scans: their paper is light everywhere, and the ink that was laid on it has sharp
edges, however soft the print. A photograph of a sheet is darker to one side, and all of it is soft.
On seven scans so changed (paper at 0.65 to 1 of its light and yellowed, a blur of 0.6 pixels, noise
of 3 levels) the network found 0.82 of the pen, with the light made even 0.88, and crisp again 0.94;
at three quarters of their light 0.92 and 0.955, blurred by one pixel 0.72 and 0.87.

Black and white is all there is of some scans. No sheet that the network learned from had its notes
so: of those that are left of the seven with a threshold at 140 it found 0.20, and of the same in
greys, as a scanner sees them before its threshold, 0.48, with 0.023 of the print masked (0.019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

    Floats = NDArray[np.float32]

PAPER, SHADED = 235.0, 215.0
"""Level of paper's strongest channel, and the one under which a sheet is lit up where it is not."""
NO_PAPER = 0.5
"""Share of the usual light of a sheet's paper under which there is no paper, but the edge of a book
or a picture."""
PATCH, LIGHTEST, SPREAD = 24, 0.2, 5
"""Side in pixels of the patches whose lightest pixels are paper, the share of these, and how many
patches across what is dark is bridged."""

CRISP = 0.36
"""How crisp the crispest edges of a sheet are at least, as :func:`crispness` tells: of windows like
those that the network learned from, two in a hundred were under 0.38."""
CRISPEST = 98
"""Percentile of the crispness of edges that counts: a sheet may be printed softly."""
EDGE, REACH = 70, 7
"""Levels that an edge's two sides differ by, and the pixels across over which they do."""
FEWEST = 1000
"""Pixels of edges from which on there is something to be told."""
SOFT, MOST, STEPS = 1.0, 1.25, 5
"""Deviation in pixels of the blur that is taken off, and how much of it at most, found by halving
so often. More of it makes pen of the print's rims."""
TWO_LEVELS, AWAY = 0.995, 8
"""Share of a sheet's pixels that are black or white, and the levels by which they may differ from
it, for black and white to be all there is."""
OPTICS, INK, BLANK = 0.7, 20.0, 250.0
"""Deviation in pixels of the blur that gives such a sheet its greys, and what they lie between."""
QUIET, NOISY = 3.5, 4.5
"""Levels of noise up to which a sheet is made as crisp as can be, and from which on not at all."""


def lighting(image: Image) -> Floats | None:
    """What a sheet is to be multiplied by for its paper to be as light everywhere as paper is.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.

    Returns:
        ``(H, W)`` float32, 1 or more; None where the paper is light enough.
    """
    light = paper_light(image)
    if float(light.min()) >= SHADED:
        return None
    return np.asarray(np.maximum(PAPER / np.maximum(light, 1.0), 1.0), np.float32)


def lit(image: Image, gain: Floats) -> Image:
    """The sheet lit up so; its tint is kept."""
    return np.asarray(cv2.multiply(image, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)


def paper_light(image: Image) -> Floats:
    """``(H, W)`` float32: the strongest channel of the paper there, smooth.

    The mean of the lightest pixels of each patch. What is dark over a few patches is bridged by a
    closing, and where there is no paper, its light is that of the nearest.
    """
    height, width = image.shape[:2]
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    rim = ((0, rows * PATCH - height), (0, columns * PATCH - width))
    padded = np.pad(image.max(axis=2), rim, "edge")
    patches = padded.reshape(rows, PATCH, columns, PATCH).swapaxes(1, 2).reshape(rows, columns, -1)
    first = round((1 - LIGHTEST) * PATCH * PATCH)
    lightest = np.partition(patches, first, axis=2)[..., first:].mean(axis=2, dtype=np.float32)
    closed = cv2.morphologyEx(lightest, cv2.MORPH_CLOSE, np.ones((SPREAD, SPREAD), np.uint8))
    known = closed >= NO_PAPER * float(np.percentile(closed, 90))
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    light = closed[known][nearest - 1]
    light = cv2.GaussianBlur(
        cv2.medianBlur(light, SPREAD), (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE
    )
    whole = cv2.resize(light, (columns * PATCH, rows * PATCH), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole[:height, :width], np.float32)


def is_bilevel(image: Image) -> bool:
    """Whether black and white is all there is of a sheet."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return float(((grey <= AWAY) | (grey >= 255 - AWAY)).mean()) >= TWO_LEVELS


def in_greys(image: Image) -> Image:
    """A sheet in black and white as a scanner sees it before its threshold."""
    soft = cv2.GaussianBlur(image, (0, 0), OPTICS)
    return np.asarray(cv2.addWeighted(soft, (BLANK - INK) / 255, soft, 0, INK), np.uint8)


def softness(image: Image) -> float:
    """How much :func:`sharpened` it takes for a sheet to have crisp edges, as far as noise allows.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
    """
    if crispness(image) >= CRISP:
        return 0.0
    low, high = 0.0, MOST * float(np.clip((NOISY - noise(image)) / (NOISY - QUIET), 0, 1))
    for _ in range(STEPS if high else 0):
        middle = (low + high) / 2
        if crispness(sharpened(image, middle)) < CRISP:
            low = middle
        else:
            high = middle
    return high


def crispness(image: Image) -> float:
    """How crisp the crispest edges are: 0.5 = from one pixel to the next, 0.2 = over four or five.

    The steepest slope at a pixel, in shares of the range of grey around it. 1 where there are no
    edges to speak of.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    square = np.ones((REACH, REACH), np.uint8)
    around = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, square)[1:-1, 1:-1]
    edges = around >= EDGE
    if np.count_nonzero(edges) < FEWEST:
        return 1.0
    across = cv2.absdiff(grey[1:-1, 2:], grey[1:-1, :-2])
    slope = np.maximum(across, cv2.absdiff(grey[2:, 1:-1], grey[:-2, 1:-1]))
    return float(np.percentile(slope[edges] / (2.0 * around[edges]), CRISPEST))


def noise(image: Image) -> float:
    """Deviation of a sheet's noise, in grey levels.

    J. Immerkaer, "Fast noise variance estimation", 1996, with the median in place of the mean: most
    of a sheet is blank.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return float(np.median(np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)))) * 1.4826 / 6


def sharpened(image: Image, amount: float) -> Image:
    """The image with so much of what a blur takes from it added (an unsharp mask)."""
    soft = cv2.GaussianBlur(image, (0, 0), SOFT)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
