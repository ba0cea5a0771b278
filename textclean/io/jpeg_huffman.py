"""Quantized coefficients to Huffman-coded scans of a JPEG (ITU-T T.81, annexes F, G, K), in NumPy.

Each coefficient becomes an event: a symbol of the Huffman table and some bits of value. All events
of a scan are made at once, sorted, coded by one look-up and packed into words by sums.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_entropy import repeated
from textclean.io.jpeg_frame import DHT, SOS, Segment
from textclean.io.jpeg_tables import codes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_ZERO_RUN: Final = 0xF0
_LAST: Final = 64
_SLOTS: Final = 4 * (_LAST + 1)
_LONGEST_RUN: Final = 0x7FFF
BIT_LENGTHS: Final = np.frexp(np.arange(1 << 15))[1].astype(np.int64)
"""How many bits numbers take that are coded: 15 at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What a scan has to say, in order.

    Attributes:
        block: Block of each event, in scan order.
        table: Which of the scan's Huffman tables codes it.
        symbol: Its symbol.
        value: Its further bits.
        size: How many they are.
    """

    block: Ints
    table: Ints
    symbol: Ints
    value: Ints
    size: Ints

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """All of it, an array each."""
        return self.block, self.table, self.symbol, self.value, self.size


def scan_events(
    blocks: NDArray[np.int16],
    difference: Ints | None,
    tables: Ints,
    *,
    band: tuple[int, int] = (1, _LAST - 1),
    run: int = 0,
) -> Events:
    """The events of a scan.

    Args:
        blocks: ``(n, 64)`` int16 coefficients in zigzag order, in scan order.
        difference: ``(n,)`` their DC differences, or None for a scan without DC.
        tables: ``(n,)`` the set of tables of each block: its DC table gets the number ``2 * set``,
            its AC table ``2 * set + 1``.
        band: First and last AC coefficient; nothing when the last is before the first.
        run: Blocks whose ends may be coded as one, if they have no values (progressive images: the
            blocks between two restarts); 0 = each block has its own end.
    """
    found, kinds = [], []
    first, last = band
    if difference is not None:
        bits, size = _coded(difference)
        found.append([np.arange(len(blocks)) * _SLOTS, size, bits, size])
        kinds.append(0)
    if last >= first:
        ac = _ac_events(blocks[:, first : last + 1], first, run)
        found += ac
        kinds += [1] * len(ac)
    key, symbol, value, size = (np.concatenate(column) for column in zip(*found, strict=True))
    kind = np.repeat(kinds, [len(one[0]) for one in found])
    order = np.argsort(key, kind="stable")
    block = key[order] // _SLOTS
    table = 2 * tables[block] + kind[order]
    return Events(block, table, symbol[order], value[order], size[order])


def dc_events(difference: Ints, tables: Ints, block: Ints) -> Events:
    """The events of DC differences alone, of blocks by their numbers."""
    bits, size = _coded(difference)
    return Events(block, 2 * tables, size, bits, size)


def joined(one: Events, other: Events) -> Events:
    """The events of both, in the order of their blocks."""
    order = np.argsort(np.concatenate([one.block, other.block]), kind="stable")
    columns = (np.concatenate(pair)[order] for pair in zip(one.columns, other.columns, strict=True))
    return Events(*columns)


def differences(values: Ints, pattern: Sequence[int], each: int) -> Ints:
    """DC values as differences to the block before of the same component.

    Args:
        values: ``(n,)`` DC values in scan order.
        pattern: Component of each block in an MCU.
        each: Blocks between two restarts, after which there is nothing to differ from.
    """
    parts = repeated(pattern, len(values))
    difference = np.empty(len(values), np.int64)
    for index in set(pattern):
        own = np.flatnonzero(parts == index)
        before = np.concatenate([[0], values[own[:-1]]])
        before[np.diff(own // each, prepend=-1) > 0] = 0
        difference[own] = values[own] - before
    return difference


def _ac_events(blocks: NDArray[np.int16], first: int, run: int) -> list[list[Ints]]:
    """Values with the zeros before them, and the ends of blocks; ``blocks`` is the band alone."""
    block, place = np.nonzero(blocks)
    value = blocks[block, place].astype(np.int64)
    place = place + first
    fresh = np.diff(block, prepend=-1) > 0
    previous = np.where(fresh, first - 1, np.concatenate([[0], place[:-1]]))
    zeros = place - previous - 1
    bits, size = _coded(value)
    key = block * _SLOTS + 4 * place
    found = [[key + 3, (zeros & 15) << 4 | size, bits, size]]
    for more in range(1, 4):
        long = zeros >= 16 * more
        none = np.zeros(int(long.sum()), np.int64)
        found.append([key[long] + more - 1, none + _ZERO_RUN, none, none])
    end = first + blocks.shape[1] - 1
    last = np.full(len(blocks), first - 1)
    last[block] = place  # the greatest place of a block is assigned last
    found.append(_ends(last, first, end, run) if run else _single_ends(last, end))
    return found


def _single_ends(last: Ints, end: int) -> list[Ints]:
    """An end for each block whose last values are zeros."""
    ended = np.flatnonzero(last < end)
    none = np.zeros(len(ended), np.int64)
    return [ended * _SLOTS + 4 * _LAST, none, none, none]


def _ends(last: Ints, first: int, end: int, interval: int) -> list[Ints]:
    """Ends of several blocks at once: one that has values, and all after it that have none."""
    number = np.arange(len(last))
    # A run starts at a block with values, at a restart, and after the longest that can be coded.
    opens = (last >= first) | (number % interval == 0)
    start = np.maximum.accumulate(np.where(opens, number, 0))
    opens |= (number - start) % _LONGEST_RUN == 0
    group = np.cumsum(opens) - 1
    own = (last < end).astype(np.int64)
    length = np.bincount(group, weights=own).astype(np.int64)
    heads = np.flatnonzero(opens)
    # Coded where the run begins: behind the values of its first block.
    used = length > 0
    head = np.where(own[heads] > 0, heads, np.minimum(heads + 1, len(last) - 1))[used]
    run = _bit_length(length[used]) - 1
    return [head * _SLOTS + 4 * _LAST, run << 4, length[used] - (1 << run), run]


def _coded(value: Ints) -> tuple[Ints, Ints]:
    """Bits and size of signed values: negative ones less one (T.81, F.1.2.1)."""
    size = _bit_length(np.abs(value))
    return np.where(value < 0, value - 1, value) & ((1 << size) - 1), size


def _bit_length(value: Ints) -> Ints:
    """Bits of non-negative numbers; exact: they are small."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int64)


