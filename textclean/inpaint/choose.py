"""Choice by self-validation: which inpainter is best here, and how wrong will it be?

Beside every hole there are known pixels. Copies of the hole, moved onto them, hide them; every
candidate fills the copies, and its errors there are measured. Near-by errors say how to weigh the
candidates pixel by pixel, and the error that is to be expected becomes the confidence of the fill.
No truth is needed, and no second opinion.

The weights are those of stacked regression with weights that are positive and sum to one: they
minimize the expected squared error given the covariance of the candidates' errors. Sources:
D. Wolpert, "Stacked generalization", Neural Networks 5 (1992); L. Breiman, "Stacked regressions",
Machine Learning 24 (1996); J. Chen, S. Paris, F. Durand, "Real-time edge-aware image processing
with the bilateral grid", SIGGRAPH 2007.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import cv2
import numpy as np

from textclean.errors import MaskError, UsageError
from textclean.inpaint.windows import crop, merge_windows, paste

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from textclean.protocols import Inpainter
    from textclean.types import Image, Mask, Window

COPIES = 2
"""Copies of the hole, in opposite directions."""
REACH = 32.0
"""Standard deviation in pixels of the neighbourhood whose errors count for a pixel."""
ENOUGH = 0.3
"""Share of a copy that must fall on known pixels; the nearest such place is taken."""
GUARD = 2
"""Pixels kept between a hole and the copies: close to it, nothing is as hard as inside."""
NEAREST = 4
"""Smallest shift of a copy in pixels."""
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
RING = 6
"""Width in pixels of the known ring around a hole that tells a uniform background."""
UNIFORM = 6
"""Grey levels that a uniform background may stray from its median."""


@runtime_checkable
class _Batched(Protocol):
    """An inpainter that fills several windows at once."""

    def fill_windows(self, windows: Sequence[tuple[Image, Mask, Mask | None]]) -> list[Image]:
        """The filled windows in the same order."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One window, filled by the best of several candidates.

    Attributes:
        image: ``(H, W, 3)`` uint8, equal to the window outside its mask.
        winner: The candidate with the largest weight.
        weights: Share of each candidate in the fill, averaged over the hole; they sum to 1.
        errors: Root mean square error in grey levels that each candidate is expected to make in
            the hole; empty when nothing was measured.
        error: The same for ``image``; None when nothing could be measured.
        error_map: ``(H, W)`` float32, the same pixel by pixel, 0 outside the mask; None when
            nothing was measured there.
        reason: How the choice came about, in a few words.
    """

    image: Image
    winner: str
    weights: dict[str, float]
    errors: dict[str, float] = field(default_factory=dict)
    error: float | None = None
    error_map: NDArray[np.float32] | None = None
    reason: str = ""


class ChoosingInpainter:
    """An inpainter that chooses among others, window by window.

    Args:
        candidates: Names and inpainters, the preferred one first.

    Raises:
        UsageError: There are no candidates.
    """

    def __init__(self, candidates: Mapping[str, Inpainter]) -> None:
        _check_candidates(candidates)
        self.candidates = dict(candidates)

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill ``mask``; see :class:`textclean.protocols.Inpainter`."""
        out = image.copy()
        for window, choice in self.choose(image, mask, see_through):
            paste(out, choice.image, mask, window)
        return out

    def choose(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> list[tuple[Window, Choice]]:
        """The windows of a page and what was chosen in each; arguments as for a page."""
        _check_mask(image, mask)
        return [
            (
                window,
                choose(
                    crop(image, window),
                    crop(mask, window),
                    self.candidates,
                    see_through=None if see_through is None else crop(see_through, window),
                ),
            )
            for window in merge_windows(mask)
        ]


def choose(
    image: Image,
    mask: Mask,
    candidates: Mapping[str, Inpainter],
    *,
    see_through: Mask | None = None,
    copies: int = COPIES,
    reach: float = REACH,
) -> Choice:
    """Fill one window with the best of several inpainters, or a blend of them.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, a hole and what surrounds it.
        mask: ``(H, W)`` bool, True = fill.
        candidates: Names and inpainters. The first is taken where there is nothing to choose: on
            a uniform background, or where no known pixels are left to measure on.
        see_through: ``(H, W)`` bool, subset of ``mask``, for the candidates that can use it. The
            copies are plain holes: what is measured there is on the safe side.
        copies: Copies of the hole to measure on, 1 to 8; each costs one more fill per candidate.
        reach: Standard deviation in pixels of the neighbourhood whose errors count for a pixel.

    Raises:
        MaskError: The mask does not fit the image.
        UsageError: There are no candidates.
    """
    _check_mask(image, mask)
    _check_candidates(candidates)
    first = next(iter(candidates))
    alone = dict.fromkeys(candidates, 0.0) | {first: 1.0}
    real = (image, mask, see_through)
    if not mask.any():
        return Choice(image.copy(), first, alone, reason="no hole")
    if (spread := _spread(image, mask)) is not None:
        (filled,) = _fill(candidates[first], [real])
        expected = np.where(mask, np.float32(spread), np.float32(0))
        return Choice(filled, first, alone, {first: spread}, spread, expected, "uniform background")
    hidden = _hide(mask, copies)
    if not hidden:
        (filled,) = _fill(candidates[first], [real])
        return Choice(filled, first, alone, reason="no known pixels to measure on")
    jobs = [real, *((image, mask | copy, None) for copy in hidden)]
    fills = {name: _fill(inpainter, jobs) for name, inpainter in candidates.items()}
    covariance = _covariance(image, mask, hidden, [fill[1:] for fill in fills.values()], reach)
    return _blend(image, mask, {name: fill[0] for name, fill in fills.items()}, covariance)


def _check_mask(image: Image, mask: Mask) -> None:
    if image.ndim != 3 or mask.shape != image.shape[:2] or mask.dtype != np.bool_:
        raise MaskError(
            f"a {mask.dtype} mask of shape {mask.shape} does not fit an image of shape "
            f"{image.shape}",
            remedy="Pass a bool mask of the image's height and width",
        )


def _check_candidates(candidates: Mapping[str, Inpainter]) -> None:
    if not candidates:
        raise UsageError("there is nothing to choose from", remedy="Give at least one inpainter")


def _fill(inpainter: Inpainter, jobs: Sequence[tuple[Image, Mask, Mask | None]]) -> list[Image]:
    """Fill windows, at once where the inpainter can."""
    if isinstance(inpainter, _Batched):
        return inpainter.fill_windows(jobs)
    return [inpainter(*job) for job in jobs]


def _spread(image: Image, mask: Mask) -> float | None:
    """Standard deviation of the ring around the hole when it is uniform, else None."""
    side = 2 * RING + 1
    around = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    ring = image[around & ~mask].astype(np.float32)  # (n, 3)
    if not len(ring):
        return None
    strays = np.abs(ring - np.median(ring, axis=0)).max(axis=1) > UNIFORM
    return None if strays.mean() > 0.01 else float(ring[~strays].std(axis=0).mean())


def _hide(mask: Mask, copies: int) -> list[Mask]:
    """Copies of the hole on known pixels, each in a direction of its own, as near as possible."""
    side = 2 * GUARD + 1
    free = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) == 0
    share, dy, dx = _overlaps(mask, free)
    distance = np.hypot(dy[:, None], dx)
    angle = np.arctan2(dy[:, None], dx)
    hidden: list[Mask] = []
    for number in range(copies):
        off = np.abs(np.angle(np.exp(1j * (angle - 2 * np.pi * number / copies))))
        # With two copies the sectors are half planes: right and left.
        here = np.where((off <= np.pi / copies) & (distance >= NEAREST), share, 0)
        most = float(here.max())
        if most * mask.sum() < 16:
            continue
        fits = here >= min(ENOUGH, 0.9 * most)
        row, column = divmod(int(np.where(fits, distance, np.inf).argmin()), len(dx))
        hidden.append(_shift(mask, int(dy[row]), int(dx[column])) & free)
    return hidden


