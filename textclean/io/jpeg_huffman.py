"""Quantized coefficients to Huffman-coded scans of a JPEG (ITU-T T.81, annexes F, G, K), in NumPy.

Each coefficient becomes an event: a symbol of the Huffman table and some bits of value. All events
of a scan are made at once, sorted, coded by one look-up and packed into words by sums.
"""

from __future__ import annotations

import heapq
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_frame import DHT, SOS, NotSpliceable, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_ZERO_RUN: Final = 0xF0
_LAST: Final = 64
_SLOTS: Final = 4 * (_LAST + 1)
_LONGEST_RUN: Final = 0x7FFF


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


def scan_events(
    blocks: NDArray[np.int16],
    parts: Ints,
    tables: Ints,
    *,
    first: int,
    last: int,
    interval: int,
    runs: bool,
) -> Events:
    """The events of a scan.

    Args:
        blocks: ``(n, 64)`` int16 coefficients in zigzag order, in scan order.
        parts: ``(n,)`` the component of each block.
        tables: ``(n,)`` the set of tables of each block: its DC table gets the number ``2 * set``,
            its AC table ``2 * set + 1``.
        first: First coefficient of the band; 0 = with DC.
        last: Last coefficient of the band.
        interval: Blocks between two restarts.
        runs: Whether ends of several blocks are coded as one (progressive images).
    """
    found, kinds = [], []
    if first == 0:
        found.append(_dc_events(blocks, parts, interval))
        kinds.append(0)
    if last > 0:
        start = max(1, first)
        ac = _ac_events(blocks[:, start : last + 1], start, interval, runs=runs)
        found += ac
        kinds += [1] * len(ac)
    key, symbol, value, size = (np.concatenate(column) for column in zip(*found, strict=True))
    kind = np.repeat(kinds, [len(one[0]) for one in found])
    order = np.argsort(key, kind="stable")
    block = key[order] // _SLOTS
    table = 2 * tables[block] + kind[order]
    return Events(block, table, symbol[order], value[order], size[order])


def _dc_events(blocks: NDArray[np.int16], parts: Ints, interval: int) -> list[Ints]:
    """Differences of DC values; ``parts`` tells the components apart."""
    value = blocks[:, 0].astype(np.int64)
    number = np.arange(len(value))
    difference = np.empty_like(value)
    for index in np.unique(parts):
        own = np.flatnonzero(parts == index)
        difference[own] = np.diff(value[own], prepend=0)
        # After a restart there is nothing to differ from.
        new = np.diff(own // interval, prepend=-1) > 0
        difference[own[new]] = value[own[new]]
    bits, size = _coded(difference)
    return [number * _SLOTS, size, bits, size]


def _ac_events(
    blocks: NDArray[np.int16], first: int, interval: int, *, runs: bool
) -> list[list[Ints]]:
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
    found.append(_ends(last, first, end, interval) if runs else _single_ends(last, end))
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


def optimal_table(counts: Ints) -> bytes:
    """A Huffman table as it is stored, for symbols of these counts (T.81, K.2).

    Args:
        counts: ``(256,)`` how often each symbol occurs.

    Returns:
        16 counts of codes by length, then the symbols. The code of all ones stays unused.
    """
    # A symbol that never occurs takes the code of all ones: its weight is least.
    heap: list[tuple[int, int, tuple[int, ...]]] = [(0, 256, (256,))]
    heap += [(int(counts[s]), int(s), (int(s),)) for s in np.flatnonzero(counts)]
    heapq.heapify(heap)
    lengths = dict.fromkeys((s for _, _, members in heap for s in members), 0)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in (*a[2], *b[2]):
            lengths[symbol] += 1
        heapq.heappush(heap, (a[0] + b[0], max(a[1], b[1]), a[2] + b[2]))
    by_length = [0] * max(33, 2 + max(lengths.values()))
    for length in lengths.values():
        by_length[max(1, length)] += 1
    _shorten(by_length)
    by_length[max(i for i, n in enumerate(by_length) if n)] -= 1
    ordered = sorted((s for s in lengths if s != 256), key=lambda s: (lengths[s], s))
    return bytes(by_length[1:17]) + bytes(ordered)


def _shorten(by_length: list[int]) -> None:
    """Make all codes 16 bits long at most (T.81, figure K.3)."""
    for length in range(len(by_length) - 1, 16, -1):
        while by_length[length] > 0:
            shorter = length - 2
            while by_length[shorter] == 0:
                shorter -= 1
            by_length[length] -= 2
            by_length[length - 1] += 1
            by_length[shorter + 1] += 2
            by_length[shorter] -= 1


def codes_of(table: bytes) -> tuple[Ints, Ints]:
    """Code and length of each of the 256 symbols; length 0 = the table has none for it."""
    code, length = np.zeros(256, np.int64), np.zeros(256, np.int64)
    at, index = 0, 16
    for bits in range(1, 17):
        for _ in range(table[bits - 1]):
            code[table[index]], length[table[index]] = at, bits
            at, index = at + 1, index + 1
        at <<= 1
    return code, length


def counts_of(events: Events) -> dict[int, Ints]:
    """How often each symbol occurs, by table."""
    return {
        int(table): np.bincount(events.symbol[events.table == table], minlength=256)
        for table in np.unique(events.table)
    }


def pack(events: Events, tables: Mapping[int, bytes], interval: int) -> bytes:
    """The entropy-coded data of a scan, with its restart markers.

    Args:
        events: What it has to say.
        tables: Huffman tables as they are stored, by the events' numbers of them.
        interval: Blocks between two restarts.

    Raises:
        NotSpliceable: A table has no code for a symbol.
    """
    most = max(tables) + 1
    codes, lengths = np.zeros((most, 256), np.int64), np.zeros((most, 256), np.int64)
    for number, table in tables.items():
        codes[number], lengths[number] = codes_of(table)
    code = codes[events.table, events.symbol]
    length = lengths[events.table, events.symbol]
    if (length == 0).any():
        raise NotSpliceable("its Huffman tables have no code for a value")
    code, length = code << events.size | events.value, length + events.size
    piece = events.block // interval
    data, ends = _pack_bits(code, length, piece)
    return _with_restarts(data, ends)


def _pack_bits(code: Ints, length: Ints, piece: Ints) -> tuple[bytes, Ints]:
    """Bits one after the other, each piece padded with ones to whole bytes; and its end."""
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
