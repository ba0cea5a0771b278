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

import bz2
import lzma
import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from textclean.errors import CorruptInputError, ProtectedInputError, UnsupportedFormatError
from textclean.io import sevenzip_header as sz
from textclean.io.images import cannot_read
from textclean.io.members import CHUNK, Member, Recent, damaged_archive, damaged_entry
from textclean.io.sevenzip_header import Folder, HeaderReader, SevenZipError
from textclean.io.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.io.archive_checks import Limits

_COPY, _LZMA2, _LZMA = b"\0", b"\x21", b"\x03\x01\x01"
_DEFLATE, _BZIP2, _AES = b"\x04\x01\x08", b"\x04\x02\x02", b"\x06\xf1\x07\x01"
_NAMES: Final = {
    b"\x03": "the Delta filter",
    b"\x03\x04\x01": "PPMd",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x03\x03\x01\x03": "BCJ",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\xf7\x11\x01": "Zstandard",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x04": "LZ4",
}
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
        self._stream: _FolderStream | None = None
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
        if entry.folder is None or not _stored(self._folders[entry.folder]):
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

    def _open(self, index: int) -> _FolderStream:
        folder = self._folders[index]
        return _FolderStream(index, folder, self._packed(folder), self._file)

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
        if _AES in folder.methods:
            raise ProtectedInputError(
                "the archive is encrypted, its directory too", remedy="Pack it again unencrypted"
            )
        if name := _unhandled(folder):
            raise UnsupportedFormatError(f"the archive is packed with {name}", remedy=_REMEDY)
        stream = _FolderStream(0, folder, self._packed(folder), self._file)
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
            encrypted=_AES in folder.methods,
            unhandled="" if _AES in folder.methods else _unhandled(folder),
        )


class _Decoder(Protocol):
    """What the decompressors of the standard library have in common; others are wrapped."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _FolderStream:
    """What a folder unpacks to, read forwards, never more than is asked for.

    Attributes:
        index: The folder's number.
        at: Bytes read so far.
        partial: What the last read got before it failed.
    """

    def __init__(self, index: int, folder: Folder, packed: tuple[int, int], file: BinaryIO) -> None:
        self.index = index
        self.at = 0
        self.partial: list[bytes] = []
        self._next, self._end = packed
        self._file = file
        self._decoders = [_decoder(coder, folder.size) for coder in _steps(folder)]

    def skip(self, length: int) -> None:
        """Read on without keeping; of stored data nothing is read."""
        if not self._decoders:
            self._next += length
            self.at += length
            return
        while length > 0:
            length -= len(self.read(min(length, CHUNK)))

    def read(self, length: int) -> bytes:
        """So many bytes.

        Raises:
            EOFError: There are not as many.
        """
        self.partial = []
        while length > 0:
            part = self._some(min(length, CHUNK))
            self.partial.append(part)
            length -= len(part)
            self.at += len(part)
        return b"".join(self.partial)

    def _some(self, most: int, step: int = -1) -> bytes:
        """At least one byte and at most ``most``, from behind a step."""
        step = len(self._decoders) - 1 if step == -1 else step
        if step < 0:
            if stored := self._raw(most):
                return stored
            raise EOFError("the packed data is cut off")
        decoder = self._decoders[step]
        while True:
            if decoder.eof:
                raise EOFError("the packed data ends too early")
            fresh, starved = b"", decoder.needs_input
            if starved:
                fresh = self._raw(CHUNK) if step == 0 else self._some(CHUNK, step - 1)
            # At the end of its input a decompressor may still hold some output.
            part = decoder.decompress(fresh, most)
            if part:
                return part
            if starved and not fresh:
                raise EOFError("the packed data is cut off")

    def _raw(self, most: int) -> bytes:
        self._file.seek(self._next)
        data = self._file.read(max(0, min(most, self._end - self._next)))
        self._next += len(data)
        return data


class _Inflate:
    """Deflate with the interface of the other decompressors."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


def _steps(folder: Folder) -> list[sz.Coder]:
    """The steps that do something."""
    return [coder for coder in folder.coders if coder.method != _COPY]


def _stored(folder: Folder) -> bool:
    return bool(folder.coders) and not _steps(folder)


def _unhandled(folder: Folder) -> str:
    """Name of a method that is not handled, or ""."""
    known = (_COPY, _LZMA2, _LZMA, _DEFLATE, _BZIP2)
    for method in folder.methods:
        if method not in known:
            return _NAMES.get(method, f"method {method.hex()}")
    return "" if folder.coders else "several streams"


def _decoder(coder: sz.Coder, size: int) -> _Decoder:
    method, properties = coder.method, coder.properties
    if method == _DEFLATE:
        return _Inflate()
    if method == _BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_filter(method, properties, size)])


def _filter(method: bytes, properties: bytes, size: int) -> dict[str, Any]:
    """A filter of the standard library from the properties of a 7z coder."""
    # A dictionary larger than the data is never used, but would be allocated.
    largest = max(4096, min(size, 3 << 29))
    if method == _LZMA2 and len(properties) == 1 and properties[0] <= 40:
        bits = properties[0]
        told = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
        return {"id": lzma.FILTER_LZMA2, "dict_size": min(told, largest)}
    if method == _LZMA and len(properties) == 5 and properties[0] < 225:
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        told = max(4096, int.from_bytes(properties[1:], "little"))
        return {
            "id": lzma.FILTER_LZMA1, "dict_size": min(told, largest), "lc": lc, "lp": lp, "pb": pb
        }  # fmt: skip
    raise SevenZipError("odd properties of a packing method")
