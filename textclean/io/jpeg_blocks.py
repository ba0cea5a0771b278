"""What the touched blocks of a JPEG are to hold: from changed pixels to quantized coefficients.

A pixel that changes touches one block of every component, the wider the coarser the component is
sampled. Where a block reaches beyond the pixels that change, it starts from what it decodes to.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.jpeg_coefficients import Grid
from textclean.io.jpeg_compile import is_compiled
from textclean.io.jpeg_kernels import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.jpeg_frame import Frame
    from textclean.types import Mask

    Floats = NDArray[np.float32]
    Blocks = NDArray[np.int16]
    Ints = NDArray[np.int64]

_ZIGZAG: Final = np.array(
    sorted(
        range(64),
        key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8),
    )
)
_LARGEST: Final = 1023
_AT_ONCE: Final = 64
_EIGHT: Final = 0x0101010101010101


def _cosines() -> Floats:
    """The orthonormal DCT-II of 8 samples, ``(frequency, sample)``."""
    u, x = np.arange(8)[:, None], np.arange(8)[None]
    basis = np.cos((2 * x + 1) * u * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


_DCT: Final = _cosines()
# Of all frequencies in zigzag order the samples of a block: (64, 64).
_WAVES: Final = np.ascontiguousarray(np.kron(_DCT, _DCT)[_ZIGZAG])


class Changes:
    """The pixels of a page that are to change, seen from the blocks of its components.

    Attributes:
        frame: The JPEG's frame.
        grid: Its grid.
        shape: Height and width of the page.
    """

    def __init__(self, frame: Frame, changed: Mask, pixels: NDArray[Any] | None = None) -> None:
        """Changes of a page.

        Args:
            frame: The JPEG's frame.
            changed: ``(H, W)`` bool, the pixels that change.
            pixels: ``(H, W)`` or ``(H, W, C)`` uint8, what they change to; None = only what they
                touch is asked for.

        Raises:
            NotSpliceable: Sampling factors that no decoder handles.
        """
        self.frame = frame
        self.grid = Grid.of(frame)
        self.shape = changed.shape
        self._unpadded = changed
        self._changed = self._padded(changed, "constant")
        if pixels is not None:
            self._pixels = pixels if pixels.ndim == 3 else pixels[..., None]
            self._sums = _component_sums(frame)
        self._places: dict[tuple[int, int], tuple[Ints, Ints]] = {}
        self._means: dict[tuple[int, int], tuple[Floats, Floats]] = {}

    @cached_property
    def _touched(self) -> Mask:
        """``(rows, columns)``: the 8x8 blocks of the page in which pixels change."""
        high, wide = self._changed.shape
        # Eight flags at a time.
        lines = np.ascontiguousarray(self._changed).view(np.uint64).reshape(high // 8, 8, wide // 8)
        touched: Mask = np.bitwise_or.reduce(lines, axis=1) != 0
        return touched

    def touched(self, index: int) -> tuple[Ints, Ints]:
        """Rows and columns of the blocks of a component that have pixels that change."""
        fy, fx = factors = self.factors(index)
        if factors not in self._places:
            parts = [self._touched[y::fy, x::fx] for y in range(fy) for x in range(fx)]
            y, x = np.nonzero(np.logical_or.reduce(parts))
            self._places[factors] = y, x
        return self._places[factors]

    def renewed(self, index: int, old: Blocks, table: NDArray[np.uint16]) -> Blocks:
        """The new coefficients of the touched blocks of a component.

        A sample of a coarser component stands for several pixels: it takes the mean of those that
        change, and keeps its own value for the others.

        Args:
            index: Position of the component.
            old: ``(m, 64)`` int16, their coefficients so far.
            table: ``(64,)`` the component's quantization table.
        """
        factors = self.factors(index)
        if factors not in self._means:
            self._means[factors] = self._mean(index)
        means, share = self._means[factors]
        weights, offset = self._sums[index]
        wanted = np.full(share.shape, offset - 128, np.float32)
        for channel, weight in enumerate(weights):
            if weight:
                wanted += means[channel] * np.float32(weight)
        samples = _product(old.astype(np.float32) * table, _WAVES)
        target = samples + share * (wanted - samples)
        new = np.rint(_product(target, _WAVES.T) / table)
        return np.asarray(new.clip(-_LARGEST, _LARGEST), np.int16)

    def blocks(self, index: int) -> tuple[int, int]:
        """Rows and columns of a component's blocks in whole MCUs."""
        fy, fx = self.factors(index)
        high, wide = self._changed.shape
        return high // (8 * fy), wide // (8 * fx)

    def factors(self, index: int) -> tuple[int, int]:
        """Pixels down and across that a sample of a component stands for."""
        part = self.frame.components[index]
        if len(self.frame.components) == 1:
            return 1, 1
        return self.grid.down // part.down, self.grid.across // part.across

    def _padded(self, array: NDArray[Any], mode: Any) -> NDArray[Any]:
        """The page's array, continued to whole MCUs."""
        high, wide = 8 * self.grid.down * self.grid.high, 8 * self.grid.across * self.grid.wide
        margins = [(0, high - array.shape[0]), (0, wide - array.shape[1])]
        if not any(after for _, after in margins):
            return array
        return np.pad(array, [*margins, *[(0, 0)] * (array.ndim - 2)], mode=mode)

    def _cells(self, padded: NDArray[Any], index: int) -> NDArray[Any]:
        """``(rows, columns, down, across, ...)``: the pixels of each block of a component."""
        fy, fx = self.factors(index)
        high, wide = self.blocks(index)
        shape = high, 8 * fy, wide, 8 * fx, *padded.shape[2:]
        return padded.reshape(shape).swapaxes(1, 2)

    def _mean(self, index: int) -> tuple[Floats, Floats]:
        """Of the samples of touched blocks ``(C, m, 64)`` means of the pixels that change.

        And ``(m, 64)`` the share of their pixels that do.
        """
        pooled = self._pooled_compiled if is_compiled() else self._pooled_plain
        sums, count, inside = pooled(index, self.touched(index))
        mean, share = sums / np.maximum(count, 1), count / np.maximum(inside, 1)
        return np.asarray(mean, np.float32), np.asarray(share, np.float32)

    def _pooled_compiled(self, index: int, where: tuple[Ints, Ints]) -> tuple[Floats, ...]:
        """Of the samples of blocks, sums and number of the pixels that change, number of all."""
        shape = self._pixels.shape
        sums = np.zeros((shape[2], len(where[0]), 64), np.float32)
        count, inside = np.zeros((2, len(where[0]), 64), np.float32)
        page = np.ascontiguousarray(self._pixels).reshape(-1), self._unpadded.reshape(-1), shape
        pool(*page, *where, self.factors(index), *(a.reshape(-1) for a in (sums, count, inside)))
        return sums, count, inside

    def _pooled_plain(self, index: int, where: tuple[Ints, Ints]) -> tuple[Floats, ...]:
        """The same as :meth:`_pooled_compiled`."""
        fy, fx = self.factors(index)
        hole = self._cells(self._changed, index)[where]
        cells = self._cells(self._padded_pixels, index)[where]
        channels = [cells[..., channel] for channel in range(cells.shape[3])]
        sums = np.stack([_pooled(channel * hole, fy, fx) for channel in channels])
        return sums, _pooled(hole, fy, fx), _pooled(self._inside(index, where), fy, fx)

    @cached_property
    def _padded_pixels(self) -> NDArray[Any]:
        return self._padded(self._pixels, "edge")

    def _inside(self, index: int, where: tuple[Ints, Ints]) -> Mask:
        """``(m, down, across)``: the pixels of blocks that lie within the page."""
        fy, fx = self.factors(index)
        y = where[0][:, None] * (8 * fy) + np.arange(8 * fy) < self.shape[0]
        x = where[1][:, None] * (8 * fx) + np.arange(8 * fx) < self.shape[1]
        return np.asarray(y[:, :, None] & x[:, None, :])


