from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn import box, bubble, dots, gradient, paper, write

from textclean.mask.build import (
    build_mask,
    join,
    near_lines,
    near_mask,
    surroundings,
    union,
)
from textclean.mask.morphology import dilate, rasterize
from textclean.types import Region


def _region(polygon, **more):
    return Region(polygon=polygon, lines=(polygon,), **more)


def _recall(mask, strokes):
    return float(mask[strokes].mean())


@pytest.mark.parametrize(("width", "height"), [(60, 1000), (1000, 60), (60, 150), (400, 400)])
def test_a_crop_shows_the_surroundings_and_not_as_much_beside_a_line_as_it_is_long(width, height):
    page = np.full((1600, 1600, 3), 255, np.uint8)
    x0, y0, x1, y1 = build_mask(page, _region(box(300, 300, 300 + width, 300 + height))).box
    thickness = min(width, height)
    for margin in (300 - x0, 300 - y0, x1 - 300 - width, y1 - 300 - height):
        assert 0.35 * min(max(width, height), 3 * thickness) - 2 <= margin <= 2 * thickness + 2


@pytest.mark.parametrize(
    ("background", "ink"),
    [
        ((255, 255, 255), (0, 0, 0)),
        ((20, 20, 24), (250, 250, 250)),
        ((240, 220, 180), (150, 20, 20)),
        ((90, 140, 90), (90, 90, 160)),
    ],
)
def test_lettering_on_one_colour_is_covered_and_little_else(background, ink):
    image = paper(color=background)
    strokes, polygon = write(image, "Hello", (60, 130), color=ink)
    item = build_mask(image, _region(polygon))
    mask = union([item], image.shape[:2])
    assert _recall(mask, strokes) == 1.0
    assert not (mask & ~dilate(strokes, 6)).any()
    assert item.region.stroke_color is not None
    assert np.abs(np.subtract(item.region.stroke_color, ink)).max() < 40


def test_lettering_on_a_gradient_is_covered():
    image = gradient(240, 320)
    strokes, polygon = write(image, "Sky", (90, 130))
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert _recall(mask, strokes) == 1.0
    assert not (mask & ~dilate(strokes, 8)).any()


def test_a_bubble_border_is_never_masked_when_the_lettering_does_not_touch_it():
    image = paper(color=(120, 120, 120))
    border = bubble(image, (160, 120), (90, 50))
    strokes, _polygon = write(image, "Oh no", (100, 132), scale=1.3)
    assert not (dilate(strokes, 2) & border).any()
    # A sloppy polygon that reaches over the border.
    sloppy = box(62, 66, 258, 174)
    item = build_mask(image, _region(sloppy))
    mask = union([item], image.shape[:2])
    assert _recall(mask, strokes) > 0.99
    assert not (mask & border).any()


def test_a_panel_line_beside_the_lettering_stays():
    image = paper()
    strokes, polygon = write(image, "Wait", (60, 130))
    line = np.zeros(image.shape[:2], bool)
    x = int(polygon[:, 0].max()) + 2
    line[:, x : x + 3] = True
    image[line] = 0
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert _recall(mask, strokes) == 1.0
    assert not (mask & line).any()


def test_a_full_stop_that_runs_into_the_border_goes_and_the_border_stays():
    """Their rims meet, and the polygon ends halfway through it."""
    image = paper(color=(120, 120, 120))
    border = bubble(image, (160, 120), (130, 80))
    strokes, polygon = write(image, "Oh no", (100, 132), scale=1.3)
    right = int(polygon[:, 0].max())
    polygon[1:3, 0] += 6
    stop, rim, line = (np.zeros(image.shape[:2], bool) for _ in range(3))
    stop[128:138, right : right + 10] = True
    rim[132:135, right + 10] = True
    line[60:180, right + 11 : right + 14] = True
    image[stop | line], image[rim] = 0, 160
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert mask[stop].all() and _recall(mask, strokes) > 0.99
    assert not (mask & border).any() and not mask[:, right + 12 :].any()


def _beside_a_thick_border(image):
    """Lettering in a bubble; its strokes, its polygon, and the column where the border begins."""
    image[20:220, 20:300] = 255
    strokes, polygon = write(image, "Oh no", (100, 132), scale=1.3)
    border = int(polygon[:, 0].max()) + 12
    image[30:210, border : border + 9] = 0
    polygon[1:3, 0] = border - 3
    return strokes, polygon, border


