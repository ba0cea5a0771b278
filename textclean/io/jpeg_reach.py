"""The pixels of a page that blocks of a JPEG may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.jpeg_blocks import Changes
    from textclean.types import Mask

    Ints = NDArray[np.int64]

_EIGHT: Final = 0x0101010101010101


class Reach:
    """Collects the blocks of a page that change, for the pixels that they may change."""

    def __init__(self, changes: Changes) -> None:
        """Nothing yet."""
        self._changes = changes
        self._blocks: dict[tuple[int, int], Mask] = {}

    def add(self, index: int, where: tuple[Ints, Ints]) -> None:
        """Blocks of a component, by rows and columns."""
        factors = self._changes.factors(index)
        if factors not in self._blocks:
            self._blocks[factors] = np.zeros(self._changes.blocks(index), np.bool_)
        self._blocks[factors][where] = True

    def mask(self) -> Mask:
        """``(H, W)`` bool: the pixels that changed blocks may change."""
        height, width = self._changes.shape
        # Lines of pixels are alike within a row of blocks, but for the first and the last one.
        rows = max(len(blocks) * fy for (fy, _), blocks in self._blocks.items())
        first, inner, last = np.zeros((3, rows, width), np.bool_)
        for (fy, fx), blocks in self._blocks.items():
            # Eight flags at a time.
            words = blocks.repeat(fx, axis=1) * np.uint64(_EIGHT)
            found = words.view(np.bool_)
            # Decoders that interpolate chroma look at the neighbouring sample: one pixel beyond
            # the block.
            if fx > 1:
                found[:, 1:] |= found[:, :-1].copy()
                found[:, :-1] |= found[:, 1:].copy()
            found = found[:, :width]
            own = slice(None, len(blocks) * fy)
            for lines in (first, inner, last):
                lines[own] |= found.repeat(fy, axis=0)
            if fy > 1:
                first[fy : len(blocks) * fy : fy] |= found[:-1]
                last[fy - 1 : (len(blocks) - 1) * fy : fy] |= found[1:]
        reach = np.empty((rows, 8, width), np.bool_)
        reach[:] = inner[:, None]
        reach[:, 0], reach[:, 7] = first, last
        return reach.reshape(-1, width)[:height]
