"""One bit more of a band of AC values, the last kind of scan of progressive JPEGs.

ITU-T T.81, G.1.2.3: values that are known already get one correction bit each where the scan
passes them; between them, run-length codes place new values of plus or minus one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.io.jpeg_frame import NotSpliceable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.jpeg_entropy import Bits, Scan


def refine_ac(bits: Bits, blocks: NDArray[np.int16], ac: list[int], scan: Scan) -> None:
    """Decode a piece of such a scan.

    Args:
        bits: Its bits.
        blocks: ``(n, 64)`` int16 coefficients so far, changed in place.
        ac: Meaning of each 16-bit look at the stream.
        scan: Its header.

    Raises:
        NotSpliceable: The data is damaged.
    """
    walk = _Walk(bits, blocks, ac, scan)
    number = 0
    while number < len(blocks):
        number = walk.block(number)
    walk.apply()


class _Walk:
    """Goes through the blocks and notes where correction bits stand and what is new."""

    def __init__(self, bits: Bits, blocks: NDArray[np.int16], ac: list[int], scan: Scan) -> None:
        self._bits = bits
        self._blocks = blocks
        self._known = (blocks != 0).tobytes()
        # Known values of the band before each block: a run of ended blocks corrects them all.
        band = blocks[:, scan.first : scan.last + 1] != 0
        self._before = np.concatenate([[0], np.cumsum(band.sum(axis=1))])
        self._ac = ac
        self._scan = scan
        self._at = 0
        self._corrected: list[int] = []
        self._correction: list[int] = []
        self._runs: list[tuple[int, int, int]] = []
        self._placed: list[int] = []
        self._signs: list[int] = []

    def block(self, number: int) -> int:
        """Decode a block, and with it those that a run of ends covers; the next one's number."""
        words, ac, last = self._bits.words, self._ac, self._scan.last
        base, k, at = number * 64, self._scan.first, self._at
        while k <= last:
            e = ac[words[at >> 3] >> (16 - (at & 7)) & 0xFFFF]
            size, run = e >> 13 & 15, (e >> 6 & 127) - 1
            if not e or size > 1 or at > self._bits.count:
                raise NotSpliceable("its data is damaged")
            at += e & 63
            if not size and run < 15:
                more = words[at >> 3] >> (32 - (at & 7) - run) & ((1 << run) - 1)
                at += run
                self._at = at
                return self._end(number, k, (1 << run) + more)
            # The sign bit stands right behind the code and was taken with it.
            sign = words[at - 1 >> 3] >> (31 - (at - 1 & 7)) & 1
            k, at = self._pass(base, k, at, run)
            if size:
                if k > last:
                    raise NotSpliceable("its data is damaged")
                self._placed.append(base + k)
                self._signs.append(sign)
            k += 1
        self._at = at
        return number + 1

    def _pass(self, base: int, k: int, at: int, zeros: int) -> tuple[int, int]:
        """Pass so many zeros, noting corrections on the way; the next zero's place."""
        known, last = self._known, self._scan.last
        while k <= last:
            if known[base + k]:
                self._corrected.append(base + k)
                self._correction.append(at)
                at += 1
            elif zeros == 0:
                break
            else:
                zeros -= 1
            k += 1
        return k, at

    def _end(self, number: int, k: int, count: int) -> int:
        """The rest of this block and ``count - 1`` whole ones hold nothing but corrections."""
        _, self._at = self._pass(number * 64, k, self._at, 64)
        after = number + count
        if after > len(self._blocks):
            raise NotSpliceable("its data is damaged")
        if count > 1:
            self._runs.append((number + 1, after, self._at))
            self._at += int(self._before[after] - self._before[number + 1])
        return after

    def apply(self) -> None:
        """Put corrections and new values in place."""
        if self._at > self._bits.count:
            raise NotSpliceable("its data is cut off")
        flat, step = self._blocks.reshape(-1), 1 << self._scan.low
        places = [np.array(self._corrected, np.int64)]
        at = [np.array(self._correction, np.int64)]
        for start, stop, first in self._runs:
            band = self._blocks[start:stop, self._scan.first : self._scan.last + 1]
            rows, columns = np.nonzero(band)
            places.append((start + rows) * 64 + self._scan.first + columns)
            at.append(first + np.arange(len(rows), dtype=np.int64))
        place, where = np.concatenate(places), np.concatenate(at)
        bit = self._bits.values(where, np.ones_like(where)).astype(np.int16)
        flat[place] += np.sign(flat[place]) * bit * np.int16(step)
        signs = np.array(self._signs, np.int16)
        flat[np.array(self._placed, np.int64)] = np.where(signs > 0, step, -step)
