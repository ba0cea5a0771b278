"""Faded and dim pages are looked at with the usual levels."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.levels import BLACK, STRONGEST, WHITE, Levels
from textclean.types import Background, Image, Region


def page(black: float, white: float) -> Image:
    """Paper with a tenth of ink, and a mark in colour."""
    image = np.full((100, 100, 3), white, np.uint8)
    image[:10] = round(black)
    image[50:60, 50:60] = (round((black + white) / 2), round(black), round(white))
    return image


@pytest.mark.parametrize(("black", "white"), [(0, 255), (85, 255), (0, 172), (30, 240), (170, 255)])
def test_a_usual_page_is_given_back_as_it_is(black: int, white: int) -> None:
    image = page(black, white)
    levels = Levels.of(image)
    assert levels.is_usual and levels(image) is image and levels.back(image) is image


@pytest.mark.parametrize(("black", "white"), [(110, 245), (150, 255), (0, 120), (100, 160)])
def test_black_becomes_black_and_white_white(black: int, white: int) -> None:
    found = Levels.of(page(black, white))(page(black, white))
    dark, light = int(found[0, 0, 0]), int(found[99, 0, 0])
    gain = (light - dark) / (white - black)
    assert gain <= STRONGEST + 0.01
    assert light == (white if white > 160 else WHITE)
    assert dark == (black if black < 95 else BLACK) or gain == pytest.approx(STRONGEST, rel=0.02)


def test_the_cleaned_page_is_looked_at_with_the_levels_of_the_page() -> None:
    """Without its lettering it would have others."""
    image = page(110, 245)
    cleaned = image.copy()
    cleaned[:10] = 245
    usual = Levels.of(image)
    assert np.array_equal(usual(cleaned)[50:60], usual(image)[50:60])
    assert not np.array_equal(Levels.of(cleaned)(cleaned)[50:60], usual(image)[50:60])


@pytest.mark.parametrize("level", [0, 60, 128, 255])
def test_a_page_of_one_grey_stays_of_one_grey(level: int) -> None:
    image = np.full((20, 30, 3), level, np.uint8)
    found = Levels.of(image)(image)
    assert found.dtype == np.uint8 and len(np.unique(found)) == 1


@pytest.mark.parametrize(("black", "white"), [(110, 245), (0, 120), (100, 160)])
def test_the_way_back_loses_nothing(black: int, white: int) -> None:
    image = page(black, white)
    levels = Levels.of(image)
    assert not levels.is_usual
    assert np.abs(levels.back(levels(image)).astype(int) - image).max() == 0


def test_what_is_told_of_a_region_is_told_of_the_page_itself() -> None:
    levels = Levels.of(page(110, 245))
    square = np.array([[0, 0], [9, 0], [9, 9], [0, 9]], np.float32)
    region = Region(
        square,
        stroke_color=(10, 10, 10),
        background=Background("flat", (245, 245, 245), 3.48, 0.1),
        confidence=8.7,
    )
    told = levels.told_back(region)
    assert told.stroke_color == (110, 110, 110)
    assert told.background is not None and told.background.color == (245, 245, 245)
    assert told.background.spread == pytest.approx(2.0, abs=0.01)
    assert told.confidence == pytest.approx(5.0, abs=0.05)
    assert levels.told_back(Region(square)).background is None
