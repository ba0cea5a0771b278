"""Masks grown by a disk, for fills; masks of lettering have :mod:`textclean.mask.morphology`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from textclean.types import Mask


def grown(mask: Mask, radius: int) -> Mask:
    """``(H, W)`` bool: the mask and what lies within so many pixels of it."""
    side = 2 * radius + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    larger: Any = cv2.dilate(mask.astype(np.uint8), disk)
    found: Mask = larger > 0
    return found
