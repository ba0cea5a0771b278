"""What an archive may hold, and what its entries are called."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textclean.errors import ProtectedInputError, TooLargeError, UnsupportedFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENCRYPTED: Final = 0x1
_UTF8: Final = 0x800
_FOREIGN: Final = {
    "mimetype": "an e-book (EPUB) or an OpenDocument file",
    "[Content_Types].xml": "an Office document",
    "META-INF/MANIFEST.MF": "a Java or Android program",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to, counted while it is read and not only by what it declares.

    Attributes:
        entries: Number of entries.
        entry_bytes: Size of one entry.
        total_bytes: Size of all entries.
        ratio: How many times its packed size an entry may have ...
        ratio_from: ... once it is larger than this. Blank pages compress very well.
    """

    entries: int = 100_000
    entry_bytes: int = 2**30
    total_bytes: int = 2**36
    ratio: int = 200
    ratio_from: int = 2**24


LIMITS: Final = Limits()


def refuse_hostile(
    members: Sequence[zipfile.ZipInfo], names: Sequence[str], limits: Limits, source: str
) -> None:
    """Refuse what is hostile or foreign, by name, before anything is read.

    Args:
        members: All entries.
        names: Their names, as :func:`decoded_names` gives them.
        limits: What they may unpack to.
        source: Name of the archive for messages.

    Raises:
        ProtectedInputError: Encrypted entries.
        TooLargeError: Entries over the limits.
        UnsupportedFormatError: Names outside the archive, links, packing methods that are not
            handled, or a ZIP that is no comic.
    """
    total = sum(info.file_size for info in members)
    if len(members) > limits.entries or total > limits.total_bytes:
        raise TooLargeError(
            f"the archive declares {len(members):,} entries of {total:,} bytes together; the "
            f"limits are {limits.entries:,} and {limits.total_bytes:,}",
            source=source,
        )
    for info, name in zip(members, names, strict=True):
        if kind := _FOREIGN.get(name):
            raise UnsupportedFormatError(f"this ZIP file is {kind}, no comic", source=source)
        _refuse_member(info, name, limits, source)


def _refuse_member(info: zipfile.ZipInfo, name: str, limits: Limits, source: str) -> None:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":"):
        raise UnsupportedFormatError(
            f"the entry {name!r} points outside the archive: the file is not to be trusted",
            remedy="If you trust it, unpack it with care and pack it again",
            source=source,
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsupportedFormatError(
            f"the entry {name!r} is a symbolic link: the file is not to be trusted",
            remedy="Pack it again with the file itself",
            source=source,
        )
    if info.flag_bits & _ENCRYPTED:
        raise ProtectedInputError(
            f"the entry {name!r} is encrypted", remedy="Pack it again unencrypted", source=source
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsupportedFormatError(
            f"the entry {name!r} is packed with method {info.compress_type}",
            remedy="Pack the archive again, stored or with Deflate",
            source=source,
        )
    bomb = limits.ratio_from < info.file_size > limits.ratio * max(1, info.compress_size)
    if bomb or info.file_size > limits.entry_bytes:
        raise TooLargeError(
            f"the entry {name!r} would unpack from {info.compress_size:,} to {info.file_size:,} "
            "bytes; it was not read",
            source=source,
        )


def decoded_names(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Names as their writers meant them.

    Without the UTF-8 flag the standard says code page 437, which zipfile follows and hardly
    anybody writes: what is there is UTF-8 from careless programs or Shift-JIS from Japanese
    Windows. The first that fits all names of the archive is taken. Backward slashes become
    forward ones.
    """
    plain = [info for info in members if not info.flag_bits & _UTF8]
    raw = [info.orig_filename.encode("cp437", "replace") for info in plain]
    encoding = next((e for e in ("utf-8", "cp932") if _all_decode(raw, e)), "cp437")
    decoded = {id(i): r.decode(encoding, "replace") for i, r in zip(plain, raw, strict=True)}
    return [decoded.get(id(info), info.orig_filename).replace("\\", "/") for info in members]


def _all_decode(raw: Sequence[bytes], encoding: str) -> bool:
    try:
        for name in raw:
            name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
