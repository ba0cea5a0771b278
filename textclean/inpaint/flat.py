"""Fills that need no network: one colour, or a smooth gradient with the surroundings' grain.

Most bubbles and captions are one of these, and a measured fill there is better than anything a
network can guess. The same measurement says when it is not so: then the region is inpainted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.surface import Surface, fit, strongest
from textclean.types import Background, Image, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 12.0
_MAX_OUTLIERS = 0.06
_MAX_SPREAD = 5.0
_MAX_SAMPLES = 16_000  # pixels whose drift is measured
_MAX_DRIFT = 4.0
_WHITE = 250.0
_GRAIN_FROM = 1.5
_BESIDE = 4  # pixels around a letter that are its own ground
_FEWEST = 24  # of which so many must be known


@dataclass(frozen=True, slots=True, eq=False)
class FlatFill:
    """What was measured around a hole, and the fill when the background allows one.

    Attributes:
        background: Texture and numbers.
        surface: The fitted surface, or None when the background is art.
        reason: The decision in one line, with its numbers.
    """

    background: Background
    surface: Surface | None
    reason: str


def measure(image: Image, mask: Mask, samples: Mask, *, specks: float = 0.0) -> FlatFill:
    """Decide whether the background around a hole is flat, a gradient or art.

    Args:
        image: ``(H, W, 3)`` uint8 crop.
        mask: ``(H, W)`` bool, the hole.
        samples: ``(H, W)`` bool, background pixels around the hole, none of them in it.
        specks: Share of the surroundings already known to be something else, 0 to 1.
    """
    usable = samples & ~mask
    if int(usable.sum()) < 12:
        gap = Background("art", _median(image[~mask] if (~mask).any() else image), 0.0, 1.0)
        return FlatFill(gap, None, "too little background around it to measure")
    for degree in (0, 1, 2):
        surface = fit(image, usable, degree, tolerance=_TOLERANCE)
        outliers = min(1.0, surface.outliers + specks)
        drift = _drift(image, usable, surface)
        if outliers <= _MAX_OUTLIERS and surface.spread <= _MAX_SPREAD and drift <= _MAX_DRIFT:
            if _lies_elsewhere(image, mask, surface):
                reason = "background is not plain: a part of it lies on another ground"
                background = Background("art", _median(image[usable]), 0.0, round(outliers, 4))
                return FlatFill(background, None, reason)
            return _accepted(image, usable, surface, outliers)
    color = _median(image[usable])
    background = Background("art", color, round(surface.spread, 2), round(outliers, 4))
    return FlatFill(
        background,
        None,
        f"background is not plain: {outliers:.0%} of it stands out, spread {surface.spread:.1f}, "
        f"drift {drift:.1f} levels",
    )


def paint(image: Image, mask: Mask, fill: FlatFill, *, seed: int = 0) -> Image:
    """A copy of the crop with the hole painted; grain is drawn from the surroundings.

    Args:
        image: ``(H, W, 3)`` uint8 crop.
        mask: ``(H, W)`` bool.
        fill: A fill with a surface.
        seed: Seed of the grain; the same seed gives the same pixels.

    Raises:
        ValueError: The fill has no surface.
    """
    if fill.surface is None:
        raise ValueError("this background cannot be filled: it is art")
    ys, xs = np.nonzero(mask)
    colors = fill.surface.at(ys, xs)
    if fill.background.spread >= _GRAIN_FROM:
        around = cv2.dilate(mask.view(np.uint8), np.ones((17, 17), np.uint8)).view(bool) & ~mask
        residual = image - fill.surface.colors()
        known = around & (strongest(np.abs(residual)) <= _TOLERANCE)
        colors = colors + grain(residual, known, seed)[ys, xs]
    painted = image.copy()
    painted[ys, xs] = np.clip(np.rint(colors), 0, 255).astype(np.uint8)
    return painted


class FlatInpainter:
    """Paints every hole with the surface that fits its surroundings best, plain or not."""

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """See :class:`textclean.protocols.Inpainter`; ``see_through`` pixels are holes."""
        result = image.copy()
        joined = cv2.dilate(mask.view(np.uint8), np.ones((9, 9), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        for index in range(1, count):
            x, y, width, height, _ = (int(v) for v in stats[index])
            crop = np.s_[
                max(y - 8, 0) : y + height + 8, max(x - 8, 0) : x + width + 8
            ]  # the dilated box already holds 4 px of context
            hole = mask[crop] & (labels[crop] == index)
            result[crop] = _paint_anyway(result[crop], hole, image[crop], mask[crop], index)
        return result


def _paint_anyway(target: Image, hole: Mask, image: Image, mask: Mask, seed: int) -> Image:
    around = cv2.dilate(hole.view(np.uint8), np.ones((15, 15), np.uint8)).view(bool) & ~mask
    if not around.any():
        return target
    fill = measure(image, mask, around)
    if fill.surface is None:
        surface = fit(image, around, 2, tolerance=_TOLERANCE)
        fill = FlatFill(fill.background, surface, fill.reason)
    painted = target.copy()
    painted[hole] = paint(image, hole, fill, seed=seed)[hole]
    return painted


def _accepted(image: Image, usable: Mask, surface: Surface, outliers: float) -> FlatFill:
    color = _median(image[usable])
    if surface.degree == 0:
        surface = _snapped(image, usable, surface)
        color = _rounded(surface.coefficients[0])
    texture = "flat" if surface.degree == 0 else "gradient"
    shape = ("one colour", "a linear gradient", "a quadratic gradient")[surface.degree]
    background = Background(texture, color, round(surface.spread, 2), round(outliers, 4))  # type: ignore[arg-type]
    reason = f"background is {shape}: spread {surface.spread:.1f}, {outliers:.1%} stands out"
    return FlatFill(background, surface, reason)


def _snapped(image: Image, usable: Mask, surface: Surface) -> Surface:
    """Near-white becomes white, when what surrounds the hole is white too."""
    color = surface.coefficients[0]
    if color.min() < _WHITE or float((image[usable].min(axis=1) == 255).mean()) < 0.5:
        return surface
    white = np.full((1, 3), 255.0)
    return Surface(0, white, surface.shape, surface.spread, surface.outliers)


def _drift(image: Image, usable: Mask, surface: Surface) -> float:
    """Largest mean deviation from the surface over a 3 x 3 grid of the sampled area, in levels."""
    places = np.flatnonzero(usable)
    ys, xs = np.divmod(places[:: -(-len(places) // _MAX_SAMPLES)], usable.shape[1])
    difference = image[ys, xs] - surface.at(ys, xs)
    difference = np.clip(difference, -_TOLERANCE, _TOLERANCE)
    rows = np.minimum((ys - ys.min()) * 3 // (np.ptp(ys) + 1), 2)
    columns = np.minimum((xs - xs.min()) * 3 // (np.ptp(xs) + 1), 2)
    worst = 0.0
    for cell in range(9):
        chosen = rows * 3 + columns == cell
        if int(chosen.sum()) >= max(12, len(ys) // 60):
            worst = max(worst, float(np.abs(np.median(difference[chosen], axis=0)).max()))
    return worst


def _lies_elsewhere(image: Image, mask: Mask, surface: Surface) -> bool:
    """Whether some letter of a block has another ground around it than the block as a whole.

    What is near counts, sample or not: what surrounds a line in the gutter may be so little of all
    that it was taken for specks.
    """
    side = 2 * _BESIDE + 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8))
    count, pieces = cv2.connectedComponents(near, connectivity=8)
    if count <= 2:
        return False
    ys, xs = np.nonzero((near > 0) & ~mask)
    far = np.abs(image[ys, xs] - surface.at(ys, xs)).max(axis=1) > _TOLERANCE
    piece = pieces[ys, xs]
    around = np.bincount(piece, minlength=count)
    foreign = np.bincount(piece[far], minlength=count)
    return bool(((around >= _FEWEST) & (2 * foreign > around)).any())


def grain(residual: NDArray[np.float32], known: Mask, seed: int) -> NDArray[np.float32]:
    """Noise with the residuals' colours and the likeness of neighbours that they have.

    Residuals of known pixels are drawn at random (which keeps their colours), then smoothed until
    neighbours are as alike as those of the known pixels.

    Args:
        residual: ``(H, W, 3)`` float32, an image less its smooth part, in grey levels.
        known: ``(H, W)`` bool, where it is grain.
        seed: The same seed gives the same noise.

    Returns:
        ``(H, W, 3)`` float32, zero where too little is known.
    """
    pool = residual[known]
    if len(pool) < 32:
        return np.zeros_like(residual)
    pool = pool - pool.mean(axis=0)
    pairs = known[:, 1:] & known[:, :-1]
    product = (residual[:, 1:] * residual[:, :-1])[pairs].mean() if pairs.any() else 0.0
    alike = float(np.clip(product / max(float(pool.var()), 1e-6), 0.0, 0.9))
    random = np.random.default_rng(seed)
    drawn = random.integers(len(pool), size=known.shape)
    noise: NDArray[np.float32] = pool[drawn].astype(np.float32)
    sigma = 0.9 * alike
    if sigma > 0.2:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
        noise *= float(pool.std()) / max(float(noise.std()), 1e-6)
    return noise


def _median(pixels: NDArray[np.uint8]) -> tuple[int, int, int]:
    return _rounded(np.median(pixels.reshape(-1, 3), axis=0))


def _rounded(color: NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = np.clip(np.rint(color), 0, 255).astype(int)
    return int(red), int(green), int(blue)
