"""Region files: what was found and decided on each page, as JSON, written and read back.

The format is described by ``textclean/regions.schema.json`` (JSON Schema, draft 2020-12).
Coordinates are pixels of the page *as stored* in its file: the EXIF orientation, which is written
beside the size, is not applied. What textclean writes is valid input for its detector ``regions``,
and so is a file written by hand that holds nothing but polygons::

    {"regions": [{"polygon": [[10, 10], [90, 10], [90, 40], [10, 40]]}]}

Keys that are not known are passed over, so that other programs may add their own.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from textclean.errors import RegionsFileError
from textclean.regions_json import setting
from textclean.regions_json import values as read
from textclean.types import KINDS, Action, Background, Direction, Region, Texture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textclean.types import Box, PageResult, Polygon

FORMAT: Final = "textclean-regions"
VERSION: Final = 1
SCHEMA: Final = "regions.schema.json"

_LARGEST = 1_000_000.0  # pixels; no page is that large, so a coordinate beyond it is a mistake


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PageRecord:
    """What a region file says about one page.

    Attributes:
        regions: In reading order, in pixels of the page as stored.
        residual: Regions where text is still found after cleaning.
        name: Name of the page in its document, or "".
        number: Position in the document, from 1, or None when the file does not say.
        size: Width and height as stored, or None when the file does not say.
        mode: Pixel mode, or None.
        orientation: EXIF orientation, 1 to 8.
        options: The options of the run.
        weights: Names of the weights in use, by task.
        versions: Names and versions of what made the result.
    """

    regions: tuple[Region, ...] = ()
    residual: tuple[Region, ...] = ()
    name: str = ""
    number: int | None = None
    size: tuple[int, int] | None = None
    mode: str | None = None
    orientation: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        result: PageResult,
        *,
        options: Mapping[str, Any] | None = None,
        weights: Mapping[str, str] | None = None,
    ) -> PageRecord:
        """What is to be told about a cleaned page.

        Args:
            result: The result; its regions are as stored.
            options: The run's options as plain values.
            weights: Names of the weights in use, by task.
        """
        page = result.page
        height, width = page.pixels.shape[:2]
        return cls(
            regions=result.regions,
            residual=result.residual,
            name=page.name,
            number=page.number,
            size=(int(width), int(height)),
            mode=page.mode,
            orientation=page.metadata.orientation,
            options=dict(options or {}),
            weights=dict(weights or {}),
            versions=dict(result.versions),
        )


def to_json(pages: Iterable[PageRecord], *, source: str = "") -> dict[str, Any]:
    """A document's pages as plain values that ``json`` can write and the schema describes.

    Args:
        pages: In document order.
        source: Name of the document.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": source,
        "pages": [_page_out(page) for page in pages],
    }


def dumps(pages: Iterable[PageRecord], *, source: str = "") -> str:
    """The text of a region file: one line a region, the same bytes for the same pages."""
    document = to_json(pages, source=source)
    bodies = []
    for page in document["pages"]:
        rows = {key: page.pop(key) for key in ("regions", "residual")}
        head = json.dumps(page, ensure_ascii=False, allow_nan=False)[1:-1]
        lists = (f'"{key}": {_rows(value)}' for key, value in rows.items())
        bodies.append("{" + ", ".join([head, *lists]) + "}")
    start = json.dumps({k: v for k, v in document.items() if k != "pages"}, ensure_ascii=False)
    return start[:-1] + ', "pages": [\n' + ",\n".join(bodies) + "\n]}\n"


def parse(text: str | bytes, *, source: str | None = None) -> tuple[PageRecord, ...]:
    """Read a region file.

    Args:
        text: Its contents.
        source: Its name, for messages.

    Returns:
        The pages, in the order of the file; regions by their ``order`` where they have one.

    Raises:
        RegionsFileError: It is not JSON, of a later version, or does not follow the schema; the
            message names the place.
    """
    try:
        return _document_in(read.decoded(text))
    except RegionsFileError as error:
        raise error.at(source=source) from None


# Writing


def _rows(items: Sequence[dict[str, Any]]) -> str:
    if not items:
        return "[]"
    rows = (json.dumps(item, ensure_ascii=False, allow_nan=False) for item in items)
    return "[\n" + ",\n".join(rows) + "\n]"


