from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn import box, paper, write
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from inked import ink_map

from textclean.mask import bubble as module
from textclean.mask.bubble import find_bubble, largest_rectangle, limit_to_bubble
from textclean.mask.morphology import dilate, rasterize
from textclean.types import Region


def ellipse(shape, center, axes, angle=0):
    canvas = np.zeros(shape, np.uint8)
    cv2.ellipse(canvas, center, axes, angle, 0, 360, 1, -1)
    return canvas.astype(bool)


def brute_force(inside):
    """Area of the largest rectangle, by trying all of them."""
    total = np.pad(inside.astype(int).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = inside.shape
    best = 0
    for y0 in range(height):
        for y1 in range(y0 + 1, height + 1):
            for x0 in range(width):
                for x1 in range(x0 + 1, width + 1):
                    area = (y1 - y0) * (x1 - x0)
                    held = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
                    if held == area:
                        best = max(best, area)
    return best


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
        lambda shape: arrays(bool, shape, elements=st.sampled_from([True, True, True, False]))
    )
)
def test_the_rectangle_is_the_largest_there_is(inside):
    found = largest_rectangle(inside)
    if found is None:
        assert not inside.any()
        return
    x0, y0, x1, y1 = found
    assert inside[y0:y1, x0:x1].all()
    assert (x1 - x0) * (y1 - y0) == brute_force(inside)


@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    axes=st.tuples(st.integers(3, 150), st.integers(3, 150)),
    angle=st.integers(0, 179),
    dents=st.lists(st.tuples(st.integers(0, 399), st.integers(0, 399)), max_size=3),
)
def test_in_a_large_shape_it_lies_inside_and_is_nearly_the_largest(axes, angle, dents):
    inside = ellipse((400, 400), (200, 200), axes, angle)
    for x, y in dents:
        inside[max(y - 6, 0) : y + 6, max(x - 6, 0) : x + 6] = False
    inside[200, 200] = True
    x0, y0, x1, y1 = largest_rectangle(inside)
    assert inside[y0:y1, x0:x1].all()
    exact = module._under_histograms(inside)
    best = (exact[2] - exact[0]) * (exact[3] - exact[1])
    assert (x1 - x0) * (y1 - y0) >= 0.8 * best - 4


def test_a_shape_thinner_than_a_cell_still_has_one():
    inside = np.zeros((1000, 1000), bool)
    inside[501, 3:990] = True
    assert largest_rectangle(inside) == (3, 501, 990, 502)


def drawn(bubbles, text="Oh no", at=(160, 130), shape=(300, 420)):
    """An ink map with these insides and lettering, and a crop around the lettering."""
    image = paper(*shape)
    strokes, polygon = write(image, text, at)
    x0, y0 = np.maximum(polygon.min(axis=0).astype(int) - 10, 0)
    x1, y1 = polygon.max(axis=0).astype(int) + 10
    crop = (int(x0), int(y0), int(x1), int(y1))
    return ink_map(shape, bubble=bubbles, lettering=strokes), strokes[y0:y1, x0:x1], crop


def test_a_round_bubble_is_found_beyond_the_crop_and_holds_its_rectangle():
    inside = ellipse((300, 420), (200, 120), (150, 90))
    ink, strokes, crop = drawn(inside)
    found = find_bubble(ink, strokes, crop)
    assert found is not None and found.kind == "bubble"
    again = rasterize([found.polygon], (300, 420))
    assert (again & inside).sum() >= 0.98 * (again | inside).sum()
    x0, y0, x1, y1 = found.safe_box
    assert inside[y0:y1, x0:x1].all() and again[y0:y1, x0:x1].all()
    assert (x1 - x0) * (y1 - y0) >= 0.6 * inside.sum()  # 2 / pi of an ellipse


def test_lettering_and_drawings_that_the_network_leaves_out_are_part_of_the_inside():
    inside = ellipse((300, 420), (200, 120), (150, 90))
    _, strokes, crop = drawn(inside)
    holed = inside.copy()
    holed[crop[1] : crop[3], crop[0] : crop[2]] &= ~dilate(strokes, 1)
    holed[160:175, 190:210] = False
    found = find_bubble(ink_map((300, 420), bubble=holed), strokes, crop)
    assert found is not None
    full = found.inside((0, 0, 420, 300))
    assert full[165, 200] and (full & inside).sum() >= 0.98 * (full | inside).sum()


def test_a_box_is_a_caption_and_its_rectangle_is_the_box():
    inside = np.zeros((300, 420), bool)
    inside[80:160, 120:330] = True
    found = find_bubble(*drawn(inside))
    assert found is not None and found.kind == "caption"
    assert found.safe_box == (120, 80, 330, 160)


def test_the_bubble_next_door_is_another_one():
    inside = ellipse((300, 420), (200, 120), (110, 60)) | ellipse((300, 420), (90, 240), (70, 40))
    found = find_bubble(*drawn(inside))
    assert found is not None
    assert not found.inside((0, 0, 420, 300))[200:].any()


def test_lettering_outside_bubbles_has_none():
    assert find_bubble(*drawn(ellipse((300, 420), (90, 240), (70, 40)))) is None
    assert find_bubble(*drawn(np.zeros((300, 420), bool))) is None
    half = np.zeros((300, 420), bool)
    half[60:200, 100:190] = True  # holds less than half of the lettering
    assert find_bubble(*drawn(half)) is None


def test_the_whole_page_is_no_bubble():
    assert find_bubble(*drawn(np.ones((300, 420), bool))) is None


def test_no_lettering_no_bubble():
    inside = ellipse((300, 420), (200, 120), (150, 90))
    ink, strokes, crop = drawn(inside)
    assert find_bubble(ink, np.zeros_like(strokes), crop) is None


def test_whiskers_are_smoothed_away():
    inside = ellipse((300, 420), (200, 120), (150, 90))
    spiky = inside.copy()
    spiky[119:121, 350:418] = True
    found = find_bubble(*drawn(spiky))
    assert found is not None
    assert found.polygon[:, 0].max() < 360


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("free", "bubble"), ("caption", "bubble"), ("sfx", "sfx"), ("sign", "sign")],
)
def test_a_region_is_told_its_bubble(kind, becomes):
    found = find_bubble(*drawn(ellipse((300, 420), (200, 120), (150, 90))))
    region = found.describe(Region(box(160, 100, 260, 140), kind=kind))
    assert region.kind == becomes
    assert region.bubble is found.polygon and region.safe_box == found.safe_box


def test_the_mask_stays_in_the_bubble_unless_strokes_leave_it():
    inside = np.zeros((60, 100), bool)
    inside[10:50, 10:80] = True
    strokes = np.zeros_like(inside)
    strokes[20:40, 12:70] = True
    mask = dilate(strokes, 6)
    kept = limit_to_bubble(mask, strokes, inside, 6)
    assert np.array_equal(kept, mask & dilate(inside, 1)) and (mask & ~kept).any()
    strokes[28:32, 70:86] = True  # a stroke over the border
    mask = dilate(strokes, 6)
    kept = limit_to_bubble(mask, strokes, inside, 6)
    assert kept[dilate(strokes & ~inside, 4)].all()
    assert not kept[14:20, :8].any()
    outside = np.zeros_like(inside)
    outside[20:40, 70:95] = True  # mostly out of it: not this bubble's
    assert np.array_equal(limit_to_bubble(outside, outside, inside, 3), outside)
