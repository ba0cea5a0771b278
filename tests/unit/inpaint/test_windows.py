"""The geometry of windows, mostly as properties of random masks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclean.inpaint.windows import (
    Rules,
    crop,
    fill_windows,
    group,
    merge_windows,
    own_hole,
    paste,
)
from textclean.types import Window

Box = tuple[int, int, int, int]


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Pages with a few rectangles and specks."""
    height, width = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 8))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        h, w = draw(st.integers(1, 120)), draw(st.integers(1, 120))
        mask[y : y + h, x : x + w] = True
    return mask


def area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


@given(masks(), st.sampled_from([(0, 0.0), (8, 1.5), (64, 1.5)]), st.sampled_from([1, 8, 16]))
@settings(deadline=None, max_examples=120)
def test_every_pixel_belongs_to_one_window(
    mask: np.ndarray, margins: tuple[int, float], multiple: int
) -> None:
    context, relative = margins
    windows = merge_windows(
        mask, context=context, relative=relative, max_size=256, multiple=multiple
    )
    height, width = mask.shape
    owners = np.zeros(mask.shape, int)
    for window in windows:
        x0, y0, x1, y1 = window.box
        hx0, hy0, hx1, hy1 = window.hole
        assert 0 <= x0 <= hx0 < hx1 <= x1 <= width
        assert 0 <= y0 <= hy0 < hy1 <= y1 <= height
        owners[hy0:hy1, hx0:hx1] += 1
        # The hole's box is tight, and it has its context unless the page ends.
        hole = mask[hy0:hy1, hx0:hx1]
        assert hole[0].any() and hole[-1].any() and hole[:, 0].any() and hole[:, -1].any()
        assert hx0 - x0 >= min(context, hx0) and x1 - hx1 >= min(context, width - hx1)
        assert hy0 - y0 >= min(context, hy0) and y1 - hy1 >= min(context, height - hy1)
        assert area(window.box) <= 256 * 256
        assert (x1 - x0) % multiple == 0 or x1 - x0 > width - multiple
        assert (y1 - y0) % multiple == 0 or y1 - y0 > height - multiple
    assert (owners <= 1).all()
    assert (owners[mask] == 1).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 90), st.integers(1, 90)),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=80)
