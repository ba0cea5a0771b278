from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textclean.distance import depth_inside, distance_to


@given(st.integers(0, 2**32 - 1), st.integers(1, 24), st.integers(1, 24), st.floats(0.02, 1.0))
def test_distances_are_the_nearest_ones(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    found = distance_to(mask)
    ys, xs = np.nonzero(mask)
    if not len(ys):
        assert (found > max(height, width)).all()
        return
    rows, columns = np.mgrid[0:height, 0:width]
    away = np.hypot(rows[..., None] - ys, columns[..., None] - xs).min(axis=2)
    assert np.allclose(found, away, atol=1e-5)
    assert np.array_equal(found == 0, mask)


def test_every_call_gives_the_same_bits():
    mask = np.random.default_rng(0).random((300, 400)) < 0.01
    first = distance_to(mask).tobytes()
    assert all(distance_to(mask.copy()).tobytes() == first for _ in range(20))


def test_depth_is_the_distance_out():
    mask = np.zeros((9, 9), bool)
    mask[2:7, 2:7] = True
    assert depth_inside(mask)[4, 4] == 3.0
    assert depth_inside(mask)[0, 0] == 0.0
