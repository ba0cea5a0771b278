"""The two things of an EXIF block that a page needs: orientation and resolution."""

from __future__ import annotations

import struct
from typing import Final

_ORIENTATION: Final = 274
_X_RESOLUTION: Final = 282
_Y_RESOLUTION: Final = 283
_RESOLUTION_UNIT: Final = 296
_SHORT: Final = 3
_RATIONAL: Final = 5

_PER_INCH: Final = {2: 1.0, 3: 2.54}


def exif_orientation(exif: bytes | None) -> int:
    """EXIF orientation, 1 to 8; 1 when there is none or the block is damaged."""
    value = _first_ifd(exif).get(_ORIENTATION, 1)
    return int(value) if value in range(1, 9) else 1


def with_facts(exif: bytes, orientation: int, dpi: tuple[float, float] | None) -> bytes | None:
    """The block with another orientation and resolution; None when it is damaged.

    A new first directory is put behind everything else, so that nothing that is found by an offset
    moves.

    Args:
        exif: Without the mark "Exif" before it.
        orientation: 1 to 8.
        dpi: Pixels per inch; None = none is told.
    """
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        end = start + 2 + 12 * count
        (link,) = struct.unpack_from(f"{order}I", exif, end)
        entries = {
            struct.unpack_from(f"{order}H", exif, at)[0]: exif[at : at + 12]
            for at in range(start + 2, end, 12)
        }
    except (KeyError, struct.error):
        return None
    for tag in (_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT):
        entries.pop(tag, None)
    entries[_ORIENTATION] = struct.pack(f"{order}HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    values, body = b"", exif + bytes(len(exif) & 1)
    if dpi is not None:
        parts = [part for value in dpi for part in (min(round(value * 1e4), 2**32 - 1), 10_000)]
        values = struct.pack(f"{order}4I", *parts)
        for tag, at in ((_X_RESOLUTION, len(body)), (_Y_RESOLUTION, len(body) + 8)):
            entries[tag] = struct.pack(f"{order}HHII", tag, _RATIONAL, 1, at)
        unit = struct.pack(f"{order}HHIHH", _RESOLUTION_UNIT, _SHORT, 1, 2, 0)
        entries[_RESOLUTION_UNIT] = unit
    table = b"".join(entries[tag] for tag in sorted(entries))
    head = exif[:4] + struct.pack(f"{order}I", len(body) + len(values))
    size = struct.pack(f"{order}H", len(entries))
    return head + body[8:] + values + size + table + struct.pack(f"{order}I", link)


def exif_dpi(exif: bytes | None) -> tuple[float, float] | None:
    """Horizontal and vertical resolution in pixels per inch, or None."""
    tags = _first_ifd(exif)
    scale = _PER_INCH.get(int(tags.get(_RESOLUTION_UNIT, 2)))
    x, y = tags.get(_X_RESOLUTION, 0.0), tags.get(_Y_RESOLUTION, 0.0)
    return (x * scale, y * scale) if scale and x > 0 and y > 0 else None


def _first_ifd(exif: bytes | None) -> dict[int, float]:
    """Short and rational values of the first directory, each the first of its tag.

    Damage is no error here: the block is handed through whatever it holds, and a page whose
    orientation cannot be read is taken as it is stored.
    """
    if not exif:
        return {}
    tiff = exif.removeprefix(b"Exif\x00\x00")
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        return dict(
            item
            for index in range(count)
            if (item := _tag(tiff, order, start + 2 + 12 * index)) is not None
        )
    except (KeyError, struct.error):
        return {}


def _tag(tiff: bytes, order: str, at: int) -> tuple[int, float] | None:
    tag, kind, _ = struct.unpack_from(f"{order}HHI", tiff, at)
    if kind == _SHORT:
        return tag, float(struct.unpack_from(f"{order}H", tiff, at + 8)[0])
    if kind == _RATIONAL:
        (offset,) = struct.unpack_from(f"{order}I", tiff, at + 8)
        top, bottom = struct.unpack_from(f"{order}II", tiff, offset)
        return tag, top / bottom if bottom else 0.0
    return None
