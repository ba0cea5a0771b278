"""Copies of a hole, laid on known pixels beside it, to try fills on where the truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask

ENOUGH = 0.3
"""Share of a copy that must fall on known pixels; the nearest such place is taken."""
GUARD = 2
"""Pixels kept between a hole and the copies: close to it, nothing is as hard as inside."""
NEAREST = 4
"""Smallest shift of a copy in pixels."""
LEAST = 16
"""Pixels that a copy must have to be worth trying."""


def hide(mask: Mask, copies: int) -> list[Mask]:
    """Copies of the hole on known pixels, each in a direction of its own, as near as possible.

    Args:
        mask: ``(H, W)`` bool, the hole, not empty.
        copies: How many are wanted, from 1.

    Returns:
        As many masks as there is room for, none of which touches the hole.
    """
    side = 2 * GUARD + 1
    free = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) == 0
    share, dy, dx = _overlaps(mask, free)
    distance = np.hypot(dy[:, None], dx)
    angle = np.arctan2(dy[:, None], dx)
    hidden: list[Mask] = []
    for number in range(copies):
        off = np.abs(np.angle(np.exp(1j * (angle - 2 * np.pi * number / copies))))
        # With two copies the sectors are half planes: right and left.
        here = np.where((off <= np.pi / copies) & (distance >= NEAREST), share, 0)
        most = float(here.max())
        if most * mask.sum() < LEAST:
            continue
        fits = here >= min(ENOUGH, 0.9 * most)
        row, column = divmod(int(np.where(fits, distance, np.inf).argmin()), len(dx))
        hidden.append(_shift(mask, int(dy[row]), int(dx[column])) & free)
    return hidden


def _overlaps(
    mask: Mask, free: Mask
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Share of the hole that falls on free pixels for every shift: ``(M, N)``, with the shifts."""
    # Circular correlation; twice the size, so that nothing comes round.
    height, width = (cv2.getOptimalDFTSize(2 * n) for n in mask.shape)
    shape = (height, width)
    spectrum = np.fft.rfft2(free, shape) * np.conj(np.fft.rfft2(mask, shape))
    count = np.rint(np.fft.irfft2(spectrum, shape))  # whole pixels: no rounding decides
    dy = np.fft.fftshift(np.fft.fftfreq(height, 1 / height)).round().astype(np.int64)
    dx = np.fft.fftshift(np.fft.fftfreq(width, 1 / width)).round().astype(np.int64)
    return np.fft.fftshift(count) / mask.sum(), dy, dx


def _shift(mask: Mask, dy: int, dx: int) -> Mask:
    """The mask moved; what leaves the window is lost."""
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = mask[
        max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)
    ]
    return moved
