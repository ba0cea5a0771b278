"""The quantized coefficients of a JPEG, scan by scan, and how their blocks lie (T.81, annex A)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.errors import CorruptInputError
from textclean.io.jpeg_entropy import Bits, Scan, first_ac, progressive_dc, sequential, symbols
from textclean.io.jpeg_frame import (
    DHT,
    DQT,
    DRI,
    END,
    Frame,
    NotSpliceable,
    Segment,
    next_marker,
    walk,
)
from textclean.io.jpeg_refinement import refine_ac

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_frame import Component

    Blocks = NDArray[np.int16]

_READABLE: Final = frozenset({0xC0, 0xC1, 0xC2})
_END_OF_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART: Final = re.compile(rb"\xff+[\xd0-\xd7]")


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """All coefficients of an image.

    Attributes:
        planes: Of each component ``(rows, columns, 64)`` int16 quantized coefficients in zigzag
            order, all blocks of whole MCUs.
        tables: Of each component ``(64,)`` uint16 quantization table in zigzag order.
        huffman: Huffman tables as stored (counts and symbols), by class (0 DC, 1 AC) and the
            component's position; empty when there is more than one scan.
        header: The scan's header as stored; empty when there is more than one scan.
        extras: Metadata segments between the scans.
    """

    planes: tuple[Blocks, ...]
    tables: tuple[NDArray[np.uint16], ...]
    huffman: dict[tuple[int, int], bytes]
    header: bytes
    extras: tuple[Segment, ...]


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


def read_coefficients(frame: Frame, data: bytes) -> Coefficients:
    """The coefficients of a baseline or progressive JPEG.

    Raises:
        NotSpliceable: Arithmetic coding, damage, or an oddity that only a decoder can cope with.
    """
    if frame.marker not in _READABLE:
        raise NotSpliceable("it is arithmetic-coded")
    reader = _Reader(frame, data)
    try:
        return reader.all()
    except (CorruptInputError, IndexError, KeyError, struct.error, ValueError) as error:
        raise NotSpliceable(f"its data is damaged ({error})") from None


def to_scan_order(
    frame: Frame, grid: Grid, planes: Sequence[Blocks], chosen: Sequence[int]
) -> Blocks:
    """Blocks of some components in the order of a scan, ``(n, 64)``."""
    if len(chosen) == 1:
        rows, columns = grid.used(frame, frame.components[chosen[0]])
        return planes[chosen[0]][:rows, :columns].reshape(-1, 64)
    parts = []
    for index in chosen:
        part = frame.components[index]
        cells = planes[index].reshape(grid.high, part.down, grid.wide, part.across, 64)
        parts.append(cells.swapaxes(1, 2).reshape(grid.high * grid.wide, -1, 64))
    return np.concatenate(parts, axis=1).reshape(-1, 64)


def blocks_of_mcu(frame: Frame, chosen: Sequence[int]) -> list[int]:
    """The component of each block in an MCU of a scan."""
    if len(chosen) == 1:
        return [chosen[0]]
    return [i for i in chosen for _ in range(frame.components[i].across * frame.components[i].down)]


def _from_scan_order(
    frame: Frame, grid: Grid, planes: Sequence[Blocks], chosen: Sequence[int], blocks: Blocks
) -> None:
    """The inverse of :func:`to_scan_order`, into ``planes``."""
    if len(chosen) == 1:
        rows, columns = grid.used(frame, frame.components[chosen[0]])
        planes[chosen[0]][:rows, :columns] = blocks.reshape(rows, columns, 64)
        return
    cells = blocks.reshape(grid.high * grid.wide, -1, 64)
    at = 0
    for index in chosen:
        part = frame.components[index]
        count = part.down * part.across
        own = cells[:, at : at + count].reshape(grid.high, grid.wide, part.down, part.across, 64)
        planes[index][:] = own.swapaxes(1, 2).reshape(planes[index].shape)
        at += count


class _Reader:
    """Reads scan after scan into the planes."""

    def __init__(self, frame: Frame, data: bytes) -> None:
        self._frame = frame
        self._data = data
        self._grid = Grid.of(frame)
        self._planes = tuple(
            np.zeros((*self._grid.stored(frame, part), 64), np.int16) for part in frame.components
        )
        self._quantization: dict[int, NDArray[np.uint16]] = {}
        self._codes: dict[tuple[int, int], bytes] = {}
        self._interval = 0
        self._used: dict[tuple[int, int], bytes] = {}
        self._headers: list[bytes] = []
        self._extras: list[Segment] = []
        self._read: set[int] = set()

    def all(self) -> Coefficients:
        for segment in self._frame.segments:
            self._define(segment)
        tables = tuple(self._quantization[part.table] for part in self._frame.components)
        at = self._frame.body
        while True:
            at = self._scan(at)
            marker, _ = next_marker(self._data, at)
            if marker == END:
                break
            *between, (at, _) = walk(self._data, at)
            for _, segment in between:
                if segment.is_metadata:
                    self._extras.append(segment)
                elif segment.marker == DQT:
                    raise NotSpliceable("its tables change from scan to scan")
                self._define(segment)
        if self._read != set(range(len(self._planes))):
            raise NotSpliceable("not all of its components are there")
        only = len(self._headers) == 1 and not self._frame.progressive
        return Coefficients(
            planes=self._planes,
            tables=tables,
            huffman=self._used if only else {},
            header=self._headers[0] if only else b"",
            extras=tuple(self._extras),
        )

    def _define(self, segment: Segment) -> None:
        body = segment.data
        if segment.marker == DQT:
            while body:
                wide, number = body[0] >> 4, body[0] & 15
                size = 128 if wide else 64
                values = np.frombuffer(body[1 : 1 + size], ">u2" if wide else "u1")
                if len(values) < 64 or not values.all():
                    raise NotSpliceable("its quantization tables are damaged")
                self._quantization[number] = values.astype(np.uint16)
                body = body[1 + size :]
        elif segment.marker == DHT:
            while body:
                end = 17 + sum(body[1:17])
                self._codes[body[0] >> 4, body[0] & 15] = body[1:end]
                body = body[end:]
        elif segment.marker == DRI:
            self._interval = int.from_bytes(body[:2], "big")

    def _scan(self, at: int) -> int:
        """Decode the scan whose header is at ``at``; the offset of the marker after it."""
        (length,) = struct.unpack_from(">H", self._data, at + 2)
        scan = self._header(self._data[at + 4 : at + 2 + length])
        start = at + 2 + length
        self._headers.append(self._data[at:start])
        found = _END_OF_SCAN.search(self._data, start)
        end = found.start() if found else len(self._data)
        chosen = [index for index, _, _ in scan.parts]
        self._read.update(chosen)
        blocks = to_scan_order(self._frame, self._grid, self._planes, chosen).copy()
        self._decode(scan, blocks, self._data[start:end])
        _from_scan_order(self._frame, self._grid, self._planes, chosen, blocks)
        return end

    def _header(self, body: bytes) -> Scan:
        names = [part.name for part in self._frame.components]
        parts = tuple(
            (names.index(body[1 + 2 * i]), body[2 + 2 * i] >> 4, body[2 + 2 * i] & 15)
            for i in range(body[0])
        )
        first, last, shifts = body[1 + 2 * body[0] : 4 + 2 * body[0]]
        if not self._frame.progressive:
            first, last, shifts = 0, 63, 0
            for index, dc, ac in parts:
                self._used[0, index] = self._codes[0, dc]
                self._used[1, index] = self._codes[1, ac]
        if last > 63 or first > last or (first and len(parts) > 1):
            raise NotSpliceable("a scan's header is damaged")
        return Scan(parts, first, last, shifts >> 4, shifts & 15)

    def _decode(self, scan: Scan, blocks: Blocks, data: bytes) -> None:
        pattern = blocks_of_mcu(self._frame, [index for index, _, _ in scan.parts])
        coded = [part.replace(b"\xff\0", b"\xff") for part in _RESTART.split(data)]
        each = (self._interval or len(blocks)) * len(pattern)
        if len(coded) != -(-len(blocks) // each):
            raise NotSpliceable("its restart markers are not where they belong")
        tables = {index: (dc, ac) for index, dc, ac in scan.parts}
        for number, part in enumerate(coded):
            own = blocks[number * each : (number + 1) * each]
            bits = Bits(part)
            if not self._frame.progressive:
                dcs = [symbols(self._codes[0, tables[i][0]], first=True) for i in pattern]
                acs = [symbols(self._codes[1, tables[i][1]]) for i in pattern]
                sequential(bits, own, dcs, acs, pattern)
            elif scan.first == 0:
                dcs = [] if scan.high else [
                    symbols(self._codes[0, tables[i][0]], first=True) for i in pattern
                ]  # fmt: skip
                progressive_dc(bits, own, dcs, pattern, scan)
            elif scan.high == 0:
                first_ac(bits, own, symbols(self._codes[1, scan.parts[0][2]], runs=True), scan)
            else:
                refine_ac(bits, own, symbols(self._codes[1, scan.parts[0][2]], runs=True), scan)
