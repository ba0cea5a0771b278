"""What a JPEG XL codestream says of itself, read bit by bit (ISO/IEC 18181-1, annex D)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textclean.errors import CorruptInputError

_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_COLOR, _GREY, _CUSTOM = 0, 1, 2
# RGB or grey of it, D65, sRGB primaries, sRGB transfer function.
_SRGB: Final = (_COLOR, 1, 1, 13)
_ALPHA, _SPOT, _CFA = 0, 2, 5


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an image.

    Attributes:
        width: In pixels, upright.
        height: In pixels, upright.
        bits: Bits of a sample; 32 for floating-point numbers.
        animated: Whether there is more than one frame.
        lossy: Whether colours were transformed in a way that loses some of them.
        colors: Colour space, white point, primaries and transfer function by their numbers in the
            standard; None where a profile or numbers of its own describe them.
    """

    width: int
    height: int
    bits: int
    animated: bool
    lossy: bool
    colors: tuple[int, ...] | None


class _Bits:
    """Bits from the least significant of each byte on."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data[:4096], "little")
        self._left = 8 * min(len(data), 4096)

    def take(self, count: int) -> int:
        if count > self._left:
            raise CorruptInputError("the JPEG XL is cut off", remedy="Get the file again")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def choice(self, *ways: tuple[int, int]) -> int:
        """A number stored in one of four ways: an offset, and how many bits are added to it."""
        offset, more = ways[self.take(2)]
        return offset + self.take(more)

    def kind(self) -> int:
        return self.choice((0, 0), (1, 0), (2, 4), (18, 6))


def read_header(stream: bytes) -> Header:
    """The header of a codestream.

    Raises:
        CorruptInputError: Truncated.
    """
    bits = _Bits(stream[2:])
    width, height = _size(bits)
    if bits.flag():  # everything as usual: 8 bits, sRGB, colours transformed
        return Header(width, height, 8, animated=False, lossy=True, colors=_SRGB)
    turned = False
    if bits.flag():
        turned = bits.take(3) >= 4
        if bits.flag():
            _size(bits)
        # Previews and animations have headers of their own, behind which nobody needs to look.
        if bits.flag() or bits.flag():
            return Header(width, height, 8, animated=True, lossy=True, colors=None)
    depth = _depth(bits)
    bits.flag()
    for _ in range(bits.choice((0, 0), (1, 0), (2, 4), (1, 12))):
        _extra_channel(bits)
    lossy = bits.flag()
    colors = _colors(bits)
    if turned:
        width, height = height, width
    return Header(width, height, depth, animated=False, lossy=lossy, colors=colors)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.flag()

    def length() -> int:
        if small:
            return 8 * (bits.take(5) + 1)
        return bits.choice((1, 9), (1, 13), (1, 18), (1, 30))

    height = length()
    ratio = bits.take(3)
    if not ratio:
        return length(), height
    top, bottom = _RATIOS[ratio - 1]
    return height * top // bottom, height


def _depth(bits: _Bits) -> int:
    if not bits.flag():
        return bits.choice((8, 0), (10, 0), (12, 0), (1, 6))
    bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return 32


def _extra_channel(bits: _Bits) -> None:
    if bits.flag():  # alpha of 8 bits
        return
    kind = bits.kind()
    _depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))
    for _ in range(bits.choice((0, 0), (0, 4), (16, 5), (48, 10))):
        bits.take(8)
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choice((1, 0), (0, 2), (3, 4), (19, 8))


def _colors(bits: _Bits) -> tuple[int, ...] | None:
    if bits.flag():
        return _SRGB
    has_profile, space = bits.flag(), bits.kind()
    if has_profile or space not in (_COLOR, _GREY):
        return None
    white = bits.kind()
    if white == _CUSTOM:
        return None
    # Grey has no primaries: it takes those of sRGB, to be compared with.
    primaries = bits.kind() if space == _COLOR else 1
    if primaries == _CUSTOM or bits.flag():  # the flag announces a gamma of its own
        return None
    return space, white, primaries, bits.kind()
