"""The size of type, on lines of made-up signs and of the font that Pillow brings along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from textclean.lettering.lines import Line
from textclean.lettering.signs import body, pitch, thickness
from textclean.lettering.size import Bodies, font_size, without_ruby
from textclean.types import Direction, Region

REGION = Region(np.array([[0, 0], [9, 0], [9, 9]], np.float32))


def _signs(count: int, cell: int, *, fill: float = 0.9, ruby: bool = False) -> np.ndarray:
    """A line of squared signs of random strokes; ``fill`` is how much of the cell they take."""
    rng = np.random.default_rng(count + cell)
    ink = np.zeros((2 * cell, (count + 1) * cell), bool)
    for index in range(count):
        side = round(fill * cell)
        _sign(ink, rng, round(cell * (index + 0.5)), cell - side // 2, side)
        for half in (0, 1) if ruby and index % 3 else ():
            side = round(0.45 * fill * cell)
            _sign(ink, rng, round(cell * (index + 0.5 + half / 2)), round(0.02 * cell), side)
    return ink


def _sign(ink: np.ndarray, rng: np.random.Generator, left: int, top: int, side: int) -> None:
    """Strokes of a random outline: some reach the cell's edge, some do not."""
    stroke = max(1, side // 10)
    x0, y0, x1, y1 = (int(v) for v in rng.integers(0, max(side // 6, 1) + 1, 4))
    part = ink[top + y0 : top + side - y1, left + x0 : left + side - x1]
    part[:stroke] = part[:, -stroke:] = True
    part[part.shape[0] // 2 :][:stroke] = True
    if rng.random() < 0.5:
        part[:, :stroke] = True


def _size(*inks: np.ndarray, direction: Direction = "horizontal", text: str | None = None) -> float:
    turned = [ink.T if direction == "vertical" else ink for ink in inks]
    lines = [Line(np.ascontiguousarray(ink), 0.0, 0.0, 1.0, 0.0) for ink in turned]
    region = replace(REGION, direction=direction, text=text)
    return font_size(Bodies.of(lines, region), region)


def _words(text: str, size: int) -> np.ndarray:
    face = ImageFont.load_default(size)
    image = PILImage.new("L", (round(face.getlength(text)) + 20, 2 * size), 0)
    ImageDraw.Draw(image).text((10, 1.4 * size), text, 255, face, anchor="ls")
    return np.array(image) >= 128


def _em(size: int) -> float:
    """Of a face with capitals of 0.72 em."""
    face = ImageFont.load_default(1000)
    return size * -float(face.getbbox("H", anchor="ls")[1]) / 1000 / 0.72


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
@pytest.mark.parametrize("ruby", [False, True])
@pytest.mark.parametrize("cell", [16, 22, 32, 60])
def test_full_width_signs_stand_in_cells(cell: int, ruby: bool, direction: Direction) -> None:
    lines = _signs(7, cell, ruby=ruby), _signs(6, cell, ruby=ruby), _signs(4, cell)
    assert _size(*lines, direction=direction) == pytest.approx(cell, rel=0.1)


@pytest.mark.parametrize("fill", [0.75, 0.85, 0.95])
def test_the_cell_counts_and_not_how_much_of_it_is_filled(fill: float) -> None:
    lines = _signs(8, 40, fill=fill), _signs(8, 40, fill=fill)
    assert _size(*lines, direction="vertical") == pytest.approx(40, rel=0.1)


@pytest.mark.parametrize("size", [16, 24, 40, 72])
@pytest.mark.parametrize(
    "text", ["THIS IS IT, THEN", "Nobody ever comes here", "WOMB COMBO MOON", "we sell ice cream"]
)
def test_letters_stand_on_a_line(text: str, size: int) -> None:
    assert _size(_words(text, size), _words(text, size)) == pytest.approx(_em(size), rel=0.15)


def test_what_was_recognized_decides() -> None:
    ink = _signs(6, 30)
    assert _size(ink, text="明日の朝です") == pytest.approx(30, rel=0.1)
    assert _size(ink, text="ABCDEF") == pytest.approx(27 / 0.72, rel=0.1)


def test_lines_of_ruby_do_not_count() -> None:
    small = [_signs(5, 14) for _ in range(3)]
    large = [_signs(6, 30) for _ in range(2)]
    assert _size(*small, *large, direction="vertical") == pytest.approx(30, rel=0.1)


def test_lines_of_ruby_are_told_by_their_place() -> None:
    large, small = _signs(6, 30), _signs(8, 15)
    places = ((large, 100.0), (small, 78.0), (large, 155.0), (small, 210.0))
    lines = [Line(ink, 0.0, 0.0, 1.0, across) for ink, across in places]
    kept = without_ruby(lines, Bodies.of(lines, REGION))
    assert [line.across for line in kept] == [100.0, 155.0, 210.0]
    assert without_ruby(lines[:1], Bodies.of(lines[:1], REGION)) == lines[:1]


def test_small_signs_beside_a_line_are_left_out() -> None:
    plain, beside = _signs(9, 32), _signs(9, 32, ruby=True)
    assert thickness(beside) > 1.3 * thickness(plain)
    assert thickness(body(beside)) == pytest.approx(thickness(plain), abs=3)
    dots = plain.copy()
    dots[4:9, 40:45] = dots[4:9, 72:77] = True
    assert not body(dots)[:12].any()


def test_a_border_through_a_line_does_not_count() -> None:
    ink = _signs(9, 30)
    ink[:, 200:204] = True
    assert _size(ink) == pytest.approx(30, rel=0.1)


def test_letters_keep_no_pitch() -> None:
    assert pitch([_signs(9, 32)], 29.0) == (pytest.approx(32, rel=0.05), pytest.approx(0, abs=0.1))
    assert pitch([_words("THE QUICK BROWN FOX JUMPED", 32)], 23.0)[1] > 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (12, 12)])
def test_a_single_mark_has_a_size(shape: tuple[int, int]) -> None:
    ink = np.zeros((20, 20), bool)
    ink[4 : 4 + shape[0], 4 : 4 + shape[1]] = True
    for direction in ("horizontal", "vertical"):
        assert 0 < _size(ink, direction=direction) < 60
