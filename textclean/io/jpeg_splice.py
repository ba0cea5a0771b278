"""Change a JPEG only where its pixels change: blocks that are not touched keep their coefficients.

A pixel that is to change touches one block of every component, the wider the coarser the component
is sampled. Those blocks get new coefficients, quantized with the image's own tables; where a block
reaches beyond the pixels that change, it starts from what it decodes to. All others keep theirs,
number for number, so that any decoder gives the same pixels for them. Only the entropy coding is
made anew, with the image's own Huffman tables where those have a code for every value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.jpeg_coefficients import (
    Coefficients,
    Grid,
    blocks_of_mcu,
    read_coefficients,
    to_scan_order,
)
from textclean.io.jpeg_frame import DHT, EOI, SOI, Frame, NotSpliceable, read_frame
from textclean.io.jpeg_huffman import (
    Events,
    counts_of,
    optimal_table,
    pack,
    scan_events,
    scan_segment,
    table_segment,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mask

    Floats = NDArray[np.float32]
    Blocks = NDArray[np.int16]

_ZIGZAG: Final = np.array(
    sorted(
        range(64),
        key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8),
    )
)
_LARGEST: Final = 1023
# The bands of a progressive image's scans, after the one of all DC values.
_BANDS: Final = ((1, 5), (6, 63))


def _cosines() -> Floats:
    """The orthonormal DCT-II of 8 samples, ``(frequency, sample)``."""
    u, x = np.arange(8)[:, None], np.arange(8)[None]
    basis = np.cos((2 * x + 1) * u * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


_DCT: Final = _cosines()


def splice(original: bytes, before: NDArray[Any], after: NDArray[Any]) -> tuple[bytes, Mask]:
    """The JPEG with other pixels in some places.

    Args:
        original: The JPEG.
        before: ``(H, W)`` or ``(H, W, C)`` uint8, as it decodes; CMYK is 0 = no ink.
        after: The same with changes.

    Returns:
        The new JPEG, and ``(H, W)`` bool: the pixels that may decode differently. All segments are
        the original's, but for Huffman tables that had to be made anew.

    Raises:
        NotSpliceable: The coefficients cannot be read or written here.
    """
    frame = read_frame(original)
    found = read_coefficients(frame, original)
    changed = _differ(before, after)
    reach = np.zeros(changed.shape, bool)
    values = _component_values(frame, after)
    planes = []
    for index, plane in enumerate(found.planes):
        new = plane.copy()
        touched = _put(frame, index, new, found.tables[index], values[index], changed)
        reach |= _reach(frame, index, touched, changed.shape)
        planes.append(new)
    return _assembled(frame, found, planes), reach


def _differ(before: NDArray[Any], after: NDArray[Any]) -> Mask:
    """``(H, W)`` bool: pixels that are not the same."""
    differ: Mask = before != after
    return differ if differ.ndim == 2 else np.asarray(differ.any(axis=2))


def reach_of(frame: Frame, mask: Mask) -> Mask:
    """The pixels that may decode differently when those under a mask are changed.

    Raises:
        NotSpliceable: Sampling factors that no decoder handles.
    """
    grid = Grid.of(frame)
    reach = np.zeros_like(mask)
    for index, part in enumerate(frame.components):
        rows, columns = grid.stored(frame, part)
        fy, fx = _factors(frame, index)
        cells = _cells(mask, rows, columns, 8 * fy, 8 * fx, fill=False)
        hit = np.asarray(cells.any(axis=(2, 3)))
        reach |= _reach(frame, index, hit, mask.shape)
    return reach


def _put(
    frame: Frame,
    index: int,
    plane: Blocks,
    table: NDArray[np.uint16],
    values: _Plane,
    changed: Mask,
) -> Mask:
    """Give the touched blocks of a component new coefficients; which blocks changed."""
    fy, fx = _factors(frame, index)
    rows, columns = plane.shape[:2]
    hit = _cells(changed, rows, columns, 8 * fy, 8 * fx, fill=False).any(axis=(2, 3))
    touched = np.zeros((rows, columns), bool)
    y, x = np.nonzero(hit)
    if not len(y):
        return touched
    hole = _cells(changed, rows, columns, 8 * fy, 8 * fx, fill=False)[y, x]
    wanted = values.cells(rows, columns, 8 * fy, 8 * fx, (y, x))
    old = plane[y, x].astype(np.float32) * table.astype(np.float32)
    samples = _to_samples(old)
    inside = _cells(np.ones_like(changed), rows, columns, 8 * fy, 8 * fx, fill=False)[y, x]
    target = _blend(samples, wanted, hole, inside, fy, fx)
    new = np.rint(_to_frequencies(target) / table.astype(np.float32))
    new = new.clip(-_LARGEST, _LARGEST).astype(np.int16)
    touched[y, x] = (new != plane[y, x]).any(axis=1)
    plane[y, x] = new
    return touched


def _blend(samples: Floats, wanted: Floats, hole: Mask, inside: Mask, fy: int, fx: int) -> Floats:
    """The samples of ``(n, 8, 8)`` blocks with the wanted pixels in place of those that change.

    A sample of a coarser component stands for several pixels: it takes the mean of those that
    change, and keeps its own value for the others.
    """

    def pooled(array: NDArray[Any]) -> Floats:
        total = array.reshape(-1, 8, fy, 8, fx).sum(axis=(2, 4), dtype=np.float32)
        return np.asarray(total, np.float32)

    count = pooled(hole)
    mean = pooled(np.where(hole, wanted, 0)) / np.maximum(count, 1)
    share = count / np.maximum(pooled(inside), 1)
    return np.asarray(samples + share * (mean - samples), np.float32)


class _Plane:
    """One component's values, worked out for the blocks that are asked for.

    Attributes:
        pixels: The page they come from.
    """

    def __init__(self, pixels: NDArray[Any], weights: tuple[float, ...], offset: float) -> None:
        """A plane that is a weighted sum of the page's channels, plus an offset."""
        self.pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        self._weights = np.array(weights, np.float32)
        self._offset = np.float32(offset)

    def cells(
        self, rows: int, columns: int, down: int, across: int, which: tuple[Any, Any]
    ) -> Floats:
        """The values of chosen cells of ``(down, across)`` pixels, less 128."""
        cells = _cells(self.pixels, rows, columns, down, across, fill=True)[which]
        return np.asarray(cells.astype(np.float32) @ self._weights + self._offset - 128)


