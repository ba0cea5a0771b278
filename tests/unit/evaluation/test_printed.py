"""Print on a small document: found on uneven paper, counted when it goes."""

import math

import cv2
import numpy as np
import pytest

from textclean.evaluation.metrics import luma
from textclean.evaluation.printed import print_erased, print_masked, print_pixels


@pytest.fixture
def clean():
    """Paper that darkens to the right, a dark spine at the left, and four lines of bars."""
    page = np.tile(np.linspace(235, 150, 200).astype(np.uint8)[None, :, None], (160, 1, 3)).copy()
    page[:, :70] = (70, 60, 50)
    for y in range(20, 150, 30):
        page[y : y + 8, 85:190:10] //= 5
        page[y : y + 8, 86:190:10] //= 5
    return page


@pytest.fixture
def bars(clean):
    found = np.zeros(clean.shape[:2], bool)
    for y in range(20, 150, 30):
        found[y : y + 8, 85:190:10] = found[y : y + 8, 86:190:10] = True
    return found


def test_print_is_what_is_darker_than_the_paper_around_it(clean, bars):
    nothing = np.zeros_like(bars)
    assert np.array_equal(print_pixels(clean, nothing), bars)
    grey = luma(clean).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    assert (grey <= threshold)[:, :70].all()  # the spine would be print by its luma


def test_print_next_to_ink_does_not_count(clean, bars):
    ink = np.zeros_like(bars)
    ink[20:28, 87] = True
    found = print_pixels(clean, ink)
    assert not found[20:29, 86].any()
    assert found[20:28, 85].all()
    assert found.sum() == bars.sum() - 8


def test_faint_marks_are_no_print():
    page = np.full((80, 80, 3), 230, np.uint8)
    page[30:40, 10:70:4] = 190  # print that shines through from the other side
    assert not print_pixels(page, np.zeros((80, 80), bool)).any()
    assert not print_pixels(np.full_like(page, 255), np.zeros((80, 80), bool)).any()


def test_only_visible_lightening_is_erasing(clean, bars):
    printed = print_pixels(clean, np.zeros_like(bars))
    assert print_erased(clean, clean, printed) == 0.0
    cleaned = clean.copy()
    cleaned[20:28, 85:87] = 200  # one bar of 55
    cleaned[50:58][bars[50:58]] += 40  # lighter, but still print
    cleaned[80:88][bars[80:88]] = 0  # darker
    assert print_erased(cleaned, clean, printed) == pytest.approx(1 / 55)
    assert math.isnan(print_erased(clean, clean, np.zeros_like(bars)))


def test_print_under_the_mask(clean, bars):
    printed = print_pixels(clean, np.zeros_like(bars))
    mask = np.zeros_like(bars)
    mask[:60] = True
    assert print_masked(mask, printed) == pytest.approx(2 / 5)
    assert math.isnan(print_masked(mask, np.zeros_like(bars)))
