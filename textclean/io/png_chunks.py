"""The chunks of a PNG file, and what its header declares."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from textclean.errors import CorruptInputError
from textclean.io.scanlines import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.types import Mode

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
_CHANNELS: Final = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS: Final = {
    GREY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
_MODES: Final[dict[tuple[int, bool], Mode]] = {
    (GREY, False): "L",
    (GREY, True): "I;16",
    (RGB, False): "RGB",
    (RGB, True): "RGB;16",
    (GREY_ALPHA, False): "LA",
    (GREY_ALPHA, True): "LA;16",
    (RGB_ALPHA, False): "RGBA",
    (RGB_ALPHA, True): "RGBA;16",
}


class Chunk(NamedTuple):
    """A chunk: its kind, what is in it, and all of its bytes."""

    kind: bytes
    data: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What the header declares."""

    width: int
    height: int
    bits: int
    color: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Samples of a pixel."""
        return _CHANNELS[self.color]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return (self.width * self.channels * self.bits + 7) // 8

    @property
    def step(self) -> int:
        """Bytes of a pixel, at least one."""
        return max(1, self.channels * self.bits // 8)

    @property
    def mode(self) -> Mode:
        """Mode of the page."""
        if self.color == PALETTE or (self.color == GREY and self.bits in (2, 4)):
            return "P"
        if self.color == GREY and self.bits == 1:
            return "1"
        return _MODES[self.color, self.bits == 16]


def read_chunks(data: bytes) -> list[Chunk]:
    """All chunks up to IEND; what follows it is not part of the image.

    Raises:
        CorruptInputError: Damaged or cut off.
    """
    found, at = [], len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise CorruptInputError("the PNG is cut off", remedy="Get the file again")
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise CorruptInputError("the PNG is cut off", remedy="Get the file again")
        kind, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        # A capital first letter marks a chunk without which the image cannot be read.
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(kind + body) != struct.unpack_from(">I", data, end - 4)[0]:
            raise CorruptInputError(f"the PNG is damaged: wrong checksum of {kind!r}")
        found.append(Chunk(kind, body, data[at:end]))
        if kind == b"IEND":
            return found
        at = end


def read_header(chunks: Sequence[Chunk]) -> Header:
    """What the header says.

    Raises:
        CorruptInputError: It declares nothing that there is, or no pixels follow.
    """
    if chunks[0].kind != b"IHDR" or len(chunks[0].data) != 13:
        raise CorruptInputError("the PNG does not start with a header")
    width, height, bits, color, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0].data)
    if bits not in _DEPTHS.get(color, ()) or interlace > 1:
        raise CorruptInputError(f"the PNG declares colour type {color} with {bits} bits")
    if not any(c.kind == b"IDAT" for c in chunks):
        raise CorruptInputError("the PNG has no image data")
    return Header(width, height, bits, color, bool(interlace))


def find_chunk(chunks: Sequence[Chunk], kind: bytes) -> bytes | None:
    """What is in the first chunk of a kind, or None."""
    return next((c.data for c in chunks if c.kind == kind), None)
