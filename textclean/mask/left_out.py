"""Stretches of lines that a mask leaves: half a line that is gone is worse than none.

A line may run over two grounds, of which one is plain; and of pale lettering or of boards the ink
network may see a part alone. Where a mask has nothing for as long as a glyph is high, and there is
as much to be seen as where it has some, and more than beside the lines, that stretch is looked at
as a line of its own. On 135 lettered pages that completed eleven lines, and left six, one of which
held lettering there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.mask.art import marks
from textclean.mask.morphology import Components, dilate, line_height, rasterize
from textclean.mask.strokes import find_strokes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Polygon

LONG, SHORT = 0.8, 0.3
"""Heights of a line without lettering from which on some may be left out, and those from which on
it is beside such a stretch."""
BESIDE = 0.3
"""Heights of a line that are looked at beyond a stretch: the mask may end within a letter."""
AS_MUCH = 0.85
"""How strong the marks of a stretch must be, as a share of those of the rest of its line."""
STRONGEST = 0.9
"""Quantile of the marks' strength that is compared."""
MORE = 1.5
"""Times their share of the ground beside the lines that such marks must take of a stretch: the dots
of a screen, and what is drawn, go on beyond it."""


def left_out(mask: Mask, image: Image, lines: Sequence[Polygon], plain: Mask | None = None) -> Mask:
    """The lettering in stretches of lines that a mask leaves.

    Args:
        mask: ``(H, W)`` bool, what is known to be lettering in a crop of the page.
        image: ``(H, W, 3)`` uint8, the crop.
        lines: Polygons of the block's lines, in pixels of the crop.
        plain: ``(H, W)`` bool, what stands out from a plain background, if there is one: it is
            believed along all of such a line.

    Returns:
        ``(H, W)`` bool.
    """
    found = np.zeros_like(mask)
    taken = mask | rasterize(lines, mask.shape)
    for line in lines:
        height = line_height(line)
        inside = rasterize([line], mask.shape)
        ground = dilate(inside, round(height)) & ~taken
        stretches = _stretches(mask & inside, line, LONG * height)
        if not stretches:
            continue
        strengths = marks(image, height)
        if not _marked(stretches, strengths, inside, ground, height):
            continue
        if plain is not None:
            shapes = Components.of(plain)
            found |= shapes.select(shapes.count(inside) > 0)
        for stretch in _stretches(mask & inside, line, SHORT * height, BESIDE * height):
            found |= find_strokes(image, [stretch], height).mask
        # What is joined with letters beyond its stretch is no shape of its own.
        still = _stretches((mask | found) & inside, line, LONG * height)
        found |= rasterize(_marked(still, strengths, inside, ground, height), mask.shape)
    return found


def _marked(
    stretches: Sequence[Polygon],
    strengths: Sequence[NDArray[np.uint8]],
    inside: Mask,
    ground: Mask,
    height: float,
) -> list[Polygon]:
    """The stretches of a line in which there is as much to be seen as in the rest of it.

    That is: light or dark marks, whichever are stronger in the rest, are as strong, and there are
    more of them than in the ground beside.

    Args:
        stretches: Some of the line.
        strengths: ``(H, W)`` uint8 each, how light and how dark marks are.
        inside: ``(H, W)`` bool, the line.
        ground: ``(H, W)`` bool, what lies beside it and is of no line.
        height: Its height in pixels.
    """
    rest = inside & ~rasterize(stretches, inside.shape)
    if not rest.any():
        return []
    usual = [float(np.quantile(strength[rest], STRONGEST)) for strength in strengths]
    strong = strengths[int(np.argmax(usual))] >= AS_MUCH * max(usual)

    def is_marked(stretch: Polygon) -> bool:
        area = rasterize([stretch], inside.shape)
        beside = dilate(area, round(height)) & ground
        share = float(strong[area].mean()) if area.any() else 0.0
        of_ground = float(strong[beside].mean()) if beside.any() else 0.0
        return share >= max(1.0 - STRONGEST, MORE * of_ground)

    return [stretch for stretch in stretches if is_marked(stretch)]


def _stretches(mask: Mask, line: Polygon, least: float, beyond: float = 0.0) -> list[Polygon]:
    """The parts of a line, as high as it is, along which a mask has nothing, if not all of it.

    Args:
        mask: ``(H, W)`` bool, what is lettering in the line.
        line: The line.
        least: Pixels that such a part is long at least.
        beyond: Pixels by which the line goes on at either end of each.
    """
    rows, columns = np.nonzero(mask)
    corner, along, across = _frame(line)
    length = float(np.linalg.norm(along))
    if not len(rows) or length < 1.0:
        return []
    places = ((columns - corner[0]) * along[0] + (rows - corner[1]) * along[1]) / length
    held = np.zeros(int(np.ceil(length)) + 1, np.int8)
    held[np.clip(places, 0, len(held) - 1).astype(np.intp)] = 1
    edges = np.flatnonzero(np.diff(np.r_[1, held, 1]))
    stretches, beyond = [], beyond / length
    for start, end in edges.reshape(-1, 2) / (len(held) - 1):
        if (end - start) * length >= least:
            first = corner + max(start - beyond, 0.0) * along
            last = corner + min(end + beyond, 1.0) * along
            quad = np.array([first, last, last + across, first + across], np.float32)
            stretches.append(quad)
    return stretches


def _frame(
    line: Polygon,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """A corner of a line's rectangle, and its longer and its shorter side from there."""
    corners = cv2.boxPoints(cv2.minAreaRect(line.astype(np.float32)))
    one, other = corners[1] - corners[0], corners[3] - corners[0]
    long, short = (one, other) if np.hypot(*one) >= np.hypot(*other) else (other, one)
    return np.asarray(corners[0]), np.asarray(long), np.asarray(short)
