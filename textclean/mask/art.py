"""Lettering over art: nothing around it is plain, so it must stand out by itself.

Four attempts, the first that separates lettering from its surroundings is taken: by ink (colours as
even as ink is, in shapes that end inside the polygons), by colour (which colours are much commoner
inside the polygons than around them), by local contrast (marks narrower than a stroke, darker or
lighter than their surroundings), by solidity (shapes that stay when thin marks and screentone dots
are removed). When all fail, the polygon itself is the honest answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.mask.morphology import (
    Components,
    closed,
    dilate,
    disc,
    local_range,
    opened,
    ring,
)
from textclean.surface import channel_distance, dominant_colors, strongest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask


def strokes_over_art(image: Image, core: Mask, height: float) -> tuple[Mask, str]:
    """The lettering inside ``core`` with its outline, and how it was found.

    Args:
        image: ``(H, W, 3)`` uint8 crop.
        core: ``(H, W)`` bool, inside the lines' polygons.
        height: Line height in pixels.
    """
    near = dilate(core, max(2, round(0.15 * height)))
    around = ring(core, max(2, round(0.2 * height)), max(8, round(1.0 * height)))
    if not around.any():
        return core, "the polygon fills the page; it is used"
    for attempt, most, reason in (
        (_by_ink, 0.85, "even ink that ends inside the polygon"),
        (_by_color, 0.55, "colours found only in the lettering"),
        (_by_contrast, 0.75, "marks that stand out from the art"),
        (_by_solidity, 0.75, "solid shapes over art"),
    ):
        found = _kept(attempt(image, core, around, height), core, near, height)
        if _separates(found, core, around, height) and float(found[core].mean()) <= most:
            return _with_outline(image, found, near, height), reason
    return core, "no strokes stand out; the polygon is used"


def _separates(found: Mask, core: Mask, around: Mask, height: float) -> bool:
    """Whether the shapes fill a fair part of the polygons, little around, and span them."""
    inside, outside = float(found[core].mean()), float(found[around].mean())
    if not 0.04 <= inside <= 0.85 or outside > 0.3 * inside:
        return False
    reached = dilate(found, max(2, round(0.6 * height)))
    return float(reached[core].mean()) >= 0.9


def _kept(candidate: Mask, core: Mask, near: Mask, height: float) -> Mask:
    """Candidate shapes that are large enough for lettering and lie mostly in the polygons."""
    parts = Components.of(candidate)
    inside = parts.count(near) / np.maximum(parts.area, 1)
    large = parts.area >= max(4.0, (0.04 * height) ** 2)
    depth = np.asarray(cv2.distanceTransform(candidate.view(np.uint8), cv2.DIST_L2, 5))
    thin = parts.count(depth > 0.3 * height) <= 0.05 * parts.area  # strokes, not bubbles
    return parts.select((inside >= 0.7) & large & thin & (parts.count(core) > 0))


def _by_ink(image: Image, core: Mask, around: Mask, height: float) -> Mask:
    """Even colours that mostly end inside the polygons, and what they enclose.

    Art behind lettering runs on to the outside; ink does not. Fill and outline of a letter are two
    such colours; a third, enclosed by the outline, comes with it.
    """
    near = dilate(core, max(2, round(0.15 * height)))
    edges = local_range(image)
    found = np.zeros_like(core)
    for color in dominant_colors(image[core], 5):
        same = channel_distance(image, color) <= 32
        shapes = _kept(same, core, near, height)
        share = float(shapes[core].mean())
        if share < max(0.03, 0.2 * float(same[core].mean())):
            continue
        if float(edges[dilate(shapes, 1) & ~shapes].mean()) >= 60.0:  # ink has hard edges
            found |= shapes
    return found | _enclosed(found, height) if found.any() else found


def _enclosed(found: Mask, height: float) -> Mask:
    """Areas narrower than a letter that the shapes enclose."""
    free = ~found
    parts = Components.of(free, connectivity=4)
    depth = np.asarray(cv2.distanceTransform(free.view(np.uint8), cv2.DIST_L2, 5))
    deep = parts.count(depth > 0.2 * height) > 0
    edge = np.zeros_like(found)
    edge[[0, -1], :] = True
    edge[:, [0, -1]] = True
    return parts.select(~deep & (parts.count(edge) == 0))


def _by_color(image: Image, core: Mask, around: Mask, height: float) -> Mask:
    """Pixels whose colour is at least twice as common in the polygons as around them."""
    keys = color_cells(image)
    inside, outside = color_density(keys[core]), color_density(keys[around])
    ratio = (inside + 1e-4) / (outside + 1e-4)
    likely = cv2.GaussianBlur(np.log(ratio)[keys].astype(np.float32), (0, 0), 0.7)
    return closed(likely > np.log(2.0), 1)


def color_cells(image: Image) -> NDArray[np.int32]:
    """``(H, W)`` int32: which of 16 x 16 x 16 cells each pixel's colour lies in."""
    cells = (image >> 4).astype(np.int32)
    keys: NDArray[np.int32] = (cells[..., 0] * 16 + cells[..., 1]) * 16 + cells[..., 2]
    return keys


