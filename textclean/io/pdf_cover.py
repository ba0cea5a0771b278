"""Which characters of a page lie beneath its cleaned areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.pdf_matrix import Matrix, multiply
from textclean.native import to_rgb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from textclean.io.pdf_inventory import Inventory
    from textclean.types import Mask, Mode

# The part of a character's cell that its own strokes fill, but hardly those of its neighbours: u to
# the right, v upwards.
_INNER: Final = (0.2, 0.8, 0.22, 0.85)
_AROUND: Final = (-0.3, 1.3, -0.4, 1.4)
_SAMPLES: Final = 9
# Smallest share of the inner part under the mask that makes a character a candidate.
_LEAST: Final = 0.08
# Without any ink in sight, as for recognized words that lie beside their picture.
_BLIND: Final = 0.5
# Differences in grey levels: what is ink, what has changed.
_INK: Final = 40
_CHANGE: Final = 16
_GONE: Final = 0.4
# Print still shows when so much of the inner part is unchanged ink, unless nearly all ink changed.
_SHOWS: Final = 0.08
_NEARLY_ALL: Final = 0.75
# Share of a word's characters that takes the others with them.
_MOST: Final = 0.6
_BATCH: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How a page looks, at some of its stored pixels.

    Attributes:
        pixels: Native array.
        mode: How it is to be read.
        palette: Of palette modes.
    """

    pixels: NDArray[Any]
    mode: Mode
    palette: NDArray[np.uint8] | None = None

    def grey(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.int16]:
        """``(N, S)`` grey levels at ``(N, S)`` pixels."""
        samples = self.pixels[rows, columns]
        rgb = to_rgb(samples, self.mode, self.palette).astype(np.uint16)
        return ((rgb[..., 0] * 77 + rgb[..., 1] * 150 + rgb[..., 2] * 29) >> 8).astype(np.int16)


def covered(
    found: Inventory, to_pixels: Matrix, mask: Mask, before: Callable[[], Look], after: Look
) -> NDArray[np.bool_]:
    """Which characters are gone from the picture, and which images are touched.

    A character is gone when most of its ink was changed. Print under a highlighter or a crossing
    pen stroke, which still shows after cleaning, stays. The characters of a word go together,
    where most of them do.

    Args:
        found: What the page shows.
        to_pixels: Maps user space to stored pixels.
        mask: ``(H, W)`` bool, as stored.
        before: Gives the look of the page before cleaning; called only when it is needed.
        after: Its look after.

    Returns:
        ``(N,)`` bool.
    """
    gone = np.zeros(len(found.cells), np.bool_)
    if not gone.size or not mask.any():
        return gone
    cells = _to_pixels(found.array(), to_pixels)
    near = _near(cells, mask)
    text = np.array(found.text)
    gone[near & ~text] = [_touched(cells[i], mask) for i in np.flatnonzero(near & ~text)]
    chosen = np.flatnonzero(near & text)
    share = np.concatenate([np.zeros(0), *(_share(cells[part], mask) for part in _batches(chosen))])
    chosen = chosen[share >= _LEAST]
    if chosen.size:
        share = share[share >= _LEAST]
        look = before()
        parts = [_lost(cells[part], mask, look, after) for part in _batches(chosen)]
        lost, seen = (np.concatenate(found) for found in zip(*parts, strict=True))
        gone[chosen] = np.where(seen, lost, share >= _BLIND)
        _by_words(gone, np.array(found.words))
    return gone


def cell_polygons(found: Inventory, to_pixels: Matrix, numbers: NDArray[np.intp]) -> Any:
    """``(n, 4, 2)`` corners in pixels of characters' cells, somewhat enlarged for overhanging."""
    cells = _to_pixels(found.array()[numbers], to_pixels)
    corners = np.array([[-0.12, -0.1], [1.12, -0.1], [1.12, 1.15], [-0.12, 1.15]])
    return _points(cells, corners)


