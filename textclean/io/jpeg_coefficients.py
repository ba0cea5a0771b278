"""The quantized coefficients of a JPEG, and how their blocks lie (ITU-T T.81, annex A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.io.jpeg_found import find
from textclean.io.jpeg_frame import Frame, NotSpliceable
from textclean.io.jpeg_progressive import first_ac, first_dc, more_ac, more_dc
from textclean.io.jpeg_scans import damage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_frame import Component
    from textclean.io.jpeg_scans import Stored, StoredScan

    Blocks = NDArray[np.int16]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """How the blocks of a frame lie.

    Attributes:
        wide: MCUs side by side.
        high: MCUs one below the other.
        across: Largest horizontal sampling factor.
        down: Largest vertical one.
    """

    wide: int
    high: int
    across: int
    down: int

    @classmethod
    def of(cls, frame: Frame) -> Grid:
        """The grid of a frame.

        Raises:
            NotSpliceable: Sampling factors that no decoder handles.
        """
        factors = [(c.across, c.down) for c in frame.components]
        if any(not 1 <= f <= 4 for pair in factors for f in pair):
            raise NotSpliceable("its sampling factors are out of range")
        across, down = max(a for a, _ in factors), max(d for _, d in factors)
        if any(across % a or down % d for a, d in factors):
            raise NotSpliceable("its sampling factors are no multiples of each other")
        if len(factors) == 1:  # a single component is never interleaved: an MCU is one block
            across = down = 1
        return cls(-(-frame.width // (8 * across)), -(-frame.height // (8 * down)), across, down)

    def shape(self, part: Component, *, alone: bool) -> tuple[int, int]:
        """Rows and columns of a component's blocks in one MCU."""
        return (1, 1) if alone else (part.down, part.across)

    def used(self, frame: Frame, part: Component) -> tuple[int, int]:
        """Rows and columns of blocks in a scan of that component alone."""
        if len(frame.components) == 1:
            return self.high, self.wide
        rows = -(-frame.height * part.down // self.down)
        columns = -(-frame.width * part.across // self.across)
        return -(-rows // 8), -(-columns // 8)

    def stored(self, frame: Frame, part: Component) -> tuple[int, int]:
        """Rows and columns of blocks in whole MCUs."""
        down, across = self.shape(part, alone=len(frame.components) == 1)
        return self.high * down, self.wide * across


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of a scan in their order.

    Attributes:
        frame: The frame.
        grid: Its grid.
        chosen: The scan's components by position.
        pattern: The component of each block in an MCU.
        count: Blocks in the scan.
    """

    frame: Frame
    grid: Grid
    chosen: tuple[int, ...]
    pattern: tuple[int, ...]
    count: int

    @classmethod
    def of(cls, frame: Frame, grid: Grid, chosen: Sequence[int]) -> Layout:
        """The layout of a scan of some components."""
        pattern = tuple(blocks_of_mcu(frame, chosen))
        high, wide = grid.high, grid.wide
        if len(chosen) == 1:
            high, wide = grid.used(frame, frame.components[chosen[0]])
        return cls(frame, grid, tuple(chosen), pattern, high * wide * len(pattern))

    def numbers(self, index: int, y: Ints, x: Ints) -> Ints:
        """The places in the scan of a component's blocks, by their rows and columns."""
        part = self.frame.components[index]
        if len(self.chosen) == 1:
            return y * self.grid.used(self.frame, part)[1] + x
        mcu = y // part.down * self.grid.wide + x // part.across
        within = y % part.down * part.across + x % part.across
        return mcu * len(self.pattern) + self.pattern.index(index) + within

    def neighbours(self, each: int, number: Ints, step: int) -> Ints:
        """The blocks of the same components before others (``step`` -1) or behind them (1).

        Args:
            each: Blocks between two restarts, which nothing reaches over.
            number: Places in the scan.
            step: Which.

        Returns:
            Their places; -1 where there is none.
        """
        size, gaps = len(self.pattern), []
        for place, index in enumerate(self.pattern):
            gap = step
            while self.pattern[(place + gap) % size] != index:
                gap += step
            gaps.append(gap)
        found = number + np.array(gaps, np.int64)[number % size]
        inside = (found >= 0) & (found < self.count) & (found // each == number // each)
        return np.where(inside, found, -1)


def read_coefficients(frame: Frame, stored: Stored) -> tuple[Blocks, ...]:
    """The coefficients of a baseline or progressive JPEG.

    Returns:
        Of each component ``(rows, columns, 64)`` int16 quantized coefficients in zigzag order, all
        blocks of whole MCUs.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    grid = Grid.of(frame)
    planes = tuple(np.zeros((*grid.stored(frame, part), 64), np.int16) for part in frame.components)
    alone: dict[int, Blocks] = {}
    for scan in stored.scans:
        layout = Layout.of(frame, grid, scan.chosen)
        with damage():
            if scan.header.first:
                _decode(layout, scan, _alone(frame, grid, planes, scan.chosen[0], alone))
                continue
            # DC values are far fewer.
            own = [plane[..., : 1 if frame.progressive else 64] for plane in planes]
            blocks = to_scan_order(frame, grid, own, scan.chosen).copy()
            _decode(layout, scan, blocks)
            _from_scan_order(frame, grid, own, scan.chosen, blocks)
    for index, blocks in alone.items():
        rows, columns = grid.used(frame, frame.components[index])
        planes[index][:rows, :columns, 1:] = blocks.reshape(rows, columns, 64)[..., 1:]
    return planes


def _alone(
    frame: Frame,
    grid: Grid,
    planes: Sequence[Blocks],
    index: int,
    known: dict[int, Blocks],
) -> Blocks:
    """A component's blocks in the order of scans of it alone, for its AC values."""
    if index not in known:
        blocks = to_scan_order(frame, grid, planes, [index])
        known[index] = np.ascontiguousarray(blocks)
    return known[index]


def _decode(layout: Layout, scan: StoredScan, blocks: Blocks) -> None:
    """Decode a scan into its ``(n, 64)`` blocks."""
    pattern, header = layout.pattern, scan.header
    each = scan.each(len(blocks), len(pattern))
    bits = scan.bits(scan.pieces(-(-len(blocks) // each)))
    if not layout.frame.progressive:
        tables = [(scan.table(0, i).codes, scan.table(1, i).codes) for i in pattern]
        blocks[:] = find(bits, tables, layout, each, np.arange(len(blocks))).blocks
    elif header.first == 0 and header.high == 0:
        first = [scan.table(0, i).codes for i in pattern]
        first_dc(bits, blocks, first, pattern, each, header.low)
    elif header.first == 0:
        more_dc(bits, blocks, each, header.low)
    else:
        decode = more_ac if header.high else first_ac
        decode(bits, blocks, scan.table(1, pattern[0]).codes, header, each)


def to_scan_order(
    frame: Frame, grid: Grid, planes: Sequence[Blocks], chosen: Sequence[int]
) -> Blocks:
    """Blocks of some components in the order of a scan, ``(n, 64)``, or of as many as they have."""
    if len(chosen) == 1:
        rows, columns = grid.used(frame, frame.components[chosen[0]])
        own = planes[chosen[0]][:rows, :columns]
        return own.reshape(-1, own.shape[2])
    parts, size = [], planes[0].shape[2]
    for index in chosen:
        part = frame.components[index]
        cells = planes[index].reshape(grid.high, part.down, grid.wide, part.across, size)
        parts.append(cells.swapaxes(1, 2).reshape(grid.high * grid.wide, -1, size))
    return np.concatenate(parts, axis=1).reshape(-1, size)


def blocks_of_mcu(frame: Frame, chosen: Sequence[int]) -> list[int]:
    """The component of each block in an MCU of a scan."""
    if len(chosen) == 1:
        return [chosen[0]]
    return [i for i in chosen for _ in range(frame.components[i].across * frame.components[i].down)]


def _from_scan_order(
    frame: Frame, grid: Grid, planes: Sequence[Blocks], chosen: Sequence[int], blocks: Blocks
) -> None:
    """The inverse of :func:`to_scan_order`, into ``planes``."""
    size = blocks.shape[1]
    if len(chosen) == 1:
        rows, columns = grid.used(frame, frame.components[chosen[0]])
        planes[chosen[0]][:rows, :columns] = blocks.reshape(rows, columns, size)
        return
    cells = blocks.reshape(grid.high * grid.wide, -1, size)
    at = 0
    for index in chosen:
        part = frame.components[index]
        count = part.down * part.across
        own = cells[:, at : at + count].reshape(grid.high, grid.wide, part.down, part.across, size)
        planes[index][:] = own.swapaxes(1, 2).reshape(planes[index].shape)
        at += count
