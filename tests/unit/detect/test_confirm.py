from __future__ import annotations

import numpy as np
from lettered import blank
from numpy.typing import NDArray

from textclean.detect.confirm import SURE, confirmed
from textclean.detect.dbnet import PP_OCR
from textclean.detect.lines import box_line
from textclean.types import Image


class DarkFinder:
    """Says that dark pixels are text; counts the views it is shown, and can refuse some."""

    def __init__(self, *, heights: tuple[float, float] = (0, 1e9)) -> None:
        self.views: list[tuple[int, int]] = []
        self.heights = heights

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        self.views.append(image.shape[:2])
        dark = image[..., :1] < 128
        low, high = self.heights
        if not low <= dark.any(axis=(1, 2)).sum() <= high:
            dark[:] = False
        return dark.astype(np.uint8) * 255


def page_with_bar() -> Image:
    image = blank(600, 400)
    image[100:160, 100:400] = 0
    return image


def test_a_sure_line_needs_no_second_look() -> None:
    finder = DarkFinder()
    assert confirmed(box_line(0, 0, 50, 20, SURE), blank(), finder, PP_OCR)
    assert finder.views == []


def test_a_doubtful_line_must_be_found_again() -> None:
    finder = DarkFinder()
    assert confirmed(box_line(100, 100, 400, 160, 0.55), page_with_bar(), finder, PP_OCR)
    assert len(finder.views) == 1
    assert not confirmed(box_line(100, 250, 400, 310, 0.55), blank(600, 400), DarkFinder(), PP_OCR)


def test_it_is_looked_for_at_several_scales() -> None:
    finder = DarkFinder(heights=(56, 72))  # sees lettering only when it is 64 pixels high
    assert confirmed(box_line(100, 100, 400, 160, 0.55), page_with_bar(), finder, PP_OCR)
    assert len(finder.views) == 3


def test_views_are_small_however_large_the_line_is() -> None:
    finder = DarkFinder()
    image = np.full((700, 5000, 3), 255, np.uint8)
    confirmed(box_line(10, 100, 4990, 110, 0.5), image, finder, PP_OCR)
    assert max(max(view) for view in finder.views) <= 2048


def test_a_line_at_the_corner_of_a_tiny_page_is_no_problem() -> None:
    confirmed(box_line(0, 0, 2, 2, 0.5), blank(16, 16), DarkFinder(), PP_OCR)
