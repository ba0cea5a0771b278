"""New blocks in the scans of a sequential JPEG, among the bits of all others as they are.

A block's code depends on others only by its DC value, which is coded as the difference to the one
before. So what changes in a scan is the code of each new block, and the first code of the block of
the same component behind it. All other bits are copied, moved to where the new codes leave off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_blocks import Reach
from textclean.io.jpeg_coefficients import Layout
from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_entropy import PADDING, Bits, decoded, locate
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
from textclean.io.jpeg_kernels import put_together, write_blocks
from textclean.io.jpeg_scans import Stored, StoredScan, damage
from textclean.io.jpeg_tables import codes_of, extended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_blocks import Changes
    from textclean.io.jpeg_entropy import Blocks, Ints
    from textclean.types import Mask

    Flags = NDArray[np.bool_]

# A DC difference, 63 values and the end: runs of zeros take the place of values.
_MOST_EVENTS: Final = 65
# No table has a symbol for more bits of a DC difference.
_DC_BITS: Final = 15
# Bytes that are put together at a time.
_AT_ONCE: Final = 1 << 20


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
    located = locate(bits, tables, pattern, layout.count, each)
    places = [changes.touched(index) for index in layout.chosen]
    every = [layout.numbers(i, *where) for i, where in zip(layout.chosen, places, strict=True)]
    whole = decoded(bits, located, np.concatenate(every), [ac for _, ac in tables])
    stored_blocks = np.split(whole, np.cumsum([len(own) for own in every])[:-1])
    numbers, blocks = [], []
    for index, where, own, old in zip(layout.chosen, places, every, stored_blocks, strict=True):
        fresh = changes.renewed(index, old, stored.table_of(changes.frame, index))
        differs = (fresh != old).any(axis=1)
        reach.add(index, (where[0][differs], where[1][differs]))
        numbers.append(own[differs])
        blocks.append(fresh[differs])
    number = np.concatenate(numbers)
    order = np.argsort(number)
    new = _New.of(layout, located.dc, each, number[order], np.concatenate(blocks)[order])
    starts, stops = located.starts[new.number], located.stops[new.number]
    moved = new.which < 0
    stops[moved] = located.values[new.number[moved]]
    edits = _Edits(new.number, starts, stops, *_coded(scan, layout, new))
    return _body(scan, bits, spans, edits, located.stops, each)


@dataclass(frozen=True, slots=True, eq=False)
class _New:
    """What is to be said anew: new blocks, and the DC differences of those behind them.

    Attributes:
        number: ``(n,)`` ascending, the block's place in the scan.
        which: ``(n,)`` where its coefficients are; -1 = only its DC difference is new.
        difference: ``(n,)`` its DC difference.
        blocks: ``(m, 64)`` int16 coefficients in zigzag order.
    """

    number: Ints
    which: Ints
    difference: Ints
    blocks: Blocks

    @classmethod
    def of(cls, layout: Layout, dc: Ints, each: int, number: Ints, blocks: Blocks) -> _New:
        """What new blocks, by their numbers in ascending order, have to say.

        Args:
            layout: The scan's layout.
            dc: ``(n,)`` DC values so far.
            each: Blocks between two restarts.
            number: Places of the new blocks.
            blocks: Their coefficients.
        """
        behind = layout.neighbours(each, number, 1)
        after = dc.copy()
        after[number] = blocks[:, 0]
        held = (behind >= 0) & (after[number] != dc[number])
        moved = np.setdiff1d(behind[held], number, assume_unique=True)
        every = np.concatenate([number, moved])
        order = np.argsort(every)
        every = every[order]
        which = np.concatenate([np.arange(len(number)), np.full(len(moved), -1)])[order]
        before = layout.neighbours(each, every, -1)
        difference = after[every] - np.where(before < 0, 0, after[before])
        if (abs(difference) >> _DC_BITS).any():
            raise NotSpliceable("its data is damaged")
        return cls(every, which, difference, blocks)


def _coded(scan: StoredScan, layout: Layout, new: _New) -> tuple[Bits, Ints]:
    """New bits, and where those of each block begin and end.

    Tables that have no code for what is to be said get it.
    """
    tables = [scan.table(kind, index) for index in layout.chosen for kind in (0, 1)]
    slots = np.array([layout.chosen.index(i) for i in layout.pattern], np.int64)
    slots = slots[new.number % len(layout.pattern)]
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
    cuts = np.zeros(len(new.number) + 1, np.int64)
    symbols, bits, sizes = np.zeros((3, _MOST_EVENTS), np.int64)
    # A DC difference or a value takes less than 32 bits, the end of a block or a run less than 17.
    out = np.zeros(4 * (len(new.number) + 68 * len(new.blocks)), np.uint8)
    flat = (new.blocks.reshape(-1), new.which, new.difference, slots)
    of_tables = (codes.reshape(-1), lengths.reshape(-1), missing.reshape(-1))
    write_blocks(*flat, *of_tables, BIT_LENGTHS, (symbols, bits, sizes), cuts, out)
    return _fresh(out[: -(-int(cuts[-1]) // 8)]), cuts, missing


def _coded_plain(new: _New, slots: Ints, tables: list[bytes]) -> tuple[Bits, Ints, Flags]:
    own, moved = np.flatnonzero(new.which >= 0), np.flatnonzero(new.which < 0)
    said = scan_events(new.blocks, new.difference[own], slots[own])
    events = joined(
        Events(own[said.block], said.table, said.symbol, said.value, said.size),
        dc_events(new.difference[moved], slots[moved], moved),
    )
    missing = np.zeros((len(tables), 256), np.bool_)
    missing[events.table, events.symbol] = True
    missing &= np.stack([codes_of(table)[1] == 0 for table in tables])
    code, length = coded(events, dict(enumerate(tables)))
    lengths = np.bincount(events.block, length, len(new.number))
    cuts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    packed, _ = pack_bits(code, length, np.zeros(len(code), np.int64))
    return _fresh(np.frombuffer(packed, np.uint8)), cuts, missing


def _fresh(packed: NDArray[np.uint8]) -> Bits:
    return Bits(np.concatenate([packed, np.zeros(PADDING, np.uint8)]), np.array([len(packed)]))


@dataclass(frozen=True, slots=True, eq=False)
class _Edits:
    """What takes the place of what, by block.

    Attributes:
        block: ``(n,)`` ascending.
        start: ``(n,)`` first bit that is replaced.
        stop: ``(n,)`` the bit after the last.
        fresh: All new bits, one after the other.
        cuts: ``(n + 1,)`` where the new bits of each begin, and of the last one end.
    """

    block: Ints
    start: Ints
    stop: Ints
    fresh: Bits
    cuts: Ints


def _body(
    scan: StoredScan,
    bits: Bits,
    spans: Sequence[tuple[int, int]],
    edits: _Edits,
    stops: Ints,
    each: int,
) -> bytes:
    """The scan's data: pieces without an edit as they are, the others put together."""
    bounds = np.searchsorted(edits.block, each * np.arange(len(spans) + 1))
    put = _put_compiled if is_compiled() else _put_plain
    source = _Source(bits, edits.fresh)
    parts, copied = [], 0
    for piece in np.flatnonzero(np.diff(bounds)).tolist():
        start, end = spans[piece]
        last = min((piece + 1) * each, len(stops)) - 1
        parts.append(scan.body[copied:start])
        whole = int(bits.starts[piece]), int(stops[last])
        which = range(bounds[piece], bounds[piece + 1])
        packed = put(source, *_stretches(source.behind, whole, edits, which))
        parts.append(packed.replace(b"\xff", b"\xff\0"))
        copied = end
    return b"".join([*parts, scan.body[copied:]])


