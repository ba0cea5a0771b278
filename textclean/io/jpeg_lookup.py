"""What each 16-bit look at a Huffman-coded stream of a JPEG means (ITU-T T.81, annexes C and F).

An entry is one number: bits taken (6 bits), step in the block (9 bits), bits of value (4 bits).
An end of the block steps beyond its 64 coefficients, a code that the table does not hold farther
still. An entry may stand for several symbols, as many as lie within its bits: most of a scan is
copied, and only where blocks begin is of interest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_frame import NotSpliceable
from textclean.io.jpeg_kernels import SHORT_BITS, WIDE_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Looks = NDArray[np.int32]

SIZE: Final = 1 << 16
STEP_BITS, VALUE_BITS = 6, 15
END_STEP: Final = 80
BAD_STEP: Final = 256
MOST_STEPS: Final = 24
"""An entry of several symbols steps no farther, but for an end: up to 39, it cannot overrun."""

# The same in compiled code: with an end among them, or beyond the block without, is told apart.
_FEW_STEPS: Final = 16

# Symbols of one entry: later ones hardly ever fit.
_SYMBOLS: Final = 4
_ZERO_RUN: Final = 0xF0


@lru_cache(maxsize=32)
def single_looks(table: bytes, *, first: bool = False, runs: bool = False) -> Looks:
    """The entries for one symbol at a time.

    Args:
        table: 16 counts of codes by length, then the symbols (T.81, B.2.4.2).
        first: Whether the symbols are sizes of DC differences, else run and size of AC values.
        runs: Whether a block's end may stand for many blocks (progressive images): then its step is
            one more than the bits of their number.

    Returns:
        ``(65536,)`` int32, read-only.

    Raises:
        NotSpliceable: The table holds more codes than there is room for, or an impossible symbol.
    """
    found = np.full(SIZE, 1 | BAD_STEP << STEP_BITS, np.int32)
    for symbol, start, stop, length in _codes(table):
        size = symbol & 15
        step = 1 if first else (symbol >> 4) + 1
        if first and symbol > 15:
            raise NotSpliceable("its Huffman tables are damaged")
        if not (first or runs or size) and symbol != _ZERO_RUN:
            step = END_STEP
        found[start:stop] = (length + size) | step << STEP_BITS | size << VALUE_BITS
    found.flags.writeable = False
    return found


@lru_cache(maxsize=8)
def block_looks(dc: bytes, ac: bytes) -> Looks:
    """The entries to walk blocks with in plain Python, three times 65,536.

    Entries may stand for several symbols; their bits of value mean nothing.

    Args:
        dc: Table of DC differences.
        ac: Table of AC values.

    Returns:
        ``(196608,)`` int32, read-only: where a block begins; within it; within it after the 39th
        coefficient, always one symbol.

    Raises:
        NotSpliceable: A table is damaged.
    """
    head, tail = single_looks(dc, first=True), single_looks(ac)
    lengths = _lengths(ac)
    pairs = [_joined(looks, tail, lengths, 16, MOST_STEPS) for looks in (head, tail)]
    looks = np.concatenate([*pairs, tail])
    looks.flags.writeable = False
    return looks


@lru_cache(maxsize=8)
def walk_looks(
    tables: tuple[tuple[bytes, bytes], ...],
) -> tuple[Looks, NDArray[np.int16], Looks, Looks, Looks]:
    """The entries to walk blocks with in compiled code, of several tables one after the other.

    Args:
        tables: Tables of DC differences and of AC values.

    Returns:
        Where a block begins, by ``SHORT_BITS`` bits; within it, of several symbols, by
        ``WIDE_BITS`` bits and without bits of value; within it, one symbol, by ``SHORT_BITS``; 0 =
        the code is longer than that. Then one symbol at a time by 16 bits, where a block begins and
        within it. All are read-only.

    Raises:
        NotSpliceable: A table is damaged.
    """
    heads = [single_looks(dc, first=True) for dc, _ in tables]
    tails = [single_looks(ac) for _, ac in tables]
    found = (
        np.concatenate([_short(looks) for looks in heads]),
        np.concatenate([_several(looks, ac) for looks, (_, ac) in zip(tails, tables, strict=True)]),
        np.concatenate([_short(looks) for looks in tails]),
        np.concatenate(heads),
        np.concatenate(tails),
    )
    for looks in found:
        looks.flags.writeable = False
    return found


def _short(looks: Looks) -> Looks:
    """Entries by fewer bits; 0 = there are several for the same ones."""
    each = looks.reshape(1 << SHORT_BITS, -1)
    short: Looks = np.where((each == each[:, :1]).all(axis=1), each[:, 0], np.int32(0))
    return short


def _several(tail: Looks, ac: bytes) -> NDArray[np.int16]:
    """Entries of several symbols within a block; 0 = not even one code lies within the bits."""
    lengths = _lengths(ac)
    joined = _joined(tail, tail, lengths, WIDE_BITS, _FEW_STEPS)
    known = lengths[:: 1 << (16 - WIDE_BITS)] <= WIDE_BITS
    return np.where(known, joined, 0).astype(np.int16)


def _joined(head: Looks, tail: Looks, lengths: Looks, bits: int, most: int) -> Looks:
    """Entries of ``head`` with those AC symbols behind them whose codes lie in the same bits.

    They step no farther than ``most``, but for an end, and are for so many bits.
    """
    looks = np.arange(0, SIZE, 1 << (16 - bits))
    taken, step = head[looks] & 63, head[looks] >> STEP_BITS & 511
    at = np.flatnonzero((step < END_STEP) & (taken < bits))
    for _ in range(_SYMBOLS - 1):
        rest = (looks[at] << taken[at]) & (SIZE - 1)
        entry, length = tail[rest], lengths[rest]
        more = entry >> STEP_BITS & 511
        total = step[at] + more
        fits = (length + taken[at] <= bits) & ((more == END_STEP) | (total <= most))
        at = at[fits]
        taken[at] += entry[fits] & 63
        step[at] = total[fits]
        at = at[(step[at] < END_STEP) & (taken[at] < bits)]
    joined: Looks = taken | step << STEP_BITS
    return joined


def _lengths(table: bytes) -> Looks:
    """The length of the code of each look; 99 where there is none."""
    lengths = np.full(SIZE, 99, np.int32)
    for _, start, stop, length in _codes(table):
        lengths[start:stop] = length
    return lengths


def _codes(table: bytes) -> list[tuple[int, int, int, int]]:
    """Symbol, first and last-but-one 16-bit look, and length of each code of a table.

    Raises:
        NotSpliceable: There is no room for so many.
    """
    found, at, index = [], 0, 16
    for length in range(1, 17):
        for _ in range(table[length - 1]):
            end = at + (1 << (16 - length))
            if end > SIZE or index >= len(table):
                raise NotSpliceable("its Huffman tables are damaged")
            found.append((table[index], at, end, length))
            at, index = end, index + 1
    return found
