"""A sheet is looked at in one way, with its annotations and without."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from test_sheet_light import blurred, printed, shaded
from test_sheet_scale import SeesRed

from textclean.detect.annotations import AnnotationDetector
from textclean.detect.sheet_light import crispness, in_greys
from textclean.detect.sheet_look import SheetLook
from textclean.types import Image, Page


def usual() -> Image:
    """A sheet at the size the network knows."""
    return np.asarray(
        cv2.resize(printed(), (1350, 1800), interpolation=cv2.INTER_NEAREST), np.uint8
    )


def test_a_sheet_as_the_network_knows_them_is_looked_at_as_it_is() -> None:
    look = SheetLook.of(usual())
    assert (look.scale, look.bilevel, look.gain, look.sharpening) == (1, False, None, 0)
    image = usual()
    assert look(image) is image


def test_shade_and_blur_are_taken_off_together() -> None:
    image = blurred(shaded(usual(), 0.6), 1.6)
    look = SheetLook.of(image)
    assert look.gain is not None and look.sharpening > 0
    view = look(image)
    assert view.shape == image.shape
    assert crispness(view) > crispness(image)
    assert int(view[10, -10, 0]) > 220 > int(image[10, -10, 0])


def test_black_and_white_is_looked_at_in_greys() -> None:
    image = np.repeat(np.where(usual()[..., :1] > 140, np.uint8(255), np.uint8(0)), 3, axis=2)
    look = SheetLook.of(image)
    assert look.bilevel and np.array_equal(look(image), in_greys(image))


def test_without_its_crisp_ink_a_soft_sheet_is_looked_at_as_it_was_with_it() -> None:
    clean = blurred(usual(), 1.6)
    noted = clean.copy()
    for x in range(100, 1300, 120):
        cv2.line(noted, (x, 100), (x + 60, 1700), (220, 20, 30), 4)
    assert SheetLook.of(clean).sharpening > 0 and SheetLook.of(noted).sharpening == 0
    detector = AnnotationDetector(SeesRed())
    assert detector.as_on(Page.from_rgb(noted))._look(clean) is clean


@pytest.mark.parametrize("least", [1.0, 0.6])
def test_what_is_found_in_another_light_lies_where_it_is(least: float) -> None:
    image = usual()
    image[300:312, 200:900] = (220, 20, 30)
    network = SeesRed()
    page = Page.from_rgb(shaded(image, least))
    (found,), ink = AnnotationDetector(network).detect_inked(page, network)
    assert np.abs(np.subtract(found.box, (200, 300, 900, 312))).max() <= 4
    assert ink.shape == image.shape[:2] and ink.pixel == 1
