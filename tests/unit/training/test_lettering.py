from __future__ import annotations

import numpy as np
import pytest
from builtin_font import builtin_fonts

from textclean.training.drawing import LETTERING
from textclean.training.fonts import Fonts
from textclean.training.lettering import Style, dialogue, effect, letter, random_style
from textclean.training.typesetting import bent, set_columns, set_lines, slanted
from textclean.training.words import eastern, latin_words, sound, wrap


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return builtin_fonts(tmp_path_factory.mktemp("fonts"))


def _page(level: int, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


def test_lines_have_the_size_asked_for(fonts: Fonts) -> None:
    font = fonts.faces[0]
    one = set_lines(font, 40, ["HHH"], 1.2)
    assert 20 < one.shape[0] < 40
    three = set_lines(font, 40, ["HHH", "HHH", "HHH"], 1.5)
    assert three.shape[0] == pytest.approx(one.shape[0] + 2 * 60, abs=2)


def test_columns_run_downwards_from_right_to_left(fonts: Fonts) -> None:
    column = set_columns(fonts.faces[0], 30, ["HHHHH"], 1.3)
    assert column.shape[0] > 3 * column.shape[1]
    uneven = set_columns(fonts.faces[0], 30, ["HHHHH", "H"], 1.3)
    left, right = np.array_split(uneven, 2, axis=1)
    assert right.sum() > 3 * left.sum()


def test_a_dash_is_turned_in_a_column(fonts: Fonts) -> None:
    level = set_lines(fonts.faces[0], 40, ["-"], 1.2)
    upright = set_columns(fonts.faces[0], 40, ["-"], 1.2)
    assert level.shape[1] > level.shape[0]
    assert upright.shape[0] > upright.shape[1]


@pytest.mark.parametrize("seed", range(6))
def test_bending_loses_no_ink(fonts: Fonts, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flat = set_lines(fonts.faces[0], 48, ["WHAM"], 1.2)
    turned = slanted(rng, flat, 0.8)
    assert int(turned.sum()) == pytest.approx(int(flat.sum()), rel=0.02)
    curved = bent(rng, flat, 0.8)
    assert 0.6 < int(curved.sum()) / int(flat.sum()) < 1.7


def test_labels_are_where_the_page_changed(fonts: Fonts) -> None:
    rng, page = np.random.default_rng(0), _page(200)
    labels = np.zeros((90, 120), np.uint8)
    block = set_lines(fonts.faces[0], 30, ["abc"], 1.2)
    style = Style(fill=(0, 0, 0), outlines=((4.0, (255, 255, 255)),))
    shown = letter(rng, page, labels, block, (20, 20), style)
    assert (page == 200).all()
    changed = (shown != page).any(axis=2)
    assert changed.sum() > 300
    assert (labels[np.abs(shown.astype(int) - page).max(axis=2) > 25] == LETTERING).all()
    assert changed[labels > 0].all()
    assert {0, 255} <= set(np.unique(shown))


def test_white_letters_on_white_are_lettering_only_with_an_outline(fonts: Fonts) -> None:
    block = set_lines(fonts.faces[0], 40, ["H"], 1.2)
    found = []
    for outlines in ((), ((2.0, (0, 0, 0)),)):
        labels = np.zeros((90, 120), np.uint8)
        style = Style(fill=(255, 255, 255), outlines=outlines)
        letter(np.random.default_rng(0), _page(255), labels, block, (30, 30), style)
        found.append(int((labels > 0).sum()))
    assert found[0] == 0
    assert found[1] > (block > 127).sum()


@pytest.mark.parametrize("corner", [(-15, -12), (110, 80), (-400, 10), (10, 500)])
def test_blocks_are_cut_at_the_edge(fonts: Fonts, corner: tuple[int, int]) -> None:
    labels = np.zeros((90, 120), np.uint8)
    block = set_lines(fonts.faces[0], 40, ["HHHH"], 1.2)
    shown = letter(np.random.default_rng(0), _page(255), labels, block, corner, Style())
    assert shown.shape == (90, 120, 3)
    off_page = min(corner) < -300 or max(corner) > 300
    assert (labels > 0).any() != off_page
    assert (shown < 128).any() != off_page


def test_translucent_letters_let_the_page_through(fonts: Fonts) -> None:
    labels = np.zeros((90, 120), np.uint8)
    block = np.full((20, 20), 255, np.uint8)
    style = Style(opacity=0.5)
    shown = letter(np.random.default_rng(0), _page(200), labels, block, (10, 10), style)
    assert (shown[12:28, 12:28] == 100).all()


@pytest.mark.parametrize("seed", range(5))
def test_dialogue_fills_about_the_room_it_was_given(fonts: Fonts, seed: int) -> None:
    block = dialogue(np.random.default_rng(seed), fonts, 20, (160, 200))
    assert 80 < block.shape[0] < 260
    assert 60 < block.shape[1] < 420
    assert block.max() == 255


def test_effects_grow_with_their_size(fonts: Fonts) -> None:
    small, large = (
        np.mean([effect(np.random.default_rng(seed), fonts, size).size for seed in range(8)])
        for size in (30, 90)
    )
    assert 4 < large / small < 16


def test_grey_pages_get_grey_letters() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        style = random_style(rng, 50, color=False, dark=False)
        inks = [style.fill, *(color for _, color in style.outlines)]
        assert all(len(set(ink)) == 1 for ink in inks)
        assert style.second is None


def test_letters_stand_out_from_what_is_beneath() -> None:
    rng = np.random.default_rng(0)
    light = [random_style(rng, 20, color=False, dark=True).fill == (255,) * 3 for _ in range(200)]
    assert 0.6 < np.mean(light) < 0.9


def test_words_are_wrapped() -> None:
    words = latin_words(np.random.default_rng(0), 60)
    lines = wrap(words, 24)
    assert " ".join(lines) == " ".join(words)
    assert all(len(line) <= 24 or " " not in line for line in lines)


def test_east_asian_text_is_of_its_script() -> None:
    rng = np.random.default_rng(0)
    ranges = {"korean": (0xAC00, 0xD7A3), "chinese": (0x4E00, 0x9FFF)}
    for script, (low, high) in ranges.items():
        text = eastern(rng, 40, script)  # type: ignore[arg-type]
        assert all(low <= ord(character) <= high for character in text.replace(" ", ""))
    japanese = eastern(rng, 400, "japanese")
    assert len(japanese) == 400
    assert 0.3 < np.mean([0x3040 <= ord(character) < 0x30A0 for character in japanese]) < 0.7
    assert sound(rng, "japanese")


def test_clear_letters_show_the_page_inside() -> None:
    rng = np.random.default_rng(0)
    page = rng.integers(100, 200, (120, 200, 1), np.uint8).repeat(3, axis=2)
    labels = np.zeros((120, 200), np.uint8)
    glyphs = np.zeros((60, 120), np.uint8)
    glyphs[10:50, 10:50] = 255
    style = Style(outlines=((4.0, (0, 0, 0)),), clear=True)
    shown = letter(rng, page, labels, glyphs, (30, 30), style)
    inside, ring = np.s_[42:78, 42:78], np.s_[37:39, 45:75]
    assert (shown[inside] == page[inside]).all() and not labels[inside].any()
    assert (shown[ring] == 0).all() and (labels[ring] > 0).all()
