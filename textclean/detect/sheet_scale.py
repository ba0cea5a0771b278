"""At which scale the ink network looks at a printed sheet: that of the sheets it learned from.

They were some 1,900 pixels high, their letters 10 to 40. Archives scan at 300 to 600 dots an inch,
where letters are twice that and strokes of a pen look like brushes: on seven scans at twice their
size the network found 0.86 of the pen and masked 4.9 % of the print, at their own 0.95 and 1.6 %.
Looked at on the usual scale it finds 0.95 with 1.5 %, in a third of the time; and of the same scans
at half their size 0.90 with 2.2 %, where it had 0.86 with 3.9 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.colored import colored, densities
from textclean.detect.marks import dark
from textclean.scales import scaled

if TYPE_CHECKING:
    from textclean.types import Image

USUAL_SIDE = 1900
"""Longer side of a sheet in pixels as the network knows it."""
LONGEST = 2.0
"""Times its shorter side that the longer one counts for at most: strips are no sheets."""
SMALLEST_LETTERS, LARGEST_LETTERS = 13, 40
"""Heights in pixels between which a sheet's letters are to be, whatever its size."""
MOST_ENLARGED = 2.0
"""Times that a sheet is enlarged at most: what is not there cannot be seen."""
AS_IT_IS = 0.8, 1.25
"""Scales between which a sheet is looked at as it is."""
ENOUGH = 40
"""Marks on a sheet from which on their heights tell that of its letters."""
SPECK, HIGH, WIDE = 12, 5, 8
"""Pixels and height of such a mark at least, and times its height that it is wide at most."""


def sheet_scale(image: Image) -> float:
    """By what a sheet is to be shrunk or enlarged before the network looks at it.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
    """
    short, long = sorted(image.shape[:2])
    scale = USUAL_SIDE / max(min(long, LONGEST * short), 1)
    letters = letter_height(scaled(image, min(scale, 1.0))) / min(scale, 1.0)
    if letters:
        scale = min(max(scale, SMALLEST_LETTERS / letters), LARGEST_LETTERS / letters)
        scale = min(scale, MOST_ENLARGED)
    else:
        scale = min(scale, 1.0)
    least, most = AS_IT_IS
    return 1.0 if least <= scale <= most else scale


def letter_height(image: Image) -> float:
    """Height of the marks that half of a sheet's dark ink is at least as high as; 0 = too few.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
    """
    marks = dark(image, colored(densities(image)))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8), connectivity=8)
    high, wide = boxes[1:, cv2.CC_STAT_HEIGHT], boxes[1:, cv2.CC_STAT_WIDTH]
    area = boxes[1:, cv2.CC_STAT_AREA]
    like = (high >= HIGH) & (area >= SPECK) & (wide < WIDE * high)
    if np.count_nonzero(like) < ENOUGH:
        return 0.0
    order = np.argsort(high[like])
    total = np.cumsum(area[like][order])
    return float(high[like][order][np.searchsorted(total, total[-1] / 2)])
