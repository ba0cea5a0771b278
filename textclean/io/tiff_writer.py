"""TIFF directories written one after the other, wherever their blocks come to lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import TooLargeError
from textclean.io.tiff_file import (
    JPEG_LENGTH,
    JPEG_OFFSET,
    STRIP_COUNTS,
    STRIP_OFFSETS,
    TILE_COUNTS,
    TILE_OFFSETS,
    ByteOrder,
    Ifd,
    Tag,
    TiffFile,
    has_jpeg,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Lists of unused bytes in the old file mean nothing in a new one.
_MEANINGLESS: Final = frozenset({288, 289})


class TiffWriter:
    """Writes directories one after the other, each linked from the one before."""

    def __init__(self, out: BinaryIO, order: ByteOrder) -> None:
        """Write the header to ``out``, a seekable file at its start."""
        self._out = out
        self._order = order
        mark = b"II" if order.order == "<" else b"MM"
        if order.big:
            out.write(mark + order.pack("HHHQ", 43, 8, 0, 0))
        else:
            out.write(mark + order.pack("HI", 42, 0))
        self._link = out.tell() - (8 if order.big else 4)

    def add(self, ifd: Ifd, blocks: Iterable[bytes], source: TiffFile | None = None) -> None:
        """Append a page.

        Args:
            ifd: Its tags; those that tell where the blocks are get new values.
            blocks: Its strips or tiles as stored.
            source: The file that ``ifd`` is from, to copy the blocks of its children.
        """
        start, link = self._write(ifd, blocks, source)
        self._patch(self._link, start)
        self._link = link

    def _write(self, ifd: Ifd, blocks: Iterable[bytes], source: TiffFile | None) -> tuple[int, int]:
        """Write blocks, children, values and directory; offsets of it and of its link."""
        tags = {n: t for n, t in ifd.tags.items() if n not in _MEANINGLESS}
        offsets, counts = self._write_blocks(blocks)
        if offsets and STRIP_OFFSETS not in tags and has_jpeg(tags):
            tags[JPEG_OFFSET], tags[JPEG_LENGTH] = self._offsets(offsets), self._offsets(counts)
        elif offsets:
            tiled = TILE_OFFSETS in tags
            tags[TILE_OFFSETS if tiled else STRIP_OFFSETS] = self._offsets(offsets)
            tags[TILE_COUNTS if tiled else STRIP_COUNTS] = self._offsets(counts)
        if source is not None:
            for number, children in ifd.children.items():
                starts = [self._write(c, source.blocks(c), source)[0] for c in children]
                tags[number] = self._order.tag(ifd.tags[number].kind, *starts)
        entries = [self._entry(number, tags[number]) for number in sorted(tags)]
        start = self._align()
        head, link = ("Q", b"\0" * 8) if self._order.big else ("H", b"\0" * 4)
        self._out.write(self._order.pack(head, len(entries)) + b"".join(entries) + link)
        return start, self._out.tell() - len(link)

    def _write_blocks(self, blocks: Iterable[bytes]) -> tuple[list[int], list[int]]:
        offsets, counts = [], []
        for block in blocks:
            offsets.append(self._align())
            counts.append(len(block))
            self._out.write(block)
        return offsets, counts

    def _offsets(self, values: Sequence[int]) -> Tag:
        return self._order.tag(self._order.offset_kind, *values)

    def _entry(self, number: int, tag: Tag) -> bytes:
        order = self._order
        value = tag.value
        if len(value) > order.inline:
            value = order.pack("Q" if order.big else "I", self._append(value))
        head = order.pack("HHQ" if order.big else "HHI", number, tag.kind, tag.count)
        return head + value.ljust(order.inline, b"\0")

    def _append(self, data: bytes) -> int:
        start = self._align()
        self._out.write(data)
        return start

    def _align(self) -> int:
        """The next even offset."""
        at = self._out.tell()
        if at & 1:
            self._out.write(b"\0")
            at += 1
        if not self._order.big and at >= 2**32:
            raise TooLargeError("the cleaned TIFF would be larger than 4 GB")
        return at

    def _patch(self, at: int, value: int) -> None:
        self._out.seek(at)
        self._out.write(self._order.pack("Q" if self._order.big else "I", value))
        self._out.seek(0, 2)
