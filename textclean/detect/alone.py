"""Lettering alone in a bubble: "!!", "?!", one shouted word.

A detector trained on lines of text passes over a mark or two, and the ink network is less sure of
them than of words. What tells them is where they stand: closed in by plain paper with nothing else
on it. A face has more on it, a window none of the paper. On 126 pages, lettered and not, all blocks
of a few shapes of which that holds were lettering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.paper import paper_around

if TYPE_CHECKING:
    from textclean.types import Box, Image

CLOSED = 0.02
"""Share of the rim of what is looked at, four glyphs around, that a closed bubble may reach; the
edge of the page closes none."""
CONTRAST = 128
"""Grey levels by which lettering stands out at least."""
TIGHT = 1.3
"""Area of the bubble, in that of the block, from which on there is paper around it."""
REST = 0.05
"""Share of the block's ink that may lie elsewhere in the bubble."""
BESIDE = 3
"""Pixels around the block that belong to it."""


def alone_in_bubble(image: Image, box: Box, glyph: float) -> bool:
    """Whether a block is all there is on a small closed sheet of plain paper.

    Args:
        image: ``(H, W, 3)`` uint8 RGB page.
        box: The block, in pixels of the page.
        glyph: Size of its largest shape, in pixels.
    """
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    paper = paper_around(image, [corners], glyph)
    if not paper.plain or paper.contrast < CONTRAST:
        return False
    inner = paper.interior
    rim = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    if float(rim.mean()) > CLOSED or int(inner.sum()) < TIGHT * (x1 - x0) * (y1 - y0):
        return False
    left, top = paper.box[:2]
    own = np.zeros_like(paper.core)
    rows = slice(max(y0 - BESIDE - top, 0), y1 + BESIDE - top)
    own[rows, max(x0 - BESIDE - left, 0) : x1 + BESIDE - left] = True
    ink = inner & (paper.distance > CONTRAST / 2)
    return int((ink & ~own).sum()) <= REST * int((ink & own).sum())
