"""What all kinds of archive have in common: entries, read one at a time, counted, into memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from textclean.errors import CorruptInputError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable

CHUNK: Final = 1 << 20
"""How much is unpacked at a time."""

_KEPT_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, as its directory declares it.

    Attributes:
        name: Its name as its writer meant it, with forward slashes; a folder's ends in one.
        size: Bytes that it unpacks to.
        packed: Bytes that it takes in the archive; its share where several are packed together.
        link: Whether it is a symbolic or hard link.
        special: Whether it is a device, a pipe or the like.
        encrypted: Whether it can be read only with a password.
        unhandled: Name of a packing method that is not handled, or "".
        info: What a ZIP says of it besides, or None.
    """

    name: str
    size: int
    packed: int
    link: bool = False
    special: bool = False
    encrypted: bool = False
    unhandled: str = ""
    info: zipfile.ZipInfo | None = None

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")


class Container(Protocol):
    """An archive opened for reading; thread-safe."""

    @property
    def members(self) -> tuple[Member, ...]:
        """All entries in file order."""

    @property
    def comment(self) -> bytes:
        """The archive's comment."""

    def read(self, index: int) -> bytes:
        """The unpacked bytes of an entry.

        Raises:
            CorruptInputError: Damaged, or not as long as declared.
            FileAccessError: The file cannot be read any more.
            TooLargeError: It unpacks to more than it declares.
        """

    def read_damaged(self, index: int) -> bytes:
        """As much of an entry as can be unpacked, whatever its checksum says.

        Raises:
            FileAccessError: The file cannot be read any more.
            TooLargeError: It unpacks to more than it declares.
        """

    def head(self, index: int) -> bytes:
        """The first bytes of an entry; none where getting them would cost a lot."""

    def close(self) -> None:
        """Let go of the file; safe to call twice."""


class Recent:
    """The entries read last, because a page is read twice: to decode it and to write it back.

    Entries that are packed together can only be unpacked from the first one on; without this,
    each page that is written would unpack all those before it once more.
    """

    def __init__(self, most: int = _KEPT_BYTES) -> None:
        """Keep up to ``most`` bytes; the entry read last is kept in any case."""
        self._most = most
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, index: int, read: Callable[[int], bytes]) -> bytes:
        """An entry's bytes, from memory or from ``read``, which is called by one thread at once."""
        with self._lock:
            if index not in self._kept:
                data = read(index)
                self._kept[index] = data
                while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(index)
            return self._kept[index]


def damaged_entry(why: str = "its length or checksum is wrong") -> CorruptInputError:
    """The error for an entry that does not unpack to what was packed."""
    return CorruptInputError(
        f"the entry is damaged: {why}",
        remedy="Get the file again, or repair it with the program that packed it",
    )


def damaged_archive(why: object, remedy: str = "Get the file again") -> CorruptInputError:
    """The error for an archive whose directory cannot be read."""
    return CorruptInputError(f"the archive is damaged or cut off ({why})", remedy=remedy)
