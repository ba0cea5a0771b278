"""What an archive may hold, and what its entries are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textclean.errors import ProtectedInputError, TooLargeError, UnsupportedFormatError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence

    from textclean.io.members import Member

_UTF8: Final = 0x800
_FOREIGN: Final = {
    "mimetype": "an OpenDocument file",
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


def refuse_hostile(members: Sequence[Member], limits: Limits) -> None:
    """Refuse what is hostile, by name, before anything is read.

    Args:
        members: All entries.
        limits: What they may unpack to.

    Raises:
        ProtectedInputError: Encrypted entries.
        TooLargeError: Entries over the limits.
        UnsupportedFormatError: Names outside the archive, links, devices, or packing methods that
            are not handled.
    """
    total = sum(member.size for member in members)
    if len(members) > limits.entries or total > limits.total_bytes:
        raise TooLargeError(
            f"the archive declares {len(members):,} entries of {total:,} bytes together; the "
            f"limits are {limits.entries:,} and {limits.total_bytes:,}"
        )
    for member in members:
        _refuse_name(member)
        _refuse_content(member, limits)


def refuse_foreign(members: Sequence[Member]) -> None:
    """Refuse a ZIP that is something else than a comic.

    Raises:
        UnsupportedFormatError: It is.
    """
    for member in members:
        if kind := _FOREIGN.get(member.name):
            raise UnsupportedFormatError(f"this ZIP file is {kind}, no comic")


def _refuse_name(member: Member) -> None:
    name = member.name
    if "\0" in name:
        raise UnsupportedFormatError(
            f"the entry {name!r} has a zero in its name: the file is not to be trusted"
        )
    if name.startswith("/") or ".." in name.split("/") or (len(name) > 1 and name[1] == ":"):
        raise UnsupportedFormatError(
            f"the entry {name!r} points outside the archive: the file is not to be trusted",
            remedy="If you trust it, unpack it with care and pack it again",
        )
    if member.link:
        raise UnsupportedFormatError(
            f"the entry {name!r} is a symbolic link or a hard link: the file is not to be trusted",
            remedy="Pack it again with the file itself",
        )
    if member.special:
        raise UnsupportedFormatError(
            f"the entry {name!r} is a device or a pipe: the file is not to be trusted"
        )


def _refuse_content(member: Member, limits: Limits) -> None:
    name = member.name
    if member.encrypted:
        raise ProtectedInputError(
            f"the entry {name!r} is encrypted", remedy="Pack it again unencrypted"
        )
    if member.unhandled:
        raise UnsupportedFormatError(
            f"the entry {name!r} is packed with {member.unhandled}",
            remedy="Pack the archive again as CBZ, stored or with Deflate",
        )
    bomb = limits.ratio_from < member.size > limits.ratio * max(1, member.packed)
    if bomb or member.size > limits.entry_bytes:
        raise TooLargeError(
            f"the entry {name!r} would unpack from {member.packed:,} to {member.size:,} bytes; "
            "it was not read"
        )


def zip_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Names of a ZIP's entries as their writers meant them.

    Without the UTF-8 flag the standard says code page 437, which zipfile follows and hardly
    anybody writes: what is there is UTF-8 from careless programs or Shift-JIS from Japanese
    Windows. The first that fits all names of the archive is taken. Backward slashes become
    forward ones.
    """
    plain = [info for info in infos if not info.flag_bits & _UTF8]
    raw = [info.orig_filename.encode("cp437", "replace") for info in plain]
    decoded = dict(zip(map(id, plain), decoded_names(raw), strict=True))
    return [decoded.get(id(i), i.orig_filename).replace("\\", "/") for i in infos]


def decoded_names(raw: Sequence[bytes], fallback: str = "cp437") -> list[str]:
    """Names as text: UTF-8 or Shift-JIS, whichever fits all of them, or else ``fallback``."""
    encoding = next((e for e in ("utf-8", "cp932") if _all_decode(raw, e)), fallback)
    return [name.decode(encoding, "replace") for name in raw]


def _all_decode(raw: Sequence[bytes], encoding: str) -> bool:
    try:
        for name in raw:
            name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
