"""A page teaches what its print and its pens look like."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.detect.appearance import LEAST, MOST, speaks_for_pen, weighed
from textclean.detect.colored import densities
from textclean.ink_map import BUBBLE, NOTHING, PEN, PRINT, InkMap

PAPER = (240, 236, 224)
BLACK, GREY, BLUE = (18, 18, 20), (110, 108, 104), (40, 60, 170)
PRINTED, SURE, DOUBTED, PRINT_IN_DOUBT = (
    slice(30, 150),
    slice(180, 200),
    slice(230, 250),
    slice(280, 300),
)
"""Rows of the page: print, pen that the network is sure of, pen that it is not, doubtful print."""


def page(pen: tuple[int, int, int], *, printed: int = 4, penned: int = 4) -> np.ndarray:
    """Columns of strokes of some thickness: print above and below, the pen's between."""
    image = np.full((330, 400, 3), PAPER, np.uint8)
    for x in range(20, 380, 16):
        for rows, color, thick in (
            (PRINTED, BLACK, printed),
            (SURE, pen, penned),
            (DOUBTED, pen, penned),
            (PRINT_IN_DOUBT, BLACK, printed),
        ):
            image[rows, x : x + thick] = color
    return image


def inked(image: np.ndarray) -> np.ndarray:
    return (image != PAPER).any(axis=2)


def read(image: np.ndarray, *, sure_pen: bool = True, doubt: int = 70) -> InkMap:
    """What a network says of it."""
    planes = np.zeros((7, *image.shape[:2]), np.uint8)
    planes[NOTHING] = 255
    planes[BUBBLE] = 9
    ink = inked(image)
    for rows, pen in (
        (PRINTED, 0),
        (SURE, 250 if sure_pen else doubt),
        (DOUBTED, doubt),
        (PRINT_IN_DOUBT, doubt),
    ):
        band = np.zeros_like(ink)
        band[rows] = ink[rows]
        planes[NOTHING][band] = 0
        planes[PEN][band], planes[PRINT][band] = pen, 255 - pen
    return InkMap(planes)


def learned(ink: InkMap, image: np.ndarray) -> InkMap:
    return weighed(ink, speaks_for_pen(ink, densities(image)))


def mean_pen(ink: InkMap, image: np.ndarray, rows: slice) -> float:
    return float(ink.pen[rows][inked(image)[rows]].mean())


@pytest.mark.parametrize(
    ("pen", "printed", "penned"),
    [(GREY, 4, 4), (BLUE, 4, 4), (BLACK, 7, 3), (BLACK, 3, 8)],
    ids=["paler", "blue", "thinner", "thicker"],
)
def test_what_looks_like_the_pen_is_pen_and_what_looks_like_print_is_not(
    pen: tuple[int, int, int], printed: int, penned: int
) -> None:
    image = page(pen, printed=printed, penned=penned)
    given = read(image)
    found = learned(given, image)
    assert mean_pen(given, image, DOUBTED) == mean_pen(given, image, PRINT_IN_DOUBT) == 70
    assert mean_pen(found, image, DOUBTED) > 150
    assert mean_pen(found, image, PRINT_IN_DOUBT) < 40
    assert mean_pen(found, image, PRINTED) < 5
    assert mean_pen(found, image, SURE) > 240


def test_a_pen_darker_than_old_print_is_told_from_it() -> None:
    image = page(BLACK)
    faded = inked(image)
    for rows in (SURE, DOUBTED):
        faded[rows] = False
    image[faded] = (130, 110, 90)
    found = learned(read(image), image)
    assert mean_pen(found, image, DOUBTED) > 150
    assert mean_pen(found, image, PRINT_IN_DOUBT) < 40


def test_pen_of_one_look_with_the_print_stays_in_doubt() -> None:
    image = page(BLACK)
    found = learned(read(image), image)
    assert abs(mean_pen(found, image, DOUBTED) - mean_pen(found, image, PRINT_IN_DOUBT)) < 12
    assert 50 < mean_pen(found, image, DOUBTED) < 130


def test_without_a_sure_pen_what_is_unlike_print_may_be_pen() -> None:
    image = page(GREY)
    given = read(image, sure_pen=False)
    found = learned(given, image)
    assert mean_pen(found, image, PRINT_IN_DOUBT) < 50
    assert mean_pen(found, image, DOUBTED) > 150


def test_looks_alone_do_not_overrule_a_sure_network() -> None:
    image = page(BLUE)
    given = read(image, doubt=0)
    found = learned(given, image)
    # Of one in 255 the most that can be made.
    most = (1 / 254) ** (1 / 1.3) * MOST
    assert mean_pen(found, image, DOUBTED) <= 255 * most / (1 + most) + 1
    assert LEAST < 1 < MOST


def test_paper_and_bubbles_stay_and_probabilities_add_up() -> None:
    image = page(GREY)
    given = read(image)
    planes = given.planes.copy()
    found = learned(given, image)
    assert (given.planes == planes).all()
    ink = inked(image)
    assert (found.planes[:, ~ink] == given.planes[:, ~ink]).all()
    assert (found.planes[BUBBLE] == given.planes[BUBBLE]).all()
    total = found.planes[:BUBBLE].astype(int).sum(axis=0)
    assert (abs(total - 255) <= 3).all()


def test_a_page_without_print_teaches_nothing() -> None:
    image = page(BLUE)
    image[PRINTED] = PAPER
    given = read(image)
    given.planes[PRINT] = 0
    assert not speaks_for_pen(given, densities(image)).any()
    assert (learned(given, image).planes == given.planes).all()
    blank = np.full((40, 30, 3), PAPER, np.uint8)
    nothing = InkMap(np.zeros((7, 40, 30), np.uint8))
    assert not learned(nothing, blank).planes.any()
