"""The second look: is anything still readable where text was removed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.mask.morphology import dilate, line_height, rasterize
from textclean.parts import around, overlap
from textclean.types import Page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textclean.mask.build import RegionMask
    from textclean.protocols import Detector
    from textclean.types import Box, Image, Polygon

_MARGIN = 32  # pixels around a region that the second look takes in
_OVERLAP = 0.5  # share of a found line that must lie where the region was
_REACH = 6  # pixels around a mask that are where the region was, too
_LARGER = 3.0  # line heights of a region from which on a found line is none that was left there
_PLAIN = 12  # grey levels within which an area is of one colour but for compression noise


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Text that is still found in a cleaned region.

    Attributes:
        lines: Polygons of what was found, in page pixels.
        score: The detector's confidence, 0 to 1.
    """

    lines: tuple[Polygon, ...]
    score: float


def look_again(
    detector: Detector,
    image: Image,
    cleaned: Sequence[RegionMask | None],
    *,
    changed: Collection[int] | None = None,
) -> dict[int, Finding]:
    """Detect around each cleaned region of the page.

    Args:
        detector: The detector that found the regions.
        image: ``(H, W, 3)`` uint8, the cleaned page.
        cleaned: The regions' masks; None = not cleaned, not looked at.
        changed: Indices of those that were cleaned anew since the last look, at which nothing was
            found of the others; what shows none of them is not looked at again. None = all.

    Returns:
        What was found, by the index of the region it was found in. Text that lies mostly outside
        every cleaned region is nobody's leftover and is not reported, nor is what is far higher
        than the lines were: an empty bubble, taken for a sign, is not removed with its border. A
        detector that says that it ``needs_contrast`` is spared regions of which nothing but one
        colour is left; one that ``needs_page`` is shown the page, and not the parts of it around
        the regions.
    """
    found: dict[int, Finding] = {}
    anew = range(len(cleaned)) if changed is None else changed
    boxes = [item.box for index in anew if (item := cleaned[index]) is not None]
    if getattr(detector, "needs_contrast", False):
        cleaned = [None if item is None or _blank(image, item) else item for item in cleaned]
    look = _whole if getattr(detector, "needs_page", False) else _views
    for box, members in look(cleaned, image.shape[:2]):
        if not any(overlap(box, other) for other in boxes):
            continue
        x0, y0, x1, y1 = box
        view = Page.from_rgb(np.ascontiguousarray(image[y0:y1, x0:x1]))
        for region in detector.detect(view):
            if region.action == "keep":  # by a filter: it may stay
                continue
            for line in region.lines or (region.polygon,):
                placed = line + np.array([x0, y0], np.float32)
                owner = _owner(placed, members, cleaned)
                if owner is not None and not _far_higher(placed, cleaned[owner]):
                    known = found.get(owner, Finding((), 0.0))
                    score = max(known.score, region.score)
                    found[owner] = Finding((*known.lines, placed), score)
    return dict(sorted(found.items()))


def _views(
    cleaned: Sequence[RegionMask | None], shape: tuple[int, int]
) -> list[tuple[Box, list[int]]]:
    """Boxes around the cleaned regions, overlapping ones merged, with the regions in each."""
    views: list[tuple[Box, list[int]]] = []
    for index, item in enumerate(cleaned):
        if item is None or not item.mask.any():
            continue
        x0, y0, x1, y1 = item.region.box
        box = (
            max(x0 - _MARGIN, 0),
            max(y0 - _MARGIN, 0),
            min(x1 + _MARGIN, shape[1]),
            min(y1 + _MARGIN, shape[0]),
        )
        members = [index]
        while merged := next((view for view in views if _cheaper_together(view[0], box)), None):
            views.remove(merged)
            box, members = around(merged[0], box), merged[1] + members
        views.append((box, members))
    return views


def _whole(
    cleaned: Sequence[RegionMask | None], shape: tuple[int, int]
) -> list[tuple[Box, list[int]]]:
    """The page with all cleaned regions in it; no view when there are none."""
    members = [i for i, item in enumerate(cleaned) if item is not None and item.mask.any()]
    return [((0, 0, shape[1], shape[0]), members)] if members else []


def _blank(image: Image, item: RegionMask) -> bool:
    """Whether where a region was, all is of one colour."""
    x0, y0, x1, y1 = item.box
    there = image[y0:y1, x0:x1][dilate(item.mask, _REACH)]
    return not len(there) or bool((np.ptp(there, axis=0) < _PLAIN).all())


def _cheaper_together(a: Box, b: Box) -> bool:
    return _area(around(a, b)) <= 1.2 * (_area(a) + _area(b))


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _owner(
    line: Polygon, members: Sequence[int], cleaned: Sequence[RegionMask | None]
) -> int | None:
    """The cleaned region in which most of the line lies, or None."""
    best, owner = 0.0, None
    for index in members:
        item = cleaned[index]
        if item is None:
            continue
        x0, y0, _, _ = item.box
        local = [line - np.array([x0, y0], np.float32)]
        inside = rasterize(local, item.mask.shape)
        total = max(float(inside.sum()), _polygon_area(line), 1.0)
        share = float((inside & dilate(item.mask, _REACH)).sum()) / total
        if share > best:
            best, owner = share, index
    return owner if best >= _OVERLAP else None


def _far_higher(line: Polygon, item: RegionMask | None) -> bool:
    """Whether a line is far higher than those of a region; annotations have none."""
    lines = () if item is None else item.region.lines
    if not lines:
        return False
    return line_height(line) >= _LARGER * float(np.median([line_height(own) for own in lines]))


def _polygon_area(polygon: Polygon) -> float:
    x, y = polygon[:, 0].astype(float), polygon[:, 1].astype(float)
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2.0
