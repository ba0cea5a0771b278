from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lettered import Sheet, blank
from numpy.typing import NDArray

from textclean.detect import recognize
from textclean.detect.lines import Line, box_line, corners
from textclean.detect.onnx import shipped_weights
from textclean.detect.ppocr import DETECTION_WEIGHTS, RECOGNITION_WEIGHTS
from textclean.detect.recognize import HEIGHT, Recognizer, strip
from textclean.errors import WeightsError

# Classes: blank, a, b, c, space.
STEPS = {"": 0, "a": 1, "b": 2, "c": 3, " ": 4}


class FakeNetwork:
    """Gives the classes it is told to for every line; remembers the batches."""

    def __init__(self, says: str, sure: float = 0.9, classes: int = 5) -> None:
        self.path = Path("fake.onnx")
        self.notes = {"character": "a\nb\nc"}
        self.batches: list[tuple[int, ...]] = []
        self._says, self._sure, self._classes = says, sure, classes

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch.shape)
        answer = np.zeros((len(batch), len(self._says), self._classes), np.float32)
        for step, character in enumerate(self._says):
            answer[:, step, STEPS.get(character, 0)] = self._sure
        return answer


def recognizer(monkeypatch: pytest.MonkeyPatch, network: FakeNetwork) -> Recognizer:
    monkeypatch.setattr(recognize, "OnnxNetwork", lambda path, threads: network)
    return Recognizer(Path("fake.onnx"))


@pytest.mark.parametrize(
    ("steps", "text"),
    [("aab--b", "abb"), ("a-a", "aa"), ("a b", "a b"), (" ab ", "ab"), ("-----", ""), ("   ", "")],
)
def test_repetitions_are_merged_and_blanks_dropped(
    monkeypatch: pytest.MonkeyPatch, steps: str, text: str
) -> None:
    reader = recognizer(monkeypatch, FakeNetwork(steps))
    ((found, confidence),) = reader.read(blank(), [box_line(10, 10, 110, 34)])
    assert found == text
    assert confidence == (pytest.approx(0.9) if text else 0.0)


def test_what_is_read_without_confidence_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = recognizer(monkeypatch, FakeNetwork("abc", sure=0.7))
    assert reader.read(blank(), [box_line(10, 10, 110, 34)]) == [("", 0.0)]


def test_lines_are_batched_by_width_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    network = FakeNetwork("abc")
    reader = recognizer(monkeypatch, network)
    short, long = box_line(10, 10, 60, 34), box_line(10, 50, 390, 70)
    results = reader.read(blank(), [long, *[short] * 9, long])
    assert len(results) == 11
    assert sorted(shape[0] for shape in network.batches) == [1, 2, 8]
    assert all(shape[1:3] == (3, HEIGHT) and shape[3] % 64 == 0 for shape in network.batches)
    assert reader.read(blank(), []) == []


def test_a_dictionary_of_another_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = recognizer(monkeypatch, FakeNetwork("abc", classes=9))
    with pytest.raises(WeightsError, match="9 classes for 5 characters"):
        reader.read(blank(), [box_line(10, 10, 110, 34)])


def test_a_network_without_characters_is_refused() -> None:
    with pytest.raises(WeightsError, match="no list of characters"):
        Recognizer(shipped_weights(DETECTION_WEIGHTS))


def test_rows_stay_upright_and_columns_are_laid_on_their_side() -> None:
    image = blank()
    image[100:200, 100:120] = (255, 0, 0)  # a column, red
    image[100:120, 100:120] = (0, 0, 255)  # blue at its top
    laid = strip(image, box_line(100, 100, 120, 200))
    assert laid.shape == (48, 240, 3)
    assert tuple(laid[24, 10]) == (255, 0, 0)  # BGR: the top, blue, comes first
    assert tuple(laid[24, 200]) == (0, 0, 255)
    square = strip(image, box_line(100, 100, 120, 122))
    assert square.shape[0] == 48 and square.shape[1] < 60


def test_a_slanted_line_is_straightened() -> None:
    image = blank()
    line = Line(corners((200, 200), (160, 24), 25))
    inner = corners((200, 200), (150, 16), 25)
    import cv2

    cv2.fillPoly(image, [np.rint(inner).astype(np.int32)], (0, 0, 0))
    cut = strip(image, line)
    assert cut[20:28, 40:-40].max() < 60  # black along the middle
    assert cut[:2].min() > 150  # paper along the rim


@pytest.mark.parametrize("line", [box_line(0, 0, 1, 1), box_line(0, 0, 3000, 2)])
def test_degenerate_lines_can_be_cut_out(line: Line) -> None:
    cut = strip(blank(20, 20), line)
    assert cut.shape[0] == HEIGHT and 8 <= cut.shape[1] <= 6400


def test_the_shipped_weights_read_latin_text_upright_and_inverted() -> None:
    reader = Recognizer(shipped_weights(RECOGNITION_WEIGHTS))
    lines = []
    sheet = Sheet(500, 200)
    for y, text in ((20, "Komona Potion Contest"), (80, "WHAT ?!!")):
        x0, y0, x1, y1 = sheet.write(30, y, text, 30)
        lines.append(box_line(x0 - 4, y0 - 4, x1 + 4, y1 + 4))
    expected = ["KomonaPotionContest", "WHAT?!!"]
    for image in (sheet.image, 255 - sheet.image):
        texts = [text.replace(" ", "").replace("？", "?") for text, _ in reader.read(image, lines)]
        assert texts == expected


def test_a_reading_does_not_depend_on_the_other_lines() -> None:
    reader = Recognizer(shipped_weights(RECOGNITION_WEIGHTS))
    sheet = Sheet(500, 200)
    boxes = [sheet.write(30, 20 + 50 * i, text, 26) for i, text in enumerate(("One", "Second two"))]
    lines = [box_line(x0 - 4, y0 - 4, x1 + 4, y1 + 4) for x0, y0, x1, y1 in boxes]
    together = reader.read(sheet.image, lines)
    assert [reader.read(sheet.image, [line])[0] for line in lines] == together
    assert together[0][0] == "One"
