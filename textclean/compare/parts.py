"""What an image file holds besides pixels: PNG and WebP chunks, JPEG segments, the BMP header.

These readers share no code with those that the pages are decoded and written by.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from textclean.compare.result import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textclean.compare.result import DifferenceKind

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Compared as ICC profile, EXIF block and palette.
_PNG_ELSEWHERE: Final = frozenset({b"iCCP", b"eXIf", b"PLTE", b"IEND"})
_PNG_TEXT: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_WEBP_PIXELS: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_ENCODING: Final = {0xDB: "DQT", 0xC4: "DHT", 0xDD: "DRI", 0xDA: "SOS", 0xCC: "DAC"}
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SHORTEST_SHOWN = 60


class Part(NamedTuple):
    """Something that a file holds besides pixels.

    Attributes:
        kind: "chunks"; "mode" for what tells the depth; "encoding" for how pixels are packed.
        label: What it is called.
        value: Its bytes.
    """

    kind: DifferenceKind
    label: str
    value: bytes


def parts_of(data: bytes) -> list[Part] | None:
    """The parts of an image file, or None when it is of no format that is known here.

    A file that is damaged gives the parts before the damage.
    """
    try:
        if data.startswith(_PNG):
            return list(_png(data))
        if data.startswith(b"\xff\xd8"):
            return list(_jpeg(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return list(_webp(data))
        if data.startswith(b"BM"):
            return list(_bmp(data))
    except (struct.error, IndexError):
        return []
    return None


def jpeg_block(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of the blocks that a JPEG is made of (ITU T.81, A.2)."""
    for part in parts_of(data) or ():
        if part.label == "JPEG sampling":
            factors = bytes.fromhex(part.value.decode())[1::3]
            if len(factors) == 1:  # scans of one component are not interleaved
                return 8, 8
            return 8 * max(f >> 4 for f in factors), 8 * max(f & 15 for f in factors)
    return 8, 8


def differing_parts(
    before: Iterable[Part], after: Iterable[Part], where: str
) -> Iterator[Difference]:
    """What differs between the parts of two files; how pixels are packed is expected to."""
    values: tuple[dict[tuple[DifferenceKind, str], list[bytes]], ...] = (
        defaultdict(list),
        defaultdict(list),
    )
    for side, parts in zip(values, (before, after), strict=True):
        for part in parts:
            side[part.kind, part.label].append(part.value)
    for key in {**values[0], **values[1]}:
        a, b = values[0].get(key, []), values[1].get(key, [])
        if a != b:
            kind, label = key
            what = f"{label}: {_shown(a)} -> {_shown(b)}"
            yield Difference(kind, where, what, expected=kind == "encoding")


def _png(data: bytes) -> Iterator[Part]:
    at, seen_pixels = len(_PNG), False
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            bits, color, _, _, interlaced = struct.unpack_from("5B", body, 8)
            yield Part("mode", "PNG bits and colour type", f"{bits}, {color}".encode())
            yield Part("encoding", "PNG interlace", b"%d" % interlaced)
        elif kind == b"IDAT":
            seen_pixels = True
        elif kind not in _PNG_ELSEWHERE:
            label = kind.decode("latin-1")
            if kind in _PNG_TEXT:
                keyword, _, body = body.partition(b"\0")
                label += f" {keyword[:80].decode('latin-1')}"
            yield Part("chunks", label + (" behind the pixels" if seen_pixels else ""), body)
        if kind == b"IEND":
            break
    if data[at:]:
        yield Part("chunks", "behind the end", data[at:])


def _jpeg(data: bytes) -> Iterator[Part]:
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 2 > len(data):
            return
        marker = data[at + 1]
        if marker in (0x00, 0xFF):  # stuffing in a scan, or padding before a marker
            at += 1 if marker == 0xFF else 2
            continue
        at += 2
        if marker == 0xD9:
            break
        if marker in _JPEG_ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        yield from _segment(marker, data[at + 2 : at + length])
        at += length
    if data[at:]:
        yield Part("chunks", "behind the end", data[at:])


def _segment(marker: int, body: bytes) -> Iterator[Part]:
    if marker in _JPEG_FRAMES:
        yield Part("encoding", "JPEG process", b"%d" % (marker - 0xC0))
        yield Part("mode", "JPEG bits and components", f"{body[0]}, {body[5]}".encode())
        yield Part("encoding", "JPEG sampling", body[6:].hex().encode())
    elif marker in _JPEG_ENCODING:
        yield Part("encoding", _JPEG_ENCODING[marker], body)
    elif (marker == 0xE1 and body.startswith(b"Exif\0")) or (
        marker == 0xE2 and body.startswith(b"ICC_PROFILE\0")
    ):
        return
    elif marker == 0xFE:
        yield Part("chunks", "COM", body)
    else:
        label = f"APP{marker - 0xE0}" if 0xE0 <= marker <= 0xEF else f"marker {marker:02X}"
        name = body[:32].partition(b"\0")[0]
        yield Part("chunks", f"{label} {name.decode('latin-1')}".strip(), body)


def _webp(data: bytes) -> Iterator[Part]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
        label = kind.decode("latin-1").strip()
        if kind in _WEBP_PIXELS:
            yield Part("encoding", "WebP coding", label.encode())
        elif kind == b"VP8X":
            yield Part("encoding", "WebP features", body[:1].hex().encode())
        elif kind not in (b"ICCP", b"EXIF"):
            yield Part("chunks", label, body)


def _bmp(data: bytes) -> Iterator[Part]:
    offset, size = struct.unpack_from("<II", data, 10)
    if size < 40:
        yield Part("chunks", "BMP header", data[14:offset])
        return
    bits, compression = struct.unpack_from("<HI", data, 28)
    yield Part("mode", "BMP bits", b"%d" % bits)
    yield Part("encoding", "BMP compression", b"%d" % compression)
    # Size of the pixels and the place of a profile behind them follow from the compression.
    kept = data[14:28] + data[38 : 14 + min(size, 112)]
    yield Part("chunks", "BMP header", kept)


def _shown(values: list[bytes]) -> str:
    """A value for people: short text as it is, anything else by its size."""
    if not values:
        return "none"
    if len(values) > 1:
        return f"{len(values)} of together {sum(map(len, values)):,} bytes"
    text = values[0].decode("latin-1")
    if len(text) <= _SHORTEST_SHOWN and text.isprintable():
        return repr(text)
    return f"{len(values[0]):,} bytes"
