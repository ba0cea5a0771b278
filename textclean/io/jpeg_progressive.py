"""Scans of a progressive JPEG into the coefficients so far (ITU-T T.81, annex G).

The first scans of a band give its upper bits. In the later ones, values that are known already get
one bit more each where the scan passes them; between them, run-length codes place new values of
plus or minus one. What a scan passes is counted ahead, so that its loop takes one step a symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.io.jpeg_bands import refine_band
from textclean.io.jpeg_compile import is_compiled, kernel
from textclean.io.jpeg_entropy import repeated, summed
from textclean.io.jpeg_frame import NotSpliceable
from textclean.io.jpeg_lookup import SIZE, VALUE_BITS, single_looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_entropy import Bits, Scan

    Blocks = NDArray[np.int16]


def first_dc(
    bits: Bits, blocks: Blocks, tables: Sequence[bytes], pattern: Sequence[int], each: int, low: int
) -> None:
    """The upper bits of all DC values, into ``(n, 64)`` blocks.

    Args:
        bits: The scan's bits.
        blocks: Blocks in scan order, changed in place.
        tables: DC table of each block in an MCU.
        pattern: Component of each block in an MCU.
        each: Blocks between two restarts.
        low: Bits that are still to come.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    known = sorted(set(tables))
    looks = np.concatenate([single_looks(table, first=True) for table in known])
    bases = np.array([known.index(table) * SIZE for table in tables], np.int64)
    starts = np.zeros(len(blocks), np.int64)
    if not _walk_dc(bits.windows, looks, bases, bits.starts, bits.ends, each, starts):
        raise NotSpliceable("its data is damaged")
    base = repeated(bases, len(blocks))
    entry = looks[base + bits.values(starts, 16)].astype(np.int64)
    value = bits.signed(starts + (entry & 63), entry >> VALUE_BITS)
    blocks[:, 0] = summed(value, pattern, each) << low


@kernel
def _walk_dc(
    words: Any, looks: Any, bases: Any, begins: Any, ends: Any, each: int, starts: Any
) -> bool:
    at, slot, piece, left = 0, 0, -1, 0
    for number in range(len(starts)):
        if left == 0:
            piece += 1
            at, slot, left = begins[piece], 0, each
        left -= 1
        starts[number] = at
        entry = looks[bases[slot] + (words[at >> 3] >> (16 - (at & 7)) & 0xFFFF)]
        slot += 1
        if slot == len(bases):
            slot = 0
        at += entry & 63
        if entry >> 6 & 511 != 1 or at > ends[piece]:
            return False
    return True


