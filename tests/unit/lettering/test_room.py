"""Room for new text: off the border, off drawings, off other blocks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.lettering import with_room
from textclean.lettering.room import ellipse_mask
from textclean.types import Region


def _ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], 1).astype(np.float32)


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


BUBBLE = _ellipse(300, 200, 200, 120)


def _page() -> tuple[np.ndarray, np.ndarray]:
    image = np.full((400, 600, 3), 120, np.uint8)
    cv2.fillPoly(image, [BUBBLE.astype(np.int32)], (255, 255, 255))
    cv2.polylines(image, [BUBBLE.astype(np.int32)], True, (0, 0, 0), 5)
    return image, np.zeros((400, 600), bool)


def _inside(box: tuple[int, int, int, int] | None, image: np.ndarray) -> np.ndarray:
    assert box is not None
    return image[box[1] : box[3], box[0] : box[2]]


def test_both_lie_on_paper_alone_and_fill_most_of_it() -> None:
    image, mask = _page()
    (region,) = with_room(image, mask, [Region(_box(280, 180, 320, 220), bubble=BUBBLE)])
    part = _inside(region.safe_box, image)
    assert (part == 255).all()
    assert part[..., 0].size > 0.5 * np.pi * 200 * 120
    part = _inside(region.safe_ellipse, image)
    round_ = ellipse_mask((0, 0, part.shape[1], part.shape[0]), part.shape[:2])
    assert (part[round_] == 255).all()
    assert round_.sum() > 0.85 * np.pi * 200 * 120


def test_a_drawing_in_the_bubble_is_left_alone() -> None:
    image, mask = _page()
    cv2.circle(image, (400, 200), 20, (200, 30, 30), -1)
    image[150, 250] = 0  # a speck of dust is no drawing
    (region,) = with_room(image, mask, [Region(_box(250, 180, 290, 220), bubble=BUBBLE)])
    part = _inside(region.safe_box, image)
    assert region.safe_box is not None
    assert (part == 255).all(axis=2).sum() >= part[..., 0].size - 1
    assert region.safe_box[2] <= 400 or region.safe_box[3] <= 200 or region.safe_box[1] > 200


def test_text_that_is_to_go_takes_no_room() -> None:
    image, mask = _page()
    (empty,) = with_room(image, mask, [Region(_box(280, 180, 320, 220), bubble=BUBBLE)])
    image[180:220, 250:350:3] = 0
    mask[180:220, 250:350] = True
    (lettered,) = with_room(image, mask, [Region(_box(280, 180, 320, 220), bubble=BUBBLE)])
    assert lettered.safe_box == empty.safe_box


def test_blocks_that_share_a_bubble_share_its_room() -> None:
    image, mask = _page()
    left = Region(_box(180, 180, 260, 220), bubble=BUBBLE)
    right = Region(_box(340, 180, 420, 220), bubble=BUBBLE)
    one, other = with_room(image, mask, [left, right])
    assert one.safe_box is not None and other.safe_box is not None
    assert one.safe_box[2] <= other.safe_box[0]
    assert one.safe_ellipse is not None and other.safe_ellipse is not None
    assert one.safe_ellipse[2] <= other.safe_ellipse[0]


def test_regions_without_a_bubble_stay_as_they_are() -> None:
    image, mask = _page()
    region = Region(_box(280, 180, 320, 220))
    assert with_room(image, mask, [region]) == [region]


@pytest.mark.parametrize("shift", [-250, 250])
def test_a_bubble_may_reach_beyond_the_page(shift: int) -> None:
    image, mask = _page()
    image[:] = 255
    bubble = BUBBLE + np.array([shift, 0], np.float32)
    (region,) = with_room(image, mask, [Region(bubble, bubble=bubble)])
    assert region.safe_box is not None
    assert 0 <= region.safe_box[0] < region.safe_box[2] <= 600
