from __future__ import annotations

import numpy as np
import pytest

from textclean.training.tone import SHAPES, Screen, ramp, random_screen, screened


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("darkness", [0.1, 0.35, 0.6, 0.9])
def test_the_share_of_ink_is_the_darkness_asked_for(shape: str, darkness: float) -> None:
    screen = Screen(pitch=7.3, angle=0.6, shape=shape, phase=(0.3, 0.8), seed=5)
    thresholds = screen.thresholds((400, 400))
    inked = screened(np.full((400, 400), darkness, np.float32), thresholds)
    assert (inked == 0).mean() == pytest.approx(darkness, abs=0.02)


@pytest.mark.parametrize("shape", ["round", "euclid", "square", "line"])
@pytest.mark.parametrize(("pitch", "scale"), [(4.0, 1.0), (8.0, 1.0), (4.0, 2.0)])
def test_dots_repeat_at_the_pitch(shape: str, pitch: float, scale: float) -> None:
    screen = Screen(pitch=pitch, angle=0.0, shape=shape)
    inked = screened(np.full((256, 256), 0.3, np.float32), screen.thresholds((256, 256), scale))
    rows = inked.mean(axis=1) if shape == "line" else inked.mean(axis=0)
    power = np.abs(np.fft.rfft(rows - rows.mean()))
    assert int(power.argmax()) == round(256 / (pitch * scale))


def test_the_angle_turns_the_rows() -> None:
    inked = screened(
        np.full((256, 256), 0.5, np.float32),
        Screen(pitch=8.0, angle=np.pi / 2, shape="line").thresholds((256, 256)),
    )
    assert inked.mean(axis=0).std() > 50
    assert inked.mean(axis=1).std() < 5


def test_hard_ink_has_two_levels_and_soft_ink_more() -> None:
    thresholds = Screen(pitch=6.0, angle=0.3, shape="round").thresholds((64, 64))
    darkness = np.full((64, 64), 0.4, np.float32)
    assert set(np.unique(screened(darkness, thresholds))) == {0, 255}
    soft = screened(darkness, thresholds, 0.4)
    assert len(np.unique(soft)) > 20
    assert 1 - soft.mean() / 255 == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("softness", [0.0, 0.3])
def test_paper_stays_paper(softness: float) -> None:
    thresholds = Screen(pitch=6.0, angle=0.3, shape="euclid").thresholds((64, 64))
    assert (screened(np.zeros((64, 64), np.float32), thresholds, softness) == 255).all()


def test_more_darkness_never_means_less_ink() -> None:
    thresholds = random_screen(np.random.default_rng(3)).thresholds((64, 64))
    lighter = screened(np.full((64, 64), 0.3, np.float32), thresholds)
    darker = screened(np.full((64, 64), 0.5, np.float32), thresholds)
    assert (darker <= lighter).all()


@pytest.mark.parametrize("seed", range(12))
def test_ramps_are_darkness(seed: int) -> None:
    field = ramp(np.random.default_rng(seed), (40, 70))
    assert field.shape == (40, 70)
    assert field.dtype == np.float32
    assert 0 <= field.min() <= field.max() <= 1


def test_random_screens_cover_the_pitches_of_comics() -> None:
    rng = np.random.default_rng(0)
    screens = [random_screen(rng) for _ in range(400)]
    pitches = [screen.pitch for screen in screens]
    assert 3 <= min(pitches) < 3.3
    assert 13 < max(pitches) <= 14
    assert {screen.shape for screen in screens} == set(SHAPES)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_grain_is_the_noise_by_rank(seed: int, scale: float) -> None:
    size = (300, 260)
    thresholds = Screen(pitch=6.0, angle=0.0, shape="grain", seed=seed).thresholds(size, scale)
    assert thresholds.dtype == np.float32 and thresholds.shape == size
    assert 0 < thresholds.min() < thresholds.max() < 1
    ranks = np.empty(thresholds.size)
    ranks[np.argsort(thresholds, axis=None, kind="stable")] = np.arange(thresholds.size)
    ranks /= thresholds.size
    assert np.abs(ranks.reshape(size) - thresholds).max() < 0.015
    inked = [float((thresholds < darkness).mean()) for darkness in (0.02, 0.1, 0.5, 0.9, 0.98)]
    assert inked == pytest.approx([0.02, 0.1, 0.5, 0.9, 0.98], abs=0.01)


def test_grain_is_fine_and_even() -> None:
    thresholds = Screen(pitch=6.0, angle=0.0, shape="grain", seed=4).thresholds((320, 320))
    inked = screened(np.full((320, 320), 0.4, np.float32), thresholds) == 0
    blocks = inked.reshape(10, 32, 10, 32).mean(axis=(1, 3))
    assert blocks.std() < 0.02  # coins thrown in grains of three pixels would stray by 0.05
    runs = np.diff(np.flatnonzero(np.diff(inked[100].astype(np.int8))))
    assert 2 < runs.mean() < 8


def test_a_canvas_too_small_for_noise_is_no_obstacle() -> None:
    screen = Screen(pitch=6.0, angle=0.0, shape="grain", seed=1)
    assert screen.thresholds((1, 1)).shape == (1, 1)


def test_the_same_seed_gives_the_same_grain() -> None:
    screens = [random_screen(np.random.default_rng(9), shape="grain") for _ in range(2)]
    first, second = (screen.thresholds((50, 60)) for screen in screens)
    assert np.array_equal(first, second)
