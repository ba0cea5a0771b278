from __future__ import annotations

import numpy as np
import pytest
from builtin_font import builtin_fonts

from textclean.training.balloons import bordered, comic_lettering
from textclean.training.drawing import LETTERING, grown
from textclean.training.fonts import Fonts
from textclean.training.sfx import effect_style, sound_effect


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return builtin_fonts(tmp_path_factory.mktemp("fonts"))


def _bubbled() -> tuple[np.ndarray, np.ndarray]:
    clean = np.full((220, 260, 3), 128, np.uint8)
    bubble = np.zeros((220, 260), bool)
    bubble[40:160, 50:210] = True
    clean[bubble] = 255
    return clean, bubble


@pytest.mark.parametrize("seed", range(10))
def test_effects_are_as_large_as_asked(fonts: Fonts, seed: int) -> None:
    block = sound_effect(np.random.default_rng(seed), fonts, 60)
    assert block.dtype == np.uint8
    assert block.max() > 200
    assert 20 < max(block.shape) < 1500
    again = sound_effect(np.random.default_rng(seed), fonts, 60)
    assert np.array_equal(block, again)


def test_effects_grow_with_their_glyphs(fonts: Fonts) -> None:
    small, large = (
        np.median([(sound_effect(np.random.default_rng(s), fonts, size) > 127).sum()
                   for s in range(12)])
        for size in (30, 120)
    )  # fmt: skip
    assert 8 < large / small < 32


def test_grey_pages_get_grey_effects() -> None:
    rng = np.random.default_rng(0)
    for _ in range(80):
        style = effect_style(rng, 90, color=False, dark=False, busy=True)
        inks = [style.fill, *(ink for _, ink in style.outlines), style.second or (0, 0, 0)]
        assert all(len(set(ink)) == 1 for ink in inks)


def test_speech_keeps_within_its_bubble(fonts: Fonts) -> None:
    clean, bubble = _bubbled()
    shares, lettered = [], 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        page = comic_lettering(rng, fonts, clean, bubble, color=False, effects=0.0)
        inked = page.labels == LETTERING
        near = grown(bubble, 4) & inked
        if near.any():
            lettered += 1
            shares.append(float((near & bubble).sum() / near.sum()))
        assert (clean[~grown(inked, 3)] == page.shown[~grown(inked, 3)]).all()
    assert lettered >= 14
    assert np.median(shares) > 0.97


def test_effects_are_drawn_when_wanted(fonts: Fonts) -> None:
    clean = np.full((200, 200, 3), 128, np.uint8)
    nothing = np.zeros((200, 200), bool)
    amounts = []
    for effects in (0.0, 6.0):
        pages = [
            comic_lettering(
                np.random.default_rng(seed), fonts, clean, nothing, color=True, effects=effects
            )
            for seed in range(10)
        ]
        amounts.append(float(np.mean([(page.labels > 0).mean() for page in pages])))
    assert amounts[1] > 2 * amounts[0]


@pytest.mark.parametrize(("level", "ink"), [(40, 255), (230, 0), (140, None)])
def test_plain_letters_stand_out_or_are_left_out(fonts: Fonts, level: int, ink: int | None) -> None:
    clean = np.full((200, 200, 3), level, np.uint8)
    nothing = np.zeros((200, 200), bool)
    lettered = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        page = comic_lettering(
            rng, fonts, clean, nothing, color=True, effects=0.0, blocks=3.0, plain=1.0
        )
        inks = page.shown[page.labels == LETTERING]
        lettered += bool(len(inks))
        if ink is not None and len(inks):
            # Nothing but that ink and what antialiasing mixes of it and the page.
            assert inks.min() >= min(ink, level)
            assert inks.max() <= max(ink, level)
            assert (inks == inks[:, :1]).all()
            assert (inks == ink).any()
    assert lettered == 0 if ink is None else lettered >= 7


def test_borders_lie_outside_the_bubble() -> None:
    clean, bubble = _bubbled()
    for seed in range(8):
        framed = bordered(np.random.default_rng(seed), clean, bubble)
        changed = (framed != clean).any(axis=2)
        assert changed.any()
        assert not (changed & ~grown(bubble, 6)).any()
        assert not (changed & ~grown(~bubble, 3)).any()
    assert bordered(np.random.default_rng(0), clean, ~bubble & bubble) is clean
