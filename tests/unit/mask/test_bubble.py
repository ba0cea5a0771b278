from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn import box, paper, write
from inked import ink_map

from textclean.mask.bubble import find_bubble, limit_to_bubble
from textclean.mask.morphology import dilate, rasterize
from textclean.types import Region


def ellipse(shape, center, axes, angle=0):
    canvas = np.zeros(shape, np.uint8)
    cv2.ellipse(canvas, center, axes, angle, 0, 360, 1, -1)
    return canvas.astype(bool)


def drawn(bubbles, text="Oh no", at=(160, 130), shape=(300, 420)):
    """An ink map with these insides and lettering, and a crop around the lettering."""
    image = paper(*shape)
    strokes, polygon = write(image, text, at)
    x0, y0 = np.maximum(polygon.min(axis=0).astype(int) - 10, 0)
    x1, y1 = polygon.max(axis=0).astype(int) + 10
    crop = (int(x0), int(y0), int(x1), int(y1))
    return ink_map(shape, bubble=bubbles, lettering=strokes), strokes[y0:y1, x0:x1], crop


def test_a_round_bubble_is_found_beyond_the_crop():
    inside = ellipse((300, 420), (200, 120), (150, 90))
    ink, strokes, crop = drawn(inside)
    found = find_bubble(ink, strokes, crop)
    assert found is not None and found.kind == "bubble"
    again = rasterize([found.polygon], (300, 420))
    assert (again & inside).sum() >= 0.98 * (again | inside).sum()


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


def test_a_box_is_a_caption_and_its_inside_is_the_box():
    inside = np.zeros((300, 420), bool)
    inside[80:160, 120:330] = True
    found = find_bubble(*drawn(inside))
    assert found is not None and found.kind == "caption"
    assert np.array_equal(found.inside((0, 0, 420, 300)), inside)


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
    assert region.bubble is found.polygon


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
