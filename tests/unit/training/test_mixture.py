from __future__ import annotations

import numpy as np
import pytest
from builtin_font import builtin_fonts
from PIL import Image as PillowImage

from textclean.training.art import ArtFolder
from textclean.training.drawing import LETTERING, DrawnPage, grown
from textclean.training.holes import dull_share, grown_hole, shapes
from textclean.training.lettered import lettered, really_lettered
from textclean.training.mixture import FAMILIES, Sources, as_sample, draw_page, draw_sample


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sources")
    art, lettering = folder / "art", folder / "lettering"
    art.mkdir()
    lettering.mkdir()
    y, x = np.mgrid[:260, :240]
    bare, full = np.zeros((260, 240, 4), np.uint8), np.zeros((260, 240, 4), np.uint8)
    for layer in (bare, full):
        layer[60:160, 40:200] = 255
    full[90:100, 60:180, :3] = 0
    full[200:220, 60:180] = (250, 250, 250, 255)
    for k in range(2):
        picture = np.dstack([127 + 120 * np.sin(x / (7 + k) + y / (11 + c)) for c in range(3)])
        PillowImage.fromarray(np.uint8(picture)).save(art / f"E01P0{k}.png")
        PillowImage.fromarray(full).save(lettering / f"E01P0{k}_en_all.png")
        PillowImage.fromarray(bare).save(lettering / f"E01P0{k}_en_nolet.png")
    return Sources(builtin_fonts(folder), ArtFolder(art, "train", lettering))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_family_gives_samples_that_hold_to_the_contract(
    sources: Sources, family: str
) -> None:
    for seed in range(4):
        sample = draw_sample(np.random.default_rng(seed), sources, 96, family)
        assert sample.family == family
        assert sample.target.shape == sample.shown.shape == (96, 96, 3)
        assert sample.hole.shape == (96, 96)
        assert 0.02 < sample.hole.mean() < 0.6
        assert np.array_equal(sample.target[~sample.hole], sample.shown[~sample.hole])
        assert not (sample.see_through & ~sample.hole).any()
        if family != "document":
            assert not sample.see_through.any()


@pytest.mark.parametrize("family", ["tone", "color", "document"])
def test_the_seed_decides_the_sample(sources: Sources, family: str) -> None:
    one, two = (draw_sample(np.random.default_rng(8), sources, 80, family) for _ in range(2))
    assert np.array_equal(one.target, two.target)
    assert np.array_equal(one.shown, two.shown)
    assert np.array_equal(one.hole, two.hole)


@pytest.mark.parametrize("family", ["tone", "halftone", "grey", "color"])
def test_most_lettering_is_in_the_hole(sources: Sources, family: str) -> None:
    left, all_of_it = 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        page = draw_page(rng, sources, family, (96, 96))
        sample = as_sample(rng, page)
        if np.array_equal(page.shown, sample.shown):  # not a hole of mere shapes
            strong = page.changed(60)
            left += int((strong & ~sample.hole).sum())
            all_of_it += int(strong.sum())
            assert sample.hole[page.labels == LETTERING].all()
    assert all_of_it > 3000
    assert left < 0.005 * all_of_it


@pytest.mark.parametrize("family", ["tone", "halftone", "grey"])
def test_pages_without_colour_are_lettered_without_colour(sources: Sources, family: str) -> None:
    for seed in range(6):
        page = draw_page(np.random.default_rng(seed), sources, family, (80, 80))
        assert (page.shown[..., 0] == page.shown[..., 2]).all()
        assert (page.shown[..., 0] == page.shown[..., 1]).all()


def test_families_come_by_weight_and_art_only_where_there_is_some(sources: Sources) -> None:
    rng = np.random.default_rng(0)
    weighted = Sources(sources.fonts, sources.art, {"tone": 3.0, "grey": 1.0, "color": 0.0})
    drawn = [weighted.family(rng) for _ in range(400)]
    assert set(drawn) == {"tone", "grey"}
    assert 0.68 < drawn.count("tone") / 400 < 0.82
    bare = Sources(sources.fonts, None)
    assert {bare.family(rng) for _ in range(100)} == {"tone", "document"}


