"""Huffman-coded scans of a JPEG to coefficients (ITU-T T.81, annexes F and G).

Decoding a Huffman code is one step after the other: that part is a loop over symbols, and it notes
nothing but where blocks begin. From there on all blocks are alike: NumPy decodes them side by side,
one symbol of each at a time. Where loops are compiled, :mod:`textclean.io.jpeg_found` does both at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from textclean.io.jpeg_compile import kernel
from textclean.io.jpeg_frame import NotSpliceable
from textclean.io.jpeg_lookup import SIZE, STEP_BITS, VALUE_BITS, block_looks, single_looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Blocks = NDArray[np.int16]
    Ints = NDArray[np.int64]

# A block takes 64 codes of 16 bits with 15 bits of value at most; eight bytes are looked at ahead.
PADDING: Final = 64 * 31 // 8 + 16
"""Bytes of zeros behind a scan: more than a block can take, whatever its codes."""

DAMAGED: Final = "its data is damaged"


class Scan(NamedTuple):
    """A scan's header: components by position with their tables, band, approximation."""

    parts: tuple[tuple[int, int, int], ...]
    first: int
    last: int
    high: int
    low: int


class Bits:
    """The bits of a scan, to be looked at from any place.

    Attributes:
        padded: The bytes, and more zeros behind them than a block can take.
        starts: ``(pieces,)`` the first bit of each piece between restarts.
        ends: ``(pieces,)`` the bit after its last.
    """

    def __init__(self, padded: NDArray[np.uint8], ends: Ints) -> None:
        """Bits of unstuffed pieces.

        Args:
            padded: Their bytes, and ``PADDING`` zeros.
            ends: ``(pieces,)`` the byte after the last of each.
        """
        self.padded = padded
        self.ends = 8 * np.asarray(ends, np.int64)
        self.starts = np.concatenate([[0], self.ends[:-1]]).astype(np.int64)

    @cached_property
    def windows(self) -> NDArray[np.uint32]:
        """32 bits from each byte on."""
        windows = np.empty(len(self.padded) - 3, np.uint32)
        for start in range(4):
            every = np.frombuffer(self.padded, ">u4", (len(self.padded) - start) // 4, start)
            windows[start::4] = every[: len(windows[start::4])]
        return windows

    def values(self, at: Ints, size: Ints | int) -> Ints:
        """The unsigned numbers of ``size`` bits that start at the bits ``at``; up to 16 bits."""
        shift = 32 - (at & 7) - size
        found: Ints = (self.windows[at >> 3].astype(np.int64) >> shift) & ((1 << size) - 1)
        return found

    def signed(self, ends: Ints, size: Ints) -> Ints:
        """The values whose bits end before ``ends``; the lower half is negative (F.2.2.1)."""
        value = self.values(ends - size, size)
        return np.where(value < (1 << size) >> 1, value - (1 << size) + 1, value)


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where the blocks of a sequential scan are.

    Attributes:
        starts: ``(n,)`` first bit of each block.
        stops: ``(n,)`` bit after its last.
        values: ``(n,)`` first bit after its DC difference.
        dc: ``(n,)`` DC values, the differences summed up.
    """

    starts: Ints
    stops: Ints
    values: Ints
    dc: Ints


def locate(
    bits: Bits, tables: Sequence[tuple[bytes, bytes]], pattern: Sequence[int], count: int, each: int
) -> Located:
    """Find the blocks of a sequential scan.

    Args:
        bits: Its bits.
        tables: DC and AC table of each block in an MCU.
        pattern: Component of each block in an MCU.
        count: Blocks in the scan.
        each: Blocks between two restarts.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    known = sorted(set(tables))
    pairs = np.array([known.index(pair) for pair in tables], np.int64)
    starts, stops = np.zeros((2, count), np.int64)
    looks = np.concatenate([block_looks(*pair) for pair in known])
    if not _walk(bits.windows, looks, 3 * pairs, bits.starts, bits.ends, each, starts, stops):
        raise NotSpliceable(DAMAGED)
    firsts = np.stack([single_looks(dc, first=True) for dc, _ in known])
    entry = firsts[repeated(pairs, count), bits.values(starts, 16)].astype(np.int64)
    values, size = starts + (entry & 63), entry >> VALUE_BITS
    dc = summed(bits.signed(values, size), pattern, each)
    return Located(starts, stops, values, dc)


@kernel
def _walk(
    words: Any,
    looks: Any,
    tables: Any,
    begins: Any,
    ends: Any,
    each: int,
    starts: Any,
    stops: Any,
) -> bool:
    """Note where blocks begin and end; whether all of them are whole."""
    at, slot, piece, left = 0, 0, -1, 0
    for number in range(len(starts)):
        if left == 0:
            piece += 1
            at, slot, left = begins[piece], 0, each
        left -= 1
        starts[number] = at
        head = tables[slot] << 16
        slot += 1
        if slot == len(tables):
            slot = 0
        entry = looks[head + (words[at >> 3] >> (16 - (at & 7)) & 0xFFFF)]
        at += entry & 63
        k = entry >> 6 & 511
        head, tail = head + 0x10000, head + 0x20000
        while k < 64:
            look = words[at >> 3] >> (16 - (at & 7)) & 0xFFFF
            entry = looks[(head if k < 40 else tail) + look]
            at += entry & 63
            k += entry >> 6 & 511
        if (64 < k < 81) or k >= 256 or at > ends[piece]:
            return False
        stops[number] = at
    return True


def decoded(bits: Bits, located: Located, chosen: Ints, tables: Sequence[bytes]) -> Blocks:
    """The coefficients of some blocks.

    Args:
        bits: The scan's bits.
        located: Where its blocks are.
        chosen: ``(m,)`` numbers of blocks in scan order.
        tables: AC table of each block in an MCU.

    Returns:
        ``(m, 64)`` int16 in zigzag order.
    """
    blocks = np.zeros((len(chosen), 64), np.int16)
    blocks[:, 0] = located.dc[chosen]
    flat = blocks.reshape(-1)
    known = sorted(set(tables))
    looks = np.concatenate([single_looks(table) for table in known])
    which = np.array([known.index(table) for table in tables])[chosen % len(tables)]
    at, base = located.values[chosen], which * SIZE
    place = 64 * np.arange(len(chosen)) + 1
    end = place + 63
    while len(at):
        entry = looks[base + bits.values(at, 16)].astype(np.int64)
        at = at + (entry & 63)
        place = place + (entry >> STEP_BITS & 511)
        size = entry >> VALUE_BITS
        held = np.flatnonzero(size)
        flat[place[held] - 1] = bits.signed(at[held], size[held])
        going = np.flatnonzero(place < end)
        at, place, base, end = at[going], place[going], base[going], end[going]
    return blocks


def repeated(pattern: Sequence[int] | Ints, count: int) -> Ints:
    """``(count,)``: the pattern over and over."""
    return np.tile(np.asarray(pattern, np.int64), -(-count // len(pattern)))[:count]


def summed(differences: Ints, pattern: Sequence[int], each: int) -> Ints:
    """DC values from their differences: sums by component, begun anew at every restart."""
    owner = repeated(pattern, len(differences))
    values = np.empty_like(differences)
    for index in set(pattern):
        own = np.flatnonzero(owner == index)
        total = np.cumsum(differences[own])
        fresh = np.flatnonzero(np.diff(own // each, prepend=-1))
        before = np.where(fresh > 0, total[fresh - 1], 0)
        values[own] = total - np.repeat(before, np.diff(fresh, append=len(own)))
    return values
