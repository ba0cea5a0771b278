from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.batch import PageSelection
from textclean.errors import OptionsError


@pytest.mark.parametrize(
    ("text", "count", "numbers"),
    [
        ("1-4,7", 9, {1, 2, 3, 4, 7}),
        ("7, 1 - 2", 9, {1, 2, 7}),
        ("5-", 7, {5, 6, 7}),
        ("-3", 7, {1, 2, 3}),
        ("3", 3, {3}),
        ("2-100", 3, {2, 3}),
        ("1,1,1-2", 5, {1, 2}),
    ],
)
def test_lists_of_pages(text: str, count: int, numbers: set[int]) -> None:
    assert PageSelection.parse(text).numbers(count, "book") == numbers


@pytest.mark.parametrize(
    "text",
    ["", "a", "1,,2", "-", "1-2-3", "0", "0-3", "4-2", "1;2", "1.5", "+1", "９９９９９９９９９９"],
)
def test_what_is_no_list_of_pages(text: str) -> None:
    with pytest.raises(OptionsError):
        PageSelection.parse(text)


@pytest.mark.parametrize(("text", "count"), [("4", 3), ("1,9", 3), ("4-9", 3), ("2", 1)])
def test_pages_that_are_not_there(text: str, count: int) -> None:
    with pytest.raises(OptionsError, match="is asked for") as caught:
        PageSelection.parse(text).numbers(count, "book.cbz")
    assert caught.value.source == "book.cbz"


def test_numbers_from_python() -> None:
    chosen = PageSelection.of([3, 1, 3])
    assert chosen is not None
    assert chosen.numbers(5, "") == {1, 3}
    assert PageSelection.of(None) is None
    assert PageSelection.of("1-2") == PageSelection.parse("1-2")


@pytest.mark.parametrize("pages", [[], [0], [-1]])
def test_numbers_that_are_no_pages(pages: list[int]) -> None:
    with pytest.raises(OptionsError):
        PageSelection.of(pages)


@given(st.sets(st.integers(1, 40), min_size=1))
def test_any_set_of_pages_can_be_written_down(pages: set[int]) -> None:
    text = ",".join(map(str, sorted(pages)))
    assert PageSelection.parse(text).numbers(40, "") == pages
    assert PageSelection.of(pages) == PageSelection.parse(text)
