"""The extended XMP packet of a JPEG: what is too long for one segment (XMP part 3, 1.1.3.1).

It lies in numbered parts in segments of its own, and the main packet names it by its checksum.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

from textclean.io.jpeg_frame import APP1, Segment
from textclean.io.xmp import without_thumbnails

if TYPE_CHECKING:
    from collections.abc import Sequence

MAIN: Final = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION: Final = b"http://ns.adobe.com/xmp/extension/\0"

_NAME_BYTES: Final = 32
_HEAD: Final = len(EXTENSION) + _NAME_BYTES + 8
_MOST: Final = 65_400


def without_extended_thumbnails(segments: Sequence[Segment]) -> list[Segment]:
    """Segments without the pictures of the page in extended packets.

    A packet that is not whole, which no program reads, goes altogether if it speaks of pictures.
    """
    kept = list(segments)
    for name in dict.fromkeys(_name(s) for s in segments if _is_part(s)):
        packet, whole = _packet(segments, name)
        if whole:
            new, count = without_thumbnails(packet)
            if count:
                kept = _replaced(kept, name, new)
        elif b"Thumbnails" in packet:
            kept = [s for s in kept if not (_is_part(s) and _name(s) == name)]
    return kept


def _is_part(segment: Segment) -> bool:
    return (
        segment.marker == APP1 and segment.data.startswith(EXTENSION) and len(segment.data) >= _HEAD
    )


def _name(segment: Segment) -> bytes:
    """The checksum by which a part's packet goes."""
    return segment.data[len(EXTENSION) :][:_NAME_BYTES]


def _packet(segments: Sequence[Segment], name: bytes) -> tuple[bytes, bool]:
    """What there is of a packet, in its order, and whether that is all."""
    parts = {}
    for segment in segments:
        if _is_part(segment) and _name(segment) == name:
            length, offset = struct.unpack_from(">II", segment.data, _HEAD - 8)
            parts[offset] = length, segment.data[_HEAD:]
    whole, end = True, 0
    for offset, (_, data) in sorted(parts.items()):
        whole &= offset == end
        end = offset + len(data)
    whole &= {length for length, _ in parts.values()} == {end}
    return b"".join(parts[at][1] for at in sorted(parts)), whole


def _replaced(segments: Sequence[Segment], name: bytes, packet: bytes) -> list[Segment]:
    """Segments with another packet in place of the one of that name."""
    checksum = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    fresh = [
        Segment(
            APP1, EXTENSION + checksum + struct.pack(">II", len(packet), at) + packet[at:][:_MOST]
        )
        for at in range(0, len(packet), _MOST)
    ]
    kept: list[Segment] = []
    for segment in segments:
        if _is_part(segment) and _name(segment) == name:
            kept += fresh
            fresh = []
        elif segment.marker == APP1 and segment.data.startswith(MAIN):
            kept.append(Segment(APP1, segment.data.replace(name, checksum)))
        else:
            kept.append(segment)
    return kept
