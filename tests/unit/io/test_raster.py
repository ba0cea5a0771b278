"""Where two arrays of pixels differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.io.differences import Differences


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(2, 4),
    share=st.sampled_from([0.0, 0.002, 0.05, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_pixels_differ_where_any_channel_does(
    kind: type, height: int, width: int, channels: int, share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    before = random.integers(0, 256, (height, width, channels)).astype(kind)
    after = before.copy()
    chosen = random.random(before.shape) < share
    after[chosen] ^= kind(1)
    assert np.array_equal(Differences.of(before, after).mask, chosen.any(axis=2))


@pytest.mark.parametrize("channels", [0, 1, 3, 4])
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    share=st.sampled_from([0.0, 0.01, 0.2, 1.0]),
    seed=st.integers(0, 1000),
)
def test_what_differs_outside_a_mask_and_by_how_much(
    channels: int, height: int, width: int, share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    shape = (height, width, channels) if channels else (height, width)
    before = random.integers(0, 256, shape).astype(np.uint8)
    after = np.where(random.random(shape) < share, random.integers(0, 256, shape), before)
    mask = random.random((height, width)) < 0.5
    found = Differences.of(before, after.astype(np.uint8))
    levels = abs(after.astype(int) - before).reshape(height, width, -1).max(axis=2)
    assert np.array_equal(found.mask, levels > 0)
    outside = found.outside(mask)
    assert np.count_nonzero(outside) == np.count_nonzero((levels > 0) & ~mask)
    if outside.any():
        assert found.most(outside) == levels[~mask].max()


def test_numbers_of_different_kinds_are_compared() -> None:
    before = np.array([[True, False, True]])
    assert Differences.of(before, np.array([[1, 0, 0]])).mask.tolist() == [[False, False, True]]


def test_flags_may_be_any_bytes() -> None:
    before = np.array([[255, 0, 1, 2, 0]], np.uint8).view(np.bool_)
    after = np.array([[1, 0, 255, 0, 8]], np.uint8).view(np.bool_)
    found = Differences.of(before, after)
    assert found.mask.tolist() == [[False, False, False, True, True]]
    mask = np.array([[0, 0, 0, 2, 0]], np.uint8).view(np.bool_)
    assert np.count_nonzero(found.outside(mask)) == 1
