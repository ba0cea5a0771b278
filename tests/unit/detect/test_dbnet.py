from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from textclean.detect import dbnet
from textclean.detect.dbnet import DBParameters, lines_from_map
from textclean.detect.lines import corners


def score_map(height: int = 200, width: int = 300) -> NDArray[np.uint8]:
    return np.zeros((height, width), np.uint8)


def test_a_bar_becomes_a_rectangle_grown_by_area_over_perimeter() -> None:
    bar = score_map()
    bar[100:110, 50:150] = 250
    (line,) = lines_from_map(bar)
    # The 2x2 dilation adds a row and a column: 101 x 11; offset = 101 * 11 * 1.6 / 224.
    offset = 101 * 11 * 1.6 / (2 * (101 + 11))
    assert line.width == pytest.approx(101 + 2 * offset, abs=0.1)
    assert line.height == pytest.approx(11 + 2 * offset, abs=0.1)
    assert np.allclose(line.center, (100, 105), atol=1)
    assert line.score == pytest.approx(250 / 255, abs=0.12)


def test_faint_and_tiny_components_are_no_text() -> None:
    faint = score_map()
    faint[100:110, 50:150] = 100  # over the pixel threshold, under the box threshold
    assert lines_from_map(faint) == []
    assert len(lines_from_map(faint, DBParameters(box_threshold=0.3))) == 1
    speck = score_map()
    speck[10:12, 10:12] = 255
    assert lines_from_map(speck) == []
    assert lines_from_map(score_map()) == []


def test_a_tilted_bar_keeps_its_angle() -> None:
    tilted = score_map()
    cv2.fillPoly(tilted, [corners((150, 100), (160, 14), 20).astype(np.int32)], 255)
    (line,) = lines_from_map(tilted)
    assert line.tilt == pytest.approx(20, abs=1)


def test_a_column_with_its_furigana_is_parted_not_lost() -> None:
    # What the network says of a column whose furigana touches it at the top: an L, of which the
    # smallest rectangle is mostly empty.
    joined = score_map(300, 200)
    joined[40:240, 60:75] = 255
    joined[40:110, 82:92] = 255
    joined[40:46, 75:82] = 140
    lines = lines_from_map(joined)
    assert len(lines) == 2
    assert sorted(round(float(line.center[0])) for line in lines) == pytest.approx([67, 87], abs=3)
    assert max(line.height for line in lines) > 200


def test_a_bent_line_becomes_pieces_that_follow_it() -> None:
    bent = score_map(300, 300)
    bent[50:62, 50:250] = 255
    bent[50:250, 50:62] = 255
    lines = lines_from_map(bent)
    covered = np.zeros_like(bent)
    for line in lines:
        cv2.fillPoly(covered, [np.rint(line.polygon).astype(np.int32)], 1)
    assert covered[bent > 0].mean() > 0.98
    assert covered.sum() < 0.5 * 200 * 200  # not the square around it


def test_a_ring_is_one_component() -> None:
    ring = score_map()
    cv2.rectangle(ring, (50, 50), (250, 150), 255, 20)
    for line in lines_from_map(ring):
        assert line.polygon.min() > 0


def test_lines_come_from_top_to_bottom_whatever_was_drawn_first() -> None:
    several = score_map()
    for y in (150, 20, 80):
        several[y : y + 12, 40:200] = 255
    centers = [line.center[1] for line in lines_from_map(several)]
    assert centers == sorted(centers) and len(centers) == 3


def test_what_fills_half_a_page_is_not_parted_in_a_hundred_ways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hatching that a network took for text: each way looks at every pixel of it."""
    tried: list[int] = []
    around_seeds = dbnet._around_seeds

    def counted(component: NDArray[np.uint8], seeds: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        tried.append(component.size)
        return around_seeds(component, seeds)

    monkeypatch.setattr(dbnet, "_around_seeds", counted)
    score = score_map(900, 900)
    cv2.fillPoly(score, [np.array([[20, 20], [880, 20], [20, 880]])], 100)
    lines_from_map(score)
    assert tried
    assert sum(tried) <= 40 * score.size
