"""Breaking texts into lines, with a measure in which each character is half an em."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from textclean.lettering.fit import LEADING, SMALLEST, fit, words_of

BOX = (100, 50, 300, 150)


def _half(text: str, size: int) -> float:
    return len(text) * size / 2


def test_a_short_text_stands_in_the_middle_in_the_largest_type() -> None:
    found = fit("Yes", BOX, _half, most=30)
    assert (found.size, found.fits) == (30, True)
    assert found.lines == (("Yes", 200.0, 100.0),)


def test_a_long_text_gets_smaller_and_breaks_between_words() -> None:
    text = "a text that is far too long for a single line of large type in so small a room"
    found = fit(text, BOX, _half, most=40)
    assert found.fits and found.size < 40
    assert " ".join(line for line, _, _ in found.lines) == text
    ys = [y for _, _, y in found.lines]
    assert abs(ys[1] - ys[0] - LEADING * found.size) < 1e-6


def test_its_own_line_breaks_are_kept() -> None:
    found = fit("one\ntwo", BOX, _half, most=20)
    assert [line for line, _, _ in found.lines] == ["one", "two"]


def test_scripts_without_spaces_break_anywhere_but_before_punctuation() -> None:
    assert words_of("本を読む。") == ["本", "を", "読", "む。"]
    assert words_of("go on") == ["go", " on"]


def test_what_fits_in_no_size_is_told() -> None:
    found = fit("word " * 500, (0, 0, 40, 20), _half, most=30)
    assert (found.size, found.fits) == (SMALLEST, False)
    assert fit("Donaudampfschifffahrt", (0, 0, 20, 50), _half, most=30).fits is False


@settings(max_examples=80, deadline=None)
@given(
    text=st.text("ab 本。\n", min_size=1, max_size=60).filter(str.strip),
    width=st.integers(60, 400), height=st.integers(40, 300), is_round=st.booleans(),
)  # fmt: skip
def test_lines_that_fit_lie_inside(text: str, width: int, height: int, is_round: bool) -> None:
    found = fit(text.strip(), (0, 0, width, height), _half, most=36, is_round=is_round)
    if not found.fits:
        return
    for line, x, y in found.lines:
        reach, half = _half(line, found.size) / 2, found.size / 2
        for corner_x in (x - reach, x + reach):
            for corner_y in (y - half, y + half):
                across, down = corner_x / width * 2 - 1, corner_y / height * 2 - 1
                inside = across**2 + down**2 if is_round else max(abs(across), abs(down))
                assert inside <= 1.0001
