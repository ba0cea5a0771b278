from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclean import regions_json
from textclean.errors import RegionsFileError
from textclean.options import Options
from textclean.regions_json import PageRecord, dumps, parse, to_json
from textclean.types import KINDS, Background, Lettering, Metadata, Page, PageResult, Region

SETTING = {
    "font_size": 20, "stroke_width": 2, "rotation": 0, "slant": 0, "align": "start",
    "line_count": 1, "color": [0, 0, 0], "background_color": [255, 255, 255],
}  # fmt: skip
SQUARE = [[10, 10], [90, 10], [90, 40], [10, 40]]


@cache
def schema() -> jsonschema.Draft202012Validator:
    """Not a fixture: Hypothesis spells out arguments, and a validator takes 90 kB."""
    text = files("textclean").joinpath(regions_json.SCHEMA).read_text(encoding="utf-8")
    described = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


coordinates = st.floats(-500, 5000, width=32).map(lambda v: round(v, 2))
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7, unique=True).map(
    lambda points: np.array(points, np.float32)
)
boxes = st.lists(st.integers(0, 4000), min_size=4, max_size=4).map(
    lambda v: (v[0], v[1], v[0] + v[2] + 1, v[1] + v[3] + 1)
)
shares = st.floats(0, 1).map(lambda v: round(v, 4))
colors = st.tuples(*[st.integers(0, 255)] * 3)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
backgrounds = st.builds(
    Background,
    texture=st.sampled_from(["flat", "gradient", "art"]),
    color=colors,
    spread=st.floats(0, 99).map(lambda v: round(v, 2)),
    outliers=shares,
)
angles = st.floats(-180, 180).map(lambda v: round(v, 1))
lengths = st.floats(0, 500).map(lambda v: round(v, 1))
letterings = st.builds(
    Lettering,
    font_size=lengths,
    stroke_width=lengths,
    rotation=angles,
    slant=angles,
    align=st.sampled_from(["start", "center", "end"]),
    line_count=st.integers(1, 40),
    line_spacing=st.none() | lengths,
    color=colors,
    outline_color=st.none() | colors,
    background_color=colors,
)
regions = st.builds(
    Region,
    polygon=polygons,
    lines=st.lists(polygons, max_size=3).map(tuple),
    kind=st.sampled_from(KINDS),
    score=shares,
    direction=st.sampled_from(["horizontal", "vertical"]),
    text=st.none() | texts,
    language=st.none() | st.sampled_from(["ja", "und-Latn"]),
    font_size=st.none() | st.floats(1, 400).map(lambda v: round(v, 1)),
    stroke_color=st.none() | colors,
    background=st.none() | backgrounds,
    action=st.sampled_from([None, "fill", "inpaint", "unmix", "keep"]),
    reason=texts,
    grown=st.integers(0, 50),
    confidence=st.none() | st.floats(0, 99).map(lambda v: round(v, 2)),
    residual=st.none() | shares,
    bubble=st.none() | polygons,
    safe_box=st.none() | boxes,
    see_through=st.booleans(),
    safe_ellipse=st.none() | boxes,
    lettering=st.none() | letterings,
)
records = st.builds(
    PageRecord,
    regions=st.lists(regions, max_size=4).map(tuple),
    residual=st.lists(regions, max_size=1).map(tuple),
    name=texts,
    number=st.none() | st.integers(1, 5000),
    size=st.none() | st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
    mode=st.none() | st.sampled_from(["L", "RGB", "I;16"]),
    orientation=st.integers(1, 8),
    options=st.dictionaries(texts, st.none() | st.booleans() | texts, max_size=3),
    weights=st.dictionaries(texts, texts, max_size=2),
    versions=st.dictionaries(texts, texts, max_size=2),
)


def same_region(a: Region, b: Region) -> bool:
    return plain(a) == plain(b)


