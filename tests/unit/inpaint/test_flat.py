from __future__ import annotations

import numpy as np
import pytest

from textclean.inpaint.flat import FlatInpainter, measure, paint


def _hole(shape, y0=20, y1=40, x0=30, x1=60):
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _around(mask):
    return ~mask


def _fill(image, mask):
    fill = measure(image, mask, _around(mask))
    return fill, (paint(image, mask, fill) if fill.surface else None)


def test_one_colour_is_filled_with_it_exactly():
    image = np.full((60, 90, 3), (200, 180, 90), np.uint8)
    mask = _hole((60, 90))
    lettered = image.copy()
    lettered[mask] = 0
    fill, painted = _fill(lettered, mask)
    assert fill.background.texture == "flat"
    assert fill.background.color == (200, 180, 90)
    assert np.array_equal(painted, image)


def test_near_white_snaps_only_where_the_surroundings_are_white():
    mask = _hole((60, 90))
    white = np.full((60, 90, 3), 255, np.uint8)
    white[::3, ::3] = 253  # compression noise
    white[mask] = 0
    assert (_fill(white, mask)[1][mask] == 255).all()
    paper = np.full((60, 90, 3), 251, np.uint8)
    paper[mask] = 0
    assert (_fill(paper, mask)[1][mask] == 251).all()


@pytest.mark.parametrize("bend", [0.0, 0.02])
def test_gradients_are_continued(bend):
    ys, xs = np.mgrid[0:60, 0:90]
    grey = 80 + xs + 0.5 * ys + bend * (xs - 45) ** 2
    image = np.repeat(np.clip(np.rint(grey), 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    mask = _hole((60, 90))
    lettered = image.copy()
    lettered[mask] = 0
    fill, painted = _fill(lettered, mask)
    assert fill.background.texture == "gradient"
    assert np.abs(painted.astype(int) - image).max() <= 4


def test_grain_of_the_surroundings_comes_along_and_is_deterministic():
    random = np.random.default_rng(5)
    image = np.clip(random.normal(150, 3, (80, 90, 3)), 0, 255).astype(np.uint8)
    mask = _hole((80, 90))
    fill, painted = _fill(image, mask)
    assert fill.surface is not None
    assert 2.0 < painted[mask].std() < 4.5
    assert np.array_equal(painted, paint(image, mask, fill))
    assert not np.array_equal(painted, paint(image, mask, fill, seed=1))
    assert np.array_equal(painted[~mask], image[~mask])


@pytest.mark.parametrize("kind", ["tone", "drawing", "step"])
def test_anything_else_is_art(kind):
    image = np.full((60, 90, 3), 255, np.uint8)
    if kind == "tone":
        image[::4, ::4] = 0
        image[1::4, ::4] = 0
    elif kind == "drawing":
        image[10:15] = 30
        image[:, 80:84] = 30
    else:
        image[:, 45:] = 180
    mask = _hole((60, 90))
    fill, painted = _fill(image, mask)
    assert painted is None
    assert fill.background.texture == "art"
    assert "not plain" in fill.reason
    with pytest.raises(ValueError, match="art"):
        paint(image, mask, fill)


def test_known_specks_make_it_art():
    image = np.full((60, 90, 3), 255, np.uint8)
    mask = _hole((60, 90))
    assert measure(image, mask, ~mask).surface is not None
    assert measure(image, mask, ~mask, specks=0.2).surface is None


def test_too_little_around_to_measure():
    image = np.full((10, 10, 3), 255, np.uint8)
    fill = measure(image, np.ones((10, 10), bool), np.zeros((10, 10), bool))
    assert fill.surface is None
    assert "too little" in fill.reason


def test_the_inpainter_touches_only_the_holes_and_fills_each_from_its_own_surroundings():
    image = np.full((60, 200, 3), 255, np.uint8)
    image[:, 100:] = (40, 60, 80)
    mask = np.zeros((60, 200), bool)
    mask[20:40, 30:60] = mask[20:40, 140:170] = True
    lettered = image.copy()
    lettered[mask] = 128
    assert np.array_equal(FlatInpainter()(lettered, mask), image)


def test_the_inpainter_survives_a_full_mask():
    image = np.full((12, 12, 3), 9, np.uint8)
    assert np.array_equal(FlatInpainter()(image, np.ones((12, 12), bool)), image)


def test_a_letter_on_another_ground_makes_a_block_art() -> None:
    image = np.full((60, 300, 3), 210, np.uint8)
    image[:, 270:] = 255
    mask, samples = np.zeros((60, 300), bool), np.zeros((60, 300), bool)
    for x in (*range(10, 260, 16), 282):
        mask[24:36, x : x + 8] = True
    samples[14:46, 4:296] = True
    samples[20:40, 276:296] |= True
    # The white around the last letter is so little of the whole that the surface fits.
    samples[:20, 270:] = samples[40:, 270:] = False
    assert measure(image[:, :264], mask[:, :264], samples[:, :264]).surface is not None
    found = measure(image, mask, samples)
    assert found.surface is None
    assert found.background.texture == "art"
    assert "another ground" in found.reason
