from __future__ import annotations

import pytest

from textclean.detect.filters import apply_filters
from textclean.detect.lines import box_line
from textclean.errors import UnknownNameError
from textclean.options import Options
from textclean.types import Region

BOX = box_line(0, 0, 40, 20).polygon


def region(**values: object) -> Region:
    return Region(polygon=BOX).with_(**values)


def kept(options: Options, *regions: Region) -> list[bool]:
    return [r.action == "keep" for r in apply_filters(regions, options)]


def test_without_wishes_nothing_is_kept_and_nothing_changes() -> None:
    regions = (region(score=0.01, kind="sfx"), region(text="abc"))
    assert apply_filters(regions, Options(sfx="remove")) == regions


def test_sound_effects_are_kept_unless_asked_for() -> None:
    regions = (region(kind="sfx"), region(kind="bubble"))
    assert kept(Options(), *regions) == [True, False]
    assert kept(Options(sfx="remove"), *regions) == [False, False]
    assert kept(Options(only=("sfx",)), *regions) == [False, True]
    (effect, _) = apply_filters(regions, Options())
    assert "--sfx remove" in effect.reason


def test_a_low_score_keeps_a_region_and_says_so() -> None:
    (low, high) = apply_filters([region(score=0.49), region(score=0.5)], Options(min_score=0.5))
    assert low.action == "keep" and low.reason == "kept: its score 0.49 is under 0.5"
    assert high.action is None


def test_only_and_except_go_by_kind() -> None:
    regions = (region(kind="bubble"), region(kind="sfx"), region(kind="sign"))
    assert kept(Options(only=("bubble",)), *regions) == [False, True, True]
    assert kept(Options(except_=("sfx", "sign")), *regions) == [False, True, True]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'bubbles'"):
        apply_filters([], Options(only=("bubbles",)))
    with pytest.raises(UnknownNameError, match="'x'"):
        apply_filters([], Options(except_=("sfx", "x")))


def test_a_language_is_kept_and_unread_text_is_not() -> None:
    regions = (region(language="und-Latn"), region(language="ja"), region(language=None))
    assert kept(Options(keep_language=("en",)), *regions) == [True, False, False]
    assert kept(Options(keep_language=("ko", "ja")), *regions) == [False, True, False]


def test_text_is_kept_where_the_expression_is_found() -> None:
    regions = (region(text="TM and (C) 2015"), region(text="Hello"), region(text=None))
    assert kept(Options(keep_text=r"\(C\)"), *regions) == [True, False, False]
    assert kept(Options(keep_text=r"^$"), *regions) == [False, False, False]
    (first, *_) = apply_filters(regions, Options(keep_text=r"20\d\d"))
    assert first.reason == r"kept: its text matches '20\\d\\d'"


def test_what_is_kept_already_keeps_its_reason() -> None:
    before = region(action="keep", reason="drawn by hand", score=0.1)
    (after,) = apply_filters([before], Options(min_score=0.9))
    assert after is before
