"""Tar files (CBT), plain or compressed as a whole.

Only the headers are read by the standard library; it never extracts anything here. A compressed
tar can be read forwards only: what was read last is kept, and going back starts it over.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import threading
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import TooLargeError
from textclean.io.archive_checks import LIMITS, decoded_names
from textclean.io.images import cannot_read
from textclean.io.members import Member, Recent, damaged_archive, damaged_entry
from textclean.io.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textclean.io.archive_checks import Limits

_BLOCK: Final = 512
_DAMAGE: Final = (
    tarfile.TarError, EOFError, OSError, ValueError, OverflowError, lzma.LZMAError, zlib.error,
)  # fmt: skip


class TarContainer:
    """A tar file opened for reading.

    Attributes:
        members: All its entries in file order.
        comment: Tars have none.
    """

    comment = b""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Read all headers.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
            TooLargeError: A compressed tar that unpacks to more than the limits.
        """
        self._path = path
        self._lock = threading.Lock()
        self._recent = Recent()
        try:
            self._raw: BinaryIO = path.open("rb")
        except OSError as error:
            raise cannot_read(path, error) from None
        try:
            self._plain, self._file = _unpacked(self._raw, path.stat().st_size, limits)
            self._infos = tuple(self._headers(limits))
        except TooLargeError:
            self.close()
            raise
        except _DAMAGE as error:
            self.close()
            raise damaged_archive(error) from None
        self.members = tuple(self._named())

    def read(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        data = self.read_damaged(index)
        if len(data) < self._infos[index].size:
            raise damaged_entry("the archive ends in it")
        return data

    def read_damaged(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        if self._plain:
            return self._take(index, self._infos[index].size)
        return self._recent.get(index, lambda i: self._take(i, self._infos[i].size))

    def head(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        most = min(HEAD_BYTES, self._infos[index].size)
        return self._take(index, most) if self._plain else self.read_damaged(index)[:most]

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._raw.close()

    def _headers(self, limits: Limits) -> Iterator[tarfile.TarInfo]:
        # Names are looked at as bytes: latin-1 gives each byte back.
        with tarfile.open(fileobj=self._file, mode="r:", encoding="latin-1") as archive:
            for count, info in enumerate(archive):
                if count >= limits.entries:
                    raise TooLargeError(
                        f"the archive has more than {limits.entries:,} entries; it was not read on"
                    )
                yield info

    def _named(self) -> Iterator[Member]:
        raw = [_name_bytes(info) for info in self._infos]
        for info, name in zip(self._infos, decoded_names(raw, "latin-1"), strict=True):
            name = name.replace("\\", "/").removeprefix("./")
            yield Member(
                name=name.rstrip("/") + "/" if info.isdir() else name,
                size=info.size if info.isreg() else 0,
                packed=info.size,
                link=info.issym() or info.islnk(),
                special=info.isdev(),
                unhandled="holes (a sparse file)" if info.issparse() else "",
            )

    def _take(self, index: int, length: int) -> bytes:
        info = self._infos[index]
        if not info.isreg():
            return b""
        try:
            with self._lock:
                self._file.seek(info.offset_data)
                return self._file.read(length)
        except OSError as error:
            raise cannot_read(self._path, error) from None
        except (EOFError, lzma.LZMAError, zlib.error):
            return b""


class _Counted(io.RawIOBase):
    """A decompressed stream that is not read beyond a limit.

    Attributes:
        most: How many bytes may be read.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self.most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset > self.most:
            raise self._refusal()
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        data = self._file.read(self.most - at + 1 if size < 0 else size)
        if at + len(data) > self.most:
            raise self._refusal()
        return data

    def _refusal(self) -> TooLargeError:
        return TooLargeError(
            f"the compressed tar unpacks to more than {self.most:,} bytes; it was not read on"
        )


def _unpacked(raw: BinaryIO, size: int, limits: Limits) -> tuple[bool, BinaryIO]:
    """Whether the tar is not compressed, and the file to read it from."""
    head = raw.read(6)
    raw.seek(0)
    file: BinaryIO
    if head.startswith(b"\x1f\x8b"):
        file = gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[assignment]
    elif head.startswith(b"BZh"):
        file = bz2.BZ2File(raw, "rb")  # type: ignore[assignment]
    elif head.startswith(b"\xfd7zXZ\0"):
        file = lzma.LZMAFile(raw, "rb")  # type: ignore[assignment]  # noqa: SIM115
    else:
        return True, raw
    most = min(limits.total_bytes, max(limits.ratio_from, limits.ratio * size))
    return False, _Counted(file, most)  # type: ignore[return-value]


def _name_bytes(info: tarfile.TarInfo) -> bytes:
    # A pax header holds the name in UTF-8, and it was decoded as that.
    return info.name.encode("utf-8" if "path" in info.pax_headers else "latin-1", "replace")


def is_compressed_tar(head: bytes, path: Path) -> bool:
    """Whether a gzip, bzip2 or xz file has a tar in it, by its first block.

    Args:
        head: The file's first bytes.
        path: The file.
    """
    if not head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")):
        return False
    try:
        with path.open("rb") as raw:
            _, file = _unpacked(raw, path.stat().st_size, LIMITS)
            return is_tar(file.read(_BLOCK))
    except _DAMAGE:
        return False


def is_tar(head: bytes) -> bool:
    """Whether a file starts like a tar: its mark, or an old header with a right checksum."""
    if len(head) < _BLOCK:
        return False
    block = head[:_BLOCK]
    if block[257:262] == b"ustar":
        return True
    try:
        told = int(block[148:156].strip(b"\0 ") or b"x", 8)
    except ValueError:
        return False
    return block[0] != 0 and told == sum(block[:148]) + 8 * 32 + sum(block[156:])
