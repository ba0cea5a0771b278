"""The boxes that holes are in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclean.inpaint.priors import make_priors
from textclean.parts import parts


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 5))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        mask[y : y + draw(st.integers(1, 20)), x : x + draw(st.integers(1, 20))] = True
    return mask


@settings(deadline=None)
@given(masks(), st.integers(0, 20), st.sampled_from([1, 4, 16, 32]))
def test_every_hole_is_in_one_box_with_its_surroundings(
    mask: np.ndarray, reach: int, cell: int
) -> None:
    times = np.zeros(mask.shape, int)
    for box in parts(mask, reach, cell):
        times[box] += 1
        assert mask[box].any()
        assert box[0].start % cell == box[1].start % cell == 0
        ys, xs = np.nonzero(mask[box])
        height, width = mask.shape
        top, left = box[0].start, box[1].start
        assert top == 0 or ys.min() >= reach
        assert left == 0 or xs.min() >= reach
        assert box[0].stop == height or box[0].stop - (top + ys.max() + 1) >= reach
        assert box[1].stop == width or box[1].stop - (left + xs.max() + 1) >= reach
    assert (times[mask] == 1).all()
    assert times.max(initial=0) <= 1


def test_holes_that_are_far_apart_have_boxes_of_their_own() -> None:
    mask = np.zeros((1000, 1000), bool)
    mask[100:110, 100:120] = mask[800:820, 700:710] = True
    assert parts(mask, 64) == [
        (slice(32, 192), slice(32, 192)),
        (slice(736, 896), slice(608, 800)),
    ]


@pytest.mark.parametrize("side", [20, 90])
def test_a_prior_does_not_change_with_what_is_far_away(side: int) -> None:
    rng = np.random.default_rng(3)
    grey = rng.integers(0, 256, (900, 640), np.uint8)
    ys, xs = np.mgrid[:900, :640]
    grey[:450] = (128 + 100 * np.sin(xs / 3) * np.sin(ys / 4))[:450].astype(np.uint8)
    image = np.repeat(grey[..., None], 3, axis=2)
    here = np.zeros((900, 640), bool)
    here[60 : 60 + side, 300 : 300 + side] = True
    both = here.copy()
    both[860:870, 20:40] = True
    for one, other in zip(make_priors(image, here, 2), make_priors(image, both, 2), strict=True):
        np.testing.assert_array_equal(one[here], other[here])
        np.testing.assert_array_equal(one[~both], image[~both])
