"""The loops that changing a sequential JPEG takes, compiled (ITU-T T.81, annexes B and F).

Where nothing is compiled, NumPy does the same: each function says what gives the same there.

Bits are taken in and handed out four bytes at a time: offsets that are masked cannot be negative,
and a compiler that knows so makes one access of the four, and has less to look after elsewhere.
"""

from __future__ import annotations

from typing import Any

from textclean.io.jpeg_compile import kernel

SHORT_BITS = 10
WIDE_BITS = 13
"""Compiled code looks at so many bits, for one symbol or for several: caches hold such tables.

They stand here because what is kept of compiled code is of this file as it is.
"""

# An offset in bytes.
_ANY = 0xFFFFFFFFFF
_SHORT, _WIDE = (1 << SHORT_BITS) - 1, (1 << WIDE_BITS) - 1


@kernel
def read_scan(
    data: Any,
    looks: tuple[Any, Any, Any, Any, Any],
    slots: tuple[Any, Any],
    pieces: tuple[Any, Any, Any],
    each: int,
    rows: Any,
    memory: tuple[Any, Any],
    found: tuple[Any, Any, Any, Any, Any, Any, Any],
    flat: Any,
) -> int:
    """Walk a scan and read some of its blocks, as :func:`textclean.io.jpeg_found.find`.

    Args:
        data: Unstuffed bytes, and more zeros behind them than any block can take.
        looks: What :func:`textclean.io.jpeg_lookup.walk_looks` gives.
        slots: Which table each block in an MCU has, and its component.
        pieces: Of each piece between restarts the first bit, the bit after its last byte, and the
            bit after its last block; the last is written.
        each: Blocks of a piece.
        rows: Of each block in the scan where its coefficients go; -1 = they are not wanted.
        memory: Two numbers for each component; overwritten.
        found: Of the wanted blocks and those behind them the place in the scan, the first bit, the
            first after the DC difference, the bit after the last (wanted ones alone), the DC value,
            the one before it, and where the block that has that is found, or -1; written.
        flat: 64 zeros for each wanted block, in zigzag order; written.

    Returns:
        How many were found; -1 = the data is damaged.
    """
    heads, several, singles, all_heads, all_singles = looks
    tables, components = slots
    begins, ends, closes = pieces
    previous, latest = memory
    numbers, starts, values, stops, dcs, bases, befores = found
    piece, left, slot, at, have, word, count = -1, 0, 0, 0, 0, 0, 0
    for number in range(len(rows)):
        if left == 0:
            piece += 1
            at, have, word, slot, left = begins[piece] >> 3, 0, 0, 0, each
            for component in range(len(previous)):
                previous[component], latest[component] = 0, -1
        left -= 1
        table, component, row = tables[slot] & 0xFF, components[slot] & 0xFF, rows[number]
        slot += 1
        if slot == len(tables):
            slot = 0
        # ``word`` holds ``have`` bits before byte ``at``: never less than a code and its value.
        if have < 32:
            at &= _ANY
            four = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
            word, at, have = word << 32 | four, at + 4, have + 32
        begin = 8 * at - have
        entry = heads[(table << SHORT_BITS) + (word >> (have - SHORT_BITS) & _SHORT)]
        if entry == 0:
            entry = all_heads[(table << 16) + (word >> (have - 16) & 0xFFFF)]
        have -= entry & 63
        k, size = entry >> 6 & 511, entry >> 15
        value = word >> have & ((1 << size) - 1)
        if value < (1 << size) >> 1:
            value -= (1 << size) - 1
        base = previous[component]
        previous[component] = base + value
        if row >= 0 or latest[component] >= 0:
            numbers[count], starts[count], values[count] = number, begin, 8 * at - have
            dcs[count], bases[count], befores[count] = base + value, base, latest[component]
            latest[component] = count if row >= 0 else -1
            count += 1
        while k < 64:
            if have < 32:
                at &= _ANY
                four = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
                word, at, have = word << 32 | four, at + 4, have + 32
            entry, step = 0, 0
            if row < 0:
                entry = several[(table << WIDE_BITS) + (word >> (have - WIDE_BITS) & _WIDE)]
                step = k + (entry >> 6 & 511)
            # Several symbols count if all of them belong to this block: none goes beyond its last
            # coefficient, nor is there an end after that.
            if entry == 0 or 64 < step < 81 or step > 143:
                entry = singles[(table << SHORT_BITS) + (word >> (have - SHORT_BITS) & _SHORT)]
                if entry == 0:
                    entry = all_singles[(table << 16) + (word >> (have - 16) & 0xFFFF)]
                step = k + (entry >> 6 & 511)
            have, k = have - (entry & 63), step
            size = entry >> 15
            if row >= 0 and size and k <= 64:
                value = word >> have & ((1 << size) - 1)
                if value < 1 << (size - 1):
                    value -= (1 << size) - 1
                flat[64 * row + k - 1] = value
        stop = 8 * at - have
        if (64 < k < 81) or k >= 256 or stop > ends[piece]:
            return -1
        if row >= 0:
            flat[64 * row], stops[count - 1] = previous[component], stop
        closes[piece] = stop
    return count