def color_density(keys: NDArray[np.int32]) -> NDArray[np.float32]:
    """``(4096,)`` float32 smoothed histogram of 16-level colour cells, summing to 1."""
    counts = np.bincount(keys, minlength=4096).astype(np.float32).reshape(16, 16, 16)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        lower, upper = np.take(padded, range(16), axis), np.take(padded, range(2, 18), axis)
        counts = 0.5 * counts + 0.25 * (lower + upper)
    density: NDArray[np.float32] = counts.reshape(-1) / max(float(counts.sum()), 1.0)
    return density


def _by_contrast(image: Image, core: Mask, around: Mask, height: float) -> Mask:
    """Marks that stand out, in either polarity."""
    found = np.zeros_like(core)
    for strength in marks(image, height):
        values = strength[core].reshape(-1, 1)
        threshold, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        chosen = strength > max(24.0, float(threshold))
        if float(chosen[core].mean()) >= 2.5 * float(chosen[around].mean()):
            found |= chosen
    return found


def marks(image: Image, height: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """How light and how dark marks are that are narrower than a third of the line, ``(H, W)`` each.

    By top-hat and black-hat.
    """
    radius = max(2, round(0.18 * height))
    return _hat(image, cv2.MORPH_TOPHAT, radius), _hat(image, cv2.MORPH_BLACKHAT, radius)


def _by_solidity(image: Image, core: Mask, around: Mask, height: float) -> Mask:
    """Dark and light shapes by Otsu's threshold, without marks thinner than a stroke."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    values = grey[core].reshape(-1, 1)
    threshold, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    radius = max(1, round(0.045 * height))
    near = dilate(core, max(2, round(0.15 * height)))
    found = np.zeros_like(core)
    for side in (grey <= threshold, grey > threshold):
        solid = dilate(opened(side, radius), 1) & side
        found |= _kept(solid, core, near, height)
    return found


def _hat(image: Image, operation: int, radius: int) -> NDArray[np.uint8]:
    """``(H, W)`` uint8: the strongest channel of a top-hat or black-hat by a disc.

    The cost grows with the square of the radius, so large discs work on a smaller picture.
    """
    factor = -(-radius // 12)
    height, width = image.shape[:2]
    if factor > 1:
        small = (max(1, width // factor), max(1, height // factor))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
    marks = cv2.morphologyEx(image, operation, disc(max(1, round(radius / factor))))
    found = np.ascontiguousarray(strongest(np.asarray(marks, np.uint8)))
    if factor > 1:
        found = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR))
    return found


def _with_outline(image: Image, found: Mask, near: Mask, height: float) -> Mask:
    """Add the outline around lettering: a band of even colour, unlike the lettering.

    Bands of growing width are tried up to a fifth of the line height.
    """
    best = found
    widest = max(2, round(0.2 * height))
    inner = np.median(image[found], axis=0)
    for width in range(2, widest + 1):
        band = ring(found, width - 2, width)
        if not band.any():
            break
        values = image[band].astype(np.float32)
        unlike = np.abs(values - inner).max(axis=1) > 60
        even = float(np.median(np.abs(values - np.median(values, axis=0)), axis=0).max()) <= 16
        if float(unlike.mean()) >= 0.8 and even:
            best = dilate(found, width)
        elif width > 3:
            break
    return best & dilate(near, widest)
