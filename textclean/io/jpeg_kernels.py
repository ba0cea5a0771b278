"""The loops that changing a sequential JPEG takes, compiled (ITU-T T.81, annexes B and F).

Where nothing is compiled, NumPy does the same: each function says what gives the same there.
"""

from __future__ import annotations

from typing import Any

from textclean.io.jpeg_compile import kernel


@kernel
def find_blocks(
    data: Any,
    looks: tuple[Any, Any, Any, Any, Any],
    bits: tuple[int, int],
    tables: Any,
    components: Any,
    begins: Any,
    ends: Any,
    each: int,
    previous: Any,
    starts: Any,
    stops: Any,
    values: Any,
    dc: Any,
) -> bool:
    """Note where blocks begin and end, and their DC values; whether all of them are whole.

    As :func:`textclean.io.jpeg_entropy.locate`.

    Args:
        data: Unstuffed bytes, and some hundred zeros more than any block can take.
        looks: What :func:`textclean.io.jpeg_lookup.walk_looks` gives.
        bits: How many bits those of several symbols and those of one are for.
        tables: Which table each block in an MCU has.
        components: The component of each.
        begins: First bit of each piece between restarts.
        ends: The bit after its last.
        each: Blocks of a piece.
        previous: A DC value for each component; overwritten.
        starts: First bit of each block; written.
        stops: The bit after its last; written.
        values: The first bit after its DC difference; written.
        dc: Its DC value; written.
    """
    heads, several, singles, all_heads, all_singles = looks
    wide, short = bits
    wide_most, short_most = (1 << wide) - 1, (1 << short) - 1
    piece, left, slot, at, have, word = -1, 0, 0, 0, 0, 0
    for number in range(len(starts)):
        if left == 0:
            piece += 1
            at, have, word, slot, left = begins[piece] >> 3, 0, 0, 0, each
            for component in range(len(previous)):
                previous[component] = 0
        left -= 1
        table, component = tables[slot], components[slot]
        slot += 1
        if slot == len(tables):
            slot = 0
        # ``word`` holds ``have`` bits before byte ``at``: never less than a code and its value.
        while have < 32:
            word = (word & 0xFFFFFFFF) << 24 | data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            at, have = at + 3, have + 24
        starts[number] = 8 * at - have
        entry = heads[(table << short) + (word >> (have - short) & short_most)]
        if entry == 0:
            entry = all_heads[(table << 16) + (word >> (have - 16) & 0xFFFF)]
        have -= entry & 63
        k, size = entry >> 6 & 511, entry >> 15
        value = word >> have & ((1 << size) - 1)
        if value < (1 << size) >> 1:
            value -= (1 << size) - 1
        previous[component] += value
        dc[number], values[number] = previous[component], 8 * at - have
        while k < 64:
            if have < 32:
                word = (word & 0xFFFFFFFF) << 24 | data[at] << 16 | data[at + 1] << 8 | data[at + 2]
                at, have = at + 3, have + 24
            entry = 0
            if k < 40:
                entry = several[(table << wide) + (word >> (have - wide) & wide_most)]
            if entry == 0:
                entry = singles[(table << short) + (word >> (have - short) & short_most)]
                if entry == 0:
                    entry = all_singles[(table << 16) + (word >> (have - 16) & 0xFFFF)]
            have -= entry & 63
            k += entry >> 6 & 511
        stops[number] = 8 * at - have
        if (64 < k < 81) or k >= 256 or stops[number] > ends[piece]:
            return False
    return True


@kernel
def read_blocks(data: Any, looks: Any, tables: Any, values: Any, flat: Any) -> None:
    """Decode the AC values of some whole blocks, as :func:`textclean.io.jpeg_entropy.decoded`.

    Args:
        data: Unstuffed bytes, as for :func:`find_blocks`.
        looks: Entries for one symbol by 16 bits, of all tables one after the other.
        tables: Which table each block has.
        values: The first bit after its DC difference.
        flat: 64 zeros for each block, in zigzag order; written.
    """
    for number in range(len(values)):
        at, base = values[number] >> 3, tables[number] << 16
        have = 8 - (values[number] & 7)
        word, k = data[at] & ((1 << have) - 1), 1
        at += 1
        while k < 64:
            while have < 32:
                word = (word & 0xFFFFFFFF) << 8 | data[at]
                at, have = at + 1, have + 8
            entry = looks[base + (word >> (have - 16) & 0xFFFF)]
            have -= entry & 63
            k += entry >> 6 & 511
            size = entry >> 15
            if size:
                value = word >> have & ((1 << size) - 1)
                if value < 1 << (size - 1):
                    value -= (1 << size) - 1
                flat[64 * number + k - 1] = value