def _component_values(frame: Frame, pixels: NDArray[Any]) -> list[_Plane]:
    """The components as sums of the page's channels (JFIF 1.02; Adobe TN 5116)."""
    luma, blue, red = (
        (0.299, 0.587, 0.114),
        (-0.168735892, -0.331264108, 0.5),
        (0.5, -0.418687589, -0.081312411),
    )
    count = len(frame.components)
    if count == 1:
        return [_Plane(pixels, (1.0,), 0)]
    if frame.keeps_rgb:
        return [_Plane(pixels, tuple(np.eye(3)[i]), 0) for i in range(3)]
    if count == 3:
        return [_Plane(pixels, w, o) for w, o in ((luma, 0), (blue, 128), (red, 128))]
    if frame.is_ycck:
        # libjpeg turns luma and chroma into 255 - RGB; stored inverted, that is the ink.
        ink = [_Plane(pixels, (*w, 0.0), o) for w, o in ((luma, 0), (blue, 128), (red, 128))]
        return [*ink, _Plane(pixels, (0.0, 0.0, 0.0, -1.0), 255)]
    return [_Plane(pixels, tuple(-np.eye(4)[i]), 255) for i in range(4)]


def _factors(frame: Frame, index: int) -> tuple[int, int]:
    """Pixels down and across that a sample of a component stands for."""
    grid, part = Grid.of(frame), frame.components[index]
    if len(frame.components) == 1:
        return 1, 1
    return grid.down // part.down, grid.across // part.across


def _cells(
    array: NDArray[Any], rows: int, columns: int, down: int, across: int, *, fill: bool
) -> NDArray[Any]:
    """``(rows, columns, down, across, ...)``: cells of pixels, those beyond the edge filled."""
    high, wide = rows * down, columns * across
    array = array[:high, :wide]
    margins = [(0, high - array.shape[0]), (0, wide - array.shape[1])]
    margins += [(0, 0)] * (array.ndim - 2)
    if any(after for _, after in margins):
        array = np.pad(array, margins, mode="edge" if fill else "constant")
    return array.reshape(rows, down, columns, across, *array.shape[2:]).swapaxes(1, 2)


