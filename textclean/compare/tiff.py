"""The tags of all directories of a TIFF, read without the code that pages are read with.

Classic TIFF and BigTIFF (TIFF 6.0; BigTIFF by AWare Systems). Offsets are followed, not compared.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from PIL import TiffTags

from textclean.compare.result import Difference
from textclean.io.thumbnails import without_photoshop_thumbnails
from textclean.io.xmp import without_thumbnails

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator, Mapping, Sequence

    from textclean.compare.result import DifferenceKind

    Values = tuple[int | float, ...] | bytes

_SIZES: Final = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8,
    18: 8,
}  # fmt: skip
_CODES: Final = {
    3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I", 16: "Q",
    17: "q", 18: "Q",
}  # fmt: skip
_CHILDREN: Final = {330: "SubIFD", 34665: "Exif", 34853: "GPS", 40965: "Interoperability"}
_OFFSETS: Final = frozenset({273, 279, 288, 289, 324, 325, 513, 514, 519, 520, 521})
# Compression, photometric interpretation, fill order, strips, tiles, planes, fax options,
# predictor, JPEG tables, YCbCr. What they mean is proved by the decoded pixels.
_ENCODING: Final = frozenset(
    {259, 262, 266, 278, 284, 292, 293, 317, 322, 323, 347, 512, 515, 529, 530, 531, 532}
)
_NEW_SUBFILE_TYPE, _OLD_SUBFILE_TYPE = 254, 255
_REDUCED, _MASK = 0b001, 0b100
_OLD_REDUCED: Final = 2
_PIXELS: Final = frozenset({273, 324})
_JPEG: Final = 513
_SUB_IFDS: Final = 330
_XMP, _PHOTOSHOP, _PHOTOSHOP_LAYERS = 700, 34377, 37724
_MAX_IFDS: Final = 200_000
_MAX_DEPTH: Final = 4
_GONE: Final = "the small picture of a page is gone"
_SHOWN_VALUES = 4
_SHOWN_TEXT = 60


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory of a TIFF.

    Attributes:
        tags: Values by number.
        blocks: Digest of its stored strips or tiles, all together.
        children: Directories that a tag points to, by the number of the tag.
    """

    tags: Mapping[int, Values]
    blocks: bytes
    children: Mapping[int, tuple[Directory, ...]] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """Whether it is more than a thumbnail or a mask."""
        return not self.is_reduced and not self._kind & _MASK

    @property
    def is_reduced(self) -> bool:
        """Whether it is a small picture of a page."""
        bare = _JPEG in self.tags and not _PIXELS & self.tags.keys()
        return bool(self._kind & _REDUCED) or bare

    @property
    def _kind(self) -> int:
        new, old = self.tags.get(_NEW_SUBFILE_TYPE), self.tags.get(_OLD_SUBFILE_TYPE)
        if isinstance(new, tuple) and new:
            return int(new[0])
        reduced = isinstance(old, tuple) and old[:1] == (_OLD_REDUCED,)
        return _REDUCED if reduced else 0

    def packed_like(self, other: Directory) -> bool:
        """Whether both hold the same stored bytes, read in the same way."""
        return self.blocks == other.blocks and self.tags_alike(other)

    def tags_alike(self, other: Directory) -> bool:
        """Whether all tags but offsets are equal."""
        return _comparable(self.tags) == _comparable(other.tags)


def read_directories(data: bytes | mmap.mmap) -> list[Directory]:
    """The directories of the main chain; those before the damage, where there is some."""
    reader = _Reader(data)
    return list(reader.chain())


def differing_tags(
    before: Sequence[Directory], after: Sequence[Directory], names: Sequence[str]
) -> Iterator[Difference]:
    """What differs between the directories of two TIFFs, one by one.

    Args:
        before: Those of the first file.
        after: Those of the second.
        names: What the pages of the first are called; thumbnails and masks are counted apart.
    """
    pairs = _pairs(before, after)
    gone = sum(b is None for _, b in pairs)
    if len(before) - gone != len(after):
        yield Difference("tags", "", f"{len(before)} directories -> {len(after)}")
    pages = iter(names)
    for index, (a, b) in enumerate(pairs, start=1):
        where = next(pages, f"directory {index}") if a.is_page else f"directory {index}"
        if b is None:
            yield Difference("tags", where, _GONE, expected=True)
            continue
        yield from _differing(a, b, where, "")
        if not a.is_page and a.blocks != b.blocks:
            yield Difference("tags", where, "the thumbnail's or mask's pixels")


def _pairs(
    before: Sequence[Directory], after: Sequence[Directory]
) -> list[tuple[Directory, Directory | None]]:
    """What became of each directory; None of small pictures that were taken out."""
    missing, rest = len(before) - len(after), list(after)
    found: list[tuple[Directory, Directory | None]] = []
    for directory in before:
        taken = not rest or not directory.packed_like(rest[0])
        if missing > 0 and directory.is_reduced and taken:
            found.append((directory, None))
            missing -= 1
        elif rest:
            found.append((directory, rest.pop(0)))
    return found


