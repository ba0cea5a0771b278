from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import pytest
from lettered import blank, columns, rows

from textclean.detect.assemble import assemble
from textclean.detect.lines import Line, box_line
from textclean.detect.recognize import Recognizer
from textclean.types import Image


class FakeRecognizer:
    """Says for each line what stands at its centre."""

    def __init__(self, texts: dict[tuple[int, int], str]) -> None:
        self.texts = texts

    def read(self, image: Image, lines: list[Line]) -> list[tuple[str, float]]:
        centers = [tuple(np.rint(line.center).astype(int).tolist()) for line in lines]
        return [(self.texts.get(center, ""), 0.9) for center in centers]  # type: ignore[call-overload]


def reading(texts: dict[tuple[int, int], str]) -> Recognizer:
    return cast("Recognizer", FakeRecognizer(texts))


def test_nothing_gives_nothing() -> None:
    assert assemble([], blank()) == ()


def test_vertical_text_is_read_from_the_right_unless_told_otherwise() -> None:
    lines = [*columns(2, x=350), *columns(2, x=120)]
    for order, first_x in (("auto", 350), ("rtl", 350), ("ltr", 120)):
        regions = assemble(lines, blank(), reading_order=order)
        assert [region.direction for region in regions] == ["vertical", "vertical"]
        assert regions[0].box[2] - 24 == pytest.approx(first_x, abs=2)
    assert assemble([*rows(2, x=20), *rows(2, x=220)], blank())[0].box[0] < 100


def test_the_text_of_a_block_is_its_lines_without_furigana() -> None:
    base = columns(2, x=300, pitch=42)
    ruby = box_line(326, 60, 336, 110, 0.6)
    (region,) = assemble(
        [*base, ruby],
        blank(),
        recognizer=reading({(312, 130): "どうですか", (270, 130): "田村", (331, 85): "ルビ"}),
    )
    assert len(region.lines) == 3
    assert region.text == "どうですか\n田村"
    assert region.language == "ja"


def test_what_cannot_be_read_has_no_text_and_no_language() -> None:
    (region,) = assemble(rows(1), blank(), recognizer=reading({}))
    assert region.text is None and region.language is None


def test_languages_are_guessed_for_the_page_as_a_whole() -> None:
    lines = [*rows(1, y=50), *rows(1, y=250)]
    regions = assemble(
        lines, blank(), recognizer=reading({(130, 62): "研究室", (130, 262): "これは"})
    )
    assert [region.language for region in regions] == ["ja", "ja"]


def test_kind_comes_from_the_page() -> None:
    image = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    cv2.ellipse(image, (130, 80), (120, 70), 0, 0, 360, (255, 255, 255), -1)
    image[56:70, 60:200:9] = 0
    image[84:98, 60:200:9] = 0
    (region,) = assemble(rows(2), image)
    assert region.kind == "bubble"


def test_the_polygon_holds_the_lines_and_the_score_is_theirs() -> None:
    (region,) = assemble(rows(3), blank())
    assert region.score == pytest.approx(0.9)
    assert region.box == (50, 50, 211, 127)
    assert region.polygon.dtype == np.float32
    assert all(line.shape == (4, 2) and line.dtype == np.float32 for line in region.lines)
