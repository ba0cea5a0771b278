from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from lettered import Sheet, blank

from textclean.detect import load_detector
from textclean.detect.lines import box_line
from textclean.detect.onnx import shipped_weights
from textclean.detect.ppocr import DETECTION_WEIGHTS, RECOGNITION_WEIGHTS, PPOCRDetector
from textclean.detect.tiles import Tiling
from textclean.errors import WeightsError
from textclean.options import Options
from textclean.protocols import Detector
from textclean.types import Image, Page, Region


@pytest.fixture(scope="module")
def detector() -> PPOCRDetector:
    return PPOCRDetector()


def covered(regions: tuple[Region, ...], image: Image) -> float:
    """Share of the dark pixels that lie inside the regions' lines, grown by two pixels."""
    inside = np.zeros(image.shape[:2], np.uint8)
    for region in regions:
        for line in region.lines:
            cv2.fillPoly(inside, [np.rint(line).astype(np.int32)], 1)
    inside = np.asarray(cv2.dilate(inside, np.ones((5, 5), np.uint8)))
    dark = image[..., 1] < 128
    return float(inside[dark].mean())


def test_lines_become_blocks_in_reading_order(detector: PPOCRDetector) -> None:
    sheet = Sheet(700, 500)
    for i, text in enumerate(("Greetings, good Sir.", "Please prepare two", "for me.")):
        sheet.write(40, 40 + 32 * i, text)
    sheet.write(430, 320, "Oh, let me guess")
    sheet.write(430, 352, "business is good")
    regions = detector.detect(Page.from_rgb(sheet.image))
    assert [len(region.lines) for region in regions] == [3, 2]
    assert covered(regions, sheet.image) == 1.0
    for region in regions:
        assert region.direction == "horizontal" and 0.5 < region.score <= 1
        assert region.polygon.dtype == np.float32 and region.text is None
        assert region.action is None


def test_reading_order_can_be_turned_around() -> None:
    sheet = Sheet(700, 200)
    sheet.write(40, 60, "Left bubble")
    sheet.write(450, 60, "Right bubble")
    first = {}
    for order in ("ltr", "rtl", "auto"):
        regions = PPOCRDetector(reading_order=order).detect(Page.from_rgb(sheet.image))
        first[order] = regions[0].box[0] < 300
    assert first == {"ltr": True, "rtl": False, "auto": True}


def test_a_blank_page_and_a_smooth_sky_have_no_text(detector: PPOCRDetector) -> None:
    assert detector.detect(Page.from_rgb(blank(300, 200))) == ()
    sky = np.linspace((40, 90, 200), (230, 240, 250), 400).astype(np.uint8)
    image = np.repeat(sky[:, None], 300, axis=1)
    assert detector.detect(Page.from_rgb(image)) == ()


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (300, 1), (15, 15), (16, 16), (17, 33), (64, 31)]
)
def test_tiny_pages_do_not_fail(detector: PPOCRDetector, size: tuple[int, int]) -> None:
    height, width = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    for image in (noise, blank(width, height)):
        regions = detector.detect(Page.from_rgb(image))
        if min(size) < 16:
            assert regions == ()


def test_text_is_found_in_a_crop_as_on_the_page(detector: PPOCRDetector) -> None:
    sheet = Sheet(900, 700)
    x0, y0, x1, y1 = sheet.write(400, 300, "left over")
    crop = np.ascontiguousarray(sheet.image[y0 - 32 : y1 + 32, x0 - 32 : x1 + 32])
    (region,) = detector.detect(Page.from_rgb(crop))
    assert covered((region,), crop) == 1.0


def test_eight_pixel_text_and_huge_letters_on_a_long_strip(detector: PPOCRDetector) -> None:
    sheet = Sheet(800, 4000)
    for y in (100, 1300, 2130, 2560, 3900):
        sheet.write(90, y, "The quick brown fox jumps", 11)  # capitals are 8 pixels high
    for y in (500, 3000):
        sheet.write(60, y, "BOOM", 280)
    regions = detector.detect(Page.from_rgb(sheet.image))
    assert covered(regions, sheet.image) > 0.995
    assert len(regions) == 7


def test_a_line_that_a_seam_cuts_stays_one_line() -> None:
    sheet = Sheet(600, 300)
    sheet.write(40, 130, "A line of text across several tiles", 30)
    whole = PPOCRDetector()
    cut = PPOCRDetector(tiling=Tiling(whole=0, longest=0, side=256, overlap=96, margin=16))
    (expected,) = whole.detect(Page.from_rgb(sheet.image))
    (found,) = cut.detect(Page.from_rgb(sheet.image))
    assert len(found.lines) == 1
    assert np.abs(np.array(found.box) - expected.box).max() <= 8


