"""Stretches of lines that a mask leaves."""

import numpy as np
import pytest
from inked import ink_map

from textclean.mask.ink import refine
from textclean.mask.left_out import left_out
from textclean.mask.strokes import Strokes, find_strokes

HEIGHT = 24.0
LINE = np.array([[40, 40], [280, 40], [280, 64], [40, 64]], np.float32)
SHAPE = (120, 320)


def letters(first: int, last: int) -> np.ndarray:
    """Upright bars every 12 pixels, as high as the line's letters."""
    mask = np.zeros(SHAPE, bool)
    for x in range(first, last, 12):
        mask[44:60, x : x + 5] = True
    return mask


def page(*inked: tuple[np.ndarray, int]) -> np.ndarray:
    """Light paper to the left of x = 160, darker to the right, and ink on it."""
    image = np.full((*SHAPE, 3), 210, np.uint8)
    image[:, 160:] = 170
    for shapes, darker in inked:
        image[shapes] -= np.uint8(darker)
    return image


@pytest.mark.parametrize(("first", "comes"), [(46, False), (58, False), (82, True), (166, True)])
def test_what_is_left_of_a_line_for_longer_than_a_glyph_comes_in(first, comes):
    shapes, mask = letters(46, 276), letters(first, 276)
    found = left_out(mask, page((shapes, 60)), [LINE])
    assert found.any() == comes
    assert (mask | found)[shapes].all() == (comes or first == 46)
    assert not found[:, 280:].any()


def test_lines_at_any_angle_and_only_their_own_shapes():
    shapes, mask = letters(46, 276), letters(166, 276)
    beside = np.zeros(SHAPE, bool)
    beside[20:30, 290:300] = True
    image = page((shapes, 60), (beside, 60))
    upright = left_out(mask, image, [LINE])
    turned = left_out(
        np.ascontiguousarray(mask.T),
        np.ascontiguousarray(image.transpose(1, 0, 2)),
        [LINE[:, ::-1].copy()],
    )
    assert upright.any() and (mask | upright)[shapes].all() and not upright[beside].any()
    assert (turned.T | mask)[shapes].all() and not turned.T[beside].any()


def test_a_line_of_which_nothing_is_masked_is_left_alone():
    assert not left_out(np.zeros(SHAPE, bool), page((letters(46, 276), 60)), [LINE]).any()


@pytest.mark.parametrize("corners", [
    [[60, 50], [60, 50], [60, 50], [60, 50]],  # no area
    [[-90, 40], [-20, 40], [-20, 64], [-90, 64]],  # off the page
    [[-90, 40], [90, 40], [90, 64], [-90, 64]],  # partly
])  # fmt: skip
def test_odd_polygons_do_no_harm(corners):
    shapes = letters(46, 276)
    found = left_out(shapes, page((shapes, 60)), [np.array(corners, np.float32)])
    assert found.shape == SHAPE


@pytest.mark.parametrize(("darker", "comes"), [(60, True), (55, True), (40, False), (0, False)])
def test_a_polygon_that_reaches_beyond_its_lettering_is_not_filled_with_the_art_there(
    darker, comes
):
    """What lies there must stand out as the lettering does."""
    rest, mask = letters(46, 150), letters(154, 276)
    image = page((mask, 60), (rest, darker))
    assert left_out(mask, image, [LINE]).any() == comes


def test_letters_that_are_joined_beyond_their_stretch_go_with_their_rectangle():
    shapes, mask = letters(46, 276), letters(94, 276)
    shapes[58:60, 46:276] = True  # a line along the foot of all letters
    found = left_out(mask, page((shapes, 60)), [LINE])
    assert (mask | found)[44:58][shapes[44:58]].all()


def test_what_stands_out_from_a_plain_background_comes_in_along_all_of_the_line():
    shapes, mask = letters(46, 276), letters(94, 276)
    mask[44:52, 200:] = False  # no stretch, but half of some letters
    image = page((shapes, 60))
    assert not left_out(mask, image, [LINE])[:, 200:].any()
    assert left_out(mask, image, [LINE], shapes)[shapes].all()


@pytest.mark.parametrize("seen_first", [None, 154])
def test_a_line_over_two_grounds_goes_whole(seen_first):
    """Thresholds know one ground; the network sees nothing, or one half."""
    shapes = letters(46, 276)
    image = page((shapes, 140))
    seen = np.zeros(SHAPE, bool) if seen_first is None else letters(seen_first, 276)
    strokes = find_strokes(image, [LINE], HEIGHT)
    half = strokes.mask.copy()
    half[:, 154:] = False
    nothing = np.zeros(SHAPE, bool)
    strokes = Strokes(half, nothing, strokes.surface, nothing, nothing, "one ground")
    after = refine(strokes, ink_map(SHAPE, lettering=seen), image, [LINE], HEIGHT)
    assert after.mask[shapes].mean() > 0.97
    assert "left out of a line" in after.reason
    assert after.surface is None


def test_the_dots_of_a_screen_are_no_lettering_that_was_left_out():
    """They are as strong, but lie beside the line as well."""
    mask = letters(166, 276)
    dots = np.zeros(SHAPE, bool)
    for y, x in np.ndindex(SHAPE[0] // 6, SHAPE[1] // 6):
        dots[6 * y : 6 * y + 4, 6 * x : 6 * x + 4] = True
    assert not left_out(mask, page((mask, 140), (dots & ~mask, 140)), [LINE]).any()
    dots[16:88] = False  # the line is on a board
    assert left_out(mask, page((mask | letters(46, 160), 140), (dots, 140)), [LINE]).any()


def test_few_thin_strokes_far_apart_are_as_much_as_the_rest():
    """Less than a tenth of the line is ink, and beside it much is drawn."""
    shapes = np.zeros(SHAPE, bool)
    for x in range(46, 276, 18):
        shapes[44:60, x : x + 2] = True
    mask = shapes & (np.arange(SHAPE[1]) >= 130)
    image = page((shapes, 140))
    image[:30:7] = image[74::9] = 20
    assert (left_out(mask, image, [LINE]) | mask)[shapes].all()


def test_strokes_too_bold_to_be_marks_tell_nothing():
    bold = np.zeros(SHAPE, bool)
    bold[40:64, 166:276] = True
    assert not left_out(bold, page((bold, 140)), [LINE]).any()
    assert not left_out(bold, page((bold | letters(46, 150), 140)), [LINE]).any()
