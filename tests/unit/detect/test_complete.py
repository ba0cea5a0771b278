from __future__ import annotations

import cv2
import numpy as np
import pytest
from lettered import blank

from textclean.detect.blocks import Block
from textclean.detect.complete import completed
from textclean.detect.lines import Line, box_line
from textclean.detect.paper import paper_around
from textclean.types import Image, Polygon


def page(lines: list[Line]) -> Image:
    """Strokes inside the lines on white paper."""
    image = blank()
    for line in lines:
        x0, y0 = (line.polygon.min(axis=0) + 5).astype(int)
        x1, y1 = (line.polygon.max(axis=0) - 5).astype(int)
        for y in range(y0, y1 - 4, 12):
            for x in range(x0, x1 - 4, 12):
                image[y : y + 7, x : x + 3] = 0
                image[y + 5 : y + 8, x : x + 7] = 0
    return image


def dot(image: Image, x: float, y: float, radius: int = 2) -> None:
    cv2.circle(image, (int(x), int(y)), radius, (0, 0, 0), -1)


def complete(
    image: Image, lines: list[Line], vertical: bool, others: list[Polygon] | None = None
) -> Block:
    block = Block(tuple(lines), vertical)
    paper = paper_around(image, [line.polygon for line in lines], block.thickness)
    assert paper.plain
    return completed(block, paper, others or [])


COLUMN = box_line(200, 60, 228, 200, 0.9)
ROW = box_line(80, 100, 260, 128, 0.9)


def test_an_ellipsis_below_a_column_lengthens_it() -> None:
    image = page([COLUMN])
    for i in range(6):
        dot(image, 214, 210 + 11 * i)
    (line,) = complete(image, [COLUMN], True).lines
    assert line.height == pytest.approx(140 + 69, abs=4)
    assert line.width == pytest.approx(28, abs=1)


def test_an_ellipsis_before_a_row_and_a_full_stop_after_it_lengthen_it() -> None:
    image = page([ROW])
    for i in range(3):
        dot(image, 50 + 9 * i, 121)
    dot(image, 268, 121)
    (line,) = complete(image, [ROW], False).lines
    assert line.polygon[:, 0].min() <= 48 and line.polygon[:, 0].max() >= 270


def test_a_long_dash_continues_a_column() -> None:
    image = page([COLUMN])
    image[212:290, 212:216] = 0
    (line,) = complete(image, [COLUMN], True).lines
    assert line.polygon[:, 1].max() >= 289


def test_furigana_become_lines_of_the_block() -> None:
    image = page([COLUMN])
    for i in range(3):
        cv2.rectangle(image, (232, 70 + 14 * i), (240, 78 + 14 * i), (0, 0, 0), 2)
    block = complete(image, [COLUMN], True)
    assert block.ruby() == (True, False)
    ruby = block.lines[0]
    assert ruby.center[0] == pytest.approx(236, abs=1) and ruby.height == pytest.approx(41, abs=5)


def test_a_last_column_of_dots_becomes_a_line() -> None:
    image = page([COLUMN])
    for i in range(6):
        dot(image, 190, 70 + 11 * i)
    block = complete(image, [COLUMN], True)
    assert len(block.lines) == 2
    assert block.lines[1].center[0] == pytest.approx(190, abs=1)


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda im: cv2.line(im, (60, 215), (340, 215), (0, 0, 0), 3), id="border"),
        pytest.param(lambda im: dot(im, 214, 250), id="far away"),
        pytest.param(lambda im: dot(im, 320, 130, 6), id="aside"),
        pytest.param(lambda im: dot(im, 214, 235, 30), id="large"),
    ],
)
def test_what_stands_elsewhere_does_not_belong(draw: object) -> None:
    image = page([COLUMN])
    draw(image)  # type: ignore[operator]
    (line,) = complete(image, [COLUMN], True).lines
    assert line is COLUMN


def test_marks_of_another_block_stay_with_it() -> None:
    image = page([COLUMN])
    dot(image, 214, 210)
    other = box_line(200, 203, 228, 230).polygon
    assert complete(image, [COLUMN], True, [other]).lines == (COLUMN,)


def test_marks_beyond_a_bubbles_border_stay_out() -> None:
    image = page([COLUMN])
    cv2.rectangle(image, (180, 40), (250, 207), (0, 0, 0), 2)
    dot(image, 214, 214)
    assert complete(image, [COLUMN], True).lines == (COLUMN,)


def tone_around(image: Image, right: int) -> None:
    """Screentone up to a bubble that no border closes."""
    ys, xs = np.mgrid[0:400:7, 0:400:7]
    for x, y in zip(xs.ravel(), ys.ravel(), strict=True):
        if not (60 < x < right and 84 < y < 144):
            dot(image, x, y, 1)


def test_dots_of_screentone_are_no_punctuation() -> None:
    image = page([ROW])
    tone_around(image, 280)
    (line,) = complete(image, [ROW], False).lines
    assert line is ROW


def test_an_ellipsis_apart_from_screentone_is_punctuation() -> None:
    image = page([ROW])
    tone_around(image, 330)
    for i in range(3):
        dot(image, 268 + 10 * i, 121)
    (line,) = complete(image, [ROW], False).lines
    assert line.polygon[:, 0].max() == pytest.approx(291, abs=3)
    assert line.height == pytest.approx(28, abs=1)


def test_on_art_nothing_is_added() -> None:
    image = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    block = Block((COLUMN,), True)
    paper = paper_around(image, [COLUMN.polygon], block.thickness)
    assert not paper.plain
    assert completed(block, paper, []) is block
