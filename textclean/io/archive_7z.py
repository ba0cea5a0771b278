"""7z files (CB7), with nothing but the standard library: LZMA, LZMA2, Deflate, BZip2 and stored.

7z packs entries together: to read one, all those before it are unpacked and thrown away. A reader
goes on where the last one stopped, and what was read last is kept, so that pages in file order
cost one pass.

Why not a library: py7zr is LGPL, and it unpacks entries to disk or whole into memory through a
callback, where pages are needed one by one with sizes counted on the way; libarchive needs a system
package. The format's directory (:mod:`textclean.io.sevenzip_header`) and the codecs of the standard
library are all that comics need.
"""

from __future__ import annotations

import lzma
import struct
import threading
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import CorruptInputError, ProtectedInputError, UnsupportedFormatError
from textclean.io import sevenzip_spec as sz
from textclean.io.images import cannot_read
from textclean.io.members import Member, Recent, damaged_archive, damaged_entry
from textclean.io.sevenzip_header import HeaderReader
from textclean.io.sevenzip_spec import Folder, SevenZipError
from textclean.io.sevenzip_unpack import AES, FolderStream, is_stored, unhandled
from textclean.io.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.io.archive_checks import Limits

_MOST_HEADER: Final = 64 << 20
_REMEDY: Final = "Pack it again as CBZ, or as 7z with LZMA2 (7z a -m0=lzma2)"
_DAMAGE: Final = (EOFError, lzma.LZMAError, OSError, ValueError, zlib.error, struct.error)


class SevenZipContainer:
    """A 7z file opened for reading.

    Attributes:
        members: All its entries in file order.
        comment: 7z files have none.
    """

    comment = b""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Read the directory.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
            ProtectedInputError: The directory is encrypted.
            UnsupportedFormatError: The directory is packed with a method that is not handled.
        """
        self._path = path
        self._most_header = min(_MOST_HEADER, limits.total_bytes)
        self._recent = Recent()
        self._lock = threading.Lock()
        self._stream: FolderStream | None = None
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise cannot_read(path, error) from None
        try:
            self._size = self._file.seek(0, 2)
            self._folders, self._entries = self._directory()
        except (CorruptInputError, ProtectedInputError, UnsupportedFormatError):
            self._file.close()
            raise
        except _DAMAGE as error:
            self._file.close()
            raise damaged_archive(error) from None
        self.members = tuple(self._member(entry) for entry in self._entries)

    def read(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        entry = self._entries[index]
        data = self.read_damaged(index)
        if len(data) < entry.size or (entry.crc is not None and zlib.crc32(data) != entry.crc):
            raise damaged_entry()
        return data

    def read_damaged(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        if self._entries[index].folder is None:
            return b""
        return self._recent.get(index, self._unpack)

    def head(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`; of packed entries none."""
        entry = self._entries[index]
        if entry.folder is None or not is_stored(self._folders[entry.folder]):
            return b""
        at = sz.START_BYTES + self._folders[entry.folder].offset + entry.offset
        with self._lock:
            return self._take(at, min(HEAD_BYTES, entry.size))

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()

    def _unpack(self, index: int) -> bytes:
        entry = self._entries[index]
        if entry.folder is None:
            return b""
        with self._lock:
            stream = self._stream
            if stream is None or stream.index != entry.folder or stream.at > entry.offset:
                self._stream = stream = self._open(entry.folder)
            try:
                stream.skip(entry.offset - stream.at)
                return stream.read(entry.size)
            except (EOFError, lzma.LZMAError, OSError, ValueError, zlib.error):
                self._stream = None
                return b"".join(stream.partial)

    def _open(self, index: int) -> FolderStream:
        folder = self._folders[index]
        return FolderStream(index, folder, self._packed(folder), self._file)

    def _packed(self, folder: Folder) -> tuple[int, int]:
        start = sz.START_BYTES + folder.offset
        return start, max(0, min(start + folder.packed, self._size))

    def _take(self, at: int, length: int) -> bytes:
        try:
            self._file.seek(at)
            return self._file.read(length)
        except OSError as error:
            raise cannot_read(self._path, error) from None

    def _directory(self) -> tuple[list[Folder], list[sz.Entry]]:
        offset, length, crc = sz.read_start(self._take(0, sz.START_BYTES))
        if length == 0:
            return [], []
        if sz.START_BYTES + offset + length > self._size or length > self._most_header:
            raise SevenZipError("its directory is missing")
        data = self._take(sz.START_BYTES + offset, length)
        for _ in range(4):
            if zlib.crc32(data) != crc:
                raise SevenZipError("wrong checksum of its directory")
            reader = HeaderReader(data)
            packed = reader.encoded()
            if packed is None:
                return reader.entries()
            data, crc = self._unpacked_directory(packed)
        raise SevenZipError("its directory is packed too often")

    def _unpacked_directory(self, packed: sz.Streams) -> tuple[bytes, int]:
        if len(packed.folders) != 1 or packed.folders[0].size > self._most_header:
            raise SevenZipError("its directory is not packed as one")
        folder = packed.folders[0]
        if AES in folder.methods:
            raise ProtectedInputError(
                "the archive is encrypted, its directory too", remedy="Pack it again unencrypted"
            )
        if name := unhandled(folder):
            raise UnsupportedFormatError(f"the archive is packed with {name}", remedy=_REMEDY)
        stream = FolderStream(0, folder, self._packed(folder), self._file)
        data = stream.read(folder.size)
        return data, zlib.crc32(data) if folder.crc is None else folder.crc

    def _member(self, entry: sz.Entry) -> Member:
        name = entry.name.replace("\\", "/")
        if entry.folder is None:
            name = name.rstrip("/") + "/" if entry.directory else name
            return Member(name, 0, 0, link=entry.link, special=entry.special)
        folder = self._folders[entry.folder]
        share = entry.size / folder.size if folder.size else 0.0
        return Member(
            name,
            size=entry.size,
            packed=max(1, int(folder.packed * share)),
            link=entry.link,
            special=entry.special,
            encrypted=AES in folder.methods,
            unhandled="" if AES in folder.methods else unhandled(folder),
        )
