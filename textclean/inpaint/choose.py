"""Choice by self-validation: which inpainter is best here, and how wrong will it be?

Beside every hole there are known pixels. Copies of the hole, moved onto them, hide them; every
candidate fills the copies, and its errors there are measured. Near-by errors say how to weigh the
candidates pixel by pixel, and the error that is to be expected becomes the confidence of the fill.
No truth is needed, and no second opinion.

What it costs is one more fill per copy and candidate. It is meant for candidates that know nothing
of each other. A network that corrects its priors has weighed them already: choosing again between
it and them made six of eight validation pages worse, left one as it was and made one 0.01 dB
better, and it predicted the errors less well than the distance to the priors does
(:mod:`textclean.inpaint.priors`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import cv2
import numpy as np

from textclean.errors import MaskError, UsageError
from textclean.inpaint.error_grid import covariance_of, locate, sample, weigh
from textclean.inpaint.hidden import hide
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
RING = 6
"""Width in pixels of the known ring around a hole that tells a uniform background."""
UNIFORM = 6
"""Grey levels that a uniform background may stray from its median."""


@runtime_checkable
class _Batched(Protocol):
    """An inpainter that fills several windows at once."""

    def fill_windows(self, windows: Sequence[tuple[Image, Mask, Mask | None]]) -> list[Image]:
        """The filled windows in the same order."""


@runtime_checkable
class _WithPriors(Protocol):
    """An inpainter that corrects finished fills and hands them out, too."""

    prior_names: tuple[str, ...]

    def fill_with_priors(
        self, windows: Sequence[tuple[Image, Mask, Mask | None]]
    ) -> list[tuple[Image, ...]]:
        """The filled windows in the same order, each with its priors behind it."""


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

    Attributes:
        candidates: Names and inpainters.
        unmixes: Whether one of them makes use of see-through pixels.

    Args:
        candidates: Names and inpainters, the preferred one first. Those that correct finished
            fills bring these along as candidates of their own, made only once. A single candidate
            leaves nothing to choose, but its errors are measured.

    Raises:
        UsageError: There are no candidates.
    """

    def __init__(self, candidates: Mapping[str, Inpainter]) -> None:
        _check_candidates(candidates)
        self.candidates = dict(candidates)
        self.unmixes = any(getattr(one, "unmixes", False) for one in candidates.values())

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill ``mask``; see :class:`textclean.protocols.Inpainter`."""
        return self.fill_with_error(image, mask, see_through)[0]

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """Fill ``mask``; see :class:`textclean.protocols.ErrorPredictor`."""
        out, error = image.copy(), np.zeros(mask.shape, np.float32)
        for window, choice in self.choose(image, mask, see_through):
            paste(out, choice.image, mask, window)
            unknown = np.full(choice.image.shape[:2], np.nan, np.float32)
            expected = unknown if choice.error_map is None else choice.error_map
            paste(error, expected, mask, window)
        return out, error

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
        candidates: Names and inpainters, as for :class:`ChoosingInpainter`. The first is taken
            where there is nothing to choose: on a uniform background, or where no known pixels
            are left to measure on.
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
    alone = dict.fromkeys(_names(candidates), 0.0) | {first: 1.0}
    real = (image, mask, see_through)
    if not mask.any():
        return Choice(image.copy(), first, alone, reason="no hole")
    if (spread := _spread(image, mask)) is not None:
        (filled,) = _fill(candidates[first], [real])
        expected = np.where(mask, np.float32(spread), np.float32(0))
        return Choice(filled, first, alone, {first: spread}, spread, expected, "uniform background")
    hidden = hide(mask, copies)
    if not hidden:
        (filled,) = _fill(candidates[first], [real])
        return Choice(filled, first, alone, reason="no known pixels to measure on")
    jobs = [real, *((image, mask | copy, None) for copy in hidden)]
    fills = _fill_all(candidates, jobs)
    covariance = covariance_of(image, mask, hidden, [fill[1:] for fill in fills.values()], reach)
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


def _names(candidates: Mapping[str, Inpainter]) -> dict[str, tuple[str, ...]]:
    """All candidates in order, each with the priors that it brings along under free names."""
    brought = {
        name: tuple(n for n in one.prior_names if n not in candidates)
        for name, one in candidates.items()
        if isinstance(one, _WithPriors)
    }
    extra = dict.fromkeys(prior for names in brought.values() for prior in names)
    return {name: brought.get(name, ()) for name in (*candidates, *extra)}


def _fill_all(
    candidates: Mapping[str, Inpainter], jobs: Sequence[tuple[Image, Mask, Mask | None]]
) -> dict[str, list[Image]]:
    """The fills of all jobs by each candidate, priors that come along included."""
    names = _names(candidates)
    fills: dict[str, list[Image]] = {}
    for name, inpainter in candidates.items():
        if isinstance(inpainter, _WithPriors) and names[name]:
            columns = list(map(list, zip(*inpainter.fill_with_priors(jobs), strict=True)))
            fills[name] = columns[0]
            for prior, fill in zip(inpainter.prior_names, columns[1:], strict=True):
                if prior in names[name]:
                    fills.setdefault(prior, fill)
        else:
            fills[name] = _fill(inpainter, jobs)
    return {name: fills[name] for name in names}


def _spread(image: Image, mask: Mask) -> float | None:
    """Standard deviation of the ring around the hole when it is uniform, else None."""
    side = 2 * RING + 1
    around = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    ring = image[around & ~mask].astype(np.float32)  # (n, 3)
    if not len(ring):
        return None
    strays = np.abs(ring - np.median(ring, axis=0)).max(axis=1) > UNIFORM
    return None if strays.mean() > 0.01 else float(ring[~strays].std(axis=0).mean())


def _blend(
    image: Image, mask: Mask, fills: Mapping[str, Image], covariance: NDArray[np.float32]
) -> Choice:
    """Mix the fills by weights that vary smoothly."""
    places = locate(image, mask, mask)
    weights = weigh(covariance)  # (rows, columns, LEVELS, K)
    squares = np.einsum("...i,...ij,...j->...", weights, covariance, weights)
    each = sample(np.diagonal(covariance, axis1=-2, axis2=-1), places)  # (N, K)
    shares = sample(weights, places)
    values = np.stack([fill[mask] for fill in fills.values()], axis=1)  # (N, K, 3)
    out = image.copy()
    out[mask] = np.rint(np.einsum("nk,nkc->nc", shares, values.astype(np.float32)))
    expected = np.zeros(mask.shape, dtype=np.float32)
    expected[mask] = np.sqrt(sample(squares[..., None], places)[:, 0])
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
