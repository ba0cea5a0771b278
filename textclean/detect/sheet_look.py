"""How the ink network looks at a sheet: on the scale, in the light and as crisp as it knows.

What it takes is told by the sheet as it came. Once its annotations are gone, the crispest ink is
gone, too, and judged by itself the sheet would be looked at in another way: print that was known
for print the first time was taken for pen the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from textclean.detect.sheet_light import (
    in_greys,
    is_bilevel,
    lighting,
    lit,
    sharpened,
    softness,
)
from textclean.detect.sheet_scale import sheet_scale
from textclean.scales import scaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclean.types import Image


@dataclass(frozen=True, slots=True, eq=False)
class SheetLook:
    """A way to look at a sheet; called with it, or with what was made of it, gives the view.

    Attributes:
        scale: What it is shrunk or enlarged by.
        bilevel: Whether there is nothing but black and white at that scale: it is given greys.
        gain: ``(h, w)`` float32, what it is then multiplied by; None = nothing.
        sharpening: How much it is then sharpened.
    """

    scale: float
    bilevel: bool
    gain: NDArray[np.float32] | None
    sharpening: float

    @classmethod
    def of(cls, image: Image) -> Self:
        """The way that fits an ``(H, W, 3)`` uint8 RGB page."""
        scale = sheet_scale(image)
        view = scaled(image, scale)
        if is_bilevel(view):
            return cls(scale, True, None, 0.0)
        gain = lighting(view)
        return cls(scale, False, gain, softness(view if gain is None else lit(view, gain)))

    def __call__(self, image: Image) -> Image:
        """The view of an ``(H, W, 3)`` uint8 RGB page of the same size; itself where it may be."""
        view = scaled(image, self.scale)
        if self.bilevel:
            view = in_greys(view)
        if self.gain is not None:
            view = lit(view, self.gain)
        return sharpened(view, self.sharpening) if self.sharpening else view