def plain(value: object) -> object:
    """Dataclasses as dictionaries and arrays as their type and values, to be compared."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tolist()
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


@settings(max_examples=60, deadline=None)
@given(pages=st.lists(records, max_size=3), source=texts)
def test_what_is_written_follows_the_schema_and_is_read_back(
    pages: list[PageRecord], source: str
) -> None:
    text = dumps(pages, source=source)
    assert json.loads(text) == to_json(pages, source=source)
    schema().validate(json.loads(text))
    assert dumps(pages, source=source) == text
    again = parse(text)
    assert len(again) == len(pages)
    for before, after in zip(pages, again, strict=True):
        for name in ("name", "number", "size", "mode", "orientation"):
            assert getattr(before, name) == getattr(after, name)
        for name in ("options", "weights", "versions"):
            assert getattr(before, name) == dict(getattr(after, name))
        for name in ("regions", "residual"):
            pairs = zip(getattr(before, name), getattr(after, name), strict=True)
            assert all(same_region(a, b) for a, b in pairs)


def test_a_result_is_told_as_stored() -> None:
    pixels = np.zeros((30, 60), np.uint8)
    page = Page(
        pixels=pixels,
        mode="L",
        rgb=np.zeros((60, 30, 3), np.uint8),
        metadata=Metadata(orientation=6),
        name="a/b.png",
        number=4,
    )
    region = Region(polygon=np.array(SQUARE, np.float32), text="…あ", action="fill")
    result = PageResult(
        page=page,
        mask=np.zeros((30, 60), bool),
        regions=(region,),
        residual=(region,),
        versions={"textclean": "1"},
    )
    record = PageRecord.of(result, options=Options().as_dict(), weights={"detection": "x.onnx"})
    (told,) = to_json([record], source="book.cbz")["pages"]
    assert (told["width"], told["height"], told["mode"], told["orientation"]) == (60, 30, "L", 6)
    assert (told["name"], told["number"]) == ("a/b.png", 4)
    assert told["options"]["profile"] == "manga"
    assert told["weights"] == {"detection": "x.onnx"} and told["versions"] == {"textclean": "1"}
    (row,) = told["regions"]
    assert (row["id"], row["order"], row["box"]) == ("p4-r1", 1, [10, 10, 91, 41])
    assert row["polygon"] == SQUARE
    assert told["residual"][0]["id"] == "p4-r1"
    assert "…あ" in dumps([record])  # readable, not escaped


def test_each_region_stands_on_a_line_of_its_own() -> None:
    region = Region(polygon=np.array(SQUARE, np.float32))
    text = dumps([PageRecord(regions=(region, region))])
    assert sum('"polygon"' in line for line in text.splitlines()) == 2


MINIMAL: dict[str, Any] = {"regions": [{"polygon": SQUARE}]}


@pytest.mark.parametrize(
    "document",
    [
        MINIMAL,
        {"pages": [MINIMAL]},
        {"pages": []},
        {"regions": []},
        {**MINIMAL, "name": "p1.png", "number": 2, "width": 100, "height": 80},
        {"format": "textclean-regions", "version": 1, "pages": [MINIMAL, MINIMAL]},
        {"pages": [{"regions": [{"polygon": SQUARE, "kind": None, "lines": None, "score": None}]}]},
        {"regions": [{"polygon": [*SQUARE, SQUARE[0]]}]},
        {"regions": [{"polygon": SQUARE, "bubble": None, "safe_box": None, "see_through": None}]},
        {**MINIMAL, "my-program": {"deep": [1]}, "regions": [{"polygon": SQUARE, "x-note": 1}]},
    ],
)
def test_what_people_write_by_hand_is_read_and_follows_the_schema(
    document: dict[str, Any],
) -> None:
    schema().validate(document)
    pages = parse(json.dumps(document))
    for page in pages:
        for region in page.regions:
            assert region.polygon.tolist() == SQUARE
            assert region.polygon.dtype == np.float32
            assert (region.kind, region.direction, region.score) == ("free", "horizontal", 1.0)
            assert (region.bubble, region.safe_box, region.see_through) == (None, None, False)


def test_regions_come_by_their_order_and_the_rest_behind_as_written() -> None:
    orders = [3, None, 1, None, 2]
    rows = [{"polygon": SQUARE, "order": o, "text": str(i)} for i, o in enumerate(orders)]
    (page,) = parse(json.dumps({"regions": rows}))
    assert [region.text for region in page.regions] == ["2", "4", "0", "1", "3"]


EMPTY = [5, 5, 5, 9]


def bad(**values: object) -> dict[str, Any]:
    return {"regions": [{"polygon": SQUARE, **values}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "not an object"),
        ("x", "not an object"),
        ({}, 'neither "pages" nor "regions"'),
        ({"pages": {}}, "pages is {}, not a list"),
        ({"pages": [3]}, r"pages\[0\] is 3, not an object"),
        ({"format": "labelme", "regions": []}, 'format is "labelme", not one of'),
        ({"version": "1", "regions": []}, 'version is "1", not a number'),
        ({"version": 1.5, "regions": []}, "version is 1.5, not a whole number"),
        ({"version": 2, "regions": []}, "only version 1 is understood"),
        ({"regions": None}, "regions is null, not a list"),
        ({"regions": [{}]}, r'regions\[0\] is a region without "polygon"'),
        (bad(polygon=[[1, 2], [3, 4]]), r"regions\[0\].polygon is a polygon of 2 points"),
        (bad(polygon=[[1, 1], [1, 1], [1, 1]]), "a polygon of 1 points"),
        (bad(polygon=[[1, 2, 3], [1, 2], [3, 4]]), r"polygon\[0\] is a point with 3 coordinates"),
        (bad(polygon=[[1, "2"], [1, 2], [3, 4]]), r'polygon\[0\] is "2", not a number'),
        (bad(polygon=[[1, True], [1, 2], [3, 4]]), "is true, not a number"),
        (bad(polygon=[[1, 1e9], [1, 2], [3, 4]]), "pixels away"),
        (bad(polygon=[[1, 10**400], [1, 2], [3, 4]]), "too large"),
        (bad(lines=[[[1, 2]]]), r"regions\[0\].lines\[0\] is a polygon of 1 points"),
        (bad(kind="ballon"), 'kind is "ballon", not one of bubble, caption'),
        (bad(direction="up"), "direction"),
        (bad(action="delete"), "action"),
        (bad(score=1.2), "score is 1.2, not between 0 and 1"),
        (bad(residual=-0.1), "residual"),
        (bad(text=5), "text is 5, not text"),
        (bad(grown=-1), "grown is -1, not a whole number of 0 or more"),
        (bad(font_size=-3), "font_size is -3, which is negative"),
        (bad(stroke_color=[1, 2]), "stroke_color"),
        (bad(stroke_color=[1, 2, 256]), "three levels"),
        (bad(bubble=[[1, 2], [3, 4]]), r"bubble is a polygon of 2 points"),
        (bad(bubble=7), "bubble is 7, not a list"),
        (bad(safe_box=[1, 2, 3]), r"safe_box is \[1, 2, 3\], not the four edges"),
        (bad(safe_box=[1, 2.5, 3, 4]), "safe_box is 2.5, not a whole number"),
        (bad(safe_box=[1, 2, 3, 10**7]), "safe_box is a box that reaches"),
        (bad(safe_box=EMPTY), "a box without an inside"),
        (bad(safe_ellipse=[1, 2, 3]), r"safe_ellipse is \[1, 2, 3\], not the four edges"),
        (bad(lettering={"font_size": 3}), 'lettering without "stroke_width"'),
        (bad(lettering=SETTING | {"slant": 200}), "slant is 200, not an angle"),
        (bad(lettering=SETTING | {"align": "left"}), "not one of start, center, end"),
        (bad(see_through=1), "see_through is 1, not true or false"),
        (bad(background={"texture": "flat"}), 'a background without "color"'),
        (bad(background={"texture": "wood", "color": [1, 2, 3]}), "texture"),
        ({"regions": [], "width": 0}, "width is 0, not 1 or more"),
        ({"regions": [], "orientation": 9}, "orientation is 9"),
        ({"regions": [], "number": 0}, "number is 0"),
        ({"regions": [], "versions": {"a": 1}}, "versions.a is 1, not text"),
        ({"regions": [], "options": []}, "options"),
    ],
)
def test_what_does_not_follow_the_schema_is_refused_with_its_place(
    document: object, message: str
) -> None:
    text = json.dumps(document)
    with pytest.raises(RegionsFileError, match=message) as caught:
        parse(text, source="edited.json")
    assert caught.value.source == "edited.json"
    assert caught.value.remedy and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    # That points coincide, or a box has no inside, is what a schema cannot say.
    unsaid = (bad(polygon=[[1, 1]] * 3), bad(safe_box=EMPTY))
    assert schema().is_valid(json.loads(text)) == (document in unsaid)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON: .* in line 1, column 2"),
        ('{"regions": [', "not JSON"),
        ("\x00\x01", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ('{"regions": [{"polygon": [[NaN, 1], [2, 3], [4, 5]]}]}', "NaN is not a number"),
        ('{"regions": [{"polygon": [[1e999, 1], [2, 3], [4, 5]]}]}', "too large"),
        ("[" * 200_000, "cannot be read|not JSON"),
        ('{"version": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(RegionsFileError, match=message):
        parse(text)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert len(parse(b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode())) == 1


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["pages", "regions", "polygon", "lines", "score", "background"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_by_name(value: object) -> None:
    try:
        parse(json.dumps(value))
    except RegionsFileError as error:
        assert str(error)
