"""Where ink is un-mixed, an inpainter is shown the parts of a page where there is some."""

from __future__ import annotations

import numpy as np

from textclean.inpaint.by_parts import REACH, ByParts
from textclean.inpaint.paper import CELL
from textclean.types import Image, Mask


class Recorder:
    """Paints 7 and says that it expects an error of 3; remembers what it was shown."""

    unmixes = True

    def __init__(self, *, tells: bool = True) -> None:
        self.shown: list[tuple[Image, Mask, Mask | None]] = []
        self.tells = tells

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return self.fill_with_error(image, mask, see_through)[0]

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, np.ndarray | None]:
        self.shown.append((image, mask, see_through))
        filled = image.copy()
        filled[mask] = 7
        return filled, np.where(mask, np.float32(3), np.float32(0)) if self.tells else None


def page() -> tuple[Image, Mask]:
    image = np.random.default_rng(3).integers(100, 250, (2000, 1500, 3), np.uint8)
    mask = np.zeros(image.shape[:2], bool)
    mask[100:130, 200:260] = mask[1500:1520, 900:1000] = True
    return image, mask


def test_far_notes_are_filled_apart_with_what_surrounds_them() -> None:
    image, mask = page()
    inner = Recorder()
    filled, errors = ByParts(inner).fill_with_error(image, mask, mask)
    assert (filled[mask] == 7).all() and (filled[~mask] == image[~mask]).all()
    assert errors is not None and (errors == np.where(mask, 3, 0)).all()
    assert sum(int(hole.sum()) for _, hole, _ in inner.shown) == mask.sum()
    first, second = (part.shape for part, _, _ in inner.shown)
    assert first[0] <= 130 + REACH + CELL and first[1] <= 260 + REACH + CELL
    assert second[0] <= 20 + 2 * (REACH + CELL)
    assert all((seen == hole).all() for _, hole, seen in inner.shown if seen is not None)


def test_a_part_with_opaque_ink_alone_is_told_so() -> None:
    image, mask = page()
    seen = mask.copy()
    seen[1000:] = False
    inner = Recorder(tells=False)
    filled, errors = ByParts(inner).fill_with_error(image, mask, seen)
    assert (filled[mask] == 7).all() and errors is None
    assert [see is None for _, _, see in inner.shown] == [False, True]


def test_pages_without_such_ink_are_shown_whole() -> None:
    image, mask = page()
    for see_through in (None, np.zeros_like(mask)):
        inner = Recorder()
        ByParts(inner)(image, mask, see_through)
        ((shown, _, _),) = inner.shown
        assert shown is image
    assert ByParts(Recorder()).unmixes


def test_what_is_not_foretold_is_unknown() -> None:
    image, mask = page()

    class Half(Recorder):
        def fill_with_error(
            self, image: Image, mask: Mask, see_through: Mask | None = None
        ) -> tuple[Image, np.ndarray | None]:
            self.tells = not self.shown
            return super().fill_with_error(image, mask, see_through)

    _, errors = ByParts(Half()).fill_with_error(image, mask, mask)
    assert errors is not None
    assert (errors[:1000][mask[:1000]] == 3).all()
    assert np.isnan(errors[1000:][mask[1000:]]).all()
    assert (errors[~mask] == 0).all()