def _reach(frame: Frame, index: int, touched: Mask, shape: tuple[int, int]) -> Mask:
    """The pixels that changed blocks of a component may change."""
    fy, fx = _factors(frame, index)
    wide = touched.repeat(8 * fy, axis=0).repeat(8 * fx, axis=1)
    # Decoders that interpolate chroma look at the neighbouring sample: one pixel beyond the block.
    if fy > 1:
        wide[1:] |= wide[:-1].copy()
        wide[:-1] |= wide[1:].copy()
    if fx > 1:
        wide[:, 1:] |= wide[:, :-1].copy()
        wide[:, :-1] |= wide[:, 1:].copy()
    cut: Mask = wide[: shape[0], : shape[1]]
    return cut


def _to_samples(frequencies: Floats) -> Floats:
    """``(n, 8, 8)`` samples of ``(n, 64)`` coefficients in zigzag order."""
    blocks = np.empty_like(frequencies)
    blocks[:, _ZIGZAG] = frequencies
    return np.asarray(_DCT.T @ blocks.reshape(-1, 8, 8) @ _DCT)


def _to_frequencies(samples: Floats) -> Floats:
    """The inverse of :func:`_to_samples`."""
    blocks = _DCT @ samples @ _DCT.T
    return np.asarray(blocks.reshape(-1, 64)[:, _ZIGZAG])


def _assembled(frame: Frame, found: Coefficients, planes: Sequence[Blocks]) -> bytes:
    """The file: the original's segments, and scans of the new coefficients."""
    grid = Grid.of(frame)
    own = _with_own_tables(frame, grid, found, planes) if found.header else None
    scans = own or _with_new_tables(frame, grid, planes)
    kept = [
        s.raw for s in frame.segments if not s.is_index and (own is not None or s.marker != DHT)
    ]
    return b"".join([SOI, *kept, *(s.raw for s in found.extras), *scans, EOI])


def _with_own_tables(
    frame: Frame, grid: Grid, found: Coefficients, planes: Sequence[Blocks]
) -> list[bytes] | None:
    """The one scan with the original's Huffman tables, or None when a value has no code there."""
    chosen = list(range(len(planes)))
    events, interval = _events(frame, grid, planes, chosen, chosen, (0, 63))
    tables = {2 * i + kind: found.huffman[kind, i] for kind in (0, 1) for i in chosen}
    try:
        return [found.header, pack(events, tables, interval)]
    except NotSpliceable:
        return None


def _with_new_tables(frame: Frame, grid: Grid, planes: Sequence[Blocks]) -> list[bytes]:
    """Scans with the Huffman tables that fit them best."""
    every = list(range(len(planes)))
    # One set of tables for each quantization table: luma and chroma.
    sets = [int(c.table != frame.components[0].table) for c in frame.components]
    if not frame.progressive:
        return _scan(frame, grid, planes, every, sets, (0, 63))
    parts = _scan(frame, grid, planes, every, sets, (0, 0))
    for index in every:
        for band in _BANDS:
            parts += _scan(frame, grid, planes, [index], sets, band)
    return parts


def _scan(
    frame: Frame,
    grid: Grid,
    planes: Sequence[Blocks],
    chosen: Sequence[int],
    sets: Sequence[int],
    band: tuple[int, int],
) -> list[bytes]:
    """Tables, header and data of a scan."""
    events, interval = _events(frame, grid, planes, chosen, sets, band)
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


def _events(
    frame: Frame,
    grid: Grid,
    planes: Sequence[Blocks],
    chosen: Sequence[int],
    sets: Sequence[int],
    band: tuple[int, int],
) -> tuple[Events, int]:
    """What a scan has to say, and the blocks between two of its restarts."""
    blocks = to_scan_order(frame, grid, planes, chosen)
    pattern = blocks_of_mcu(frame, chosen)
    parts = np.resize(np.array(pattern), len(blocks))
    interval = frame.restart_interval * len(pattern) or len(blocks)
    events = scan_events(
        blocks,
        parts,
        np.array(sets)[parts],
        first=band[0],
        last=band[1],
        interval=interval,
        runs=frame.progressive,
    )
    return events, interval