def _page_out(page: PageRecord) -> dict[str, Any]:
    prefix = f"p{page.number or 1}"
    known = {id(region): f"{prefix}-r{i}" for i, region in enumerate(page.regions, start=1)}
    width, height = page.size or (None, None)
    return {
        "name": page.name,
        "number": page.number,
        "width": width,
        "height": height,
        "mode": page.mode,
        "orientation": page.orientation,
        "options": dict(page.options),
        "weights": dict(page.weights),
        "versions": dict(page.versions),
        "regions": [
            {"id": f"{prefix}-r{order}", "order": order, **_region_out(region)}
            for order, region in enumerate(page.regions, start=1)
        ],
        "residual": [
            {"id": known.get(id(region), f"{prefix}-x{order}"), **_region_out(region)}
            for order, region in enumerate(page.residual, start=1)
        ],
    }


def _region_out(region: Region) -> dict[str, Any]:
    background = region.background
    return {
        "polygon": _points_out(region.polygon),
        "box": list(region.box),
        "lines": [_points_out(line) for line in region.lines],
        "bubble": None if region.bubble is None else _points_out(region.bubble),
        "safe_box": None if region.safe_box is None else list(region.safe_box),
        "safe_ellipse": None if region.safe_ellipse is None else list(region.safe_ellipse),
        "kind": region.kind,
        "direction": region.direction,
        "text": region.text,
        "language": region.language,
        "score": _rounded(region.score, 4),
        "font_size": None if region.font_size is None else _rounded(region.font_size, 1),
        "stroke_color": None if region.stroke_color is None else list(region.stroke_color),
        "background": None
        if background is None
        else {
            "texture": background.texture,
            "color": list(background.color),
            "spread": _rounded(background.spread, 2),
            "outliers": _rounded(background.outliers, 4),
        },
        "lettering": setting.written(region.lettering),
        "action": region.action,
        "reason": region.reason,
        "grown": region.grown,
        "see_through": region.see_through,
        "confidence": None if region.confidence is None else _rounded(region.confidence, 2),
        "residual": None if region.residual is None else _rounded(region.residual, 4),
    }


def _points_out(points: Polygon) -> list[list[float | int]]:
    return [[_rounded(x, 2), _rounded(y, 2)] for x, y in points.tolist()]


def _rounded(value: float, digits: int) -> float | int:
    """Rounded; without a fraction where there is none."""
    short = round(float(value), digits)
    return int(short) if short.is_integer() else short


# Reading. Each function takes a value and its place in the file, for messages.


def _document_in(value: object) -> tuple[PageRecord, ...]:
    document = read.mapping(value, "")
    read.optional(document, "format", "", read.one_of((FORMAT,)))
    version = read.optional(document, "version", "", read.extent)
    if version is not None and version > VERSION:
        raise RegionsFileError(
            f"the file is of version {version}, and only version {VERSION} is understood",
            remedy="Update textclean",
        )
    if "pages" in document:
        pages = read.items(document["pages"], "pages")
        return tuple(_page_in(page, f"pages[{i}]") for i, page in enumerate(pages))
    if "regions" in document:
        return (_page_in(document, ""),)
    raise read.wrong("", 'an object with neither "pages" nor "regions"')


def _page_in(value: object, place: str) -> PageRecord:
    page = read.mapping(value, place)
    width, height = (read.optional(page, key, place, read.extent) for key in ("width", "height"))
    return PageRecord(
        regions=_regions_in(page.get("regions", []), read.at(place, "regions")),
        residual=_regions_in(page.get("residual", []), read.at(place, "residual")),
        name=read.with_default(page, "name", place, read.string, ""),
        number=read.optional(page, "number", place, read.extent),
        size=(width, height) if width is not None and height is not None else None,
        mode=read.optional(page, "mode", place, read.string),
        orientation=read.with_default(page, "orientation", place, _orientation, 1),
        options=read.with_default(page, "options", place, read.mapping, {}),
        weights=read.with_default(page, "weights", place, read.names, {}),
        versions=read.with_default(page, "versions", place, read.names, {}),
    )


