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
from textclean.io.jpeg_entropy import decoded, locate, repeated
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
    from textclean.io.jpeg_entropy import Bits, Blocks, Ints
    from textclean.types import Mask

    Flags = NDArray[np.uint8]

# Bits that are put together at a time: each takes a byte meanwhile.
_AT_ONCE: Final = 1 << 23


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
    numbers, blocks = [], []
    for index in layout.chosen:
        where = changes.touched(index)
        number = layout.numbers(index, *where)
        old = decoded(bits, located, number, [ac for _, ac in tables])
        new = changes.renewed(index, where, old, stored.table_of(changes.frame, index))
        differs = (new != old).any(axis=1)
        reach |= changes.reach(index, (where[0][differs], where[1][differs]))
        numbers.append(number[differs])
        blocks.append(new[differs])
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
        fresh: All new bits, one after the other, a byte each.
        cuts: ``(n + 1,)`` where the new bits of each begin, and of the last one end.
    """

    block: Ints
    start: Ints
    stop: Ints
    fresh: Flags
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
        fresh = np.unpackbits(np.frombuffer(packed, np.uint8))
        return cls(block, start[order], stop[order], fresh, cuts)


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
    packer, at = _Packer(), whole[0]
    spans = zip(start[first], stop[last], cuts[first], ends, strict=True)
    for begin, end, fresh_from, fresh_to in (map(int, span) for span in spans):
        packer.copy(bits, at, begin)
        packer.add(edits.fresh[fresh_from:fresh_to])
        at = end
    packer.copy(bits, at, whole[1])
    return packer.finish().replace(b"\xff", b"\xff\0")


class _Packer:
    """Puts bits together, some millions at a time."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._waiting: list[Flags] = []
        self._held = 0

    def copy(self, bits: Bits, start: int, stop: int) -> None:
        """Add the bits from ``start`` to ``stop``."""
        for at in range(start, stop, _AT_ONCE):
            end = min(at + _AT_ONCE, stop)
            data = np.frombuffer(bits.data, np.uint8)[at >> 3 : (end + 7) >> 3]
            self.add(np.unpackbits(data)[at & 7 : (at & 7) + end - at])

    def add(self, flags: Flags) -> None:
        """Add bits, a byte each."""
        self._waiting.append(flags)
        self._held += len(flags)
        if self._held > _AT_ONCE:
            self._pack()

    def finish(self) -> bytes:
        """All of them, the last byte filled up with ones."""
        self._pack()
        self.add(np.ones(-self._held % 8, np.uint8))
        self._pack()
        return b"".join(self._packed)

    def _pack(self) -> None:
        flags = np.concatenate([np.zeros(0, np.uint8), *self._waiting])
        whole = len(flags) & ~7
        self._packed.append(np.packbits(flags[:whole]).tobytes())
        self._waiting, self._held = [flags[whole:]], len(flags) - whole
