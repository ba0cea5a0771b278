from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from textclean import native
from textclean.types import MODES, Metadata, Page, Region

SHAPES = {"LA": 2, "PA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


def _page(mode, orientation=1, seed=0, height=9, width=7):
    random = np.random.default_rng(seed)
    base = mode.removesuffix(";16")
    shape = (height, width, SHAPES[base]) if base in SHAPES else (height, width)
    palette = None
    if mode == "1":
        pixels = random.random(shape) < 0.5
    elif mode.endswith(";16"):
        pixels = random.integers(0, 65536, shape, np.uint16)
    else:
        pixels = random.integers(0, 256, shape, np.uint8)
    if base in ("P", "PA"):
        palette = random.integers(0, 256, (16, 3), np.uint8)
        pixels = pixels % 16
    rgb = native.upright(native.to_rgb(pixels, mode, palette), orientation)
    return Page(pixels, mode, np.ascontiguousarray(rgb), palette, Metadata(orientation=orientation))


@given(
    mode=st.sampled_from(MODES),
    orientation=st.integers(1, 8),
    seed=st.integers(0, 50),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_nothing_outside_the_mask_changes(mode, orientation, seed, share):
    page = _page(mode, orientation, seed)
    random = np.random.default_rng(seed + 1)
    mask = random.random(page.rgb.shape[:2]) < share
    cleaned = random.integers(0, 256, page.rgb.shape, np.uint8)
    merged = native.merge(page, cleaned, mask)
    outside = ~native.stored(mask, orientation)
    assert merged.pixels.dtype == page.pixels.dtype
    assert merged.pixels.shape == page.pixels.shape
    assert np.array_equal(merged.pixels[outside], page.pixels[outside])
    assert np.array_equal(merged.rgb[~mask], page.rgb[~mask])
    again = native.upright(native.to_rgb(merged.pixels, mode, page.palette), orientation)
    assert np.array_equal(merged.rgb[mask], again[mask])


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "RGB;16", "CMYK"])
def test_greys_written_are_read_back(mode):
    page = _page(mode)
    grey = np.repeat(np.arange(63, dtype=np.uint8).reshape(9, 7, 1) * 4, 3, axis=2)
    merged = native.merge(page, grey, np.ones((9, 7), bool))
    assert np.array_equal(merged.rgb, grey)


def test_alpha_and_palette_entries():
    page = _page("RGBA")
    merged = native.merge(page, np.zeros_like(page.rgb), np.ones((9, 7), bool))
    assert np.array_equal(merged.pixels[..., 3], page.pixels[..., 3])
    assert not merged.pixels[..., :3].any()
    palette_page = _page("P")
    target = palette_page.palette[5]
    cleaned = np.broadcast_to(target, palette_page.rgb.shape).astype(np.uint8)
    chosen = native.merge(palette_page, cleaned, np.ones((9, 7), bool))
    assert np.array_equal(chosen.rgb, cleaned)


def test_a_transparent_entry_is_not_chosen_for_paint():
    palette = np.array([[255, 255, 255, 0], [250, 250, 250, 255]], np.uint8)
    pixels = np.ones((3, 3), np.uint8)
    page = Page(pixels, "P", native.to_rgb(pixels, "P", palette), palette)
    white = np.full((3, 3, 3), 255, np.uint8)
    merged = native.merge(page, white, np.ones((3, 3), bool))
    assert (merged.pixels == 1).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_what_pillow_does(orientation):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    image = Image.fromarray(array)
    exif = image.getexif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    with Image.open(stream) as opened:
        seen = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(native.upright(array, orientation), seen)
    assert np.array_equal(native.stored(seen, orientation), array)
    height, width = seen.shape
    ys, xs = np.mgrid[0:height, 0:width]
    points = np.stack([xs.ravel(), ys.ravel()], axis=1).astype(np.float32)
    back = native.points_stored(points, orientation, (width, height))
    assert np.array_equal(array[back[:, 1].astype(int), back[:, 0].astype(int)], seen.ravel())
    assert np.array_equal(native.points_upright(back, orientation, (width, height)), points)


def test_sixteen_bits_are_rounded_not_cut():
    pixels = np.array([[0, 128, 129, 65535]], np.uint16)
    assert native.to_rgb(pixels, "I;16")[0, :, 0].tolist() == [0, 0, 1, 255]


def test_half_transparent_black_is_grey_over_white():
    pixels = np.array([[[0, 0, 0, 128]]], np.uint8)
    assert native.to_rgb(pixels, "RGBA").tolist() == [[[127, 127, 127]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_is_stored_where_its_pixels_are(orientation):
    upright = np.zeros((7, 11), bool)
    upright[2:5, 3:9] = True
    x0, y0, x1, y1 = native.box_stored((3, 2, 9, 5), orientation, (11, 7))
    stored = native.stored(upright, orientation)
    expected = np.zeros_like(stored)
    expected[y0:y1, x0:x1] = True
    assert np.array_equal(stored, expected)
    assert native.box_upright((x0, y0, x1, y1), orientation, (11, 7)) == (3, 2, 9, 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_turns_with_all_that_it_tells(orientation):
    corners = np.array([[1, 1], [6, 1], [6, 4], [1, 4]], np.float32)
    region = Region(polygon=corners, lines=(corners + 1,)).with_(
        bubble=corners * 1.5, safe_box=(1, 2, 5, 4), safe_ellipse=(2, 2, 4, 4)
    )
    turned = native.region_stored(region, orientation, (11, 7))
    assert np.array_equal(turned.lines[0], native.points_stored(corners + 1, orientation, (11, 7)))
    assert turned.safe_box == native.box_stored((1, 2, 5, 4), orientation, (11, 7))
    back = native.region_upright(turned, orientation, (11, 7))
    for name in ("polygon", "bubble"):
        assert np.array_equal(getattr(back, name), getattr(region, name))
    assert np.array_equal(back.lines[0], region.lines[0])
    assert (back.safe_box, back.safe_ellipse) == (region.safe_box, region.safe_ellipse)