def test_the_order_of_the_holes_does_not_matter(
    rectangles: list[tuple[int, int, int, int]], random: object
) -> None:
    boxes = [(x, y, x + w, y + h) for x, y, w, h in rectangles]
    widths = [float(min(b[2] - b[0], b[3] - b[1])) for b in boxes]
    rules = Rules((1000, 1000), 64, 1.5, 512, 8)
    order = list(range(len(boxes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    expected = group(np.array(boxes), np.array(widths), rules)
    shuffled = group(np.array(boxes)[order], np.array(widths)[order], rules)
    assert np.array_equal(expected[0], shuffled[0])
    assert np.array_equal(expected[1], shuffled[1])


@given(masks())
@settings(deadline=None, max_examples=60)
def test_merging_never_costs_much(mask: np.ndarray) -> None:
    """All windows together are hardly larger than one window per connected hole."""
    import cv2

    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    height, width = mask.shape
    alone = sum(
        (min(x + w + 64, width) - max(x - 64, 0)) * (min(y + h + 64, height) - max(y - 64, 0))
        for x, y, w, h, _ in stats[1:count].tolist()
    )
    windows = merge_windows(mask, relative=0, multiple=1)
    # Boxes that overlap must be merged whatever it costs: the page bounds that.
    assert sum(area(w.box) for w in windows) <= max(1.1 * alone, 1.1 * mask.size)


def test_a_line_of_glyphs_is_one_window() -> None:
    mask = np.zeros((400, 900), bool)
    for x in range(100, 800, 40):
        mask[180:210, x : x + 24] = True
    (window,) = merge_windows(mask)
    assert window.hole == (100, 180, 804, 210)
    assert area(window.box) < 900 * 200


def test_far_bubbles_stay_apart() -> None:
    mask = np.zeros((1500, 1000), bool)
    mask[100:160, 100:200] = mask[1300:1360, 700:800] = True
    windows = merge_windows(mask)
    assert [w.hole for w in windows] == [(100, 100, 200, 160), (700, 1300, 800, 1360)]
    assert sum(area(w.box) for w in windows) < 0.1 * mask.size


def test_thick_strokes_get_more_context() -> None:
    mask = np.zeros((800, 800), bool)
    mask[350:450, 350:450] = True
    (window,) = merge_windows(mask, context=64, relative=1.5, multiple=1)
    assert window.box == (200, 200, 600, 600)  # one and a half times 100 on every side


def test_a_huge_hole_is_cut_in_its_gap() -> None:
    mask = np.zeros((300, 4000), bool)
    mask[100:200, 200:2100] = mask[100:200, 2180:3900] = True
    windows = merge_windows(mask, max_size=600)
    assert all(area(w.box) <= 600 * 600 for w in windows)
    edges = {w.hole[0] for w in windows}
    assert 2180 in edges  # the gap was used
    assert sum(area(w.hole) for w in windows) == int(mask.sum())


def test_thousands_of_specks_are_quick_and_covered() -> None:
    mask = np.zeros((2000, 1400), bool)
    mask[::37, ::41] = True
    windows = merge_windows(mask)
    owned = sum(int(own_hole(mask, w).sum()) for w in windows)
    assert owned == int(mask.sum())


def test_no_hole_no_window() -> None:
    assert merge_windows(np.zeros((50, 60), bool)) == ()


@pytest.mark.parametrize(
    "options", [{"context": -1}, {"max_size": 100}, {"multiple": 0}, {"relative": -1.0}]
)
def test_impossible_rules(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        merge_windows(np.zeros((50, 60), bool), **options)


def test_crop_is_a_view_and_paste_respects_ownership() -> None:
    page = np.zeros((40, 50, 3), np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[10:20, 10:20] = mask[10:20, 24:30] = True
    window = Window(box=(5, 5, 35, 30), hole=(10, 10, 20, 20))
    view = crop(page, window)
    assert view.shape == (25, 30, 3)
    assert np.shares_memory(view, page)
    paste(page, np.full((25, 30, 3), 9, np.uint8), mask, window)
    assert (page[10:20, 10:20] == 9).all()
    assert int((page == 9).all(axis=2).sum()) == 100


def test_fill_windows_gives_each_window_every_hole() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (300, 900, 3), dtype=np.uint8)
    mask = np.zeros((300, 900), bool)
    mask[100:130, 100:160] = mask[100:130, 700:760] = mask[180:190, 700:760] = True
    seen: list[tuple[int, int]] = []

    def fill(part: np.ndarray, hole: np.ndarray) -> np.ndarray:
        seen.append((part.shape[1], int(hole.sum())))
        return np.full_like(part, len(seen))

    filled = fill_windows(image, mask, fill)
    assert np.array_equal(filled[~mask], image[~mask])
    assert len(seen) == 2
    assert seen[1][1] == int(mask[:, 450:].sum())
    assert (filled[100:130, 100:160] == 1).all()
    assert (filled[180:190, 700:760] == 2).all()


def test_the_parts_of_a_cut_hole_see_each_other() -> None:
    image = np.zeros((200, 1600, 3), np.uint8)
    mask = np.zeros((200, 1600), bool)
    mask[80:120, 100:1500] = True
    shown: list[int] = []

    def fill(part: np.ndarray, hole: np.ndarray) -> np.ndarray:
        shown.append(int(part[~hole].max()))
        return np.full_like(part, len(shown))

    filled = fill_windows(image, mask, fill, windows=merge_windows(mask, max_size=400))
    assert len(shown) > 1
    assert shown == list(range(len(shown)))  # each saw the fill of the one before
    row = filled[100, 100:1500, 0].tolist()
    assert all(b - a in (0, 1) for a, b in pairwise(row))
