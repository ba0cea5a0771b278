"""Huffman-coded scans of a JPEG to coefficients (ITU-T T.81, annexes F and G).

Decoding a Huffman code is one step after the other: only that part is a Python loop, and it notes
nothing but one number a symbol. Where each symbol stands, its value bits, its coefficient and its
block all follow from those numbers by sums over arrays.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from textclean.io.jpeg_frame import NotSpliceable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Blocks = NDArray[np.int16]

# A symbol as one number: bits of code and value, step in the block, bits of value, first of block.
_STEP, _SIZE, _FIRST = 6, 13, 17


class Scan(NamedTuple):
    """A scan's header: components by position with their tables, band, approximation."""

    parts: tuple[tuple[int, int, int], ...]
    first: int
    last: int
    high: int
    low: int


class Bits:
    """The bits of a piece of a scan, to be looked at from any place.

    Attributes:
        windows: 32 bits from each byte on.
        words: The same, for the loop over symbols.
        count: How many bits there are.
    """

    def __init__(self, data: bytes) -> None:
        """The bits of unstuffed bytes."""
        # Beyond the end decoders see zeros; the loops notice when they run over.
        padded = np.frombuffer(data + bytes(8), np.uint8).astype(np.uint32)
        self.windows = padded[:-3] << 24 | padded[1:-2] << 16 | padded[2:-1] << 8 | padded[3:]
        self.words = array("I", self.windows.tobytes())
        self.count = 8 * len(data)

    def values(self, at: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
        """The unsigned numbers of ``size`` bits that start at the bits ``at``; up to 16 bits."""
        shift = 32 - (at & 7) - size
        found: NDArray[np.int64] = (self.windows[at >> 3].astype(np.int64) >> shift) & (
            (1 << size) - 1
        )
        return found


@lru_cache(maxsize=16)
def symbols(table: bytes, *, first: bool = False, runs: bool = False) -> list[int]:
    """What each 16-bit look at the stream means, by a Huffman table as it is stored.

    Args:
        table: 16 counts of codes by length, then the symbols (T.81, B.2.4.2).
        first: Whether the symbols are sizes of DC differences, else run and size of AC values.
        runs: Whether a block's end may stand for many blocks (progressive images).

    Returns:
        65,536 numbers: bits of code and value, step in the block, bits of value, first of block;
        0 = no code.

    Raises:
        NotSpliceable: The table holds more codes than there is room for.
    """
    found = np.zeros(1 << 16, np.int64)
    at, index = 0, 16
    for length in range(1, 17):
        for _ in range(table[length - 1]):
            symbol = table[index]
            size = symbol & 15
            step = 1 if first else (symbol >> 4) + 1
            if not (first or runs or size) and symbol != 0xF0:
                step = 64
            number = (length + size) | step << _STEP | size << _SIZE | int(first) << _FIRST
            end = at + (1 << (16 - length))
            if end > 1 << 16 or (first and symbol > 15):
                raise NotSpliceable("its Huffman tables are damaged")
            found[at:end] = number
            at, index = end, index + 1
    return list(found.tolist())


def sequential(
    bits: Bits, blocks: Blocks, dcs: list[list[int]], acs: list[list[int]], pattern: list[int]
) -> None:
    """A piece of a sequential scan into its ``(n, 64)`` blocks."""
    e = np.array(_walk(bits, len(blocks), dcs, acs), np.int64)
    taken = e & 63
    ends = np.cumsum(taken)
    if not e.all() or ends[-1] > bits.count + 7:
        raise NotSpliceable("its data is damaged")
    size = e >> _SIZE & 15
    value = _signed(bits.values(ends - size, size), size)
    is_first = (e >> _FIRST & 1).astype(bool)
    steps = np.cumsum(e >> _STEP & 127)
    block = np.cumsum(is_first) - 1
    starts = steps[is_first]
    place = steps - starts[block]
    if (place[size > 0] > 63).any():
        raise NotSpliceable("its data is damaged")
    ac = (size > 0) & ~is_first
    blocks[block[ac], place[ac]] = value[ac]
    _undo_differences(blocks, value[is_first], pattern)


def _walk(bits: Bits, count: int, dcs: list[list[int]], acs: list[list[int]]) -> list[int]:
    """The symbols of so many blocks, each as its number."""
    words, end = bits.words, bits.count + 64
    notes: list[int] = []
    note = notes.append
    at = 0
    for dc, ac in islice(cycle(zip(dcs, acs, strict=True)), count):
        e = dc[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
        note(e)
        at += e & 63
        k = 1
        while k < 64:
            e = ac[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
            note(e)
            at += e & 63
            k += e >> 6 & 127
            if not e:
                raise NotSpliceable("its data is damaged")
        if at > end:
            raise NotSpliceable("its data is cut off")
    return notes


def progressive_dc(
    bits: Bits, blocks: Blocks, dcs: list[list[int]], pattern: list[int], scan: Scan
) -> None:
    """The first bits of all DC values, or one bit more."""
    if scan.high:
        if len(blocks) > bits.count:
            raise NotSpliceable("its data is cut off")
        places = np.arange(len(blocks), dtype=np.int64)
        more = bits.values(places, np.ones_like(places)) << scan.low
        blocks[:, 0] |= more.astype(np.int16)
        return
    notes: list[int] = []
    at = 0
    for number in range(len(blocks)):
        e = dcs[number % len(dcs)][bits.words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
        notes.append(e)
        at += e & 63
    e_all = np.array(notes, np.int64)
    if not e_all.all() or at > bits.count:
        raise NotSpliceable("its data is damaged")
    size = e_all >> _SIZE & 15
    value = _signed(bits.values(np.cumsum(e_all & 63) - size, size), size)
    _undo_differences(blocks, value, pattern)
    blocks[:, 0] <<= scan.low


def first_ac(bits: Bits, blocks: Blocks, ac: list[int], scan: Scan) -> None:
    """The first bits of a band of AC values (T.81, G.1.2.2)."""
    words, last, end = bits.words, scan.last, bits.count
    number, at = 0, 0
    places: list[int] = []
    ends: list[int] = []
    sizes: list[int] = []
    while number < len(blocks):
        k, skip = scan.first, 1
        while k <= last:
            e = ac[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
            if not e or at > end:
                raise NotSpliceable("its data is damaged")
            at += e & 63
            size, step = e >> _SIZE & 15, e >> _STEP & 127
            if size:
                k += step
                places.append(number * 64 + k - 1)
                ends.append(at)
                sizes.append(size)
            elif step == 16:
                k += 16
            else:
                # The end of this band, in so many blocks.
                run = step - 1
                more = words[at >> 3] >> (32 - (at & 7) - run) & ((1 << run) - 1)
                at += run
                skip = (1 << run) + more
                break
        number += skip
    size_all = np.array(sizes, np.int64)
    value = _signed(bits.values(np.array(ends, np.int64) - size_all, size_all), size_all)
    place = np.array(places, np.int64)
    if number > len(blocks) or (place >= blocks.size).any():
        raise NotSpliceable("its data is damaged")
    blocks.reshape(-1)[place] = value << scan.low


def _signed(value: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values from their bits: the lower half of the range is negative (T.81, F.2.2.1)."""
    half = (1 << size) >> 1
    return np.where(value < half, value - (1 << size) + 1, value)


def _undo_differences(blocks: Blocks, value: NDArray[np.int64], pattern: list[int]) -> None:
    """DC values of a piece from their differences, component by component."""
    owner = np.resize(np.array(pattern), len(blocks))
    for index in set(pattern):
        own = owner == index
        blocks[own, 0] = np.cumsum(value[own])