def _regions_in(value: object, place: str) -> tuple[Region, ...]:
    found = []
    for index, item in enumerate(read.items(value, place)):
        here = f"{place}[{index}]"
        region = read.mapping(item, here)
        order = read.optional(region, "order", here, read.whole)
        found.append((math.inf if order is None else order, index, _region_in(region, here)))
    return tuple(region for _, _, region in sorted(found, key=lambda item: item[:2]))


def _region_in(region: Mapping[str, Any], place: str) -> Region:
    if "polygon" not in region:
        raise read.wrong(place, 'a region without "polygon"')
    lines: list[Any] = read.with_default(region, "lines", place, read.items, [])
    return Region(
        polygon=_polygon(region["polygon"], read.at(place, "polygon")),
        lines=tuple(_polygon(line, f"{place}.lines[{i}]") for i, line in enumerate(lines)),
        kind=read.with_default(region, "kind", place, read.one_of(KINDS), "free"),
        score=read.with_default(region, "score", place, read.share, 1.0),
        direction=read.with_default(
            region, "direction", place, read.one_of(get_args(Direction)), "horizontal"
        ),
        text=read.optional(region, "text", place, read.string),
        language=read.optional(region, "language", place, read.string),
        font_size=read.optional(region, "font_size", place, read.nonnegative),
        stroke_color=read.optional(region, "stroke_color", place, setting.color),
        background=read.optional(region, "background", place, _background),
        action=read.optional(region, "action", place, read.one_of(get_args(Action))),
        reason=read.with_default(region, "reason", place, read.string, ""),
        grown=read.with_default(region, "grown", place, read.whole, 0),
        confidence=read.optional(region, "confidence", place, read.nonnegative),
        residual=read.optional(region, "residual", place, read.share),
        bubble=read.optional(region, "bubble", place, _polygon),
        safe_box=read.optional(region, "safe_box", place, _box),
        safe_ellipse=read.optional(region, "safe_ellipse", place, _box),
        lettering=read.optional(region, "lettering", place, setting.parsed),
        see_through=read.with_default(region, "see_through", place, read.boolean, False),
    )


def _background(value: object, place: str) -> Background:
    background = read.mapping(value, place)
    for key in ("texture", "color"):
        if key not in background:
            raise read.wrong(place, f'a background without "{key}"')
    return Background(
        texture=read.one_of(get_args(Texture))(background["texture"], read.at(place, "texture")),
        color=setting.color(background["color"], read.at(place, "color")),
        spread=read.with_default(background, "spread", place, read.nonnegative, 0.0),
        outliers=read.with_default(background, "outliers", place, read.share, 0.0),
    )


def _polygon(value: object, place: str) -> Polygon:
    points = []
    for index, item in enumerate(read.items(value, place)):
        here = f"{place}[{index}]"
        pair = [read.number(coordinate, here) for coordinate in read.items(item, here)]
        if len(pair) != 2:
            raise read.wrong(here, f"a point with {len(pair)} coordinates, not 2")
        if max(map(abs, pair)) > _LARGEST:
            raise read.wrong(here, f"a point {max(map(abs, pair)):g} pixels away")
        points.append(pair)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    polygon = np.array(points, np.float32).reshape(-1, 2)
    different = len(np.unique(polygon, axis=0))
    if different < 3:
        raise read.wrong(place, f"a polygon of {different} points, not 3 or more")
    return polygon


def _box(value: object, place: str) -> Box:
    edges = [read.whole(edge, place) for edge in read.items(value, place)]
    if len(edges) != 4:
        raise read.wrong(place, f"{edges}, not the four edges x0, y0, x1, y1 of a box")
    if max(edges) > _LARGEST:
        raise read.wrong(place, f"a box that reaches {max(edges):g} pixels far")
    x0, y0, x1, y1 = edges
    if x0 >= x1 or y0 >= y1:
        raise read.wrong(place, f"{edges}, a box without an inside")
    return x0, y0, x1, y1


def _orientation(value: object, place: str) -> int:
    found = read.whole(value, place)
    if not 1 <= found <= 8:
        raise read.wrong(place, f"{found}, not an EXIF orientation from 1 to 8")
    return found
