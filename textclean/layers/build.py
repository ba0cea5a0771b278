"""From a result to the layers that a letterer wants.

From the bottom: "Original", locked; "Clean", the cleaned pixels on nothing; "Mask", hidden; and
the group "Text boxes", hidden, with one layer a region in reading order. With the hidden ones
hidden, the layers come to the cleaned page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from textclean import native
from textclean.errors import UsageError
from textclean.layers.planes import Planes, bounds, planes_of
from textclean.layers.stack import Group, Layer, Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.layers.stack import Item
    from textclean.types import Box, Mask, PageResult, Polygon, Region

ORIGINAL: Final = "Original"
CLEAN: Final = "Clean"
MASK: Final = "Mask"
TEXT_BOXES: Final = "Text boxes"

LONGEST_NAME: Final = 120
"""Characters of a layer's name; the formats allow 255, and panels show fewer."""

_MASK_PAINT: Final = 0, (255, 0, 160)  # grey, RGB
_BOX_PAINT: Final = 96, (0, 120, 255)
_BOX_FILL: Final = 0.2  # opacity of a text box inside its outline


def stack_of(result: PageResult, *, per_region: bool = False) -> Stack:
    """The layers of a cleaned page, upright, in the page's own colours and depth.

    Args:
        result: The result; it must know its original.
        per_region: Make a group "Clean" of one layer a region, in reading order, rather than one
            layer.

    Raises:
        UsageError: The result does not know what the page was before.
    """
    if result.original is None:
        raise UsageError(
            "the result does not hold the page as it was before",
            remedy="Take one from clean_page or Cleaner.clean, or give PageResult.from_files the "
            "original",
        )
    page = result.page
    turn = page.metadata.orientation
    mask = np.ascontiguousarray(native.upright(result.mask, turn))
    before, after = planes_of(result.original), planes_of(page)
    regions = upright_regions(result)
    original = Layer(ORIGINAL, before.colors, before.alpha, locked=True)
    items: list[Item] = [original]
    if per_region:
        items.append(_patches(after, mask, regions))
    elif patch := _patch(CLEAN, after, mask):
        items.append(patch)
    if painted := _painted_mask(after, mask):
        items.append(painted)
    items.append(_text_boxes(after, regions))
    dpi = page.metadata.dpi
    return Stack(
        after.space,
        after.colors,
        after.alpha,
        tuple(items),
        icc=_profile(page.metadata.icc, after),
        dpi=dpi[::-1] if dpi is not None and turn >= 5 else dpi,
    )


def upright_regions(result: PageResult) -> list[Region]:
    """The regions of a result in pixels of the page as it is seen."""
    turn, size = result.page.metadata.orientation, result.page.size
    return [native.region_upright(region, turn, size) for region in result.regions]


def layer_name(number: int, region: Region) -> str:
    """``012 bubble`` and the recognized text, where there is some, on one line."""
    words = f"{number:03d} {region.kind} {region.text or ''}".split()
    name = " ".join(words)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _profile(icc: bytes | None, planes: Planes) -> bytes | None:
    """The profile, where it is one for the layers' colours."""
    spaces = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
    return icc if icc is not None and icc[16:20] == spaces[planes.space] else None


def _patch(name: str, planes: Planes, mask: Mask) -> Layer | None:
    """The page's pixels under a mask; on a page with transparency they keep theirs."""
    box = bounds(mask)
    if box is None:
        return None
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    full = planes.colors.dtype.type(planes.full)
    shown = mask[part]
    alpha = shown * full if planes.alpha is None else np.where(shown, planes.alpha[part], 0)
    return Layer(
        name,
        np.where(shown[..., None], planes.colors[part], 0).astype(planes.colors.dtype),
        alpha.astype(planes.colors.dtype),
        left=box[0],
        top=box[1],
    )


def _patches(planes: Planes, mask: Mask, regions: Sequence[Region]) -> Group:
    """One patch a region: each pixel of the mask belongs to the region nearest to it."""
    removed = [index for index, region in enumerate(regions) if region.action != "keep"]
    owner = _nearest([regions[index].polygon for index in removed], mask)
    layers = []
    for place, index in enumerate(removed):
        name = layer_name(index + 1, regions[index])
        if layer := _patch(name, planes, owner == place + 1):
            layers.append(layer)
    if not removed and (layer := _patch(CLEAN, planes, mask)):
        layers.append(layer)
    return Group(CLEAN, tuple(reversed(layers)))


def _nearest(polygons: Sequence[Polygon], mask: Mask) -> NDArray[np.int32]:
    """``(H, W)``: number from 1 of the polygon nearest to each pixel of the mask; 0 elsewhere."""
    seeds = np.zeros(mask.shape, np.int32)
    for number, polygon in enumerate(polygons, start=1):
        cv2.fillPoly(seeds, [np.rint(polygon).astype(np.int32)], number)
    if not seeds.any():
        return mask.astype(np.int32) * bool(polygons)
    _, labels = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number_of = np.zeros(int(labels.max()) + 1, np.int32)
    inside = seeds > 0
    number_of[labels[inside]] = seeds[inside]
    return np.where(mask, number_of[labels], 0).astype(np.int32)


def _painted_mask(planes: Planes, mask: Mask) -> Layer | None:
    """The mask as paint on nothing: it can be drawn on, and read back with ``--mask``."""
    box = bounds(mask)
    if box is None:
        return None
    part = mask[box[1] : box[3], box[0] : box[2]]
    pixels = np.where(part[..., None], planes.paint(*_MASK_PAINT), 0)
    return Layer(
        MASK,
        pixels.astype(planes.colors.dtype),
        (part * planes.full).astype(planes.colors.dtype),
        left=box[0],
        top=box[1],
        visible=False,
    )


def _text_boxes(planes: Planes, regions: Sequence[Region]) -> Group:
    layers = [
        layer
        for number, region in enumerate(regions, start=1)
        if (layer := _text_box(planes, layer_name(number, region), region))
    ]
    return Group(TEXT_BOXES, tuple(reversed(layers)), visible=False)


def _text_box(planes: Planes, name: str, region: Region) -> Layer | None:
    """Where new text goes: the safe rectangle, or the block's outline where there is none."""
    height, width = planes.colors.shape[:2]
    box = _clipped(region.safe_box or region.box, width, height)
    if box is None:
        return None
    shape = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    corners = _outline(region) - np.array(box[:2], np.float32)
    points = [np.rint(corners).astype(np.int32)]
    cv2.fillPoly(shape, points, round(255 * _BOX_FILL))
    line = max(1, round(min(width, height) / 600))
    cv2.polylines(shape, points, isClosed=True, color=255, thickness=line)
    scale = planes.full // 255
    pixels = np.broadcast_to(planes.paint(*_BOX_PAINT), (*shape.shape, planes.colors.shape[2]))
    alpha: Any = shape.astype(planes.colors.dtype) * planes.colors.dtype.type(scale)
    return Layer(name, np.ascontiguousarray(pixels), alpha, left=box[0], top=box[1])


def _outline(region: Region) -> Polygon:
    """``(N, 2)`` corners of the text box, on its pixels."""
    if region.safe_box is None:
        return region.polygon
    x0, y0, x1, y1 = region.safe_box
    return np.array([[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]], np.float32)


def _clipped(box: Box, width: int, height: int) -> Box | None:
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
