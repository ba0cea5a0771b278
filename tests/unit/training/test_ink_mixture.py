from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builtin_font import builtin_fonts
from PIL import Image as PillowImage

from textclean.training.art import ArtFolder
from textclean.training.drawing import LETTERING, PEN, PRINT, STAMP, DrawnPage, grown
from textclean.training.ink_mixture import INK_FAMILIES, draw_ink_page, unsure
from textclean.training.mixture import Sources

COMICS = ("comic", "comic_grey", "comic_halftone", "tone", "art_lettered", "art_captioned")
PAPERS = ("document", "notes")


def _write_art(folder: Path) -> ArtFolder:
    art, lettering = folder / "art", folder / "lettering"
    art.mkdir()
    lettering.mkdir()
    y, x = np.mgrid[:420, :380]
    bare = np.zeros((420, 380, 4), np.uint8)
    bare[60:180, 40:220] = 255
    bare[300:330, 300:330] = 255  # a drop, which holds no text
    full = bare.copy()
    full[100:110, 60:180, :3] = 0
    full[250:280, 100:200] = (250, 40, 40, 255)
    for k in range(2):
        waves = [127 + 90 * np.sin(x / (17 + k) + y / (11 + c)) for c in range(3)]
        PillowImage.fromarray(np.uint8(np.dstack(waves))).save(art / f"E01P0{k}.png")
        PillowImage.fromarray(full).save(lettering / f"E01P0{k}_en_all.png")
        PillowImage.fromarray(bare).save(lettering / f"E01P0{k}_en_nolet.png")
    return ArtFolder(art, "train", lettering)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("ink")
    return Sources(builtin_fonts(folder), _write_art(folder))


def _pages(sources: Sources, family: str, count: int = 6) -> list[DrawnPage]:
    rngs = [np.random.default_rng((3, seed)) for seed in range(count)]
    return [draw_ink_page(rng, sources, (128, 144), family) for rng in rngs]


@pytest.mark.parametrize("family", list(INK_FAMILIES))
@pytest.mark.parametrize("size", [(96, 96), (77, 131), (33, 50)])
def test_every_family_draws_at_any_size(
    sources: Sources, family: str, size: tuple[int, int]
) -> None:
    for seed in range(3):
        page = draw_ink_page(np.random.default_rng(seed), sources, size, family)
        assert page.family == family
        assert page.clean.shape == page.shown.shape == (*size, 3)
        assert page.clean.dtype == page.shown.dtype == page.labels.dtype == np.uint8
        assert page.labels.shape == page.bubble.shape == size
        assert page.bubble.dtype == bool
        expected = {0, *range(PEN, PRINT + 1)} if family in PAPERS else {0, LETTERING}
        assert set(np.unique(page.labels)) <= expected


@pytest.mark.parametrize("family", list(INK_FAMILIES))
def test_the_seed_decides_the_page(sources: Sources, family: str) -> None:
    assert sources.art is not None
    fresh = Sources(sources.fonts, ArtFolder(sources.art.folder, "train", sources.art.lettering))
    one = draw_ink_page(np.random.default_rng(5), sources, (90, 100), family)
    two = draw_ink_page(np.random.default_rng(5), fresh, (90, 100), family)
    for name in ("clean", "shown", "labels", "bubble"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    other = draw_ink_page(np.random.default_rng(6), sources, (90, 100), family)
    assert not np.array_equal(one.shown, other.shown)


@pytest.mark.parametrize("family", [*COMICS, *PAPERS])
def test_labels_are_where_the_page_changed(sources: Sources, family: str) -> None:
    inked_pages = 0
    for page in _pages(sources, family, 10):
        inked = (page.labels >= LETTERING) & (page.labels <= STAMP)
        changed = page.changed(40)
        assert (changed & ~grown(inked, 4)).sum() <= 0.02 * max(int(inked.sum()), 60)
        if inked.sum() > 100:
            inked_pages += 1
            assert (grown(page.changed(12), 8) & inked).sum() > 0.3 * inked.sum()
    assert inked_pages >= 4


def test_blank_pages_have_nothing_on_them(sources: Sources) -> None:
    for page in _pages(sources, "blank"):
        assert np.array_equal(page.clean, page.shown)
        assert not page.labels.any()


def test_real_bubbles_are_those_that_hold_text(sources: Sources) -> None:
    seen = 0
    for page in _pages(sources, "comic", 16):
        if page.bubble.any():
            seen += 1
            inside = page.clean[page.bubble & ~grown(~page.bubble, 3)]
            assert inside.size == 0 or inside.std(axis=0).max() < 25
        # The drop is at most 48 pixels wide; no bubble of the page is as small as that.
        if 0 < page.bubble.sum() < 48 * 48:
            assert page.bubble[[0, -1]].any() or page.bubble[:, [0, -1]].any()
    assert seen >= 4


def test_some_documents_are_not_annotated(sources: Sources) -> None:
    pages = _pages(sources, "document", 30)
    bare = [not ((p.labels >= PEN) & (p.labels <= STAMP)).any() for p in pages]
    assert 1 <= sum(bare) <= 15


def test_sheets_of_notes_cover_much_of_their_pages(sources: Sources) -> None:
    shares = []
    for seed in range(6):
        page = draw_ink_page(np.random.default_rng(seed), sources, (300, 300), "notes")
        shares.append(float((page.labels == PEN).any(axis=1).mean()))
    assert min(shares) > 0.1 and np.mean(shares) > 0.3


def test_families_are_drawn_by_weight(sources: Sources) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_ink_page(rng, sources, (33, 33)).family for _ in range(60)]
    assert len(set(drawn)) >= 5
    assert sum(INK_FAMILIES.values()) == pytest.approx(1.0)


def test_without_art_only_synthetic_families_are_drawn(sources: Sources) -> None:
    bare = Sources(sources.fonts)
    rng = np.random.default_rng(0)
    drawn = {draw_ink_page(rng, bare, (33, 33)).family for _ in range(80)}
    assert drawn == {"tone", "document", "notes", "blank"}
    with pytest.raises(ValueError, match="comic_grey"):
        draw_ink_page(rng, bare, (33, 33), "comic_grey")


def test_unsure_pixels_are_the_faint_rim_of_ink() -> None:
    clean = np.full((30, 30, 3), 200, np.uint8)
    labels = np.zeros((30, 30), np.uint8)
    labels[10:20, 10:20] = LETTERING
    shown = clean.copy()
    shown[10:20, 10:20] = 0
    shown[10:20, 20] = 190  # changed a little, beside the ink
    shown[10:20, 10] = 196  # labelled, hardly changed
    shown[25:28, 25:28] = 180  # far from any ink
    found = unsure(DrawnPage(clean, shown, labels, np.zeros((30, 30), bool)))
    assert found[10:20, 20].all()
    assert found[10:20, 10].all()
    assert found.sum() == 20
