"""Foreign ink: what one pen's colour or darkness tells to be print may be another pen's stroke.

Where a note crosses a stamp, or lies on ruled paper, strokes of two inks hang together, and what is
darker than the one looks like print beneath it. A network tells print from handwriting by shape. It
washes out some of the print, but seldom most of it: where it sees none in much of what is told, and
no print comes out from beneath the ink near by, the other is ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclean.inpaint.disks import grown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclean.types import Mask

    Plane = NDArray[np.float32]

PRINT = 0.5
"""Mean density from which on there is said to be print."""
BLANK = 0.25
"""Mean density up to which a network sees none."""
NEAR = 6
"""Pixels from known print within which print is washed out, and no other ink."""


def print_near(density: Plane, mask: Mask) -> Mask:
    """``(H, W)`` bool: what print that is known lies beside.

    Args:
        density: ``(H, W)`` mean densities of the page.
        mask: ``(H, W)`` bool, what is not known.
    """
    return grown(~mask & (density > PRINT), NEAR)


def told_and_unseen(told: Plane, seen: Plane, near: Mask) -> tuple[Mask, Mask]:
    """Where print is told, ``(N,)`` bool, and where of that there is no sign of any.

    Args:
        told: ``(N,)`` mean densities that a pen's ink leaves to what is beneath.
        seen: ``(N,)`` mean densities of what the network gave.
        near: ``(N,)`` bool, see :func:`print_near`.
    """
    print_ = told > PRINT
    return print_, print_ & (seen < BLANK) & ~near
