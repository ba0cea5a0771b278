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
from textclean.io.jpeg_pooling import pool, pool_fine

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
# Up to the sum of the pixels of a sample, of which there are 16 at most.
_FLOATS: Final = np.arange(16 * 255 + 1, dtype=np.float32)


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
        self._known: dict[tuple[int, int], tuple[dict[int, Floats], Floats]] = {}

    @cached_property
    def _touched(self) -> Mask:
        """``(rows, columns)``: the 8x8 blocks of the page in which pixels change."""
        high, wide = self._changed.shape
        # Eight flags at a time.
        lines = np.ascontiguousarray(self._changed).view(np.uint64).reshape(high // 8, 8, wide // 8)
        found = lines[:, 0].copy()
        for line in range(1, 8):
            found |= lines[:, line]
        touched: Mask = found != 0
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
        wanted, share = self._aims(index)
        samples = np.zeros((-(-len(old) // _AT_ONCE) * _AT_ONCE, 64), np.float32)
        np.multiply(old, table, out=samples[: len(old)], dtype=np.float32)
        samples = _product(samples, _WAVES)
        target = np.zeros_like(samples)
        own = target[: len(old)]
        np.subtract(wanted, samples[: len(old)], out=own)
        own *= share
        own += samples[: len(old)]
        new = _product(target, _WAVES.T)[: len(old)]
        new /= table
        np.rint(new, out=new)
        return np.asarray(new.clip(-_LARGEST, _LARGEST, out=new), np.int16)

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
        if mode == "constant":
            padded = np.zeros((high, wide, *array.shape[2:]), array.dtype)
            padded[: array.shape[0], : array.shape[1]] = array
            return padded
        return np.pad(array, [*margins, *[(0, 0)] * (array.ndim - 2)], mode=mode)

    def _cells(self, padded: NDArray[Any], index: int) -> NDArray[Any]:
        """``(rows, columns, down, across, ...)``: the pixels of each block of a component."""
        fy, fx = self.factors(index)
        high, wide = self.blocks(index)
        shape = high, 8 * fy, wide, 8 * fx, *padded.shape[2:]
        return padded.reshape(shape).swapaxes(1, 2)

    def _aims(self, index: int) -> tuple[Floats, Floats]:
        """Of the samples of a component's touched blocks ``(m, 64)`` what they are to become.

        That is the mean of their pixels that change, less 128. And ``(m, 64)`` the share of their
        pixels that do.
        """
        factors = self.factors(index)
        if factors not in self._known:
            alike = [i for i in range(len(self._sums)) if self.factors(i) == factors]
            aims = self._aims_compiled if is_compiled() else self._aims_plain
            wanted, share = aims(alike)
            self._known[factors] = dict(zip(alike, wanted, strict=True)), share
        found, share = self._known[factors]
        return found[index], share

    def _aims_compiled(self, alike: list[int]) -> tuple[Floats, Floats]:
        """Those of components that are sampled alike ``(c, m, 64)``, and the share."""
        shape, where = self._pixels.shape, self.touched(alike[0])
        weights = np.array([self._sums[i][0] for i in alike], np.float32)
        offsets = np.array([self._sums[i][1] - 128 for i in alike], np.float32)
        wanted = np.zeros((len(alike), len(where[0]), 64), np.float32)
        share = np.zeros((len(where[0]), 64), np.float32)
        page = np.ascontiguousarray(self._pixels).reshape(-1), self._unpadded.reshape(-1), shape
        factors, formulas = self.factors(alike[0]), (weights.reshape(-1), offsets)
        found = _FLOATS, wanted.reshape(-1), share.reshape(-1)
        if factors == (1, 1):
            pool_fine(page, where, formulas, *found)
        else:
            pool(page, where, factors, formulas, *found)
        return wanted, share

    def _aims_plain(self, alike: list[int]) -> tuple[Floats, Floats]:
        """The same as :meth:`_aims_compiled`."""
        index, where = alike[0], self.touched(alike[0])
        fy, fx = self.factors(index)
        hole = self._cells(self._changed, index)[where]
        cells = self._cells(self._padded_pixels, index)[where]
        count = _pooled(hole, fy, fx)
        share = count / np.maximum(_pooled(self._inside(index, where), fy, fx), 1)
        means = [
            _pooled(cells[..., channel] * hole, fy, fx) / np.maximum(count, 1)
            for channel in range(cells.shape[3])
        ]
        wanted = np.empty((len(alike), *share.shape), np.float32)
        for aims, (weights, offset) in zip(wanted, map(self._sums.__getitem__, alike), strict=True):
            aims[:] = offset - 128
            for mean, weight in zip(means, weights, strict=True):
                if weight:
                    aims += mean * np.float32(weight)
        return wanted, np.asarray(share, np.float32)

    @cached_property
    def _padded_pixels(self) -> NDArray[Any]:
        return self._padded(self._pixels, "edge")

    def _inside(self, index: int, where: tuple[Ints, Ints]) -> Mask:
        """``(m, down, across)``: the pixels of blocks that lie within the page."""
        fy, fx = self.factors(index)
        y = where[0][:, None] * (8 * fy) + np.arange(8 * fy) < self.shape[0]
        x = where[1][:, None] * (8 * fx) + np.arange(8 * fx) < self.shape[1]
        return np.asarray(y[:, :, None] & x[:, None, :])


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
    """``(n, 64)`` blocks times ``(64, 64)``; ``n`` is a multiple of ``_AT_ONCE``.

    In products of one size, so that no sum depends on how many there are, or on how many threads.
    """
    return np.asarray((blocks.reshape(-1, _AT_ONCE, 64) @ matrix).reshape(-1, 64))
