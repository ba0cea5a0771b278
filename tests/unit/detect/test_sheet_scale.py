"""Printed sheets are looked at on the scale of those that the ink network learned from."""

from __future__ import annotations

import numpy as np
import pytest
from lettered import Sheet

from textclean.detect.annotations import AnnotationDetector
from textclean.detect.sheet_scale import (
    LARGEST_LETTERS,
    MOST_ENLARGED,
    SMALLEST_LETTERS,
    USUAL_SIDE,
    letter_height,
    sheet_scale,
)
from textclean.ink_map import PEN, InkMap
from textclean.scales import scaled
from textclean.types import Image, Page


def printed(width: int, height: int, size: float) -> Image:
    """A sheet full of lines of one size."""
    sheet = Sheet(width, height)
    for y in np.arange(size, height - 2 * size, 1.6 * size):
        sheet.write(size, y, "Please prepare two of them for me. " * 3, size)
    return sheet.image


def test_a_sheet_as_the_network_knows_them_is_looked_at_as_it_is() -> None:
    assert sheet_scale(printed(1240, 1754, 30)) == 1


@pytest.mark.parametrize("times", [2, 3])
def test_scans_of_more_dots_an_inch_are_shrunk_to_the_usual_size(times: int) -> None:
    scale = sheet_scale(printed(1240 * times, 1754 * times, 30 * times))
    assert scale == pytest.approx(USUAL_SIDE / (1754 * times), rel=0.01)


def test_small_print_is_not_shrunk_until_nobody_can_read_it() -> None:
    page = printed(2480, 3508, 22)
    assert SMALLEST_LETTERS * 0.8 < letter_height(page) * sheet_scale(page) <= 22


def test_a_part_of_a_large_scan_is_shrunk_by_its_letters() -> None:
    part = printed(1500, 1000, 120)
    assert letter_height(part) * sheet_scale(part) == pytest.approx(LARGEST_LETTERS, rel=0.15)


def test_small_sheets_are_enlarged_but_not_beyond_what_they_show() -> None:
    assert sheet_scale(printed(420, 595, 12)) == MOST_ENLARGED
    assert sheet_scale(printed(640, 480, 60)) < MOST_ENLARGED
    assert sheet_scale(np.full((595, 420, 3), 255, np.uint8)) == 1  # who knows what it is


def test_a_strip_is_no_sheet() -> None:
    assert sheet_scale(printed(900, 9000, 30)) == 1


class SeesRed:
    """Says that red is pen and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def __call__(self, image: Image) -> InkMap:
        self.shown.append(image.shape[:2])
        planes = np.zeros((7, *image.shape[:2]), np.uint8)
        planes[PEN] = np.where(image[..., 0].astype(int) - image[..., 1] > 100, 255, 0)
        planes[0] = 255 - planes[PEN]
        return InkMap(planes)


def test_what_is_found_on_the_usual_scale_lies_where_it_is_on_the_page() -> None:
    page = printed(2480, 3508, 60)
    page[1000:1020, 400:1400] = (220, 20, 30)
    network = SeesRed()
    (found,), ink = AnnotationDetector(network).detect_inked(Page.from_rgb(page), network)
    assert network.shown == [scaled(page, sheet_scale(page)).shape[:2]]
    assert ink.shape == page.shape[:2] and ink.pixel == pytest.approx(3508 / USUAL_SIDE, rel=0.01)
    x0, y0, x1, y1 = found.box
    assert abs(np.subtract((x0, y0, x1, y1), (400, 1000, 1400, 1020))).max() <= 12
    pen = ink.pen >= 128
    assert pen[1000:1020, 400:1400].mean() > 0.85
    assert pen.sum() < 1.1 * 20 * 1000
