"""The marker segments of a JPEG file (ITU-T T.81, annex B), read without decoding anything."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from textclean.errors import CorruptInputError, UnsupportedFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.types import Mode

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
APP0, APP1, APP2, APP13, APP14, APP15, COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xFE
SOS, DQT, DRI, DHT, JPG, DAC, END = 0xDA, 0xDB, 0xDD, 0xC4, 0xC8, 0xCC, 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {DHT, JPG, DAC}
_READABLE_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
MODES: Final[dict[int, Mode]] = {1: "L", 3: "RGB", 4: "CMYK"}


class NotSpliceable(Exception):  # noqa: N818 - no error: the caller goes another way
    """The coefficients cannot be read or written here, for the reason given."""


class Segment(NamedTuple):
    """A marker and what belongs to it, without its length."""

    marker: int
    data: bytes

    @property
    def raw(self) -> bytes:
        """The segment as it is stored."""
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data

    @property
    def is_metadata(self) -> bool:
        """Whether decoding does without it: application data or a comment."""
        return APP0 <= self.marker <= APP15 or self.marker == COM

    @property
    def is_adobe(self) -> bool:
        """Whether it says how the components are to be read."""
        return self.marker == APP14 and self.data.startswith(b"Adobe")

    @property
    def is_jfif(self) -> bool:
        """Whether it is the JFIF header."""
        return self.marker == APP0 and self.data.startswith(b"JFIF\0")

    @property
    def is_index(self) -> bool:
        """Whether it is the index of further images behind the first, by their offsets."""
        return self.marker == APP2 and self.data.startswith(b"MPF\0")


class Component(NamedTuple):
    """One colour component: its identifier, its sampling factors, the number of its table."""

    name: int
    across: int
    down: int
    table: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What comes before the first scan.

    Attributes:
        segments: All segments up to the first scan's header.
        body: Offset of the first scan's header.
        marker: Kind of frame.
        width: In pixels.
        height: In pixels.
        components: The colour components.
    """

    segments: tuple[Segment, ...]
    body: int
    marker: int
    width: int
    height: int
    components: tuple[Component, ...]

    def find(self, marker: int, prefix: bytes = b"") -> list[bytes]:
        """The data of all segments of a kind."""
        return [s.data for s in self.segments if s.marker == marker and s.data.startswith(prefix)]

    @property
    def progressive(self) -> bool:
        """Whether the image is refined from scan to scan."""
        return self.marker in _PROGRESSIVE

    @property
    def mode(self) -> Mode:
        """Mode of the decoded page."""
        return MODES[len(self.components)]

    @property
    def transform(self) -> int | None:
        """The colour transform that an Adobe segment declares, or None."""
        adobe = self.find(APP14, b"Adobe")
        return adobe[0][11] if adobe and len(adobe[0]) >= 12 else None

    @property
    def keeps_rgb(self) -> bool:
        """Whether three components are RGB, by libjpeg's rules for guessing."""
        if len(self.components) != 3 or self.find(APP0, b"JFIF\0"):
            return False
        if self.transform is not None:
            return self.transform == 0
        return tuple(c.name for c in self.components) == tuple(b"RGB")

    @property
    def is_ycck(self) -> bool:
        """Whether four components are luma, chroma and black."""
        return len(self.components) == 4 and self.transform == 2

    @property
    def restart_interval(self) -> int:
        """Minimum coded units between two restart markers; 0 = none."""
        data = self.find(DRI)
        return int.from_bytes(data[-1][:2], "big") if data else 0


def read_frame(data: bytes) -> Frame:
    """The header of a JPEG.

    Raises:
        CorruptInputError: Damaged or truncated.
        UnsupportedFormatError: Lossless, hierarchical or 12-bit JPEG.
    """
    *placed, (body, _) = walk(data, 2)
    segments = tuple(segment for _, segment in placed)
    frames = [segment for segment in segments if segment.marker in _FRAMES]
    if not frames:
        raise CorruptInputError("the JPEG has no frame header")
    width, height, components = _components(*frames[-1])
    return Frame(segments, body, frames[-1].marker, width, height, components)


def walk(data: bytes, at: int) -> Iterator[tuple[int, Segment]]:
    """Segments with the offset of their marker, up to and with the next scan's header.

    Raises:
        CorruptInputError: The data ends, or the image does, before there is one.
    """
    while True:
        marker, after = next_marker(data, at)
        at = after
        if marker in _ALONE:
            continue
        if marker == END or at + 2 > len(data):
            raise CorruptInputError("the JPEG is cut off: there is no image data in it")
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2 or (at + length > len(data) and marker != SOS):
            raise CorruptInputError("the JPEG is cut off inside its header")
        yield after - 2, Segment(marker, data[at + 2 : at + length])
        if marker == SOS:
            return
        at += length


def next_marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker and the offset after it; fill bytes and junk before it are skipped."""
    at = data.find(b"\xff", at)
    while 0 <= at < len(data) - 1 and data[at + 1] in (0xFF, 0x00):
        at = data.find(b"\xff", at + 1)
    if at < 0 or at >= len(data) - 1:
        raise CorruptInputError("the JPEG is cut off: there is no image data in it")
    return data[at + 1], at + 2


def _components(marker: int, body: bytes) -> tuple[int, int, tuple[Component, ...]]:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise CorruptInputError("the JPEG's frame header is damaged")
    bits, height, width, count = struct.unpack_from(">BHHB", body)
    if marker not in _READABLE_FRAMES or bits != 8:
        raise UnsupportedFormatError(
            f"the JPEG is of a kind that is not handled (frame {marker:#x}, {bits} bits)",
            remedy="Save it as an 8-bit baseline or progressive JPEG, or as PNG or TIFF",
        )
    if count not in MODES:
        raise UnsupportedFormatError(f"the JPEG has {count} components; 1, 3 and 4 are handled")
    parts = (body[6 + 3 * i : 9 + 3 * i] for i in range(count))
    return width, height, tuple(Component(p[0], p[1] >> 4, p[1] & 15, p[2]) for p in parts)
