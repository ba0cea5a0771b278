"""Inpainters that do a part of the work themselves and leave the rest to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclean.protocols import ErrorPredictor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclean.protocols import Inpainter
    from textclean.types import Image, Mask

    Filled = tuple[Image, NDArray[np.float32] | None]


class Wrapped:
    """An inpainter around another; see :class:`textclean.protocols.ErrorPredictor`.

    Args:
        inpainter: The other.
    """

    def __init__(self, inpainter: Inpainter) -> None:
        self.inpainter = inpainter

    @property
    def unmixes(self) -> bool:
        """Whether the inpainter makes use of see-through pixels."""
        return bool(getattr(self.inpainter, "unmixes", False))

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """See :class:`textclean.protocols.Inpainter`."""
        return self.fill_with_error(image, mask, see_through)[0]

    def fill_with_error(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Filled:
        """See :class:`textclean.protocols.ErrorPredictor`; by itself, what the other gives."""
        return fill_with_error(self.inpainter, image, mask, see_through)


class AfterUnmixing(Wrapped):
    """An inpainter whose answer is gone over wherever it un-mixed ink."""

    def fill_with_error(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Filled:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        filled, errors = super().fill_with_error(image, mask, see_through)
        if see_through is not None and see_through.any():
            filled = self._gone_over(image, filled, mask, see_through)
        return filled, errors

    def _gone_over(self, image: Image, filled: Image, mask: Mask, see_through: Mask) -> Image:
        """The filled page, ``(H, W, 3)`` uint8, after a look at what is not opaque of its hole."""
        raise NotImplementedError


def fill_with_error(
    inpainter: Inpainter, image: Image, mask: Mask, see_through: Mask | None = None
) -> Filled:
    """What any inpainter fills, and the error that it expects; None where it does not tell."""
    if isinstance(inpainter, ErrorPredictor):
        return inpainter.fill_with_error(image, mask, see_through)
    return inpainter(image, mask, see_through), None
