"""The directory of a 7z file (7zFormat.txt of the LZMA SDK, public domain), read and checked."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING, Final

from textclean.io.sevenzip_spec import (
    ANTI,
    ATTRIBUTES,
    EMPTY_FILE,
    EMPTY_STREAM,
    ENCODED,
    END,
    FILES,
    HEADER,
    MAIN,
    NAMES,
    PROPERTIES,
    UNIX_MODE,
    Entry,
    Folder,
    SevenZipError,
    Streams,
)
from textclean.io.sevenzip_streams import StreamReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REPARSE_POINT: Final = 0x400


class HeaderReader(StreamReader):
    """Reads the directory from its bytes."""

    def encoded(self) -> Streams | None:
        """The streams that the directory itself is packed in, or None when it is plain."""
        kind = self.byte()
        if kind == ENCODED:
            return self.streams()
        if kind != HEADER:
            raise SevenZipError(f"a directory of kind {kind}")
        return None

    def entries(self) -> tuple[list[Folder], list[Entry]]:
        """Folders and entries; call it after :meth:`encoded` gave None."""
        streams, entries = Streams(), []
        while (kind := self.byte()) != END:
            if kind == PROPERTIES:
                while self.byte() != END:
                    self.take(self.number())
            elif kind == MAIN:
                streams = self.streams()
            elif kind == FILES:
                entries = self._files(streams)
            else:
                raise SevenZipError(f"a part of kind {kind}")
        return streams.folders, entries

    def _files(self, streams: Streams) -> list[Entry]:
        count = self.count()
        empty, plain_files, anti = [False] * count, list[bool](), False
        names: list[str] = []
        attributes: list[int] = [0] * count
        while (kind := self.byte()) != END:
            part = HeaderReader(self.take(self.number()))
            if kind == EMPTY_STREAM:
                empty = part.bits(count)
            elif kind == EMPTY_FILE:
                plain_files = part.bits(sum(empty))
            elif kind == ANTI:
                anti = any(part.bits(sum(empty)))
            elif kind == NAMES:
                names = part._names(count)
            elif kind == ATTRIBUTES:
                attributes = part._attributes(count)
        if anti or len(names) != count:
            raise SevenZipError("entries without names, or that delete files")
        return list(_entries(names, attributes, empty, plain_files, streams))

    def _names(self, count: int) -> list[str]:
        if self.byte():
            raise SevenZipError("names in another place")
        text = self.take(len(self._data) - 1).decode("utf-16-le", "replace")
        names = text.split("\0")
        if len(names) != count + 1:
            raise SevenZipError(f"{len(names) - 1} names for {count} entries")
        return names[:-1]

    def _attributes(self, count: int) -> list[int]:
        known = self.optional_bits(count)
        if self.byte():
            raise SevenZipError("attributes in another place")
        return [struct.unpack("<I", self.take(4))[0] if yes else 0 for yes in known]


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
