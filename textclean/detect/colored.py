"""Coloured ink: what is coloured on a printed page is more likely to be an annotation.

Print is black nearly always, and where the ink network is in doubt whether a red stroke is a pen's,
its colour speaks for it; so does what the network would give to a stamp or a highlighter instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.ink_map import BUBBLE, HIGHLIGHTER, PEN, STAMP, InkMap
from textclean.surface import strongest, weakest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.protocols import PixelReader
    from textclean.types import Image, Mask

    Floats = NDArray[np.float32]

COLORED = 0.45
"""Difference between the densities of a pixel's channels, over the paper's, from which on.

The brown print of books of 1784 has 0.2 to 0.37."""
FAVOUR = 1.36
"""Times the network's probability of an annotation that a coloured pixel has: 0.6 is 0.8."""
CELL, REACH = 8, 15
"""The paper's colour is the median of so many cells, a side, of so many pixels."""

_ANNOTATIONS = (PEN, HIGHLIGHTER, STAMP)


class ColoredReader:
    """A pixel reader that is surer of annotations where they are coloured.

    See :class:`textclean.protocols.PixelReader`.

    Args:
        reader: The ink network.
    """

    def __init__(self, reader: PixelReader) -> None:
        self._reader = reader
        self.weights: dict[str, str] = getattr(reader, "weights", {})

    def __call__(self, image: Image) -> InkMap:
        """The ink map of an ``(H, W, 3)`` uint8 RGB page."""
        return favoured(self._reader(image), colored(densities(image)))


def densities(image: Image) -> Floats:
    """``(H, W, 3)`` float32: how much darker each channel is than the paper around, as a logarithm.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
    """
    height, width = image.shape[:2]
    size = max(1, width // CELL), max(1, height // CELL)
    cells = cv2.medianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), REACH)
    paper = np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return _log(paper) - _log(image)


def colored(density: Floats) -> Mask:
    """``(H, W)`` bool: pixels with another colour than the paper around them, or its shades.

    Args:
        density: ``(H, W, 3)`` float32, see :func:`densities`.
    """
    difference = strongest(density) - weakest(density)
    found: Mask = cv2.GaussianBlur(difference, (0, 0), 0.7) > COLORED
    return found


def favoured(ink: InkMap, where: Mask) -> InkMap:
    """The map with the likeliest kind of annotation made likelier on some pixels.

    Args:
        ink: What the ink network says.
        where: ``(H, W)`` bool.
    """
    if not where.any():
        return ink
    chosen = ink.planes[:, where].astype(np.float32)  # (7, N)
    marks = chosen[list(_ANNOTATIONS)]
    together = marks.sum(axis=0)
    surer = np.minimum(together * FAVOUR, 255)
    rest = (255 - surer) / np.maximum(255 - together, 1)
    chosen[:BUBBLE] *= np.minimum(rest, 1)
    kind = np.array(_ANNOTATIONS)[marks.argmax(axis=0)]
    chosen[list(_ANNOTATIONS)] = 0
    chosen[kind, np.arange(len(kind))] = surer
    planes = ink.planes.copy()
    planes[:, where] = np.rint(chosen).astype(np.uint8)
    return InkMap(planes)


def _log(image: Image) -> Floats:
    table = np.log(np.arange(256, dtype=np.float32) + 2)
    return np.asarray(table[image], np.float32)