def _differing(a: Directory, b: Directory, where: str, prefix: str) -> Iterator[Difference]:
    tags, others = _comparable(a.tags), _comparable(b.tags)
    for number in sorted(tags.keys() | others.keys()):
        x, y = tags.get(number), others.get(number)
        if x != y:
            kind: DifferenceKind = "encoding" if number in _ENCODING else "tags"
            what = f"{prefix}{_name(number)}: {_shown(x)} -> {_shown(y)}"
            cleared = _cleared(number, x) == y
            yield Difference(kind, where, what, expected=kind == "encoding" or cleared)
    for number in sorted(a.children.keys() | b.children.keys()):
        mine, theirs = a.children.get(number, ()), b.children.get(number, ())
        label = _CHILDREN[number]
        if len(mine) != len(theirs):
            gone = number == _SUB_IFDS and len(mine) > len(theirs)
            what = f"{prefix}{label}: {len(mine)} -> {len(theirs)}"
            yield Difference("tags", where, what, expected=gone)
            mine = tuple(c for c in mine if not (gone and c.is_reduced))
        for c, d in zip(mine, theirs, strict=False):
            yield from _differing(c, d, where, f"{prefix}{label} ")
            if c.blocks != d.blocks:
                yield Difference("tags", where, f"{prefix}{label}: its pixels")


def _cleared(number: int, value: Values | None) -> Values | None:
    """A tag's value as it is where a page was cleaned: without pictures of the page."""
    if number == _PHOTOSHOP_LAYERS:
        return None
    if isinstance(value, bytes) and number == _XMP:
        return without_thumbnails(value)[0]
    if isinstance(value, bytes) and number == _PHOTOSHOP:
        return without_photoshop_thumbnails(value)
    return value


def _comparable(tags: Mapping[int, Values]) -> dict[int, Values]:
    return {n: v for n, v in tags.items() if n not in _OFFSETS and n not in _CHILDREN}


class _Reader:
    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        head = data[:16]
        self._order = "<" if head[:2] == b"II" else ">"
        self._big = head[2:4] in (b"+\0", b"\0+")
        self._start = self._unpack("Q" if self._big else "I", 8 if self._big else 4)[0]
        self._seen: set[int] = set()

    def chain(self) -> Iterator[Directory]:
        at = self._start
        try:
            while at and at not in self._seen and len(self._seen) < _MAX_IFDS:
                directory, at = self._directory(at, 0)
                yield directory
        except (struct.error, IndexError):
            return

    def _unpack(self, code: str, at: int) -> tuple[int, ...]:
        size = struct.calcsize(f"{self._order}{code}")
        return struct.unpack(f"{self._order}{code}", self._data[at : at + size])

    def _directory(self, at: int, depth: int) -> tuple[Directory, int]:
        self._seen.add(at)
        head, each, offset = ("Q", 20, "Q") if self._big else ("H", 12, "I")
        (count,) = self._unpack(head, at)
        at += struct.calcsize(f"={head}")
        tags = dict(self._tag(at + each * index) for index in range(count))
        (following,) = self._unpack(offset, at + each * count)
        children = {
            number: tuple(
                self._directory(int(start), depth + 1)[0]
                for start in tags[number]
                if int(start) not in self._seen and depth < _MAX_DEPTH
            )
            for number in _CHILDREN
            if isinstance(tags.get(number), tuple)
        }
        return Directory(tags, self._digest(tags), children), following

    def _tag(self, at: int) -> tuple[int, Values]:
        number, kind = self._unpack("HH", at)
        (count,) = self._unpack("Q" if self._big else "I", at + 4)
        place = at + (12 if self._big else 8)
        size = _SIZES.get(kind, 1) * count
        if kind in _SIZES and size > (8 if self._big else 4):
            (place,) = self._unpack("Q" if self._big else "I", place)
        raw = self._data[place : place + size]
        if kind not in _CODES:
            return number, raw
        return number, struct.unpack(f"{self._order}{_CODES[kind] * count}", raw)

    def _digest(self, tags: Mapping[int, Values]) -> bytes:
        digest = hashlib.sha256()
        offsets, counts = tags.get(324) or tags.get(273), tags.get(325) or tags.get(279)
        if isinstance(offsets, tuple) and isinstance(counts, tuple):
            for at, length in zip(offsets, counts, strict=False):
                digest.update(b"%d " % length)
                digest.update(self._data[int(at) : int(at) + int(length)])
        return digest.digest()


def _name(number: int) -> str:
    name = TiffTags.lookup(number).name
    return f"{name} ({number})" if name != "unknown" else f"tag {number}"


def _shown(value: Values | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bytes):
        text = value.rstrip(b"\0").decode("latin-1")
        short = len(text) <= _SHOWN_TEXT and text.isprintable()
        return repr(text) if short else f"{len(value):,} bytes"
    if len(value) > _SHOWN_VALUES:
        return f"{len(value)} values"
    return ", ".join(f"{number:g}" for number in value) if value else "nothing"
