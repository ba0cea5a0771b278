"""Shapes in the colour of lettering that continue it."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import dots

from textclean.mask.kin import alike_beside

GREY = (170, 170, 170)


def effect(
    *, color: tuple[int, int, int] = GREY, gap: int = 12, high: int = 36, hint: int = 40
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Six grey letters in tone and a seventh; image, what is seen, the ink map, and the seventh."""
    image = dots(160, 480)
    seen, last = np.zeros((160, 480), bool), np.zeros((160, 480), bool)
    for n in range(6):
        for part in (
            np.s_[60:100, 40 + 40 * n : 52 + 40 * n],
            np.s_[74:84, 40 + 40 * n : 68 + 40 * n],
        ):
            seen[part] = True
    image[seen] = GREY
    left = 268 + gap
    last[60 : 60 + high, left : left + 6] = True
    image[last] = color
    plane = np.where(seen, 220, np.where(last, hint, 0)).astype(np.uint8)
    return image, seen, plane, last


def test_the_last_letter_comes_in() -> None:
    image, seen, plane, last = effect()
    found = alike_beside(seen, plane, image, 40.0)
    assert found[last].mean() > 0.9 and not (found & seen).any()
    assert found.sum() < 1.5 * last.sum()


def test_the_rest_of_a_letter_comes_in_without_a_hint() -> None:
    image, letters, _, _ = effect(gap=200)
    image[60:100, 468:474] = image[60:100, 440:446]  # no seventh letter
    half, most = letters.copy(), letters.copy()
    half[60:100, 240:252], most[60:74, 240:252] = False, False
    for seen, whole in ((most, True), (half, False)):
        plane = np.where(seen, 220, 0).astype(np.uint8)
        found = alike_beside(seen, plane, image, 40.0)
        assert found[letters & ~seen].mean() > 0.9 if whole else not found.any()


@pytest.mark.parametrize("values", [
    {"color": (0, 0, 0)},  # the colour of the dots
    {"gap": 60},  # too far off
    {"high": 4},  # a speck
    {"high": 90},  # a drawing
    {"hint": 0},  # the network is sure that it is none
], ids=str)  # fmt: skip
def test_what_does_not_continue_it_stays(values: dict[str, object]) -> None:
    image, seen, plane, _ = effect(**values)  # type: ignore[arg-type]
    assert not alike_beside(seen, plane, image, 40.0).any()


def test_more_than_a_few_letters_is_something_else() -> None:
    image, seen, plane, _ = effect()
    swirl = np.zeros_like(seen)
    for row in range(20, 150, 12):
        swirl[row : row + 5, 300:350] = True
    image[swirl], plane[swirl] = GREY, 60
    assert not alike_beside(seen, plane, image, 40.0).any()


def test_lettering_in_the_colours_of_the_page_tells_nothing() -> None:
    image, seen, plane, last = effect(color=(0, 0, 0))
    image[seen] = 0
    assert not alike_beside(seen, plane, image, 40.0).any()
    assert not alike_beside(np.zeros_like(seen), plane, image, 40.0).any()
    assert last.any()