@kernel
def write_blocks(
    flat: Any,
    quads: Any,
    which: Any,
    differences: Any,
    tables: Any,
    codes: Any,
    lengths: Any,
    missing: Any,
    bit_lengths: Any,
    said: tuple[Any, Any, Any],
    cuts: Any,
    out: Any,
) -> None:
    """The bits of some blocks, one after the other, as :mod:`textclean.io.jpeg_huffman`.

    Args:
        flat: 64 coefficients a block, in zigzag order.
        quads: The same, four of them as one number.
        which: The block of each to be coded; -1 = nothing but its DC difference.
        differences: DC difference of each.
        tables: Set of tables of each.
        codes: 256 codes a table: of each set that of DC differences, then that of AC values.
        lengths: Their lengths; 0 = the table has no code for it.
        missing: Flags like them; set where such a code is needed, and then the bits are useless.
        bit_lengths: Of each number up to the largest there is.
        said: Symbols, values and sizes of a block; overwritten.
        cuts: Where the bits of each begin, and those of the last end; written.
        out: Enough bytes; written.
    """
    symbols, bits, sizes = said
    at, have, word = 0, 0, 0
    for number in range(len(which)):
        cuts[number] = 8 * at + have
        base, first = tables[number] << 9, 64 * which[number]
        value = differences[number]
        sizes[0] = bit_lengths[abs(value)]
        symbols[0], bits[0] = base + sizes[0], value if value >= 0 else value + (1 << sizes[0]) - 1
        base, count, k, run = base + 256, 1, 1, 0
        while first >= 0 and k < 64:
            # Most values are zeros.
            if k & 3 == 0 and quads[(first + k) >> 2] == 0:
                k, run = k + 4, run + 4
                continue
            value = flat[first + k]
            k += 1
            if value == 0:
                run += 1
                continue
            while run > 15:
                symbols[count], bits[count], sizes[count] = base + 0xF0, 0, 0
                count, run = count + 1, run - 16
            size = bit_lengths[abs(value)]
            symbols[count], sizes[count] = base + (run << 4) + size, size
            bits[count] = value if value >= 0 else value + (1 << size) - 1
            count, run = count + 1, 0
        if run:
            symbols[count], bits[count], sizes[count] = base, 0, 0
            count += 1
        for event in range(count):
            symbol, size = symbols[event], sizes[event]
            if lengths[symbol] == 0:
                missing[symbol] = 1
            word = (word << lengths[symbol] | codes[symbol]) << size | bits[event]
            have += lengths[symbol] + size
            if have >= 32:
                have -= 32
                at &= _ANY
                four = word >> have
                out[at], out[at + 1] = four >> 24 & 0xFF, four >> 16 & 0xFF
                out[at + 2], out[at + 3] = four >> 8 & 0xFF, four & 0xFF
                at += 4
    cuts[len(which)] = 8 * at + have
    while have > 0:
        have -= 8
        out[at] = (word >> have if have >= 0 else word << -have) & 0xFF
        at += 1


@kernel
def put_together(source: Any, begins: Any, ends: Any, out: Any) -> int:
    """Stretches of bits one after the other, the last byte filled up with ones.

    Args:
        source: Bytes.
        begins: First bit of each stretch.
        ends: The bit after its last.
        out: Enough bytes, and eight more; written.

    Returns:
        How many bytes were written.
    """
    at, have, word = 0, 0, 0
    for number in range(len(begins)):
        begin, end = begins[number], ends[number]
        while begin < end:
            place = begin >> 3 & _ANY
            if begin & 7 == 0 and end - begin >= 32:
                count = 32
                high, low = source[place] << 8 | source[place + 1], source[place + 2] << 8
                word = word << 32 | high << 16 | low | source[place + 3]
            else:
                count = min(8 - (begin & 7), end - begin)
                rest = source[place] >> (8 - (begin & 7) - count)
                word = word << count | rest & ((1 << count) - 1)
            have, begin = have + count, begin + count
            if have >= 32:
                have -= 32
                at &= _ANY
                four = word >> have
                out[at], out[at + 1] = four >> 24 & 0xFF, four >> 16 & 0xFF
                out[at + 2], out[at + 3] = four >> 8 & 0xFF, four & 0xFF
                at += 4
    fill = -have & 7
    word, have = word << fill | (1 << fill) - 1, have + fill
    while have:
        have -= 8
        out[at] = word >> have & 0xFF
        at += 1
    return at
