from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from io_samples import (
    HEIGHT,
    WIDTH,
    block_mask,
    cleaned,
    encoded,
    exif,
    noise,
    picture,
    rgb_profile,
)
from PIL import Image

from textclean.errors import CorruptInputError, FileAccessError, MaskError, TooLargeError
from textclean.io import read_image, read_mask, save_mask, save_patch
from textclean.native import stored, upright

if TYPE_CHECKING:
    from pathlib import Path

MASK = block_mask(HEIGHT, WIDTH)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


class TestPatch:
    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
    def test_shows_the_mask_and_nothing_else(self, mode: str) -> None:
        page = cleaned(read_image(encoded(picture(mode), "PNG")), MASK, value=200)
        image = decoded(save_patch(page, MASK))
        samples = np.asarray(image)
        assert image.mode == "RGBA"
        assert np.array_equal(samples[..., 3], np.where(MASK, 255, 0))
        assert np.array_equal(samples[MASK, :3], page.rgb[MASK])
        assert (samples[~MASK] == 0).all()

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_is_upright(self, orientation: int) -> None:
        data = encoded(picture("RGB"), "PNG", exif=exif(orientation), dpi=(300, 200))
        page = read_image(data)
        image = decoded(save_patch(page, MASK))
        assert image.size == page.size
        samples = np.asarray(image)
        assert np.array_equal(samples[..., 3] == 255, upright(MASK, orientation))
        assert np.array_equal(stored(samples, orientation)[MASK, :3], page.pixels[MASK])
        expected = (300, 200) if orientation < 5 else (200, 300)
        assert image.info["dpi"] == pytest.approx(expected, abs=0.02)

    def test_laid_over_the_original_it_gives_the_cleaned_page(self) -> None:
        original = picture("RGB")
        page = cleaned(read_image(encoded(original, "PNG")), MASK, value=77)
        over = Image.alpha_composite(original.convert("RGBA"), decoded(save_patch(page, MASK)))
        assert np.array_equal(np.asarray(over)[..., :3], page.rgb)

    def test_profile(self) -> None:
        page = read_image(encoded(picture("RGB"), "PNG", icc_profile=rgb_profile()))
        assert decoded(save_patch(page, MASK)).info["icc_profile"] == rgb_profile()
        grey = rgb_profile()[:16] + b"GRAY" + rgb_profile()[20:]
        page = read_image(encoded(picture("L"), "PNG", icc_profile=grey))
        assert "icc_profile" not in decoded(save_patch(page, MASK)).info

    def test_another_size_is_refused(self) -> None:
        with pytest.raises(MaskError, match="page as stored"):
            save_patch(read_image(encoded(picture("RGB"), "PNG")), MASK.T)


class TestMask:
    def test_comes_back_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "mask.png"
        path.write_bytes(save_mask(MASK))
        assert decoded(path.read_bytes()).mode == "L"
        mask = read_mask(path, (WIDTH, HEIGHT))
        assert mask.dtype == bool
        assert np.array_equal(mask, MASK)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_stored_mask_is_written_upright(self, tmp_path: Path, orientation: int) -> None:
        (tmp_path / "mask.png").write_bytes(save_mask(MASK, orientation))
        expected = upright(MASK, orientation)
        size = expected.shape[1], expected.shape[0]
        assert np.array_equal(read_mask(tmp_path / "mask.png", size), expected)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
    def test_any_format(self, tmp_path: Path, kind: str) -> None:
        coarse = np.kron(noise(5, 6, seed=2) > 127, np.ones((16, 16))).astype(bool)
        image = Image.fromarray(coarse.astype(np.uint8) * 255).convert("RGB")
        (tmp_path / "mask").write_bytes(encoded(image, kind))
        assert np.array_equal(read_mask(tmp_path / "mask", (96, 80)), coarse)

    @pytest.mark.parametrize("mode", ["1", "L", "I;16"])
    def test_light_is_removed(self, tmp_path: Path, mode: str) -> None:
        image = picture(mode)
        (tmp_path / "mask.png").write_bytes(encoded(image, "PNG"))
        samples = np.asarray(image)
        light = samples if mode == "1" else samples >= (128 if mode == "L" else 32832)
        agree = read_mask(tmp_path / "mask.png", (WIDTH, HEIGHT)) == light
        assert agree.mean() > 0.995

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    @pytest.mark.parametrize("color", [0, 255])
    def test_what_is_painted_on_a_transparent_layer_is_removed(
        self, tmp_path: Path, mode: str, color: int
    ) -> None:
        samples = np.zeros((HEIGHT, WIDTH, len(mode)), np.uint8)
        samples[MASK] = (*[color] * (len(mode) - 1), 255)
        image = Image.frombytes(mode, (WIDTH, HEIGHT), samples.tobytes())
        (tmp_path / "mask.png").write_bytes(encoded(image, "PNG"))
        assert np.array_equal(read_mask(tmp_path / "mask.png", (WIDTH, HEIGHT)), MASK)

    def test_opaque_alpha_does_not_count(self, tmp_path: Path) -> None:
        grey = np.where(MASK, 255, 0).astype(np.uint8)
        samples = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
        (tmp_path / "mask.png").write_bytes(encoded(Image.fromarray(samples), "PNG"))
        assert np.array_equal(read_mask(tmp_path / "mask.png", (WIDTH, HEIGHT)), MASK)

    def test_a_palette_with_a_transparent_colour(self, tmp_path: Path) -> None:
        image = Image.frombytes("P", (WIDTH, HEIGHT), MASK.astype(np.uint8).tobytes())
        image.putpalette([255, 255, 255, 0, 0, 0])
        (tmp_path / "mask.png").write_bytes(encoded(image, "PNG", transparency=0))
        assert np.array_equal(read_mask(tmp_path / "mask.png", (WIDTH, HEIGHT)), MASK)

    def test_a_colour_that_is_declared_transparent(self, tmp_path: Path) -> None:
        grey = Image.fromarray(np.where(MASK, 40, 7).astype(np.uint8))
        (tmp_path / "mask.png").write_bytes(encoded(grey, "PNG", transparency=7))
        assert np.array_equal(read_mask(tmp_path / "mask.png", (WIDTH, HEIGHT)), MASK)

    def test_another_size_names_both(self, tmp_path: Path) -> None:
        path = tmp_path / "mask.png"
        path.write_bytes(save_mask(MASK))
        with pytest.raises(MaskError, match=f"{WIDTH} x {HEIGHT}.*{HEIGHT} x {WIDTH}") as caught:
            read_mask(path, (HEIGHT, WIDTH))
        assert caught.value.source == str(path)

    def test_bad_files(self, tmp_path: Path) -> None:
        path = tmp_path / "mask.png"
        with pytest.raises(FileAccessError):
            read_mask(path, (1, 1))
        path.write_bytes(b"garbage")
        with pytest.raises(CorruptInputError) as caught:
            read_mask(path, (1, 1))
        assert caught.value.source == str(path)
        path.write_bytes(save_mask(MASK))
        with pytest.raises(TooLargeError):
            read_mask(path, (WIDTH, HEIGHT), max_pixels=10)
