"""ZIP files: CBZ, and many a CBR."""

from __future__ import annotations

import stat
import struct
import threading
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import TooLargeError
from textclean.io.archive_checks import zip_names
from textclean.io.images import cannot_read
from textclean.io.members import CHUNK, Member, damaged_archive, damaged_entry
from textclean.io.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

_ENCRYPTED: Final = 0x1
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_REPAIR: Final = "Get the file again, or repair it (zip -FF)"


class ZipContainer:
    """A ZIP file opened for reading.

    Attributes:
        members: All its entries in file order.
        comment: The archive's comment.
    """

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise cannot_read(path, error) from None
        try:
            with zipfile.ZipFile(self._file) as archive:
                self._infos = tuple(archive.infolist())
                self.comment = archive.comment
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
            self._file.close()
            raise damaged_archive(error, _REPAIR) from None
        names = zip_names(self._infos)
        self.members = tuple(_member(i, n) for i, n in zip(self._infos, names, strict=True))

    def read(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        info = self._infos[index]
        data = self.read_damaged(index)
        if len(data) < info.file_size or zlib.crc32(data) != info.CRC:
            raise damaged_entry()
        return data

    def read_damaged(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        info = self._infos[index]
        data = self._unpack(info, info.file_size + 1, info.compress_size)
        if len(data) > info.file_size:
            raise TooLargeError("the entry unpacks to more than it declares; it was not read on")
        return data

    def head(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        return self._unpack(self._infos[index], HEAD_BYTES, 8 * HEAD_BYTES)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()

    def _unpack(self, info: zipfile.ZipInfo, most: int, packed: int) -> bytes:
        """At most ``most`` bytes of an entry, from the first ``packed`` stored ones.

        Where the entry is damaged, what comes before is returned.
        """
        raw = self._stored(info, packed)
        if info.compress_type == zipfile.ZIP_STORED:
            return raw[:most]
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        parts: list[bytes] = []
        try:
            while raw and most > 0 and not inflate.eof:
                parts.append(inflate.decompress(raw, min(most, CHUNK)))
                most -= len(parts[-1])
                raw = inflate.unconsumed_tail
        except zlib.error:
            pass
        return b"".join(parts)

    def _stored(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """The packed bytes of an entry, behind its local header; none where that is not.

        Raises:
            FileAccessError: The file cannot be read any more.
        """
        if info.header_offset < 0:
            return b""
        try:
            with self._lock:
                self._file.seek(info.header_offset)
                header = self._file.read(30)
                if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
                    return b""
                name, extra = struct.unpack_from("<HH", header, 26)
                self._file.seek(name + extra, 1)
                return self._file.read(min(info.compress_size, most))
        except OSError as error:
            raise cannot_read(self._path, error) from None


class ZipWriter:
    """Writes a ZIP: stored and not deflated (pages are compressed already), one time stamp."""

    def __init__(self, file: BinaryIO, comment: bytes = b"") -> None:
        """Write to ``file``, from its start."""
        self._archive = _Unfinished(file, "w", zipfile.ZIP_STORED)
        self._archive.comment = comment

    def add(self, name: str, data: bytes, info: zipfile.ZipInfo | None = None) -> None:
        """Append an entry.

        Args:
            name: Its name; a folder's ends in a slash.
            data: Its bytes.
            info: The entry of another ZIP whose attributes and comment it takes over.
        """
        new = zipfile.ZipInfo(name, _EPOCH)
        new.create_system = 3  # the same whatever system this is
        if info is not None:
            new.create_system = info.create_system
            new.external_attr = info.external_attr
            new.comment = info.comment
        # Archives may hold a name twice; zipfile would warn of it.
        self._archive.NameToInfo.pop(name, None)
        self._archive.writestr(new, data, zipfile.ZIP_STORED)

    def finish(self) -> None:
        """Write the directory."""
        self._archive.close()


class _Unfinished(zipfile.ZipFile):
    """An archive that may be given up: no directory is written to a file that is closed by then."""

    def __del__(self) -> None:
        """Do nothing, where the base class would finish the archive."""


def _member(info: zipfile.ZipInfo, name: str) -> Member:
    handled = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(
        name=name,
        size=info.file_size,
        packed=info.compress_size,
        link=kind == stat.S_IFLNK,
        special=kind in (stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK),
        encrypted=bool(info.flag_bits & _ENCRYPTED),
        unhandled="" if handled else f"method {info.compress_type}",
        info=info,
    )
