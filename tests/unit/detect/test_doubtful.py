"""Which doubtful finds of pen are believed."""

from __future__ import annotations

import numpy as np

from textclean.detect.doubtful import vouched
from textclean.types import Region

PAGE = (1000, 800)


def find(x: int, y: int, score: float, side: int = 20) -> Region:
    corners = np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)
    return Region(polygon=corners, kind="pen", score=score)


def test_a_doubtful_find_needs_a_sure_one_near_it() -> None:
    sure, near, far = find(100, 100, 0.9), find(180, 100, 0.5), find(600, 900, 0.5)
    assert vouched([far, sure, near], [300, 300, 300], PAGE) == [sure, near]
    assert vouched([far, near], [300, 300], PAGE) == []


def test_doubtful_finds_do_not_speak_for_one_another() -> None:
    assert vouched([find(100, 100, 0.6), find(130, 100, 0.6)], [900, 900], PAGE) == []


def test_a_dot_is_believed_where_somebody_wrote_and_nowhere_else() -> None:
    sure, dot, lone = find(100, 100, 0.9), find(130, 100, 0.95, 5), find(600, 700, 0.95, 5)
    assert vouched([sure, dot, lone], [300, 25, 25], PAGE) == [sure, dot]


def test_a_dot_speaks_for_nothing() -> None:
    dot, faint = find(100, 100, 0.95, 5), find(110, 100, 0.5)
    assert vouched([dot, faint], [25, 300], PAGE) == []


def test_no_finds_at_all() -> None:
    assert vouched([], [], PAGE) == []
