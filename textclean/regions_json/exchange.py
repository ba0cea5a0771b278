"""Regions in the formats of other tools, too: mokuro, COCO and LabelMe; those are not read.

Coordinates are pixels of the page as stored in its file, as in the region file itself.
"""

from __future__ import annotations

import json
import uuid
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from textclean.regions_json import dumps
from textclean.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.regions_json import PageRecord
    from textclean.types import Polygon, Region

FORMATS: Final = ("textclean", "mokuro", "coco", "labelme")
"""What ``--regions-format`` takes; the first is the region file itself."""

SUFFIXES: Final = {"textclean": ".regions.json", "mokuro": ".mokuro", "coco": ".coco.json"}
"""What a document's file ends in; LabelMe has a file for each page."""

_MOKURO: Final = "0.2.1"  # the version whose readers are known to take these keys
_LABELME: Final = "5.5.0"
_SPACE: Final = uuid.UUID("6f3b1c1e-6a2b-5d0c-9a57-3c2f6f6d5a10")


def document(kind: str, pages: Sequence[PageRecord], source: str) -> str:
    """The text of a document's file.

    Args:
        kind: A format that has one file for all pages.
        pages: In document order.
        source: Name of the document.
    """
    if kind == "mokuro":
        return mokuro(pages, source)
    return coco(pages, source) if kind == "coco" else dumps(pages, source=source)


def mokuro(pages: Sequence[PageRecord], source: str) -> str:
    """A volume for mokuro's readers: blocks of lines, each with its four corners and its text."""
    title = PurePosixPath(source).stem or "volume"
    identity = str(uuid.uuid5(_SPACE, source))  # the same for the same document
    return _text(
        {
            "version": _MOKURO,
            "title": title,
            "title_uuid": identity,
            "volume": title,
            "volume_uuid": identity,
            "pages": [_mokuro_page(page) for page in pages],
        }
    )


def coco(pages: Sequence[PageRecord], source: str) -> str:
    """A data set for object detection: one category a kind of region, polygons and boxes."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image, page in enumerate(pages, start=1):
        width, height = page.size or (0, 0)
        images.append({"id": image, "file_name": page.name, "width": width, "height": height})
        for region in page.regions:
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, **_coco_region(region)}
            )
    return _text(
        {
            "info": {"description": f"Text regions of {source}"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": [
                {"id": number, "name": kind, "supercategory": "text"}
                for number, kind in enumerate(KINDS, start=1)
            ],
        }
    )


def labelme(page: PageRecord) -> str:
    """A page for LabelMe; its picture is named, not contained."""
    width, height = page.size or (0, 0)
    return _text(
        {
            "version": _LABELME,
            "flags": {},
            "shapes": [
                {
                    "label": region.kind,
                    "points": _points(region.polygon),
                    "group_id": None,
                    "description": region.text or "",
                    "shape_type": "polygon",
                    "flags": {},
                }
                for region in page.regions
            ],
            "imagePath": PurePosixPath(page.name).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
    )


def _mokuro_page(page: PageRecord) -> dict[str, Any]:
    width, height = page.size or (0, 0)
    return {
        "version": _MOKURO,
        "img_width": width,
        "img_height": height,
        "blocks": [_block(region) for region in page.regions],
        "img_path": page.name,
    }


def _block(region: Region) -> dict[str, Any]:
    outlines = region.lines or (region.polygon,)
    texts = (region.text or "").split("\n")
    if len(texts) != len(outlines):
        # Which line says what is not known: the block is one line of everything.
        outlines, texts = (region.polygon,), ["".join(texts) if region.text else ""]
    size = region.font_size or 0.0
    if region.lettering is not None:
        size = region.lettering.font_size
    return {
        "box": list(region.box),
        "vertical": region.direction == "vertical",
        "font_size": round(size, 1),
        "lines_coords": [_corners(outline) for outline in outlines],
        "lines": texts,
    }


def _coco_region(region: Region) -> dict[str, Any]:
    low, high = region.polygon.min(axis=0), region.polygon.max(axis=0)
    x, y = region.polygon.astype(np.float64).T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return {
        "category_id": KINDS.index(region.kind) + 1,
        "segmentation": [[value for point in _points(region.polygon) for value in point]],
        "bbox": [round(float(value), 2) for value in (*low, *(high - low))],
        "area": round(area, 2),
        "iscrowd": 0,
        "score": round(region.score, 4),
        "attributes": {"text": region.text, "direction": region.direction},
    }


def _corners(outline: Polygon) -> list[list[float]]:
    """Top left, top right, bottom right, bottom left of the smallest rectangle around a line."""
    corners = cv2.boxPoints(cv2.minAreaRect(outline.astype(np.float32)))
    first = int(corners.sum(axis=1).argmin())
    return _points(np.roll(corners, -first, axis=0).astype(np.float32))


def _points(polygon: Polygon) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in polygon.tolist()]


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
