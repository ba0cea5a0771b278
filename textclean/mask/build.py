"""From a region's polygons to the pixels that are removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from textclean.mask.bubble import find_bubble, limit_to_bubble
from textclean.mask.grow import grow
from textclean.mask.ink import refine
from textclean.mask.morphology import Components, dilate, line_height, rasterize
from textclean.mask.strokes import Strokes, find_strokes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textclean.ink_map import InkMap
    from textclean.types import Box, Image, Mask, Polygon, Region

_MAX_OTHER = 0.25  # share of the mask's edge that may be something else than plain, a border say
_LONG = 3.0  # length of a block, in widths, from which on no more of its surroundings is looked at


@dataclass(frozen=True, slots=True, eq=False)
class RegionMask:
    """What is to be removed for one region.

    Attributes:
        region: The region, with stroke colour, font size and growth filled in.
        box: Crop of the page that the arrays cover.
        mask: ``(h, w)`` bool, the pixels to remove.
        strokes: The lettering in the crop, and what is known of its background.
    """

    region: Region
    box: Box
    mask: Mask
    strokes: Strokes

    def paste(self, canvas: Mask) -> None:
        """Set the mask's pixels on a page-sized mask."""
        x0, y0, x1, y1 = self.box
        canvas[y0:y1, x0:x1] |= self.mask


def build_mask(
    image: Image,
    region: Region,
    *,
    style: Literal["strokes", "polygons"] = "strokes",
    grow_by: int | None = None,
    extra: int = 0,
    ink: InkMap | None = None,
) -> RegionMask:
    """The pixels to remove for one region.

    Args:
        image: ``(H, W, 3)`` uint8 page.
        region: A block of text; its ``lines`` are used, or its polygon when it has none.
        style: "strokes" (the pixels of the lettering) or "polygons" (everything inside the lines).
        grow_by: Pixels to grow by; None = judged from the image.
        extra: Pixels to grow by on top of that (second attempts).
        ink: What the ink network says of the page: a second opinion on the strokes, and the bubble
            that the mask does not leave.
    """
    lines = region.lines or (region.polygon,)
    height = float(np.median([line_height(line) for line in lines]))
    box = _crop_box(region, height, image.shape[:2])
    crop = image[box[1] : box[3], box[0] : box[2]]
    offset = np.array(box[:2], np.float32)
    local = [line - offset for line in lines]
    if crop.size == 0:
        empty = np.zeros(crop.shape[:2], bool)
        return RegionMask(
            region, box, empty, Strokes(empty, empty, None, None, empty, "outside the page")
        )
    strokes = find_strokes(crop, local, height)
    if ink is not None:
        strokes = refine(strokes, ink.crop(box), crop, local, height)
    if style == "polygons":
        strokes = _whole_polygons(strokes, local, crop)
    mask, grown = grow(crop, strokes, height, pixels=grow_by)
    if extra:
        mask, grown = dilate(mask, extra), grown + extra
    described = region.with_(
        font_size=region.font_size or _font_size(local),
        stroke_color=_stroke_color(crop, strokes),
        grown=grown,
    )
    bubble = None if ink is None else find_bubble(ink, strokes.mask, box)
    if bubble is not None:
        described = bubble.describe(described)
        if style == "strokes":
            mask = limit_to_bubble(mask, strokes.mask, bubble.inside(box), grown)
    return RegionMask(described, box, mask, strokes)


def union(masks: Iterable[RegionMask | None], shape: tuple[int, int]) -> Mask:
    """The page-sized union of region masks; None is passed over."""
    canvas = np.zeros(shape, bool)
    for item in masks:
        if item is not None:
            item.paste(canvas)
    return canvas


def join(before: RegionMask, again: RegionMask) -> RegionMask:
    """The second mask of a region together with its first, in the first one's region."""
    boxes = np.array([before.box, again.box])
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()

    def both(one: Mask, other: Mask) -> Mask:
        whole = (x0, y0, x1, y1)
        return _moved(one, before.box, whole) | _moved(other, again.box, whole)

    first, second = before.strokes, again.strokes
    lettering = both(first.mask, second.mask)
    interior = None
    if first.interior is not None and second.interior is not None:
        interior = both(first.interior, second.interior)
    strokes = Strokes(
        mask=lettering,
        art=both(first.art, second.art) & ~lettering,
        surface=None,
        interior=interior,
        bridge=both(first.bridge, second.bridge),
        reason=second.reason,
    )
    region = before.region.with_(grown=again.region.grown)
    return RegionMask(region, (x0, y0, x1, y1), both(before.mask, again.mask), strokes)


