from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn import box, bubble, dots, paper, write
from inked import ink_map

from textclean.ink_map import InkMap
from textclean.mask import ink
from textclean.mask.annotations import GROWTH, annotation_mask
from textclean.mask.ink import agreement, refine, took_all
from textclean.mask.morphology import dilate, line_height, rasterize
from textclean.mask.strokes import Strokes, find_strokes, plain_background
from textclean.types import Region


def both(image, ink, polygon):
    height = line_height(polygon)
    before = find_strokes(image, [polygon], height)
    return before, refine(before, ink, image, [polygon], height)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def test_where_the_two_agree_the_thresholds_are_kept():
    image = paper()
    strokes, polygon = write(image, "Hello", (60, 130))
    before, after = both(image, ink_map(image.shape[:2], lettering=strokes, blur=1.0), polygon)
    assert np.array_equal(after.mask, before.mask)
    assert before.reason in after.reason and "agrees" in after.reason


@pytest.mark.parametrize("count", [3, 40])
def test_where_the_two_agree_tone_beside_the_lettering_stays_and_an_ellipsis_goes(count):
    image = paper(240, 900)
    strokes, polygon = write(image, "All of the others see", (60, 130), scale=1.6)
    marks = np.zeros_like(strokes)
    right, middle = int(polygon[:, 0].max()), int(polygon[:, 1].mean())
    for number in range(count):
        x, y = right + 8 + 7 * (number % 8), middle + 7 * (number // 8)
        marks[y : y + 3, x : x + 3] = True
    image[marks] = 0
    polygon = polygon.copy()
    polygon[1:3, 0] = right + 66
    before, after = both(image, ink_map(image.shape[:2], lettering=strokes, blur=0.8), polygon)
    assert "network agrees" in after.reason and "in part" not in after.reason
    assert before.mask[marks].all()
    assert after.mask[marks].all() if count == 3 else not after.mask[marks].any()
    assert after.mask[strokes].mean() > 0.95


def test_a_network_that_sees_nothing_changes_nothing():
    image = paper()
    _, polygon = write(image, "Hello", (60, 130))
    nothing = ink_map(image.shape[:2])
    before, after = both(image, nothing, polygon)
    assert np.array_equal(after.mask, before.mask) and "too little" in after.reason
    one_corner = np.zeros(image.shape[:2], bool)
    x, y = polygon.min(axis=0).astype(int)
    one_corner[y : y + 12, x : x + 12] = True
    before, after = both(image, ink_map(image.shape[:2], lettering=one_corner), polygon)
    assert np.array_equal(after.mask, before.mask)


def test_a_drawing_beside_the_lettering_in_the_same_bubble_stays():
    image = paper(260, 420, color=(120, 120, 120))
    bubble(image, (210, 130), (190, 110))
    strokes, polygon = write(image, "Look at", (90, 130))
    heart = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(heart, (275, 116), 22, 1, 3)
    cv2.circle(heart, (275, 116), 9, 1, -1)
    heart = heart.astype(bool)
    image[heart] = 0
    polygon = polygon.copy()
    polygon[1:3, 0] = 300  # the detector took it for a glyph
    before, after = both(image, ink_map(image.shape[:2], lettering=strokes, blur=0.8), polygon)
    assert before.mask[heart].mean() > 0.9
    assert not after.mask[heart].any() and after.art[heart].all()
    assert after.mask[strokes].mean() > 0.95
    assert after.interior is not None and "chosen by the ink network" in after.reason


def test_a_line_of_the_art_that_runs_into_the_lettering_stays_and_so_do_dots_of_tone():
    image = paper(240, 420)
    strokes, polygon = write(image, "Hang on", (60, 130), thickness=5)
    art = np.zeros_like(strokes)
    right, middle = int(polygon[:, 0].max()), int(polygon[:, 1].mean())
    art[middle : middle + 14, right - 12 : right + 70] = True  # touches the last glyph
    art[100:140:6, right + 12 : right + 70 : 6] = True
    art &= ~strokes
    image[art] = 0
    both_as_text = Strokes(
        strokes | art, np.zeros_like(art), *_plain(image, strokes), np.zeros_like(art), "all of it"
    )
    polygon = polygon.copy()
    polygon[1:3, 0] += 75
    ink = ink_map(image.shape[:2], lettering=strokes, blur=0.8)
    after = refine(both_as_text, ink, image, [polygon], line_height(polygon))
    assert "chosen" in after.reason
    assert after.mask[strokes].mean() > 0.99
    assert not after.mask[:, right + 8 :].any()
    assert after.art[:, right + 8 :][art[:, right + 8 :]].all()


def _plain(image, strokes):
    """The surface and the interior that thresholds report on white paper."""
    surface = plain_background(image, dilate(strokes, 6), 40.0)
    assert surface is not None
    return surface, np.ones_like(strokes)


@pytest.mark.parametrize(("scale", "solid", "stays"), [
    (1.0, False, True),
    (1.0, True, False),  # the strokes of a glyph that the network hardly sees
    (3.0, False, False),  # where glyphs are as high as their line, there is nothing else in it
])  # fmt: skip
def test_tone_with_hints_of_lettering_stays_in_lines_much_higher_than_the_glyphs(
    scale, solid, stays
):
    image = paper(300, 700)
    strokes, polygon = write(image, "Hang on", (60, 150), scale=scale, thickness=round(3 * scale))
    others = np.zeros_like(strokes)
    others[200:280:6, 60:300:6], others[200:280:6, 61:300:6] = True, True
    others[200:280:6, 300:303], others[200:280, 303] = True, True
    if solid:
        others[200:280:6, 120:300], others[200:220, 60:110] = False, True
    image[others] = 0
    nothing = np.zeros_like(strokes)
    everything = Strokes(strokes | others, nothing, *_plain(image, strokes), nothing, "all")
    polygon = polygon.copy()
    polygon[2:, 1] = 280
    seen = ink_map(image.shape[:2], lettering=strokes, blur=0.8)
    seen.lettering[others] = np.maximum(seen.lettering[others], 40)
    after = refine(everything, seen, image, [polygon], 150.0)
    assert after.mask[strokes].mean() > 0.99
    assert not after.mask[others].any() if stays else after.mask[others].all()


def test_the_part_of_a_glyph_that_hangs_on_a_border_goes_and_the_border_stays():
    image = paper(240, 420)
    strokes, polygon = write(image, "Hang on", (60, 130), thickness=5)
    border = np.zeros_like(strokes)
    border[:, 40:60] = True
    joined = strokes.copy()
    joined[:, 72:], joined[:118] = False, False  # the foot of a stem, which the border runs into
    border |= dilate(joined, 4) & ~strokes & (np.indices(strokes.shape)[1] < 66)
    image[border] = 0
    nothing = np.zeros_like(strokes)
    kept, art = strokes & ~joined, border | joined
    cut = Strokes(kept, art, *_plain(image, strokes), nothing, "all but a stem")
    ink = ink_map(image.shape[:2], lettering=strokes)
    after = refine(cut, ink, image, [polygon], line_height(polygon))
    assert "agrees" in after.reason
    assert after.mask[strokes].all() and not after.mask[border].any()
    assert after.art[border].all() and not after.art[strokes].any()
    assert after.bridge[joined].all()  # the border goes on beneath it


def test_lettering_that_was_taken_for_art_comes_in():
    image = paper()
    strokes, polygon = write(image, "Hi all", (60, 130))
    before = find_strokes(image, [polygon], line_height(polygon))
    half = np.zeros_like(strokes)
    half[:, : int(polygon[:, 0].mean())] = True
    worse = Strokes(
        before.mask & half, before.mask & ~half, before.surface, before.interior, before.bridge, "x"
    )
    ink = ink_map(image.shape[:2], lettering=strokes)
    after = refine(worse, ink, image, [polygon], line_height(polygon))
    assert after.mask[strokes].mean() > 0.98
    assert not (after.art & strokes).any()


def test_over_art_the_network_is_followed_and_its_rim_settled_by_the_image():
    image = dots(240, 320)
    image[:120] = np.random.default_rng(0).integers(0, 200, (120, 320, 1)).astype(np.uint8)
    strokes, polygon = write(image, "BOOM", (60, 140), scale=2.0, thickness=9, color=(230, 30, 30))
    fat = ink_map(image.shape[:2], lettering=dilate(strokes, 1), blur=1.5)
    height = line_height(polygon)
    whole = np.zeros_like(strokes)
    x0, y0, x1, y1 = *polygon.min(axis=0).astype(int), *polygon.max(axis=0).astype(int)
    whole[y0 : y1 + 1, x0 : x1 + 1] = True
    nothing = np.zeros_like(whole)
    last_resort = Strokes(whole, nothing, None, None, nothing, "no strokes stand out")
    after = refine(last_resort, fat, image, [polygon], height)
    assert "the ink network's" in after.reason and "no strokes stand out" in after.reason
    assert after.mask[strokes].mean() > 0.97
    # Blending with the lettering reaches one pixel beyond it.
    assert (after.mask & ~dilate(strokes, 2)).sum() <= 0.02 * strokes.sum()


def test_an_outline_that_only_the_network_sees_comes_in():
    image = paper()
    strokes, polygon = write(image, "Glow", (60, 130), thickness=4)
    glow = dilate(strokes, 6)
    halo = glow & ~strokes
    image[halo] = (250, 250, 247)  # too faint for thresholds
    before, after = both(image, ink_map(image.shape[:2], lettering=glow), polygon)
    assert before.mask[halo].mean() < 0.6
    assert after.mask[glow].mean() > 0.97
    assert not (after.mask & ~dilate(glow, 1)).any()
    assert after.surface is not None and "outline" in after.reason
    fat = ink_map(image.shape[:2], lettering=dilate(glow, 5))  # nothing shows that far out
    _, after = both(image, fat, polygon)
    assert not (after.mask & ~dilate(glow, 4)).any()


def test_a_neighbour_that_reaches_into_the_polygon_stays_out_of_it():
    image = paper()
    strokes, polygon = write(image, "Word", (60, 130))
    bar = np.zeros_like(strokes)
    right = int(polygon[:, 0].max())
    bar[118:124, right - 4 : 318] = True
    image[bar] = 0
    ink = ink_map(image.shape[:2], lettering=strokes | bar)
    _, after = both(image, ink, polygon)
    assert not after.mask[:, right + 20 :].any()


def test_agreement_forgives_a_pixel_and_no_more():
    one = np.zeros((40, 40), bool)
    one[10:30, 10:14] = True
    assert agreement(one, one) == 1.0
    assert agreement(one, dilate(one, 1)) == 1.0
    assert agreement(one, dilate(one, 4)) < 0.6
    assert agreement(one, np.zeros_like(one)) == 0.0
    assert agreement(one, np.roll(one, 20, axis=1)) == 0.0


@pytest.mark.parametrize("kind", ["pen", "handwriting", "highlighter", "stamp"])
def test_an_annotation_is_masked_by_its_own_pixels_and_print_is_not(kind):
    image = paper(color=(250, 248, 240))
    text, _ = write(image, "printed", (40, 150), thickness=2)
    mark = np.zeros(image.shape[:2], np.uint8)
    cv2.line(mark, (40, 100), (280, 112), 1, 4)
    mark = mark.astype(bool)
    image[mark] = (30, 60, 200)
    plane = "pen" if kind in ("pen", "handwriting") else kind
    ink = ink_map(image.shape[:2], blur=0.7, print=text & ~mark, **{plane: mark})
    hull = np.array([[38, 96], [282, 108], [282, 118], [38, 106]], np.float32)
    item = annotation_mask(image, Region(hull, kind=kind, see_through=True), ink)
    canvas = np.zeros_like(mark)
    item.paste(canvas)
    assert canvas[mark].all()
    assert not (canvas & ~dilate(mark, GROWTH[kind] + 2)).any()
    assert item.region.grown == GROWTH[kind] and item.region.see_through
    assert np.abs(np.subtract(item.region.stroke_color, (30, 60, 200))).max() <= 25
    more = annotation_mask(image, Region(hull, kind=kind), ink, extra=2)
    assert more.mask.sum() > item.mask.sum()


def test_what_was_seen_on_a_smaller_page_is_grown_by_the_rest_of_its_pixels():
    image = paper(120, 200)
    mark = np.zeros(image.shape[:2], bool)
    mark[50:56, 40:160] = image[50:56, 40:160, 0] = True
    fine = ink_map(image.shape[:2], pen=mark)
    hull = np.array([[38, 46], [162, 46], [162, 60], [38, 60]], np.float32)
    grown = [
        annotation_mask(image, Region(hull, kind="pen"), InkMap(fine.planes, pixel)).region.grown
        for pixel in (1.0, 2.0, 4.0)
    ]
    assert grown == [GROWTH["pen"], GROWTH["pen"] + 1, GROWTH["pen"] + 3]


def test_an_annotation_off_the_page_or_faded_gives_an_empty_mask():
    image = paper(60, 60)
    ink = ink_map((60, 60))
    for offset in (0, 500):
        hull = np.array([[5, 5], [40, 5], [40, 20]], np.float32) + np.float32(offset)
        item = annotation_mask(image, Region(hull, kind="pen"), ink)
        assert not item.mask.any() and item.region.grown == 0 and item.region.stroke_color is None


def test_what_the_network_misses_in_a_line_on_plain_paper_goes_all_the_same():
    """Thresholds and detector are two against one, unless something lies outside of the lines."""
    image = paper()
    strokes, polygon = write(image, "Hello", (60, 130))
    core = rasterize([polygon], image.shape[:2])
    seen = strokes.copy()
    seen[:, : int(polygon[:, 0].mean()) + 20] = False
    before = find_strokes(image, [polygon], line_height(polygon))
    whole = ink._in_lines(before, seen, core)
    assert whole is not None and np.array_equal(whole.mask, before.mask)
    elsewhere = seen | np.roll(seen, 60, axis=0)  # what it sees does not stand out
    assert ink._in_lines(before, elsewhere, core) is None
    narrow = core.copy()
    narrow[:, : int(polygon[:, 0].mean())] = False
    assert ink._in_lines(before, seen, narrow) is None


def test_where_the_two_agree_a_glyph_that_the_network_does_not_see_goes():
    image = paper(240, 900)
    strokes, polygon = write(image, "All of the others see", (60, 130), scale=1.6)
    right, middle = int(polygon[:, 0].max()), int(polygon[:, 1].mean())
    glyph, far = write(image, "R", (right + 4, middle + 14), scale=1.2)
    polygon = polygon.copy()
    polygon[1:3, 0] = far[:, 0].max()
    before, after = both(image, ink_map(image.shape[:2], lettering=strokes, blur=0.8), polygon)
    assert "network agrees" in after.reason and "in part" not in after.reason
    assert before.mask[glyph].mean() > 0.9
    assert np.array_equal(after.mask, before.mask)


@pytest.mark.parametrize(
    ("taken", "where", "all_of_it"),
    [(1.0, 0, True), (0.97, 0, True), (0.5, 0, False), (0.0, 0, False), (1.0, 300, False)],
)
def test_whether_a_mask_took_all_that_was_seen(taken, where, all_of_it):
    image = paper(240, 640)
    strokes, polygon = write(image, "Hello", (60, 130))
    columns = np.flatnonzero(strokes.any(axis=0))
    mask = strokes.copy()
    mask[:, columns[0] + round(taken * (columns[-1] + 1 - columns[0])) :] = False
    seen = ink_map(image.shape[:2], lettering=strokes)
    lines = [polygon + np.array([where, 0], np.float32)]  # 300: where nothing is seen
    assert took_all(mask, seen, lines) is all_of_it


@pytest.mark.parametrize(("inside", "whole"), [(False, False), (True, True)])
def test_large_lettering_that_is_joined_with_the_art_goes_without_it(inside, whole):
    """Letters 60 pixels high that run into a dark drawing; in a bubble it would be lettering."""
    image = paper(300, 420)
    polygon = box(56, 56, 160, 134)
    height = line_height(polygon)
    letter = np.zeros(image.shape[:2], bool)
    for x in (66, 92, 118):
        letter[65:125, x : x + 14] = True
    letter[90:102, 66:132] = True
    drawing = np.zeros_like(letter)
    drawing[90:128, 132:200] = True
    apart = np.zeros_like(letter)  # what the network is sure of that it is none
    apart[70:110, 230:250] = True
    image[letter | drawing | apart] = 20
    alone = paper(300, 420)
    cv2.putText(alone, "Hi", (60, 130), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (20, 20, 20), 8)
    plain = find_strokes(alone, [polygon], height)
    assert plain.surface is not None
    strokes = replace(plain, mask=letter | drawing | apart, art=np.zeros_like(letter))
    seen = ink_map(image.shape[:2], lettering=letter, **({"bubble": ~drawing} if inside else {}))
    seen.planes[1][drawing] = 40  # lettering is not out of the question there
    after = refine(strokes, seen, image, [polygon], height)
    assert after.mask[letter].mean() > 0.95
    assert bool(after.mask[drawing].mean() > 0.5) is whole
    assert not after.mask[apart].any()


@pytest.mark.parametrize("in_bubble", [False, True])
def test_what_touches_large_lettering_on_art_and_is_not_seen_stays(in_bubble):
    """Strokes 60 pixels high, the tip of one but suspected, and dots of tone that touch another."""
    image = paper(300, 420)
    polygon = box(56, 56, 160, 134)
    height = line_height(polygon)
    letter, tip, dots_, apart = np.zeros((4, *image.shape[:2]), bool)
    for x in (66, 92, 118):
        letter[65:125, x : x + 14] = True
    tip[125:136, 70:76] = True
    dots_[100:106, 132:150] = True
    apart[66:124, 160:180] = True  # for the thresholds to be wrong about
    image[letter | tip | dots_ | apart] = 20
    plain = find_strokes(image, [polygon], height)
    assert plain.surface is not None
    nothing = np.zeros_like(letter)
    strokes = replace(plain, mask=letter | tip | dots_ | apart, art=nothing)
    bubble_ = {"bubble": ~nothing} if in_bubble else {}
    seen = ink_map(image.shape[:2], lettering=letter, **bubble_)
    seen.planes[1][tip] = 60
    seen.planes[1, :, ::3][dots_[:, ::3]] = 60  # here and there
    after = refine(strokes, seen, image, [polygon], height)
    assert "shapes chosen by the ink network" in after.reason
    assert after.mask[letter].all() and after.mask[tip].all()
    assert not after.mask[apart].any()
    assert after.mask[:, 137:][dots_[:, 137:]].all() == in_bubble
    assert not (after.mask & after.art).any()


@pytest.mark.parametrize(("toned", "seen_share", "whole"), [
    (True, 0.08, True),
    (True, 0.5, False),
    (False, 0.08, False),
])  # fmt: skip
def test_a_line_in_tone_of_which_the_network_sees_little_goes_whole(toned, seen_share, whole):
    """Two lines: one is seen, of the other as much as the case says."""
    rng = np.random.default_rng(0)
    image = rng.integers(90, 170, (240, 320, 1), np.uint8).repeat(3, axis=2)
    if toned:
        image = dots(240, 320)
    lines = [box(60, 60, 260, 90), box(60, 100, 260, 130)]
    lettering = np.zeros(image.shape[:2], bool)
    lettering[66:84, 64:256] = True
    lettering[106:124, 64 : 64 + round(seen_share * 200 * 30 / 18)] = True
    nothing = np.zeros_like(lettering)
    strokes = Strokes(nothing, nothing, None, None, nothing, "nothing stands out")
    after = refine(strokes, ink_map(image.shape[:2], lettering=lettering), image, lines, 30.0)
    assert bool(after.mask[100:131, 60:261].all()) is whole
    assert ("whole lines in tone" in after.reason) is whole
    assert not after.mask[60:64, 60:261].any()  # of the line that is seen, no more than is seen
