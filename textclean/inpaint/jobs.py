"""What a network is asked to fill: windows with their masks and priors, in an order that works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Window


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One window, or a page to cut windows from.

    Attributes:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole.
        see_through: ``(H, W)`` bool, subset of ``mask``.
        priors: Finished fills, as the image.
    """

    image: Image
    mask: Mask
    see_through: Mask
    priors: tuple[Image, ...] = ()

    def part(self, rows: slice, columns: slice) -> Job:
        """A part of it."""
        box = (rows, columns)
        return Job(
            self.image[box],
            self.mask[box],
            self.see_through[box],
            tuple(prior[box] for prior in self.priors),
        )

    def cut(self, window: Window) -> Job:
        """The part that a window shows."""
        x0, y0, x1, y1 = window.box
        return self.part(slice(y0, y1), slice(x0, x1))

    def after(self, image: Image, mask: Mask) -> Job:
        """The same with some of the hole filled: ``mask`` is what is left of it."""
        left = mask[..., None]
        priors = tuple(np.where(left, prior, image) for prior in self.priors)
        return Job(image.copy(), mask.copy(), self.see_through & mask, priors)


def waves(windows: Sequence[Window]) -> list[list[Window]]:
    """Windows in the order they can be filled in: side by side, or one after another.

    A hole that is too large for a window is cut. Its parts come one after the other, so that each
    continues what the one before has drawn.
    """
    wave_of: list[int] = []
    order: list[list[Window]] = []
    for i, window in enumerate(windows):
        before = [wave_of[j] for j in range(i) if _touch(windows[j].hole, window.hole)]
        wave_of.append(max(before, default=-1) + 1)
        if wave_of[i] == len(order):
            order.append([])
        order[wave_of[i]].append(window)
    return order


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or share a border."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def pad(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Reflect ``(H, W, ...)`` at its lower and right edge up to a height and width."""
    extra = [(0, n - m) for n, m in zip(size, array.shape, strict=False)]
    return np.pad(array, extra + [(0, 0)] * (array.ndim - 2), mode="reflect")
