"""The boxes of which JPEG 2000, JPEG XL and AVIF files are made (ISO/IEC 14496-12, 15444-1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from textclean.errors import CorruptInputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class FileBox(NamedTuple):
    """One box: its type and what is in it."""

    kind: bytes
    data: bytes

    @property
    def raw(self) -> bytes:
        """The box as it is stored."""
        size = 8 + len(self.data)
        if size >> 32:
            return struct.pack(">I4sQ", 1, self.kind, size + 8) + self.data
        return struct.pack(">I4s", size, self.kind) + self.data


def read_boxes(data: bytes, what: str) -> list[FileBox]:
    """The boxes that follow each other in ``data``.

    Args:
        data: A file, or the inside of a box of boxes.
        what: The format's name, for messages.

    Raises:
        CorruptInputError: A box reaches beyond the end.
    """
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:  # to the end of the file
            size = len(data) - at
        if size < head or at + size > len(data):
            raise CorruptInputError(f"the {what} is cut off", remedy="Get the file again")
        found.append(FileBox(kind, data[at + head : at + size]))
        at += size
    return found


def inside(boxes: Iterable[FileBox], kind: bytes) -> bytes | None:
    """What is in the first box of a kind, or None."""
    return next((box.data for box in boxes if box.kind == kind), None)
