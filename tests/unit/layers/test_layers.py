"""A result laid out as layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stacks import REGIONS, SIZE, box, result

from textclean import native
from textclean.errors import UsageError
from textclean.layers import Group, split, stack_of
from textclean.layers.build import LONGEST_NAME, layer_name, upright_regions
from textclean.types import Region


def _names(items: tuple) -> list:
    return [
        (item.name, _names(item.layers)) if isinstance(item, Group) else item.name for item in items
    ]


def test_layers_stand_from_the_original_to_the_text_boxes() -> None:
    stack = stack_of(result())
    boxes = ["003 sfx", "002 caption", "001 bubble こんにちは 世界"]
    assert _names(stack.items) == ["Original", "Clean", "Mask", ("Text boxes", boxes)]
    original, clean, mask, group = stack.items
    assert original.locked and original.visible and clean.visible
    assert not mask.visible and not group.visible


def test_each_region_has_a_patch_of_its_own_when_asked() -> None:
    given = result()
    group = stack_of(given, per_region=True).items[1]
    assert (group.name, group.visible) == ("Clean", True)
    second, first = group.layers
    assert [first.name, second.name] == ["001 bubble こんにちは 世界", "002 caption"]
    assert (first.box, second.box) == ((10, 8, 30, 14), (20, 30, 44, 36))


def test_every_pixel_of_the_mask_belongs_to_one_region() -> None:
    given = result()
    mask = given.mask.copy()
    mask[20:24, 10:50] = True  # between the two
    given = replace(given, mask=mask)
    drawn = np.zeros(mask.shape, int)
    for layer in stack_of(given, per_region=True).items[1].layers:
        x0, y0, x1, y1 = layer.box
        drawn[y0:y1, x0:x1] += layer.alpha > 0
    assert (drawn == mask).all()


def test_what_was_drawn_by_hand_is_one_patch() -> None:
    given = replace(result(), regions=())
    group = stack_of(given, per_region=True).items[1]
    assert [layer.name for layer in group.layers] == ["Clean"]


def test_a_page_without_changes_has_nothing_to_patch() -> None:
    given = result()
    given = replace(given, page=given.original, mask=np.zeros_like(given.mask), regions=())
    assert _names(stack_of(given).items) == ["Original", ("Text boxes", [])]


def test_text_boxes_lie_where_new_text_goes() -> None:
    first = stack_of(result()).items[3].layers[-1]
    assert first.box == REGIONS[0].safe_box
    assert first.alpha[0].min() == 255  # its outline
    assert 0 < first.alpha[5, 5] < 255


def test_text_boxes_beyond_the_page_are_cut_off() -> None:
    beyond = Region(box(500, 500, 520, 520)), Region(box(-5, -5, 4, 4))
    group = stack_of(replace(result(), regions=beyond)).items[3]
    assert [layer.box for layer in group.layers] == [(0, 0, 5, 5)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_layers_are_upright(orientation: int) -> None:
    given = result(orientation=orientation)
    stack = stack_of(given)
    assert (stack.merged == given.page.rgb).all()
    assert stack.size == given.page.size
    assert stack.dpi == ((300.0, 150.0) if orientation < 5 else (150.0, 300.0))
    clean = stack.items[1]
    x0, y0, x1, y1 = clean.box
    drawn = np.zeros(stack.merged.shape[:2], bool)
    drawn[y0:y1, x0:x1] = clean.alpha > 0
    assert drawn.sum() == given.mask.sum()
    assert (stack.merged[drawn] == 200).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_room_for_text_turns_with_the_page(orientation: int) -> None:
    given = result(orientation=orientation)
    region = Region(box(6, 4, 33, 19), (box(6, 4, 33, 9),), bubble=box(6, 4, 33, 19),
                    safe_box=(6, 4, 34, 20), safe_ellipse=(6, 4, 34, 20))  # fmt: skip
    (turned,) = upright_regions(replace(given, regions=(region,)))
    stored = np.zeros(given.mask.shape, bool)
    stored[4:20, 6:34] = True
    shown = native.upright(stored, orientation)
    for found in (turned.safe_box, turned.safe_ellipse):
        x0, y0, x1, y1 = found
        assert shown[y0:y1, x0:x1].all() and shown.sum() == (x1 - x0) * (y1 - y0)
    for outline in (turned.polygon, turned.bubble):
        low, high = outline.min(axis=0), outline.max(axis=0)
        assert (*low, *(high + 1)) == turned.safe_box
    assert len(turned.lines) == 1
    assert (turned.lines[0].max(axis=0) <= turned.polygon.max(axis=0)).all()


def test_names_stay_on_one_line_and_short() -> None:
    region = Region(box(0, 0, 5, 5), text="A\n B\t" + "言" * 400)
    name = layer_name(12, region)
    assert name.startswith("012 free A B 言言")
    assert len(name) == LONGEST_NAME and name.endswith("…")


def test_a_result_that_does_not_know_its_original_is_refused() -> None:
    with pytest.raises(UsageError, match="as it was before"):
        stack_of(replace(result(), original=None))


def test_pieces_put_together_are_the_page() -> None:
    stack = stack_of(result(), per_region=True)
    pieces = split(stack, 25)
    assert len(pieces) == 6
    assert all(max(piece.size) <= 25 for piece in pieces)
    rows = [np.hstack([piece.merged for piece in pieces[i : i + 3]]) for i in (0, 3)]
    assert (np.vstack(rows) == stack.merged).all()
    assert [layer.name for layer in pieces[0].layers()][:2] == [
        "Original",
        "001 bubble こんにちは 世界",
    ]


def test_a_page_that_fits_stays_whole() -> None:
    stack = stack_of(result())
    assert split(stack, max(SIZE)) == (stack,)
