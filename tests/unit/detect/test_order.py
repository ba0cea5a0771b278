from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lettered import blank

from textclean.detect.order import find_panels, reading_order, sequence
from textclean.types import Box, Image


def grid(columns: int, lines: int) -> list[Box]:
    """Boxes of a grid, row by row from the left."""
    return [
        (x * 100 + 10, y * 100 + 10, x * 100 + 70, y * 100 + 80)
        for y in range(lines)
        for x in range(columns)
    ]


def test_rows_come_first_then_the_side_where_reading_starts() -> None:
    boxes = grid(3, 2)
    assert sequence(boxes, rtl=False) == [0, 1, 2, 3, 4, 5]
    assert sequence(boxes, rtl=True) == [2, 1, 0, 5, 4, 3]


def test_rows_may_overlap_a_little() -> None:
    boxes: list[Box] = [(10, 10, 60, 100), (110, 20, 160, 105), (10, 98, 60, 200)]
    assert sequence(boxes, rtl=False) == [0, 1, 2]


def test_boxes_that_no_cut_parts_are_ordered_all_the_same() -> None:
    # A pinwheel: every straight line between the boxes cuts one of them.
    pinwheel: list[Box] = [(0, 0, 60, 30), (70, 0, 100, 60), (40, 70, 100, 100), (0, 40, 30, 100)]
    assert sorted(sequence(pinwheel, rtl=True)) == [0, 1, 2, 3]
    assert sequence(pinwheel, rtl=True)[0] == 1
    assert sequence(pinwheel, rtl=False)[0] == 0


box_lists = st.lists(
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=12,
)


@given(box_lists, st.booleans())
def test_every_box_comes_once(boxes: list[Box], rtl: bool) -> None:
    assert sorted(sequence(boxes, rtl=rtl)) == list(range(len(boxes)))


@given(box_lists)
def test_right_to_left_is_left_to_right_in_the_mirror(boxes: list[Box]) -> None:
    # Only where cuts decide; ties between equal boxes go to the first one.
    if len(set(boxes)) < len(boxes):
        return
    mirrored: list[Box] = [(200 - x1, y0, 200 - x0, y1) for x0, y0, x1, y1 in boxes]
    forward, backward = sequence(boxes, rtl=False), sequence(mirrored, rtl=True)
    assert len(forward) == len(backward)
    if len(boxes) == 2:
        assert forward == backward


PANELS: list[Box] = [(20, 20, 290, 180), (310, 20, 580, 180), (20, 200, 580, 380)]


def framed(panels: list[Box], paper: int = 255) -> Image:
    image = blank(600, 400, paper)
    for x0, y0, x1, y1 in panels:
        cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), (120, 120, 120), -1)
        cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), (255 - paper,) * 3, 3)
    return image


@pytest.mark.parametrize("paper", [255, 0])
def test_panels_are_what_the_gutter_leaves_over(paper: int) -> None:
    found = sorted(find_panels(framed(PANELS, paper)), key=lambda box: (box[1], box[0]))
    assert np.abs(np.array(found) - np.array(PANELS)).max() <= 3


def test_a_page_without_a_gutter_is_one_panel() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    assert find_panels(noise) == [(0, 0, 200, 300)]
    assert find_panels(blank(20, 30)) == [(0, 0, 20, 30)]
    assert find_panels(blank(1, 1)) == [(0, 0, 1, 1)]


def test_a_panel_is_read_to_its_end_before_the_next_one() -> None:
    # Top right panel: two bubbles, the second one lower than the bubble of the panel beside it.
    upper, lower, beside = (500, 30, 550, 70), (330, 130, 380, 170), (100, 60, 150, 110)
    below = (400, 250, 450, 300)
    boxes: list[Box] = [beside, below, lower, upper]
    assert reading_order(boxes, framed(PANELS), rtl=True) == [3, 2, 0, 1]
    assert reading_order(boxes, framed(PANELS), rtl=False) == [0, 3, 2, 1]


def test_a_block_outside_every_panel_goes_with_the_nearest() -> None:
    margin_note: Box = (585, 210, 598, 240)
    boxes: list[Box] = [margin_note, (500, 30, 550, 70), (30, 300, 60, 330)]
    assert reading_order(boxes, framed(PANELS), rtl=True)[0] == 1


def test_one_block_or_none() -> None:
    assert reading_order([], blank(), rtl=True) == []
    assert reading_order([(0, 0, 5, 5)], blank(), rtl=True) == [0]
