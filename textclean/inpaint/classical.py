"""Classical inpainting out of OpenCV, run on merged windows instead of whole pages.

Sources: A. Telea, "An image inpainting technique based on the fast marching method", J. Graphics
Tools 9 (2004); M. Bertalmio, A. Bertozzi, G. Sapiro, "Navier-Stokes, fluid dynamics, and image and
video inpainting", CVPR 2001; N. Genser, J. Seiler, F. Schilling, A. Kaup, "Signal and loss
geometry aware frequency selective extrapolation for error concealment", PCS 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.errors import MaskError, MissingExtraError, OptionsError
from textclean.inpaint.windows import fill_windows, merge_windows

if TYPE_CHECKING:
    from types import ModuleType

    from textclean.types import Image, Mask

_METHODS = {"telea": cv2.INPAINT_TELEA, "ns": cv2.INPAINT_NS}


class DiffusionInpainter:
    """Telea's fast marching or Navier-Stokes: smooth fills, good where the art is smooth.

    See-through pixels are holes. On a grey page the result is grey.

    Args:
        method: "telea" or "ns".
        radius: How far known pixels are looked for around each filled pixel, in pixels.

    Raises:
        OptionsError: No such method, or the radius is not positive.
    """

    def __init__(self, method: str = "telea", radius: float = 5.0) -> None:
        if method not in _METHODS or not radius > 0:
            raise OptionsError(
                f"diffusion by {method!r} with a radius of {radius} px is not possible",
                remedy=f"Methods: {', '.join(_METHODS)}; the radius is positive",
            )
        self.method = method
        self.radius = radius

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill ``mask``; see :class:`textclean.protocols.Inpainter`."""
        _check(image, mask)
        # A fill reaches its radius and no farther: more context would be looked at in vain.
        context = int(np.ceil(self.radius)) + 3
        windows = merge_windows(mask, context=context, relative=0, multiple=1)
        return fill_windows(image, mask, self._fill, windows=windows)

    def _fill(self, image: Image, mask: Mask) -> Image:
        if mask.all():
            return np.full_like(image, 255)
        filled: Any = cv2.inpaint(
            np.ascontiguousarray(image),
            mask.astype(np.uint8),
            self.radius,
            _METHODS[self.method],
        )
        return filled  # type: ignore[no-any-return]


class FSRInpainter:
    """Frequency-selective reconstruction, the classical method to beat on tone; slow.

    A baseline for evaluation: it needs OpenCV's contributed modules.

    Args:
        best: Quality over speed; minutes instead of seconds a page.

    Raises:
        MissingExtraError: The installed OpenCV lacks the module ``xphoto``.
    """

    def __init__(self, *, best: bool = False) -> None:
        self._xphoto = _xphoto()
        self._method = self._xphoto.INPAINT_FSR_BEST if best else self._xphoto.INPAINT_FSR_FAST

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill ``mask``; see :class:`textclean.protocols.Inpainter`."""
        _check(image, mask)
        return fill_windows(image, mask, self._fill, windows=merge_windows(mask))

    def _fill(self, image: Image, mask: Mask) -> Image:
        if mask.all():
            return np.full_like(image, 255)
        filled = np.zeros_like(image)
        # Its mask is the other way round: 0 = fill.
        self._xphoto.inpaint(
            np.ascontiguousarray(image), (~mask).astype(np.uint8) * 255, filled, self._method
        )
        return filled


def _xphoto() -> ModuleType:
    module: Any = getattr(cv2, "xphoto", None)
    if module is None or not hasattr(module, "INPAINT_FSR_FAST"):
        raise MissingExtraError(
            "frequency-selective reconstruction is part of OpenCV's contributed modules, and the "
            "installed OpenCV comes without them",
            remedy="In an environment of its own, install opencv-contrib-python-headless in place "
            "of opencv-python-headless",
        )
    found: ModuleType = module
    return found


def _check(image: Image, mask: Mask) -> None:
    if image.ndim != 3 or mask.shape != image.shape[:2] or mask.dtype != np.bool_:
        raise MaskError(
            f"a {mask.dtype} mask of shape {mask.shape} does not fit an image of shape "
            f"{image.shape}",
            remedy="Pass a bool mask of the image's height and width",
        )
