"""Sheets in the light, and as crisp, as the ink network knows them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from lettered import Sheet

from textclean.detect.sheet_light import (
    CRISP,
    PAPER,
    crispness,
    in_greys,
    is_bilevel,
    lighting,
    lit,
    noise,
    paper_light,
    sharpened,
    softness,
)
from textclean.types import Image

WIDTH, HEIGHT = 900, 1200


def printed() -> Image:
    sheet = Sheet(WIDTH, HEIGHT, (250, 240, 215))
    for y in range(60, HEIGHT - 60, 48):
        sheet.write(60, y, "Please prepare two of them for me. ", 30)
    return sheet.image


def shaded(image: Image, least: float) -> Image:
    """The sheet with its light falling off from left to right."""
    light = np.linspace(1, least, image.shape[1])[None, :, None]
    return np.rint(image * light).astype(np.uint8)


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def test_a_well_lit_sheet_needs_no_light() -> None:
    assert lighting(printed()) is None


@pytest.mark.parametrize("least", [0.8, 0.55])
def test_paper_is_as_light_as_paper_is_wherever_it_was_shaded(least: float) -> None:
    image = shaded(printed(), least)
    gain = lighting(image)
    assert gain is not None and gain.shape == image.shape[:2] and float(gain.min()) >= 1
    found = lit(image, gain)
    corners = found[[8, 8, -8, -8], [8, -8, 8, -8]].astype(float)
    assert corners.max(axis=1).min() >= 220 and float(image[8, -8, 0]) < 202
    # Its tint stays, and so does its ink.
    assert np.abs(corners[:, 2] / corners[:, 0] - 215 / 250).max() < 0.02
    assert int(found.min()) < 20


def test_a_picture_and_the_edge_of_a_book_are_no_paper_in_the_shade() -> None:
    image = printed()
    image[:, :150] = 40
    image[600:900, 400:800] = 90
    light = paper_light(image)
    assert float(light[:, :120].min()) > 240 and float(light[650:850, 450:750].min()) > 240
    assert lighting(image) is None


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (30, 1000), (24, 24)])
def test_parts_and_strips_of_any_size(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 100, np.uint8)
    gain = lighting(image)
    assert gain is not None and gain.shape == size
    assert int(lit(image, gain).min()) == pytest.approx(PAPER, abs=1)
    assert softness(image) == 0 and not is_bilevel(image)


def test_blur_is_told_and_taken_off() -> None:
    crisp, soft = printed(), blurred(printed(), 1.3)
    assert crispness(crisp) > 0.42 and softness(crisp) == 0
    assert crispness(soft) < CRISP
    amount = softness(soft)
    assert 0 < amount < 1.25
    assert crispness(sharpened(soft, amount)) == pytest.approx(CRISP, abs=0.01)


def test_what_is_soft_beside_what_is_crisp_is_printed_so() -> None:
    """The ink of a pen shows how crisp the scan is."""
    image = blurred(printed(), 1.3)
    for x in range(60, 860, 80):
        cv2.line(image, (x, 100), (x + 60, 1100), (20, 30, 160), 3)
    assert softness(image) == 0


def test_noise_is_not_made_louder() -> None:
    random = np.random.default_rng(0)
    soft = blurred(printed(), 1.3).astype(float)
    for deviation in (2.0, 8.0):
        grain = random.normal(0, deviation, (*soft.shape[:2], 1))
        image = np.clip(soft + grain, 0, 255).round().astype(np.uint8)
        assert noise(image) == pytest.approx(deviation, rel=0.25)
        assert bool(softness(image)) is (deviation < 4)


def test_black_and_white_is_given_greys() -> None:
    image = np.where(printed().mean(axis=2, keepdims=True) > 140, 255, 0).astype(np.uint8)
    image = np.repeat(image, 3, axis=2)
    assert is_bilevel(image) and not is_bilevel(printed())
    found = in_greys(image)
    assert not is_bilevel(found)
    assert int(found.min()) >= 15 and int(found.max()) == 250
    assert len(np.unique(found)) > 50
