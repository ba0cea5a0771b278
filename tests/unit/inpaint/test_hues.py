"""What is left of an ink's hue after un-mixing is taken off print that has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.inpaint.hues import HuesLast
from textclean.types import Image, Mask

PAPER = (240, 232, 210)
RED, YELLOW = (0.97, 0.2, 0.25), (0.98, 0.93, 0.25)
SIZE = 220, 320


def printed(color: tuple[int, int, int] = (30, 29, 26)) -> Image:
    page = np.full((*SIZE, 3), PAPER, np.uint8)
    for row in range(24, SIZE[0], 28):
        cv2.putText(page, "printed text", (8, row), cv2.FONT_HERSHEY_DUPLEX, 0.8, color, 2)
    return page


def under(page: Image, light: tuple[float, float, float]) -> tuple[Image, Mask]:
    """The page under a band of ink, and the band."""
    band = np.zeros(SIZE, bool)
    band[90:118, 10:300] = True
    shown = page.copy()
    shown[band] = np.rint(page[band] * np.array(light)).astype(np.uint8)
    return shown, band


def half_done(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
    """Takes off a half of what ink there is: its hue stays."""
    del see_through
    ink = np.array(RED) ** 0.5
    out = image.copy()
    out[mask] = np.clip(np.rint(image[mask] / ink), 0, 255).astype(np.uint8)
    return out


def test_print_is_no_denser_than_its_clearest_channel_and_has_its_own_hue() -> None:
    page = printed()
    shown, band = under(page, RED)
    before = half_done(shown, band).astype(int)
    after = HuesLast(half_done)(shown, band, band)
    assert np.abs(before - page)[band].mean() > 40
    assert np.abs(after.astype(int) - page)[band].mean() < 12
    dark = band & (page.max(axis=2) < 60)
    assert np.ptp(after[dark].astype(int), axis=1).max() < 12
    assert (after[~band] == page[~band]).all()


def test_black_beneath_an_ink_is_not_paled() -> None:
    page = printed()
    shown, band = under(page, YELLOW)
    after = HuesLast(lambda *_: page)(shown, band, band)
    assert np.abs(after.astype(int) - page)[band].max() <= 8


@pytest.mark.parametrize("color", [(190, 40, 40), (40, 70, 180)])
def test_print_in_colour_keeps_it(color: tuple[int, int, int]) -> None:
    page = printed()
    page[80:130] = printed(color)[80:130]  # a line among black ones
    shown, band = under(page, (0.5, 0.5, 0.5))
    after = HuesLast(lambda *_: page)(shown, band, band)
    assert (after == page).all()


def test_where_ink_hid_everything_nothing_is_told() -> None:
    shown, band = under(printed(), RED)
    assert (HuesLast(half_done)(shown, band) == half_done(shown, band)).all()
    blank = np.full((*SIZE, 3), PAPER, np.uint8)  # no print to measure
    shown, band = under(blank, RED)
    assert (HuesLast(half_done)(shown, band, band) == half_done(shown, band)).all()


def test_the_grain_of_paper_is_not_lightened() -> None:
    page = printed()
    shown, band = under(page, (1.0, 0.4, 0.4))
    rng = np.random.default_rng(3)
    grained = page.copy()
    paper = band & (page == PAPER).all(axis=2)
    grained[paper] = np.clip(page[paper] + rng.integers(-4, 5, (int(paper.sum()), 1)), 0, 255)
    after = HuesLast(lambda *_: grained)(shown, band, band)
    assert (after[paper] == grained[paper]).all()
