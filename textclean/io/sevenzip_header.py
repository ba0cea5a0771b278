"""The directory of a 7z file (7zFormat.txt of the LZMA SDK, public domain), read and checked.

Every number in it may lie: nothing is allocated by what it says before it was held against the
bytes that are there.
"""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIGNATURE: Final = b"7z\xbc\xaf\x27\x1c"
START_BYTES: Final = 32

END, HEADER, PROPERTIES, ADDITIONAL, MAIN, FILES, PACK, UNPACK, SUBSTREAMS, SIZE, CRC = range(11)
FOLDER, SIZES, COUNTS, EMPTY_STREAM, EMPTY_FILE, ANTI, NAMES = range(11, 18)
ATTRIBUTES, ENCODED, DUMMY = 0x15, 0x17, 0x19

UNIX_MODE: Final = 0x8000
"""Attribute that says that the upper half is a Unix mode."""

_REPARSE_POINT: Final = 0x400
_MOST: Final = 2_000_000  # entries, folders and the like
_MOST_CODERS: Final = 8


class SevenZipError(ValueError):
    """The directory is damaged; its message says where."""


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of unpacking: the method's identifier and its properties."""

    method: bytes
    properties: bytes


@dataclass(slots=True)
class Folder:
    """Entries that are packed together, one after the other.

    Attributes:
        coders: The steps in the order in which the data goes through them; empty = the steps are
            no chain.
        methods: Identifiers of all steps.
        size: Bytes that it unpacks to.
        offset: Where its packed bytes are, from the end of the start header.
        packed: How many they are.
        crc: Checksum of what it unpacks to, or None.
    """

    coders: tuple[Coder, ...]
    methods: tuple[bytes, ...]
    streams: int
    outputs: int
    final: int
    size: int = 0
    offset: int = 0
    packed: int = 0
    crc: int | None = None


@dataclass(slots=True)
class Entry:
    """One entry.

    Attributes:
        name: As stored.
        folder: Index of the folder that it is packed in, or None for one without data.
        offset: Where it starts in what the folder unpacks to.
        size: Bytes that it unpacks to.
        crc: Its checksum, or None.
        directory: Whether it is a folder of files.
        link: Whether it is a symbolic link.
        special: Whether it is something else than a file or a folder.
    """

    name: str
    folder: int | None = None
    offset: int = 0
    size: int = 0
    crc: int | None = None
    directory: bool = False
    link: bool = False
    special: bool = False


@dataclass(slots=True)
class Streams:
    """What the packed bytes are: folders, and the parts (size, checksum) of each."""

    folders: list[Folder] = field(default_factory=list)
    parts: list[list[tuple[int, int | None]]] = field(default_factory=list)


def read_start(start: bytes) -> tuple[int, int, int]:
    """Offset (from the end of the start header), length and checksum of the directory.

    Raises:
        SevenZipError: It is damaged.
    """
    if len(start) < START_BYTES or not start.startswith(SIGNATURE):
        raise SevenZipError("the start header is cut off")
    crc, offset, length, header_crc = struct.unpack_from("<IQQI", start, 8)
    if zlib.crc32(start[12:START_BYTES]) != crc:
        raise SevenZipError("wrong checksum of the start header")
    return offset, length, header_crc


