"""Choice by self-validation: which inpainter is best here, and how wrong will it be?

Beside every hole there are known pixels. Copies of the hole, moved onto them, hide them; every
candidate fills the copies, and its errors there are measured. Near-by errors say how to weigh the
candidates pixel by pixel, and the error that is to be expected becomes the confidence of the fill.
No truth is needed, and no second opinion.

The weights are those of stacked regression with weights that are positive and sum to one: they
minimize the expected squared error given the covariance of the candidates' errors. Sources:
D. Wolpert, "Stacked generalization", Neural Networks 5 (1992); L. Breiman, "Stacked regressions",
Machine Learning 24 (1996).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
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
REACH = 24.0
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
"""Weights are worked out on a grid of cells of so many pixels."""
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
    covariance = _covariance(image, hidden, [fill[1:] for fill in fills.values()], reach)
    weights = _weigh(covariance)  # (rows, columns, K)
    return _blend(image, mask, {name: fill[0] for name, fill in fills.items()}, covariance, weights)


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
    return None if strays.mean() > 0.01 else float(ring.std(axis=0).mean())


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


def _covariance(
    image: Image, hidden: Sequence[Mask], fills: Sequence[Sequence[Image]], reach: float
) -> NDArray[np.float32]:
    """Second moments of the candidates' errors in the neighbourhood of each cell.

    Args:
        image: ``(H, W, 3)``.
        hidden: ``(H, W)`` bool, the copies.
        fills: For each of K candidates, the image filled under each copy.
        reach: Standard deviation of the neighbourhood in pixels.

    Returns:
        ``(rows, columns, K, K)``, grey levels squared.
    """
    count = len(fills)
    height, width = image.shape[:2]
    moments = np.zeros((count, count, height, width), dtype=np.float32)
    number = np.zeros((height, width), dtype=np.float32)
    for index, copy in enumerate(hidden):
        truth = image[copy].astype(np.float32)
        errors = np.stack([fill[index][copy].astype(np.float32) - truth for fill in fills])
        moments[:, :, copy] += np.einsum("inc,jnc->ijn", errors, errors) / errors.shape[-1]
        number[copy] += 1
    overall = moments.sum(axis=(2, 3)) / number.sum()

    cells = np.ix_(*(np.minimum(np.arange(0, n, CELL) + CELL // 2, n - 1) for n in number.shape))

    def near(plane: NDArray[np.float32]) -> NDArray[Any]:
        blurred: Any = cv2.GaussianBlur(plane, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(blurred[cells])

    # The mean of the whole window, with the weight of one hidden pixel in a hundred, decides
    # where no copy is near.
    prior = 0.01
    local = np.stack([[near(moments[i, j]) for j in range(count)] for i in range(count)])
    local = (local + prior * overall[:, :, None, None]) / (near(number) + prior)
    return np.moveaxis(local, (0, 1), (2, 3)).astype(np.float32)


def _weigh(covariance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights ``(..., K)``, positive, of sum 1, that minimize the expected error in each cell.

    The minimum lies inside some face of the simplex: for few candidates, all faces are tried. On
    each, the stationary point is known in closed form, C^-1 1 scaled to sum 1.
    """
    count = covariance.shape[-1]
    singles = np.eye(count, dtype=np.float32)
    expected = np.diagonal(covariance, axis1=-2, axis2=-1)  # (..., K)
    chosen = expected.argmin(axis=-1)
    best = singles[chosen]
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
    image: Image,
    mask: Mask,
    fills: Mapping[str, Image],
    covariance: NDArray[np.float32],
    weights: NDArray[np.float32],
) -> Choice:
    """Mix the fills by weights that vary smoothly from cell to cell."""

    def spread_out(cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(rows, columns, n)`` cells -> ``(pixels of the hole, n)``."""
        size = (cells.shape[1] * CELL, cells.shape[0] * CELL)  # the last may hang over the edge
        grown: Any = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)
        spread = grown[: mask.shape[0], : mask.shape[1]][mask]
        return np.asarray(spread, dtype=np.float32).reshape(len(spread), -1)

    shares = spread_out(weights)  # (n, K)
    values = np.stack([fill[mask] for fill in fills.values()], axis=1)  # (n, K, 3)
    mixed = np.einsum("nk,nkc->nc", shares, values.astype(np.float32))
    out = image.copy()
    out[mask] = np.rint(mixed).astype(np.uint8)
    squares = np.einsum("rci,rcij,rcj->rc", weights, covariance, weights)
    expected = np.zeros(mask.shape, dtype=np.float32)
    expected[mask] = np.sqrt(spread_out(squares[..., None])[:, 0])
    each = spread_out(np.ascontiguousarray(np.diagonal(covariance, axis1=-2, axis2=-1)))
    parts = shares.mean(axis=0)
    names = list(fills)
    return Choice(
        out,
        names[int(parts.argmax())],
        {name: round(float(part), 4) for name, part in zip(names, parts, strict=True)},
        {n: float(np.sqrt(e)) for n, e in zip(names, each.mean(axis=0), strict=True)},
        float(np.sqrt(np.square(expected[mask]).mean())),
        expected,
        "measured on known pixels beside the hole",
    )
