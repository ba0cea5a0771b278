"""Where annotations are coloured, the reader is surer of them."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.detect.colored import ColoredReader, colored, densities, favoured
from textclean.ink_map import NOTHING, PEN, PRINT, STAMP, InkMap

PAPER = (236, 224, 190)


def page() -> np.ndarray:
    """Old paper with black print above and a red stroke below."""
    image = np.full((200, 240, 3), PAPER, np.uint8)
    image[40:60, 20:220:8] = (50, 46, 40)
    image[140:146, 30:200] = (190, 40, 45)
    return image


def doubtful() -> InkMap:
    planes = np.zeros((7, 200, 240), np.uint8)
    planes[NOTHING], planes[PEN], planes[STAMP], planes[PRINT] = 40, 150, 20, 45
    return InkMap(planes)


def test_print_and_paper_have_no_colour_of_their_own() -> None:
    found = colored(densities(page()))
    assert found[141:145, 32:198].all()
    assert not found[:130].any()
    assert not found[160:].any()


def test_coloured_strokes_are_surer_and_print_is_not() -> None:
    ink = ColoredReader(lambda _: doubtful())(page())
    assert ink.pen[143, 100] > 220
    assert ink.stamp[143, 100] == 0
    assert ink.pen[50, 20] == 150
    assert abs(int(ink.planes[:6, 143, 100].sum()) - 255) <= 3


@pytest.mark.parametrize("level", [0, 255])
def test_what_is_sure_stays_so(level: int) -> None:
    planes = np.zeros((7, 8, 8), np.uint8)
    planes[PEN], planes[NOTHING] = level, 255 - level
    ink = favoured(InkMap(planes), np.ones((8, 8), bool))
    assert (ink.planes == planes).all()


def test_a_page_smaller_than_a_cell_is_read() -> None:
    assert colored(densities(np.full((3, 5, 3), 200, np.uint8))).shape == (3, 5)


def test_the_weights_are_told() -> None:
    class Reader:
        def __init__(self) -> None:
            self.weights = {"ink": "x.safetensors"}

        def __call__(self, image: np.ndarray) -> InkMap:
            return doubtful()

    assert ColoredReader(Reader()).weights == {"ink": "x.safetensors"}
