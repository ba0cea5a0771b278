"""Which strips or tiles of a TIFF page are made anew: those in which a pixel changes.

Blocks in which nothing changes keep the bytes that they are stored in. So there is nothing to
decode again in them: it is enough that the bytes are the same and are read in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.tiff_layout import Layout
    from textclean.types import Mask


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of blocks, one below the other.

    Attributes:
        layout: Of the whole page.
        first: The first row of blocks.
        last: The one after the last.
    """

    layout: Layout
    first: int
    last: int

    @property
    def rows(self) -> slice:
        """Its rows of pixels."""
        each = self.layout.block_rows
        return slice(self.first * each, min(self.last * each, self.layout.height))

    @property
    def part(self) -> Layout:
        """The layout of these rows alone."""
        return replace(self.layout, height=self.rows.stop - self.rows.start)

    @property
    def numbers(self) -> list[int]:
        """Numbers of its blocks in the page, in the order in which :attr:`part` has them."""
        across, planes = self.layout.across, range(self.layout.planes)
        own = range(self.first * across, self.last * across)
        return [plane * across * self.layout.down + number for plane in planes for number in own]


def runs_of(layout: Layout, rows: NDArray[np.bool_]) -> list[Run]:
    """Chosen rows of blocks, in as few runs as they are.

    Args:
        layout: Of the page.
        rows: ``(layout.down,)`` which of them.
    """
    edges = np.flatnonzero(np.diff(rows.astype(np.int8), prepend=0, append=0)).tolist()
    return [Run(layout, *pair) for pair in zip(edges[::2], edges[1::2], strict=True)]


def all_rows(layout: Layout) -> NDArray[np.bool_]:
    """Every row of blocks."""
    return np.ones(layout.down, np.bool_)


def rows_of_pixels(layout: Layout, chosen: Mask) -> NDArray[np.bool_]:
    """The rows of blocks in which there are chosen pixels."""
    rows = np.zeros(layout.down, np.bool_)
    rows[np.flatnonzero(chosen.any(axis=1)) // layout.block_rows] = True
    return rows


def rows_of_bytes(layout: Layout, old: Sequence[bytes], new: Sequence[bytes]) -> NDArray[np.bool_]:
    """The rows of blocks that are not stored in the same bytes."""
    differs = np.array([a != b for a, b in zip(old, new, strict=True)], np.bool_)
    return np.asarray(differs.reshape(layout.planes, layout.down, -1).any(axis=(0, 2)), np.bool_)


def with_blocks(stored: Sequence[bytes], run: Run, new: Sequence[bytes]) -> list[bytes]:
    """The page's blocks with those of a run replaced."""
    blocks = list(stored)
    for number, block in zip(run.numbers, new, strict=True):
        blocks[number] = block
    return blocks
