"""The loops that bands of a progressive JPEG take, compiled (ITU-T T.81, annex G).

Where nothing is compiled, NumPy does the same: each function says what gives the same there.
"""

from __future__ import annotations

from typing import Any

from textclean.io.jpeg_compile import kernel

_LONGEST_RUN = 0x7FFF
_END_OF_PIECE = 256


@kernel
def refine_band(
    words: Any,
    looks: Any,
    begins: Any,
    ends: Any,
    each: int,
    band: tuple[int, int, int],
    flat: Any,
) -> bool:
    """One bit more of a band's values, as :func:`textclean.io.jpeg_progressive.more_ac`.

    Args:
        words: 32 bits from each byte on.
        looks: Entries for one symbol by 16 bits, whose ends may stand for many blocks.
        begins: First bit of each piece between restarts.
        ends: The bit after its last.
        each: Blocks of a piece.
        band: First and last coefficient, and the bits that are still to come.
        flat: 64 coefficients a block, in zigzag order; changed.

    Returns:
        Whether the data is whole.
    """
    first, last, low = band
    step, count = 1 << low, len(flat) // 64
    at, piece, limit, ended = 0, -1, 0, 0
    for number in range(count):
        if number == limit:
            if ended:
                return False
            piece += 1
            at, limit = begins[piece], min(number + each, count)
        k, base = first, 64 * number
        while k <= last:
            # How many values that are zero so far are passed, and what the next one becomes.
            run, new = 64, 0
            if ended == 0:
                entry = looks[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
                at += entry & 63
                size, run = entry >> 15, (entry >> 6 & 511) - 1
                if run > 15 or size > 1 or at > ends[piece]:
                    return False
                if size:
                    # The sign bit stands right behind the code and was taken with it.
                    new = step if words[at - 1 >> 3] >> (31 - (at - 1 & 7)) & 1 else -step
                elif run < 15:
                    # The rest of this block and whole ones behind it: nothing but corrections.
                    more = words[at >> 3] >> (32 - (at & 7) - run) & ((1 << run) - 1)
                    at, ended, run = at + run, (1 << run) + more, 64
            while k <= last and (run or flat[base + k]):
                value = flat[base + k]
                if value == 0:
                    run -= 1
                else:
                    if words[at >> 3] >> (31 - (at & 7)) & 1:
                        flat[base + k] = value + (step if value > 0 else -step)
                    at += 1
                k += 1
            if new:
                if k > last:
                    return False
                flat[base + k] = new
            k += 1
        if ended:
            ended -= 1
        if at > ends[piece]:
            return False
    return ended == 0


@kernel
def write_band(
    flat: Any,
    band: tuple[int, int],
    each: int,
    codes: Any,
    lengths: Any,
    counts: Any,
    bit_lengths: Any,
    said: tuple[Any, Any, Any],
    out: Any,
) -> int:
    """The data of a band's scan, as :func:`textclean.io.jpeg_huffman.scan_events` and ``pack``.

    Args:
        flat: 64 coefficients a block, in zigzag order.
        band: First and last coefficient.
        each: Blocks between two restarts.
        codes: The code of each symbol.
        lengths: Its length; 0 = nothing is written of it.
        counts: 256 zeros: how often each symbol occurs; written.
        bit_lengths: Of each number up to the largest there is.
        said: Symbols, values and sizes of a block; overwritten.
        out: Enough bytes; written.

    Returns:
        How many bytes were written.
    """
    symbols, bits, sizes = said
    first, last = band
    total = len(flat) // 64
    at, have, word, ended, start = 0, 0, 0, 0, 0
    for number in range(total + 1):
        base, count, run, top = 64 * number, 0, 0, first - 1
        if number < total:
            top = last
            while top >= first and flat[base + top] == 0:
                top -= 1
        restarts = number % each == 0
        if top >= first or restarts:
            start = number
        if ended and (number in (start, total) or (number - start) % _LONGEST_RUN == 0):
            # The ends of the blocks so far, at once.
            sizes[0] = bit_lengths[ended] - 1
            symbols[0], bits[0] = sizes[0] << 4, ended - (1 << sizes[0])
            count, ended = 1, 0
        if number == total or (restarts and number):
            symbols[count], count = _END_OF_PIECE, count + 1
        for k in range(first, top + 1):
            value = flat[base + k]
            if value == 0:
                run += 1
                continue
            while run > 15:
                symbols[count], bits[count], sizes[count] = 0xF0, 0, 0
                count, run = count + 1, run - 16
            size = bit_lengths[abs(value)]
            symbols[count], sizes[count] = (run << 4) + size, size
            bits[count] = value if value >= 0 else value + (1 << size) - 1
            count, run = count + 1, 0
        if top < last:
            ended += 1
        for event in range(count):
            symbol = symbols[event]
            if symbol == _END_OF_PIECE:
                fill = -have & 7
                word, have = word << fill | (1 << fill) - 1, have + fill
            else:
                counts[symbol] += 1
                if lengths[symbol]:
                    word = (word << lengths[symbol] | codes[symbol]) << sizes[event] | bits[event]
                    have += lengths[symbol] + sizes[event]
            while have >= 8:
                have -= 8
                value = word >> have & 0xFF
                out[at] = value
                at += 1
                if value == 0xFF:
                    out[at] = 0
                    at += 1
            word &= (1 << have) - 1
            if symbol == _END_OF_PIECE and number < total:
                out[at], out[at + 1] = 0xFF, 0xD0 + (number // each - 1) % 8
                at += 2
    return at
