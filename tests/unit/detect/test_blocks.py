from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lettered import blank, columns, rows

from textclean.detect.blocks import Block, group, outline
from textclean.detect.lines import Line, box_line, corners


def extents(blocks: list[Block]) -> list[tuple[int, ...]]:
    found = []
    for block in blocks:
        points = np.concatenate([line.polygon for line in block.lines])
        low, high = np.rint(points.min(axis=0)), np.rint(points.max(axis=0))
        found.append((int(low[0]), int(low[1]), int(high[0]), int(high[1]), len(block.lines)))
    return sorted(found)


def test_rows_below_each_other_are_one_block_from_the_top() -> None:
    lines = rows(4)
    (block,) = group(lines[::-1], blank())
    assert not block.vertical
    assert [line.center[1] for line in block.lines] == [line.center[1] for line in lines]


def test_columns_beside_each_other_are_one_block_from_the_right() -> None:
    (block,) = group(columns(3)[::-1], blank())
    assert block.vertical
    xs = [line.center[0] for line in block.lines]
    assert xs == sorted(xs, reverse=True)


def test_bubbles_apart_are_blocks_apart() -> None:
    lines = rows(3) + rows(3, x=240) + rows(2, y=180)
    assert [count for *_, count in extents(group(lines, blank()))] == [3, 2, 3]


@pytest.mark.parametrize("vertical", [False, True])
def test_a_border_between_lines_separates_them(vertical: bool) -> None:
    lines = columns(4, pitch=32) if vertical else rows(4, pitch=32)
    assert len(group(lines, blank())) == 1
    image = blank()
    if vertical:  # between the second column (268-292) and the third (236-260)
        cv2.line(image, (264, 30), (264, 230), (0, 0, 0), 2)
    else:  # between the second row (82-106) and the third (114-138)
        cv2.line(image, (30, 110), (240, 110), (0, 0, 0), 2)
    assert [count for *_, count in extents(group(lines, image))] == [2, 2]


def test_strokes_that_merely_reach_into_the_gap_do_not_separate() -> None:
    image = blank()
    for x in range(55, 210, 12):  # descenders, on half of the line's length at most
        image[104:114, x : x + 5] = 0
    assert len(group(rows(4, pitch=32), image)) == 1


def test_other_paper_separates() -> None:
    image = blank()
    image[110:] = 40
    assert [count for *_, count in extents(group(rows(4, pitch=32), image))] == [2, 2]


def test_other_paper_separates_lines_that_touch() -> None:
    image = blank()
    image[106:] = 40
    lines = [box_line(60, 82, 240, 106), box_line(60, 105, 240, 130)]
    assert len(group(lines, blank())) == 1
    assert [count for *_, count in extents(group(lines, image))] == [1, 1]


def test_bubbles_that_run_together_are_parted_at_the_wider_gap() -> None:
    lines = [*rows(3), *rows(3, y=50 + 3 * 26 + 14)]
    assert [count for *_, count in extents(group(lines, blank()))] == [3, 3]


def test_lines_that_start_elsewhere_are_of_another_bubble() -> None:
    shifted = [box_line(160, 104, 320, 128), box_line(160, 130, 320, 154)]
    assert len(group([*rows(2), *shifted], blank())) == 2


def test_very_different_sizes_are_different_blocks() -> None:
    title = box_line(50, 120, 300, 190)
    assert len(group([*rows(2), title], blank(500, 500))) == 2


def test_furigana_belong_to_their_column_and_are_known_as_such() -> None:
    base = columns(2, pitch=40)
    ruby = box_line(base[0].polygon[1, 0] + 2, 60, base[0].polygon[1, 0] + 12, 110, 0.6)
    (block,) = group([*base, ruby], blank())
    assert sum(block.ruby()) == 1
    assert block.thickness == pytest.approx(24)
    wrong_side = box_line(base[1].polygon[0, 0] - 12, 60, base[1].polygon[0, 0] - 2, 110, 0.6)
    assert len(group([*base, wrong_side], blank())) == 2


def test_two_marks_side_by_side_at_the_end_of_a_column_belong_to_it() -> None:
    column = box_line(100, 50, 130, 200)
    marks = box_line(97, 204, 133, 226)
    assert marks.shape == "horizontal"
    (block,) = group([column, marks], blank())
    assert block.vertical
    (whole,) = block.lines
    assert whole.height == pytest.approx(176, abs=1)


def test_words_of_a_row_become_one_line() -> None:
    words = [box_line(20, 50, 90, 74, 0.8), box_line(98, 51, 150, 74, 0.6), *rows(1, x=20, y=78)]
    (block,) = group(words, blank())
    assert len(block.lines) == 2
    assert block.lines[0].width == pytest.approx(130, abs=2)
    assert 0.6 < block.lines[0].score < 0.8


def test_a_face_beside_a_line_is_not_of_it() -> None:
    face = box_line(20, 40, 200, 196, 0.7)
    first, second = box_line(205, 70, 460, 100), box_line(240, 104, 390, 134)
    joined = [
        line for block in group([face, first, second], blank(500, 600)) for line in block.lines
    ]
    assert sorted(round(line.thickness) for line in joined) == [30, 30, 156]


def test_words_far_apart_are_blocks_apart() -> None:
    assert len(group([box_line(20, 50, 90, 74), box_line(130, 50, 200, 74)], blank())) == 2


def test_a_slanted_block_keeps_together() -> None:
    slanted = [Line(corners((200, 150 + 27 * i), (160, 24), 12)) for i in range(3)]
    (block,) = group(slanted, blank())
    assert block.tilt == pytest.approx(12, abs=0.1)


def test_a_single_glyph_takes_the_direction_of_the_page() -> None:
    glyph = box_line(30, 300, 54, 324)
    for lines, vertical in ((columns(3), True), (rows(3), False)):
        alone = [b for b in group([*lines, glyph], blank()) if len(b.lines) == 1]
        assert [block.vertical for block in alone] == [vertical]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_blocks_do_not_depend_on_the_order_of_the_lines(shuffler: random.Random) -> None:
    lines = [*rows(4), *columns(3, x=350), *rows(2, y=300), box_line(30, 350, 54, 374)]
    expected = group(lines, blank())
    mixed = lines.copy()
    shuffler.shuffle(mixed)
    again = group(mixed, blank())
    assert extents(again) == extents(expected)
    for block, other in zip(expected, again, strict=True):
        assert np.array_equal(block.polygon, other.polygon)


def test_no_lines_no_blocks() -> None:
    assert group([], blank()) == []


def test_the_score_is_weighted_by_area() -> None:
    block = Block((box_line(0, 0, 100, 20, 0.9), box_line(0, 22, 20, 42, 0.4)), vertical=False)
    assert block.score == pytest.approx((0.9 * 2000 + 0.4 * 400) / 2400, abs=1e-3)


def test_the_outline_closes_gaps_and_holds_every_line() -> None:
    lines = [line.polygon for line in rows(3, pitch=30)]
    polygon = outline(lines, reach=24)
    for line in lines:
        for point in line.mean(axis=0, keepdims=True):
            x, y = (float(value) for value in point)
            assert cv2.pointPolygonTest(polygon, (x, y), False) > 0
    assert cv2.contourArea(polygon) == pytest.approx(160 * 84, rel=0.02)


def test_the_outline_of_lines_far_apart_is_their_hull() -> None:
    far = [box_line(0, 0, 50, 20).polygon, box_line(200, 0, 250, 20).polygon]
    assert cv2.contourArea(outline(far, reach=20)) == pytest.approx(250 * 20, rel=0.01)
