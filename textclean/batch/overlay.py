"""A picture of what was found: outlines, reading order and the pixels that are to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from textclean import native
from textclean.errors import PageError

if TYPE_CHECKING:
    from textclean.types import Image, Mask, PageResult, Polygon, Region

COLORS: Final[dict[str, tuple[int, int, int]]] = {
    "fill": (0, 140, 60),
    "inpaint": (200, 0, 140),
    "unmix": (0, 90, 220),
    "keep": (120, 120, 120),
}
"""RGB of the outline, by what is done with the region."""

_UNDECIDED: Final = (230, 120, 0)
_RESIDUAL: Final = (220, 0, 0)
_TINT: Final = 0.55  # share of the colour over the pixels that are to go
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(result: PageResult) -> Image:
    """Draw a page's regions on it.

    Each region has the colour of what is done with it (green: filled, magenta: inpainted, blue:
    unmixed, grey: kept; red: text is still found there), its place in the reading order, and a
    tint on the pixels of its mask.

    Args:
        result: What was detected, or cleaned.

    Returns:
        ``(H, W, 3)`` uint8 RGB, upright.
    """
    page = result.page
    orientation = page.metadata.orientation
    canvas = page.rgb.copy()
    mask = native.upright(result.mask, orientation)
    outlines = [
        native.points_upright(region.polygon, orientation, page.size) for region in result.regions
    ]
    for region, outline in zip(result.regions, outlines, strict=True):
        _tint(canvas, mask, outline, region_color(region), reach=8 + region.grown)
    width = max(1, round(min(canvas.shape[:2]) / 500))
    for number, (region, outline) in enumerate(zip(result.regions, outlines, strict=True), 1):
        _outline(canvas, outline, region_color(region), width)
        _label(canvas, str(number), outline, region_color(region), width)
    return canvas


def encode_png(image: Image) -> bytes:
    """An ``(H, W, 3)`` uint8 RGB image as a PNG."""
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise PageError("the overlay picture cannot be encoded")
    return bytes(data)


def region_color(region: Region) -> tuple[int, int, int]:
    """RGB of what is done with a region; red where text is still found."""
    if region.residual:
        return _RESIDUAL
    return _UNDECIDED if region.action is None else COLORS[region.action]


def _tint(
    canvas: Image,
    mask: Mask,
    outline: Polygon,
    color: tuple[int, int, int],
    *,
    reach: int,
) -> None:
    """Colour the mask's pixels in and around a polygon."""
    x0, y0 = np.maximum(np.floor(outline.min(axis=0)).astype(int) - reach, 0)
    x1, y1 = np.ceil(outline.max(axis=0)).astype(int) + reach + 1
    view, inside = canvas[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    if not inside.any():
        return
    shape = np.zeros(inside.shape, np.uint8)
    local = np.rint(outline - [x0, y0]).astype(np.int32)
    cv2.fillPoly(shape, [local], 1)
    cv2.polylines(shape, [local], isClosed=True, color=1, thickness=2 * reach)
    chosen = inside & (shape > 0)
    mixed = (1 - _TINT) * view[chosen] + _TINT * np.array(color)
    view[chosen] = np.rint(mixed).astype(np.uint8)


def _outline(canvas: Image, outline: Polygon, color: tuple[int, int, int], width: int) -> None:
    points = np.rint(outline).astype(np.int32)
    cv2.polylines(canvas, [points], True, (255, 255, 255), width + 2, cv2.LINE_AA)
    cv2.polylines(canvas, [points], True, color, width, cv2.LINE_AA)


def _label(
    canvas: Image, text: str, outline: Polygon, color: tuple[int, int, int], width: int
) -> None:
    """A number on a plate over the outline's top left corner, inside the page."""
    scale = max(0.4, 0.35 * width)
    (wide, high), below = cv2.getTextSize(text, _FONT, scale, width)
    margin = 2 * width
    left, top = outline[outline.sum(axis=1).argmin()]
    x = int(np.clip(left, 0, max(canvas.shape[1] - wide - 2 * margin, 0)))
    y = int(np.clip(top - high - 2 * margin, 0, max(canvas.shape[0] - high - 2 * margin, 0)))
    corner = x + wide + 2 * margin, y + high + below + margin
    cv2.rectangle(canvas, (x, y), corner, color, cv2.FILLED)
    origin = x + margin, y + high + margin
    cv2.putText(canvas, text, origin, _FONT, scale, (255, 255, 255), width, cv2.LINE_AA)