class Reach:
    """Collects the blocks of a page that change, for the pixels that they may change."""

    def __init__(self, changes: Changes) -> None:
        """Nothing yet."""
        self._changes = changes
        self._blocks: dict[tuple[int, int], Mask] = {}

    def add(self, index: int, where: tuple[Ints, Ints]) -> None:
        """Blocks of a component, by rows and columns."""
        factors = self._changes.factors(index)
        if factors not in self._blocks:
            self._blocks[factors] = np.zeros(self._changes.blocks(index), np.bool_)
        self._blocks[factors][where] = True

    def mask(self) -> Mask:
        """``(H, W)`` bool: the pixels that changed blocks may change."""
        height, width = self._changes.shape
        reach = np.zeros((height, width), np.bool_)
        for (fy, fx), blocks in self._blocks.items():
            # Eight flags at a time.
            words = blocks.repeat(fx, axis=1) * np.uint64(_EIGHT)
            found = words.view(np.bool_)
            # Decoders that interpolate chroma look at the neighbouring sample: one pixel beyond
            # the block.
            if fx > 1:
                found[:, 1:] |= found[:, :-1].copy()
                found[:, :-1] |= found[:, 1:].copy()
            found = found.repeat(8 * fy, axis=0)
            if fy > 1:
                found[1:] |= found[:-1].copy()
                found[:-1] |= found[1:].copy()
            reach |= found[:height, :width]
        return reach


def _pooled(array: NDArray[Any], fy: int, fx: int) -> Floats:
    """``(n, 64)`` sums of the ``(n, 8 * fy, 8 * fx)`` pixels of each sample."""
    rows = np.add.reduce([array[:, i::fy] for i in range(fy)], dtype=np.uint16)
    total = np.add.reduce([rows[:, :, i::fx] for i in range(fx)], dtype=np.uint16)
    return np.asarray(total.reshape(-1, 64), np.float32)


def _component_sums(frame: Frame) -> list[tuple[tuple[float, ...], float]]:
    """The components as weights of the page's channels and an offset (JFIF 1.02; Adobe TN 5116)."""
    luma, blue, red = (
        (0.299, 0.587, 0.114),
        (-0.168735892, -0.331264108, 0.5),
        (0.5, -0.418687589, -0.081312411),
    )
    count = len(frame.components)
    if count == 1:
        return [((1.0,), 0)]
    if frame.keeps_rgb:
        return [(tuple(np.eye(3)[i]), 0) for i in range(3)]
    if count == 3:
        return [(luma, 0), (blue, 128), (red, 128)]
    if frame.is_ycck:
        # libjpeg turns luma and chroma into 255 - RGB; stored inverted, that is the ink.
        ink = [((*w, 0.0), o) for w, o in ((luma, 0), (blue, 128), (red, 128))]
        return [*ink, ((0.0, 0.0, 0.0, -1.0), 255)]
    return [(tuple(-np.eye(4)[i]), 255) for i in range(4)]


def _product(blocks: Floats, matrix: Floats) -> Floats:
    """``(n, 64)`` blocks times ``(64, 64)``.

    In products of one size, so that no sum depends on how many there are, or on how many threads.
    """
    padded = np.zeros((-(-len(blocks) // _AT_ONCE), _AT_ONCE, 64), np.float32)
    padded.reshape(-1, 64)[: len(blocks)] = blocks
    return np.asarray((padded @ matrix).reshape(-1, 64)[: len(blocks)])
