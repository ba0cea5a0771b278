"""What continues lettering: shapes beside it in a colour that is the lettering's alone.

The ink network sees most of an effect and loses its last letters where they are small, or lie on
another ground, or a stroke of a glyph. Where all of it is drawn in a colour of its own (grey among
dots, yellow in a blue night), the colour tells the rest.

On ten pages of comics and halftone that it changes it brought in shapes of nine blocks, 73 to 100 %
of them lettering, and some specks of two others; as many pixels as :data:`MOST` forbids it brought
in twice, none of them lettering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.mask.art import color_cells, color_density
from textclean.mask.morphology import Components, closed, dilate, ring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

RARE = 6.0
"""Times as common in the lettering as around it that a colour is the lettering's own."""
OWN = 0.05
"""Share of the lettering in such colours at least."""
SEEN = 0.5
"""Share of a glyph from which on all of it is lettering."""
NEAR = 0.5
"""Line heights within which a shape is beside the lettering."""
SMALLEST, LEAST, LARGEST = 0.1, 10, 1.5
"""Extent of such a shape in line heights, and in pixels at least."""
FAINT = 16
"""Level of the ink map under which a pixel is surely no lettering."""
HINTED = 0.5
"""Share of a shape's pixels that must be near a hint."""
MOST = 0.15
"""Share of the lettering that a few lost letters make up; what is more is something else."""
ROUNDS = 3
"""How often what has come in may bring in what is beside it."""


def alike_beside(mask: Mask, plane: NDArray[np.uint8], image: Image, height: float) -> Mask:
    """The shapes beside lettering that continue it.

    Args:
        mask: ``(H, W)`` bool, lettering in a crop of the page.
        plane: ``(H, W)`` uint8, the ink map's lettering there.
        image: ``(H, W, 3)`` uint8, the crop.
        height: Line height in pixels.

    Returns:
        ``(H, W)`` bool, what is to come in; nothing of ``mask``.
    """
    nothing = np.zeros_like(mask)
    own = _own_colors(mask, image, height)
    if not own.any():
        return nothing
    whole = _whole(mask, own, height)
    mask = mask | whole
    shapes = Components.of(closed(own & ~mask, 1) & ~mask)
    hinted = shapes.count(dilate(plane >= FAINT, 2)) >= HINTED * shapes.area
    least, most = max(SMALLEST * height, LEAST), LARGEST * height
    fitting = (shapes.longest >= least) & (shapes.longest <= most) & hinted
    found = nothing
    for _ in range(ROUNDS):
        beside = shapes.count(dilate(mask | found, max(2, round(NEAR * height)))) > 0
        more = shapes.select(fitting & beside)
        if int(more.sum()) == int(found.sum()):
            break
        found = more
    return whole | found if int(found.sum()) <= MOST * int(mask.sum()) else whole


def _own_colors(mask: Mask, image: Image, height: float) -> Mask:
    """Where the image has colours that are the lettering's alone; nowhere if it has none."""
    around = ring(mask, max(2, round(0.1 * height)), max(8, round(height)))
    if not mask.any() or not around.any():
        return np.zeros_like(mask)
    cells = color_cells(image)
    inside, outside = color_density(cells[mask]), color_density(cells[around])
    own: Mask = (inside >= RARE * (outside + 1e-4))[cells]
    return own if float(own[mask].mean()) >= OWN else np.zeros_like(mask)


def _whole(mask: Mask, own: Mask, height: float) -> Mask:
    """The rest of glyphs of which the network sees most, whether it has a hint of it or not."""
    glyphs = Components.of(own)
    chosen = (glyphs.count(mask) >= SEEN * glyphs.area) & (glyphs.longest <= LARGEST * height)
    return glyphs.select(chosen) & ~mask
