"""Under coloured pens the print comes back, whatever the inpainter makes of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.inpaint.pens import ThinPens
from textclean.types import Image, Mask


def page_and_pen(light: tuple[float, float, float]) -> tuple[Image, Image, Mask]:
    """A page, the same under a pen that lets so much light through, and the pen's hole."""
    page = np.full((160, 300, 3), (236, 228, 205), np.uint8)
    for x in range(20, 300, 60):
        cv2.line(page, (x, 0), (x, 160), (20, 20, 20), 5)
    cover = np.zeros((160, 300), np.uint8)
    cv2.line(cover, (10, 70), (290, 90), 255, 5, cv2.LINE_AA)
    share = 1 - cover[..., None] / 255 * (1 - np.array(light))
    hole = cv2.dilate(cover, np.ones((7, 7), np.uint8)) > 0
    return page, np.rint(page * share).astype(np.uint8), hole


def washed_out(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
    return np.where(mask[..., None], np.array([236, 228, 205], np.uint8), image)


@pytest.mark.parametrize("light", [(0.1, 0.15, 0.6), (0.85, 0.15, 0.15), (0.1, 0.5, 0.2)])
def test_print_comes_back_half_way(light: tuple[float, float, float]) -> None:
    page, shown, hole = page_and_pen(light)
    cleaned = ThinPens(washed_out)(shown, hole, hole)
    ink = np.abs(shown.astype(int) - page).max(axis=2) > 12
    print_, paper = ink & (page.max(axis=2) < 40), ink & (page.min(axis=2) > 190)
    # The inpainter says 236, 228, 205; the truth is 20.
    assert np.median(cleaned[print_].max(axis=1)) < 150
    assert np.median(np.abs(cleaned[paper].astype(int) - page[paper]).max(axis=1)) < 12


def test_the_soft_rim_of_a_coloured_pen_is_mostly_paper() -> None:
    page, shown, hole = page_and_pen((0.1, 0.15, 0.6))
    rim = hole & (shown[..., 0] > 60) & (shown[..., 0] < 210) & (page.min(axis=2) > 190)

    def left_behind(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return np.where(mask[..., None], image // 2 + page // 2, image)

    before = np.abs(left_behind(shown, hole).astype(int) - page)[rim].mean()
    after = np.abs(ThinPens(left_behind)(shown, hole, hole).astype(int) - page)[rim].mean()
    assert rim.sum() > 100
    assert before > 25
    assert after < before / 3


def test_a_grey_pen_is_told_from_darker_print() -> None:
    page, shown, hole = page_and_pen((0.35, 0.35, 0.37))
    cleaned = ThinPens(washed_out)(shown, hole, hole)
    ink = np.abs(shown.astype(int) - page).max(axis=2) > 4
    assert np.median(cleaned[ink & (page.max(axis=2) < 40)].max(axis=1)) < 150
    paper = ink & (page.min(axis=2) > 190)
    assert np.median(np.abs(cleaned[paper].astype(int) - page[paper]).max(axis=1)) < 12


def test_small_type_that_is_mostly_rim_is_print_as_dark_as_it_is() -> None:
    page, shown, hole = page_and_pen((0.35, 0.35, 0.37))
    # Away from the pen there is more of grey rims than of black.
    for image in (page, shown):
        for rows in (slice(2, 55), slice(105, 158)):
            image[rows, 5:295:4] = (20, 20, 20)
            image[rows, 6:295:4] = image[rows, 7:295:4] = (118, 114, 102)
    cleaned = ThinPens(washed_out)(shown, hole, hole)
    ink = (np.abs(shown.astype(int) - page).max(axis=2) > 4) & (page.max(axis=2) < 40)
    assert np.median(cleaned[ink].max(axis=1)) < 150


def test_a_pen_as_dark_as_the_print_tells_nothing() -> None:
    _, shown, hole = page_and_pen((0.09, 0.09, 0.1))
    assert (ThinPens(washed_out)(shown, hole, hole) == washed_out(shown, hole)).all()


def test_opaque_holes_and_specks_are_left_alone() -> None:
    _, shown, hole = page_and_pen((0.1, 0.15, 0.6))
    assert (ThinPens(washed_out)(shown, hole) == washed_out(shown, hole)).all()
    speck = np.zeros_like(hole)
    speck[68:84, 100:106] = hole[68:84, 100:106]
    assert (ThinPens(washed_out)(shown, speck, speck) == washed_out(shown, speck)).all()


def test_a_note_on_coloured_rules_is_not_taken_for_print() -> None:
    page = np.full((160, 300, 3), (236, 228, 205), np.uint8)
    page[:, 20::60] = 20
    page[:, 21::60] = 20
    shown = page.copy()
    cover = np.zeros((160, 300), np.uint8)
    for y in range(20, 160, 20):
        shown[y : y + 3, 10:290] = np.rint(page[y : y + 3, 10:290] * np.array((0.85, 0.3, 0.3)))
        cover[y : y + 3, 10:290] = 255
    note = np.zeros((160, 300), np.uint8)
    cv2.putText(note, "a note", (30, 95), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 255, 6)
    shown[note > 0] = np.rint(page[note > 0] * np.array((0.1, 0.14, 0.1)))
    hole = cv2.dilate(np.maximum(cover, note), np.ones((7, 7), np.uint8)) > 0

    def network(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return np.where(mask[..., None], page, image)  # it knows the note by its shape

    cleaned = ThinPens(network)(shown, hole, hole)
    paper = (note > 0) & (page.min(axis=2) > 190)
    assert (cleaned[paper] == page[paper]).all()