class HeaderReader:
    """Reads the directory from its bytes."""

    def __init__(self, data: bytes) -> None:
        """A reader at the start of ``data``."""
        self._data = data
        self._at = 0

    def encoded(self) -> Streams | None:
        """The streams that the directory itself is packed in, or None when it is plain."""
        kind = self._byte()
        if kind == ENCODED:
            return self._streams()
        if kind != HEADER:
            raise SevenZipError(f"a directory of kind {kind}")
        return None

    def entries(self) -> tuple[list[Folder], list[Entry]]:
        """Folders and entries; call it after :meth:`encoded` gave None."""
        streams, entries = Streams(), []
        while (kind := self._byte()) != END:
            if kind == PROPERTIES:
                while self._byte() != END:
                    self._take(self._number())
            elif kind == MAIN:
                streams = self._streams()
            elif kind == FILES:
                entries = self._files(streams)
            else:
                raise SevenZipError(f"a part of kind {kind}")
        return streams.folders, entries

    # -- numbers

    def _take(self, length: int) -> bytes:
        if length < 0 or self._at + length > len(self._data):
            raise SevenZipError("the directory is cut off")
        self._at += length
        return self._data[self._at - length : self._at]

    def _byte(self) -> int:
        return self._take(1)[0]

    def _number(self) -> int:
        """A number of up to 8 bytes; the first byte's leading ones tell how many follow."""
        first, value = self._byte(), 0
        for index in range(8):
            mask = 0x80 >> index
            if not first & mask:
                return value | (first & (mask - 1)) << (8 * index)
            value |= self._byte() << (8 * index)
        return value

    def _count(self) -> int:
        count = self._number()
        if count > _MOST:
            raise SevenZipError(f"{count:,} things of one kind")
        return count

    def _bits(self, count: int) -> list[bool]:
        data = self._take((count + 7) // 8)
        return [bool(data[i >> 3] & 0x80 >> (i & 7)) for i in range(count)]

    def _optional_bits(self, count: int) -> list[bool]:
        return [True] * count if self._byte() else self._bits(count)

    def _checksums(self, count: int) -> list[int | None]:
        known = self._optional_bits(count)
        return [struct.unpack("<I", self._take(4))[0] if yes else None for yes in known]

    # -- streams

    def _streams(self) -> Streams:
        offset, packed, streams = 0, list[int](), Streams()
        parted = False
        while (kind := self._byte()) != END:
            if kind == PACK:
                offset, packed = self._pack_info()
            elif kind == UNPACK:
                streams.folders = self._unpack_info()
            elif kind == SUBSTREAMS:
                parted = True
                streams.parts = self._substreams(streams.folders)
            else:
                raise SevenZipError(f"a stream part of kind {kind}")
        if not parted:
            streams.parts = [[(folder.size, folder.crc)] for folder in streams.folders]
        self._place(streams.folders, offset, packed)
        return streams

    def _pack_info(self) -> tuple[int, list[int]]:
        offset, count, sizes = self._number(), self._count(), list[int]()
        while (kind := self._byte()) != END:
            if kind == SIZE:
                sizes = [self._number() for _ in range(count)]
            elif kind == CRC:
                self._checksums(count)
            else:
                raise SevenZipError(f"a packing part of kind {kind}")
        return offset, sizes

    def _unpack_info(self) -> list[Folder]:
        if self._byte() != FOLDER:
            raise SevenZipError("no folders where they belong")
        count = self._count()
        if self._byte():
            raise SevenZipError("folders in another place")
        folders = [self._folder() for _ in range(count)]
        while (kind := self._byte()) != END:
            if kind == SIZES:
                for folder in folders:
                    sizes = [self._number() for _ in range(folder.outputs)]
                    folder.size = sizes[folder.final]
            elif kind == CRC:
                for folder, crc in zip(folders, self._checksums(count), strict=True):
                    folder.crc = crc
            else:
                raise SevenZipError(f"an unpacking part of kind {kind}")
        return folders

    def _folder(self) -> Folder:
        count = self._number()
        if not 1 <= count <= _MOST_CODERS:
            raise SevenZipError(f"{count} packing steps")
        coders, inputs, outputs, simple = [], 0, 0, True
        for _ in range(count):
            coder, ins, outs = self._coder()
            coders.append(coder)
            inputs, outputs = inputs + ins, outputs + outs
            simple = simple and ins == outs == 1
        pairs = [(self._number(), self._number()) for _ in range(outputs - 1)]
        streams = inputs - len(pairs)
        if streams < 1:
            raise SevenZipError("a folder without packed bytes")
        if streams > 1:
            for _ in range(streams):
                self._number()
        bound = {out for _, out in pairs}
        free = [out for out in range(outputs) if out not in bound]
        if len(free) != 1:
            raise SevenZipError("packing steps in a circle")
        chain = _chain(free[0], dict(pairs), coders) if simple and streams == 1 else ()
        methods = tuple(coder.method for coder in coders)
        return Folder(chain, methods, streams, outputs, free[0])

    def _coder(self) -> tuple[Coder, int, int]:
        flags = self._byte()
        if flags & 0x80:
            raise SevenZipError("alternative packing methods")
        method = self._take(flags & 0x0F)
        ins, outs = (self._number(), self._number()) if flags & 0x10 else (1, 1)
        if not (1 <= ins <= _MOST_CODERS and 1 <= outs <= _MOST_CODERS):
            raise SevenZipError("a packing step with odd streams")
        properties = self._take(self._number()) if flags & 0x20 else b""
        return Coder(method, properties), ins, outs

    def _substreams(self, folders: Sequence[Folder]) -> list[list[tuple[int, int | None]]]:
        counts, kind = [1] * len(folders), self._byte()
        if kind == COUNTS:
            counts = [self._count() for _ in folders]
            kind = self._byte()
        if sum(counts) > _MOST:
            raise SevenZipError("too many entries")
        sizes = []
        for folder, count in zip(folders, counts, strict=True):
            own = [self._number() for _ in range(count - 1)] if kind == SIZE else []
            rest = folder.size - sum(own)
            if rest < 0 or (count > 1 and kind != SIZE):
                raise SevenZipError("entries that do not fill their folder")
            sizes.append([*own, rest] if count else [])
        if kind == SIZE:
            kind = self._byte()
        sums = self._part_checksums(folders, counts, kind)
        return [list(zip(*both, strict=True)) for both in zip(sizes, sums, strict=True)]

    def _part_checksums(
        self, folders: Sequence[Folder], counts: Sequence[int], kind: int
    ) -> list[list[int | None]]:
        """Checksums of all parts; those of folders with one part may be the folder's own."""
        found: list[list[int | None]] = [
            [folder.crc if count == 1 else None] * count
            for folder, count in zip(folders, counts, strict=True)
        ]
        while kind != END:
            if kind == CRC:
                open_ = [row for row in found if not (len(row) == 1 and row[0] is not None)]
                new = iter(self._checksums(sum(map(len, open_))))
                for row in open_:
                    row[:] = [next(new) for _ in row]
            else:
                raise SevenZipError(f"a part of kind {kind} among the entries' sizes")
            kind = self._byte()
        return found

    def _place(self, folders: Sequence[Folder], offset: int, packed: Sequence[int]) -> None:
        at = 0
        for folder in folders:
            own = packed[at : at + folder.streams]
            if len(own) < folder.streams:
                raise SevenZipError("fewer packed bytes than folders")
            folder.offset, folder.packed = offset, sum(own)
            offset, at = offset + folder.packed, at + folder.streams

    # -- files

    def _files(self, streams: Streams) -> list[Entry]:
        count = self._count()
        empty, plain_files, anti = [False] * count, list[bool](), False
        names: list[str] = []
        attributes: list[int] = [0] * count
        while (kind := self._byte()) != END:
            part = HeaderReader(self._take(self._number()))
            if kind == EMPTY_STREAM:
                empty = part._bits(count)
            elif kind == EMPTY_FILE:
                plain_files = part._bits(sum(empty))
            elif kind == ANTI:
                anti = any(part._bits(sum(empty)))
            elif kind == NAMES:
                names = part._names(count)
            elif kind == ATTRIBUTES:
                attributes = part._attributes(count)
        if anti or len(names) != count:
            raise SevenZipError("entries without names, or that delete files")
        return list(_entries(names, attributes, empty, plain_files, streams))

    def _names(self, count: int) -> list[str]:
        if self._byte():
            raise SevenZipError("names in another place")
        text = self._take(len(self._data) - 1).decode("utf-16-le", "replace")
        names = text.split("\0")
        if len(names) != count + 1:
            raise SevenZipError(f"{len(names) - 1} names for {count} entries")
        return names[:-1]

    def _attributes(self, count: int) -> list[int]:
        known = self._optional_bits(count)
        if self._byte():
            raise SevenZipError("attributes in another place")
        return [struct.unpack("<I", self._take(4))[0] if yes else 0 for yes in known]


def _chain(last: int, pairs: dict[int, int], coders: Sequence[Coder]) -> tuple[Coder, ...]:
    """Simple steps in the order in which the packed bytes go through them."""
    order = [last]
    while (source := pairs.get(order[-1])) is not None and len(order) < len(coders):
        order.append(source)
    if len(order) != len(coders):
        raise SevenZipError("packing steps that do not follow each other")
    return tuple(coders[index] for index in reversed(order))


def _entries(
    names: Sequence[str],
    attributes: Sequence[int],
    empty: Sequence[bool],
    plain_files: Sequence[bool],
    streams: Streams,
) -> Iterator[Entry]:
    parts = ((index, size, crc) for index, row in enumerate(streams.parts) for size, crc in row)
    files = iter(plain_files)
    folder, offset = -1, 0
    for name, attribute, bare in zip(names, attributes, empty, strict=True):
        entry = Entry(name)
        if bare:
            entry.directory = not next(files, False)
        else:
            index, entry.size, entry.crc = next(parts, (-1, 0, None))
            if index < 0:
                raise SevenZipError("more entries than packed streams")
            offset = offset if index == folder else 0
            entry.folder, entry.offset, folder = index, offset, index
            offset += entry.size
        mode = stat.S_IFMT(attribute >> 16) if attribute & UNIX_MODE else 0
        entry.link = mode == stat.S_IFLNK or bool(attribute & _REPARSE_POINT)
        entry.special = mode not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
        yield entry
