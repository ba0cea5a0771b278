"""Pages of large lettering are read at half their size, all others as they are."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.detect.ink_scale import LARGE, halvings, read_lettering
from textclean.ink_map import InkMap
from textclean.types import Image, Region

SHAPE = (1400, 1000, 3)


def lines(*thickness: float) -> tuple[Region, ...]:
    """Regions of one horizontal line each."""
    found = []
    for number, high in enumerate(thickness):
        y = 10 + 60 * number
        box = np.array([[10, y], [300, y], [300, y + high], [10, y + high]], np.float32)
        found.append(Region(polygon=box, lines=(box,)))
    return tuple(found)


class Reader:
    """Says that dark pixels are lettering, and remembers what it saw."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, image: Image) -> InkMap:
        self.sizes.append(image.shape[:2])
        planes = np.zeros((7, *image.shape[:2]), np.uint8)
        planes[1] = 255 - image[..., 0]
        planes[0] = image[..., 0]
        return InkMap(planes)


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


@pytest.mark.parametrize("shape", [(1400, 1000), (1401, 1001)])
def test_a_halved_map_lies_on_the_page_again(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 255, np.uint8)
    image[400:440, 300:360] = 0
    reader = Reader()
    ink = read_lettering(reader, image, lines(60))
    assert reader.sizes == [((shape[0] + 1) // 2, (shape[1] + 1) // 2)]
    assert ink.shape == shape
    inside = ink.lettering >= 128
    wrong = inside ^ (image[..., 0] == 0)
    assert wrong.sum() <= 2 * (40 + 60)  # a pixel along the rim
    assert (ink.lettering[405:435, 305:355] == 255).all()


def test_otherwise_the_page_is_read_as_it_is() -> None:
    image = np.full((1400, 1000, 3), 255, np.uint8)
    reader = Reader()
    read_lettering(reader, image, lines(25))
    assert reader.sizes == [(1400, 1000)]
