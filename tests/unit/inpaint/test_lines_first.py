"""Lines that run into a hole and out of it again are carried through it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.inpaint import lines
from textclean.inpaint.lines import LinesFirst
from textclean.types import Image, Mask


def blank() -> Image:
    return np.full((160, 200, 3), 255, np.uint8)


def white(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
    return np.where(mask[..., None], np.uint8(255), image)


def square(x: int, y: int, side: int = 40) -> Mask:
    hole = np.zeros((160, 200), bool)
    hole[y : y + side, x : x + side] = True
    return hole


@pytest.mark.parametrize(
    "ends", [((0, 80), (199, 80)), ((60, 0), (140, 159)), ((100, 0), (90, 159))]
)
@pytest.mark.parametrize("width", [4, 7])
def test_a_border_is_carried_through(ends: tuple[tuple[int, int], ...], width: int) -> None:
    image = blank()
    cv2.line(image, ends[0], ends[1], (20, 20, 20), width, cv2.LINE_AA)
    hole = square(80, 60)
    cleaned = LinesFirst(white)(np.where(hole[..., None], np.uint8(90), image), hole)
    wrong = np.abs(cleaned.astype(int) - image).max(axis=2) > 110
    assert wrong.sum() <= 0.2 * width * 40
    assert (cleaned[~hole] == image[~hole]).all()


def test_the_border_of_a_bubble_is_carried_through() -> None:
    image = blank()
    cv2.ellipse(image, (100, 80), (70, 60), 0, 0, 360, (10, 10, 10), 3, cv2.LINE_AA)
    hole = square(150, 60, 30)
    cleaned = LinesFirst(white)(np.where(hole[..., None], np.uint8(90), image), hole)
    known = (image.max(axis=2) < 100) & hole
    drawn = (cleaned.max(axis=2) < 100) & hole
    near = cv2.dilate(known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert drawn.sum() > 0.7 * known.sum()
    assert (drawn & ~near).sum() == 0


def grey(image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
    return np.where(mask[..., None], np.uint8(128), image)


@pytest.mark.parametrize("beyond", [255, 236])
def test_what_is_plain_on_either_side_of_a_border_is_not_guessed(beyond: int) -> None:
    image = blank()
    image[:, 100:] = beyond
    cv2.line(image, (100, 0), (100, 159), (20, 20, 20), 5)
    hole = square(80, 60)
    cleaned = LinesFirst(grey)(np.where(hole[..., None], np.uint8(90), image), hole)
    beside = hole & (np.abs(np.arange(200) - 100) > 5)
    assert beside.sum() > 1000
    assert (cleaned[beside] == image[beside]).all()


@pytest.mark.parametrize("hanging", [False, True])
def test_a_side_on_which_something_is_drawn_is_left_to_the_inpainter(hanging: bool) -> None:
    """Be it by itself or hanging on the border; the other side is painted all the same."""
    image = blank()
    cv2.line(image, (100, 0), (100, 159), (20, 20, 20), 5)
    start = (100, 30) if hanging else (110, 46)
    cv2.line(image, start, (118, 56), (20, 20, 20), 3)
    hole = square(80, 60)
    cleaned = LinesFirst(grey)(np.where(hole[..., None], np.uint8(90), image), hole)
    assert (cleaned[60:100, 80:95] == 255).all()
    assert (cleaned[60:66, 108:120] == 128).all()


@pytest.mark.parametrize(("slope", "away", "radius"), [(40, 6, 10), (20, 4, 8), (0, 6, 10)])
def test_a_line_that_is_covered_lengthwise_is_no_way_through_a_hole(
    slope: int, away: int, radius: int
) -> None:
    """Furigana along a border: it is thinner there, and was drawn anew as thin as that."""
    image = blank()
    cv2.line(image, (100 - slope, 0), (100 + slope, 159), (20, 20, 20), 9, cv2.LINE_AA)
    hole = np.zeros((160, 200), np.uint8)
    for y in range(50, 110, 14):
        x = round(100 - slope + 2 * slope * y / 159) - away
        cv2.circle(hole, (x, y), radius, 1, cv2.FILLED)
    cleaned = LinesFirst(grey)(np.where(hole[..., None] > 0, np.uint8(90), image), hole > 0)
    assert (cleaned[hole > 0] == 128).all()


def test_ends_without_a_partner_are_left_to_the_inpainter() -> None:
    image = blank()
    cv2.line(image, (0, 80), (90, 80), (0, 0, 0), 3)  # ends in the hole
    hole = square(80, 60)
    assert (LinesFirst(white)(image, hole) == white(image, hole)).all()


def test_lines_that_meet_at_a_corner_are_not_joined() -> None:
    image = blank()
    cv2.line(image, (0, 80), (100, 80), (0, 0, 0), 3)
    cv2.line(image, (100, 80), (100, 159), (0, 0, 0), 3)
    hole = square(80, 60)
    assert (LinesFirst(white)(image, hole) == white(image, hole)).all()


@pytest.mark.parametrize("thing", ["blob", "hatching", "dark"])
def test_what_is_no_line_is_left_to_the_inpainter(thing: str) -> None:
    image = blank()
    if thing == "blob":
        cv2.circle(image, (70, 80), 30, (0, 0, 0), cv2.FILLED)
        cv2.circle(image, (130, 80), 30, (0, 0, 0), cv2.FILLED)
    elif thing == "hatching":
        for x in range(-160, 200, 9):
            cv2.line(image, (x, 0), (x + 160, 160), (0, 0, 0), 2)
    else:
        image[:] = 60
        cv2.line(image, (0, 80), (199, 80), (0, 0, 0), 3)
    hole = square(80, 60)
    assert (LinesFirst(white)(image, hole) == white(image, hole)).all()


def test_translucent_holes_and_empty_ones_are_handed_on() -> None:
    image = blank()
    cv2.line(image, (0, 80), (199, 80), (0, 0, 0), 3)
    hole = square(80, 60)
    assert (LinesFirst(white)(image, hole, hole) == white(image, hole)).all()
    assert (LinesFirst(white)(image, np.zeros_like(hole)) == image).all()


def test_a_long_bent_arc_is_no_end_of_a_line() -> None:
    """Its middle lies far from all of it: this once ended in a traceback."""
    ring = np.zeros((160, 200), np.uint8)
    cv2.circle(ring, (100, 80), 60, 1, 3)
    hole = np.zeros((160, 200), np.uint8)
    cv2.circle(hole, (100, 80), 58, 1, cv2.FILLED)
    depth = np.where(ring, 200.0, 0.0)
    assert lines._end(blank(), depth, ring > 0, ring > 0, hole > 0, lines.REACH) is None