def test_dull_is_what_a_flat_fill_solves() -> None:
    page = np.full((60, 60, 3), 255, np.uint8)
    page[:, 30:] = np.where(np.indices((60, 30)).sum(axis=0)[..., None] % 4 < 2, 0, 255)
    hole = np.zeros((60, 60), bool)
    hole[20:40, 5:15] = True
    assert dull_share(page, hole) == 1.0
    both = hole.copy()
    both[20:40, 40:50] = True
    assert dull_share(page, both) == pytest.approx(0.5)
    assert dull_share(page, ~hole & (np.arange(60) > 32)) == 0.0


def test_dull_samples_are_rare(sources: Sources) -> None:
    dull = 0
    for seed in range(16):
        sample = draw_sample(np.random.default_rng(seed), sources, 64, "tone")
        dull += dull_share(sample.target, sample.hole) >= 0.8
    assert dull <= 3


def test_shapes_cover_a_fair_share() -> None:
    shares = [float(shapes(np.random.default_rng(s), (96, 128)).mean()) for s in range(40)]
    assert min(shares) > 0.02
    assert max(shares) < 0.6
    assert 0.08 < np.mean(shares) < 0.35


def test_holes_are_grown_as_mask_code_grows_them() -> None:
    ink = np.zeros((41, 41), bool)
    ink[20, 20] = True
    holes = [grown_hole(np.random.default_rng(seed), ink) for seed in range(200)]
    reach = [int(hole.any(axis=0).sum() - 1) // 2 for hole in holes]
    assert min(reach) >= 1
    assert max(reach) <= 6
    assert np.median(reach) == 3
    square = [bool(hole.sum() == (2 * r + 1) ** 2) for hole, r in zip(holes, reach, strict=True)]
    assert 0.2 < np.mean(square) < 0.5


def test_speech_stays_in_its_bubble(sources: Sources) -> None:
    clean = np.full((160, 200, 3), 128, np.uint8)
    bubble = np.zeros((160, 200), bool)
    bubble[30:130, 40:160] = True
    clean[bubble] = 255
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        page = lettered(rng, sources.fonts, clean, bubble, color=False)
        inside.append(float((page.labels[bubble] > 0).sum() / max((page.labels > 0).sum(), 1)))
        assert np.array_equal(page.bubble, bubble)
    assert sum(share > 0.98 for share in inside) >= 3
    assert sum(share < 0.98 for share in inside) >= 3


def test_large_pages_get_more_lettering(sources: Sources) -> None:
    amounts = []
    for side in (256, 768):
        clean = np.full((side, side, 3), 255, np.uint8)
        none = np.zeros((side, side), bool)
        pages = [
            lettered(np.random.default_rng(seed), sources.fonts, clean, none, color=False)
            for seed in range(6)
        ]
        amounts.append(np.mean([float((page.labels > 0).sum()) for page in pages]))
    assert amounts[1] > 2 * amounts[0]


def test_what_a_blur_spreads_is_in_the_hole_too() -> None:
    labels = np.zeros((50, 50), np.uint8)
    labels[20:30, 20:30] = LETTERING
    clean = np.full((50, 50, 3), 200, np.uint8)
    spread = grown(labels > 0, 2)
    shown = np.where(spread[..., None], np.uint8(90), clean)
    page = DrawnPage(clean, shown, labels, np.zeros((50, 50), bool), "tone")
    seen = 0
    for seed in range(40):
        sample = as_sample(np.random.default_rng(seed), page)
        if np.array_equal(sample.shown, shown):
            seen += 1
            assert sample.hole[grown(spread, 1)].all()
    assert seen > 25


def test_real_lettering_comes_with_its_bubbles_or_alone(sources: Sources) -> None:
    art = sources.art
    assert art is not None
    clean = np.full((128, 128, 3), 90, np.uint8)
    bubbled = 0
    for seed in range(30):
        page = really_lettered(np.random.default_rng(seed), art, clean, color=True)
        changed = page.changed()
        assert changed.any()
        assert (page.labels[changed] == LETTERING).all()
        if page.bubble.any():
            bubbled += 1
            assert (page.clean[page.bubble] == 255).all()
            assert (page.clean[~page.bubble] == 90).all()
        else:
            assert (page.clean == 90).all()
    assert 5 < bubbled < 25