def counts_of(events: Events) -> dict[int, Ints]:
    """How often each symbol occurs, by table."""
    counts = np.bincount(events.table << 8 | events.symbol)
    counts = np.pad(counts, (0, -len(counts) % 256)).reshape(-1, 256)
    return {int(table): counts[table] for table in np.flatnonzero(counts.any(axis=1))}


def coded(events: Events, tables: Mapping[int, bytes]) -> tuple[Ints, Ints]:
    """The bits of events and how many they are.

    Args:
        events: What is to be said; the tables have a code for all of it.
        tables: Huffman tables as they are stored, by the events' numbers of them.
    """
    most = max(tables) + 1
    codes, lengths = np.zeros((most, 256), np.int64), np.zeros((most, 256), np.int64)
    for number, table in tables.items():
        codes[number], lengths[number] = codes_of(table)
    code, length = codes[events.table, events.symbol], lengths[events.table, events.symbol]
    return code << events.size | events.value, length + events.size


def pack(events: Events, tables: Mapping[int, bytes], interval: int) -> bytes:
    """The entropy-coded data of a scan, with its restart markers.

    Args:
        events: What it has to say.
        tables: Huffman tables with a code for all of it, by the events' numbers of them.
        interval: Blocks between two restarts.
    """
    data, ends = pack_bits(*coded(events, tables), events.block // interval)
    return _with_restarts(data, ends)


def pack_bits(code: Ints, length: Ints, piece: Ints) -> tuple[bytes, Ints]:
    """Bits one after the other, each piece padded with ones to whole bytes; and its end in bytes.

    Args:
        code: ``(n,)`` unsigned numbers of less than 32 bits.
        length: ``(n,)`` how many bits each takes.
        piece: ``(n,)`` ascending from 0, the piece that each belongs to.
    """
    total = np.bincount(piece, weights=length).astype(np.int64)
    padding = -total % 8
    before = np.concatenate([[0], np.cumsum(total + padding)])
    own = np.concatenate([[0], np.cumsum(total)])
    at = np.cumsum(length) - length - own[piece] + before[piece]
    at = np.concatenate([at, before[:-1] + total])
    code = np.concatenate([code, (1 << padding) - 1])
    length = np.concatenate([length, padding])
    # A code is shorter than 32 bits: it lies in one word or in two. Sums of parts that do not
    # overlap are exact in doubles.
    wide = code << (64 - (at & 31) - length).clip(0, 63)
    words = int(before[-1] // 32) + 2
    upper, lower = wide >> 32 & 0xFFFFFFFF, wide & 0xFFFFFFFF
    packed = np.bincount(at >> 5, weights=upper, minlength=words)
    packed += np.bincount((at >> 5) + 1, weights=lower, minlength=words)
    return packed.astype(np.uint32).astype(">u4").tobytes()[: int(before[-1] // 8)], before[1:] // 8


def _with_restarts(data: bytes, ends: Ints) -> bytes:
    """Stuffed pieces with restart markers between them."""
    parts, start = [], 0
    for number, end in enumerate(ends.tolist()):
        if number:
            parts.append(bytes([0xFF, 0xD0 + (number - 1) % 8]))
        parts.append(data[start:end].replace(b"\xff", b"\xff\0"))
        start = end
    return b"".join(parts)


def table_segment(tables: Mapping[tuple[int, int], bytes]) -> Segment:
    """A segment of Huffman tables, by class (0 DC, 1 AC) and number."""
    parts = (bytes([kind << 4 | number]) + table for (kind, number), table in tables.items())
    return Segment(DHT, b"".join(parts))


def scan_segment(parts: Sequence[tuple[int, int, int]], first: int = 0, last: int = 63) -> Segment:
    """A scan's header: name, DC and AC table of each component, and the band."""
    body = bytes([len(parts)]) + b"".join(
        struct.pack("BB", name, dc << 4 | ac) for name, dc, ac in parts
    )
    return Segment(SOS, body + bytes([first, last, 0]))
