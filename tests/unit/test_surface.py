from __future__ import annotations

import numpy as np
import pytest

from textclean.surface import channel_distance, dominant_colors, fit


def _plane(height=60, width=90):
    ys, xs = np.mgrid[0:height, 0:width]
    return np.stack([40 + xs, 200 - ys, 100 + 0 * xs], axis=2).astype(np.uint8)


def _bowl(height=60, width=90):
    ys, xs = np.mgrid[0:height, 0:width]
    grey = 60 + ((xs - 40) ** 2 + (ys - 30) ** 2) / 20
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(("image", "degree"), [(_plane(), 1), (_plane(), 2), (_bowl(), 2)])
def test_smooth_surfaces_are_found(image, degree):
    surface = fit(image, np.ones(image.shape[:2], bool), degree)
    assert np.abs(surface.colors() - image).max() <= 2.0
    assert surface.outliers == 0.0


def test_strokes_do_not_pull_the_surface():
    image = _plane()
    clean = image.copy()
    random = np.random.default_rng(0)
    image[random.random(image.shape[:2]) < 0.3] = 0
    surface = fit(image, np.ones(image.shape[:2], bool), 1)
    assert np.abs(surface.colors() - clean).max() <= 3.0
    assert 0.2 < surface.outliers < 0.4


def test_a_constant_is_the_median_and_its_distance_is_exact():
    image = np.full((20, 30, 3), 200, np.uint8)
    image[:5] = 10
    surface = fit(image, np.ones((20, 30), bool), 0)
    assert np.array_equal(surface.coefficients, [[200.0] * 3])
    assert np.array_equal(np.unique(surface.distance(image)), [0.0, 190.0])


def test_colors_at_points_agree_with_the_whole():
    image = _bowl()
    for degree in (0, 1, 2):
        surface = fit(image, np.ones(image.shape[:2], bool), degree)
        ys, xs = np.array([0, 7, 59]), np.array([0, 50, 89])
        assert np.allclose(surface.at(ys, xs), surface.colors()[ys, xs], atol=1e-3)


def test_no_sample_is_an_error():
    with pytest.raises(ValueError, match="sample"):
        fit(_plane(), np.zeros((60, 90), bool), 1)


def test_samples_on_a_line_do_not_blow_up():
    image = _plane()
    samples = np.zeros(image.shape[:2], bool)
    samples[30, :] = True
    assert np.abs(fit(image, samples, 2).colors()).max() < 600


def test_dominant_colors_are_ordered_by_share():
    pixels = np.array([[255, 255, 255]] * 60 + [[10, 12, 10]] * 30 + [[200, 20, 20]] * 10, np.uint8)
    assert dominant_colors(pixels, 3).tolist() == [[255, 255, 255], [10, 12, 10], [200, 20, 20]]


def test_a_colour_on_the_edge_of_a_cell_is_one_colour():
    pixels = np.repeat(np.arange(120, 137, dtype=np.uint8)[:, None], 3, axis=1)
    assert len(dominant_colors(np.repeat(pixels, 20, axis=0), 3)) == 1


def test_channel_distance_takes_the_largest_channel():
    image = np.array([[[10, 200, 30]]], np.uint8)
    assert channel_distance(image, np.array([20.0, 100.0, 30.0])).item() == 100.0
