from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textclean.detect.tiles import (
    DEFAULT_TILING,
    Tiling,
    boxes,
    cuts,
    halvings,
    padded,
    stitched,
)
from textclean.scales import halved
from textclean.types import Image

SMALL = Tiling(whole=64 * 64, longest=96, side=64, overlap=16, margin=2)


@given(st.integers(1, 5000), st.integers(8, 200), st.integers(0, 7))
def test_cuts_cover_everything_overlap_and_are_short_enough(
    length: int, side: int, overlap: int
) -> None:
    tiling = Tiling(side=side, overlap=overlap)
    parts = cuts(length, tiling)
    assert parts[0][0] == 0 and parts[-1][1] == length
    assert len({end - start for start, end in parts}) == 1
    assert all(0 < end - start <= max(side, 1) for start, end in parts)
    for (_, end), (start, _) in pairwise(parts):
        assert end - start >= overlap


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_pixelwise_network_is_stitched_exactly(width: int, height: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image[0, 0], image[-1, -1] = 0, 255

    def network(tile: Image) -> NDArray[np.uint8]:
        assert max(tile.shape[:2]) <= 96
        return tile[..., :2]

    result = stitched(image, network, 2, SMALL)
    covered = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in boxes(width, height, SMALL):
        tile = image[y0:y1, x0:x1]
        if np.ptp(tile.reshape(-1, 3).astype(int), axis=0).max() >= 12:
            covered[y0:y1, x0:x1] = True
    assert np.array_equal(result[covered], image[covered][:, :2])


def test_what_a_network_says_at_a_cut_does_not_count() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 300, 3), np.uint8)

    def rim_marker(tile: Image) -> NDArray[np.uint8]:
        answer = np.zeros((*tile.shape[:2], 1), np.uint8)
        answer[:, [0, 1, -2, -1]] = 255
        return answer

    result = stitched(image, rim_marker, 1, SMALL)[..., 0]
    assert result[:, [0, 1, -2, -1]].all()  # the page's own rim stays
    assert not result[:, 2:-2].any()


def test_tiles_of_one_colour_are_not_looked_at() -> None:
    image = np.full((64, 640, 3), 250, np.uint8)
    image[:, :40:2] = 0
    seen = []

    def network(tile: Image) -> NDArray[np.uint8]:
        seen.append(tile.shape)
        return np.full((*tile.shape[:2], 1), 9, np.uint8)

    result = stitched(image, network, 1, SMALL)
    assert len(seen) < len(boxes(640, 64, SMALL))
    assert result[0, 0, 0] == 9 and result[0, -1, 0] == 0


def test_a_mark_that_the_subsample_misses_is_seen_all_the_same() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    image[5, 5] = 0
    assert stitched(image, lambda t: np.ones((*t.shape[:2], 1), np.uint8), 1).all()


def test_usual_pages_go_through_in_one_piece_and_large_ones_do_not() -> None:
    for size in ((1414, 2000), (1440, 2048), (992, 1401), (2000, 1414)):
        assert len(boxes(*size, DEFAULT_TILING)) == 1
    for width, height in ((800, 20_000), (14_032, 9_921), (3_000, 3_000)):
        tiles = boxes(width, height, DEFAULT_TILING)
        assert max((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in tiles) <= DEFAULT_TILING.side**2
        area = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in tiles)
        assert area <= 1.7 * width * height  # overlap costs, but not more


@given(st.integers(1, 130), st.integers(1, 130))
def test_padding_continues_the_rim_and_never_resamples(width: int, height: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    wide = padded(image)
    assert wide.shape[0] % 32 == 0 and wide.shape[1] % 32 == 0
    assert min(wide.shape[:2]) >= 64
    assert np.array_equal(wide[:height, :width], image)
    assert (wide[:height, width:] == image[:, -1:]).all()
    assert (wide[height:, :width] == image[-1:]).all()


def test_every_page_is_halved_once_and_large_ones_more_often() -> None:
    assert halvings(100, 100) == [0, 1]
    assert halvings(1414, 2000) == [0, 1]
    assert halvings(2828, 4000) == [0, 1, 2]
    assert halvings(14_032, 9_921)[-1] == 4


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 4), (640, 480)])
def test_halving_rounds_up(size: tuple[int, int]) -> None:
    width, height = size
    small = halved(np.zeros((height, width, 3), np.uint8))
    assert small.shape == ((height + 1) // 2, (width + 1) // 2, 3)
