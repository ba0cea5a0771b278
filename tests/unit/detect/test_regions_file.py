from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textclean import native, regions_json
from textclean.detect import load_detector
from textclean.detect.regions_file import RegionsFileDetector
from textclean.errors import FileAccessError, RegionsFileError
from textclean.options import Options
from textclean.protocols import Detector
from textclean.regions_json import PageRecord
from textclean.types import Background, Metadata, Page, Region

SQUARE = [[10, 10], [30, 10], [30, 18], [10, 18]]


def page(name: str = "", number: int = 1, orientation: int = 1) -> Page:
    """A page of 60 x 40 pixels as stored."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    return Page(
        pixels=pixels,
        mode="RGB",
        rgb=np.ascontiguousarray(native.upright(pixels, orientation)),
        metadata=Metadata(orientation=orientation),
        name=name,
        number=number,
    )


def written(tmp_path: Path, document: dict[str, Any]) -> Detector:
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return load_detector("regions", Options(detector="regions", regions=str(path)))


def texts(detector: Detector, page: Page) -> list[str | None]:
    return [region.text for region in detector.detect(page)]


def entry(text: str, **values: object) -> dict[str, Any]:
    return {"regions": [{"polygon": SQUARE, "text": text}], **values}


def test_a_file_with_nothing_but_polygons_serves_any_page(tmp_path: Path) -> None:
    detector = written(tmp_path, {"regions": [{"polygon": SQUARE}]})
    for shown in (page(), page("x.png", 7)):
        (region,) = detector.detect(shown)
        assert region.polygon.tolist() == SQUARE
        assert region.action is None and region.reason == ""
    assert detector.can_verify is False  # type: ignore[attr-defined]


def test_pages_are_found_by_name_then_by_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = written(tmp_path, {"pages": [entry("a", name="a.png"), entry("b", name="b.png")]})
    assert texts(named, page("b.png", 1)) == ["b"]
    with caplog.at_level("WARNING"):
        assert texts(named, page("c.png", 1)) == []
    assert caplog.messages == [f"{tmp_path / 'edited.json'} says nothing about c.png"]
    numbered = written(tmp_path, {"pages": [entry("one", number=1), entry("two", number=2)]})
    assert texts(numbered, page("whatever.png", 2)) == ["two"]
    assert texts(numbered, page("", 3)) == []


def test_a_file_made_for_one_named_page_is_not_taken_for_another(tmp_path: Path) -> None:
    detector = written(tmp_path, {"pages": [entry("a", name="a.png")]})
    assert texts(detector, page("a.png")) == ["a"]
    assert texts(detector, page("b.png")) == []
    assert texts(detector, page("")) == ["a"]  # an array has no name


def test_regions_of_a_page_of_another_size_are_refused(tmp_path: Path) -> None:
    fitting = written(tmp_path, entry("a", width=60, height=40))
    assert texts(fitting, page("p.png")) == ["a"]
    detector = written(tmp_path, entry("a", width=61, height=40))
    with pytest.raises(RegionsFileError, match=r"61×40 pixels, and this one has 60×40") as caught:
        detector.detect(page("p.png"))
    assert caught.value.page == "p.png"
    assert caught.value.source is not None and caught.value.source.endswith("edited.json")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_coordinates_in_the_file_are_as_stored(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:19, 10:31] = 255
    detector = written(tmp_path, {"regions": [{"polygon": SQUARE, "lines": [SQUARE]}]})
    shown = page(orientation=orientation)
    (region,) = detector.detect(shown)
    x0, y0, x1, y1 = region.box
    upright = native.upright(pixels, orientation)
    ys, xs = np.nonzero(upright[..., 0])
    assert (x0, y0, x1, y1) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert np.array_equal(region.lines[0], region.polygon)


def test_what_textclean_wrote_is_valid_input_and_is_decided_anew(tmp_path: Path) -> None:
    polygon = np.array(SQUARE, np.float32)
    done = Region(
        polygon=polygon,
        lines=(polygon,),
        kind="bubble",
        score=0.7,
        direction="vertical",
        text="あ",
        language="ja",
        font_size=6.0,
        stroke_color=(1, 2, 3),
        background=Background("flat", (255, 255, 255), 0.5, 0.0),
        action="fill",
        reason="flat",
        grown=2,
        confidence=1.0,
        residual=0.0,
    )
    kept = done.with_(action="keep", reason="a logo")
    path = tmp_path / "out.regions.json"
    record = PageRecord(regions=(done, kept, kept.with_(reason="")), name="p.png", size=(60, 40))
    path.write_text(regions_json.dumps([record]), encoding="utf-8")
    first, second, third = RegionsFileDetector.from_file(path).detect(page("p.png"))
    assert (first.kind, first.score, first.direction) == ("bubble", 0.7, "vertical")
    assert (first.text, first.language, first.font_size) == ("あ", "ja", 6.0)
    assert (first.action, first.reason, first.grown) == (None, "", 0)
    assert first.background is first.stroke_color is first.confidence is first.residual is None
    assert (second.action, second.reason) == ("keep", "a logo")
    assert (third.action, third.reason) == ("keep", "kept: the regions file says so")


def test_a_file_that_cannot_be_read_or_understood_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(FileAccessError, match="cannot be read"):
            RegionsFileDetector.from_file(path)
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(RegionsFileError, match="not JSON") as caught:
        load_detector("regions", Options(detector="regions", regions=str(broken)))
    assert caught.value.source == str(broken)
