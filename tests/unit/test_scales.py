from __future__ import annotations

import numpy as np
import pytest

from textclean.scales import halved, placed, scaled, steps, times_halved
from textclean.types import Region

SQUARE = np.array([[10, 20], [50, 20], [50, 70], [10, 70]], np.float32)


def test_a_page_at_its_own_scale_is_itself():
    image = np.zeros((30, 20, 3), np.uint8)
    assert scaled(image, 1) is image
    assert scaled(image, 0.5).shape == (15, 10, 3) and scaled(image, 2).shape == (60, 40, 3)
    assert scaled(image[:1, :1], 0.1).shape == (1, 1, 3)


@pytest.mark.parametrize("shape", [(300, 200), (301, 199)])
def test_what_is_found_on_a_halved_page_lies_where_it_is(shape):
    image = np.full((*shape, 3), 255, np.uint8)
    image[20:71, 10:51] = 0
    view = halved(image)
    y, x = np.nonzero(view[..., 0] < 128)
    corners = np.array([[x.min(), y.min()], [x.max(), y.max()]], np.float32)
    there = placed(Region(corners), steps(image, view)).polygon
    assert np.abs(there - [[10, 20], [50, 70]]).max() <= 1.5


def test_halved_some_times():
    image = np.zeros((31, 20, 3), np.uint8)
    assert halved(image, 0) is image and halved(image, 2).shape == (8, 5, 3)
    assert times_halved(100, 30) == 2 and times_halved(29, 30) == 0
    assert times_halved(1000, 30, side=2000, least=900) == 2


def test_there_and_back_again():
    region = Region(SQUARE, (SQUARE, SQUARE + 5), bubble=SQUARE * 2, font_size=20.0, text="a")
    step = (1.6, 1.5)
    there = placed(region, (1 / step[0], 1 / step[1]))
    assert there.font_size == pytest.approx(20 / 1.5, abs=0.1)
    back = placed(there, step)
    assert np.allclose(back.polygon, SQUARE, atol=1e-3)
    assert np.allclose(back.lines[1], SQUARE + 5, atol=1e-3)
    assert np.allclose(back.bubble, SQUARE * 2, atol=1e-3)
    assert back.text == "a" and back.polygon.dtype == np.float32
    assert placed(region, (1, 1)) is region
