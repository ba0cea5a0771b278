from __future__ import annotations

import cv2
import numpy as np
import pytest
from lettered import blank, columns, rows

from textclean.detect.blocks import Block, group
from textclean.detect.kinds import kind_of
from textclean.detect.lines import Line, corners
from textclean.detect.paper import Paper, paper_around
from textclean.types import Image, Kind


def art(width: int = 400, height: int = 400) -> Image:
    noise = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def written(image: Image, lines: list[Line], color: int = 0) -> Image:
    """Marks in the middle of each line, so that there is something to read."""
    for line in lines:
        x, y = line.center
        right = (line.polygon[1] - line.polygon[0]) / line.width
        down = (line.polygon[3] - line.polygon[0]) / line.height
        for step in np.arange(-line.length / 2 + 8, line.length / 2 - 8, 14):
            along = right if line.width > line.height else down
            cx, cy = (np.array([x, y]) + along * step).astype(int)
            cv2.circle(image, (int(cx), int(cy)), 5, (color, color, color), 2)
    return image


def look(image: Image, lines: list[Line], usual: float = 24) -> tuple[Kind, Paper]:
    (block,) = group(lines, image)
    paper = paper_around(image, [line.polygon for line in block.lines], block.thickness)
    return kind_of(block, paper, usual), paper


def test_text_in_an_ellipse_on_art_is_a_bubble() -> None:
    image = art()
    cv2.ellipse(image, (130, 90), (120, 80), 0, 0, 360, (255, 255, 255), -1)
    kind, paper = look(written(image, rows(3)), rows(3))
    assert kind == "bubble"
    assert paper.plain and paper.openness == 0
    assert paper.interior.sum() == pytest.approx(np.pi * 120 * 80, rel=0.05)


def test_light_text_in_a_dark_bubble_is_one_too() -> None:
    image = art() // 2 + 128
    cv2.ellipse(image, (130, 90), (120, 80), 0, 0, 360, (10, 10, 10), -1)
    assert look(written(image, rows(3), 255), rows(3))[0] == "bubble"


def test_text_in_a_box_is_a_caption_and_on_a_tilted_board_a_sign() -> None:
    image = art()
    cv2.rectangle(image, (30, 30), (230, 140), (250, 250, 240), -1)
    assert look(written(image, rows(3)), rows(3))[0] == "caption"
    image = art()
    board = corners((200, 200), (220, 60), 7)
    cv2.fillPoly(image, [board.astype(np.int32)], (250, 250, 250))
    line = [Line(corners((200, 200), (160, 24), 7))]
    assert look(written(image, line), line)[0] == "sign"


def test_a_bubble_may_be_cut_by_the_edge_of_the_page() -> None:
    image = art()
    cv2.ellipse(image, (130, 0), (140, 90), 0, 0, 360, (255, 255, 255), -1)
    lines = rows(2, y=8)
    kind, paper = look(written(image, lines), lines)
    assert kind == "bubble"
    assert paper.openness == 0


def test_text_on_art_is_free_and_a_sound_effect_when_loud_or_slanted() -> None:
    assert look(written(art(), rows(1)), rows(1))[0] == "free"
    assert look(written(art(), rows(1)), rows(1), usual=12)[0] == "sfx"
    slanted = [Line(corners((200, 200), (160, 30), 20))]
    assert look(written(art(), slanted), slanted, usual=30)[0] == "sfx"


def test_text_loose_on_a_white_page_is_free() -> None:
    kind, paper = look(written(blank(), columns(2)), columns(2))
    assert kind == "free"
    assert paper.plain and paper.openness > 0.9


def test_nothing_written_is_not_plain_paper() -> None:
    block = Block(tuple(rows(1)), vertical=False)
    paper = paper_around(blank(), [line.polygon for line in block.lines], block.thickness)
    assert not paper.plain


@pytest.mark.parametrize("size", [1, 2, 17])
def test_tiny_pages_can_be_looked_at(size: int) -> None:
    line = corners((size / 2, size / 2), (size, size), 0)
    paper = paper_around(blank(size, size), [line], 3.0)
    assert paper.openness == 0.0 and paper.interior.shape == (size, size)
