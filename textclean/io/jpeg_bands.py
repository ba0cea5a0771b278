"""The loops that bands of a progressive JPEG take, compiled (ITU-T T.81, annex G).

Where nothing is compiled, NumPy does the same: each function says what gives the same there.
"""

from __future__ import annotations

from typing import Any

from textclean.io.jpeg_compile import kernel

_LONGEST_RUN = 0x7FFF
# An offset in bytes; what is masked cannot be negative.
_ANY = 0xFFFFFFFFFF
_END_OF_PIECE = 256


@kernel
def refine_band(
    data: Any,
    looks: Any,
    begins: Any,
    ends: Any,
    each: int,
    band: tuple[int, int, int],
    flat: Any,
    quads: Any,
) -> bool:
    """One bit more of a band's values, as :func:`textclean.io.jpeg_progressive.more_ac`.

    Args:
        data: Unstuffed bytes, and more zeros behind them than any block can take.
        looks: Entries for one symbol by 16 bits, whose ends may stand for many blocks.
        begins: First bit of each piece between restarts.
        ends: The bit after its last.
        each: Blocks of a piece.
        band: First and last coefficient, and the bits that are still to come.
        flat: 64 coefficients a block, in zigzag order; changed.
        quads: The same, four of them as one number.

    Returns:
        Whether the data is whole.
    """
    first, last, low = band
    step, count = 1 << low, len(flat) // 64
    at, have, word, piece, limit, ended = 0, 0, 0, -1, 0, 0
    for number in range(count):
        if number == limit:
            if ended:
                return False
            piece += 1
            at, have, word, limit = begins[piece] >> 3, 0, 0, min(number + each, count)
        k, base = first, 64 * number
        while k <= last:
            # How many values that are zero so far are passed, and what the next one becomes.
            run, new = 64, 0
            if ended == 0:
                # ``word`` holds ``have`` bits before byte ``at``: never less than are looked at.
                if have < 32:
                    at &= _ANY
                    four = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
                    word, at, have = word << 32 | four, at + 4, have + 32
                entry = looks[word >> (have - 16) & 0xFFFF]
                have -= entry & 63
                size, run = entry >> 15, (entry >> 6 & 511) - 1
                if run > 15 or size > 1 or 8 * at - have > ends[piece]:
                    return False
                if size:
                    # The sign bit stands right behind the code and was taken with it.
                    new = step if word >> have & 1 else -step
                elif run < 15:
                    # The rest of this block and whole ones behind it: nothing but corrections.
                    have -= run
                    ended, run = (1 << run) + (word >> have & ((1 << run) - 1)), 64
            while k <= last:
                # Most values are zeros; four of them are passed at a time.
                if run > 3 and k & 3 == 0 and k + 3 <= last and quads[(base + k) >> 2] == 0:
                    k, run = k + 4, run - 4
                    continue
                value = flat[base + k]
                if value == 0:
                    if run == 0:
                        break
                    run -= 1
                else:
                    if have == 0:
                        at &= _ANY
                        four = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8
                        word, at, have = word << 32 | four | data[at + 3], at + 4, 32
                    have -= 1
                    if word >> have & 1:
                        flat[base + k] = value + (step if value > 0 else -step)
                k += 1
            if new:
                if k > last:
                    return False
                flat[base + k] = new
            k += 1
        if ended:
            ended -= 1
        if 8 * at - have > ends[piece]:
            return False
    return ended == 0


@kernel
def band_events(
    flat: Any,
    quads: Any,
    band: tuple[int, int],
    each: int,
    bit_lengths: Any,
    counts: Any,
    symbols: Any,
    bits: Any,
) -> int:
    """What a band's scan has to say, as :func:`textclean.io.jpeg_huffman.scan_events`.

    Args:
        flat: 64 coefficients a block, in zigzag order.
        quads: The same, four of them as one number.
        band: First and last coefficient.
        each: Blocks between two restarts.
        bit_lengths: Of each number up to the largest there is.
        counts: 257 zeros: how often each symbol occurs; written.
        symbols: The symbols; 256 = the end of a piece; written.
        bits: Their values; written.

    Returns:
        How many they are.
    """
    first, last = band
    total = len(flat) // 64
    count, ended, start = 0, 0, 0
    for number in range(total + 1):
        base, run, top = 64 * number, 0, first - 1
        if number < total:
            top = last
            while top >= first and flat[base + top] == 0:
                four = top & 3 == 3 and top - 3 >= first and quads[(base + top) >> 2] == 0
                top -= 4 if four else 1
        restarts = number % each == 0
        if top >= first or restarts:
            start = number
        if ended and (number in (start, total) or (number - start) % _LONGEST_RUN == 0):
            # The ends of the blocks so far, at once.
            size = bit_lengths[ended] - 1
            symbols[count], bits[count] = size << 4, ended - (1 << size)
            counts[size << 4] += 1
            count, ended = count + 1, 0
        if number == total or (restarts and number):
            symbols[count], count = _END_OF_PIECE, count + 1
        k = first
        while k <= top:
            if k & 3 == 0 and quads[(base + k) >> 2] == 0:
                k, run = k + 4, run + 4
                continue
            value = flat[base + k]
            k += 1
            if value == 0:
                run += 1
                continue
            while run > 15:
                symbols[count], bits[count] = 0xF0, 0
                counts[0xF0] += 1
                count, run = count + 1, run - 16
            size = bit_lengths[abs(value)]
            symbol = (run << 4) + size
            symbols[count], bits[count] = symbol, value if value >= 0 else value + (1 << size) - 1
            counts[symbol] += 1
            count, run = count + 1, 0
        if top < last:
            ended += 1
    return count


@kernel
def write_band(
    symbols: Any, bits: Any, sizes: Any, codes: Any, lengths: Any, pieces: int, out: Any
) -> int:
    """The data of a band's scan, as :func:`textclean.io.jpeg_huffman.pack`.

    Args:
        symbols: What :func:`band_events` gives.
        bits: The same.
        sizes: How many bits of value go with each symbol.
        codes: The code of each symbol.
        lengths: Its length.
        pieces: How many pieces there are between restarts.
        out: Enough bytes; written.

    Returns:
        How many bytes were written.
    """
    at, have, word, piece = 0, 0, 0, 0
    for event in range(len(symbols)):
        symbol = symbols[event]
        if symbol == _END_OF_PIECE:
            fill = -have & 7
            word, have = word << fill | (1 << fill) - 1, have + fill
        else:
            word = (word << lengths[symbol] | codes[symbol]) << sizes[symbol] | bits[event]
            have += lengths[symbol] + sizes[symbol]
        while have >= 8:
            have -= 8
            value = word >> have & 0xFF
            out[at] = value
            at += 1
            if value == 0xFF:
                out[at] = 0
                at += 1
        word &= (1 << have) - 1
        if symbol == _END_OF_PIECE:
            piece += 1
            if piece < pieces:
                out[at], out[at + 1] = 0xFF, 0xD0 + (piece - 1) % 8
                at += 2
    return at
