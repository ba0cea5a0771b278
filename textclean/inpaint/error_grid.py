"""Errors of several fills, gathered by place and by how busy it is there, and the best mixture.

What happens on busy art says nothing of the plain paper next to it. So errors are averaged over a
grid of places and levels of activity, a bilateral grid, and read off it smoothly.

The mixture is stacked regression with weights that are positive and sum to one: they minimize the
expected squared error given the covariance of the errors. Sources: J. Chen, S. Paris, F. Durand,
"Real-time edge-aware image processing with the bilateral grid", SIGGRAPH 2007; D. Wolpert, "Stacked
generalization", Neural Networks 5 (1992); L. Breiman, "Stacked regressions", Machine Learning 24
(1996).
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask

SINGLE = 0.97
"""A blend must promise less than this share of the best candidate's error: blends blur."""
CELL = 8
"""Errors are gathered on a grid of cells of so many pixels."""
LEVELS = 8
"""Levels of that grid, by the logarithm of how busy the surroundings are."""
AROUND = 6.0
"""Standard deviation in pixels of what counts as the surroundings of a pixel."""
PRIOR = 0.02
"""Weight of the whole window's errors, in pixels per cell and level."""


def _activity(image: Image, hole: Mask) -> NDArray[np.float32]:
    """How busy the known pixels around each pixel are: ``(H, W)``, 0 to ``LEVELS - 1``.

    The logarithm of their standard deviation, for errors grow with it.
    """
    known = (~hole).astype(np.float32)[..., None]
    values = image.astype(np.float32)
    planes = np.concatenate([known, values * known, np.square(values) * known], axis=2)
    near: Any = cv2.GaussianBlur(planes, (0, 0), AROUND, borderType=cv2.BORDER_CONSTANT)
    far: Any = cv2.GaussianBlur(planes, (0, 0), 4 * AROUND, borderType=cv2.BORDER_CONSTANT)
    sums = near + np.float32(1e-3) * far  # deep inside a hole, the wider circle decides
    means = sums[..., 1:] / np.maximum(sums[..., :1], np.float32(1e-12))
    variance = (means[..., 3:] - np.square(means[..., :3])).mean(axis=2)
    level = np.log2(1 + np.sqrt(np.maximum(variance, 0)))
    return np.asarray(np.clip(level, 0, LEVELS - 1), dtype=np.float32)


def locate(image: Image, hole: Mask, chosen: Mask) -> NDArray[np.float32]:
    """``(N, 3)`` places of the chosen pixels in the grid: row, column, level."""
    ys, xs = np.nonzero(chosen)
    level = _activity(image, hole)[ys, xs]
    centre = np.float32(0.5)
    return np.stack(
        [(ys + centre) / CELL - centre, (xs + centre) / CELL - centre, level], axis=1
    ).astype(np.float32)


def covariance_of(
    image: Image,
    mask: Mask,
    hidden: Sequence[Mask],
    fills: Sequence[Sequence[Image]],
    reach: float,
) -> NDArray[np.float32]:
    """Second moments of the candidates' errors, as a bilateral grid.

    Near-by pixels count, and among them those whose surroundings are as busy: what happens on the
    art beyond a bubble's border says nothing of the inside.

    Args:
        image: ``(H, W, 3)``.
        mask: ``(H, W)`` bool, the hole.
        hidden: ``(H, W)`` bool, the copies.
        fills: For each of K candidates, the image filled under each copy.
        reach: Standard deviation of the neighbourhood in pixels.

    Returns:
        ``(rows, columns, LEVELS, K, K)``, grey levels squared.
    """
    count = len(fills)
    shape = (-(-mask.shape[0] // CELL), -(-mask.shape[1] // CELL), LEVELS)
    sums = np.zeros((*shape, count * count + 1), dtype=np.float32)
    for index, copy in enumerate(hidden):
        truth = image[copy].astype(np.float32)
        errors = np.stack([fill[index][copy].astype(np.float32) - truth for fill in fills])
        products = np.einsum("inc,jnc->nij", errors, errors).reshape(len(truth), -1) / 3
        cell = np.rint(locate(image, mask | copy, copy)).astype(np.int64)
        cell = np.clip(cell, 0, np.array(shape) - 1)
        flat = np.ravel_multi_index(tuple(cell.T), shape)
        for column, values in enumerate([*products.T, np.ones(len(truth))]):
            added = np.bincount(flat, weights=values, minlength=int(np.prod(shape)))
            sums[..., column] += added.reshape(shape).astype(np.float32)
    overall = sums.sum(axis=(0, 1, 2))
    smooth: Any = cv2.GaussianBlur(
        sums.reshape(*shape[:2], -1), (0, 0), reach / CELL, borderType=cv2.BORDER_CONSTANT
    )
    smooth = np.pad(smooth.reshape(sums.shape), [(0, 0), (0, 0), (1, 1), (0, 0)])
    smooth = smooth[:, :, :-2] + 2 * smooth[:, :, 1:-1] + smooth[:, :, 2:]
    # Where nothing of the kind is near, the whole window decides.
    smooth += np.float32(PRIOR) * overall / overall[-1]
    local = np.asarray(smooth[..., :-1] / smooth[..., -1:], dtype=np.float32)
    return local.reshape(*shape, count, count)


def sample(grid: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(N, n)`` values of a ``(rows, columns, levels, n)`` grid at places between its cells."""
    top = np.array(grid.shape[:3]) - 1
    places = np.clip(places, 0, top)
    low = np.minimum(places.astype(np.int64), np.maximum(top - 1, 0))
    part = places - low
    out = np.zeros((len(places), grid.shape[3]), dtype=np.float32)
    for corner in product((0, 1), repeat=3):
        at = np.minimum(low + corner, top)
        weight = np.where(np.array(corner), part, 1 - part).prod(axis=1, keepdims=True)
        out += weight.astype(np.float32) * grid[at[:, 0], at[:, 1], at[:, 2]]
    return out


def weigh(covariance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights ``(..., K)``, positive, of sum 1, that minimize the expected error in each cell.

    The minimum lies inside some face of the simplex: for few candidates, all faces are tried. On
    each, the stationary point is known in closed form, C^-1 1 scaled to sum 1.
    """
    count = covariance.shape[-1]
    singles = np.eye(count, dtype=np.float32)
    expected = np.diagonal(covariance, axis1=-2, axis2=-1)  # (..., K)
    best: NDArray[np.float32] = singles[expected.argmin(axis=-1)]
    limit = expected.min(axis=-1) * np.float32(SINGLE**2)
    for size in range(2, count + 1):
        for members in combinations(range(count), size):
            part = covariance[..., members, :][..., members].astype(np.float64)
            ridge = 1e-6 * np.trace(part, axis1=-2, axis2=-1) + 1e-9
            part = part + ridge[..., None, None] * np.eye(size)
            weights = np.linalg.solve(part, np.ones((*part.shape[:-1], 1)))[..., 0]
            weights = weights / weights.sum(axis=-1, keepdims=True)
            value = np.einsum("...i,...ij,...j->...", weights, part, weights)
            better = (weights >= 0).all(axis=-1) & (value < limit)
            limit = np.where(better, value, limit)
            full = np.zeros((*weights.shape[:-1], count), dtype=np.float32)
            full[..., members] = weights
            best = np.where(better[..., None], full, best)
    return best
