"""What is measured of lettering whose setting is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from typeset import INK, PAPER, block

from textclean.lettering import describe
from textclean.types import Background, Lettering


def _measured(**setting: object) -> Lettering:
    found = describe(*block(**setting)).lettering
    assert found is not None
    return found


@pytest.mark.parametrize("size", [18, 24, 36, 60])
def test_the_size_of_type(size: int) -> None:
    found = _measured(size=size, step=round(1.3 * size), lines=("Sphinx of", "black quartz"))
    assert found.font_size == pytest.approx(size, rel=0.15)


def test_capitals_are_no_larger_for_lack_of_tails() -> None:
    assert _measured(lines=("ALL OF IT", "IN CAPITALS")).font_size == pytest.approx(30, rel=0.15)


def test_lines_and_their_distance() -> None:
    found = _measured(step=47)
    assert found.line_count == 3
    assert found.line_spacing == pytest.approx(47, abs=3)
    alone = _measured(lines=("Only one line",))
    assert (alone.line_count, alone.line_spacing) == (1, None)


@pytest.mark.parametrize(("anchor", "align"), [("ls", "start"), ("ms", "center"), ("rs", "end")])
def test_alignment(anchor: str, align: str) -> None:
    assert _measured(anchor=anchor).align == align


@pytest.mark.parametrize("turn", [-20.0, -6.0, 0.0, 9.0, 25.0])
def test_rotation_is_clockwise(turn: float) -> None:
    found = _measured(turn=turn)
    assert found.rotation == pytest.approx(turn, abs=1.0)
    assert found.font_size == pytest.approx(30, rel=0.15)


@pytest.mark.parametrize("lean", [0.0, 12.0, 20.0])
def test_slant_is_to_the_right(lean: float) -> None:
    assert _measured(lean=lean).slant == pytest.approx(lean, abs=3.0)


def test_colours() -> None:
    found = _measured(paper=(200, 220, 240))
    assert (found.color, found.outline_color) == (INK, None)
    assert found.background_color == (200, 220, 240)


def test_an_outline_is_told_from_the_paper() -> None:
    found = _measured(outline=(250, 240, 40), paper=(90, 140, 90), size=40, step=60)
    assert found.outline_color is not None
    assert np.abs(np.array(found.outline_color) - (250, 240, 40)).max() < 40


@pytest.mark.parametrize("width", [3, 6, 11])
def test_the_width_of_strokes(width: int) -> None:
    page, clean, mask, region = block()
    page[:], mask[:] = PAPER, False
    for y in (132, 174):
        page[y - width // 2 : y - width // 2 + width, 100:400] = INK
    mask |= np.abs(page.astype(int) - PAPER).max(axis=2) > 8
    found = describe(page, clean, mask, region).lettering
    assert found is not None
    assert found.stroke_width == pytest.approx(width, abs=1.0)


def test_columns_are_as_wide_as_their_glyphs() -> None:
    page, clean, mask, region = block()
    page[:], mask[:] = PAPER, False
    columns = []
    for x in (300, 240):  # squares of 28 pixels with a gap, like full-width glyphs of 30
        for y in range(60, 330, 30):
            cv2.rectangle(page, (x, y), (x + 27, y + 27), INK, 3)
        columns.append(np.array([[x - 4, 56], [x + 32, 56], [x + 32, 334], [x - 4, 334]]))
    mask |= np.abs(page.astype(int) - PAPER).max(axis=2) > 8
    lines = tuple(column.astype(np.float32) for column in columns)
    region = region.with_(lines=lines, direction="vertical")
    found = describe(page, clean, mask, region).lettering
    assert found is not None
    assert found.font_size == pytest.approx(32, rel=0.15)
    assert (found.line_count, found.line_spacing, found.slant) == (2, 60.0, 0.0)


def test_before_anything_is_cleaned_the_background_is_what_lies_behind() -> None:
    page, _, mask, region = block()
    assert describe(page, page, mask, region).lettering is None
    known = region.with_(background=Background("flat", PAPER, 1.0, 0.0))
    found = describe(page, page, mask, known).lettering
    assert found is not None
    assert found.background_color == PAPER
    assert found == describe(*block()).lettering


def test_kept_text_and_empty_masks_are_not_measured() -> None:
    page, clean, mask, region = block()
    assert describe(page, clean, mask, region.with_(action="keep")).lettering is None
    assert describe(page, clean, np.zeros_like(mask), region).lettering is None
    assert describe(page, clean, mask, region.with_(stroke_color=None)).lettering is None


def test_regions_beyond_the_page_do_no_harm() -> None:
    page, clean, mask, region = block()
    away = replace(region, polygon=region.polygon + 5000, lines=())
    assert describe(page, clean, mask, away).lettering is None
