"""Regions in other tools' formats."""

from __future__ import annotations

import json

import numpy as np

from textclean.regions_json import PageRecord
from textclean.regions_json.exchange import coco, labelme, mokuro
from textclean.types import KINDS, Region


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


LINES = _box(30, 10, 50, 90), _box(10, 10, 28, 90)
REGION = Region(
    _box(10, 10, 50, 90), LINES, kind="bubble", direction="vertical", text="縦に\n書く",
    font_size=17.4, score=0.75,
)  # fmt: skip
PAGES = (
    PageRecord(regions=(REGION,), name="a/001.png", number=1, size=(200, 300)),
    PageRecord(regions=(Region(_box(0, 0, 9, 5), kind="sfx"),), name="a/002.png", size=(210, 310)),
)


def test_a_mokuro_volume_has_its_lines_with_their_corners() -> None:
    volume = json.loads(mokuro(PAGES, "Book 1.cbz"))
    assert (volume["title"], volume["volume"]) == ("Book 1", "Book 1")
    first, second = volume["pages"]
    assert (first["img_path"], first["img_width"], first["img_height"]) == ("a/001.png", 200, 300)
    (block,) = first["blocks"]
    assert block["box"] == [10, 10, 51, 91]
    assert (block["vertical"], block["font_size"]) == (True, 17.4)
    assert block["lines"] == ["縦に", "書く"]
    assert block["lines_coords"][0] == [[30, 10], [50, 10], [50, 90], [30, 90]]
    assert second["blocks"][0]["lines"] == [""]


def test_lines_whose_text_is_not_known_one_by_one_become_one() -> None:
    page = PageRecord(regions=(REGION.with_(text="縦に書く"),), size=(9, 9))
    (block,) = json.loads(mokuro([page], ""))["pages"][0]["blocks"]
    assert block["lines"] == ["縦に書く"]
    assert block["lines_coords"] == [[[10, 10], [50, 10], [50, 90], [10, 90]]]


def test_the_same_document_has_the_same_identity() -> None:
    assert mokuro(PAGES, "a.cbz") == mokuro(PAGES, "a.cbz")
    one, other = (json.loads(mokuro(PAGES, name))["volume_uuid"] for name in ("a.cbz", "b.cbz"))
    assert one != other


def test_coco_has_a_category_for_each_kind() -> None:
    found = json.loads(coco(PAGES, "book.cbz"))
    assert [category["name"] for category in found["categories"]] == list(KINDS)
    first, second = found["annotations"]
    assert (first["id"], first["image_id"], second["id"], second["image_id"]) == (1, 1, 2, 2)
    assert first["segmentation"] == [[10, 10, 50, 10, 50, 90, 10, 90]]
    assert (first["bbox"], first["area"]) == ([10, 10, 40, 80], 3200)
    names = {category["id"]: category["name"] for category in found["categories"]}
    assert [names[item["category_id"]] for item in found["annotations"]] == ["bubble", "sfx"]
    assert found["images"][1] == {"id": 2, "file_name": "a/002.png", "width": 210, "height": 310}


def test_labelme_names_its_picture() -> None:
    found = json.loads(labelme(PAGES[0]))
    assert (found["imagePath"], found["imageData"]) == ("001.png", None)
    assert (found["imageWidth"], found["imageHeight"]) == (200, 300)
    (shape,) = found["shapes"]
    assert (shape["label"], shape["description"]) == ("bubble", "縦に\n書く")
    assert (shape["shape_type"], len(shape["points"])) == ("polygon", 4)