def near_lines(item: RegionMask, lines: Sequence[Polygon]) -> RegionMask:
    """A mask without what is not near some lines: farther from them than they are high."""
    local = [line - np.array(item.box[:2], np.float32) for line in lines]
    there = dilate(rasterize(local, item.mask.shape), round(max(map(line_height, lines))))
    strokes = replace(item.strokes, bridge=item.strokes.bridge & there)
    return replace(item, mask=item.mask & there, strokes=strokes)


def near_mask(item: RegionMask, before: RegionMask, reach: int) -> RegionMask:
    """A mask without what lies farther than ``reach`` pixels from another one."""
    return replace(item, mask=item.mask & dilate(_moved(before.mask, before.box, item.box), reach))


def _moved(mask: Mask, box: Box, other: Box) -> Mask:
    """A mask of one crop of the page as a mask of another; what lies outside of it is lost."""
    (x0, y0, x1, y1), (left, top, right, bottom) = box, other
    canvas = np.zeros((bottom - top, right - left), bool)
    inner = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    if inner[0] < inner[2] and inner[1] < inner[3]:
        part = mask[inner[1] - y0 : inner[3] - y0, inner[0] - x0 : inner[2] - x0]
        canvas[inner[1] - top : inner[3] - top, inner[0] - left : inner[2] - left] = part
    return canvas


def surroundings(item: RegionMask, hole: Mask) -> tuple[Mask, float]:
    """Background pixels around a region's mask, and the share of specks among them.

    Args:
        item: The region's mask.
        hole: ``(h, w)`` bool, everything masked on the page in the region's crop.

    Returns:
        ``(h, w)`` bool samples: in a plain area only its own pixels, so that what lies behind the
        bubble's border does not count; and the share of small marks in that area that are neither
        lettering nor border (a texture that a plain fill would lose).
    """
    height = item.region.font_size or 12.0
    reach = max(6, round(0.5 * height))
    around = dilate(item.mask, reach) & ~dilate(hole, 1)
    if item.strokes.interior is None:
        return around, 0.0
    samples = around & item.strokes.interior
    parts = Components.of(item.strokes.art)
    small = parts.select(parts.longest < 1.2 * height)
    near = around & dilate(item.strokes.interior, 1)
    specks = float((near & small).sum()) / max(int(near.sum()), 1)
    edge = dilate(item.mask, 3) & ~dilate(hole, 1)
    other = 1.0 - float(item.strokes.interior[edge].mean()) if edge.any() else 0.0
    return samples, max(specks, other - _MAX_OTHER)


def _crop_box(region: Region, height: float, shape: tuple[int, ...]) -> Box:
    x0, y0, x1, y1 = region.box
    short, long = sorted((x1 - x0, y1 - y0))
    margin = round(max(2.0 * height, 0.35 * min(long, _LONG * short)))
    page_height, page_width = shape[:2]
    left, top = min(max(x0 - margin, 0), page_width), min(max(y0 - margin, 0), page_height)
    return (
        left,
        top,
        max(min(x1 + margin, page_width), left),
        max(min(y1 + margin, page_height), top),
    )


def _whole_polygons(strokes: Strokes, lines: list[Polygon], crop: Image) -> Strokes:
    inside = rasterize(lines, crop.shape[:2])
    return replace(
        strokes, mask=inside, art=strokes.art & ~inside, reason="the whole polygon, as asked"
    )


def _font_size(lines: list[Polygon]) -> float:
    """Body height of the glyphs: detectors draw lines about a quarter higher than the glyphs."""
    heights = [line_height(line) for line in lines]
    return round(float(np.median(heights)) * 0.8, 1)


def _stroke_color(crop: Image, strokes: Strokes) -> tuple[int, int, int] | None:
    """Median colour of the strokes' inside, where antialiasing has no share."""
    if not strokes.mask.any():
        return None
    inside = strokes.mask
    if strokes.surface is not None:
        distance = strokes.surface.distance(crop)
        inside = inside & (distance >= 0.7 * float(np.quantile(distance[inside], 0.9)))
    red, green, blue = np.median(crop[inside], axis=0)
    return int(red), int(green), int(blue)
