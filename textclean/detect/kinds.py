"""What sort of text a block is, judged from its paper, its size and its angle.

Rules of thumb, on purpose simple enough to be told to a user:

* closed in by plain paper: a *caption* when its sides are straight, a *sign* when it is straight
  and tilted (a board in perspective), a *sfx* (sound effect) when it is a single slanted line,
  else a *bubble*; bubbles may open onto the gutter;
* on art, or loose on a plain page: a *sfx* when much larger than the page's text or slanted, else
  *free*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from textclean.detect.blocks import Block
    from textclean.detect.paper import Paper
    from textclean.types import Kind, Mask

_CLOSED = 0.35  # largest share of its surroundings' rim that a bubble may reach
_STRAIGHT = 0.9  # share of its rectangle that a caption fills
_TILTED = 4.0  # degrees from which on a straight-sided board is a sign
_SLANTED = 8.0  # degrees from which on lettering on art is a sound effect
_LOUD = 1.7  # times the page's usual line thickness from which on it is one
_LOUD_ON_PAPER = 2.2


def kind_of(block: Block, paper: Paper, usual: float) -> Kind:
    """The kind of a block.

    Args:
        block: The block.
        paper: What it is written on.
        usual: Typical line thickness of the page in pixels.
    """
    slant = abs(block.tilt)
    if not paper.plain:
        loud = block.thickness >= _LOUD * usual or slant >= _SLANTED
        return "sfx" if loud else "free"
    if paper.openness > _CLOSED:
        loud = block.thickness >= _LOUD_ON_PAPER * usual or slant >= _SLANTED
        return "sfx" if loud else "free"
    if paper.openness < 0.02 and _rectangularity(paper.interior) >= _STRAIGHT:
        return "sign" if slant >= _TILTED else "caption"
    return "sfx" if slant >= _SLANTED and len(block.lines) == 1 else "bubble"


def _rectangularity(interior: Mask) -> float:
    """Share of its smallest rectangle that the interior fills, 0 to 1."""
    outlines, _ = cv2.findContours(
        interior.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    if not outlines:
        return 0.0
    _, (width, height), _ = cv2.minAreaRect(np.concatenate(outlines))
    return float(interior.sum()) / ((width + 1.0) * (height + 1.0))
