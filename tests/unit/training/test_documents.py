from __future__ import annotations

import numpy as np
import pytest
from builtin_font import builtin_fonts

from textclean.training.documents import document_page, document_sample
from textclean.training.drawing import HIGHLIGHTER, PEN, PRINT, STAMP, DrawnPage
from textclean.training.fonts import Fonts
from textclean.training.inks import Ink, marker_ink, pen_ink, textured
from textclean.training.pens import handwriting, highlight, strokes
from textclean.training.printing import print_layer
from textclean.training.stamps import stamp

SIZE = (120, 150)


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return builtin_fonts(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def pages(fonts: Fonts) -> list[DrawnPage]:
    return [document_page(np.random.default_rng(seed), fonts, SIZE) for seed in range(12)]


def test_a_document_is_print_under_annotations(pages: list[DrawnPage]) -> None:
    labels = np.stack([page.labels for page in pages])
    assert labels.shape[1:] == SIZE
    assert set(np.unique(labels)) <= {0, PEN, HIGHLIGHTER, STAMP, PRINT}
    assert {PEN, PRINT} <= set(np.unique(labels))
    assert not any(page.bubble.any() for page in pages)
    print_share = [float((page.labels == PRINT).mean()) for page in pages]
    assert 0.02 < np.mean(print_share) < 0.3


def test_print_is_darker_than_paper_and_not_changed(pages: list[DrawnPage]) -> None:
    darker = []
    for page in pages:
        printed, blank = page.labels == PRINT, page.labels == 0
        if printed.sum() > 200:
            darker.append(page.clean[blank].mean() - page.clean[printed].mean())
            still = np.abs(page.shown.astype(int) - page.clean).max(axis=2)[printed]
            assert np.quantile(still, 0.9) < 25
    assert np.median(darker) > 60


def test_what_differs_is_labelled(pages: list[DrawnPage]) -> None:
    for page in pages:
        annotated = (page.labels >= PEN) & (page.labels <= STAMP)
        assert (page.changed(40) & ~annotated).sum() < 0.1 * max(annotated.sum(), 50)


def test_the_seed_decides_the_page(fonts: Fonts, pages: list[DrawnPage]) -> None:
    again = document_page(np.random.default_rng(3), fonts, SIZE)
    assert np.array_equal(again.clean, pages[3].clean)
    assert np.array_equal(again.shown, pages[3].shown)
    assert np.array_equal(again.labels, pages[3].labels)


def test_outside_its_hole_a_sample_is_the_page_as_found(pages: list[DrawnPage]) -> None:
    for seed, page in enumerate(pages):
        sample = document_sample(np.random.default_rng(seed), page)
        assert np.array_equal(sample.target[~sample.hole], sample.shown[~sample.hole])
        assert np.array_equal(sample.target[sample.hole], page.clean[sample.hole])
        assert not (sample.see_through & ~sample.hole).any()
        assert sample.hole[(page.labels >= PEN) & (page.labels <= STAMP)].all()


def test_samples_show_all_some_or_none_of_the_ink(pages: list[DrawnPage]) -> None:
    page = max(pages, key=lambda p: int((p.labels == PEN).sum()))
    shares = []
    for seed in range(60):
        sample = document_sample(np.random.default_rng(seed), page)
        shares.append(float(sample.see_through.sum() / sample.hole.sum()))
    assert max(shares) == 1.0
    assert min(shares) < 0.35
    assert 0.4 < np.mean([share == 1.0 for share in shares]) < 0.7
    assert np.mean([0.0 < share < 1.0 for share in shares]) > 0.1


def test_stains_multiply_and_opaque_ink_hides() -> None:
    page = np.array([[[255.0] * 3, [0.0] * 3, [100.0] * 3]], np.float32)
    full, none = np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32)
    red = Ink((0.8, 0.2, 0.2))
    assert np.allclose(red.over(page, none), page)
    assert np.allclose(red.over(page, full)[0], [[204, 51, 51], [0, 0, 0], [80, 20, 20]])
    opaque = Ink((0.8, 0.2, 0.2), opaque=1.0)
    assert np.allclose(opaque.over(page, full)[0], [[204, 51, 51]] * 3)
    half = red.over(page, full * 0.5)[0, 0]
    assert np.allclose(half, [229.5, 153, 153])


def test_highlighter_is_lighter_than_pens() -> None:
    rng = np.random.default_rng(0)
    pens = [min(pen_ink(rng).color) for _ in range(80)]
    markers = [max(marker_ink(rng).color) for _ in range(80)]
    assert np.mean(pens) < 0.4
    assert min(markers) > 0.7


@pytest.mark.parametrize("texture", ["even", "ball", "felt", "pencil", "streaks", "blotches"])
def test_texture_never_adds_ink(texture: str) -> None:
    cover = np.zeros((60, 60), np.float32)
    cover[20:40, 20:40] = 1
    inked = textured(np.random.default_rng(1), cover, texture)  # type: ignore[arg-type]
    assert (inked[cover == 0] == 0).all()
    assert 0.2 < inked[cover == 1].mean() <= 1
    assert inked.max() <= 1


def test_every_annotation_leaves_marks(fonts: Fonts) -> None:
    lines = [np.array([[10, 60], [140, 60]], np.float32)]
    makers = {
        "strokes": lambda rng: strokes(rng, SIZE, lines, 16.0),
        "highlight": lambda rng: highlight(rng, SIZE, lines, 16.0),
        "handwriting": lambda rng: handwriting(rng, fonts, SIZE),
        "stamp": lambda rng: stamp(rng, fonts, SIZE),
    }
    for name, maker in makers.items():
        covers = [maker(np.random.default_rng(seed)) for seed in range(12)]
        assert all(cover.shape == SIZE and cover.dtype == np.float32 for cover in covers), name
        assert all(0 <= cover.min() <= cover.max() <= 1 for cover in covers), name
        shares = [float((cover > 0.3).mean()) for cover in covers]
        assert 0.005 < np.median(shares) < 0.5, name


def test_highlighter_goes_along_the_line() -> None:
    lines = [np.array([[10, 60], [140, 60]], np.float32)]
    rows = []
    for seed in range(20):
        cover = highlight(np.random.default_rng(seed), SIZE, lines, 16.0)
        rows.append(float((cover.sum(axis=1) * np.arange(SIZE[0])).sum() / cover.sum()))
    assert np.median(rows) == pytest.approx(60 - 0.33 * 16, abs=3)


def test_text_lines_of_a_print_lie_on_its_ink(fonts: Fonts) -> None:
    hits = []
    for seed in range(10):
        layer = print_layer(np.random.default_rng(seed), fonts, (200, 200))
        for line in layer.lines:
            x, y = np.rint(line.mean(axis=0) - (0, 0.3 * layer.glyph)).astype(int)
            reach = max(2, round(0.3 * layer.glyph))
            if reach <= y < 200 - reach and 20 <= x < 180:
                hits.append(bool(layer.text[y - reach : y + reach, x - 20 : x + 20].any()))
    assert len(hits) > 20
    assert np.mean(hits) > 0.8
