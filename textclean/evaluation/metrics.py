"""What is measured on a cleaned page when the truth is known; pure NumPy and OpenCV.

Everywhere: an image is ``(H, W, 3)`` uint8 RGB, a mask ``(H, W)`` bool, ``ignore`` a sequence of
boxes ``(x0, y0, x1, y1)`` in which nothing is judged, because the truth says nothing about them.
A measure over no pixels at all is NaN; averages leave NaN out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.distance import distance_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask

HOLE_KERNEL = 7
REGION_KERNEL = 31
PSNR_CAP = 100.0
OVER_ERASED_DISTANCE = 12.0
MIN_CONTRAST = 32.0


def hole(text: Mask) -> Mask:
    """The true hole: the true text pixels dilated by a 7×7 square."""
    return _dilate(text, HOLE_KERNEL)


def region(hole: Mask, ignore: Sequence[Box] = ()) -> Mask:
    """The region around a hole: the hole dilated by a 31×31 square, less the ignored boxes."""
    return _dilate(hole, REGION_KERNEL) & judged(hole.shape, ignore)


def judged(shape: tuple[int, ...], ignore: Sequence[Box] = ()) -> Mask:
    """``(H, W)`` bool, False inside the ignored boxes."""
    keep = np.ones(shape[:2], dtype=bool)
    for x0, y0, x1, y1 in ignore:
        keep[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = False
    return keep


def psnr(image: Image, truth: Image, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio over RGB in dB, one mean squared error over all three channels.

    Identical pixels have no finite value; every result is capped at 100 dB, so that a page that
    is restored exactly can be averaged with others. (One pixel off by one level in a region of
    10,000 gives 93 dB.)

    Args:
        image: ``(H, W, 3)`` uint8.
        truth: ``(H, W, 3)`` uint8.
        where: Pixels that count, or None for all. NaN when there are none.
    """
    squares = squared_error(image, truth)
    values = squares if where is None else squares[where]
    if not values.size:
        return float("nan")
    error = float(values.mean(dtype=np.float64)) / 3
    return PSNR_CAP if error == 0 else min(PSNR_CAP, 10 * float(np.log10(255.0**2 / error)))


def squared_error(image: Image, truth: Image) -> NDArray[np.int32]:
    """``(H, W)`` int32: squared differences, summed over the channels."""
    difference = cv2.absdiff(image, truth).astype(np.int32)
    total: NDArray[np.int32] = np.einsum("hwc,hwc->hw", difference, difference)
    return total


def luma(image: Image) -> NDArray[np.float64]:
    """Rec. 601 luma, ``(H, W)`` float64, 0 to 255."""
    weighted: NDArray[np.float64] = image @ np.array([0.299, 0.587, 0.114])
    return weighted


def ssim(image: Image, truth: Image, where: Mask | None = None) -> float:
    """Structural similarity of the luma, -1 to 1, mean over the pixels of ``where``.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE TIP 13(4), 2004: 11×11 Gaussian window of sigma 1.5, K1 = 0.01,
    K2 = 0.03, L = 255. At the page's edge the window sees the mirrored page.
    """
    similarity, _ = ssim_maps(luma(image), luma(truth))
    values = similarity if where is None else similarity[where]
    return float(values.mean()) if values.size else float("nan")


