"""The fills that networks correct, and the error that the distance to them predicts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from textclean.inpaint.priors import NEAR, PRIORS, SCALE, make_priors, predicted_error
from textclean.inpaint.projection import project
from textclean.types import Image, Mask


def page(color: bool = False) -> tuple[Image, Mask]:
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(60, 180, (90, 140, 1), dtype=np.uint8), 3, axis=2)
    image[..., 0] += 8 if not color else 24  # yellowed paper is no colour
    mask = np.zeros((90, 140), bool)
    mask[20:60, 15:30] = mask[30:40, 60:130] = True
    return image, mask


def moved(image: Image, mask: Mask, by: int) -> Image:
    """The image, lighter in the hole by so many levels."""
    return np.where(mask[..., None], image + np.uint8(by), image)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_priors_are_the_finished_fills_in_the_order_of_training(count: int) -> None:
    image, mask = page()
    telea = cv2.inpaint(image, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    expected = (project(image, mask), telea)[:count]
    made = make_priors(image, mask, count, torch.device("cpu"))
    assert len(made) == count <= len(PRIORS)
    for one, other in zip(made, expected, strict=True):
        assert np.array_equal(one, other)


def test_windows_stand_farther_apart_where_all_is_seen_through() -> None:
    image, mask = page()
    near, far = (project(image, mask, step=step) for step in (32, 64))
    assert not np.array_equal(near, far)
    seen = mask.copy()
    assert np.array_equal(make_priors(image, mask, 1, see_through=seen)[0], far)
    seen[20, 15] = False
    assert np.array_equal(make_priors(image, mask, 1, see_through=seen)[0], near)


@pytest.mark.parametrize(("color", "step"), [(False, 32), (True, 48)])
def test_windows_stand_farther_apart_in_colour(color: bool, step: int) -> None:
    image, mask = page(color)
    image[mask] = (0, 255, 0)  # what is in the hole does not count
    expected = {step: project(image, mask, step=step) for step in (32, 48)}
    assert not np.array_equal(expected[32], expected[48])
    assert np.array_equal(make_priors(image, mask, 1)[0], expected[step])


@pytest.mark.parametrize(("first", "second", "levels"), [(8, 8, 8), (2, 32, 8), (0, 40, 0)])
def test_the_error_is_the_geometric_mean_of_the_distances(
    first: int, second: int, levels: int
) -> None:
    image, mask = page()
    error = predicted_error(image, [moved(image, mask, first), moved(image, mask, second)], mask)
    assert error is not None
    assert (error.shape, error.dtype) == (mask.shape, np.float32)
    assert error[mask] == pytest.approx(SCALE * levels, rel=1e-4, abs=1e-2)
    assert not error[~mask].any()


def test_one_prior_tells_by_itself_and_none_tells_nothing() -> None:
    image, mask = page()
    error = predicted_error(image, [moved(image, mask, 6)], mask)
    assert error is not None
    assert error[mask] == pytest.approx(6 * SCALE, rel=1e-4)
    assert predicted_error(image, [], mask) is None


def test_no_hole_no_error() -> None:
    image, mask = page()
    error = predicted_error(image, [image], mask & False)
    assert error is not None and not error.any()


def test_only_pixels_of_the_hole_near_by_count() -> None:
    image, mask = page()
    other = moved(image, mask, 0)
    right = np.arange(140) >= 60
    other[mask & right] += 20
    other[~mask] = 0  # outside the hole nothing is compared
    error = predicted_error(image, [other], mask)
    assert error is not None
    assert not error[mask & (np.arange(140) < 60 - NEAR // 2)].any()
    assert error[mask & right] == pytest.approx(20 * SCALE, rel=1e-4)
