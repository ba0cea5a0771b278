"""The measured fill before the network."""

from __future__ import annotations

import numpy as np

from textclean.inpaint.plain import PlainFirst, paint_plain
from textclean.types import Image, Mask


class Recorder:
    """Fills with red and remembers what it was asked to fill."""

    unmixes = True

    def __init__(self) -> None:
        self.holes: list[Mask] = []

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        self.holes.append(mask.copy())
        out = image.copy()
        out[mask] = (255, 0, 0)
        return out


def page() -> tuple[Image, Mask]:
    """A gradient on the left, noise on the right, one hole in each."""
    rng = np.random.default_rng(5)
    ramp = np.linspace(90, 200, 200)
    image = np.broadcast_to(ramp[None, :, None], (100, 200, 3)).astype(np.uint8).copy()
    image[:, 110:] = rng.integers(0, 256, (100, 90, 3))
    mask = np.zeros((100, 200), bool)
    mask[40:60, 30:60] = mask[40:60, 150:170] = True
    return image, mask


def test_a_plain_gradient_is_filled_exactly_and_the_rest_is_left() -> None:
    image, mask = page()
    torn = image.copy()
    torn[mask] = 0
    painted, rest, errors = paint_plain(torn, mask)
    assert np.abs(painted[40:60, 30:60].astype(int) - image[40:60, 30:60]).max() <= 1
    assert not rest[:, :100].any() and (rest[:, 100:] == mask[:, 100:]).all()
    assert (painted[~mask] == torn[~mask]).all()
    assert errors[50, 40] < 2 and errors[50, 160] == 0


def test_sparse_dots_are_no_paper() -> None:
    image = np.full((90, 90, 3), 255, np.uint8)
    image[4::9, 4::9] = image[4::9, 5::9] = 0
    mask = np.zeros((90, 90), bool)
    mask[30:60, 30:60] = True
    assert paint_plain(image, mask)[1].any()


def test_the_inpainter_gets_what_is_not_plain_and_see_through_pieces() -> None:
    image, mask = page()
    inner = Recorder()
    fill = PlainFirst(inner)
    out, errors = fill.fill_with_error(image, mask)
    assert fill.unmixes
    assert (inner.holes[0] == (mask & (np.arange(200) > 100))).all()
    assert (out[50, 160] == (255, 0, 0)).all() and (out[50, 40] != (255, 0, 0)).any()
    assert errors is not None and np.isnan(errors[50, 160]) and errors[50, 40] < 2
    fill(image, mask, mask)
    assert (inner.holes[1] == mask).all()


def test_without_anything_else_the_inpainter_is_not_called() -> None:
    image, mask = page()
    mask[:, 100:] = False
    inner = Recorder()
    PlainFirst(inner)(image, mask)
    assert not inner.holes


def test_near_a_border_the_inpainter_goes_on() -> None:
    image = np.full((80, 160, 3), 240, np.uint8)
    image[:, 20:23] = 0
    mask = np.zeros((80, 160), bool)
    mask[30:50, 26:140] = True
    rest = paint_plain(image, mask)[1]
    assert rest[30:50, 26:34].all()
    assert not rest[:, 50:].any()
