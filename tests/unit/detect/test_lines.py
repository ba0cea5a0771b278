from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.detect.lines import Line, box_line, clipped, corners, rectangle, span_quad

sizes = st.floats(2, 400)


@given(st.floats(-500, 500), st.floats(-500, 500), sizes, sizes, st.floats(-360, 360))
def test_corners_run_clockwise_from_the_top_left(
    x: float, y: float, width: float, height: float, angle: float
) -> None:
    quad = corners((x, y), (width, height), angle)
    tl, tr, br, bl = quad.astype(float)
    assert tr[0] >= tl[0] and br[0] >= bl[0]  # the top edge points right
    edge, side = tr - tl, bl - tl
    assert abs(edge[1]) <= abs(edge[0]) + 1e-2  # and is nearer to the horizontal
    assert edge[0] * side[1] - edge[1] * side[0] > 0  # clockwise, y down
    assert np.allclose(quad.mean(axis=0), (x, y), atol=1e-2)
    assert cv2.contourArea(quad) == pytest.approx(width * height, rel=1e-3, abs=0.05)


@given(st.integers(0, 89))
def test_a_rectangle_is_found_again_from_its_corners(angle: int) -> None:
    quad = corners((100, 80), (60, 20), angle)
    again = rectangle(np.roll(quad, angle % 4, axis=0))
    distance = np.abs(quad[:, None] - again[None]).sum(axis=2).min(axis=1)
    assert distance.max() < 0.1


def test_shape_tells_rows_columns_and_single_glyphs_apart() -> None:
    assert box_line(0, 0, 100, 20).shape == "horizontal"
    assert box_line(0, 0, 20, 100).shape == "vertical"
    assert box_line(0, 0, 22, 20).shape == "square"


def test_thickness_and_length_do_not_depend_on_the_direction() -> None:
    for line in (box_line(5, 5, 105, 25), box_line(5, 5, 25, 105)):
        assert line.thickness == pytest.approx(20)
        assert line.length == pytest.approx(100)


def test_tilt_is_that_of_the_top_edge() -> None:
    assert Line(corners((50, 50), (80, 20), 10)).tilt == pytest.approx(10, abs=0.01)
    assert Line(corners((50, 50), (80, 20), -15)).tilt == pytest.approx(-15, abs=0.01)
    assert Line(corners((50, 50), (20, 80), 5)).tilt == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("angle", [0, 7, -20])
def test_spans_and_their_rectangle_are_inverse(vertical: bool, angle: float) -> None:
    line = Line(corners((200, 150), (30, 120) if vertical else (120, 30), angle))
    axis, across = line.frame(vertical)
    again = span_quad(line.spans(axis, across), axis, across, vertical)
    assert np.allclose(again, line.polygon, atol=1e-3)


def test_a_column_is_read_down_and_the_next_one_lies_to_the_left() -> None:
    axis, across = box_line(0, 0, 20, 100).frame(vertical=True)
    assert np.allclose(axis, (0, 1)) and np.allclose(across, (-1, 0))


def test_degenerate_rectangles_have_a_size() -> None:
    line = box_line(3, 3, 3, 3)
    assert line.thickness > 0 and np.isfinite(line.tilt)


def test_clipping_moves_points_onto_the_page() -> None:
    quad = clipped(box_line(-5, -5, 50, 50).polygon, 20, 10)
    assert quad.min() == 0 and quad[:, 0].max() == 19 and quad[:, 1].max() == 9
