"""The measures that scene-text removal is published with, so that tables can be compared.

Zhang et al., "EnsNet: Ensconce Text in the Wild", AAAI 2019, and Liu et al., "EraseNet:
End-to-End Text Removal in the Wild", IEEE TIP 29, 2020 (the SCUT-EnsText benchmark), who took AGE,
pEPs, pCEPs and MSSIM from Maddalena and Petrosino, "Towards Benchmarking Scene Background
Initialization", ICIAP 2015 workshops, whose evaluation code they follow.

Published figures are means over 512×512 pictures. MSE and MSSIM are often printed times 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.evaluation.metrics import luma, psnr, squared_error, ssim_maps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

ERROR_THRESHOLD = 20
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_MARGIN = 5  # half of the 11×11 window


@dataclass(frozen=True, slots=True)
class SceneTextScores:
    """The six measures of one picture.

    Attributes:
        psnr: Peak signal-to-noise ratio over RGB in dB, capped at 100.
        mssim: Multi-scale structural similarity of the luma, at most 1.
        mse: Mean squared error over RGB with values from 0 to 1.
        age: Average grey-level error: mean absolute difference of the luma, each rounded.
        peps: Share of error pixels: luma off by more than 20.
        pceps: Share of clustered error pixels: error pixels whose four neighbours are error
            pixels too.
    """

    psnr: float
    mssim: float
    mse: float
    age: float
    peps: float
    pceps: float


def scene_text_scores(image: Image, truth: Image) -> SceneTextScores:
    """Compare ``(H, W, 3)`` uint8 RGB with the truth of the same size, over the whole picture."""
    grey, true_grey = luma(image), luma(truth)
    difference = np.rint(np.abs(grey - true_grey))
    errors = (difference > ERROR_THRESHOLD).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    # Outside the picture there are no error pixels, so none at its edge is clustered.
    clustered = cv2.erode(errors, cross, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return SceneTextScores(
        psnr=psnr(image, truth),
        mssim=multi_scale_ssim(grey, true_grey),
        mse=float(squared_error(image, truth).mean(dtype=np.float64)) / (3 * 255**2),
        age=float(difference.mean()),
        peps=float(errors.mean()),
        pceps=float(clustered.mean()),
    )


def multi_scale_ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Multi-scale SSIM of two grey images; 1 for equal ones.

    Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment",
    Asilomar 2003: five scales, each half of the one before by the mean of 2×2 pixels; the
    contrast-structure factor of the finer scales and the SSIM of the coarsest, raised to their
    weights and multiplied. Only windows that lie wholly in the image count. Images under 176
    pixels a side use as many scales as fit, the weights scaled to the same sum.

    Args:
        a: ``(H, W)`` float64, 0 to 255.
        b: The same shape.

    Returns:
        NaN when not even one 11×11 window fits.
    """
    factors: list[float] = []
    last = float("nan")
    for _ in SCALE_WEIGHTS:
        if min(a.shape) <= 2 * _MARGIN:
            break
        inner = (slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
        similarity, structure = ssim_maps(a, b)
        last = float(similarity[inner].mean())
        factors.append(float(structure[inner].mean()))
        a, b = _halve(a), _halve(b)
    if not factors:
        return float("nan")
    values = np.array([*factors[:-1], last])
    weights = np.array(SCALE_WEIGHTS[: len(values)])
    weights *= sum(SCALE_WEIGHTS) / weights.sum()
    # A negative factor has no real power: the published code raises its absolute value.
    return float(np.prod(np.sign(values) * np.abs(values) ** weights))


def _halve(image: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = image.shape
    even = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
    mean: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return mean
