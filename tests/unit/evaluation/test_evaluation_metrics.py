"""The measures, against figures worked out by hand and against each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.evaluation import metrics


def page(value=255, size=(60, 80)):
    return np.full((*size, 3), value, np.uint8)


def dot(y=30, x=40, size=(60, 80)):
    mask = np.zeros(size, bool)
    mask[y, x] = True
    return mask


def test_hole_and_region_are_squares_around_the_text():
    hole = metrics.hole(dot())
    assert hole.sum() == 49
    assert hole[27:34, 37:44].all()
    region = metrics.region(hole)
    assert region.sum() == 37 * 37
    assert region[12:49, 22:59].all()


def test_region_leaves_the_ignored_boxes_out():
    region = metrics.region(
        metrics.hole(dot()), [(0, 0, 40, 60), (75, 55, 200, 300), (-9, -9, 0, 0)]
    )
    assert not region[:, :40].any()
    assert region[12:49, 40:59].all()


def test_psnr_is_over_all_three_channels():
    image = page()
    image[0, 0, 1] = 245  # one error of 10 in 4 pixels of 3 values
    where = np.zeros((60, 80), bool)
    where[:2, :2] = True
    assert metrics.psnr(image, page(), where) == pytest.approx(10 * math.log10(255**2 / (100 / 12)))


def test_psnr_of_equal_pages_is_the_cap_and_of_nothing_nan():
    assert metrics.psnr(page(), page()) == metrics.PSNR_CAP == 100.0
    assert math.isnan(metrics.psnr(page(), page(), np.zeros((60, 80), bool)))
    assert metrics.psnr(page(0), page(255)) == pytest.approx(0.0)


def test_psnr_never_exceeds_the_cap():
    image = np.full((300, 300, 3), 7, np.uint8)
    almost = image.copy()
    almost[0, 0, 0] = 8
    assert metrics.psnr(image, almost) == 100.0


def test_ssim_is_one_for_equal_pages_and_symmetric():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    b = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert metrics.ssim(a, a) == pytest.approx(1.0)
    assert metrics.ssim(a, b) == pytest.approx(metrics.ssim(b, a))
    assert abs(metrics.ssim(a, b)) < 0.1
    assert math.isnan(metrics.ssim(a, b, np.zeros((40, 50), bool)))


def test_ssim_agrees_with_a_direct_sum_over_one_window():
    rng = np.random.default_rng(1)
    a = rng.integers(0, 256, (11, 11, 3), dtype=np.uint8)
    b = rng.integers(0, 256, (11, 11, 3), dtype=np.uint8)
    steps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(steps, steps) / steps.sum() ** 2
    x, y = metrics.luma(a), metrics.luma(b)
    mx, my = (window * x).sum(), (window * y).sum()
    vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
    cov = (window * (x - mx) * (y - my)).sum()
    c1, c2 = 6.5025, 58.5225
    wanted = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    center = np.zeros((11, 11), bool)
    center[5, 5] = True
    assert metrics.ssim(a, b, center) == pytest.approx(wanted)


def test_mask_recall_counts_text_outside_the_ignored_boxes():
    text = np.zeros((10, 10), bool)
    text[2, :] = True
    mask = np.zeros((10, 10), bool)
    mask[2, :3] = True
    assert metrics.mask_recall(mask, text) == pytest.approx(0.3)
    assert metrics.mask_recall(mask, text, [(5, 0, 10, 10)]) == pytest.approx(0.6)
    assert math.isnan(metrics.mask_recall(mask, np.zeros((10, 10), bool)))


def test_over_erased_starts_beyond_twelve_pixels():
    text = dot(0, 0, (1, 100))
    for reach, wrong in ((13, 0), (14, 1), (20, 7)):
        mask = np.zeros((1, 100), bool)
        mask[0, :reach] = True
        assert metrics.over_erased(mask, text) == pytest.approx(wrong / 100), reach


def test_over_erased_ignores_boxes_in_both_counts():
    mask = np.ones((20, 100), bool)
    text = np.zeros((20, 100), bool)
    assert metrics.over_erased(mask, text) == 1.0
    mask[:, :50] = False
    assert metrics.over_erased(mask, text, [(50, 0, 60, 20)]) == pytest.approx(40 / 90)
    assert math.isnan(metrics.over_erased(mask, text, [(0, 0, 100, 20)]))


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 20.0))
def test_far_from_agrees_with_all_pairs_of_pixels(seed, distance):
    text = np.random.default_rng(seed).random((18, 23)) > 0.97
    far = metrics.far_from(text, distance)
    ys, xs = np.nonzero(text)
    for y in range(18):
        for x in range(23):
            nearest = np.hypot(ys - y, xs - x).min() if len(ys) else np.inf
            if abs(nearest - distance) > 0.01:
                assert far[y, x] == (nearest > distance)


def test_changed_outside_sees_one_level_in_one_channel():
    before, after = page(), page()
    mask = np.zeros((60, 80), bool)
    mask[:10] = True
    after[5, 5] = 0
    assert metrics.changed_outside(after, before, mask) == 0
    after[30, 30, 2] = 254
    assert metrics.changed_outside(after, before, mask) == 1
    assert metrics.changed_fraction(after, before) == pytest.approx(2 / 4800)


def test_changed_outside_takes_native_arrays_of_two_dimensions():
    before = np.zeros((4, 4), np.uint16)
    after = before.copy()
    after[1, 2] = 1
    assert metrics.changed_outside(after, before, np.zeros((4, 4), bool)) == 1
    assert metrics.changed_outside(after > 0, before > 0, np.ones((4, 4), bool)) == 0


def test_seam_ratio_is_one_for_the_truth_and_counts_steps():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    assert metrics.seam_ratio(truth, truth, mask) == pytest.approx(1.0)
    flat = np.full((40, 40, 3), 200, np.uint8)
    patched = flat.copy()
    patched[mask] = 180
    assert metrics.seam_ratio(patched, flat, mask) == pytest.approx(21.0)
    assert math.isnan(metrics.seam_ratio(patched, flat, mask, [(0, 0, 40, 40)]))
    assert math.isnan(metrics.seam_ratio(patched, flat, np.zeros((40, 40), bool)))


def test_ink_left_is_one_untouched_and_zero_for_the_truth():
    truth, lettered = page(250), page(250)
    text = np.zeros((60, 80), bool)
    text[20:30, 20:60] = True
    lettered[text] = (10, 10, 40)
    lettered[20:22, 20:60] = 240  # fringe that does not stand out
    assert metrics.ink_left(lettered, lettered, truth, text) == 1.0
    assert metrics.ink_left(truth, lettered, truth, text) == 0.0
    half = truth.copy()
    half[:, 20:30] = lettered[:, 20:30]
    assert metrics.ink_left(half, lettered, truth, text) == pytest.approx(0.25)
    assert metrics.ink_left(half, lettered, truth, text, [(0, 0, 40, 60)]) == 0.0
    assert math.isnan(metrics.ink_left(truth, truth, truth, text))


def test_ink_counts_as_left_when_it_is_nearer_to_the_ink_than_to_the_paper():
    truth, lettered = page(200), page(200)
    text = dot()
    lettered[text] = 0
    for value, left in ((99, 1.0), (101, 0.0)):
        cleaned = truth.copy()
        cleaned[text] = value
        assert metrics.ink_left(cleaned, lettered, truth, text) == left
