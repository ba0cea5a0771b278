"""Takes back the colour shift of networks that repaint the whole window.

Users of LaMa see patches a shade too dark or too warm. How far a painting is off can be measured:
on the known pixels around the hole it should be what the page is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

RING = 12
"""Width in pixels of the known ring around a hole that colour shift is measured on."""


def ring_correction(image: Image, mask: Mask, painted: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to add to a painted window so that its colours meet those around the hole.

    The difference between window and painting on the known pixels near the hole, averaged over a
    neighbourhood as wide as the hole is deep: a shift is taken back whole, a gradient across the
    hole is followed, texture averages out.

    Args:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole.
        painted: ``(H, W, 3)`` in [0, 1], painted outside the hole as well.

    Returns:
        ``(H, W, 3)`` float32; zero where no known pixel is near.
    """
    if mask.all() or not mask.any():
        return np.zeros_like(painted)
    hole = mask.astype(np.uint8)
    depth = float(cv2.distanceTransform(hole, cv2.DIST_L2, 3).max())
    ring = ~mask & (cv2.distanceTransform(1 - hole, cv2.DIST_L2, 3) <= RING)
    weight: NDArray[Any] = ring.astype(np.float32)
    shift: NDArray[Any] = (image.astype(np.float32) / 255 - painted) * weight[..., None]
    side = 2 * int(max(RING, depth) + 1) + 1
    for _ in range(3):  # three box filters are nearly a Gaussian, at a cost that knows no width
        weight = cv2.blur(weight, (side, side), borderType=cv2.BORDER_REFLECT_101)
        shift = cv2.blur(shift, (side, side), borderType=cv2.BORDER_REFLECT_101)
    correction: NDArray[np.float32] = shift / np.maximum(weight, np.float32(1e-6))[..., None]
    return correction
