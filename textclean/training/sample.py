"""The unit of inpainting training: a window, what is shown of it, and what it should become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textclean.types import Image, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One training window.

    Attributes:
        target: ``(H, W, 3)`` uint8, the clean page.
        shown: ``(H, W, 3)`` uint8, the page as found: lettering or annotations laid over it.
        hole: ``(H, W)`` bool, the mask handed to the network; covers every pixel that differs.
        see_through: ``(H, W)`` bool, subset of ``hole``: pixels of ``shown`` that the network may
            look at because the ink there is translucent or coloured.
        projection: ``(H, W, 3)`` uint8, the Fourier projection of the hole, or None.
        smooth: ``(H, W, 3)`` uint8, the diffusion (Telea) fill of the hole, or None.
        family: What the window shows ("manga", "tone", "art", "document" ...), for figures apart.
    """

    target: Image
    shown: Image
    hole: Mask
    see_through: Mask
    projection: Image | None = None
    smooth: Image | None = None
    family: str = ""
