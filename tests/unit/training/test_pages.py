from __future__ import annotations

import numpy as np
import pytest

from textclean.training.bubbles import bubble_outline, closed, with_bubbles
from textclean.training.drawing import grown
from textclean.training.pages import comic_page


@pytest.mark.parametrize("seed", range(8))
def test_a_page_has_the_size_asked_for_and_no_colour(seed: int) -> None:
    page, bubble = comic_page(np.random.default_rng(seed), (96, 130))
    assert page.shape == (96, 130, 3)
    assert page.dtype == np.uint8
    assert bubble.shape == (96, 130)
    assert bubble.dtype == bool
    assert (page[..., 0] == page[..., 1]).all()
    assert (page[..., 1] == page[..., 2]).all()


def test_the_seed_decides_the_page() -> None:
    first, inside = comic_page(np.random.default_rng(4), (80, 80))
    again, inside_again = comic_page(np.random.default_rng(4), (80, 80))
    other, _ = comic_page(np.random.default_rng(5), (80, 80))
    assert np.array_equal(first, again)
    assert np.array_equal(inside, inside_again)
    assert not np.array_equal(first, other)


def test_pages_are_drawn_with_ink_on_paper() -> None:
    pages = [comic_page(np.random.default_rng(seed), (96, 96))[0] for seed in range(24)]
    inked = [float((page < 64).mean()) for page in pages]
    blank = [float((page > 192).mean()) for page in pages]
    assert 0.1 < np.mean(inked) < 0.7
    assert 0.2 < np.mean(blank) < 0.85
    busy = [np.abs(np.diff(page[..., 0].astype(int), axis=1)).mean() for page in pages]
    assert np.median(busy) > 8


def test_some_pages_have_bubbles_and_most_of_these_are_empty() -> None:
    drawn = [comic_page(np.random.default_rng(seed), (96, 96)) for seed in range(40)]
    insides = [page[bubble] for page, bubble in drawn if bubble.mean() > 0.05]
    assert 8 < len(insides) < 32
    white = [float((inside > 250).mean()) > 0.6 for inside in insides]
    assert np.mean(white) > 0.4


@pytest.mark.parametrize("seed", range(12))
def test_bubbles_close_and_come_with_their_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outline = bubble_outline(rng, (200, 300))
    assert outline.shape[1] == 2
    ring = closed(outline)
    assert np.allclose(ring[0], ring[-1])
    assert np.hypot(*np.diff(ring, axis=0).T).max() < 8.1
    grey = np.full((200, 300, 3), 120, np.uint8)
    page, inside = with_bubbles(rng, grey, color=False)
    assert (grey == 120).all()
    assert (page[..., 0] == page[..., 2]).all()
    far = ~grown(inside, 6)
    assert (page[far] == 120).all()
    if inside.sum() > 500:
        deep = ~grown(~inside, 6)
        assert np.abs(page[deep].astype(int) - 120).mean() > 40
