"""Un-mixed pixels are held to what their ink allows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.inpaint.limits import WithinLimits
from textclean.types import Image, Mask


def page_and_pen() -> tuple[Image, Image, Mask]:
    """A page, the same under a grey pen of half density, and the pen's hole."""
    page = np.full((160, 300, 3), (236, 228, 205), np.uint8)
    for x in range(20, 300, 60):
        cv2.line(page, (x, 0), (x, 160), (20, 20, 20), 4)
    cover = np.zeros((160, 300), np.uint8)
    cv2.line(cover, (10, 80), (290, 86), 255, 5, cv2.LINE_AA)
    share = 1 - cover[..., None] / 255 * 0.5
    hole = cv2.dilate(cover, np.ones((7, 7), np.uint8)) > 0
    return page, np.rint(page * share).astype(np.uint8), hole


@pytest.mark.parametrize("level", [0, 255])
def test_results_stay_between_what_is_seen_and_what_the_ink_can_hide(level: int) -> None:
    page, shown, hole = page_and_pen()

    def other(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return np.where(mask[..., None], np.uint8(level), image)

    cleaned = WithinLimits(other)(shown, hole, hole)
    if level == 0:
        assert (cleaned[hole] == shown[hole]).all()
    else:  # the washed-out print under the pen is back
        dark = hole & (page.max(axis=2) < 40)
        assert cleaned[dark].max() < 70
        assert (cleaned[hole & ~dark].min(axis=1) >= page[hole & ~dark].min(axis=1) - 3).all()


def test_the_truth_is_within_the_limits() -> None:
    page, shown, hole = page_and_pen()
    cleaned = WithinLimits(lambda *_: page)(shown, hole, hole)
    assert np.abs(cleaned.astype(int) - page)[hole].max() <= 2


def test_opaque_holes_have_no_limits() -> None:
    page, shown, hole = page_and_pen()
    black = WithinLimits(lambda image, *_: np.zeros_like(image))(shown, hole)
    assert (black == 0).all()
    assert page.any()


def test_a_pen_that_crosses_a_paler_one_is_not_its_print() -> None:
    page = np.full((160, 300, 3), (236, 228, 205), np.uint8)
    shown = page.copy()
    pale, dark = np.zeros((160, 300), np.uint8), np.zeros((160, 300), np.uint8)
    cv2.circle(pale, (150, 80), 60, 255, 24)
    cv2.line(dark, (20, 40), (280, 120), 255, 9)
    for cover, light in ((pale, (0.6, 0.6, 0.6)), (dark, (0.1, 0.12, 0.5))):
        shown[cover > 0] = np.rint(shown[cover > 0] * np.array(light)).astype(np.uint8)
    hole = cv2.dilate(pale | dark, np.ones((7, 7), np.uint8)) > 0
    cleaned = WithinLimits(lambda *_: page)(shown, hole, hole)
    assert np.abs(cleaned.astype(int) - page).max() <= 2
