"""A page with ink on it: what steps after un-mixing know of its sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclean.inpaint.paper import densities, measure_paper
from textclean.inpaint.wrapped import AfterUnmixing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclean.types import Image, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Inked:
    """A page as it was before it was filled.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB, with the ink.
        mask: ``(H, W)`` bool, the hole; paper and print are measured outside of it.
        see_through: ``(H, W)`` bool, where ink is translucent.
        paper: ``(H, W, 3)`` float32, the sheet's colour.
        density: ``(H, W, 3)`` float32 densities of the image over the paper's.
    """

    image: Image
    mask: Mask
    see_through: Mask
    paper: NDArray[np.float32]
    density: NDArray[np.float32]


class OnPaper(AfterUnmixing):
    """An inpainter whose answer is gone over by what the sheet tells; where none is seen, it stays.

    Args:
        inpainter: Fills the holes and un-mixes ink.
    """

    def _gone_over(self, image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
        measured = measure_paper(image, ~mask)
        if measured is None:
            return filled
        paper = measured[0]
        return self._by_sheet(
            Inked(image, mask, see_through, paper, densities(image, paper)), filled
        )

    def _by_sheet(self, page: Inked, filled: Image) -> Image:
        """The filled page, ``(H, W, 3)`` uint8, after that look."""
        raise NotImplementedError
