"""Where two arrays of pixels differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.io.raster import changed


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
    assert np.array_equal(changed(before, after), chosen.any(axis=2))
