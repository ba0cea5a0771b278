"""Fills that exist only to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.errors import MissingExtraError

if TYPE_CHECKING:
    from textclean.evaluation.suite import Fill
    from textclean.types import Image, Mask


def untouched(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
    """The baseline that does nothing."""
    return image.copy()


def load_fsr() -> Fill:
    """Frequency-selective reconstruction from OpenCV's contributed modules, fast variant.

    Genser, Seiler, Schilling and Kaup, "Signal and loss geometry aware frequency selective
    extrapolation for error concealment", PCS 2018. Each channel on its own, because the method
    knows nothing of colour; a grey page is done once.

    Raises:
        MissingExtraError: This OpenCV has no ``xphoto`` module.
    """
    xphoto: Any = getattr(cv2, "xphoto", None)
    if xphoto is None:
        raise MissingExtraError(
            "the baseline 'fsr' needs OpenCV's contributed modules, and this OpenCV has none",
            remedy="In an environment of its own, because both own the package cv2: pip uninstall "
            "-y opencv-python-headless && pip install opencv-contrib-python-headless",
        )

    def fsr(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        known = np.where(mask, 0, 255).astype(np.uint8)  # here 0 is what is to be filled
        grey = bool((image == image[..., :1]).all())
        channels = []
        for channel in range(1 if grey else 3):
            filled = np.zeros(mask.shape, np.uint8)
            source = np.ascontiguousarray(image[..., channel])
            xphoto.inpaint(source, known, filled, xphoto.INPAINT_FSR_FAST)
            channels.append(filled)
        result = np.stack(channels * 3 if grey else channels, axis=2)
        return np.where(mask[..., None], result, image)

    return fsr
