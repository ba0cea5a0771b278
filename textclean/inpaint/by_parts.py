"""A page on which ink is un-mixed, part by part: nobody should pay for the rest of it.

Parting ink from what is beneath takes the paper's colour and the print's darkness from all that is
seen, and a stamp in a corner, or what a second look finds of a note, is a small part of a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.inpaint.paper import CELL
from textclean.inpaint.wrapped import Wrapped
from textclean.parts import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

REACH = 6 * CELL
"""Pixels around ink that are looked at: lines of print to compare it with, and all windows."""


class ByParts(Wrapped):
    """An inpainter that is shown the parts of a page where ink is un-mixed.

    The parts have the cells in which paper is measured in common with the page. Pages without such
    ink are shown as a whole.

    Args:
        inpainter: Fills a part.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`; what has no expected error is NaN."""
        if see_through is None or not see_through.any():
            return super().fill_with_error(image, mask, see_through)
        filled = image.copy()
        errors = np.zeros(mask.shape, np.float32)
        told = False
        for part in parts(mask, REACH, CELL):
            seen = see_through[part]
            given = np.ascontiguousarray(image[part]), np.ascontiguousarray(mask[part])
            filled[part], expected = super().fill_with_error(
                *given, np.ascontiguousarray(seen) if seen.any() else None
            )
            unknown = np.where(mask[part], np.float32(np.nan), 0)
            errors[part] = unknown if expected is None else expected
            told |= expected is not None
        return filled, errors if told else None
