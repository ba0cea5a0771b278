"""New blocks in the scans of a sequential JPEG, among the bits of all others as they are.

A block's code depends on others only by its DC value, which is coded as the difference to the one
before. So what changes in a scan is the code of each new block, and the first code of the block of
the same component behind it. All other bits are copied, moved to where the new codes leave off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_coefficients import Layout
from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_entropy import DAMAGED, PADDING, Bits
from textclean.io.jpeg_found import Found, find
from textclean.io.jpeg_frame import EOI, SOI, NotSpliceable, Segment
from textclean.io.jpeg_huffman import (
    BIT_LENGTHS,
    Events,
    coded,
    dc_events,
    joined,
    pack_bits,
    scan_events,
)
from textclean.io.jpeg_kernels import write_blocks
from textclean.io.jpeg_reach import Reach
from textclean.io.jpeg_scans import Stored, StoredScan, damage
from textclean.io.jpeg_stretches import Edits, put_in
from textclean.io.jpeg_tables import codes_of, extended

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.jpeg_blocks import Changes
    from textclean.io.jpeg_entropy import Blocks, Ints
    from textclean.types import Mask

    Flags = NDArray[np.bool_]

# A DC difference, 63 values and the end: runs of zeros take the place of values.
_MOST_EVENTS: Final = 65
# No table has a symbol for more bits of a DC difference.
_DC_BITS: Final = 15


def patch(stored: Stored, changes: Changes) -> tuple[bytes, Mask]:
    """The file with new blocks.

    Args:
        stored: A sequential JPEG; Huffman tables that lack a code get one more.
        changes: What is to change.

    Returns:
        The new file, and ``(H, W)`` bool: the pixels that may decode differently.

    Raises:
        NoRoom: A Huffman table has no room for another code.
        NotSpliceable: The data is damaged.
    """
    reach = Reach(changes)
    bodies: dict[StoredScan, bytes] = {}
    for scan in stored.scans:
        with damage():
            bodies[scan] = _patched(stored, scan, changes, reach)
    raw = [SOI]
    for part in stored.parts:
        if isinstance(part, StoredScan):
            raw += [part.head, bodies[part]]
        elif not (isinstance(part, Segment) and part.is_index):
            raw.append(part.raw)
    return b"".join([*raw, EOI]), reach.mask()


def _patched(stored: Stored, scan: StoredScan, changes: Changes, reach: Reach) -> bytes:
    """A scan's data with new blocks; what they reach is noted."""
    layout = Layout.of(changes.frame, changes.grid, scan.chosen)
    pattern = layout.pattern
    each = scan.each(layout.count, len(pattern))
    spans = scan.pieces(-(-layout.count // each))
    bits = scan.bits(spans)
    tables = [(scan.table(0, i).codes, scan.table(1, i).codes) for i in pattern]
    places = [changes.touched(index) for index in layout.chosen]
    every = [layout.numbers(i, *where) for i, where in zip(layout.chosen, places, strict=True)]
    found = find(bits, tables, layout, each, np.concatenate(every))
    fresh, differs = found.blocks.copy(), np.zeros(len(found.blocks), np.bool_)
    end = 0
    for index, where in zip(layout.chosen, places, strict=True):
        own = slice(end, end := end + len(where[0]))
        old = found.blocks[own]
        fresh[own] = changes.renewed(index, old, stored.table_of(changes.frame, index))
        # Eight flags at a time: much faster than any() over a short axis.
        unlike = (fresh[own].view(np.int64) != old.view(np.int64)).view(np.int64)
        differs[own] = (unlike[:, 0] | unlike[:, 1]) != 0
        reach.add(index, (where[0][differs[own]], where[1][differs[own]]))
    new = _New.of(found, fresh, differs)
    edited, moved = new.edited, new.which < 0
    stops = np.where(moved, found.values[edited], found.stops[edited])
    numbers = found.number[edited]
    edits = Edits(numbers, found.starts[edited], stops, *_coded(scan, layout, new, numbers))
    return put_in(scan, bits, spans, edits, found.closes, each)


@dataclass(frozen=True, slots=True, eq=False)
class _New:
    """What is to be said anew: new blocks, and the DC differences of those behind them.

    Attributes:
        edited: ``(n,)`` ascending, which of the blocks that were found.
        which: ``(n,)`` where its coefficients are; -1 = only its DC difference is new.
        difference: ``(n,)`` its DC difference.
        blocks: ``(m, 64)`` int16 coefficients in zigzag order.
    """

    edited: Ints
    which: Ints
    difference: Ints
    blocks: Blocks

    @classmethod
    def of(cls, found: Found, blocks: Blocks, differs: Flags) -> _New:
        """What new blocks have to say.

        Args:
            found: The wanted blocks as they are stored, and those behind them.
            blocks: ``(m, 64)`` int16: what they become.
            differs: ``(m,)`` bool: which of them are new.

        Raises:
            NotSpliceable: A DC difference is larger than any code can tell.
        """
        own = found.row >= 0
        own[own] = differs[found.row[own]]
        by = np.zeros(len(own) + 1, np.int64)
        by[:-1][own] = blocks[found.row[own], 0] - found.dc[own]
        # The last one stands for blocks before of which none is new.
        difference = found.dc + by[:-1] - found.base - by[found.before]
        edited = np.flatnonzero(own | (by[found.before] != 0))
        which = np.where(own, found.row, -1)[edited]
        if (abs(difference[edited]) >> _DC_BITS).any():
            raise NotSpliceable(DAMAGED)
        return cls(edited, which, difference[edited], blocks)


def _coded(scan: StoredScan, layout: Layout, new: _New, number: Ints) -> tuple[Bits, Ints]:
    """New bits, and where those of each block begin and end.

    Tables that have no code for what is to be said get it.

    Args:
        scan: The scan.
        layout: Its layout.
        new: What is to be said.
        number: ``(n,)`` the places in the scan of the blocks that it is about.
    """
    tables = [scan.table(kind, index) for index in layout.chosen for kind in (0, 1)]
    slots = np.array([layout.chosen.index(i) for i in layout.pattern], np.int64)
    slots = slots[number % len(layout.pattern)]
    coded = _coded_compiled if is_compiled() else _coded_plain
    while True:
        bits, cuts, missing = coded(new, slots, [table.codes for table in tables])
        if not missing.any():
            return bits, cuts
        for table, lacks in zip(tables, missing, strict=True):
            # Components may share a table that has got the code already.
            lacks &= codes_of(table.codes)[1] == 0
            if lacks.any():
                table.codes = extended(table.codes, np.flatnonzero(lacks).tolist())


def _coded_compiled(new: _New, slots: Ints, tables: list[bytes]) -> tuple[Bits, Ints, Flags]:
    codes, lengths = (np.stack(column) for column in zip(*map(codes_of, tables), strict=True))
    missing = np.zeros(codes.shape, np.bool_)
    cuts = np.zeros(len(new.which) + 1, np.int64)
    symbols, bits, sizes = np.zeros((3, _MOST_EVENTS), np.int64)
    # A DC difference or a value takes less than 32 bits, the end of a block or a run less than 17.
    out = np.empty(4 * (len(new.which) + 68 * len(new.blocks)), np.uint8)
    flat = (new.blocks.reshape(-1), new.blocks.view(np.int64).reshape(-1))
    said = (new.which, new.difference, slots)
    of_tables = (codes.reshape(-1), lengths.reshape(-1), missing.reshape(-1))
    write_blocks(*flat, *said, *of_tables, BIT_LENGTHS, (symbols, bits, sizes), cuts, out)
    return _fresh(out[: -(-int(cuts[-1]) // 8)]), cuts, missing


def _coded_plain(new: _New, slots: Ints, tables: list[bytes]) -> tuple[Bits, Ints, Flags]:
    own, moved = np.flatnonzero(new.which >= 0), np.flatnonzero(new.which < 0)
    said = scan_events(new.blocks[new.which[own]], new.difference[own], slots[own])
    events = joined(
        Events(own[said.block], said.table, said.symbol, said.value, said.size),
        dc_events(new.difference[moved], slots[moved], moved),
    )
    missing = np.zeros((len(tables), 256), np.bool_)
    missing[events.table, events.symbol] = True
    missing &= np.stack([codes_of(table)[1] == 0 for table in tables])
    code, length = coded(events, dict(enumerate(tables)))
    lengths = np.bincount(events.block, length, len(new.which))
    cuts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    packed, _ = pack_bits(code, length, np.zeros(len(code), np.int64))
    return _fresh(np.frombuffer(packed, np.uint8)), cuts, missing


def _fresh(packed: NDArray[np.uint8]) -> Bits:
    return Bits(np.concatenate([packed, np.zeros(PADDING, np.uint8)]), np.array([len(packed)]))
