from __future__ import annotations

import numpy as np
import pytest

from textclean.training.paper import Scan, jpeg, paper, random_scan, reduced


def _noise(seed: int = 0, grey: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if grey:
        return np.repeat(rng.integers(0, 256, (40, 50, 1), dtype=np.uint8), 3, axis=2)
    return rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)


def test_a_perfect_scan_changes_nothing() -> None:
    image = _noise()
    assert np.array_equal(Scan()(image), image)


@pytest.mark.parametrize(
    "scan",
    [Scan(blur=0.8), Scan(sharpen=0.6), Scan(noise=3), Scan(quality=80), Scan(white=240)],
)
def test_greys_stay_grey_under_every_step(scan: Scan) -> None:
    out = scan(_noise(grey=True))
    assert out.dtype == np.uint8
    assert (out[..., 0] == out[..., 1]).all()
    assert (out[..., 1] == out[..., 2]).all()
    assert not np.array_equal(out, _noise(grey=True))


def test_a_scan_treats_both_looks_of_a_page_alike() -> None:
    scan = Scan(blur=0.5, noise=4, colored=True, black=10, white=240, seed=3)
    page = _noise()
    other = page.copy()
    other[10:14, 10:14] = 0
    same = np.ones(page.shape[:2], bool)
    same[5:20, 5:20] = False
    assert np.array_equal(scan(page)[same], scan(other)[same])


def test_levels_are_stretched_to_black_and_white() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    out = Scan(black=50, white=150)(ramp)[0, :, 0]
    assert (out[:51] == 0).all()
    assert (out[150:] == 255).all()
    assert out[100] in (127, 128)


def test_bitonal_files_have_two_levels() -> None:
    out = Scan(bilevel=100)(_noise())
    assert set(np.unique(out)) == {0, 255}
    assert (Scan(bilevel=100)(np.full((4, 4, 3), 100, np.uint8)) == 255).all()
    assert (Scan(bilevel=100)(np.full((4, 4, 3), 99, np.uint8)) == 0).all()


def test_jpeg_keeps_the_channels_in_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 220
    out = jpeg(red, 90)
    assert out[..., 0].mean() > 200
    assert out[..., 2].mean() < 20


def test_worse_jpeg_is_farther_off() -> None:
    image = _noise()
    errors = [np.abs(jpeg(image, q).astype(int) - image).mean() for q in (95, 75, 50)]
    assert errors[0] < errors[1] < errors[2]


@pytest.mark.parametrize("seed", range(10))
def test_canvases_are_reduced_to_the_page(seed: int) -> None:
    canvas = np.full((90, 120), 255, np.uint8)
    canvas[:, :60] = 0
    out = reduced(canvas, (37, 50), np.random.default_rng(seed))
    assert out.shape == (37, 50)
    assert (out[:, :20] < 30).all()
    assert (out[:, 30:] > 225).all()


def test_some_scans_are_perfect_some_bitonal_and_colour_is_never_bitonal() -> None:
    rng = np.random.default_rng(0)
    grey = [random_scan(rng) for _ in range(300)]
    assert 0.04 < np.mean([scan.bilevel is not None for scan in grey]) < 0.18
    assert 0.2 < np.mean([scan.blur == 0 for scan in grey]) < 0.4
    assert all(random_scan(rng, colored=True).bilevel is None for _ in range(200))


@pytest.mark.parametrize("seed", range(8))
def test_paper_is_light(seed: int) -> None:
    sheet = paper(np.random.default_rng(seed), (60, 80))
    assert sheet.shape == (60, 80, 3)
    assert sheet.dtype == np.float32
    assert 140 < sheet.mean() <= 255
    assert sheet.min() >= 0
    assert sheet.max() <= 255
