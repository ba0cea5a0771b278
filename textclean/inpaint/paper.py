"""Paper last: where ink was taken off blank paper, nothing of it stays.

A network that un-mixes ink from a page leaves a breath of the stroke on the paper: a few grey
levels, which an eye sees at once. Where there is no print near by, what belongs there is known: the
paper around, with its tint and its grain. So the paper's colour is measured, cell by cell, and
un-mixed pixels that are nearly as light and away from print become paper. Old paper is stained and
shows what is printed on its other side. There, where a pen has left a trace that can be read, the
inpainter fills in anew, and looks through nothing.

A ghost and what a page has of its own that is faint, pale print and what shines through, look
alike. So the page is asked first: where there is much of it beside the ink, what is beneath the ink
stays as it was un-mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.inpaint.disks import grown, mean_around
from textclean.inpaint.flat import grain
from textclean.inpaint.wrapped import AfterUnmixing, fill_with_error
from textclean.surface import strongest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

CELL = 48
"""Side in pixels of the cells in which the paper is measured."""
FEWEST = 0.1
"""Share of a cell that must be known paper for it to count."""
LIKE = 24.0
"""Grey levels around a cell's commonest light tone within which a pixel is paper."""
FAINT = 90.0
"""Grey levels under the paper up to which an un-mixed pixel may be a ghost."""
PRINT = 110.0
"""Grey levels under the paper from which on a pixel is print."""
PALE, DARKEST, ENOUGH = 40.0, 0.9, 300
"""Grey levels under the paper from which on a pixel may be pale print; the quantile of such pixels
that is as dark as a page's print; and how many this takes."""
PART = 0.6
"""Share of that darkness from which on a pixel is print, where this is less than usual."""
REACH = 3
"""Pixels around print in which nothing is touched: its soft rims."""
LEVELS = 2.0
"""Grey levels that are added before a logarithm is taken, so that black has a density."""
UNEVEN = 3.0
"""Spread of the paper, in grey levels, beyond which a cell is left as it was un-mixed: what the ink
lets through of old paper's own texture is better than any grain (1.7 dB on a page of 1784)."""
AROUND = 241
"""Side in pixels of the window in which the page is asked for faint things of its own."""
OWN, SOME = 0.02, 0.12
"""Share of them from which on nothing but a breath is a ghost, and from which on no trace is taken
for a pen's."""
BREATH = 12.0
"""Grey levels about the paper that are never more than a ghost."""
DARK = 0.5
"""Share of the paper's light, to the eye, that a pen's ink leaves at most; a highlighter's more."""
RIM = 5
"""Pixels around such ink that it may have darkened."""
INKED, BESIDE = 90.0, 5
"""On uneven paper: levels under it from which on a pixel is print, and pixels around print in which
nothing is touched."""
TRACE = 4.0
"""Grey levels between what was under a pen's ink and the paper around it, that make it readable."""


