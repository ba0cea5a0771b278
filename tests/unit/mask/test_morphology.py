"""Growing and shrinking masks by discs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclean.mask.morphology import Components, dilate, erode


def _disc(mask: np.ndarray, radius: int) -> np.ndarray:
    """By definition: pixels at most ``radius + 0.5`` from one that is set."""
    ys, xs = np.nonzero(mask)
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    grown = np.zeros_like(mask)
    for y, x in zip(ys, xs, strict=True):
        grown |= (rows - y) ** 2 + (columns - x) ** 2 <= (radius + 0.5) ** 2
    return grown


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.integers(0, 14), st.booleans()
)
def test_masks_grow_and_shrink_by_a_disc(
    seed: int, height: int, width: int, radius: int, dense: bool
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < (0.95 if dense else 0.02)
    np.testing.assert_array_equal(dilate(mask, radius), _disc(mask, radius))
    np.testing.assert_array_equal(erode(mask, radius), ~_disc(~mask, radius))


@pytest.mark.parametrize("radius", [1, 6])
def test_nothing_and_everything_stay_what_they_are(radius: int) -> None:
    nothing = np.zeros((30, 20), bool)
    assert not dilate(nothing, radius).any()
    assert not erode(nothing, radius).any()
    assert dilate(~nothing, radius).all()
    assert erode(~nothing, radius).all()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 60), st.floats(0, 0.6),
    st.sampled_from([4, 8]),
)  # fmt: skip
def test_components_of_a_part_are_those_of_the_whole(
    seed: int, height: int, width: int, share: float, connectivity: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    (top, bottom), (left, right) = (sorted(rng.integers(0, n + 1, 2)) for n in (height, width))
    mask[top:bottom, left:right] = rng.random((bottom - top, right - left)) < share
    found = Components.of(mask, connectivity)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=connectivity
    )
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.area, stats[:, cv2.CC_STAT_AREA])
    np.testing.assert_array_equal(found.box[1:], stats[1:, :4])