def ssim_maps(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """SSIM and its contrast-structure factor at each pixel.

    Args:
        a: ``(H, W)`` float64, 0 to 255.
        b: The same shape.

    Returns:
        Two ``(H, W)`` float64 maps, each at most 1.
    """
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    var_a = _window_mean(a * a) - mean_a**2
    var_b = _window_mean(b * b) - mean_b**2
    covariance = _window_mean(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    brightness = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return brightness * structure, structure


def mask_recall(mask: Mask, text: Mask, ignore: Sequence[Box] = ()) -> float:
    """Share of the true text pixels that the mask covers, 0 to 1.

    Denominator: the true text pixels outside the ignored boxes.
    """
    wanted = text & judged(text.shape, ignore)
    total = int(np.count_nonzero(wanted))
    return int(np.count_nonzero(wanted & mask)) / total if total else float("nan")


def over_erased(
    mask: Mask,
    text: Mask,
    ignore: Sequence[Box] = (),
    *,
    distance: float = OVER_ERASED_DISTANCE,
) -> float:
    """Share of the page that was masked for nothing, 0 to 1.

    Numerator: mask pixels more than ``distance`` pixels (Euclidean, between pixel centres) from
    the nearest true text pixel. True text inside ignored boxes counts as text. Denominator: all
    pixels of the page. Both without the ignored boxes.
    """
    area = judged(text.shape, ignore)
    total = int(np.count_nonzero(area))
    wrong = mask & area & far_from(text, distance)
    return int(np.count_nonzero(wrong)) / total if total else float("nan")


def far_from(text: Mask, distance: float) -> Mask:
    """``(H, W)`` bool: pixels more than ``distance`` pixels from every True pixel of ``text``."""
    if not text.any():
        return np.ones(text.shape, dtype=bool)
    # Square roots in float32 are off by an ulp or so.
    far: Mask = distance_to(text) > distance + 1e-3
    return far


def changed_outside(cleaned: NDArray[Any], before: NDArray[Any], mask: Mask) -> int:
    """Number of pixels outside the mask in which any channel changed; the promise is 0.

    Args:
        cleaned: ``(H, W)`` or ``(H, W, C)``, any type.
        before: The same shape and type.
        mask: ``(H, W)`` bool.
    """
    return int(np.count_nonzero(_changed(cleaned, before) & ~mask))


def changed_fraction(cleaned: NDArray[Any], before: NDArray[Any]) -> float:
    """Share of the page's pixels in which any channel changed, 0 to 1."""
    return float(_changed(cleaned, before).mean())


def seam_ratio(cleaned: Image, truth: Image, mask: Mask, ignore: Sequence[Box] = ()) -> float:
    """How visible the mask's edge is: steps across it, against the same steps in the truth.

    A step is the mean absolute difference over RGB of two pixels that share a side, one inside
    the mask and one outside. The ratio is (mean step + 1) / (mean true step + 1); the one grey
    level added to both keeps it finite on flat paper. 1 = as in the truth, more = a visible seam
    or ink cut by the mask's edge, less = the fill is smoother than the page.
    """
    inside = mask & judged(mask.shape, ignore)
    outside = ~mask & judged(mask.shape, ignore)
    ours, true, count = 0.0, 0.0, 0
    for near, far in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        crossing = (inside[near] & outside[far]) | (outside[near] & inside[far])
        count += int(np.count_nonzero(crossing))
        ours += float(cv2.absdiff(cleaned[near], cleaned[far])[crossing].sum()) / 3
        true += float(cv2.absdiff(truth[near], truth[far])[crossing].sum()) / 3
    return (ours / count + 1) / (true / count + 1) if count else float("nan")


def ink_left(
    cleaned: Image,
    lettered: Image,
    truth: Image,
    text: Mask,
    ignore: Sequence[Box] = (),
) -> float:
    """Share of the true strokes' pixels that still look lettered, 0 to 1.

    A stroke pixel counts as left when its RGB distance to the lettered page is under half the
    distance between lettered page and truth; it is then nearer to the ink than to the truth.
    Denominator: text pixels outside the ignored boxes whose ink stands out from the truth by at
    least 32 in RGB distance (the rest is fringe that nobody can see).

    On two-level tone a dot that is drawn where the truth has paper counts too, and paper under
    black ink is half of a 50 % tone: compare with the figure of other fills, not with 0.
    """
    left, visible = ink_left_maps(cleaned, lettered, truth, text)
    area = judged(text.shape, ignore)
    total = int(np.count_nonzero(visible & area))
    return int(np.count_nonzero(left & area)) / total if total else float("nan")


def ink_left_maps(cleaned: Image, lettered: Image, truth: Image, text: Mask) -> tuple[Mask, Mask]:
    """Where ink is left, and where it could be: the two sets behind :func:`ink_left`.

    Returns:
        Two ``(H, W)`` bool masks: strokes' pixels that still look lettered, and all that stand
        out from the truth; the first is part of the second.
    """
    contrast = squared_error(lettered, truth)
    visible: Mask = text & (contrast >= MIN_CONTRAST**2)
    left: Mask = visible & (4 * squared_error(cleaned, lettered) < contrast)
    return left, visible


def _dilate(mask: Mask, size: int) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) != 0
    return grown


def _changed(a: NDArray[Any], b: NDArray[Any]) -> Mask:
    different = np.not_equal(a, b).reshape(a.shape[0], a.shape[1], -1)
    any_channel: Mask = different.any(axis=2)
    return any_channel


def _window_mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
    blurred: NDArray[np.float64] = cv2.GaussianBlur(
        image, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT
    ).astype(np.float64, copy=False)
    return blurred
