from __future__ import annotations

import numpy as np
import pytest

from textclean.training.alphabet import KANA, LETTERS, letter_paths, made_up, parsed, smooth
from textclean.training.blackletter import BrokenType
from textclean.training.bookpages import aged_sheet, cut_edge
from textclean.training.penmanship import inked, note, writer
from textclean.training.pens import sketch, written


def test_every_letter_lies_on_the_grid() -> None:
    for letter in (*LETTERS.values(), *KANA.values()):
        for stroke in parsed(letter):
            assert stroke.ndim == 2
            assert stroke[:, 0].min() >= 0
            assert stroke[:, 0].max() <= 6
    assert len(letter_paths("i")) == 2
    assert len(made_up(np.random.default_rng(0))) >= 1


def test_a_curve_passes_through_its_points() -> None:
    points = np.array([[0, 0], [3, 1], [5, 6], [1, 8]], np.float32)
    curve = smooth(points, 6)
    nearest = np.hypot(*(curve[:, None] - points[None]).transpose(2, 0, 1)).min(axis=0)
    assert nearest.max() < 1e-4
    assert len(curve) == 19


def test_a_letter_is_never_written_twice_the_same_but_keeps_its_manner() -> None:
    rng = np.random.default_rng(2)
    hand, other = writer(rng), writer(rng)
    one, two = hand.letter(rng, "k"), hand.letter(rng, "k")
    assert not np.array_equal(one[0], two[0])
    apart = np.abs(one[0] - two[0]).mean()
    assert apart < 2.5 * hand.unsteady
    assert len(one) == len(two)
    assert other.manner.get("k") is None


@pytest.mark.parametrize("seed", range(6))
def test_notes_are_about_as_high_as_asked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strokes = note(rng, writer(rng), 30.0, 1)
    points = np.concatenate(strokes)
    assert 8 < np.ptp(points[:, 1]) < 150
    assert np.ptp(points[:, 0]) > 8


def test_ink_is_where_the_strokes_are() -> None:
    path = np.array([[20, 30], [80, 30]], np.float32)
    cover = inked(np.random.default_rng(0), (60, 100), [path], 6.0, 0.0)
    assert cover.shape == (60, 100)
    assert cover[30, 25:75].min() == 1
    assert (cover[:, 50] > 0.5).sum() == pytest.approx(6, abs=1)
    assert not cover[:20].any()
    dot = inked(np.random.default_rng(0), (60, 100), [np.array([[50, 30]], np.float32)], 6.0)
    assert 10 < dot.sum() < 120
    off = inked(np.random.default_rng(0), (60, 100), [path + 500], 6.0)
    assert not off.any()


def test_notes_and_sketches_leave_marks() -> None:
    for maker in (lambda rng: written(rng, writer(rng), (200, 300)), lambda rng: sketch(rng, (200, 300))):  # fmt: skip # noqa: E501
        covers = [maker(np.random.default_rng(seed)) for seed in range(12)]
        assert all(cover.shape == (200, 300) and cover.max() <= 1 for cover in covers)
        assert 0.003 < np.median([float((cover > 0.3).mean()) for cover in covers]) < 0.3


def test_broken_type_sets_words_on_their_baseline() -> None:
    face = BrokenType(np.random.default_rng(1))
    canvas = np.zeros((100, 300), np.uint8)
    face.set(canvas, "noun", 40, (20, 60))
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    assert 60 <= rows[-1] + 1 <= 68
    assert 10 < 60 - rows[0] < 32
    assert columns[0] >= 12
    assert columns[-1] < 20 + face.length("noun", 40) + 6
    again = np.zeros_like(canvas)
    BrokenType(np.random.default_rng(1)).set(again, "noun", 40, (20, 60))
    assert np.array_equal(canvas, again)
    other = np.zeros_like(canvas)
    BrokenType(np.random.default_rng(2)).set(other, "noun", 40, (20, 60))
    assert not np.array_equal(canvas, other)


def test_broken_type_is_cut_at_the_edge() -> None:
    face = BrokenType(np.random.default_rng(1))
    canvas = np.zeros((30, 40), np.uint8)
    for spot in ((-30.0, 20.0), (30.0, 5.0), (500.0, 20.0), (5.0, -90.0)):
        face.set(canvas, "Wort", 24, spot)
    assert canvas.any()


def test_old_sheets_are_yellow() -> None:
    sheets = [aged_sheet(np.random.default_rng(seed), (60, 80)) for seed in range(12)]
    assert all(sheet.shape == (60, 80, 3) for sheet in sheets)
    assert all(0 <= sheet.min() <= sheet.max() <= 255 for sheet in sheets)
    assert np.median([sheet[..., 0].mean() - sheet[..., 2].mean() for sheet in sheets]) > 15


def test_a_page_is_left_alone_far_from_its_edge() -> None:
    page = np.full((80, 120, 3), 220, np.float32)
    sides = set()
    for seed in range(16):
        picture, beyond = cut_edge(np.random.default_rng(seed), page)
        assert picture.shape == page.shape
        assert 0 < beyond.mean() < 0.55
        corners = beyond[0, 0], beyond[0, -1], beyond[-1, 0], beyond[-1, -1]
        sides.add(corners)
        assert np.median(picture[~beyond]) > 120
    assert len(sides) >= 3
