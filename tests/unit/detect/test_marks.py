"""Marks of pen and print are decided on as a whole."""

from __future__ import annotations

import cv2
import numpy as np

from textclean.detect.colored import colored, densities
from textclean.detect.marks import MarksReader, dark, settled
from textclean.ink_map import NOTHING, PEN, PRINT, STAMP, InkMap

PAPER = (236, 228, 205)


def page() -> np.ndarray:
    """Paper with four black marks side by side, and a red stroke across the last."""
    image = np.full((120, 260, 3), PAPER, np.uint8)
    for x in (30, 90, 150, 210):
        image[40:80, x : x + 12] = (40, 38, 36)
    image[58:62, 190:250] = (200, 40, 45)
    return image


def inked(image: np.ndarray) -> np.ndarray:
    return dark(image, colored(densities(image)))


def mapped(pen: list[int], printed: list[int], plane: int = PEN) -> InkMap:
    """A map in which the upper and the lower half of each mark have these probabilities."""
    planes = np.zeros((7, 120, 260), np.uint8)
    planes[NOTHING] = 255
    for k, x in enumerate((30, 90, 150, 210)):
        for rows, share in ((slice(40, 60), pen[2 * k]), (slice(60, 80), pen[2 * k + 1])):
            planes[plane, rows, x : x + 12] = share
            planes[PRINT, rows, x : x + 12] = printed[k]
            planes[NOTHING, rows, x : x + 12] = 255 - share - printed[k]
    return InkMap(planes)


def test_ink_is_dark_and_without_colour() -> None:
    found = inked(page())
    assert found[45:75, 33:39].all()
    assert not found[:30].any()
    assert not found[59:61, 192:208].any()
    assert found[45:55, 212:220].all()


def test_what_mostly_is_pen_is_all_pen() -> None:
    ink = settled(mapped([250, 100, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0]), inked(page()))
    assert (ink.pen[44:76, 32:40] == 255).all()
    assert (ink.planes[:6, 44:76, 32:40].sum(axis=0) == 255).all()


def test_what_barely_is_pen_is_no_pen() -> None:
    given = mapped([0, 0, 200, 5, 120, 10, 0, 0], [0, 50, 120, 0])
    ink = settled(given, inked(page()))
    # Between the two, pixels stay what they were.
    assert (ink.planes[:, :, 85:110] == given.planes[:, :, 85:110]).all()
    assert not ink.pen[:, 145:170].any()
    assert (ink.plane(PRINT)[44:56, 152:160] == 240).all()


def test_a_mark_that_looks_like_the_pages_pen_is_pen_though_it_is_shaped_like_print() -> None:
    image = page()
    given = mapped([8, 8, 8, 8, 0, 0, 8, 8], [240, 240, 240, 240])
    ink = inked(image)
    looks = np.zeros(image.shape[:2], np.float32)
    looks[:, 20:60], looks[:, 140:180], looks[:, 200:260] = 1.0, 3.0, 0.2
    looks[60:80, 80:120] = 3.0  # the lower half of the second mark, of which the upper is print
    found = settled(given, ink, (given, looks))
    assert (found.pen[44:76, 32:40] == 255).all()
    assert not found.pen[:, 85:110].any()
    assert not found.pen[45:75, 152:160].any()  # which the network rules out
    assert not found.pen[45:55, 212:220].any()  # which hardly looks like it
    assert not settled(given, ink).pen[ink].any()
    # A frame is no letter, however much it looks like pen.
    long = page()
    long[100:104, 5:255] = (40, 38, 36)
    looks[98:106] = 3.0
    framed = settled(given, inked(long), (given, looks))
    assert not framed.pen[101:103, 10:250].any()


def test_a_mark_of_pen_and_print_keeps_both() -> None:
    given = mapped([200, 200, 0, 0, 0, 0, 0, 0], [55, 0, 0, 0])
    given.planes[PRINT, 60:80, 30:42] = 100
    given.planes[PEN, 60:80, 30:42] = 155
    ink = settled(given, inked(page()))
    assert (ink.planes == given.planes).all()


def test_a_frame_keeps_what_touches_it() -> None:
    image = page()
    image[100:104, 5:255] = (40, 38, 36)
    image[80:101, 30:34] = (40, 38, 36)  # a tail that reaches down to it
    given = mapped([120, 120, 0, 0, 50, 50, 0, 0], [60, 0, 150, 0])
    ink = settled(given, inked(image))
    assert (ink.pen[40:80, 30:42] == 120).all()
    assert not ink.pen[45:75, 152:160].any()


def test_stamps_are_left_alone() -> None:
    given = mapped([160, 160, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0], STAMP)
    given.planes[PEN, 40:80, 30:42] = 70
    given.planes[NOTHING, 40:80, 30:42] = 25
    assert (settled(given, inked(page())).planes == given.planes).all()


def test_a_blank_page_and_a_tiny_one() -> None:
    for shape in ((50, 60), (2, 3)):
        image = np.full((*shape, 3), PAPER, np.uint8)
        planes = np.zeros((7, *shape), np.uint8)
        planes[PEN] = 90
        given = InkMap(planes)
        assert settled(given, inked(image)) is given


def test_the_reader_reads_and_tells_its_weights() -> None:
    class Reader:
        def __init__(self) -> None:
            self.weights = {"ink": "x.safetensors"}

        def __call__(self, image: np.ndarray) -> InkMap:
            assert image.shape == (120, 260, 3)
            return mapped([0, 0, 0, 0, 60, 60, 0, 0], [0, 0, 150, 0])

    reader = MarksReader(Reader())
    assert reader.weights == {"ink": "x.safetensors"}
    blurred = cv2.GaussianBlur(page(), (0, 0), 0.6)
    ink = reader(np.asarray(blurred, np.uint8))
    assert not ink.pen[45:75, 152:160].any()
