"""A scan's data with new bits in some places, and all others copied, moved to where they belong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_kernels import put_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_entropy import Bits, Ints
    from textclean.io.jpeg_scans import StoredScan

# Bytes that are put together at a time.
_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Edits:
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


def put_in(
    scan: StoredScan,
    bits: Bits,
    spans: Sequence[tuple[int, int]],
    edits: Edits,
    closes: Ints,
    each: int,
) -> bytes:
    """The scan's data: pieces without an edit as they are, the others put together."""
    bounds = np.searchsorted(edits.block, each * np.arange(len(spans) + 1))
    put = _put_compiled if is_compiled() else _put_plain
    source = _Source(bits, edits.fresh)
    parts, copied = [], 0
    for piece in np.flatnonzero(np.diff(bounds)).tolist():
        start, end = spans[piece]
        parts.append(scan.body[copied:start])
        whole = int(bits.starts[piece]), int(closes[piece])
        which = range(bounds[piece], bounds[piece + 1])
        packed = put(source, *_stretches(source.behind, whole, edits, which))
        parts.append(packed.replace(b"\xff", b"\xff\0"))
        copied = end
    return b"".join([*parts, scan.body[copied:]])


def _stretches(
    behind: int, whole: tuple[int, int], edits: Edits, which: range
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
    out = np.empty(int((stops - begins).sum()) // 8 + 9, np.uint8)
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
