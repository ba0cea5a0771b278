"""Where a page is toned: dots or lines of a screen, as against flat greys and drawn lines."""

from __future__ import annotations

import cv2
import numpy as np

from textclean.types import Image, Mask

_BLUR = 2.5  # pixels; deviation of the Gaussian that makes a grey of tone
_CONTRAST = 48  # grey levels by which ink and paper differ from that grey

TONED = 0.35
"""Share of such pixels from which on all of an area is toned; where art is drawn in lines they are
0.15 of it."""


def is_toned(image: Image, where: Mask) -> bool:
    """Whether an area of a page is toned; an empty one is not.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        where: ``(H, W)`` bool.
    """
    return bool(where.any()) and float(dots(image)[where].mean()) >= TONED


def dots(image: Image) -> Mask:
    """Pixels that differ from the mean around them as the ink and paper of a screen do.

    Args:
        image: ``(H, W, 3)`` uint8.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    found: Mask = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), _BLUR)) > _CONTRAST
    return found
