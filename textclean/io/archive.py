"""Comic archives: ZIP files by any name, mostly ``.cbz``, often ``.cbr``.

Entries are read one at a time, counted, into memory; nothing is ever extracted. The output holds
the same entries in the same order: pages and everything else, stored and not deflated (pages are
compressed already), with one fixed time stamp, so that the same input gives the same bytes.
"""

from __future__ import annotations

import struct
import threading
import zipfile
import zlib
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import (
    CorruptInputError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io.archive_checks import LIMITS, Limits, decoded_names, refuse_hostile
from textclean.io.atomic import OutputFile, Spool, file_id, refuse_input
from textclean.io.document import Document, DocumentSink, ImageEntry, unique, writing
from textclean.io.images import cannot_read
from textclean.io.natural import natural_key
from textclean.io.sniff import HEAD_BYTES, is_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK: Final = 1 << 20


class ArchiveSource(Document):
    """A ZIP file.

    Attributes:
        members: All its entries in file order.
        names: Their names as their writers meant them, with forward slashes.
        page_members: Number of each page -> its position in ``members``.
        comment: The archive's comment.
    """

    def __init__(self, path: Path, *, max_pixels: int, limits: Limits = LIMITS) -> None:
        """Open an archive; of each entry only the first bytes are read.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
            ProtectedInputError: Encrypted.
            TooLargeError: It would unpack to more than the limits.
            UnsupportedFormatError: No pages in it, or entries that point outside it.
        """
        super().__init__(path)
        self._limits = limits
        self._lock = threading.Lock()
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise cannot_read(path, error) from None
        try:
            self._open(max_pixels)
        except BaseException:
            self._file.close()
            raise

    def _open(self, max_pixels: int) -> None:
        try:
            with zipfile.ZipFile(self._file) as archive:
                self.members = tuple(archive.infolist())
                self.comment = archive.comment
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise CorruptInputError(
                f"the archive is damaged or cut off ({error})",
                remedy="Get the file again, or repair it (zip -FF)",
                source=self.name,
            ) from None
        self.names = decoded_names(self.members)
        refuse_hostile(self.members, self.names, self._limits, self.name)
        self._entries = tuple(self._pages(max_pixels))
        if not self._entries:
            raise UnsupportedFormatError(
                "there is no page in the archive",
                remedy="PNG, JPEG, WebP, TIFF and BMP are looked for",
                source=self.name,
            )
        taken = set(self.page_members.values())
        self.others = tuple(
            name
            for index, name in enumerate(self.names)
            if index not in taken and not name.endswith("/")
        )

    def _pages(self, max_pixels: int) -> list[ImageEntry]:
        found = [
            index
            for index, info in enumerate(self.members)
            if not self.names[index].endswith("/") and is_page(self.names[index], self._head(info))
        ]
        found.sort(key=lambda index: (natural_key(self.names[index]), index))
        names = unique([self.names[index] for index in found])
        self.page_members = dict(enumerate(found, start=1))
        return [
            ImageEntry(
                name,
                number,
                partial(self.read, self.members[index]),
                source=self.name,
                max_pixels=max_pixels,
            )
            for number, (name, index) in enumerate(zip(names, found, strict=True), start=1)
        ]

    @property
    def entries(self) -> Sequence[ImageEntry]:
        """The pages in natural order, folder by folder."""
        return self._entries

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """The unpacked bytes of an entry.

        Raises:
            CorruptInputError: Damaged, or not as long as declared.
            TooLargeError: It goes over the limits while it is unpacked.
        """
        data = self.read_damaged(info)
        if len(data) < info.file_size or zlib.crc32(data) != info.CRC:
            raise CorruptInputError(
                "the entry is damaged: its length or checksum is wrong",
                remedy="Get the file again, or repair it (zip -FF)",
            )
        return data

    def read_damaged(self, info: zipfile.ZipInfo) -> bytes:
        """As much of an entry as can be unpacked, whatever its checksum says.

        Raises:
            TooLargeError: It unpacks to more than it declares.
        """
        data = self._unpack(info, info.file_size + 1, info.compress_size)
        if len(data) > info.file_size:
            raise TooLargeError("the entry unpacks to more than it declares; it was not read on")
        return data

    def open_sink(self, dst: Path, *, overwrite: bool) -> ArchiveSink:
        """The sink that writes the archive to ``dst``."""
        return ArchiveSink(self, dst, overwrite=overwrite)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()

    def _head(self, info: zipfile.ZipInfo) -> bytes:
        """The first bytes of an entry."""
        return self._unpack(info, HEAD_BYTES, 8 * HEAD_BYTES)

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
                parts.append(inflate.decompress(raw, min(most, _CHUNK)))
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
            raise cannot_read(self.path, error) from None


class ArchiveSink(DocumentSink):
    """Writes an archive."""

    def __init__(self, source: ArchiveSource, dst: Path, *, overwrite: bool) -> None:
        """Take the output's name; nothing is visible under it before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._output = OutputFile(dst, overwrite=overwrite)
        self._spool = Spool(dst.parent)
        self._places: dict[int, tuple[int, int]] = {}

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        data = self._source.entries[entry.number - 1].encode(page, mask)
        with writing(self._output.path):
            self._places[entry.number] = self._spool.add(data)

    def _commit(self) -> None:
        numbers = {index: number for number, index in self._source.page_members.items()}
        with (
            writing(self._output.path),
            zipfile.ZipFile(self._output.file, "w", zipfile.ZIP_STORED) as archive,
        ):
            archive.comment = self._source.comment
            for index, info in enumerate(self._source.members):
                number = numbers.get(index, 0)
                if number in self._written:
                    data = self._spool.get(self._places[number])
                else:
                    data = self._original(index)
                _append(archive, info, self._source.names[index], data)
        self._output.commit()

    def _original(self, index: int) -> bytes:
        """The unpacked bytes of an entry; a damaged one goes through as far as it can be read."""
        info, name = self._source.members[index], self._source.names[index]
        if name.endswith("/"):
            return b""
        try:
            return self._source.read(info)
        except CorruptInputError as error:
            self.warnings.append(f"{name}: {error.message}; handed through as far as readable")
            return self._source.read_damaged(info)

    def _close(self) -> None:
        self._spool.close()
        self._output.discard()


def _append(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, data: bytes) -> None:
    new = zipfile.ZipInfo(name, _EPOCH)
    new.create_system = info.create_system
    new.external_attr = info.external_attr
    new.comment = info.comment
    # Archives may hold a name twice; zipfile would warn of it.
    archive.NameToInfo.pop(name, None)
    archive.writestr(new, data, zipfile.ZIP_STORED)
