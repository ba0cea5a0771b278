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
from textclean.io.jpeg_entropy import Bits, decoded, locate, repeated
from textclean.io.jpeg_frame import EOI, SOI, Segment
from textclean.io.jpeg_huffman import (
    Events,
    coded,
    dc_events,
    differences,
    joined,
    pack_bits,
    scan_events,
)
from textclean.io.jpeg_scans import Stored, StoredScan, damage
from textclean.io.jpeg_tables import codes_of, extended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_blocks import Changes
    from textclean.io.jpeg_entropy import Blocks, Ints
    from textclean.types import Mask

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
    reach = np.zeros(changes.shape, bool)
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
    return b"".join([*raw, EOI]), reach


def _patched(stored: Stored, scan: StoredScan, changes: Changes, reach: Mask) -> bytes:
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
        reach |= changes.reach(index, (where[0][differs], where[1][differs]))
        numbers.append(own[differs])
        blocks.append(fresh[differs])
    number, order = np.unique(np.concatenate(numbers), return_index=True)
    new = np.concatenate(blocks)[order]
    dc = located.dc.copy()
    dc[number] = new[:, 0]
    difference = differences(dc, pattern, each)
    moved = np.flatnonzero(difference != differences(located.dc, pattern, each))
    moved = np.setdiff1d(moved, number, assume_unique=True)
    events = _events(scan, layout, (number, new), moved, difference)
    edits = _Edits.of(
        events,
        (number, located.starts[number], located.stops[number]),
        (moved, located.starts[moved], located.values[moved]),
        _codes(scan, layout, events),
    )
    return _body(scan, bits, spans, edits, located.stops, each)


def _events(
    scan: StoredScan, layout: Layout, new: tuple[Ints, Blocks], moved: Ints, difference: Ints
) -> Events:
    """What is to be said anew: new blocks, and moved ones' DC differences."""
    number, blocks = new
    slots = repeated([layout.chosen.index(i) for i in layout.pattern], layout.count)
    said = scan_events(blocks, difference[number], slots[number])
    return joined(
        Events(number[said.block], said.table, said.symbol, said.value, said.size),
        dc_events(difference[moved], slots[moved], moved),
    )


def _codes(scan: StoredScan, layout: Layout, events: Events) -> tuple[Ints, Ints]:
    """The bits of events and how many they are; tables that have no code for one get it."""
    tables = {
        2 * slot + kind: scan.table(kind, index)
        for slot, index in enumerate(layout.chosen)
        for kind in (0, 1)
    }
    for number, table in tables.items():
        symbols = np.unique(events.symbol[events.table == number])
        missing = symbols[codes_of(table.codes)[1][symbols] == 0]
        if len(missing):
            table.codes = extended(table.codes, missing.tolist())
    return coded(events, {number: table.codes for number, table in tables.items()})


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

    @classmethod
    def of(
        cls,
        events: Events,
        new: tuple[Ints, Ints, Ints],
        moved: tuple[Ints, Ints, Ints],
        codes: tuple[Ints, Ints],
    ) -> _Edits:
        """Edits from block, start and stop of both kinds, and the bits of their events."""
        block, start, stop = (np.concatenate(pair) for pair in zip(new, moved, strict=True))
        order = np.argsort(block)
        block = block[order]
        lengths = np.bincount(np.searchsorted(block, events.block), codes[1], len(block))
        cuts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        packed, _ = pack_bits(*codes, np.zeros(len(codes[0]), np.int64))
        return cls(block, start[order], stop[order], Bits([packed]), cuts)


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
    parts, copied = [], 0
    for piece in np.flatnonzero(np.diff(bounds)).tolist():
        start, end = spans[piece]
        last = min((piece + 1) * each, len(stops)) - 1
        parts.append(scan.body[copied:start])
        whole = int(bits.starts[piece]), int(stops[last])
        parts.append(_piece(bits, whole, edits, range(bounds[piece], bounds[piece + 1])))
        copied = end
    return b"".join([*parts, scan.body[copied:]])


def _piece(bits: Bits, whole: tuple[int, int], edits: _Edits, which: range) -> bytes:
    """The stuffed bytes of a piece with some edits."""
    start, stop, cuts = (a[which.start : which.stop] for a in (edits.start, edits.stop, edits.cuts))
    # Edits of blocks side by side are one.
    first = np.flatnonzero(np.concatenate([[True], start[1:] != stop[:-1]]))
    last = np.concatenate([first[1:], [len(start)]]) - 1
    ends = edits.cuts[which.start + last + 1]
    # What is copied and what is new take turns, from one source.
    copied = np.concatenate([[whole[0]], stop[last]]), np.concatenate([start[first], [whole[1]]])
    behind = 8 * len(bits.windows)
    fresh = behind + np.append(cuts[first], 0), behind + np.append(ends, 0)
    begins, stops = (
        np.stack(pair, axis=1).reshape(-1)[:-1] for pair in zip(copied, fresh, strict=True)
    )
    windows = np.concatenate([bits.windows, edits.fresh.windows])
    return _joined(windows, begins, stops - begins).replace(b"\xff", b"\xff\0")


def _joined(windows: NDArray[np.uint32], begins: Ints, lengths: Ints) -> bytes:
    """Stretches of bits one after the other, the last byte filled up with ones.

    Args:
        windows: 32 bits from each byte of the source on.
        begins: ``(n,)`` first bit of each stretch.
        lengths: ``(n,)`` how many bits it has.
    """
    ends = np.cumsum(lengths)
    places, total = ends - lengths, int(ends[-1])
    packed = np.empty((total + 7) // 8, np.uint8)
    # Each byte as if all of it belonged to the stretch that its first bit belongs to.
    own = np.append(places + 7 >> 3, len(packed))
    for at in range(0, len(packed), _AT_ONCE):
        end = min(at + _AT_ONCE, len(packed))
        source = np.repeat(begins - places, np.diff(own.clip(at, end))) + 8 * np.arange(at, end)
        shift = (24 - (source & 7)).astype(np.uint32)
        packed[at:end] = (windows[source >> 3] >> shift).astype(np.uint8)
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
