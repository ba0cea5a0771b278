"""Which pages are looked at first."""

from __future__ import annotations

import pytest
from reported import MIXED, page, region

from textclean.report.doubt import LOOK, doubt_of


def _doubt(*regions, **changes):
    return doubt_of(page(1, told=list(regions), **changes), regions)


def test_failed_and_residual_pages_come_first() -> None:
    ranked = sorted(
        MIXED, key=lambda p: doubt_of(p, p.view.regions if p.view else ()).key, reverse=True
    )
    assert [p.number for p in ranked] == [3, 4, 2, 1, 7, 5, 6]
    levels = [doubt_of(p, p.view.regions if p.view else ()).level for p in ranked]
    assert levels == ["failed", "residual", "look", "clean", "clean", "untouched", "skipped"]


def test_the_largest_expected_error_counts_and_is_told_first() -> None:
    doubt = _doubt(region("inpaint", confidence=3.0), region("inpaint", confidence=40.4), region())
    assert (doubt.level, doubt.value) == ("look", 40.4)
    assert doubt.reasons == (
        "region 2: expected error 40 of 255",
        "region 1: expected error 3 of 255",
    )


def test_of_equal_pages_that_with_more_doubt_elsewhere_is_first() -> None:
    one = _doubt(region("inpaint", confidence=40))
    two = _doubt(region("inpaint", confidence=40), region("inpaint", confidence=10))
    assert two.key > one.key


@pytest.mark.parametrize(
    ("doubtful", "level", "says"),
    [
        (region("inpaint", confidence=LOOK), "look", "expected error 20"),
        (region("unmix", confidence=LOOK - 0.5), "clean", "expected error"),
        (region("inpaint", confidence=None), "clean", "nothing predicts"),
        (region(score=0.1), "clean", "score of 0.10 only"),
        (region(score=0.0), "look", "score of 0.00 only"),
        (region("keep", reason="no lettering was found"), "untouched", "kept, no lettering"),
    ],
)
def test_what_is_doubtful(doubtful, level: str, says: str) -> None:
    doubt = _doubt(doubtful)
    assert doubt.level == level
    assert says in doubt.reasons[0]


@pytest.mark.parametrize(
    "sure", [region(), region("inpaint", confidence=0.4), region("keep", reason="kept: sfx stay")]
)
def test_what_is_not(sure) -> None:
    assert _doubt(sure).reasons == ()
    assert _doubt(sure).value == 0


def test_pages_of_which_only_the_report_is_known() -> None:
    assert doubt_of(page(1, residual=2), ()).reasons == ("text is still found in 2 regions",)
    assert doubt_of(page(1), ()).level == "clean"
    assert doubt_of(page(1, "failed", reason="cut off"), ()).reasons == ("cut off",)