@pytest.mark.parametrize(("away", "radius", "thickness"), [(4, 4, 1), (3, 2, -1)])
def test_a_full_stop_or_a_dot_that_is_one_with_a_thick_border_goes(away, radius, thickness):
    image = paper(color=(120, 120, 120))
    strokes, polygon, border = _beside_a_thick_border(image)
    before = image.copy()
    cv2.circle(image, (border - away, 128), radius, (0, 0, 0), thickness, cv2.LINE_AA)
    stop = (image != before).any(axis=2)
    assert stop.sum() > 15
    item = build_mask(image, _region(polygon))
    mask = union([item], image.shape[:2])
    assert mask[stop].mean() > 0.95 and _recall(mask, strokes) > 0.99
    assert not mask[:, border + 4 :].any()
    x0, y0 = item.box[:2]
    assert item.strokes.bridge[128 - y0, border - x0]  # the border is to go on


@pytest.mark.parametrize(("color", "tip"), [((0, 0, 0), 12), ((120, 60, 20), 8)])
def test_the_points_of_what_surrounds_a_jagged_bubble_stay(color, tip):
    image = paper(color=(120, 120, 120))
    _strokes, polygon, border = _beside_a_thick_border(image)
    image[30:210, border:] = color
    point = np.array([[border - tip, 128], [border, 122], [border, 134]], np.int32)
    cv2.fillPoly(image, [point], color)
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert not mask[118:138, border - 4 :].any()


def test_punctuation_beside_the_polygon_belongs_to_it():
    image = paper()
    _strokes, polygon = write(image, "And", (60, 130))
    right = int(polygon[:, 0].max())
    for i in range(3):
        cv2.circle(image, (right + 10 + 12 * i, 128), 3, (0, 0, 0), -1)
    dots_ = (image[:, right + 2 :] < 128).any(axis=2)
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert mask[:, right + 2 :][dots_].all()


@pytest.mark.parametrize("radius", [3, 4])
def test_a_small_ring_beside_the_polygon_belongs_to_it(radius):
    # The handakuten of a glyph at which the detector cut a line in two.
    image = paper()
    _, polygon = write(image, "Wait", (60, 130))
    ring = np.zeros(image.shape[:2], np.uint8)
    center = (int(polygon[:, 0].max()) + 8, int(polygon[:, 1].min()) + 2)
    cv2.circle(ring, center, radius, 255, 2)
    image[ring > 0] = 0
    assert not (rasterize([polygon], ring.shape) & (ring > 0)).any()
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert mask[ring > 0].all()


def test_screentone_next_to_a_bubble_is_not_taken_for_punctuation():
    image = paper(300, 420)
    image[:, 260:] = dots(300, 160)
    strokes, polygon = write(image, "Tone", (60, 160))
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert _recall(mask, strokes) == 1.0
    assert mask[:, 262:].mean() < 0.01


def test_white_lettering_with_an_outline_over_art_is_covered():
    rng = np.random.default_rng(3)
    art = cv2.GaussianBlur(
        rng.integers(0, 256, (240, 360, 3), np.uint8).astype(np.float32), (0, 0), 6
    )
    art = np.clip((art - art.mean()) * 6 + 110, 20, 200).astype(np.uint8)
    image = art.copy()
    _, _ = write(image, "BAM", (60, 150), scale=3.0, thickness=16)
    _, polygon = write(image, "BAM", (60, 150), scale=3.0, color=(255, 255, 255), thickness=7)
    strokes = (image != art).any(axis=2)
    item = build_mask(image, _region(polygon))
    mask = union([item], image.shape[:2])
    assert item.strokes.surface is None
    assert _recall(mask, strokes) > 0.97
    assert mask.mean() < 0.6  # strokes, not the polygon


def test_where_nothing_stands_out_the_polygon_is_used_and_said():
    noise = np.random.default_rng(1).integers(0, 256, (120, 200, 3), np.uint8)
    item = build_mask(noise, _region(box(60, 40, 140, 80)))
    assert "polygon" in item.strokes.reason
    assert union([item], (120, 200))[45:75, 65:135].all()


def test_style_polygons_takes_everything_inside():
    image = paper()
    _, polygon = write(image, "Hello", (60, 130))
    item = build_mask(image, _region(polygon), style="polygons", grow_by=0)
    x0, y0 = polygon.min(axis=0).astype(int)
    x1, y1 = polygon.max(axis=0).astype(int)
    assert union([item], image.shape[:2])[y0 : y1 + 1, x0 : x1 + 1].all()


def test_growth_can_be_given():
    image = paper()
    _strokes, polygon = write(image, "Hello", (60, 130))
    small = union([build_mask(image, _region(polygon), grow_by=1)], image.shape[:2])
    large = union([build_mask(image, _region(polygon), grow_by=6)], image.shape[:2])
    assert (small & ~large).sum() == 0
    assert large.sum() > small.sum()
    assert build_mask(image, _region(polygon), grow_by=6).region.grown == 6