def _stretches(
    behind: int, whole: tuple[int, int], edits: _Edits, which: range
) -> tuple[Ints, Ints]:
    """First bits of what a piece with some edits is put together of, and the bits after the last.

    Args:
        behind: Where the new bits begin behind the old ones.
        whole: First bit of the piece, and the bit after its last.
        edits: All edits.
        which: Those of the piece.
    """
    start, stop, cuts = (a[which.start : which.stop] for a in (edits.start, edits.stop, edits.cuts))
    # Edits of blocks side by side are one.
    first = np.flatnonzero(np.concatenate([[True], start[1:] != stop[:-1]]))
    last = np.concatenate([first[1:], [len(start)]]) - 1
    ends = edits.cuts[which.start + last + 1]
    # What is copied and what is new take turns.
    copied = np.concatenate([[whole[0]], stop[last]]), np.concatenate([start[first], [whole[1]]])
    fresh = behind + np.append(cuts[first], 0), behind + np.append(ends, 0)
    begins, stops = (
        np.stack(pair, axis=1).reshape(-1)[:-1] for pair in zip(copied, fresh, strict=True)
    )
    return begins, stops


class _Source:
    """Old and new bits one behind the other, put so when they are first asked for.

    Attributes:
        behind: Where the new ones begin.
    """

    def __init__(self, old: Bits, new: Bits) -> None:
        """A source of both."""
        self._parts = old, new
        self.behind = 8 * len(old.padded)

    @cached_property
    def data(self) -> NDArray[np.uint8]:
        """The bytes."""
        return np.concatenate([bits.padded for bits in self._parts])

    @cached_property
    def windows(self) -> NDArray[np.uint32]:
        """32 bits from each byte on."""
        old, new = (bits.windows for bits in self._parts)
        return np.concatenate([old, np.zeros(self.behind // 8 - len(old), np.uint32), new])


def _put_compiled(source: _Source, begins: Ints, stops: Ints) -> bytes:
    """Stretches of bits one after the other, the last byte filled up with ones."""
    out = np.empty(int((stops - begins).sum()) // 8 + 1, np.uint8)
    return out[: put_together(source.data, begins, stops, out)].tobytes()


def _put_plain(source: _Source, begins: Ints, stops: Ints) -> bytes:
    """The same as :func:`_put_compiled`."""
    windows, lengths = source.windows, stops - begins
    ends = np.cumsum(lengths)
    places, total = ends - lengths, int(ends[-1])
    packed = np.empty((total + 7) // 8, np.uint8)
    # Each byte as if all of it belonged to the stretch that its first bit belongs to.
    own = np.append(places + 7 >> 3, len(packed))
    for at in range(0, len(packed), _AT_ONCE):
        end = min(at + _AT_ONCE, len(packed))
        place = np.repeat(begins - places, np.diff(own.clip(at, end))) + 8 * np.arange(at, end)
        shift = (24 - (place & 7)).astype(np.uint32)
        packed[at:end] = (windows[place >> 3] >> shift).astype(np.uint8)
    # Then the bytes in the middle of which others begin.
    inner = np.flatnonzero(places & 7)
    byte, room = places[inner] >> 3, 8 - (places[inner] & 7)
    head = np.diff(byte, prepend=-1) > 0
    packed[byte[head]] &= (0xFF << room[head]).astype(np.uint8)
    begin, count = begins[inner], np.minimum(room, lengths[inner])
    value = windows[begin >> 3].astype(np.int64) >> (32 - (begin & 7) - count) & ((1 << count) - 1)
    np.bitwise_or.at(packed, byte, (value << (room - count)).astype(np.uint8))
    if total & 7:
        packed[-1] |= (1 << (-total & 7)) - 1
    return packed.tobytes()
