"""Lettering that crosses a panel's edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.inpaint.classical import DiffusionInpainter
from textclean.inpaint.gutters import GuttersFirst, gutter, paint_gutters
from textclean.types import Image, Mask


class Recorder:
    """Fills with red and remembers what it was asked to fill."""

    def __init__(self) -> None:
        self.holes: list[Mask] = []

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        self.holes.append(mask.copy())
        out = image.copy()
        out[mask] = (255, 0, 0)
        return out


def page(*, frame: int = 3) -> Image:
    """Two framed panels of dark noise on white paper, one above the other."""
    rng = np.random.default_rng(3)
    image = np.full((300, 400, 3), 255, np.uint8)
    for top, bottom in ((20, 140), (160, 280)):
        image[top:bottom, 20:380] = 0
        art = image[top + frame : bottom - frame, 20 + frame : 380 - frame]
        art[:] = rng.integers(90, 160, art.shape)
    return image


def crossing() -> Mask:
    """A hole over the gutter and parts of both panels."""
    mask = np.zeros((300, 400), bool)
    mask[110:190, 150:230] = True
    return mask


@pytest.mark.parametrize("turned", [False, True])
def test_the_gutter_and_the_frames_go_on_exactly(turned: bool) -> None:
    truth, mask = page(), crossing()
    if turned:
        truth, mask = np.ascontiguousarray(truth.swapaxes(0, 1)), np.ascontiguousarray(mask.T)
    torn = truth.copy()
    torn[mask] = (0, 255, 0)
    painted, rest, band = paint_gutters(torn, mask)
    done = mask & ~rest
    assert done.sum() == 80 * (20 + 2 * 3)
    assert (painted[done] == truth[done]).all()
    assert (painted[~mask] == torn[~mask]).all()
    assert not (band & rest).any() and band[mask & (truth == 255).all(axis=2)].all()


def test_no_paper_flows_into_the_panel() -> None:
    truth, mask = page(frame=0), crossing()
    torn = truth.copy()
    torn[mask] = 0
    plain = DiffusionInpainter("telea")(torn, mask)
    kept = GuttersFirst(DiffusionInpainter("telea"))(torn, mask)
    panel = mask & (truth < 200).all(axis=2)
    assert plain[panel].max() > 180
    assert kept[panel].max() < 165
    assert (kept[mask & ~panel] == 255).all()
    assert (kept[~mask] == torn[~mask]).all()


@pytest.mark.parametrize("turned", [False, True])
def test_a_ragged_edge_leaves_no_paper_and_no_hole_in_the_gutter(turned: bool) -> None:
    """Notches of known paper reach into the hole up to the panel, as between descenders."""
    truth, mask = page(frame=0), crossing()
    mask[150:] = False
    mask[140:146, 170:173] = mask[143:, 190:194] = mask[140:, 210:211] = False
    if turned:
        truth, mask = np.ascontiguousarray(truth.swapaxes(0, 1)), np.ascontiguousarray(mask.T)
    torn = truth.copy()
    torn[mask] = 0
    paper = (truth == 255).all(axis=2)
    painted, rest, band = paint_gutters(torn, mask)
    assert (painted[mask & paper] == 255).all() and not (rest & paper).any()
    near = np.zeros_like(mask)
    near[(np.s_[150:230, 140:150] if turned else np.s_[140:150, 150:230])] = True
    assert band[near & paper & ~mask].all()
    kept = GuttersFirst(DiffusionInpainter("telea"))(torn, mask)
    assert kept[mask & ~paper].max() < 165


def test_the_row_in_which_paper_and_panel_mix_goes_on_and_does_not_flow_either() -> None:
    truth, mask = page(frame=0), crossing()
    truth[139, 20:380] = truth[160, 20:380] = 225
    torn = truth.copy()
    torn[mask] = 0
    kept = GuttersFirst(DiffusionInpainter("telea"))(torn, mask)
    mixed = mask & (truth == 225).all(axis=2)
    assert (kept[mixed] == 225).all()
    assert kept[mask & (truth < 200).all(axis=2)].max() < 165


def test_a_bubble_that_opens_into_the_gutter_is_no_gutter() -> None:
    image = page()
    cv2.ellipse(image, (200, 150), (70, 40), 0, 0, 360, (255, 255, 255), cv2.FILLED)
    mask = np.zeros(image.shape[:2], bool)
    mask[118:128, 140:260] = True  # letters in it, at its rim
    inner = Recorder()
    GuttersFirst(inner)(image, mask)
    assert (inner.holes[0] == mask).all()


def test_a_hole_as_wide_as_its_panel_is_no_gutter() -> None:
    image = page()
    mask = np.zeros(image.shape[:2], bool)
    mask[60:100, 10:390] = True
    painted, rest, _ = paint_gutters(image, mask)
    panel = np.s_[60:100, 23:377]
    assert rest[panel].all() and (painted[panel] == image[panel]).all()


def test_a_page_without_paper_is_left_to_the_inpainter() -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    mask = np.zeros((120, 160), bool)
    mask[40:60, 40:90] = True
    assert gutter(image, mask) is None
    painted, rest, band = paint_gutters(image, mask)
    assert (painted == image).all() and (rest == mask).all() and not band.any()


def test_translucent_ink_is_left_to_the_inpainter() -> None:
    image, mask = page(), crossing()
    painted, rest, band = paint_gutters(image, mask, mask)
    assert (painted == image).all() and (rest == mask).all() and not band.any()


def test_another_hole_beside_the_edge_is_not_taken_for_known() -> None:
    truth, mask = page(), crossing()
    mask[130:150, 240:250] = True
    torn = truth.copy()
    torn[mask] = (255, 0, 255)
    painted, rest, _ = paint_gutters(torn, mask)
    done = mask & ~rest
    assert (painted[done] == truth[done]).all()


def test_errors_are_those_of_the_inpainter_and_none_in_the_gutter() -> None:
    class Doubtful(Recorder):
        def fill_with_error(
            self, image: Image, mask: Mask, see_through: Mask | None = None
        ) -> tuple[Image, np.ndarray]:
            return self(image, mask), np.where(mask, np.float32(9), np.float32(0))

    mask = crossing()
    _, rest, _ = paint_gutters(page(), mask)
    _, errors = GuttersFirst(Doubtful()).fill_with_error(page(), mask)
    assert errors is not None
    assert (errors[rest] == 9).all() and not errors[~rest].any()
