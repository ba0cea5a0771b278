"""Lettering that a detector sees only once tone is blurred."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from textclean.detect.lines import Line
from textclean.detect.missed import with_missed
from textclean.detect.toned import AROUND, BLURS, lettering_in_tone
from textclean.ink_map import InkMap
from textclean.types import Kind, Region

CAPTION = (300, 400, 180, 30)  # x, y, width, height


def bar(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def ink_map(level: int, share: float = 1.0) -> InkMap:
    """A page of 1000 x 800 pixels; lettering of a level over a share of the caption."""
    planes = np.zeros((7, 1000, 800), np.uint8)
    x, y, width, height = CAPTION
    planes[1, y : y + height, x : x + round(share * width)] = level
    planes[0] = 255 - planes[1]
    return InkMap(planes)


class Finds:
    """A detector that finds the caption in views of lower contrast than the page."""

    def __init__(self, box: tuple[int, int, int, int] = CAPTION) -> None:
        self.box = box
        self.views: list[tuple[int, ...]] = []

    def find_lines(self, image: np.ndarray) -> list[Line]:
        self.views.append(image.shape)
        # Where the view begins is written into the page.
        marks = np.argwhere(image[..., 0] == image[..., 0].max())
        if np.ptp(image[..., 1]) == 255 or not len(marks):
            return []
        x, y, width, height = self.box
        top, left = (int(v) for v in np.round(marks.mean(axis=0)))
        return [Line(bar(x - ANCHOR[0] + left, y - ANCHOR[1] + top, width, height), 0.8)]


class Reads(Finds):
    """The same with a recognizer."""

    def __init__(self, text: str, probability: float) -> None:
        super().__init__()
        self.reading = text, probability

    def read_lines(self, image: np.ndarray, lines: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        assert image.shape == (1000, 800, 3)
        return [self.reading for _ in lines]


ANCHOR = (310, 380)


def toned_page() -> np.ndarray:
    """A checkered page, with a spot in its first channel that tells a view's place."""
    page = np.zeros((1000, 800, 3), np.uint8)
    page[..., 1] = 255 * (np.indices((1000, 800)).sum(axis=0) % 2)
    page[ANCHOR[1] - 4 : ANCHOR[1] + 5, ANCHOR[0] - 4 : ANCHOR[0] + 5, 0] = 255
    return page


def test_what_a_blurred_view_shows_and_the_ink_network_sees_comes_in_at_its_place() -> None:
    finder = Finds()
    (found,) = lettering_in_tone(ink_map(120), (), (), toned_page(), finder)
    x, y, width, height = CAPTION
    assert np.abs(np.subtract(found.box, (x, y, x + width, y + height))).max() <= 3
    assert len(finder.views) == len(BLURS)
    for high, wide, _ in finder.views:  # no more of the page than is needed
        assert height + AROUND <= high <= height + 2 * AROUND + 64
        assert width + AROUND <= wide <= width + 2 * AROUND + 64


@pytest.mark.parametrize(("level", "share", "text", "probability", "there"), [
    (120, 1.0, "", 0.0, True),  # seen: nobody need read it
    (120, 0.15, "caption", 0.9, True),
    (120, 0.15, "caption", 0.5, False),
    (120, 0.15, "c", 0.9, False),  # one sign is no reading
    (120, 0.04, "caption", 0.9, False),  # next to nothing is seen
])  # fmt: skip
def test_a_find_must_be_seen_or_read(
    level: int, share: float, text: str, probability: float, there: bool
) -> None:
    finder = Reads(text, probability)
    found = lettering_in_tone(ink_map(level, share), (), (), toned_page(), finder)
    assert bool(found) is there
    assert len(finder.views) == len(BLURS)


def test_without_a_recognizer_what_is_seen_decides() -> None:
    assert not lettering_in_tone(ink_map(120, 0.15), (), (), toned_page(), Finds())


def test_a_page_without_suspicion_is_not_looked_at_again() -> None:
    finder = Finds()
    assert not lettering_in_tone(ink_map(40), (), (), toned_page(), finder)
    known = Region(polygon=bar(280, 390, 230, 50))
    assert not lettering_in_tone(ink_map(250), (known,), (), toned_page(), finder)
    assert not lettering_in_tone(ink_map(250), (), (known,), toned_page(), finder)
    assert not finder.views


@pytest.mark.parametrize(("kind", "effects", "looks"), [
    ("sfx", False, 0),  # it stays, and so does its rest
    ("sfx", True, len(BLURS)),
    ("free", False, len(BLURS)),
])  # fmt: skip
def test_the_rest_of_an_effect_that_stays_is_not_looked_for(
    kind: Kind, effects: bool, looks: int
) -> None:
    finder = Finds()
    before = Region(polygon=bar(180, 380, 100, 60), kind=kind)  # the caption begins 20 px behind it
    page = toned_page()
    lettering_in_tone(ink_map(120, 0.2), (before,), (), page, finder, effects=effects)
    assert len(finder.views) == looks


def test_a_find_that_runs_into_a_known_line_is_no_news() -> None:
    known = Region(polygon=bar(450, 400, 100, 30))
    assert not lettering_in_tone(ink_map(120), (known,), (), toned_page(), Finds())


def test_what_was_missed_in_tone_stands_among_the_regions() -> None:
    known = Region(polygon=bar(300, 700, 180, 30), score=0.95)
    found = with_missed((known,), ink_map(120), toned_page(), "ltr", Finds())
    assert [round(region.box[1] / 100) for region in found] == [4, 7] and found[1] is known
    assert with_missed((known,), ink_map(120), toned_page(), "ltr") == (known,)


def test_what_fills_its_line_and_reads_as_nothing_is_kept_as_a_pattern() -> None:
    (found,) = with_missed((), ink_map(120), toned_page(), "ltr", Reads("", 0.0))
    (filled,) = with_missed((), ink_map(135), toned_page(), "ltr", Reads("", 0.0))
    assert found.action is None
    assert filled.action == "keep" and "pattern" in filled.reason
