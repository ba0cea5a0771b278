from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textclean.ink_map import InkMap, hysteresis


@given(arrays(np.uint8, st.tuples(st.just(7), st.integers(1, 5), st.integers(1, 5))))
def test_labels_are_the_likeliest_of_the_six_classes(planes):
    ink = InkMap(planes)
    assert np.array_equal(ink.labels(), planes[:6].argmax(axis=0))
    assert ink.shape == planes.shape[1:]


def test_planes_have_names_and_a_crop_is_a_view():
    planes = np.arange(7, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), np.uint8)
    ink = InkMap(planes)
    named = [ink.lettering, ink.pen, ink.highlighter, ink.stamp, ink.print, ink.bubble]
    assert [int(plane[0, 0]) for plane in named] == [1, 2, 3, 4, 5, 6]
    part = ink.crop((1, 2, 5, 4))
    assert part.shape == (2, 4)
    part.planes[:] = 9
    assert (planes[:, 2:4, 1:5] == 9).all() and (planes == 9).sum() == 7 * 8


@pytest.mark.parametrize("planes", [np.zeros((6, 2, 2), np.uint8), np.zeros((7, 2, 2), bool)])
def test_other_arrays_are_refused(planes):
    with pytest.raises(ValueError, match="ink map"):
        InkMap(planes)


def test_faint_pixels_count_where_they_continue_a_sure_one():
    plane = np.zeros((5, 12), np.uint8)
    plane[1, 1:5] = 100
    plane[2, 5] = 200  # over a corner
    plane[1, 8:11] = 100
    found = hysteresis(plane, 90, 180)
    assert found[1, 1:5].all() and found[2, 5] and found.sum() == 5
    assert not hysteresis(plane, 90, 201).any()


def test_print_becomes_lettering() -> None:
    planes = np.zeros((7, 2, 2), np.uint8)
    planes[1, 0, 0], planes[5, 0, 0], planes[5, 1, 1] = 100, 200, 90
    joined = InkMap(planes).with_print_as_lettering()
    assert joined.lettering.tolist() == [[255, 0], [0, 90]]
    assert not joined.print.any() and planes[5].any()


@pytest.mark.parametrize("shape", [(1400, 1000), (1401, 1001)])
def test_the_map_of_a_halved_page_lies_on_the_page_again(shape):
    height, width = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    planes = np.zeros((7, height, width), np.uint8)
    planes[1, 200:220, 150:180] = 255
    ink = InkMap(planes).resized((*shape, 3))
    assert ink.shape == shape and ink.pixel == pytest.approx(2, rel=0.01)
    truth = np.zeros(shape, bool)
    truth[400:440, 300:360] = True
    assert ((ink.lettering >= 128) ^ truth).sum() <= 2 * (40 + 60)  # a pixel along the rim
    assert (ink.lettering[405:435, 305:355] == 255).all()
    assert ink.crop((0, 0, 9, 9)).pixel == ink.pixel == ink.with_print_as_lettering().pixel


def test_back_on_the_halved_page_its_pixels_are_single_ones():
    ink = InkMap(np.zeros((7, 50, 40), np.uint8)).resized((100, 80))
    assert ink.pixel == 2 and ink.resized((50, 40)).pixel == 1


def test_the_map_of_an_enlarged_page_knows_every_pixel():
    planes = np.zeros((7, 40, 60), np.uint8)
    planes[1, 10:20, 20:40] = 255
    ink = InkMap(planes).resized((20, 30))
    assert ink.pixel == 1 and (ink.lettering[5:10, 10:20] == 255).all()
