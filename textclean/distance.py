"""Euclidean distances over masks, the same at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask


def distance_to(mask: Mask) -> NDArray[np.float32]:
    """``(H, W)`` float32: distance of each pixel to the nearest True pixel, 0 on those.

    OpenCV's precise transform differs in its last bits from call to call; squared distances
    between pixels are whole numbers, so they can be rounded to what they are. Without a True
    pixel the distances are larger than the array.
    """
    away = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    squared = np.rint(np.square(np.asarray(away, np.float64)))
    return np.sqrt(squared).astype(np.float32)


def depth_inside(mask: Mask) -> NDArray[np.float32]:
    """``(H, W)`` float32: distance of each True pixel to the nearest False one, 0 on the others."""
    return distance_to(~mask)


def within(mask: Mask, radius: int) -> Mask:
    """Pixels at most ``radius + 0.5`` pixels from a True one: :func:`distance_to`, but faster.

    Squared distances are whole numbers: none lies near the one that is compared with.
    """
    outside = np.ascontiguousarray(~mask).view(np.uint8)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found: Mask = np.asarray(away) <= np.float32(np.sqrt(radius * (radius + 1) + 0.5))
    return found
