"""What a detector missed, and annotations, in the order they are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from textclean.detect.annotations import AnnotationDetector
from textclean.detect.missed import (
    effects_told,
    parts_told,
    patterns_told,
    with_missed,
    without_art,
    without_frames,
)
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
    found = with_missed(known, ink, page.rgb)
    assert len(found) == 1 and found[0] is known[0]


def test_annotations_are_found_by_the_reader_alone() -> None:
    page, ink = page_and_ink((50, 50), (300, 50), plane=4)
    detector = AnnotationDetector(lambda image: ink)
    found = detector.detect(page)
    assert [r.kind for r in found] == ["stamp", "stamp"]
    assert all(r.see_through for r in found)
    again, seen = detector.detect_inked(page, lambda image: ink)
    assert len(again) == 2 and seen is ink


def bar(x: int, y: int, width: int, height: int) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def art_and_ink(share: float = 0.0) -> InkMap:
    """A page of 1000 x 800 pixels with lettering over a share of a box at (100, 100)."""
    planes = np.zeros((7, 1000, 800), np.uint8)
    planes[0] = 255
    wide = round(300 * share)
    planes[0, 100:200, 100 : 100 + wide], planes[1, 100:200, 100 : 100 + wide] = 5, 250
    return InkMap(planes)


def test_a_large_doubtful_find_without_lettering_is_art() -> None:
    found = Region(polygon=bar(100, 100, 300, 100), score=0.7)
    assert without_art((found,), art_and_ink()) == ()
    assert without_art((found,), art_and_ink(share=0.2)) == (found,)


def test_small_and_sure_finds_are_the_detectors_own_affair() -> None:
    small = Region(polygon=bar(100, 100, 300, 30), score=0.72)
    sure = Region(polygon=bar(100, 300, 300, 100), score=0.95)
    assert without_art((small, sure), art_and_ink()) == (small, sure)


def test_a_small_find_that_nobody_believes_in_is_art() -> None:
    found = Region(polygon=bar(100, 100, 300, 30), score=0.6)
    assert without_art((found,), art_and_ink()) == ()
    assert without_art((found,), art_and_ink(share=0.05)) == (found,)


def speech_and_cry(kind: str = "bubble", high: int = 60) -> tuple[Region, ...]:
    """Three lines of speech, and a cry."""
    speech = [bar(50, 500 + 60 * n, 300, 25) for n in range(3)]
    cry = bar(100, 100, 300, high)
    return (
        Region(polygon=bar(50, 500, 300, 145), lines=tuple(speech), kind="bubble", score=0.8),
        Region(polygon=cry, lines=(cry,), kind=kind, score=0.8),  # type: ignore[arg-type]
    )


def test_loud_lettering_without_a_bubble_is_a_sound_effect() -> None:
    speech, cry = effects_told(speech_and_cry(), art_and_ink())
    assert (speech.kind, cry.kind) == ("bubble", "sfx")


@pytest.mark.parametrize(("spot", "bubble", "wide", "kind"), [
    ((90, 50), 0, 24, "sfx"),
    ((90, 50), 255, 24, "bubble"),  # both are speech
    ((90, 50), 0, 90, "bubble"),  # more than one letter
    ((200, 50), 0, 24, "bubble"),  # nothing beside it
])  # fmt: skip
def test_one_letter_of_a_sound_effect_is_a_part_of_it(
    spot: tuple[int, int], bubble: int, wide: int, kind: str
) -> None:
    """Else it goes, on plain paper, and the rest stays."""
    _page, ink = page_and_ink((50, 50), spot)
    ink.planes[6][:] = bubble
    found = Region(polygon=bar(50 - wide + 24, 50, wide, 30), kind="bubble", score=0.56)
    (told,) = parts_told((found.with_(lines=(found.polygon,)),), ink)
    assert told.kind == kind


def test_a_cry_in_a_bubble_is_speech() -> None:
    ink = art_and_ink()
    ink.bubble[80:220, 80:420] = 250
    assert effects_told(speech_and_cry(), ink)[1].kind == "bubble"
    assert effects_told(speech_and_cry(high=40), art_and_ink())[1].kind == "bubble"  # not so loud
    assert effects_told(speech_and_cry("sign"), art_and_ink())[1].kind == "sign"


def test_only_the_lines_that_are_art_go() -> None:
    lines = (bar(100, 100, 300, 100), bar(100, 600, 300, 100))
    found = Region(polygon=bar(100, 100, 300, 600), lines=lines, score=0.7)
    (left,) = without_art((found,), art_and_ink(share=0.3))
    assert len(left.lines) == 1 and (left.lines[0] == lines[0]).all()
    assert left.box[3] <= 202


def test_speech_from_which_a_face_was_taken_away_is_speech() -> None:
    face, speech = bar(100, 100, 200, 200), bar(320, 150, 300, 30)
    found = Region(polygon=bar(100, 100, 520, 200), lines=(face, speech), kind="sfx", score=0.75)
    ink = art_and_ink()
    assert without_art((found,), ink)[0].kind == "sfx"
    ink.bubble[100:300, 310:640] = 250
    (left,) = without_art((found,), ink)
    assert left.kind == "bubble" and left.lines == (speech,)


def test_a_strip_is_measured_by_its_screens() -> None:
    planes = np.zeros((7, 20000, 800), np.uint8)
    planes[0] = 255
    found = Region(polygon=bar(100, 9000, 300, 60), score=0.7)
    assert without_art((found,), InkMap(planes)) == ()


def test_lines_beyond_the_page_are_left_alone() -> None:
    beyond = Region(polygon=bar(-400, 100, 300, 100), score=0.7)
    assert without_art((beyond,), art_and_ink()) == (beyond,)


def test_on_the_paper_of_a_bubble_the_detector_is_believed_sooner() -> None:
    small = Region(polygon=bar(100, 100, 300, 30), score=0.6, kind="bubble")
    assert without_art((small,), art_and_ink()) == (small,)
    large = Region(polygon=bar(100, 100, 300, 100), score=0.7, kind="bubble")
    assert without_art((large,), art_and_ink()) == ()
    assert without_art((large,), art_and_ink(share=0.05)) == (large,)
    assert without_art((large.with_(kind="free"),), art_and_ink(share=0.05)) == ()


class Reads:
    """A recognizer that is as sure of every line."""

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.asked = 0

    def read_lines(self, image: np.ndarray, lines: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        self.asked += len(lines)
        return [("text", self.probability) for _ in lines]


@pytest.mark.parametrize(("share", "probability", "values", "action", "asked"), [
    (0.8, 0.4, {}, "keep", 1),
    (0.8, 0.9, {}, None, 1),
    (0.3, 0.4, {}, None, 0),  # as letters fill their line
    (0.8, 0.4, {"score": 0.95}, None, 0),
    (0.8, 0.4, {"kind": "bubble"}, None, 0),
    (0.3, 0.4, {"score": 0.6}, "keep", 1),  # the detector itself is not sure of it
    (0.3, 0.4, {"score": 0.6, "kind": "sfx"}, "keep", 1),
    (0.3, 0.5, {"score": 0.6}, None, 1),
    (0.3, 0.4, {"score": 0.6, "kind": "bubble"}, None, 0),
])  # fmt: skip
def test_what_looks_like_a_pattern_and_reads_like_none_is_kept_and_told(
    share: float, probability: float, values: dict[str, object], action: str | None, asked: int
) -> None:
    known = {"kind": "free", "score": 0.7} | values
    found = Region(polygon=bar(100, 100, 300, 100)).with_(**known)
    reader, image = Reads(probability), np.zeros((1000, 800, 3), np.uint8)
    (told,) = patterns_told((found,), art_and_ink(share), image, reader)
    if found.kind == "sfx":
        unread = patterns_told((found,), art_and_ink(share), image, Reads(0.0), effects=False)
        assert unread == (found,)
    assert (told.action, reader.asked) == (action or found.action, asked)
    assert ("reads as nothing (0.40)" in (told.reason or "")) == (action == "keep")
    (again,) = with_missed((found,), art_and_ink(share), image, detector=Reads(probability))
    assert again.action == told.action


@pytest.mark.parametrize(("case", "stays"), [
    ("art around a bubble", False),
    ("a sure find", True),
    ("lettering beside the bubble", True),
    ("mostly bubble", True),
    ("hardly any lettering", True),
    ("kept by hand", True),
])  # fmt: skip
def test_a_doubtful_find_around_a_bubble_leaves_what_is_in_it_to_be_proposed(case, stays):
    """A find of 300 x 300 pixels on art, with a bubble and four letters in its middle."""
    page, ink = page_and_ink((190, 150), (220, 150), (190, 190), (220, 190))
    if case == "hardly any lettering":
        ink.planes[1][:, 190:] = 0
        ink.planes[1][150:160, 190:200] = 250
    bubble = np.s_[130:240, 170:270]
    if case == "mostly bubble":
        bubble = np.s_[60:340, 60:340]
    elif case == "lettering beside the bubble":
        bubble = np.s_[130:240, 260:360]
    ink.planes[6][bubble] = 255
    square = np.array([[50, 50], [350, 50], [350, 350], [50, 350]], np.float32)
    find = Region(polygon=square, lines=(square,), kind="free", score=0.55)
    find = find.with_(
        score=0.8 if case == "a sure find" else 0.55,
        action="keep" if case == "kept by hand" else None,
    )
    assert (without_frames((find,), ink) == (find,)) is stays
    if not stays:
        (speech,) = with_missed((find,), ink, page.rgb)
        assert speech.kind == "bubble"
        assert speech.box[0] >= 180 and speech.box[2] <= 255


def test_what_is_proposed_in_a_bubble_is_speech_however_loud() -> None:
    page, ink = page_and_ink((200, 150), (230, 150))
    known = (region(50, 300, lines=(region(50, 300).polygon * 0.4,)),)  # small lettering
    (loud,) = [found for found in with_missed(known, ink, page.rgb) if found is not known[0]]
    assert loud.kind == "sfx"
    ink.planes[6][120:210, 170:290] = 255
    (speech,) = [found for found in with_missed(known, ink, page.rgb) if found is not known[0]]
    assert speech.kind == "bubble"
