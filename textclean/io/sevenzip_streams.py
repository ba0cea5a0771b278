"""Which bytes of a 7z file are packed how: the streams in its directory, read and checked.

Every number in it may lie: nothing is allocated by what it says before it was held against the
bytes that are there.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from textclean.io.sevenzip_spec import (
    COUNTS,
    CRC,
    END,
    FOLDER,
    PACK,
    SIZE,
    SIZES,
    SUBSTREAMS,
    UNPACK,
    Coder,
    Folder,
    SevenZipError,
    Streams,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST: Final = 2_000_000  # entries, folders and the like
_MOST_CODERS: Final = 8


class NumberReader:
    """Reads what a directory is written with: numbers and bits."""

    def __init__(self, data: bytes) -> None:
        """A reader at the start of ``data``."""
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """So many bytes."""
        if length < 0 or self._at + length > len(self._data):
            raise SevenZipError("the directory is cut off")
        self._at += length
        return self._data[self._at - length : self._at]

    def byte(self) -> int:
        """One byte as a number."""
        return self.take(1)[0]

    def number(self) -> int:
        """A number of up to 8 bytes; the first byte's leading ones tell how many follow."""
        first, value = self.byte(), 0
        for index in range(8):
            mask = 0x80 >> index
            if not first & mask:
                return value | (first & (mask - 1)) << (8 * index)
            value |= self.byte() << (8 * index)
        return value

    def count(self) -> int:
        """A number of things; of which nobody has too many."""
        count = self.number()
        if count > _MOST:
            raise SevenZipError(f"{count:,} things of one kind")
        return count

    def bits(self, count: int) -> list[bool]:
        """So many flags, a bit each."""
        data = self.take((count + 7) // 8)
        return [bool(data[i >> 3] & 0x80 >> (i & 7)) for i in range(count)]

    def optional_bits(self, count: int) -> list[bool]:
        """So many flags, which may all be set in a byte."""
        return [True] * count if self.byte() else self.bits(count)

    def checksums(self, count: int) -> list[int | None]:
        """So many checksums, where they are told."""
        known = self.optional_bits(count)
        return [struct.unpack("<I", self.take(4))[0] if yes else None for yes in known]


class StreamReader(NumberReader):
    """Reads the part about packed bytes."""

    def streams(self) -> Streams:
        """Folders, and the entries in each.

        Raises:
            SevenZipError: The directory is damaged.
        """
        offset, packed, streams = 0, list[int](), Streams()
        parted = False
        while (kind := self.byte()) != END:
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
        offset, count, sizes = self.number(), self.count(), list[int]()
        while (kind := self.byte()) != END:
            if kind == SIZE:
                sizes = [self.number() for _ in range(count)]
            elif kind == CRC:
                self.checksums(count)
            else:
                raise SevenZipError(f"a packing part of kind {kind}")
        return offset, sizes

    def _unpack_info(self) -> list[Folder]:
        if self.byte() != FOLDER:
            raise SevenZipError("no folders where they belong")
        count = self.count()
        if self.byte():
            raise SevenZipError("folders in another place")
        folders = [self._folder() for _ in range(count)]
        while (kind := self.byte()) != END:
            if kind == SIZES:
                for folder in folders:
                    sizes = [self.number() for _ in range(folder.outputs)]
                    folder.size = sizes[folder.final]
            elif kind == CRC:
                for folder, crc in zip(folders, self.checksums(count), strict=True):
                    folder.crc = crc
            else:
                raise SevenZipError(f"an unpacking part of kind {kind}")
        return folders

    def _folder(self) -> Folder:
        count = self.number()
        if not 1 <= count <= _MOST_CODERS:
            raise SevenZipError(f"{count} packing steps")
        coders, inputs, outputs, simple = [], 0, 0, True
        for _ in range(count):
            coder, ins, outs = self._coder()
            coders.append(coder)
            inputs, outputs = inputs + ins, outputs + outs
            simple = simple and ins == outs == 1
        pairs = [(self.number(), self.number()) for _ in range(outputs - 1)]
        streams = inputs - len(pairs)
        if streams < 1:
            raise SevenZipError("a folder without packed bytes")
        if streams > 1:
            for _ in range(streams):
                self.number()
        bound = {out for _, out in pairs}
        free = [out for out in range(outputs) if out not in bound]
        if len(free) != 1:
            raise SevenZipError("packing steps in a circle")
        chain = _chain(free[0], dict(pairs), coders) if simple and streams == 1 else ()
        methods = tuple(coder.method for coder in coders)
        return Folder(chain, methods, streams, outputs, free[0])

    def _coder(self) -> tuple[Coder, int, int]:
        flags = self.byte()
        if flags & 0x80:
            raise SevenZipError("alternative packing methods")
        method = self.take(flags & 0x0F)
        ins, outs = (self.number(), self.number()) if flags & 0x10 else (1, 1)
        if not (1 <= ins <= _MOST_CODERS and 1 <= outs <= _MOST_CODERS):
            raise SevenZipError("a packing step with odd streams")
        properties = self.take(self.number()) if flags & 0x20 else b""
        return Coder(method, properties), ins, outs

    def _substreams(self, folders: Sequence[Folder]) -> list[list[tuple[int, int | None]]]:
        counts, kind = [1] * len(folders), self.byte()
        if kind == COUNTS:
            counts = [self.count() for _ in folders]
            kind = self.byte()
        if sum(counts) > _MOST:
            raise SevenZipError("too many entries")
        sizes = []
        for folder, count in zip(folders, counts, strict=True):
            own = [self.number() for _ in range(count - 1)] if kind == SIZE else []
            rest = folder.size - sum(own)
            if rest < 0 or (count > 1 and kind != SIZE):
                raise SevenZipError("entries that do not fill their folder")
            sizes.append([*own, rest] if count else [])
        if kind == SIZE:
            kind = self.byte()
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
                new = iter(self.checksums(sum(map(len, open_))))
                for row in open_:
                    row[:] = [next(new) for _ in row]
            else:
                raise SevenZipError(f"a part of kind {kind} among the entries' sizes")
            kind = self.byte()
        return found

    def _place(self, folders: Sequence[Folder], offset: int, packed: Sequence[int]) -> None:
        at = 0
        for folder in folders:
            own = packed[at : at + folder.streams]
            if len(own) < folder.streams:
                raise SevenZipError("fewer packed bytes than folders")
            folder.offset, folder.packed = offset, sum(own)
            offset, at = offset + folder.packed, at + folder.streams


def _chain(last: int, pairs: dict[int, int], coders: Sequence[Coder]) -> tuple[Coder, ...]:
    """Simple steps in the order in which the packed bytes go through them."""
    order = [last]
    while (source := pairs.get(order[-1])) is not None and len(order) < len(coders):
        order.append(source)
    if len(order) != len(coders):
        raise SevenZipError("packing steps that do not follow each other")
    return tuple(coders[index] for index in reversed(order))