def _overlaps(
    mask: Mask, free: Mask
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Share of the hole that falls on free pixels for every shift: ``(M, N)``, with the shifts."""
    # Circular correlation; twice the size, so that nothing comes round.
    height, width = (cv2.getOptimalDFTSize(2 * n) for n in mask.shape)
    shape = (height, width)
    spectrum = np.fft.rfft2(free, shape) * np.conj(np.fft.rfft2(mask, shape))
    count = np.rint(np.fft.irfft2(spectrum, shape))  # whole pixels: no rounding decides
    dy = np.fft.fftshift(np.fft.fftfreq(height, 1 / height)).round().astype(np.int64)
    dx = np.fft.fftshift(np.fft.fftfreq(width, 1 / width)).round().astype(np.int64)
    return np.fft.fftshift(count) / mask.sum(), dy, dx


def _shift(mask: Mask, dy: int, dx: int) -> Mask:
    """The mask moved; what leaves the window is lost."""
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = mask[
        max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)
    ]
    return moved


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


def _places(image: Image, hole: Mask, chosen: Mask) -> NDArray[np.float32]:
    """``(N, 3)`` places of the chosen pixels in the grid: row, column, level."""
    ys, xs = np.nonzero(chosen)
    level = _activity(image, hole)[ys, xs]
    centre = np.float32(0.5)
    return np.stack(
        [(ys + centre) / CELL - centre, (xs + centre) / CELL - centre, level], axis=1
    ).astype(np.float32)


def _covariance(
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
        cell = np.rint(_places(image, mask | copy, copy)).astype(np.int64)
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


def _sample(grid: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
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


def _weigh(covariance: NDArray[np.float32]) -> NDArray[np.float32]:
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


def _blend(
    image: Image, mask: Mask, fills: Mapping[str, Image], covariance: NDArray[np.float32]
) -> Choice:
    """Mix the fills by weights that vary smoothly."""
    places = _places(image, mask, mask)
    weights = _weigh(covariance)  # (rows, columns, LEVELS, K)
    squares = np.einsum("...i,...ij,...j->...", weights, covariance, weights)
    each = _sample(np.diagonal(covariance, axis1=-2, axis2=-1), places)  # (N, K)
    shares = _sample(weights, places)
    values = np.stack([fill[mask] for fill in fills.values()], axis=1)  # (N, K, 3)
    out = image.copy()
    out[mask] = np.rint(np.einsum("nk,nkc->nc", shares, values.astype(np.float32)))
    expected = np.zeros(mask.shape, dtype=np.float32)
    expected[mask] = np.sqrt(_sample(squares[..., None], places)[:, 0])
    names, parts = list(fills), shares.mean(axis=0)
    return Choice(
        out,
        names[int(parts.argmax())],
        {name: round(float(part), 4) for name, part in zip(names, parts, strict=True)},
        {name: float(np.sqrt(e)) for name, e in zip(names, each.mean(axis=0), strict=True)},
        float(np.sqrt(np.square(expected[mask]).mean())),
        expected,
        "measured on known pixels beside the hole",
    )
