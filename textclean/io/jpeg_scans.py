"""What follows the header of a JPEG: scans, and the segments between them, in their order."""

from __future__ import annotations

import struct
from bisect import bisect_left
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.errors import CorruptInputError
from textclean.io.jpeg_entropy import PADDING, Bits, Scan
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_READABLE: Final = frozenset({0xC0, 0xC1, 0xC2})
# No program writes nearly as many; a small file could keep us busy for hours with more.
_MOST_SCANS: Final = 500


@dataclass(slots=True, eq=False)
class HuffmanTable:
    """A Huffman table, as a file defines it; scans refer to it.

    Attributes:
        kind: 0 DC, 1 AC.
        number: What scans call it.
        codes: 16 counts of codes by length, then the symbols.
    """

    kind: int
    number: int
    codes: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """A segment that defines Huffman tables."""

    tables: tuple[HuffmanTable, ...]

    @property
    def raw(self) -> bytes:
        """The segment as it is stored, with the tables as they are now."""
        parts = (bytes([t.kind << 4 | t.number]) + t.codes for t in self.tables)
        return Segment(DHT, b"".join(parts)).raw


@dataclass(frozen=True, slots=True, eq=False)
class StoredScan:
    """A scan as it is stored.

    Attributes:
        header: What its header says.
        head: Its header with the marker.
        body: The coded data behind it, with restart markers.
        marks: Where 0xFF stands in it, and what comes after each.
        interval: MCUs between two restarts; 0 = there are none.
        tables: The tables in force, by kind and number.
    """

    header: Scan
    head: bytes
    body: bytes
    marks: tuple[NDArray[np.int64], NDArray[np.uint8]]
    interval: int
    tables: dict[tuple[int, int], HuffmanTable]

    @property
    def chosen(self) -> list[int]:
        """Positions of its components."""
        return [index for index, _, _ in self.header.parts]

    def table(self, kind: int, index: int) -> HuffmanTable:
        """The table of a component in this scan."""
        dc, ac = next((dc, ac) for i, dc, ac in self.header.parts if i == index)
        return self.tables[kind, ac if kind else dc]

    def each(self, blocks: int, in_mcu: int) -> int:
        """Blocks between two restarts, of so many in the scan and in an MCU."""
        return self.interval * in_mcu or blocks

    def pieces(self, count: int) -> list[tuple[int, int]]:
        """Start and end of the coded pieces between restarts, in the body.

        Raises:
            NotSpliceable: They are not as many as ``count``.
        """
        at, kinds = self.marks
        marks = at[(kinds >= 0xD0) & (kinds <= 0xD7)].tolist()
        if len(marks) != count - 1:
            raise NotSpliceable("its restart markers are not where they belong")
        ends = [_before_fill(self.body, mark) for mark in marks]
        return list(zip([0, *(mark + 2 for mark in marks)], [*ends, len(self.body)], strict=True))

    def bits(self, pieces: list[tuple[int, int]]) -> Bits:
        """The bits of those pieces, unstuffed."""
        begins, ends = np.array(pieces, np.int64).T
        marks, kinds = self.marks
        kept = np.ones(len(self.body), np.bool_)
        kept[marks[kinds == 0] + 1] = False
        # Between pieces stand markers, and seldom fill bytes before them.
        kept[ends[:-1]] = kept[ends[:-1] + 1] = False
        for piece in np.flatnonzero(begins[1:] - ends[:-1] > 2).tolist():
            kept[ends[piece] : begins[piece + 1]] = False
        data = np.frombuffer(self.body, np.uint8)[kept]
        gone = np.searchsorted(np.flatnonzero(~kept), ends)
        return Bits(np.concatenate([data, np.zeros(PADDING, np.uint8)]), ends - gone)


@dataclass(slots=True)
class Stored:
    """A JPEG in parts.

    Attributes:
        parts: All segments and scans in order, but for SOI and EOI.
        quantization: ``(64,)`` uint16 quantization tables in zigzag order, by number.
    """

    parts: list[Segment | Tables | StoredScan] = field(default_factory=list)
    quantization: dict[int, NDArray[np.uint16]] = field(default_factory=dict)

    @property
    def scans(self) -> list[StoredScan]:
        """The scans in order."""
        return [part for part in self.parts if isinstance(part, StoredScan)]

    def table_of(self, frame: Frame, index: int) -> NDArray[np.uint16]:
        """The quantization table of a component."""
        return self.quantization[frame.components[index].table]


def read_stored(frame: Frame, data: bytes) -> Stored:
    """The parts of a baseline or progressive JPEG.

    Raises:
        NotSpliceable: Arithmetic coding, damage, or an oddity that only a decoder can cope with.
    """
    if frame.marker not in _READABLE:
        raise NotSpliceable("it is arithmetic-coded")
    with damage():
        return _Reader(frame, data).all()


