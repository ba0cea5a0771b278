"""What the directory of a 7z file is made of (7zFormat.txt of the LZMA SDK, public domain)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

SIGNATURE: Final = b"7z\xbc\xaf\x27\x1c"
START_BYTES: Final = 32

END, HEADER, PROPERTIES, ADDITIONAL, MAIN, FILES, PACK, UNPACK, SUBSTREAMS, SIZE, CRC = range(11)
FOLDER, SIZES, COUNTS, EMPTY_STREAM, EMPTY_FILE, ANTI, NAMES = range(11, 18)
ATTRIBUTES, ENCODED, DUMMY = 0x15, 0x17, 0x19

UNIX_MODE: Final = 0x8000
"""Attribute that says that the upper half is a Unix mode."""


class SevenZipError(ValueError):
    """The directory is damaged; its message says where."""


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of unpacking: the method's identifier and its properties."""

    method: bytes
    properties: bytes


@dataclass(slots=True)
class Folder:
    """Entries that are packed together, one after the other.

    Attributes:
        coders: The steps in the order in which the data goes through them; empty = the steps are
            no chain.
        methods: Identifiers of all steps.
        size: Bytes that it unpacks to.
        offset: Where its packed bytes are, from the end of the start header.
        packed: How many they are.
        crc: Checksum of what it unpacks to, or None.
    """

    coders: tuple[Coder, ...]
    methods: tuple[bytes, ...]
    streams: int
    outputs: int
    final: int
    size: int = 0
    offset: int = 0
    packed: int = 0
    crc: int | None = None


@dataclass(slots=True)
class Entry:
    """One entry.

    Attributes:
        name: As stored.
        folder: Index of the folder that it is packed in, or None for one without data.
        offset: Where it starts in what the folder unpacks to.
        size: Bytes that it unpacks to.
        crc: Its checksum, or None.
        directory: Whether it is a folder of files.
        link: Whether it is a symbolic link.
        special: Whether it is something else than a file or a folder.
    """

    name: str
    folder: int | None = None
    offset: int = 0
    size: int = 0
    crc: int | None = None
    directory: bool = False
    link: bool = False
    special: bool = False


@dataclass(slots=True)
class Streams:
    """What the packed bytes are: folders, and the parts (size, checksum) of each."""

    folders: list[Folder] = field(default_factory=list)
    parts: list[list[tuple[int, int | None]]] = field(default_factory=list)


def read_start(start: bytes) -> tuple[int, int, int]:
    """Offset (from the end of the start header), length and checksum of the directory.

    Raises:
        SevenZipError: It is damaged.
    """
    if len(start) < START_BYTES or not start.startswith(SIGNATURE):
        raise SevenZipError("the start header is cut off")
    crc, offset, length, header_crc = struct.unpack_from("<IQQI", start, 8)
    if zlib.crc32(start[12:START_BYTES]) != crc:
        raise SevenZipError("wrong checksum of the start header")
    return offset, length, header_crc
