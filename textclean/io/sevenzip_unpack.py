"""What a folder of a 7z file unpacks to, with the codecs of the standard library."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, BinaryIO, Final, Protocol

from textclean.io.members import CHUNK
from textclean.io.sevenzip_spec import Coder, Folder, SevenZipError

_COPY, _LZMA2, _LZMA = b"\0", b"\x21", b"\x03\x01\x01"
_DEFLATE, _BZIP2, AES = b"\x04\x01\x08", b"\x04\x02\x02", b"\x06\xf1\x07\x01"
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


class _Decoder(Protocol):
    """What the decompressors of the standard library have in common; others are wrapped."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class FolderStream:
    """What a folder unpacks to, read forwards, never more than is asked for.

    Attributes:
        index: The folder's number.
        at: Bytes read so far.
        partial: What the last read got before it failed.
    """

    def __init__(self, index: int, folder: Folder, packed: tuple[int, int], file: BinaryIO) -> None:
        """The folder of that number, packed between two offsets of ``file``."""
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


def _steps(folder: Folder) -> list[Coder]:
    """The steps that do something."""
    return [coder for coder in folder.coders if coder.method != _COPY]


def is_stored(folder: Folder) -> bool:
    """Whether its bytes lie in the file as they are."""
    return bool(folder.coders) and not _steps(folder)


def unhandled(folder: Folder) -> str:
    """Name of a method of a folder that is not handled, or ""."""
    known = (_COPY, _LZMA2, _LZMA, _DEFLATE, _BZIP2)
    for method in folder.methods:
        if method not in known:
            return _NAMES.get(method, f"method {method.hex()}")
    return "" if folder.coders else "several streams"


def _decoder(coder: Coder, size: int) -> _Decoder:
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
