"""What a detector missed, and annotations, in the order they are read."""

from __future__ import annotations

import numpy as np

from textclean.detect.annotations import AnnotationDetector
from textclean.detect.missed import with_missed
from textclean.ink_map import InkMap
from textclean.types import Page, Region


def glyphs(x: int, y: int) -> tuple[slice, slice]:
    return slice(y, y + 30), slice(x, x + 24)


def page_and_ink(*spots: tuple[int, int], plane: int = 1) -> tuple[Page, InkMap]:
    image = np.full((400, 600, 3), 255, np.uint8)
    planes = np.zeros((7, 400, 600), np.uint8)
    for spot in spots:
        image[glyphs(*spot)] = 0
        planes[plane][glyphs(*spot)] = 250
    planes[0] = 255 - planes[plane]
    return Page.from_rgb(image), InkMap(planes)


def region(x: int, y: int, **values: object) -> Region:
    box = np.array([[x, y], [x + 24, y], [x + 24, y + 30], [x, y + 30]], np.float32)
    return Region(polygon=box).with_(**values)


def test_what_was_missed_comes_in_at_its_place() -> None:
    page, ink = page_and_ink((50, 50), (300, 50), (50, 300))
    known = (region(50, 50), region(50, 300))
    found = with_missed(known, ink, page.rgb, "ltr")
    assert len(found) == 3 and found[0] is known[0] and found[2] is known[1]
    assert found[1].box[0] in range(294, 301)
    flipped = with_missed(known, ink, page.rgb, "rtl")
    assert flipped[0] is found[1] or np.array_equal(flipped[0].polygon, found[1].polygon)


def test_without_anything_missed_the_regions_are_the_same() -> None:
    page, ink = page_and_ink((50, 50))
    known = (region(50, 50),)
    assert with_missed(known, ink, page.rgb) is known


def test_annotations_are_found_by_the_reader_alone() -> None:
    page, ink = page_and_ink((50, 50), (300, 50), plane=4)
    detector = AnnotationDetector(lambda image: ink)
    found = detector.detect(page)
    assert [r.kind for r in found] == ["stamp", "stamp"]
    assert all(r.see_through for r in found)
    assert len(detector.detect_inked(page, ink)) == 2
