"""Stretches of lines that a mask leaves."""

import numpy as np
import pytest
from inked import ink_map

from textclean.mask.ink import refine
from textclean.mask.left_out import left_out
from textclean.mask.strokes import Strokes

HEIGHT = 24.0
LINE = np.array([[40, 40], [280, 40], [280, 64], [40, 64]], np.float32)


def letters(first: int, last: int) -> np.ndarray:
    """Upright bars every 12 pixels, as high as the line's letters."""
    mask = np.zeros((120, 320), bool)
    for x in range(first, last, 12):
        mask[44:60, x : x + 5] = True
    return mask


def inked(shapes: np.ndarray) -> np.ndarray:
    image = np.full((*shapes.shape, 3), 150, np.uint8)
    image[shapes] = 120
    return image


@pytest.mark.parametrize(("first", "whole"), [(46, False), (70, False), (94, True), (154, True)])
def test_what_a_mask_leaves_of_a_line_for_longer_than_a_gap_between_words_comes_in(first, whole):
    shapes, mask = letters(46, 276), letters(first, 276)
    found = left_out(shapes, mask, inked(shapes), [LINE], HEIGHT, whole=False)
    assert np.array_equal(mask | found, shapes) is (whole or first == 46)
    assert bool(found.any()) is whole


@pytest.mark.parametrize("whole", [False, True])
def test_what_stands_out_from_a_plain_background_comes_in_along_all_of_the_line(whole):
    shapes, mask = letters(46, 276), letters(154, 276)
    mask[:, 260:] = False  # less than a stretch
    found = left_out(shapes, mask, inked(shapes), [LINE], HEIGHT, whole=whole)
    assert bool(found[:, :142].any())
    assert bool((found & ~mask)[:, 154:].any()) is whole


def test_lines_at_any_angle_and_only_their_own_shapes():
    other = letters(46, 276)
    shapes, mask = other.T.copy(), letters(154, 276).T.copy()
    shapes[290:300, 20:30] = True  # beside the line
    found = left_out(shapes, mask, inked(shapes), [LINE[:, ::-1].copy()], HEIGHT, whole=False)
    assert np.array_equal((mask | found)[:288], shapes[:288])
    assert not found[288:].any()


def test_a_line_of_which_nothing_is_masked_is_left_alone():
    shapes = letters(46, 276)
    assert not left_out(shapes, letters(0, 0), inked(shapes), [LINE], HEIGHT, whole=False).any()


@pytest.mark.parametrize(("grey", "comes"), [(120, True), (90, True), (60, False), (200, False)])
def test_shapes_of_another_colour_are_art_that_the_polygon_reaches_into(grey, comes):
    shapes, mask = letters(46, 276), letters(154, 276)
    image = inked(shapes)
    image[shapes & ~mask] = grey
    assert left_out(shapes, mask, image, [LINE], HEIGHT, whole=False).any() == comes


@pytest.mark.parametrize("last_resort", [False, True])
def test_the_networks_half_of_a_line_is_completed_by_thresholds(last_resort):
    """Unless all that thresholds have to say is the line's polygon."""
    shapes, seen = letters(46, 276), letters(130, 276)
    image = inked(shapes)
    if last_resort:
        shapes = np.zeros_like(shapes)
        shapes[40:64, 40:280] = True
    else:
        shapes[:, 180:] = False  # they disagree about the rest
    nothing = np.zeros_like(shapes)
    strokes = Strokes(shapes, nothing, None, None, nothing, "marks")
    after = refine(strokes, ink_map(shapes.shape, lettering=seen), image, [LINE], HEIGHT)
    assert after.reason.startswith("the ink network's")
    assert bool(after.mask[44:60, 46:51].all()) is not last_resort
    assert ("left out" in after.reason) is not last_resort
    assert after.mask[44:60, 262:267].all()
