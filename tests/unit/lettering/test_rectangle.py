from __future__ import annotations

import cv2
import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textclean.lettering.rectangle import _under_histograms, largest_rectangle


def _ellipse(shape, axes, angle):
    canvas = np.zeros(shape, np.uint8)
    cv2.ellipse(canvas, (shape[1] // 2, shape[0] // 2), axes, angle, 0, 360, 1, -1)
    return canvas.astype(bool)


def _brute_force(inside):
    """Area of the largest rectangle, by trying all of them."""
    total = np.pad(inside.astype(int).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = inside.shape
    best = 0
    for y0 in range(height):
        for y1 in range(y0 + 1, height + 1):
            for x0 in range(width):
                for x1 in range(x0 + 1, width + 1):
                    area = (y1 - y0) * (x1 - x0)
                    held = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
                    if held == area:
                        best = max(best, area)
    return best


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
        lambda shape: arrays(bool, shape, elements=st.sampled_from([True, True, True, False]))
    )
)
def test_the_rectangle_is_the_largest_there_is(inside):
    found = largest_rectangle(inside)
    if found is None:
        assert not inside.any()
        return
    x0, y0, x1, y1 = found
    assert inside[y0:y1, x0:x1].all()
    assert (x1 - x0) * (y1 - y0) == _brute_force(inside)


@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    axes=st.tuples(st.integers(3, 150), st.integers(3, 150)),
    angle=st.integers(0, 179),
    dents=st.lists(st.tuples(st.integers(0, 399), st.integers(0, 399)), max_size=3),
)
def test_in_a_large_shape_it_lies_inside_and_is_nearly_the_largest(axes, angle, dents):
    inside = _ellipse((400, 400), axes, angle)
    for x, y in dents:
        inside[max(y - 6, 0) : y + 6, max(x - 6, 0) : x + 6] = False
    inside[200, 200] = True
    x0, y0, x1, y1 = largest_rectangle(inside)
    assert inside[y0:y1, x0:x1].all()
    exact = _under_histograms(inside)
    best = (exact[2] - exact[0]) * (exact[3] - exact[1])
    assert (x1 - x0) * (y1 - y0) >= 0.8 * best - 4


def test_a_shape_thinner_than_a_cell_still_has_one():
    inside = np.zeros((1000, 1000), bool)
    inside[501, 3:990] = True
    assert largest_rectangle(inside) == (3, 501, 990, 502)
