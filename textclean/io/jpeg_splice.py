"""Change a JPEG only where its pixels change: blocks that are not touched keep their coefficients.

The touched blocks get new coefficients, quantized with the image's own tables. All others keep
theirs, number for number, so that any decoder gives the same pixels for them. In sequential images
they even keep their codes (:mod:`textclean.io.jpeg_patch`). The scans of progressive ones, and of
those whose Huffman tables lack a code and have no room for it, are made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.jpeg_bands import band_events, write_band
from textclean.io.jpeg_blocks import Changes
from textclean.io.jpeg_coefficients import Layout, read_coefficients, to_scan_order
from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_entropy import repeated
from textclean.io.jpeg_frame import EOI, SOI, Frame, Segment, read_frame
from textclean.io.jpeg_huffman import (
    BIT_LENGTHS,
    Events,
    counts_of,
    differences,
    pack,
    scan_events,
    scan_segment,
    table_segment,
)
from textclean.io.jpeg_patch import patch
from textclean.io.jpeg_reach import Reach
from textclean.io.jpeg_scans import Stored, StoredScan, read_stored
from textclean.io.jpeg_tables import NoRoom, codes_of, optimal_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.jpeg_coefficients import Blocks
    from textclean.types import Mask

    Ints = NDArray[np.int64]

# The bands of a progressive image's scans, after the one of all DC values.
_BANDS: Final = ((1, 5), (6, 63))


def splice(original: bytes, pixels: NDArray[Any], chosen: Mask) -> tuple[bytes, Mask]:
    """The JPEG with other pixels in some places.

    Args:
        original: The JPEG.
        pixels: ``(H, W)`` or ``(H, W, C)`` uint8, as it is to decode; CMYK is 0 = no ink.
        chosen: ``(H, W)`` bool: the pixels that change.

    Returns:
        The new JPEG, and ``(H, W)`` bool: the pixels that may decode differently. All segments are
        the original's, but for Huffman tables that had to be made anew.

    Raises:
        NotSpliceable: The coefficients cannot be read or written here.
    """
    frame = read_frame(original)
    stored = read_stored(frame, original)
    changes = Changes(frame, chosen, pixels)
    if not frame.progressive:
        try:
            return patch(stored, changes)
        except NoRoom:
            pass
    return _made_anew(stored, changes)


def reach_of(frame: Frame, mask: Mask) -> Mask:
    """The pixels that may decode differently when those under a mask are changed.

    Raises:
        NotSpliceable: Sampling factors that no decoder handles.
    """
    changes = Changes(frame, mask)
    reach = Reach(changes)
    for index in range(len(frame.components)):
        reach.add(index, changes.touched(index))
    return reach.mask()


def _made_anew(stored: Stored, changes: Changes) -> tuple[bytes, Mask]:
    """The file with all scans made anew, and the pixels that may decode differently."""
    frame = changes.frame
    planes = read_coefficients(frame, stored)
    reach = Reach(changes)
    for index, plane in enumerate(planes):
        where = changes.touched(index)
        old = plane[where]
        new = changes.renewed(index, old, stored.table_of(frame, index))
        differs = (new != old).any(axis=1)
        reach.add(index, (where[0][differs], where[1][differs]))
        plane[where] = new
    first = next(i for i, part in enumerate(stored.parts) if isinstance(part, StoredScan))
    kept = [
        part.raw
        for place, part in enumerate(stored.parts)
        if isinstance(part, Segment) and not part.is_index and (place < first or part.is_metadata)
    ]
    return b"".join([SOI, *kept, *_scans(changes, planes), EOI]), reach.mask()


def _scans(changes: Changes, planes: Sequence[Blocks]) -> list[bytes]:
    """Scans with the Huffman tables that fit them best."""
    frame = changes.frame
    every = list(range(len(planes)))
    if not frame.progressive:
        return _scan(changes, planes, every, (0, 63))
    parts = _scan(changes, [plane[..., :1] for plane in planes], every, (0, 0))
    for index in every:
        blocks = np.ascontiguousarray(to_scan_order(frame, changes.grid, planes, [index]))
        for band in _BANDS:
            if is_compiled():
                parts += _band(frame, blocks, index, band)
            else:
                parts += _scan(changes, planes, [index], band)
    return parts


def _scan(
    changes: Changes, planes: Sequence[Blocks], chosen: Sequence[int], band: tuple[int, int]
) -> list[bytes]:
    """Tables, header and data of a scan."""
    frame = changes.frame
    # One set of tables for each quantization table: luma and chroma.
    sets = [int(c.table != frame.components[0].table) for c in frame.components]
    events, interval = _events(changes, planes, chosen, sets, band)
    tables = {number: optimal_table(counts) for number, counts in counts_of(events).items()}
    stored = {(number % 2, number // 2): table for number, table in tables.items()}
    # A scan of one band names only the tables of that kind.
    names = [
        (
            frame.components[i].name,
            sets[i] if (0, sets[i]) in stored else 0,
            sets[i] if (1, sets[i]) in stored else 0,
        )
        for i in chosen
    ]
    header = scan_segment(names, *band).raw
    return [table_segment(stored).raw, header, pack(events, tables, interval)]


def _band(frame: Frame, blocks: Blocks, index: int, band: tuple[int, int]) -> list[bytes]:
    """What :func:`_scan` gives of a band of one component, by compiled code.

    Args:
        frame: The frame.
        blocks: ``(n, 64)`` the component's blocks in the order of the scan.
        index: Which component it is.
        band: First and last coefficient.
    """
    flat, each = blocks.reshape(-1), frame.restart_interval or len(blocks)
    pieces = -(-len(blocks) // each)
    # A value or a run of zeros for each place at most, an end for each block, one for each piece.
    most = len(blocks) * (band[1] - band[0] + 2) + 2 * pieces
    counts, symbols, bits = np.zeros(257, np.int64), np.empty(most, np.int16), np.empty(most, "i4")
    said = BIT_LENGTHS, counts, symbols, bits
    count = band_events(flat, flat.view(np.int64), band, each, *said)
    table = optimal_table(counts[:256])
    codes, lengths = codes_of(table)
    symbol = np.arange(256)
    sizes = np.where(symbol & 15, symbol & 15, (symbol >> 4) % 15)
    # All bytes may be stuffed.
    room = int((counts[:256] * (lengths + sizes)).sum()) // 8 * 2 + 4 * pieces
    out = np.empty(room, np.uint8)
    size = write_band(symbols[:count], bits[:count], sizes, codes, lengths, pieces, out)
    data = out[:size]
    number = int(frame.components[index].table != frame.components[0].table)
    header = scan_segment([(frame.components[index].name, 0, number)], *band).raw
    return [table_segment({(1, number): table}).raw, header, data.tobytes()]


def _events(
    changes: Changes,
    planes: Sequence[Blocks],
    chosen: Sequence[int],
    sets: Sequence[int],
    band: tuple[int, int],
) -> tuple[Events, int]:
    """What a scan has to say, and the blocks between two of its restarts."""
    frame = changes.frame
    blocks = to_scan_order(frame, changes.grid, planes, chosen)
    pattern = Layout.of(frame, changes.grid, chosen).pattern
    interval = frame.restart_interval * len(pattern) or len(blocks)
    first, last = band
    difference = None if first else differences(blocks[:, 0].astype(np.int64), pattern, interval)
    events = scan_events(
        blocks,
        difference,
        repeated([sets[i] for i in pattern], len(blocks)),
        band=(max(first, 1), last),
        run=interval if frame.progressive else 0,
    )
    return events, interval
