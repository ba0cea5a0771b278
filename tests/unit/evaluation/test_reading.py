"""Edit distances against a plain table, agreements by hand, and one line read for real."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.detect.lines import box_line
from textclean.evaluation.data import PairImages
from textclean.evaluation.reading import ShippedReader, agreement, edit_distance, read_print


def table_distance(a, b):
    """Wagner and Fischer's table, cell by cell."""
    table = [
        [max(i, j) if not min(i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)
    ]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
            )
    return table[-1][-1]


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("", "ab", 2),
        ("kitten", "sitting", 3),
        ("abc", "xabcx", 2),
        ("ſchön", "schon", 2),
        ("日本語", "日語", 1),
        ("𝄞a", "a", 1),
    ],
)
def test_known_distances(a, b, distance):
    assert edit_distance(a, b) == distance


@given(st.text("abß ", max_size=12), st.text("abß ", max_size=12))
def test_distances_equal_the_plain_table(a, b):
    assert edit_distance(a, b) == table_distance(a, b) == edit_distance(b, a)


def test_agreement_sums_over_lines():
    assert agreement(["abcd", "efghij"], ["abcd", "efghij"]) == 1.0
    assert agreement(["abcd", "efghij"], ["abxd", ""]) == pytest.approx(1 - 7 / 10)
    assert agreement(["ab"], ["abcdefg"]) == 0.0
    assert math.isnan(agreement([], []))
    with pytest.raises(ValueError, match="argument"):
        agreement(["a"], ["a", "b"])


class LevelReader:
    """Reads a line as the grey level in its middle; sure of all but one line."""

    def __init__(self):
        self.lines = [box_line(0, y, 30, y + 9) for y in (0, 10, 20)]
        self.found_on = []

    def find(self, image):
        self.found_on.append(int(image[0, 0, 0]))
        return self.lines

    def read(self, image, lines):
        return [
            (str(image[round(line.center[1]), 15, 0]), 0.5 if line is self.lines[1] else 0.95)
            for line in lines
        ]


def levels(*values):
    return np.repeat(np.array(values, np.uint8), 10)[:, None, None] * np.ones((1, 30, 3), np.uint8)


def test_lines_are_found_and_judged_on_the_truth():
    reader = LevelReader()
    images = PairImages(levels(111, 9, 223), levels(111, 222, 123), np.zeros((30, 30), bool))
    readings = read_print(reader, images)
    assert reader.found_on == [111]
    assert readings.texts == ("111", "123")  # the line in the middle is not read with confidence
    assert readings.annotated == pytest.approx(1 - 1 / 6)
    assert readings.agreement(levels(111, 0, 123)) == 1.0
    assert readings.agreement(levels(222, 222, 125)) == pytest.approx(1 - 4 / 6)


def test_a_page_without_print_has_no_agreement():
    reader = LevelReader()
    reader.lines = [reader.lines[1]] * 2
    images = PairImages(levels(1, 1, 1), levels(1, 1, 1), np.zeros((30, 30), bool))
    readings = read_print(reader, images)
    assert readings.lines == ()
    assert math.isnan(readings.annotated)


def test_the_shipped_reader_sees_what_pen_does_to_print():
    clean = np.full((120, 420, 3), 255, np.uint8)
    for y, text in ((45, "PRINTED TEXT 1784"), (95, "Second line here")):
        cv2.putText(clean, text, (12, y), cv2.FONT_HERSHEY_DUPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
    annotated = clean.copy()
    cv2.line(annotated, (10, 20), (300, 55), (0, 0, 160), 9)
    images = PairImages(annotated, clean, (annotated != clean).any(axis=2))
    readings = read_print(ShippedReader(), images)
    assert [text.replace(" ", "") for text in readings.texts] == [
        "PRINTEDTEXT1784",
        "Secondlinehere",
    ]
    assert readings.annotated < 0.95
    assert readings.agreement(clean) == 1.0
