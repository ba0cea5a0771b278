"""Pages of large lettering are read at half their size, of small lettering enlarged."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.detect.ink_scale import LARGE, halvings, is_usual, lettering_view
from textclean.types import Region

SHAPE = (1400, 1000, 3)


def lines(*thickness: float) -> tuple[Region, ...]:
    """Regions of one horizontal line each."""
    found = []
    for number, high in enumerate(thickness):
        y = 10 + 60 * number
        box = np.array([[10, y], [300, y], [300, y + high], [10, y + high]], np.float32)
        found.append(Region(polygon=box, lines=(box,)))
    return tuple(found)


@pytest.mark.parametrize(
    ("regions", "count"),
    [
        (lines(LARGE + 1, LARGE + 9, 60), 1),
        (lines(25, 27, 26, 90), 0),
        (lines(20, 50, 50, 50, 50, 50), 1),  # one small line, perhaps a page number
        (lines(20, 20, 50, 50), 0),
        ((), 1),
        ((Region(polygon=lines(60)[0].polygon),), 0),  # a list made by hand tells no lines
    ],
)
def test_the_lettering_decides(regions: tuple[Region, ...], count: int) -> None:
    assert halvings(regions, SHAPE) == count


def test_what_is_to_stay_has_no_say() -> None:
    kept = tuple(region.with_(action="keep") for region in lines(20, 20, 20))
    assert halvings(kept, SHAPE) == 1
    assert halvings((*kept, *lines(60)), SHAPE) == 1
    assert halvings((*kept, *lines(25)), SHAPE) == 0


def test_large_scans_are_halved_again_while_lettering_is_large() -> None:
    assert halvings(lines(4 * LARGE), (6000, 4000)) == 3
    assert halvings(lines(2 * LARGE), (6000, 4000)) == 2
    assert halvings(lines(LARGE), (6000, 4000)) == 1
    assert halvings((), (6000, 4000)) == 3
    assert halvings((), (2000, 1414)) == 1


def test_small_pages_are_never_halved() -> None:
    assert halvings(lines(60), (800, 2000)) == 0
    assert halvings((), (2000, 800)) == 0


@pytest.mark.parametrize(
    ("thickness", "size"),
    [
        (60, (700, 500)),
        (30, (1400, 1000)),  # as it is
        (20, (2100, 1500)),  # 30 after
        (15, (2366, 1690)),  # no more than four million pixels
    ],
)
def test_small_lettering_is_enlarged_and_large_is_halved(
    thickness: float, size: tuple[int, int]
) -> None:
    image = np.full((1400, 1000, 3), 255, np.uint8)
    assert lettering_view(image, lines(*[thickness] * 3)).shape[:2] == size


def test_a_page_is_enlarged_twice_at_most_and_one_that_is_large_already_is_not() -> None:
    small, large = (np.zeros((*shape, 3), np.uint8) for shape in ((400, 300), (3000, 2000)))
    assert lettering_view(small, lines(8)).shape[:2] == (800, 600)
    assert lettering_view(large, lines(8)) is large
    assert lettering_view(small, ()) is small


def test_regions_are_made_on_a_view_whose_lettering_is_as_large_as_usual() -> None:
    image, half, double = (
        np.zeros((*shape, 3), np.uint8) for shape in ((1400, 1000), (700, 500), (2800, 2000))
    )
    assert is_usual(image, half, lines(52, 55, 60))
    assert not is_usual(image, half, lines(42, 45, 60))
    assert not is_usual(image, half, ())
    assert is_usual(image, double, lines(12)) and is_usual(image, image, lines(12))
