"""Neighbourhoods in masks, for fills; masks of lettering have :mod:`textclean.mask.morphology`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask


def grown(mask: Mask, radius: int) -> Mask:
    """``(H, W)`` bool: the mask and what lies within so many pixels of it."""
    side = 2 * radius + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    larger: Any = cv2.dilate(mask.astype(np.uint8), disk)
    found: Mask = larger > 0
    return found


def mean_around(mask: Mask, side: int) -> NDArray[np.float32]:
    """``(H, W)``: share of a square window around each pixel that is in the mask."""
    mean: Any = cv2.boxFilter(mask.astype(np.float32), -1, (side, side))
    return np.asarray(mean, np.float32)