def _to_pixels(cells: NDArray[np.float64], to_pixels: Matrix) -> NDArray[np.float64]:
    a, b, c, d, e, f = cells.T
    return np.stack(multiply((a, b, c, d, e, f), to_pixels), axis=1)


def _points(cells: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(N, S, 2)`` x, y of ``(S, 2)`` points of the unit square in each cell."""
    u, v = grid[:, 0], grid[:, 1]
    x = cells[:, :1] * u + cells[:, 2:3] * v + cells[:, 4:5]
    y = cells[:, 1:2] * u + cells[:, 3:4] * v + cells[:, 5:6]
    return np.stack([x, y], axis=-1)


def _grid(area: tuple[float, float, float, float]) -> NDArray[np.float64]:
    u0, u1, v0, v1 = area
    u, v = np.meshgrid(np.linspace(u0, u1, _SAMPLES), np.linspace(v0, v1, _SAMPLES))
    return np.stack([u.ravel(), v.ravel()], axis=1)


def _places(
    cells: NDArray[np.float64], area: tuple[float, float, float, float], mask: Mask
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Rows and columns of samples, and which of them lie on the page."""
    points = np.floor(_points(cells, _grid(area)))
    height, width = mask.shape
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    rows = np.clip(y, 0, height - 1).astype(np.intp)
    columns = np.clip(x, 0, width - 1).astype(np.intp)
    return rows, columns, inside


def _near(cells: NDArray[np.float64], mask: Mask) -> NDArray[np.bool_]:
    """Whose cell meets the bounding box of the mask."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = _points(cells, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    with np.errstate(invalid="ignore"):
        low, high = corners.min(axis=1), corners.max(axis=1)
        meets: NDArray[np.bool_] = (
            (high[:, 0] >= xs[0])
            & (low[:, 0] <= xs[-1] + 1)
            & (high[:, 1] >= ys[0])
            & (low[:, 1] <= ys[-1] + 1)
        )
    return meets


def _touched(cell: NDArray[np.float64], mask: Mask) -> bool:
    corners = _points(cell[None], np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))[0]
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    rows = slice(max(0, int(y0)), max(0, int(y1)))
    return bool(mask[rows, max(0, int(x0)) : max(0, int(x1))].any())


def _share(cells: NDArray[np.float64], mask: Mask) -> NDArray[np.float64]:
    """Share of each character's inner part that lies under the mask."""
    rows, columns, inside = _places(cells, _INNER, mask)
    return np.asarray((mask[rows, columns] & inside).mean(axis=1), np.float64)


def _lost(
    cells: NDArray[np.float64], mask: Mask, before: Look, after: Look
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of which characters the ink is gone, and of which any ink was in sight."""
    rows, columns, _ = _places(cells, _AROUND, mask)
    paper = np.median(before.grey(rows, columns), axis=1)[:, None]
    rows, columns, inside = _places(cells, _INNER, mask)
    old, new = before.grey(rows, columns), after.grey(rows, columns)
    ink = inside & (np.abs(old - paper) > _INK)
    changed = ink & mask[rows, columns] & (np.abs(old - new) > _CHANGE)
    count = ink.sum(axis=1)
    share = changed.sum(axis=1) / np.maximum(count, 1)
    shows = (ink & ~changed).mean(axis=1) >= _SHOWS
    return (share >= _GONE) & ~(shows & (share < _NEARLY_ALL)), count > 0


def _by_words(gone: NDArray[np.bool_], words: NDArray[np.intp]) -> None:
    """Let the characters of a word go together where most of them do."""
    text = words >= 0
    count = np.bincount(words[text], minlength=1)
    lost = np.bincount(words[text & gone], minlength=len(count))
    share = np.zeros(len(words))
    share[text] = lost[words[text]] / np.maximum(count[words[text]], 1)
    gone[text & (share >= _MOST)] = True


def _batches(numbers: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for at in range(0, len(numbers), _BATCH):
        yield numbers[at : at + _BATCH]
