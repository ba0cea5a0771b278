"""The published measures, against their definitions written with other tools."""

import math

import numpy as np
import pytest
from scipy import ndimage, signal

from textclean.evaluation.scene_text import multi_scale_ssim, scene_text_scores


def random_pair(height=200, width=230, noise=25.0):
    rng = np.random.default_rng(7)
    truth = ndimage.gaussian_filter(rng.normal(128, 400, (height, width, 3)), (2, 2, 0))
    truth = np.clip(truth, 0, 255).astype(np.uint8)
    image = np.clip(truth + rng.normal(0, noise, truth.shape), 0, 255).astype(np.uint8)
    return image, truth


def direct_multi_scale_ssim(a, b):
    """Wang, Simoncelli and Bovik 2003, by FFT convolution with a two-dimensional window."""
    steps = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(steps, steps) / steps.sum() ** 2
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    result = 1.0
    for scale, weight in enumerate(weights):
        blur = [signal.fftconvolve(x, window, "valid") for x in (a, b, a * a, b * b, a * b)]
        ma, mb, aa, bb, ab = blur
        structure = (2 * (ab - ma * mb) + 58.5225) / (aa - ma**2 + bb - mb**2 + 58.5225)
        brightness = (2 * ma * mb + 6.5025) / (ma**2 + mb**2 + 6.5025)
        factor = structure.mean() if scale < 4 else (structure * brightness).mean()
        result *= factor**weight
        mean = np.ones((2, 2)) / 4
        a, b = (ndimage.convolve(x, mean, mode="reflect")[::2, ::2] for x in (a, b))
    return result


def test_multi_scale_ssim_agrees_with_its_definition():
    image, truth = random_pair()
    weights = np.array([0.299, 0.587, 0.114])
    a, b = image @ weights, truth @ weights
    assert multi_scale_ssim(a, b) == pytest.approx(direct_multi_scale_ssim(a, b), abs=1e-9)
    assert 0.3 < multi_scale_ssim(a, b) < 0.99
    assert multi_scale_ssim(a, a) == pytest.approx(1.0)


def test_multi_scale_ssim_of_small_pictures_uses_the_scales_that_fit():
    rng = np.random.default_rng(0)
    a = rng.uniform(0, 255, (30, 40))
    assert multi_scale_ssim(a, a) == pytest.approx(1.0)
    one_scale = a[:20, :20]
    assert multi_scale_ssim(one_scale, 255 - one_scale) < -0.5
    assert math.isnan(multi_scale_ssim(a[:10], a[:10]))


def test_scores_agree_with_their_definitions():
    image, truth = random_pair(noise=12.0)
    image[50:70, 60:90] = 0
    scores = scene_text_scores(image, truth)
    difference = image.astype(float) - truth
    assert scores.mse == pytest.approx(np.mean((difference / 255) ** 2))
    assert scores.psnr == pytest.approx(10 * math.log10(1 / scores.mse))
    weights = np.array([0.299, 0.587, 0.114])
    grey = np.abs(image @ weights - truth @ weights).round()
    assert scores.age == pytest.approx(grey.mean())
    assert scores.peps == pytest.approx((grey > 20).mean())
    cross = ndimage.generate_binary_structure(2, 1)
    assert scores.pceps == pytest.approx(ndimage.binary_erosion(grey > 20, cross).mean())
    assert 0 < scores.pceps < scores.peps


def test_the_edge_of_the_picture_is_never_clustered():
    truth = np.full((20, 20, 3), 255, np.uint8)
    scores = scene_text_scores(np.zeros_like(truth), truth)
    assert scores.peps == 1.0
    assert scores.pceps == pytest.approx(18 * 18 / 400)
    assert scores.mse == 1.0
    assert scores.age == 255.0


def test_equal_pictures():
    _, truth = random_pair()
    scores = scene_text_scores(truth, truth)
    assert (scores.mse, scores.age, scores.peps, scores.pceps) == (0, 0, 0, 0)
    assert scores.psnr == 100.0
    assert scores.mssim == pytest.approx(1.0)
