from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from textclean.training.art import ArtFolder
from textclean.training.halftones import grey_look, halftone_look
from textclean.training.layered import difference, layered_window, multiplied, over

BUBBLE, TEXT, EFFECT = (200, 100, 420, 360), (260, 150, 300, 310), (700, 400, 760, 520)


def _filled(layer: np.ndarray, box: tuple[int, int, int, int], color: tuple[int, ...]) -> None:
    layer[box[0] : box[2], box[1] : box[3]] = color


@pytest.fixture
def art(tmp_path: Path) -> ArtFolder:
    pages, layers = tmp_path / "art", tmp_path / "lettering"
    pages.mkdir()
    layers.mkdir()
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 120, (900, 600, 3)).astype(np.uint8)
    bare = np.zeros((900, 600, 4), np.uint8)
    _filled(bare, BUBBLE, (255, 255, 255, 255))
    full = bare.copy()
    _filled(full, TEXT, (0, 0, 0, 255))
    _filled(full, EFFECT, (255, 255, 0, 255))
    credits_page = np.zeros((900, 600, 4), np.uint8)
    _filled(credits_page, (100, 100, 500, 500), (255, 255, 255, 255))
    for name, text, bubbles in (
        ("E01P01", full, bare),
        ("E01P02", credits_page, np.zeros_like(bare)),
    ):
        PillowImage.fromarray(picture).save(pages / f"{name}.png")
        PillowImage.fromarray(text).save(layers / f"{name}_en_all.png")
        PillowImage.fromarray(bubbles).save(layers / f"{name}_en_nolet.png")
    return ArtFolder(pages, "train", layers)


def test_windows_show_what_they_are_aimed_at(art: ArtFolder) -> None:
    for seed in range(12):
        window = layered_window(np.random.default_rng(seed), art, (160, 200), "effects")
        assert window.art.shape == (160, 200, 3)
        assert window.full.shape == window.bare.shape == (160, 200, 4)
        yellow = (window.full[..., 0] > 200) & (window.full[..., 2] < 60)
        assert yellow.any()
        lettered = layered_window(np.random.default_rng(seed), art, (160, 200), "lettering")
        assert (lettered.text() > 100).any()


def test_credits_are_left_out(art: ArtFolder) -> None:
    for seed in range(12):
        window = layered_window(np.random.default_rng(seed), art, (900, 600), "anywhere")
        assert window.inside.any()  # the page of credits has no bubble


def test_the_inside_is_the_bubble_with_its_text(art: ArtFolder) -> None:
    window = layered_window(np.random.default_rng(1), art, (900, 600), "anywhere")
    solid = window.bare[..., 3] > 200
    assert (window.inside != solid).mean() < 0.01
    assert window.inside[window.text() > 100].mean() > 0.4


def test_windows_larger_than_the_page_go_on_in_white(art: ArtFolder) -> None:
    window = layered_window(np.random.default_rng(0), art, (1700, 1400))
    assert (window.art == 255).all(axis=2).mean() > 0.05
    assert not window.full[(window.art == 255).all(axis=2)].any()


def test_layers_are_laid_over_the_page() -> None:
    layer = np.zeros((1, 3, 4), np.uint8)
    layer[0, 1] = (200, 100, 0, 255)
    layer[0, 2] = (200, 100, 0, 128)
    page = np.full((1, 3, 3), 100, np.uint8)
    shown = over(page, multiplied(layer)).astype(int)
    assert shown[0, 0].tolist() == [100, 100, 100]
    assert shown[0, 1].tolist() == [200, 100, 0]
    assert np.abs(shown[0, 2] - [150, 100, 50]).max() <= 1
    assert difference(page, np.zeros_like(page)).tolist() == [[100, 100, 100]]


@pytest.mark.parametrize("maker", [grey_look, halftone_look])
def test_a_look_treats_equal_pixels_alike(maker: object) -> None:
    y, x = np.mgrid[:90, :110]
    picture = np.uint8(np.dstack([127 + 120 * np.sin(x / 9 + y / (11 + c)) for c in range(3)]))
    changed = picture.copy()
    changed[:20, :20] = 0
    for seed in range(10):
        look = maker(np.random.default_rng(seed), picture)  # type: ignore[operator]
        one, two = look(picture), look(changed)
        assert one.shape == picture.shape
        assert (one[..., 0] == one[..., 2]).all()
        assert np.array_equal(one, look(picture))
        assert np.array_equal(one[50:, 50:], two[50:, 50:])
        assert not np.array_equal(one, two)


def test_line_art_has_hardly_any_tone() -> None:
    shades = np.linspace(60, 255, 200)[None, :, None]
    picture = np.uint8(np.broadcast_to(shades, (200, 200, 3)))
    inked = []
    for share in (0.0, 1.0):
        pages = [
            halftone_look(np.random.default_rng(seed), picture, share)(picture)
            for seed in range(12)
        ]
        # The lighter half, where a screen has small dots.
        inked.append(float(np.mean([(page[:, 100:] < 128).mean() for page in pages])))
    assert inked[0] > 0.05
    assert inked[1] < 0.2 * inked[0]
