from __future__ import annotations

import subprocess
import sys

import pytest

from textclean import detect
from textclean.detect import list_detectors, load_detector, register_detector
from textclean.errors import OptionsError, UnknownNameError, UsageError
from textclean.options import Options
from textclean.types import Page, Region


class Nothing:
    def detect(self, page: Page) -> tuple[Region, ...]:
        return ()


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "_FACTORIES", dict(detect._FACTORIES))


def test_the_shipped_detectors_are_listed_sorted() -> None:
    assert list_detectors() == ("easyocr", "ink", "ppocr", "regions")


def test_a_registered_detector_is_made_when_it_is_loaded_and_gets_the_options() -> None:
    seen: list[object] = []

    def factory(options: object) -> Nothing:
        seen.append(options)
        return Nothing()

    register_detector("mine", factory)
    assert seen == []
    options = Options(detector="mine")
    assert isinstance(load_detector("mine", options), Nothing)
    assert seen == [options]
    assert "mine" in list_detectors()


def test_a_taken_name_is_refused_unless_it_is_to_be_replaced() -> None:
    with pytest.raises(UsageError, match="exists already"):
        register_detector("ppocr", lambda options: Nothing())
    register_detector("ppocr", lambda options: Nothing(), replace=True)
    assert isinstance(load_detector("ppocr", Options()), Nothing)
    with pytest.raises(UsageError, match="needs a name"):
        register_detector("", lambda options: Nothing())


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="'craft'") as caught:
        load_detector("craft", Options())
    assert caught.value.remedy == "Known: easyocr, ink, ppocr, regions"


def test_the_regions_detector_wants_a_file() -> None:
    class NoFile:
        detector_weights = recognizer_weights = regions = None
        device, offline, reading_order, needs_text = "cpu", True, "auto", False

    with pytest.raises(OptionsError, match="none was given"):
        load_detector("regions", NoFile())


def test_importing_the_registry_loads_no_library_of_any_detector() -> None:
    code = (
        "import sys, textclean.detect as d; d.list_detectors(); "
        "heavy = {'onnxruntime', 'rapidocr', 'torch', 'easyocr', 'cv2', 'shapely'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
