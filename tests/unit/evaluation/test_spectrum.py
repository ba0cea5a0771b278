"""Screentone fidelity tells the same screen, another screen, and no screen apart."""

import math

import numpy as np
import pytest

from textclean.evaluation.spectrum import (
    frequency_error,
    has_tone,
    power_spectrum,
    spectral_distance,
    tone_scores,
)


def screen(pitch=6.0, angle=45.0, size=160, shift=0.0):
    """Round black dots on white, ``(size, size, 3)``."""
    y, x = np.mgrid[:size, :size].astype(float) + shift
    turn = math.radians(angle)
    u = (x * math.cos(turn) + y * math.sin(turn)) * 2 * math.pi / pitch
    v = (y * math.cos(turn) - x * math.sin(turn)) * 2 * math.pi / pitch
    grey = np.where(np.cos(u) + np.cos(v) > 0.3, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.fixture
def hole():
    mask = np.zeros((160, 160), bool)
    for x in range(30, 130, 20):
        mask[40:120, x : x + 12] = True
    return mask


def filled(truth, hole, patch):
    image = truth.copy()
    image[hole] = patch[hole] if isinstance(patch, np.ndarray) else patch
    return image


def test_the_truth_has_no_distance(hole):
    truth = screen()
    scores = tone_scores(truth, truth, hole)
    assert scores.windows >= 4
    assert scores.spectral_distance == 0.0
    assert scores.frequency_error == 0.0


def test_the_same_screen_out_of_phase_is_near_and_a_blur_is_not(hole):
    truth = screen()
    shifted = tone_scores(filled(truth, hole, screen(shift=3.0)), truth, hole)
    grey = tone_scores(filled(truth, hole, 128), truth, hole)
    noise = np.random.default_rng(0).choice([0, 255], (160, 160, 1)).astype(np.uint8).repeat(3, 2)
    noisy = tone_scores(filled(truth, hole, noise), truth, hole)
    assert shifted.frequency_error == 0.0
    assert shifted.spectral_distance < noisy.spectral_distance < grey.spectral_distance
    assert grey.frequency_error == pytest.approx(1 / 6, abs=0.02)
    assert noisy.frequency_error > 0.03


def test_another_pitch_is_found_by_its_frequency(hole):
    truth = screen(pitch=5.0, angle=0.0)
    scores = tone_scores(filled(truth, hole, screen(pitch=8.0, angle=0.0)), truth, hole)
    # The masked window blurs frequencies by about a bin, 1/64 cycles per pixel.
    assert scores.frequency_error == pytest.approx(1 / 5 - 1 / 8, abs=0.02)


def test_pages_without_tone_are_not_judged(hole):
    white = np.full((160, 160, 3), 255, np.uint8)
    edge = white.copy()
    edge[:, 80:] = 0
    for truth in (white, edge):
        scores = tone_scores(filled(truth, hole, 128), truth, hole)
        assert scores.windows == 0
        assert math.isnan(scores.spectral_distance)
        assert math.isnan(scores.frequency_error)


def test_ignored_boxes_and_small_pages_have_no_windows(hole):
    truth = screen()
    assert tone_scores(truth, truth, hole, [(0, 0, 160, 160)]).windows == 0
    assert tone_scores(truth[:50], truth[:50], hole[:50]).windows == 0


def test_power_spectrum_of_white_noise_is_its_variance():
    rng = np.random.default_rng(5)
    weight = rng.random((64, 64))
    powers = [power_spectrum(rng.normal(100, 7, (64, 64)), weight) for _ in range(60)]
    assert np.mean(powers) == pytest.approx(49, rel=0.03)


def test_a_wave_has_its_frequency_in_either_direction():
    y, x = np.mgrid[:64, :64]
    ones = np.ones((64, 64))
    down = power_spectrum(100 * np.sin(2 * np.pi * (8 * x + 4 * y) / 64), ones)
    up = power_spectrum(100 * np.sin(2 * np.pi * (8 * x - 4 * y) / 64), ones)
    assert has_tone(down)
    assert frequency_error(down, down) == 0.0
    assert frequency_error(up, down) == pytest.approx(8 / 64)
    assert frequency_error(np.zeros_like(down), down) == pytest.approx(np.hypot(8, 4) / 64)
    assert not has_tone(np.zeros_like(down))


def test_spectral_distance_is_a_ratio_in_decibels():
    power = np.full((64, 64), 999.0)
    assert spectral_distance(power * 10 + 9, power) == pytest.approx(10.0)