def test_the_same_page_gives_the_same_regions() -> None:
    sheet = Sheet(500, 300)
    sheet.write(40, 100, "Determined, this is", 28)
    results = [
        PPOCRDetector(threads=threads).detect(Page.from_rgb(sheet.image)) for threads in (1, 2, 1)
    ]
    for again in results[1:]:
        assert [r.score for r in again] == [r.score for r in results[0]]
        for a, b in zip(results[0], again, strict=True):
            assert np.array_equal(a.polygon, b.polygon)


def test_text_is_read_only_when_asked() -> None:
    sheet = Sheet(500, 200)
    sheet.write(40, 60, "Komona Potion", 30)
    sheet.write(40, 98, "Contest", 30)
    silent = load_detector("ppocr", Options())
    assert isinstance(silent, PPOCRDetector) and silent.recognizer is None
    assert silent.weights == {"detection": DETECTION_WEIGHTS}
    reading = load_detector("ppocr", Options(keep_text="x"))
    (region,) = reading.detect(Page.from_rgb(sheet.image))
    assert region.text is not None
    assert region.text.replace(" ", "") == "KomonaPotion\nContest"
    assert region.language == "und-Latn"
    assert reading.weights["recognition"] == RECOGNITION_WEIGHTS  # type: ignore[attr-defined]


def test_other_weights_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    shutil.copyfile(shipped_weights(DETECTION_WEIGHTS), mine)
    reader = tmp_path / "reader.onnx"
    shutil.copyfile(shipped_weights(RECOGNITION_WEIGHTS), reader)
    options = Options(detector_weights=str(mine), recognizer_weights=str(reader), ocr=True)
    detector = load_detector("ppocr", options)
    assert isinstance(detector, Detector)
    assert detector.weights == {  # type: ignore[attr-defined]
        "detection": "mine.onnx",
        "recognition": "reader.onnx",
    }


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        load_detector("ppocr", Options(detector_weights=str(tmp_path / "none.onnx")))
    with pytest.raises(WeightsError, match="no list of characters"):
        load_detector(
            "ppocr",
            Options(ocr=True, recognizer_weights=str(shipped_weights(DETECTION_WEIGHTS))),
        )
    swapped = load_detector(
        "ppocr", Options(detector_weights=str(shipped_weights(RECOGNITION_WEIGHTS)))
    )
    image = Sheet(300, 200)
    image.write(20, 20, "text")
    with pytest.raises(WeightsError):
        swapped.detect(Page.from_rgb(image.image))


def test_detection_needs_no_network_and_leaves_logging_alone() -> None:
    code = """
import logging, socket, sys
class Blocked(socket.socket):
    def __init__(self, *args, **kwargs):
        raise AssertionError("a socket was opened")
socket.socket = Blocked
socket.create_connection = socket.getaddrinfo = None
before = dict(logging.root.manager.loggerDict), list(logging.root.handlers), logging.root.level
import numpy as np
from textclean.detect import load_detector
from textclean.options import Options
from textclean.types import Page
page = Page.from_rgb(np.full((200, 300, 3), 255, np.uint8))
load_detector("ppocr", Options(ocr=True)).detect(page)
assert list(logging.root.handlers) == before[1] and logging.root.level == before[2]
for name, logger in logging.root.manager.loggerDict.items():
    assert not getattr(logger, "handlers", []), name
assert "rapidocr" not in sys.modules and "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_detection_logs_nothing(
    detector: PPOCRDetector, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        detector.detect(Page.from_rgb(blank(200, 200)))
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_nothing_as_large_as_its_page_is_a_line_but_in_a_cutout(
    detector: PPOCRDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = lambda view: [box_line(0, 0, view.shape[1], view.shape[0], score=0.9)]  # noqa: E731
    monkeypatch.setattr(detector, "_lines", everything)
    assert not detector.find_lines(np.zeros((1400, 1000, 3), np.uint8))
    assert detector.find_lines(np.zeros((80, 400, 3), np.uint8))


@pytest.mark.parametrize(("size", "looks"), [(34, 2), (160, 1)])
def test_a_page_of_very_large_lettering_is_looked_at_halved_only(
    detector: PPOCRDetector, monkeypatch: pytest.MonkeyPatch, size: int, looks: int
) -> None:
    sheet = Sheet(1300, 1000)
    for row in range(3):
        sheet.write(60, 60 + 300 * row, "Good Sir", size)
    shown: list[tuple[int, ...]] = []
    original = detector._lines
    monkeypatch.setattr(
        detector, "_lines", lambda view: (shown.append(view.shape[:2]), original(view))[1]
    )
    regions = detector.detect(Page.from_rgb(sheet.image))
    assert ((1000, 1300) in shown) is (looks == 2) and (500, 650) in shown
    assert covered(regions, sheet.image) > 0.98
