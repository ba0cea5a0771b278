from __future__ import annotations

import numpy as np

from textclean.training.engravings import engraving
from textclean.training.negatives import figure_page


def test_engravings_are_lines_of_ink_on_paper() -> None:
    shares, crossings = [], []
    for seed in range(10):
        ink = engraving(np.random.default_rng(seed), (120, 150), 5.0)
        assert ink.shape == (120, 150)
        assert ink.min() >= 0
        assert ink.max() <= 1
        shares.append(float((ink > 0.5).mean()))
        inked = ink > 0.5
        edges = (inked[1:] != inked[:-1]).sum() + (inked[:, 1:] != inked[:, :-1]).sum()
        crossings.append(float(edges) / inked.size)
    assert 0.05 < np.median(shares) < 0.7
    assert np.median(crossings) > 0.1


def test_figures_have_ink_and_paper_and_follow_their_seed() -> None:
    inked = []
    for seed in range(24):
        page = figure_page(np.random.default_rng(seed), (90, 130))
        assert page.shape == (90, 130, 3)
        assert page.dtype == np.uint8
        assert np.array_equal(page, figure_page(np.random.default_rng(seed), (90, 130)))
        inked.append(float((page.max(axis=2) < 130).mean()))
    assert 0.02 < np.median(inked) < 0.6
