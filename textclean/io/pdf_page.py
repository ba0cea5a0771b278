"""The page as a sheet: its inherited attributes, its boxes, its rotation."""

from __future__ import annotations

from typing import Any

import pikepdf

from textclean.errors import CorruptInputError


def mapping(value: Any) -> Any:
    """A dictionary or stream as it is; anything else as an empty dictionary."""
    return value if isinstance(value, pikepdf.Dictionary | pikepdf.Stream) else pikepdf.Dictionary()


def rotation(page: pikepdf.Page) -> int:
    """Clockwise rotation of the page when it is shown: 0, 90, 180 or 270 degrees."""
    value = inherited(page.obj, "/Rotate")
    degrees = int(value) if isinstance(value, int) else 0
    return degrees % 360 if degrees % 90 == 0 else 0


def visible_box(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """The part of user space that is shown: left, bottom, right, top.

    Raises:
        CorruptInputError: The page has no usable box.
    """
    try:
        media = _rectangle(inherited(page.obj, "/MediaBox") or (0, 0, 612, 792))
        crop = _rectangle(inherited(page.obj, "/CropBox") or media)
    except (TypeError, ValueError) as error:
        raise CorruptInputError(f"the page's box is damaged ({error})") from None
    both = (
        max(media[0], crop[0]),
        max(media[1], crop[1]),
        min(media[2], crop[2]),
        min(media[3], crop[3]),
    )
    # A crop box beside the paper is ignored, as viewers do.
    return both if both[0] < both[2] and both[1] < both[3] else media


def shown_inches(page: pikepdf.Page) -> tuple[float, float]:
    """Width and height of the page as it is shown."""
    left, bottom, right, top = visible_box(page)
    unit = unit_inches(page)
    size = (right - left) * unit, (top - bottom) * unit
    return size if rotation(page) in (0, 180) else size[::-1]


def inherited(page: pikepdf.Object, key: str) -> Any:
    """An attribute of the page or of the nodes above it, or None."""
    node: Any = page
    for _ in range(64):
        if not isinstance(node, pikepdf.Dictionary):
            return None
        if key in node:
            return node[key]
        node = node.get("/Parent")
    return None


def unit_inches(page: pikepdf.Page) -> float:
    """Inches of one unit of user space."""
    try:
        unit = float(page.obj.get("/UserUnit", 1))
    except (TypeError, ValueError):
        unit = 1.0
    return (unit if unit > 0 else 1.0) / 72


def _rectangle(box: Any) -> tuple[float, float, float, float]:
    a, b, c, d = (float(value) for value in box)
    return min(a, c), min(b, d), max(a, c), max(b, d)