@kernel
def write_blocks(
    flat: Any,
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
    total, at, have, word = 0, 0, 0, 0
    for number in range(len(which)):
        cuts[number] = total
        base, count, run = tables[number] << 9, 0, 0
        for k in range(64 if which[number] >= 0 else 1):
            value = flat[64 * which[number] + k] if k else differences[number]
            if k and value == 0:
                run += 1
                continue
            while run > 15:
                symbols[count], bits[count], sizes[count] = base + 0xF0, 0, 0
                count, run = count + 1, run - 16
            size = bit_lengths[abs(value)]
            symbols[count], sizes[count] = base + (run << 4) + size, size
            bits[count] = value if value >= 0 else value + (1 << size) - 1
            count, run = count + 1, 0
            if k == 0:
                base += 256
        if run:
            symbols[count], bits[count], sizes[count] = base, 0, 0
            count += 1
        for event in range(count):
            symbol, size = symbols[event], sizes[event]
            if lengths[symbol] == 0:
                missing[symbol] = 1
            word = (word << lengths[symbol] | codes[symbol]) << size | bits[event]
            have, total = have + lengths[symbol] + size, total + lengths[symbol] + size
            while have >= 8:
                have -= 8
                out[at] = word >> have & 0xFF
                at += 1
            word &= (1 << have) - 1
    cuts[len(which)] = total
    if have:
        out[at] = word << (8 - have)


@kernel
def put_together(source: Any, begins: Any, ends: Any, out: Any) -> int:
    """Stretches of bits one after the other, the last byte filled up with ones.

    Args:
        source: Bytes.
        begins: First bit of each stretch.
        ends: The bit after its last.
        out: Enough bytes; written.

    Returns:
        How many bytes were written.
    """
    at, have, word = 0, 0, 0
    for number in range(len(begins)):
        begin, end = begins[number], ends[number]
        while begin < end:
            count = min(8 - (begin & 7), end - begin)
            if count == 8:
                # Whole bytes: as many bits are left over before each.
                for byte in range(begin >> 3, end >> 3):
                    word = word << 8 | source[byte]
                    out[at] = word >> have & 0xFF
                    at += 1
                    word &= 0xFF
                begin = end & ~7
                continue
            rest = source[begin >> 3] >> (8 - (begin & 7) - count) & ((1 << count) - 1)
            word, have, begin = word << count | rest, have + count, begin + count
            if have >= 8:
                have -= 8
                out[at] = word >> have & 0xFF
                at += 1
            word &= 0xFF
    if have:
        out[at] = (word << (8 - have) | (1 << (8 - have)) - 1) & 0xFF
        at += 1
    return at


@kernel
def pool(
    pixels: Any,
    changed: Any,
    shape: tuple[int, int, int],
    rows: Any,
    columns: Any,
    factors: tuple[int, int],
    sums: Any,
    counts: Any,
    insides: Any,
) -> None:
    """Of the samples of some blocks what their pixels add up to, as ``numpy.add.reduce`` gives it.

    Args:
        pixels: All channels of a page's pixels, one pixel after the other.
        changed: Flags of those that change.
        shape: Height, width and channels of the page.
        rows: Row of each block.
        columns: Its column.
        factors: Pixels down and across that a sample stands for.
        sums: Of each channel 64 zeros a block: sums of the pixels that change; written.
        counts: 64 zeros a block: how many they are; written.
        insides: 64 zeros a block: how many pixels lie within the page; written.
    """
    height, width, channels = shape
    down, across = factors
    for number in range(len(rows)):
        top, left = rows[number] * 8 * down, columns[number] * 8 * across
        for y in range(top, min(top + 8 * down, height)):
            own, more = 64 * number + (y - top) // down * 8, across
            for at in range(y * width + left, y * width + min(left + 8 * across, width)):
                insides[own] += 1
                if changed[at]:
                    counts[own] += 1
                    for channel in range(channels):
                        plane = 64 * len(rows) * channel
                        sums[plane + own] += pixels[channels * at + channel]
                more -= 1
                if more == 0:
                    own, more = own + 1, across
