from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, lettered
from PIL import Image as PILImage

from textclean import Options, clean_page, make_cleaner, native
from textclean.api.pictures import load_page
from textclean.batch.overlay import COLORS, draw_overlay, encode_png


def _looked_at(page: PILImage.Image):
    cleaner = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    return cleaner.detect(load_page(page, Options()))


def _share(image: np.ndarray, color: tuple[int, int, int]) -> float:
    near = np.abs(image.astype(int) - color).max(axis=2) < 40
    return float(near.mean())


def test_a_region_has_an_outline_and_a_number() -> None:
    page = lettered()
    picture = draw_overlay(_looked_at(page))
    assert picture.shape == (120, 160, 3)
    assert _share(picture, COLORS["fill"]) > 0.01
    assert _share(np.asarray(page), COLORS["fill"]) == 0


def test_the_page_itself_is_not_touched() -> None:
    result = _looked_at(lettered())
    before = result.page.rgb.copy()
    draw_overlay(result)
    assert np.array_equal(result.page.rgb, before)


def test_a_page_without_regions_stays_as_it_is() -> None:
    page = lettered(text="")
    assert np.array_equal(draw_overlay(_looked_at(page)), np.asarray(page))


def test_what_is_kept_is_grey() -> None:
    result = clean_page(lettered(), detector=FakeDetector(), inpainter=FakeInpainter(), only="sfx")
    picture = draw_overlay(result)
    assert _share(picture, COLORS["keep"]) > 0.01
    assert _share(picture, COLORS["fill"]) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright(orientation: int) -> None:
    """The same picture, whatever way round the file stores the page."""
    page = lettered()
    plain = draw_overlay(_looked_at(page))
    turned = PILImage.fromarray(np.ascontiguousarray(native.stored(np.asarray(page), orientation)))
    turned.getexif()[0x0112] = orientation
    picture = draw_overlay(_looked_at(turned))
    assert picture.shape == plain.shape
    assert (np.abs(picture.astype(int) - plain).max(axis=2) > 60).mean() < 0.01


@pytest.mark.parametrize("size", [(40, 30), (16, 200), (300, 16)])
def test_regions_at_the_border_of_small_pages(size: tuple[int, int]) -> None:
    page = PILImage.new("RGB", size, "white")
    page.paste((0, 0, 0), (0, 0, 10, 10))
    page.paste((0, 0, 0), (size[0] - 10, size[1] - 10, *size))
    assert draw_overlay(_looked_at(page)).shape == (size[1], size[0], 3)


def test_the_file_holds_the_picture() -> None:
    import io

    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    with PILImage.open(io.BytesIO(encode_png(picture))) as image:
        assert np.array_equal(np.asarray(image), picture)
