"""RAR files (CBR), versions 3 to 5, through rarfile (ISC licence) and an unpacker it finds.

rarfile reads the directory, and entries that are stored; for packed ones it runs unrar, unar, 7z
or bsdtar, which write into a pipe. Nothing is extracted to disk.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from textclean.errors import (
    CorruptInputError,
    MissingExtraError,
    ProtectedInputError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io.images import cannot_read
from textclean.io.members import CHUNK, Member, Recent, damaged_archive, damaged_entry
from textclean.io.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

_STORED: Final = 0x30
NO_PACKAGE: Final = "pip install textclean[rar], or pack the pages as CBZ"
NO_TOOL: Final = (
    "Install one that rarfile knows: apt install unar (or unrar, 7zip, libarchive-tools), "
    "brew install unar, winget install RARLab.WinRAR; or pack the pages as CBZ"
)


class RarContainer:
    """A RAR file opened for reading.

    Attributes:
        members: All its entries in file order.
        comment: Not handed on: a RAR's comment has no place in what is written.
    """

    comment = b""

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            CorruptInputError: Damaged, truncated, or not the first part of several.
            FileAccessError: It cannot be read.
            MissingExtraError: rarfile is not installed, or no unpacker and there are packed
                entries.
            ProtectedInputError: The directory is encrypted.
            UnsupportedFormatError: Two entries have one name.
        """
        self._rarfile = rarfile = _import()
        self._path = path
        self._lock = threading.Lock()
        self._recent = Recent()
        try:
            with path.open("rb"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._archive = rarfile.RarFile(str(path))
        except (rarfile.PasswordRequired, rarfile.NoCrypto):
            raise ProtectedInputError(
                "the archive is encrypted", remedy="Pack it again unencrypted"
            ) from None
        except rarfile.NeedFirstVolume:
            raise CorruptInputError(
                "this is not the first part of the archive", remedy="Give the first part"
            ) from None
        except OSError as error:
            raise cannot_read(path, error) from None
        except (rarfile.Error, ValueError, IndexError, KeyError, EOFError) as error:
            raise damaged_archive(error) from None
        self._infos = tuple(self._archive.infolist())
        if self._archive.needs_password() and not self._infos:
            raise ProtectedInputError(
                "the archive is encrypted, its directory too", remedy="Pack it again unencrypted"
            )
        if not self._infos:
            raise damaged_archive("there are no entries in it")
        self.members = tuple(_member(info) for info in self._infos)
        self._refuse_twins()
        if any(not _is_stored(i) and not i.is_dir() and i.file_size for i in self._infos):
            self._require_tool()

    def read(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`."""
        data = self.read_damaged(index)
        if len(data) < self._infos[index].file_size:
            raise damaged_entry()
        return data

    def read_damaged(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`; nothing behind a wrong checksum."""
        info = self._infos[index]
        if info.is_dir() or not info.file_size:
            return b""
        return self._recent.get(index, lambda i: self._unpack(i, self._infos[i].file_size + 1))

    def head(self, index: int) -> bytes:
        """See :class:`textclean.io.members.Container`; of packed entries none."""
        info = self._infos[index]
        return self._unpack(index, HEAD_BYTES) if _is_stored(info) and info.file_size else b""

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._archive.close()

    def _unpack(self, index: int, most: int) -> bytes:
        rarfile, info = self._rarfile, self._infos[index]
        parts: list[bytes] = []
        try:
            with self._lock, self._archive.open(info) as file:
                while most > 0 and (part := file.read(min(most, CHUNK))):
                    parts.append(part)
                    most -= len(part)
        except rarfile.RarCannotExec:
            raise _no_tool() from None
        except OSError as error:
            raise cannot_read(self._path, error) from None
        except (rarfile.Error, ValueError, EOFError):
            # What came before the damage is all there is.
            pass
        data = b"".join(parts)
        if len(data) > info.file_size:
            raise TooLargeError("the entry unpacks to more than it declares; it was not read on")
        return data

    def _refuse_twins(self) -> None:
        """The unpackers find entries by name: of two only one could be had."""
        counts = Counter(member.name for member in self.members)
        for name, count in counts.items():
            if count == 1:
                continue
            raise UnsupportedFormatError(
                f"the entry {name!r} is in the RAR archive {count} times; they cannot be told "
                "apart",
                remedy="Pack the archive again as CBZ",
            )

    def _require_tool(self) -> None:
        try:
            self._rarfile.tool_setup()
        except self._rarfile.RarCannotExec:
            raise _no_tool() from None


def _no_tool() -> MissingExtraError:
    return MissingExtraError(
        "this is a RAR archive with packed entries, and no program that unpacks RAR was found",
        remedy=NO_TOOL,
    )


def _import() -> ModuleType:
    try:
        import rarfile
    except ImportError:
        raise MissingExtraError(
            "this is a RAR archive, and the package that reads them is not installed",
            remedy=NO_PACKAGE,
        ) from None
    # Otherwise it copies single packed entries into temporary files for the unpacker.
    rarfile.USE_EXTRACT_HACK = 0
    module: ModuleType = rarfile
    return module


def _member(info: Any) -> Member:
    name = str(info.filename).replace("\\", "/")
    redirected = getattr(info, "file_redir", None) is not None
    folder = info.is_dir()
    return Member(
        name=name.rstrip("/") + "/" if folder else name,
        size=0 if folder else int(info.file_size or 0),
        packed=int(info.compress_size or 0),
        link=bool(info.is_symlink() or redirected),
        special=not (folder or info.is_file() or info.is_symlink()),
        encrypted=bool(info.needs_password()),
    )


def _is_stored(info: Any) -> bool:
    return bool(info.compress_type == _STORED)
