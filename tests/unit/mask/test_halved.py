"""Masks of very large lettering are made on a smaller page."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import paper, write

from textclean.mask.build import build_mask
from textclean.mask.halved import LARGE, enlarged, halvings
from textclean.mask.morphology import dilate
from textclean.scales import halved, placed, steps
from textclean.types import Region


def line(height: float) -> Region:
    box = np.array([[10, 10], [400, 10], [400, 10 + height], [10, 10 + height]], np.float32)
    return Region(box, (box,))


def test_lettering_decides_how_often() -> None:
    assert halvings([line(LARGE - 2)]) == 0
    assert halvings([line(LARGE + 2)]) == 1
    assert halvings([line(2 * LARGE + 2)]) == 2
    assert halvings([line(30), line(31), line(300)]) == 0  # a title among small lettering
    assert halvings([]) == halvings([Region(line(90).polygon)]) == 0


def test_a_mask_of_the_halved_page_covers_the_lettering_and_little_else() -> None:
    image = paper(400, 1300)
    strokes, polygon = write(image, "Hello", (60, 300), scale=8.0, thickness=18)
    image[100:330, 1240:1246] = 0  # a border
    region = Region(polygon, (polygon,))
    view = halved(image)
    step = steps(image, view)
    small = build_mask(view, placed(region, (1 / step[0], 1 / step[1])))
    item = enlarged(small, region, step, image.shape)
    canvas = np.zeros(image.shape[:2], bool)
    item.paste(canvas)
    assert canvas[strokes].all()
    direct = np.zeros_like(canvas)
    build_mask(image, region).paste(direct)
    assert not (canvas & ~dilate(direct, 6)).any()
    assert not canvas[:, 1236:].any()
    assert item.region.grown == 2 * small.region.grown + 1
    assert item.region.font_size == pytest.approx(2 * small.region.font_size, abs=0.1)
    assert item.region.polygon is region.polygon
    shapes = {part.shape for part in (item.mask, item.strokes.mask, item.strokes.art)}
    x0, y0, x1, y1 = item.box
    assert shapes == {(y1 - y0, x1 - x0)}


def test_it_is_not_grown_onto_the_art() -> None:
    image = paper(300, 400)
    strokes, polygon = write(image, "II", (60, 200), scale=4.0, thickness=12)
    right = int(np.nonzero(strokes.any(axis=0))[0].max())
    image[40:260, right + 10 : right + 16] = 0
    region = Region(polygon, (polygon,))
    view = halved(image)
    step = steps(image, view)
    small = build_mask(view, placed(region, (1 / step[0], 1 / step[1])))
    item = enlarged(small, region, step, image.shape)
    assert not (item.mask & item.strokes.art & ~item.strokes.mask).any()


def test_a_region_off_the_page_gives_an_empty_mask() -> None:
    image = paper(100, 100)
    region = Region(line(90).polygon + np.float32(500), (line(90).polygon + np.float32(500),))
    view = halved(image)
    small = build_mask(view, placed(region, (0.5, 0.5)))
    item = enlarged(small, region, steps(image, view), image.shape)
    assert not item.mask.any()
