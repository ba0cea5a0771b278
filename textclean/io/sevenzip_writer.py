"""7z files (CB7), written without compression: pages are compressed already."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

from textclean.io import sevenzip_spec as sz

if TYPE_CHECKING:
    import zipfile


class SevenZipWriter:
    """Writes a 7z: all entries stored, one after the other, without time stamps."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to ``file``, from its start."""
        self._file = file
        self._file.write(bytes(sz.START_BYTES))
        self._parts: list[tuple[str, int, int]] = []

    def add(self, name: str, data: bytes, info: zipfile.ZipInfo | None = None) -> None:
        """Append an entry.

        Args:
            name: Its name; a folder's ends in a slash.
            data: Its bytes.
            info: Not used: what a ZIP says besides has no place here.
        """
        self._file.write(data)
        self._parts.append((name, len(data), zlib.crc32(data)))

    def finish(self) -> None:
        """Write the directory, and the start header over the room left for it."""
        header = _header(self._parts)
        at = self._file.tell() - sz.START_BYTES
        self._file.write(header)
        start = struct.pack("<QQI", at, len(header), zlib.crc32(header))
        self._file.seek(0)
        self._file.write(sz.SIGNATURE + b"\0\4" + struct.pack("<I", zlib.crc32(start)) + start)
        self._file.seek(0, 2)


def _header(parts: list[tuple[str, int, int]]) -> bytes:
    full = [(size, crc) for _, size, crc in parts if size]
    total = sum(size for size, _ in full)
    out = bytearray([sz.HEADER])
    if full:
        out += bytes([sz.MAIN, sz.PACK]) + _number(0) + _number(1)
        out += bytes([sz.SIZE]) + _number(total) + bytes([sz.END])
        # One folder of one coder: flags 1 = an identifier of one byte, which is "stored".
        out += bytes([sz.UNPACK, sz.FOLDER]) + _number(1) + b"\0" + b"\1\1\0"
        out += bytes([sz.SIZES]) + _number(total) + bytes([sz.END])
        out += bytes([sz.SUBSTREAMS, sz.COUNTS]) + _number(len(full))
        if len(full) > 1:
            out += bytes([sz.SIZE]) + b"".join(_number(size) for size, _ in full[:-1])
        out += bytes([sz.CRC, 1]) + b"".join(struct.pack("<I", crc) for _, crc in full)
        out += bytes([sz.END, sz.END])
    out += bytes([sz.FILES]) + _number(len(parts)) + _file_properties(parts)
    return bytes(out) + bytes([sz.END, sz.END])


def _file_properties(parts: list[tuple[str, int, int]]) -> bytes:
    out = bytearray()
    empty = [not size for _, size, _ in parts]
    if any(empty):
        out += _property(sz.EMPTY_STREAM, _packed_bits(empty))
        files = [not name.endswith("/") for name, size, _ in parts if not size]
        out += _property(sz.EMPTY_FILE, _packed_bits(files))
    names = b"".join(
        name.rstrip("/").encode("utf-16-le", "replace") + b"\0\0" for name, _, _ in parts
    )
    return bytes(out + _property(sz.NAMES, b"\0" + names))


def _property(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + _number(len(data)) + data


def _packed_bits(bits: list[bool]) -> bytes:
    out = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        out[index >> 3] |= (0x80 >> (index & 7)) * bit
    return bytes(out)


def _number(value: int) -> bytes:
    """The inverse of reading: as many leading ones in the first byte as bytes follow."""
    for extra in range(8):
        if value < 1 << (7 * (extra + 1)):
            first = (0xFF00 >> extra) & 0xFF | value >> (8 * extra)
            return bytes([first]) + (value & ((1 << (8 * extra)) - 1)).to_bytes(extra, "little")
    return b"\xff" + value.to_bytes(8, "little")