class PaperLast(AfterUnmixing):
    """An inpainter whose un-mixed pixels become paper where they lie on paper.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _gone_over(self, image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
        # What opaque ink hid beside translucent ink lies on the same paper.
        unmixed = _around(see_through, mask)
        filled = settled(filled, mask, unmixed)
        traces = traces_of_ink(image, filled, mask, unmixed)
        return fill_with_error(self.inpainter, filled, traces)[0] if traces.any() else filled


def settled(filled: Image, mask: Mask, unmixed: Mask) -> Image:
    """The image with ghosts on blank paper replaced by paper.

    Args:
        filled: ``(H, W, 3)`` uint8, after un-mixing.
        mask: ``(H, W)`` bool, what was filled; the paper is measured outside of it.
        unmixed: ``(H, W)`` bool, pixels that may be replaced.
    """
    rows, columns = np.flatnonzero(unmixed.any(axis=1)), np.flatnonzero(unmixed.any(axis=0))
    if not len(rows):
        return filled
    box = np.s_[
        max(rows[0] - 2 * CELL, 0) : rows[-1] + 2 * CELL,
        max(columns[0] - 2 * CELL, 0) : columns[-1] + 2 * CELL,
    ]
    part, known = filled[box], ~mask[box]
    measured = measure_paper(part, known)
    if measured is None:
        return filled
    paper, even = measured
    below = _luma(paper) - _luma(part.astype(np.float32))
    print_ = grown(below > _print(below, known, PRINT), REACH)
    own = _own(below, known & ~print_) > OWN
    ghost = unmixed[box] & even & ~print_ & np.where(own, np.abs(below) < BREATH, below < FAINT)
    if not ghost.any():
        return filled
    residual = part.astype(np.float32) - paper
    blank = known & even & (strongest(np.abs(residual)) <= LIKE)
    fresh = paper + grain(residual, blank, seed=0)
    out = filled.copy()
    out[box][ghost] = np.clip(np.rint(fresh[ghost]), 0, 255).astype(np.uint8)
    return out


def traces_of_ink(image: Image, filled: Image, mask: Mask, unmixed: Mask) -> Mask:
    """What a pen has left where it wrote on uneven paper, away from print.

    Args:
        image: ``(H, W, 3)`` uint8, before it was filled.
        filled: ``(H, W, 3)`` uint8, after un-mixing.
        mask: ``(H, W)`` bool, what was filled.
        unmixed: ``(H, W)`` bool, what of it was un-mixed.

    Returns:
        ``(H, W)`` bool: strokes with their rims, where these differ from the paper around them.
    """
    nothing = np.zeros_like(mask)
    measured = measure_paper(filled, ~mask)
    if measured is None:
        return nothing
    paper, even = measured
    light = _luma(image.astype(np.float32)) / np.maximum(_luma(paper), 8.0)
    strokes = unmixed & ~even & (light < DARK)
    if not strokes.any():
        return nothing
    below = _luma(paper) - _luma(filled.astype(np.float32))
    blank = ~grown(below > _print(below, ~mask, INKED), BESIDE)
    traces = unmixed & ~even & grown(strokes, RIM) & (below < FAINT) & blank
    traces &= _own(below, ~mask & blank) <= SOME
    count, labels = cv2.connectedComponents(grown(traces, RIM).astype(np.uint8), connectivity=8)

    def mean(where: Mask) -> NDArray[np.float64]:
        owner = labels[where]
        seen = np.bincount(owner, minlength=count)
        total = [np.bincount(owner, filled[..., c][where], count) for c in range(3)]
        return np.where(seen > 0, np.stack(total) / np.maximum(seen, 1), np.nan)

    off = np.abs(mean(blank & ~mask) - mean(traces & strokes)).max(axis=0)
    readable = np.isfinite(off) & (off > TRACE)
    readable[0] = False
    found: Mask = traces & readable[labels]
    return found


def _print(below: NDArray[np.float32], known: Mask, usual: float) -> float:
    """Grey levels under the paper from which on a pixel is print: fewer on a page of pale print."""
    dark = below[known]
    dark = dark[dark > PALE]
    if len(dark) < ENOUGH:
        return usual
    return min(usual, PART * float(np.quantile(dark, DARKEST)))


def _own(below: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    """Share of what is known around each pixel that is neither paper nor print, ``(H, W)``.

    Args:
        below: ``(H, W)`` grey levels under the paper.
        known: ``(H, W)`` bool, what is known and not by print.
    """
    if not known.any():
        return np.zeros_like(below)
    faint = known & (np.abs(below) > LIKE)
    found, seen = mean_around(faint, AROUND), mean_around(known, AROUND)
    # Where little is known near by, all of the page is asked.
    usual, doubt = np.float32(faint.sum() / known.sum()), np.float32(0.02)
    return np.asarray((found + doubt * usual) / (seen + doubt), np.float32)


def measure_paper(image: Image, known: Mask) -> tuple[NDArray[np.float32], Mask] | None:
    """The paper under a page: its colour at each pixel, and where it is even.

    Args:
        image: ``(H, W, 3)`` uint8.
        known: ``(H, W)`` bool.

    Returns:
        ``(H, W, 3)`` float32 and ``(H, W)`` bool; None when no paper is seen.
    """
    height, width = known.shape
    down, across = -(-height // CELL), -(-width // CELL)
    cell = (np.arange(height) // CELL)[:, None] * across + (np.arange(width) // CELL)[None]
    luma = _luma(image.astype(np.float32))
    # Histograms of all cells at once: their medians one by one take much longer.
    seen = Histograms(cell[known], np.rint(luma[known]).astype(np.intp), down * across)
    # Paper is what there is most of in the lighter half.
    tone = seen.quantile(0.7)
    off = np.abs(luma - tone[cell])
    like = known & (off <= LIKE)
    number = cell[like]
    count = np.bincount(number, minlength=down * across)
    enough = (seen.count >= FEWEST * CELL**2) & (count >= FEWEST * CELL**2)
    middle = [
        Histograms(number, image[..., channel][like], down * across).quantile(0.5)
        for channel in range(3)
    ]
    eighths = np.rint(8 * off[like]).astype(np.intp)  # at most 192
    spread = 1.4826 / 8 * Histograms(number, eighths, down * across).quantile(0.5)
    shape = down, across
    weight = enough.astype(np.float32).reshape(shape)
    colors = np.stack(middle, axis=1).astype(np.float32).reshape(*shape, 3) * weight[..., None]
    even = (enough & (spread <= UNEVEN)).astype(np.uint8).reshape(shape)
    if not weight.any():
        return None
    # Cells of which nothing is known take their neighbours' colour, but nothing is settled there.
    near = cv2.GaussianBlur(colors * weight[..., None], (0, 0), 1.5)
    share = cv2.GaussianBlur(weight, (0, 0), 1.5)
    guess = near / np.maximum(share, 1e-6)[..., None]
    colors = np.where(weight[..., None] > 0, colors, guess).astype(np.float32)
    size = across * CELL, down * CELL
    paper = cv2.resize(colors, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    flags: Any = cv2.resize(even, size, interpolation=cv2.INTER_NEAREST)[:height, :width]
    return np.asarray(paper, np.float32), flags > 0


class Histograms:
    """Histograms of grey levels in many cells.

    Args:
        cells: ``(N,)`` the cell of each pixel.
        levels: ``(N,)`` its level, 0 to 255.
        count: Number of cells.
    """

    def __init__(
        self, cells: NDArray[np.intp], levels: NDArray[np.integer[Any]], count: int
    ) -> None:
        flat = np.bincount(cells * 256 + levels, minlength=256 * count)
        self._below = flat.reshape(count, 256).cumsum(axis=1)
        self.count: NDArray[np.intp] = self._below[:, -1]

    def quantile(self, share: float) -> NDArray[np.intp]:
        """``(count,)``: the level that such a share of a cell's pixels does not exceed."""
        wanted = np.maximum(np.ceil(share * self.count), 1)
        found: NDArray[np.intp] = np.minimum((self._below < wanted[:, None]).sum(axis=1), 255)
        return found


def densities(image: Image, paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """Densities over the paper's own, ``(..., 3)``: logarithms of the share of light taken away.

    Args:
        image: ``(..., 3)`` uint8, of a page or of some of its pixels.
        paper: ``(..., 3)`` float32, the sheet's colour as :func:`measure_paper` gives it.
    """
    light = np.log(np.arange(256, dtype=np.float32) + np.float32(LEVELS))
    return np.asarray(
        np.log(np.maximum(paper, 8.0) + np.float32(LEVELS)) - light[image], np.float32
    )


def _luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
    luma: Any = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.asarray(luma, np.float32)


def _around(see_through: Mask, mask: Mask) -> Mask:
    near: Any = cv2.dilate(see_through.astype(np.uint8), np.ones((9, 9), np.uint8))
    found: Mask = mask & (near > 0)
    return found
