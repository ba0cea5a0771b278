from __future__ import annotations

import numpy as np

from textclean.detect.fuse import fused, unseen
from textclean.detect.lines import Line, box_line


def box(line: Line) -> list[int]:
    return [*np.rint(line.polygon.min(axis=0)).astype(int).tolist(),
            *np.rint(line.polygon.max(axis=0)).astype(int).tolist()]  # fmt: skip


def test_a_line_seen_at_both_scales_counts_once() -> None:
    fine = [box_line(10, 10, 110, 30)]
    coarse = [box_line(6, 8, 116, 34)]
    assert unseen(fine, coarse) == []


def test_a_line_only_the_coarser_scale_sees_is_added() -> None:
    fine = [box_line(10, 10, 110, 30)]
    coarse = [box_line(300, 10, 420, 130)]
    assert unseen(fine, coarse) == coarse
    assert fused(fine, coarse) == [*fine, *coarse]
    assert unseen([], coarse) == coarse


def test_fragments_of_large_lettering_give_way_to_it() -> None:
    fragment, apart = box_line(320, 30, 360, 60), box_line(10, 10, 110, 30)
    large = box_line(300, 10, 420, 130)
    assert fused([fragment, apart], [large]) == [apart, large]


def test_the_rest_of_a_line_that_was_found_in_part_becomes_a_line() -> None:
    found = box_line(100, 110, 130, 240)
    whole = box_line(98, 10, 132, 244)
    kept, rest = fused([found], unseen([found], [whole]))
    assert kept is found
    assert box(rest)[1] == 10 and 100 <= box(rest)[3] <= 110


def test_lines_on_top_of_each_other_do_not_fail() -> None:
    line = box_line(0, 0, 50, 20)
    assert unseen([line, line], [line]) == []
    assert fused([line], []) == [line]