@contextmanager
def damage() -> Iterator[None]:
    """Turn what damaged data leads to into :class:`NotSpliceable`."""
    try:
        yield
    except (CorruptInputError, IndexError, KeyError, struct.error, ValueError) as error:
        raise NotSpliceable(f"its data is damaged ({error})") from None


class _Reader:
    """Goes from segment to segment and knows the tables in force."""

    def __init__(self, frame: Frame, data: bytes) -> None:
        self._frame = frame
        self._data = data
        self._found = Stored()
        self._tables: dict[tuple[int, int], HuffmanTable] = {}
        self._interval = 0
        coded = np.frombuffer(data, np.uint8)
        at = np.flatnonzero(coded[:-1] == 0xFF)
        kinds = coded[at + 1]
        self._marks = at, kinds
        # Scans end before the first marker that is none of a restart.
        ends = (kinds != 0) & (kinds != 0xFF) & ((kinds < 0xD0) | (kinds > 0xD7))
        self._ends: list[int] = [*at[ends].tolist(), len(data)]

    def all(self) -> Stored:
        for segment in self._frame.segments:
            self._take(segment)
        at = self._frame.body
        while True:
            at = self._scan(at)
            marker, _ = next_marker(self._data, at)
            if marker == END:
                break
            *between, (at, _) = walk(self._data, at)
            for _, segment in between:
                if segment.marker == DQT:
                    raise NotSpliceable("its tables change from scan to scan")
                self._take(segment)
        seen = {index for scan in self._found.scans for index in scan.chosen}
        if seen != set(range(len(self._frame.components))):
            raise NotSpliceable("not all of its components are there")
        return self._found

    def _take(self, segment: Segment) -> None:
        body = segment.data
        if segment.marker == DHT:
            self._found.parts.append(self._define(body))
            return
        if segment.marker == DQT:
            self._quantize(body)
        elif segment.marker == DRI:
            self._interval = int.from_bytes(body[:2], "big")
        self._found.parts.append(segment)

    def _define(self, body: bytes) -> Tables:
        found = []
        while body:
            end = 17 + sum(body[1:17])
            if end > len(body) or body[0] & 0xEC:
                raise NotSpliceable("its Huffman tables are damaged")
            found.append(HuffmanTable(body[0] >> 4, body[0] & 15, body[1:end]))
            self._tables[body[0] >> 4, body[0] & 15] = found[-1]
            body = body[end:]
        return Tables(tuple(found))

    def _quantize(self, body: bytes) -> None:
        while body:
            wide, number = body[0] >> 4, body[0] & 15
            size = 128 if wide else 64
            values = np.frombuffer(body[1 : 1 + size], ">u2" if wide else "u1")
            if len(values) < 64 or not values.all():
                raise NotSpliceable("its quantization tables are damaged")
            self._found.quantization[number] = values.astype(np.uint16)
            body = body[1 + size :]

    def _scan(self, at: int) -> int:
        """Take the scan whose header is at ``at``; the offset of the marker after it."""
        if len(self._found.scans) == _MOST_SCANS:
            raise NotSpliceable(f"it has more than {_MOST_SCANS} scans")
        (length,) = struct.unpack_from(">H", self._data, at + 2)
        start = at + 2 + length
        end = self._ends[bisect_left(self._ends, start)]
        marks, kinds = self._marks
        own = slice(*np.searchsorted(marks, (start, end)))
        self._found.parts.append(
            StoredScan(
                header=self._header(self._data[at + 4 : start]),
                head=self._data[at:start],
                body=self._data[start:end],
                marks=(marks[own] - start, kinds[own]),
                interval=self._interval,
                tables=dict(self._tables),
            )
        )
        return end

    def _header(self, body: bytes) -> Scan:
        names = [part.name for part in self._frame.components]
        parts = tuple(
            (names.index(body[1 + 2 * i]), body[2 + 2 * i] >> 4, body[2 + 2 * i] & 15)
            for i in range(body[0])
        )
        if not parts or len({index for index, _, _ in parts}) < len(parts):
            raise NotSpliceable("a scan's header is damaged")
        first, last, shifts = body[1 + 2 * body[0] : 4 + 2 * body[0]]
        if not self._frame.progressive:
            first, last, shifts = 0, 63, 0
        if last > 63 or first > last or (first and len(parts) > 1) or shifts & 15 > 13:
            raise NotSpliceable("a scan's header is damaged")
        return Scan(parts, first, last, shifts >> 4, shifts & 15)


def _before_fill(data: bytes, mark: int) -> int:
    """Where the fill bytes before a marker begin; there may be any number of them."""
    while mark and data[mark - 1] == 0xFF:
        mark -= 1
    return mark
