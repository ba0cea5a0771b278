"""Printed text on annotated documents: which pixels it is, and how many of them survive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.evaluation.metrics import luma

if TYPE_CHECKING:
    from textclean.types import Image, Mask

VISIBLE = 48  # grey levels
PAPER_KERNEL = 51  # pixels; wider than the strokes of print


def print_pixels(clean: Image, ink: Mask) -> Mask:
    """The pixels of the printed text, ``(H, W)`` bool.

    Print is what is darker than the paper around it: where the black top-hat of the clean page's
    luma (its closing by a 51×51 square, less itself) is over the threshold of Otsu, "A threshold
    selection method from gray-level histograms", 1979, and over 48 levels. A threshold on the
    luma itself would take dark paper and the spine of a book for print.

    Print within one pixel of true annotation ink is left out: no cleaner can be blamed for what
    it makes of mixed pixels. Pen on black print changes nothing, so the print under it counts.

    Args:
        clean: ``(H, W, 3)`` uint8, the page without annotations.
        ink: ``(H, W)`` bool, the true annotation pixels.
    """
    grey = np.rint(luma(clean)).astype(np.uint8)
    square = np.ones((PAPER_KERNEL, PAPER_KERNEL), np.uint8)
    depth = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, square)
    threshold, _ = cv2.threshold(depth, 0, 255, cv2.THRESH_OTSU)
    near = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) != 0
    found: Mask = (depth > max(threshold, VISIBLE)) & ~near
    return found


def print_erased(cleaned: Image, clean: Image, printed: Mask) -> float:
    """Share of the print's pixels that became visibly lighter: by more than 48 levels of luma.

    Args:
        cleaned: ``(H, W, 3)`` uint8.
        clean: ``(H, W, 3)`` uint8, the truth.
        printed: ``(H, W)`` bool, see :func:`print_pixels`; NaN when there are none.
    """
    lighter = luma(cleaned)[printed] - luma(clean)[printed] > VISIBLE
    return float(lighter.mean()) if lighter.size else float("nan")


def print_masked(mask: Mask, printed: Mask) -> float:
    """Share of the print's pixels that lie under the mask, 0 to 1; NaN when there are none."""
    return float(mask[printed].mean()) if printed.any() else float("nan")