def more_dc(bits: Bits, blocks: Blocks, each: int, low: int) -> None:
    """One bit more of all DC values.

    Raises:
        NotSpliceable: The data is cut off.
    """
    number = np.arange(len(blocks))
    at = bits.starts[number // each] + number % each
    if (at >= bits.ends[number // each]).any():
        raise NotSpliceable("its data is cut off")
    blocks[:, 0] |= (bits.values(at, 1) << low).astype(np.int16)


def first_ac(bits: Bits, blocks: Blocks, table: bytes, scan: Scan, each: int) -> None:
    """The upper bits of a band of AC values (T.81, G.1.2.2), into ``(n, 64)`` blocks.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    looks = single_looks(table, runs=True)
    band = scan.first, scan.last, scan.low
    if not _walk_ac(
        bits.windows, looks, bits.starts, bits.ends, each, *band, len(blocks), blocks.reshape(-1)
    ):
        raise NotSpliceable("its data is damaged")


@kernel
def _walk_ac(
    words: Any,
    looks: Any,
    begins: Any,
    ends: Any,
    each: int,
    first: int,
    last: int,
    low: int,
    count: int,
    flat: Any,
) -> bool:
    number, at, piece, limit = 0, 0, -1, 0
    while number < count:
        if number == limit:
            piece += 1
            at, limit = begins[piece], min(number + each, count)
        k, skip = first, 1
        while k <= last:
            entry = looks[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
            at += entry & 63
            size, step = entry >> 15, entry >> 6 & 511
            if step > 16 or at > ends[piece]:
                return False
            if size:
                k += step
                value = words[at - size >> 3] >> (32 - (at - size & 7) - size) & ((1 << size) - 1)
                if value < 1 << (size - 1):
                    value -= (1 << size) - 1
                if k > last + 1 or value > 32767 >> low or value < -32767 >> low:
                    return False
                flat[64 * number + k - 1] = value << low
            elif step == 16:
                k += 16
            else:
                # The end of this band, in so many blocks.
                run = step - 1
                skip = (1 << run) + (words[at >> 3] >> (32 - (at & 7) - run) & ((1 << run) - 1))
                at += run
                break
        number += skip
        if number > limit or at > ends[piece]:
            return False
    return True


def more_ac(bits: Bits, blocks: Blocks, table: bytes, scan: Scan, each: int) -> None:
    """One bit more of a band of AC values (T.81, G.1.2.3), into ``(n, 64)`` blocks.

    Raises:
        NotSpliceable: The data is damaged or cut off.
    """
    if is_compiled():
        coded = bits.padded, single_looks(table, runs=True), bits.starts, bits.ends
        flat = blocks.reshape(-1)
        whole = (scan.first, scan.last, scan.low), flat, flat.view(np.int64)
        if not refine_band(*coded, each, *whole):
            raise NotSpliceable("its data is damaged")
        return
    wide = scan.last + 1 - scan.first
    band = blocks[:, scan.first : scan.last + 1].reshape(-1)
    passed = np.zeros(len(band) + 1, np.int32)
    np.cumsum(band != 0, out=passed[1:])
    free = np.flatnonzero(band == 0).astype(np.int32)
    # Symbols take a bit at least, and a place of the band or the rest of a block.
    most = 1 + min(int(bits.ends[-1]), len(band) + len(blocks))
    stretches, signs = np.empty((2, most), np.int64), np.zeros(len(band), np.int8)
    noted = _walk_more(
        bits.windows,
        single_looks(table, runs=True),
        bits.starts,
        bits.ends,
        each,
        wide,
        passed,
        free,
        stretches[0],
        stretches[1],
        signs,
    )
    if noted < 0:
        raise NotSpliceable("its data is damaged")
    step = np.int16(1 << scan.low)
    known = np.flatnonzero(band)
    # Each stretch that a symbol passes has its correction bits one after the other.
    which = np.searchsorted(stretches[0, :noted], known, side="right") - 1
    begin, bit = stretches[0, which], stretches[1, which]
    at = bit + passed[known] - passed[begin]
    correct = bits.values(at, 1).astype(np.int16)
    band = band + signs * step
    band[known] += np.sign(band[known]) * correct * step
    blocks[:, scan.first : scan.last + 1] = band.reshape(-1, wide)


@kernel
def _walk_more(
    words: Any,
    looks: Any,
    begins: Any,
    ends: Any,
    each: int,
    wide: int,
    passed: Any,
    free: Any,
    places: Any,
    corrections: Any,
    signs: Any,
) -> int:
    """Note where each stretch of the band begins and its correction bits, and new values' signs.

    Positions count in the bands of all blocks, one after the other. The result is how many
    stretches there are, or -1.
    """
    noted, place, at, piece, limit, total = 0, 0, 0, -1, 0, len(passed) - 1
    most, left = len(places), len(free)
    while place < total:
        if place == limit:
            piece += 1
            at, limit = begins[piece], min(place + each * wide, total)
        end = place - place % wide + wide
        entry = looks[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
        at += entry & 63
        size, run = entry >> 15, (entry >> 6 & 511) - 1
        if run > 15 or size > 1 or at > ends[piece] or noted == most:
            return -1
        if size == 0 and run < 15:
            # The rest of this block and whole ones behind it hold nothing but corrections.
            more = words[at >> 3] >> (32 - (at & 7) - run) & ((1 << run) - 1)
            at += run
            after = end + ((1 << run) + more - 1) * wide
        else:
            # The place after so many free ones, unless the block ends before.
            target = place - passed[place] + run
            after = end
            if target < left and free[target] < end:
                after = free[target] + 1
                # The sign bit stands right behind the code and was taken with it.
                if size:
                    positive = words[at - 1 >> 3] >> (31 - (at - 1 & 7)) & 1
                    signs[free[target]] = 2 * positive - 1
            elif size:
                return -1
        if after > limit:
            return -1
        places[noted] = place
        corrections[noted] = at
        noted += 1
        at += passed[after] - passed[place]
        if at > ends[piece]:
            return -1
        place = after
    return noted
