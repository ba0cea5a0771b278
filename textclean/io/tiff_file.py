"""The TIFF container: directories of tags, read without understanding them.

What a tag means is looked at only where a file offset is stored (strips, tiles, sub-directories).
All other values travel as the bytes they are, in the file's own byte order, so that a rewritten
file says the same. Classic TIFF and BigTIFF (TIFF 6.0; BigTIFF by AWare Systems).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from textclean.errors import CorruptInputError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator, Mapping

SHORT: Final = 3
LONG: Final = 4
LONG8: Final = 16

STRIP_OFFSETS: Final = 273
STRIP_COUNTS: Final = 279
TILE_OFFSETS: Final = 324
TILE_COUNTS: Final = 325
SUB_IFDS: Final = 330

_CHILDREN: Final = frozenset({SUB_IFDS, 34665, 34853, 40965})
# Offset and length of a JPEG, which is a file inside the file; offsets of its parts.
JPEG_OFFSET: Final = 513
JPEG_LENGTH: Final = 514
UNMOVABLE: Final = frozenset({JPEG_OFFSET, 519, 520, 521})

# Type -> size in bytes and struct code (None: opaque, or two of something).
_TYPES: Final[dict[int, tuple[int, str | None]]] = {
    1: (1, "B"), 2: (1, None), 3: (2, "H"), 4: (4, "I"), 5: (8, None), 6: (1, "b"),
    7: (1, None), 8: (2, "h"), 9: (4, "i"), 10: (8, None), 11: (4, "f"), 12: (8, "d"),
    13: (4, "I"), 16: (8, "Q"), 17: (8, "q"), 18: (8, "Q"),
}  # fmt: skip
_MAX_DEPTH = 4
_MAX_IFDS = 100_000


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry of a directory; ``value`` is in the file's byte order."""

    kind: int
    count: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Ifd:
    """One directory.

    Attributes:
        tags: By number.
        blocks: Offset and length of each strip or tile.
        children: Directories that a tag points to, by the number of the tag.
    """

    tags: Mapping[int, Tag]
    blocks: tuple[tuple[int, int], ...] = ()
    children: Mapping[int, tuple[Ifd, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """Byte order ("<" or ">") and size of offsets of a file."""

    order: str
    big: bool

    @property
    def offset_kind(self) -> int:
        """Type of the tags that hold offsets."""
        return LONG8 if self.big else LONG

    @property
    def inline(self) -> int:
        """Values of up to so many bytes stand in the entry itself."""
        return 8 if self.big else 4

    def unpack(self, code: str, data: bytes) -> tuple[int, ...]:
        """Whole numbers from bytes, by their struct codes."""
        return struct.unpack(f"{self.order}{code}", data)

    def pack(self, code: str, *values: int) -> bytes:
        """The inverse of :meth:`unpack`."""
        return struct.pack(f"{self.order}{code}", *values)

    def tag(self, kind: int, *values: int) -> Tag:
        """A tag of whole numbers."""
        code = _TYPES[kind][1]
        return Tag(kind, len(values), self.pack(f"{len(values)}{code}", *values))

    def values(self, tag: Tag) -> tuple[int, ...]:
        """The values of a tag of whole numbers.

        Raises:
            CorruptInputError: The tag is of another type.
        """
        code = _TYPES.get(tag.kind, (0, None))[1]
        if code is None or code in "fd":
            raise CorruptInputError(f"the TIFF has a tag of type {tag.kind} where a number belongs")
        return self.unpack(f"{tag.count}{code}", tag.value)

    def rationals(self, tag: Tag) -> tuple[float, ...]:
        """The values of a tag of unsigned fractions; 0 where the denominator is."""
        if tag.kind != 5:
            return ()
        parts = self.unpack(f"{2 * tag.count}I", tag.value)
        return tuple(a / b if b else 0.0 for a, b in zip(parts[::2], parts[1::2], strict=True))


class TiffFile:
    """A TIFF opened for reading.

    Attributes:
        data: The file's bytes, or a map of them.
        order: Byte order.
        ifds: The directories of the main chain, in file order.
    """

    def __init__(self, data: bytes | mmap.mmap) -> None:
        """Read all directories; no pixels.

        Raises:
            CorruptInputError: Damaged or truncated.
        """
        self.data = data
        mark = self._take(0, 8)
        self.order = ByteOrder("<" if mark[:2] == b"II" else ">", mark[2:4] in (b"+\0", b"\0+"))
        at = self._number("Q", 8) if self.order.big else self._number("I", 4)
        self._seen: set[int] = set()
        self.ifds = tuple(self._chain(at))
        if not self.ifds:
            raise CorruptInputError("the TIFF has no pages")

    def blocks(self, ifd: Ifd) -> Iterator[bytes]:
        """The stored bytes of each strip or tile."""
        return (self._take(*block) for block in ifd.blocks)

    def _take(self, at: int, length: int) -> bytes:
        if at < 0 or length < 0 or at + length > len(self.data):
            raise CorruptInputError("the TIFF is cut off", remedy="Get the file again")
        return self.data[at : at + length]

    def _number(self, code: str, at: int) -> int:
        return self.order.unpack(code, self._take(at, struct.calcsize(code)))[0]

    def _chain(self, at: int) -> Iterator[Ifd]:
        while at:
            ifd, at = self._ifd(at, depth=0)
            yield ifd

    def _ifd(self, at: int, depth: int) -> tuple[Ifd, int]:
        if at in self._seen or depth > _MAX_DEPTH or len(self._seen) > _MAX_IFDS:
            raise CorruptInputError("the TIFF's directories point at each other in a circle")
        self._seen.add(at)
        big = self.order.big
        head, each, offset = ("Q", 20, "Q") if big else ("H", 12, "I")
        count = self._number(head, at)
        at += struct.calcsize(head)
        raw = self._take(at, count * each)
        tags = dict(self._tag(raw[i : i + each]) for i in range(0, len(raw), each))
        following = self._number(offset, at + len(raw))
        children = {
            number: tuple(self._ifd(start, depth + 1)[0] for start in self.order.values(tag))
            for number, tag in tags.items()
            if number in _CHILDREN
        }
        return Ifd(tags, self._blocks(tags), children), following

    def _tag(self, entry: bytes) -> tuple[int, Tag]:
        order = self.order
        number, kind = order.unpack("HH", entry[:4])
        (count,) = order.unpack("Q" if order.big else "I", entry[4 : -order.inline])
        inline = entry[-order.inline :]
        if kind not in _TYPES:
            # Readers must skip types that they do not know; the bytes are kept.
            return number, Tag(kind, count, inline)
        size = _TYPES[kind][0] * count
        if size <= order.inline:
            return number, Tag(kind, count, inline[:size])
        (at,) = order.unpack("Q" if order.big else "I", inline)
        return number, Tag(kind, count, self._take(at, size))

    def _blocks(self, tags: Mapping[int, Tag]) -> tuple[tuple[int, int], ...]:
        tiled = TILE_OFFSETS in tags
        offsets = tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS)
        if offsets is None and has_jpeg(tags):
            start, length = (self.order.values(tags[n])[:1] for n in (JPEG_OFFSET, JPEG_LENGTH))
            return ((start[0], length[0]),) if start and length else ()
        if offsets is None:
            return ()
        counts = tags.get(TILE_COUNTS) or tags.get(STRIP_COUNTS)
        if counts is None or counts.count != offsets.count:
            raise CorruptInputError("the TIFF does not say how long its strips are")
        return tuple(zip(self.order.values(offsets), self.order.values(counts), strict=True))


def is_bare_jpeg(ifd: Ifd) -> bool:
    """Whether a directory holds nothing but a JPEG, as thumbnails in EXIF do."""
    offsets = {STRIP_OFFSETS, TILE_OFFSETS} & ifd.tags.keys()
    return not offsets and has_jpeg(ifd.tags)


def is_movable(ifd: Ifd) -> bool:
    """Whether a directory, and those that it points to, can lie elsewhere in a file.

    Old-style JPEG cannot: it holds offsets that no tag tells the lengths of.
    """
    fixed = UNMOVABLE & ifd.tags.keys()
    children = (child for own in ifd.children.values() for child in own)
    bare = fixed == {JPEG_OFFSET} and is_bare_jpeg(ifd)
    return (not fixed or bare) and all(map(is_movable, children))


def has_jpeg(tags: Mapping[int, Tag]) -> bool:
    """Whether tags tell where a JPEG is and how long."""
    return JPEG_OFFSET in tags and JPEG_LENGTH in tags and TILE_OFFSETS not in tags


def with_tags(ifd: Ifd, changes: Mapping[int, Tag | None]) -> Ifd:
    """A copy with tags replaced, or removed where the change is None."""
    tags = {**ifd.tags, **changes}
    return replace(ifd, tags={n: t for n, t in tags.items() if t is not None})
