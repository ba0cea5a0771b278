"""Stretches of lines that a mask leaves: half a line that is gone is worse than none.

A line may run over two grounds, of which one is plain; and of pale lettering or of boards the ink
network may see a part alone. Where a mask has nothing for as long as a glyph is high, and there is
as much to be seen as where it has some, that stretch is looked at as a line of its own. On 135
lettered pages that completed eleven lines, and left six, one of which held lettering there. In tone
there is as much everywhere, and nothing is told by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.mask.art import marks
from textclean.mask.morphology import Components, dilate, line_height, rasterize
from textclean.mask.strokes import find_strokes
from textclean.mask.tone import is_toned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Polygon

LONG, SHORT = 0.8, 0.3
"""Heights of a line without lettering from which on some may be left out, and those from which on
it is beside such a stretch."""
BESIDE = 0.3
"""Heights of a line that are looked at beyond a stretch: the mask may end within a letter."""
AS_STRONG, AS_MANY = 0.85, 0.5
"""How strong the marks of a stretch must be, as a share of the median under the mask, and how much
of it they must take, as a share of what they take of the rest of its line."""
FAINTEST = 24.0
"""Levels by which marks differ from what is around them at least: bold strokes are none."""


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
    others = mask | rasterize(lines, mask.shape)
    for line in lines:
        height = line_height(line)
        inside = rasterize([line], mask.shape)
        stretches = _stretches(mask & inside, line, LONG * height)
        if not stretches:
            continue
        strong = _as_strong(mask & inside, image, height)
        ground = dilate(inside, round(height)) & ~others
        if not _marked(stretches, strong, inside) or is_toned(image, ground):
            continue
        if plain is not None:
            shapes = Components.of(plain)
            found |= shapes.select(shapes.count(inside) > 0)
        for stretch in _stretches(mask & inside, line, SHORT * height, BESIDE * height):
            found |= find_strokes(image, [stretch], height).mask
        # What is joined with letters beyond its stretch is no shape of its own.
        still = _stretches((mask | found) & inside, line, LONG * height)
        found |= rasterize(_marked(still, strong, inside), mask.shape)
    return found


def _as_strong(lettering: Mask, image: Image, height: float) -> Mask:
    """``(H, W)`` bool: marks that are light or dark, as some lettering is, and about as strong."""
    kinds = marks(image, height)
    usual = [float(np.median(kind[lettering])) for kind in kinds]
    which = int(np.argmax(usual))
    strong: Mask = kinds[which] >= max(AS_STRONG * usual[which], FAINTEST)
    return strong


def _marked(stretches: Sequence[Polygon], strong: Mask, inside: Mask) -> list[Polygon]:
    """The stretches of a line in which there is about as much to be seen as in the rest of it.

    Args:
        stretches: Some of the line.
        strong: ``(H, W)`` bool, marks like its lettering.
        inside: ``(H, W)`` bool, the line.
    """
    rest = inside & ~rasterize(stretches, inside.shape)
    if not (strong & rest).any():
        return []
    least = AS_MANY * float(strong[rest].mean())

    def is_marked(stretch: Polygon) -> bool:
        area = rasterize([stretch], inside.shape)
        return bool(area.any()) and float(strong[area].mean()) >= least

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
