"""Some blocks of a sequential scan, and what the codes of others owe to them.

A walk over the whole scan tells where its blocks are. Of those that are not wanted, nothing is kept
but their DC values, which the next one's code is the difference to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_entropy import DAMAGED, decoded, locate
from textclean.io.jpeg_frame import NotSpliceable
from textclean.io.jpeg_kernels import read_scan
from textclean.io.jpeg_lookup import walk_looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.io.jpeg_coefficients import Layout
    from textclean.io.jpeg_entropy import Bits, Blocks, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Blocks of a scan in their order: wanted ones, and those of the same component behind them.

    Attributes:
        number: ``(n,)`` ascending, their places in the scan.
        row: ``(n,)`` where their coefficients are; -1 = they are not wanted.
        starts: ``(n,)`` first bit of each.
        values: ``(n,)`` first bit after its DC difference.
        stops: ``(n,)`` bit after its last; of wanted ones alone.
        dc: ``(n,)`` its DC value.
        base: ``(n,)`` the one before it of the same component, 0 where there is none.
        before: ``(n,)`` where among these the block is that has it, if it is a wanted one; else -1.
        blocks: ``(m, 64)`` int16 in zigzag order, the coefficients of the wanted blocks.
        closes: ``(pieces,)`` of each piece between restarts the bit after its last block.
    """

    number: Ints
    row: Ints
    starts: Ints
    values: Ints
    stops: Ints
    dc: Ints
    base: Ints
    before: Ints
    blocks: Blocks
    closes: Ints


def find(
    bits: Bits, tables: Sequence[tuple[bytes, bytes]], layout: Layout, each: int, wanted: Ints
) -> Found:
    """Find blocks of a sequential scan.

    Args:
        bits: Its bits.
        tables: DC and AC table of each block in an MCU.
        layout: Its layout.
        each: Blocks between two restarts.
        wanted: ``(m,)`` the places of blocks in the scan.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    rows = np.full(layout.count, -1, np.int64)
    rows[wanted] = np.arange(len(wanted))
    return (_compiled if is_compiled() else _plain)(bits, tables, layout, each, rows, wanted)


def _compiled(
    bits: Bits,
    tables: Sequence[tuple[bytes, bytes]],
    layout: Layout,
    each: int,
    rows: Ints,
    wanted: Ints,
) -> Found:
    known = tuple(sorted(set(tables)))
    pairs = np.array([known.index(pair) for pair in tables], np.int64)
    components = np.array(layout.pattern, np.int64)
    most = min(2 * len(wanted), layout.count)
    number, starts, values, stops, dc, base, before = np.empty((7, most), np.int64)
    previous, latest = np.zeros((2, max(layout.pattern) + 1), np.int64)
    closes = np.zeros(len(bits.starts), np.int64)
    blocks = np.zeros((len(wanted), 64), np.int16)
    count = read_scan(
        bits.padded,
        walk_looks(known),
        (pairs, components),
        (bits.starts, bits.ends, closes),
        each,
        rows,
        (previous, latest),
        (number, starts, values, stops, dc, base, before),
        blocks.reshape(-1),
    )
    if count < 0:
        raise NotSpliceable(DAMAGED)
    columns = number, starts, values, stops, dc, base, before
    number, starts, values, stops, dc, base, before = (column[:count] for column in columns)
    return Found(number, rows[number], starts, values, stops, dc, base, before, blocks, closes)


def _plain(
    bits: Bits,
    tables: Sequence[tuple[bytes, bytes]],
    layout: Layout,
    each: int,
    rows: Ints,
    wanted: Ints,
) -> Found:
    located = locate(bits, tables, layout.pattern, layout.count, each)
    blocks = decoded(bits, located, wanted, [ac for _, ac in tables])
    behind = layout.neighbours(each, wanted, 1)
    noted = rows >= 0
    noted[behind[behind >= 0]] = True
    number = np.flatnonzero(noted)
    before = layout.neighbours(each, number, -1)
    base = np.where(before < 0, 0, located.dc[before])
    place = np.full(layout.count, -1, np.int64)
    place[number] = np.where(rows[number] < 0, -1, np.arange(len(number)))
    before = np.where(before < 0, -1, place[before])
    ends = np.minimum(each * np.arange(1, len(bits.starts) + 1), layout.count)
    columns = located.starts, located.values, located.stops, located.dc
    starts, values, stops, dc = (column[number] for column in columns)
    closes = located.stops[ends - 1]
    return Found(number, rows[number], starts, values, stops, dc, base, before, blocks, closes)
