"""Huffman tables of a JPEG: the best ones for given counts, their codes, codes added to them."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from textclean.io.jpeg_frame import NotSpliceable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class NoRoom(NotSpliceable):
    """A Huffman table has no room for another code."""


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


def extended(table: bytes, symbols: Sequence[int]) -> bytes:
    """A Huffman table with codes for more symbols; the codes that it has stay as they are.

    Args:
        table: As it is stored.
        symbols: Symbols without a code. They get the longest ones there are.

    Raises:
        NoRoom: There is none for so many.
    """
    used = sum(count << (16 - length) for length, count in enumerate(table[:16], start=1))
    # The code of all ones stays unused.
    if used + len(symbols) >= 1 << 16 or table[15] + len(symbols) > 255:
        raise NoRoom("its Huffman tables have no room for another code")
    return table[:15] + bytes([table[15] + len(symbols)]) + table[16:] + bytes(symbols)
