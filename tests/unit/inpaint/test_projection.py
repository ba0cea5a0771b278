"""The Fourier projection: what it restores, what it leaves alone, and that it is repeatable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textclean.errors import MaskError, OptionsError
from textclean.inpaint import projection
from textclean.inpaint.classical import DiffusionInpainter
from textclean.inpaint.projection import ProjectionInpainter, project
from textclean.protocols import Inpainter


def dots(height: int, width: int, pitch: float = 7.0, angle: float = 45.0) -> np.ndarray:
    """A soft dot screen, grey, as RGB."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    a = np.deg2rad(angle)
    u, v = x * np.cos(a) + y * np.sin(a), -x * np.sin(a) + y * np.cos(a)
    wave = np.cos(2 * np.pi * u / pitch) + np.cos(2 * np.pi * v / pitch)
    grey = np.rint(255 / (1 + np.exp(-4 * wave))).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def strokes(height: int, width: int) -> np.ndarray:
    """A mask like lettering: a ring, a bar and a slanted stroke."""
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(y - height / 2, x - width / 3)
    ring = (radius > 12) & (radius < 20)
    bar = (abs(x - 2 * width // 3) < 5) & (abs(y - height // 2) < 24)
    slanted = (abs(y - height // 2 - (x - width // 2)) < 4) & (abs(x - width // 2) < 20)
    return ring | bar | slanted


def rms(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a[mask].astype(float) - b[mask]) ** 2)))


def hidden(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The image with garbage under the mask, which nobody may look at."""
    return np.where(mask[..., None], np.uint8([7, 250, 99]), image)


@pytest.mark.parametrize(("pitch", "angle"), [(5.0, 45.0), (7.0, 45.0), (9.3, 30.0), (6.4, 75.0)])
def test_screentone_comes_back_in_phase(pitch: float, angle: float) -> None:
    image, mask = dots(160, 200, pitch, angle), strokes(160, 200)
    filled = project(hidden(image, mask), mask)
    assert rms(filled, image, mask) < 16
    smooth = DiffusionInpainter()(hidden(image, mask), mask)
    assert rms(filled, image, mask) < 0.2 * rms(smooth, image, mask)


def test_plain_paper_stays_plain() -> None:
    image = np.full((90, 140, 3), 255, np.uint8)
    mask = strokes(90, 140)
    assert np.array_equal(project(hidden(image, mask), mask), image)


def test_distant_tone_does_not_leak_into_a_white_bubble() -> None:
    image, mask = dots(200, 200), np.zeros((200, 200), bool)
    y, x = np.mgrid[:200, :200]
    image[np.hypot(y - 100, x - 100) < 60] = 255
    mask[90:110, 85:115] = True
    filled = project(hidden(image, mask), mask)
    assert rms(filled, image, mask) < 2


def test_nothing_outside_the_mask_changes_and_the_input_is_left_alone() -> None:
    image, mask = dots(120, 131), strokes(120, 131)
    shown, mask_before = hidden(image, mask), mask.copy()
    before = shown.copy()
    filled = project(shown, mask)
    assert np.array_equal(filled[~mask], image[~mask])
    assert np.array_equal(shown, before)
    assert np.array_equal(mask, mask_before)
    assert filled.dtype == np.uint8


def test_what_the_hole_shows_is_not_looked_at() -> None:
    image, mask = dots(120, 120), strokes(120, 120)
    black = np.where(mask[..., None], np.uint8(0), image)
    assert np.array_equal(project(black, mask), project(hidden(image, mask), mask))


def test_grey_pages_stay_grey_under_coloured_lettering() -> None:
    image, mask = dots(100, 100), strokes(100, 100)
    filled = project(hidden(image, mask), mask)
    assert (filled == filled[..., :1]).all()


def test_colour_is_restored() -> None:
    image = dots(140, 140).copy()
    image[..., 2] = 255 - image[..., 2] // 2
    mask = strokes(140, 140)
    filled = project(hidden(image, mask), mask)
    assert rms(filled, image, mask) < 16


@pytest.mark.parametrize("windows", [1, 5, 64])
def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch, windows: int) -> None:
    rng = np.random.default_rng(3)
    image, mask = dots(180, 260), strokes(180, 260)
    image[:, 130:] = rng.integers(0, 256, image[:, 130:].shape, dtype=np.uint8)
    expected = project(image, mask)
    monkeypatch.setattr(projection, "CHUNK_PIXELS", windows * 128 * 128)
    assert np.array_equal(project(image, mask), expected)


def test_a_gpu_gets_more_windows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = dots(180, 260), strokes(180, 260)
    expected, fit, counts = project(image, mask), projection._fit, {"cpu": [], "cuda": []}

    def count(values, weights, iterations, device):  # type: ignore[no-untyped-def]
        counts[device.type].append(len(values))
        return fit(values, weights, iterations, torch.device("cpu"))

    monkeypatch.setattr(projection, "_fit", count)
    for device in counts:
        assert np.array_equal(project(image, mask, device=device), expected)
    assert len(counts["cpu"]) > len(counts["cuda"]) == 1
    assert sum(counts["cpu"]) == sum(counts["cuda"])


def test_the_number_of_threads_does_not_show_and_is_given_back() -> None:
    image, mask = dots(180, 260), strokes(180, 260)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(project(image, mask))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_threads_are_given_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(projection, "_fit", fail)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(RuntimeError, match="no"):
            project(dots(300, 300), strokes(300, 300))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (16, 16), (37, 129), (130, 20)])
def test_images_smaller_than_the_window(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    mask = np.zeros(shape, bool)
    mask[:, : shape[1] // 2] = True
    assert np.array_equal(project(hidden(image, mask), mask), image)


def test_a_hole_at_the_edge_of_the_page() -> None:
    image, mask = dots(150, 150), np.zeros((150, 150), bool)
    mask[:12, 40:110] = mask[60:130, -9:] = True
    filled = project(hidden(image, mask), mask)
    assert rms(filled, image, mask) < 30


def test_a_hole_deeper_than_the_window_reaches() -> None:
    image, mask = dots(300, 300), np.zeros((300, 300), bool)
    mask[80:220, 80:220] = True
    filled = project(hidden(image, mask), mask)
    rim = mask.copy()
    rim[92:208, 92:208] = False
    assert rms(filled, image, rim) < 25
    assert abs(float(filled[mask].mean()) - float(image[~mask].mean())) < 16


def test_a_hole_deeper_than_any_window_is_filled_inwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "MAX_WINDOW", 64)
    image = np.full((120, 120, 3), 180, np.uint8)
    mask = np.zeros((120, 120), bool)
    mask[10:110, 10:110] = True
    filled = project(hidden(image, mask), mask, window=32, step=8)
    assert np.array_equal(filled, image)


def test_no_hole_and_nothing_known() -> None:
    image = dots(40, 40)
    unchanged = project(image, np.zeros((40, 40), bool))
    assert np.array_equal(unchanged, image)
    assert unchanged is not image
    assert (project(image, np.ones((40, 40), bool)) == 255).all()


def test_the_inpainter_fills_each_window_as_the_page() -> None:
    image, mask = dots(420, 700), np.zeros((420, 700), bool)
    mask[:160, :200] = strokes(160, 200)
    mask[-160:, -200:] = strokes(160, 200)
    inpainter = ProjectionInpainter("cpu")
    assert isinstance(inpainter, Inpainter)
    see_through = mask & (np.arange(700) > 300)
    filled = inpainter(hidden(image, mask), mask, see_through)
    assert np.array_equal(filled[~mask], image[~mask])
    assert rms(filled, image, mask) < 16
    assert np.array_equal(filled, inpainter(hidden(image, mask), mask))


def test_smaller_windows_and_fewer_iterations_are_worse_but_work() -> None:
    image, mask = dots(160, 200), strokes(160, 200)
    errors = [
        rms(project(image, mask, window=w, step=w // 4, iterations=n), image, mask)
        for w, n in ((128, 20), (32, 20), (128, 2))
    ]
    assert errors[0] < min(errors[1:])
    assert max(errors) < 128


@pytest.mark.parametrize(
    "mask",
    [np.zeros((40, 41), bool), np.zeros((40, 40), np.uint8), np.zeros((40, 40, 1), bool)],
)
def test_a_mask_that_does_not_fit(mask: np.ndarray) -> None:
    with pytest.raises(MaskError, match="does not fit"):
        project(dots(40, 40), mask)


@pytest.mark.parametrize(
    "options", [{"window": 8}, {"window": 130}, {"step": 0}, {"step": 65}, {"iterations": 1}]
)
def test_options_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(OptionsError, match="cannot be used"):
        project(dots(40, 40), np.zeros((40, 40), bool), **options)
