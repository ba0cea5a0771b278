"""Highlighter and markers are divided out; what lies beneath them stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from textclean.inpaint.dyes import DyesFirst

if TYPE_CHECKING:
    from textclean.types import Image, Mask

PAPER = (240, 232, 210)
YELLOW = (0.98, 0.93, 0.25)


@dataclass
class Recorder:
    """An inpainter that paints black, and remembers what it was asked to."""

    unmixes = True
    asked: list[Mask] = field(default_factory=list)
    shown: list[Image] = field(default_factory=list)

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        self.asked.append(mask)
        self.shown.append(image)
        return np.where(mask[..., None], np.uint8(0), image)


def printed(paper: tuple[int, int, int] = PAPER) -> Image:
    page = np.full((220, 420, 3), paper, np.uint8)
    for row in range(30, 220, 32):
        cv2.putText(page, "printed text", (12, row), cv2.FONT_HERSHEY_DUPLEX, 0.9, (25, 25, 25), 2)
    return page


def covered(page: Image, light: tuple[float, float, float], cover: np.ndarray) -> Image:
    """The page under ink that lets so much light through; ``cover`` from 0 to 1."""
    share = 1 - cover[..., None] * (1 - np.array(light))
    return np.rint(page * share).astype(np.uint8)


def stroke(start: tuple[int, int], end: tuple[int, int], width: int) -> np.ndarray:
    canvas = np.zeros((220, 420), np.uint8)
    cv2.line(canvas, start, end, 255, width, cv2.LINE_AA)
    return cv2.GaussianBlur(canvas, (0, 0), 0.7).astype(np.float32) / 255


def hole_of(cover: np.ndarray) -> Mask:
    return cv2.dilate((cover > 0.02).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


@pytest.mark.parametrize("light", [YELLOW, (0.97, 0.5, 0.7), (0.5, 0.92, 0.4), (0.5, 0.8, 0.95)])
def test_print_under_highlighter_is_kept(light: tuple[float, float, float]) -> None:
    page, cover = printed(), stroke((30, 56), (390, 60), 26)
    hole, other = hole_of(cover), Recorder()
    cleaned = DyesFirst(other)(covered(page, light, cover), hole, hole)
    error = np.abs(cleaned.astype(int) - page).max(axis=2)
    assert error[hole].mean() < 2
    assert np.percentile(error[hole], 99) < 16
    assert not other.asked or not other.asked[0][52:66, 50:370].any()


def test_on_a_grey_page_nothing_coloured_stays() -> None:
    page, cover = printed((255, 255, 255)), stroke((30, 56), (390, 60), 26)
    hole = hole_of(cover)
    cleaned = DyesFirst(Recorder())(covered(page, YELLOW, cover), hole, hole)
    assert (cleaned == cleaned[..., :1]).all()


def test_thin_coloured_strokes_are_left_to_the_inpainter() -> None:
    cover = stroke((30, 20), (390, 190), 4)
    hole, other = hole_of(cover), Recorder()
    cleaned = DyesFirst(other)(covered(printed(), (0.9, 0.2, 0.2), cover), hole, hole)
    assert (other.asked[0] == hole).all()
    assert (cleaned[hole] == 0).all()


def test_a_pen_over_a_band_is_left_to_the_inpainter() -> None:
    band, pen = stroke((30, 60), (390, 60), 26), stroke((200, 10), (215, 210), 6)
    shown = covered(covered(printed(), YELLOW, band), (0.05, 0.05, 0.05), pen)
    hole, other = hole_of(np.maximum(band, pen)), Recorder()
    DyesFirst(other)(shown, hole, hole)
    assert other.asked[0][pen > 0.5].mean() > 0.95
    # What the pen covers is shown without the dye, which the band took out of the paper's blue.
    beside = (band > 0.9) & ~hole_of(pen)
    light = (printed()[..., 2] > 190) & beside
    assert (other.shown[0][..., 2][light] > 180).mean() > 0.98


def test_print_under_a_marker_is_kept() -> None:
    page, cover = printed(), stroke((60, 20), (300, 200), 30)
    hole = hole_of(cover)
    cleaned = DyesFirst(Recorder())(covered(page, (0.28, 0.28, 0.3), cover), hole, hole)
    depth = cv2.distanceTransform((cover > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    error = np.abs(cleaned.astype(int) - page).max(axis=2)
    assert np.median(error[depth > 5]) <= 4
    assert (error[depth > 5] > 60).mean() < 0.03
    assert (cleaned[hole & (depth < 1)] == 0).mean() > 0.9  # the rim is the inpainter's


@pytest.mark.parametrize("light", [(0.02, 0.02, 0.02), (0.9, 0.1, 0.1)])
def test_what_hides_the_print_is_left_to_the_inpainter(light: tuple[float, float, float]) -> None:
    cover = stroke((60, 20), (300, 200), 30)
    hole, other = hole_of(cover), Recorder()
    cleaned = DyesFirst(other)(covered(printed(), light, cover), hole, hole)
    assert (cleaned[hole] == 0).all()


def test_opaque_holes_are_none_of_its_business() -> None:
    cover, other = stroke((30, 56), (390, 60), 26), Recorder()
    hole = hole_of(cover)
    assert (DyesFirst(other)(covered(printed(), YELLOW, cover), hole)[hole] == 0).all()
    DyesFirst(other)(covered(printed(), YELLOW, cover), hole, np.zeros_like(hole))
    assert (other.asked[1] == hole).all()


def test_a_page_without_paper_is_left_alone() -> None:
    cover = np.ones((220, 420), np.float32)
    hole, other = np.ones((220, 420), bool), Recorder()
    DyesFirst(other)(covered(printed(), YELLOW, cover), hole, hole)
    assert other.asked[0].all()


def test_dark_strokes_on_coloured_rules_are_no_highlighter() -> None:
    page = printed()
    rules = np.zeros((220, 420), np.float32)
    rules[20:220:24] = 1
    shown = covered(page, (0.88, 0.45, 0.5), rules)
    note = stroke((60, 10), (360, 200), 16)
    shown = covered(shown, (0.2, 0.22, 0.25), note)  # a felt pen's, a little blue
    hole, other = hole_of(np.maximum(rules, note)), Recorder()
    DyesFirst(other)(shown, hole, hole)
    assert other.asked[0][note > 0.5].all()