def test_growth_follows_a_soft_glow():
    image = paper(color=(60, 60, 60))
    glow = paper(color=(60, 60, 60))
    write(glow, "Glow", (60, 140), scale=1.6, color=(255, 255, 255), thickness=10)
    image[:] = cv2.GaussianBlur(glow, (0, 0), 3)
    _, polygon = write(image, "Glow", (60, 140), scale=1.6, color=(0, 0, 0), thickness=3)
    changed = np.abs(image.astype(int) - 60).max(axis=2) > 12
    mask = union([build_mask(image, _region(polygon))], image.shape[:2])
    assert _recall(mask, changed) > 0.97


@pytest.mark.parametrize("where", [(-500, -500), (5000, 10), (-20, -20)])
def test_polygons_off_the_page_do_no_harm(where):
    image = paper()
    x, y = where
    item = build_mask(image, _region(box(x, y, x + 60, y + 30)))
    assert not union([item], image.shape[:2]).any() or where == (-20, -20)


def test_a_one_pixel_page_is_survived():
    item = build_mask(paper(1, 1), _region(box(0, 0, 3, 3)))
    assert union([item], (1, 1)).shape == (1, 1)


def test_joining_keeps_both_masks():
    image = paper()
    _strokes, polygon = write(image, "Hello", (60, 130))
    first = build_mask(image, _region(polygon))
    wider = build_mask(image, _region(box(50, 60, 250, 180)), style="polygons")
    both = union([join(first, wider)], image.shape[:2])
    assert np.array_equal(both, union([first, wider], image.shape[:2]))


def test_a_second_mask_is_near_what_was_found():
    image = paper()
    _, polygon = write(image, "Hello", (60, 130))
    x0, x1 = round(float(polygon[:, 0].min())), round(float(polygon[:, 0].max()))
    item = build_mask(image, _region(polygon))
    lines = np.zeros_like(item.mask)
    for x in (x0, x1):  # at both ends of the word
        lines[:, x - item.box[0] : x - item.box[0] + 3] = True
    item = replace(item, mask=item.mask | lines)
    height = 10
    near = near_lines(item, [box(x1 - 20, 110, x1, 110 + height)])
    ys, xs = np.nonzero(near.mask)
    assert not (near.mask & ~item.mask).any()
    assert (lines & near.mask).any()
    assert xs.min() + item.box[0] >= x1 - 20 - height - 1
    assert ys.min() + item.box[1] >= 110 - height - 1
    assert ys.max() + item.box[1] <= 110 + 2 * height + 1


@pytest.mark.parametrize("shift", [(0, 0), (7, -5), (400, 0)])
def test_a_second_mask_may_be_a_rim_of_the_first(shift):
    image = paper()
    _, polygon = write(image, "Hello", (60, 130))
    first = build_mask(image, _region(polygon))
    again = build_mask(image, _region(box(40, 60, 260, 180)), style="polygons")
    x0, y0, x1, y1 = first.box
    moved = (x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1])
    first = replace(first, box=moved)
    rim = near_mask(again, first, 2)
    canvas = np.zeros((400, 900), bool)
    canvas[moved[1] + 50 : moved[3] + 50, moved[0] : moved[2]] = dilate(first.mask, 2)
    left, top, right, bottom = again.box
    wanted = again.mask & canvas[top + 50 : bottom + 50, left:right]
    # Where the first crop ends a rim may be cut, which nothing of it reaches here.
    assert np.array_equal(rim.mask, wanted)


def test_joined_masks_keep_what_is_known_of_either():
    image = paper()
    bubble(image, (160, 120), (90, 50))
    _, polygon = write(image, "Oh no", (100, 132), scale=1.3)
    first = build_mask(image, _region(polygon))
    second = build_mask(image, _region(box(240, 20, 300, 60)))
    joined = join(first, second)
    canvas = np.zeros(image.shape[:2], bool)
    for item in (first, second):
        x0, y0, x1, y1 = item.box
        canvas[y0:y1, x0:x1] |= item.strokes.art
    x0, y0, x1, y1 = joined.box
    lettering = joined.strokes.mask
    assert np.array_equal(joined.strokes.art, canvas[y0:y1, x0:x1] & ~lettering)
    assert joined.strokes.surface is None


def test_surroundings_lie_in_the_same_bubble():
    image = paper(color=(120, 120, 120))
    bubble(image, (160, 120), (90, 50))
    _, polygon = write(image, "Oh no", (100, 132), scale=1.3)
    item = build_mask(image, _region(polygon))
    x0, y0, x1, y1 = item.box
    samples, specks = surroundings(item, item.mask)
    assert samples.sum() > 100
    assert (image[y0:y1, x0:x1][samples] > 240).all()
    assert specks == 0.0
