"""clean_page and inpaint_page: any kind of picture in, the same kind out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, SeesGhosts, encoded, lettered, write_archive
from PIL import Image as PILImage

from textclean import clean_page, inpaint_page, make_cleaner, make_options
from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    InputError,
    MaskError,
    OptionsError,
    ResidualTextError,
    TooLargeError,
    UnknownNameError,
    UnsupportedFormatError,
    UsageError,
)
from textclean.io import save_mask

if TYPE_CHECKING:
    from pathlib import Path

    from textclean import PageResult

INK_LEFT = 60  # levels; the fakes' lettering is far darker than anything it is replaced by


def _clean(page: Any, **options: Any) -> PageResult:
    return clean_page(
        page,
        **{"detector": FakeDetector(), "inpainter": FakeInpainter(), **options},
    )


def _array(dtype: type[np.generic], channels: int) -> np.ndarray[Any, Any]:
    pixels = np.asarray(lettered(mode="RGB" if channels == 3 else "L"))
    return pixels.astype(np.uint16) * np.uint16(257) if dtype is np.uint16 else pixels.copy()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_comes_back_as_it_was(dtype: type[np.generic], channels: int) -> None:
    page = _array(dtype, channels)
    before = page.copy()
    result = _clean(page)
    image = result.image
    assert isinstance(image, np.ndarray)
    assert (image.dtype, image.shape) == (page.dtype, page.shape)
    assert np.array_equal(page, before), "the caller's array was changed"
    assert page.flags.writeable
    assert result.changed
    assert np.array_equal(image[~result.mask], before[~result.mask])
    scale = np.iinfo(page.dtype).max / 255
    assert image.min() / scale > INK_LEFT


def test_arrays_that_are_views_or_big_endian() -> None:
    page = _array(np.uint16, 1)
    turned = np.asfortranarray(page)
    swapped = page.astype(">u2")
    frozen = page.copy()
    frozen.flags.writeable = False
    first = _clean(page)
    for other in (turned, swapped, frozen, np.repeat(page, 2, axis=1)[:, ::2]):
        result = _clean(other)
        assert np.array_equal(result.image, first.image)
        assert np.array_equal(result.mask, first.mask)


@pytest.mark.parametrize(
    "page",
    [
        np.zeros((20, 30), np.float32),
        np.zeros((20, 30), bool),
        np.zeros((20, 30, 3), np.int32),
        np.zeros((20, 30, 1), np.uint8),
        np.zeros((20, 30, 4), np.uint8),
        np.zeros((2, 20, 30, 3), np.uint8),
        np.zeros(30, np.uint8),
        np.zeros((), np.uint8),
        np.zeros((20, 30), object),
    ],
    ids=lambda page: f"{page.dtype}{page.shape}",
)
def test_arrays_that_are_no_pages(page: np.ndarray[Any, Any]) -> None:
    with pytest.raises(UnsupportedFormatError, match="the array is"):
        _clean(page)


@pytest.mark.parametrize("shape", [(0, 20), (20, 0), (0, 0, 3)])
def test_arrays_without_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="nothing in it"):
        _clean(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 300), (15, 15)])
def test_tiny_pages_come_back_untouched(shape: tuple[int, ...]) -> None:
    page = np.full(shape, 200, np.uint8)
    result = clean_page(page, inpainter=FakeInpainter())
    assert not result.changed
    assert np.array_equal(result.image, page)


@pytest.mark.parametrize("page", [None, 3, b"page.png", [[1, 2], [3, 4]], object()])
def test_what_is_no_picture_at_all(page: Any) -> None:
    with pytest.raises(UsageError, match="a page cannot be made of"):
        _clean(page)


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16"]


def _image(mode: str) -> PILImage.Image:
    grey = lettered(mode="L")
    if mode == "I;16":
        return PILImage.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    if mode in ("P", "PA"):
        image = lettered().quantize(16)
        return image if mode == "P" else image.convert("PA")
    return lettered(mode=mode)


def test_black_and_white_of_pillow_is_seen_as_black_and_white() -> None:
    """Its bools are bytes of 0 and 255."""
    shown: list[np.ndarray[Any, Any]] = []
    detector = FakeDetector(on_page=lambda page: shown.append(page.rgb))
    image = _image("1")
    result = _clean(image, detector=detector, ink=False)
    assert np.array_equal(shown[0], np.array(image.convert("RGB")))
    assert np.asarray(result.page.pixels).view(np.uint8).max() == 1
    mask = np.array(PILImage.fromarray(np.eye(120, 160) > 0))
    assert mask.view(np.uint8).max() == 255
    filled = inpaint_page(_image("RGB"), mask, inpainter=FakeInpainter((9, 9, 9)))
    assert filled.mask.view(np.uint8).max() == 1 and np.array_equal(filled.mask, mask)
    assert (np.array(filled.image)[mask] == 9).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_pillow_image_comes_back_as_it_was(mode: str) -> None:
    page = _image(mode)
    page.info["dpi"] = (300, 300)
    page.info["icc_profile"] = b"not looked into"
    before = np.array(page)
    result = _clean(page, ink=False)  # dithering is no lettering, as it would see
    image = result.image
    assert isinstance(image, PILImage.Image)
    assert (image.mode, image.size) == (mode, page.size)
    assert image.info["dpi"] == (300, 300)
    assert image.info["icc_profile"] == b"not looked into"
    assert np.array_equal(np.array(page), before)
    after = np.array(image)
    assert result.changed
    assert np.array_equal(after[~result.mask], before[~result.mask])
    if mode in ("P", "PA"):
        assert image.getpalette() == page.getpalette()
    assert np.asarray(image.convert("L") if mode != "I;16" else after / 257).min() > INK_LEFT


@pytest.mark.parametrize("mode", ["F", "I", "YCbCr", "HSV", "LAB"])
def test_pillow_modes_that_are_not_handled(mode: str) -> None:
    page = PILImage.new(mode, (30, 20))
    with pytest.raises(UnsupportedFormatError, match=f"mode {mode}") as caught:
        _clean(page)
    assert "convert" in (caught.value.remedy or "")


def test_a_transparent_palette_is_kept() -> None:
    page = lettered().quantize(16)
    page.info["transparency"] = bytes(range(0, 256, 16))
    image = _clean(page).image
    assert image.info["transparency"] == page.info["transparency"]


def test_transparent_pixels_are_seen_over_white() -> None:
    """Lettering of the colour that the image declares transparent is not there to be seen."""
    page = PILImage.fromarray(np.where(np.asarray(lettered(mode="L")) < 90, 10, 255).astype("u1"))
    page.info["transparency"] = 10
    assert not _clean(page).changed
    assert _clean(page.copy().convert("RGB")).regions == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured_and_kept(orientation: int) -> None:
    page = lettered(160, 120)
    page.getexif()[0x0112] = orientation
    result = _clean(page)
    assert result.page.size == ((160, 120) if orientation < 5 else (120, 160))
    assert result.mask.shape == (120, 160)
    assert result.image.getexif().get(0x0112, 1) == orientation
    plain = _clean(lettered(160, 120))
    assert (result.mask & plain.mask).sum() > 0.9 * plain.mask.sum()


def test_an_orientation_in_the_exif_block_is_kept() -> None:
    exif = PILImage.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    lettered().save(out, "PNG", exif=exif)
    page = PILImage.open(out)
    result = _clean(page)
    assert result.page.size == (120, 160)
    assert result.image.info["exif"] == page.info["exif"]


def test_a_path_gives_a_pillow_image(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    lettered().save(path, dpi=(300, 300))
    for given in (path, str(path)):
        result = _clean(given)
        assert isinstance(result.image, PILImage.Image)
        assert result.image.mode == "RGB"
        assert result.image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert result.page.name == "page.png"
    assert np.array_equal(np.asarray(result.image), _clean(lettered()).image)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA"])
def test_a_path_keeps_the_mode(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "page.png"
    _image(mode).save(path)
    image = _clean(path).image
    with PILImage.open(path) as saved:
        assert image.mode == saved.mode
        if mode == "P":
            assert image.getpalette() == saved.getpalette()


def test_a_path_to_what_pillow_cannot_hold_gives_an_array(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), _array(np.uint16, 3))
    image = _clean(path).image
    assert isinstance(image, np.ndarray)
    assert image.dtype == np.uint16
    assert image.shape == (120, 160, 3)


def test_a_document_of_several_pages_is_no_page(tmp_path: Path) -> None:
    data = encoded(lettered())
    one = write_archive(tmp_path / "one.cbz", {"a.png": data})
    two = write_archive(tmp_path / "two.cbz", {"a.png": data, "b.png": data})
    assert _clean(one).changed
    with pytest.raises(OptionsError, match="2 pages") as caught:
        _clean(two)
    assert "clean_document" in (caught.value.remedy or "")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="No such file"):
        _clean(tmp_path / "missing.png")


def test_a_truncated_pillow_image(tmp_path: Path) -> None:
    """Pillow decodes what it has opened only when it is used, which is our turn."""
    path = tmp_path / "cut.png"
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    path.write_bytes(encoded(PILImage.fromarray(noise))[:5000])
    with PILImage.open(path) as page, pytest.raises(CorruptInputError, match="damaged or cut off"):
        _clean(page)


def test_pages_over_the_limit_are_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(encoded(lettered(400, 300)))
    for page in (np.zeros((300, 400), np.uint8), lettered(400, 300), path):
        with pytest.raises(TooLargeError, match="400 x 300"):
            _clean(page, max_pixels=100_000)
    # Cut off behind its header: only the limit can have refused it.
    path.write_bytes(path.read_bytes()[:200])
    with PILImage.open(path) as opened, pytest.raises(TooLargeError):
        _clean(opened, max_pixels=100_000)


def test_names_and_objects(fake_names: tuple[FakeDetector, FakeInpainter]) -> None:
    detector, _ = fake_names
    by_name = clean_page(lettered(), detector="fake", inpainter="fake")
    assert detector.pages
    by_object = _clean(lettered())
    assert by_name.changed
    assert np.array_equal(np.asarray(by_name.image), np.asarray(by_object.image))
    assert by_name.versions["detector"] == "fake"
    assert by_object.versions["detector"] == "FakeDetector"
    assert by_object.versions["detection_weights"] == "fake.onnx"
    assert by_object.versions["textclean"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"detector": "nobody"}, UnknownNameError),
        ({"inpainter": "nobody"}, UnknownNameError),
        ({"profile": "novel"}, UnknownNameError),
        ({"brightness": 3}, UnknownNameError),
        ({"only": "poem"}, UnknownNameError),
        ({"detector": 7}, UsageError),
        ({"inpainter": 7}, UsageError),
        ({"verify": 99}, OptionsError),
        ({"only": "sfx", "except_": "sign"}, OptionsError),
        ({"keep_text": "("}, OptionsError),
    ],
)
def test_wrong_calls(options: dict[str, Any], error: type[UsageError]) -> None:
    with pytest.raises(error):
        _clean(lettered(), **options)


def test_what_the_options_keep_is_kept() -> None:
    result = _clean(lettered(), only="sfx")
    assert [region.action for region in result.regions] == ["keep"]
    assert "sfx" in result.regions[0].reason
    assert not result.changed
    assert not _clean(lettered(), min_score=0.95).changed
    assert not _clean(lettered(), except_=["free", "bubble", "caption"]).changed
    assert _clean(lettered(), except_=["sfx"]).changed


def test_strict_refuses_what_is_left() -> None:
    result = _clean(lettered(), detector=SeesGhosts(), verify=1)
    assert result.residual
    with pytest.raises(ResidualTextError, match="1 region ") as caught:
        _clean(lettered(), detector=SeesGhosts(), verify=1, strict=True)
    assert caught.value.exit_code == 6
    assert not _clean(lettered(), strict=True).residual


def test_a_cleaner_is_used_again() -> None:
    from textclean.types import Page

    detector = FakeDetector()
    cleaner = make_cleaner(detector=detector, inpainter=FakeInpainter())
    pages = [np.asarray(lettered(text=text)) for text in ("ONE", "TWO", "")]
    results = [cleaner.clean(Page.from_rgb(page)) for page in pages]
    assert [result.changed for result in results] == [True, True, False]
    again = cleaner.clean(Page.from_rgb(pages[0]))
    assert np.array_equal(again.page.pixels, results[0].page.pixels)


@pytest.mark.parametrize(("text", "sfx", "asked"), [
    ("", "keep", 0), ("", "remove", 1), ("ONE", "keep", 1), ("ONE", "remove", 1),
])  # fmt: skip
def test_a_page_without_text_costs_the_detector_alone(text: str, sfx: str, asked: int) -> None:
    from textclean.ink_map import PLANES, InkMap
    from textclean.types import Page

    seen: list[tuple[int, ...]] = []

    def reader(image: np.ndarray[Any, Any]) -> InkMap:
        seen.append(image.shape)
        return InkMap(np.zeros((PLANES, *image.shape[:2]), np.uint8))

    cleaner = make_cleaner(
        make_options(sfx=sfx), detector=FakeDetector(), inpainter=FakeInpainter(), reader=reader
    )
    result = cleaner.clean(Page.from_rgb(np.asarray(lettered(text=text).convert("RGB"))))
    assert len(seen) == asked
    assert result.changed == bool(text)


def test_the_options_of_a_cleaner_are_its_own() -> None:
    cleaner = make_cleaner(
        make_options("comic", min_score=0.5), detector=FakeDetector(), inpainter=FakeInpainter()
    )
    assert cleaner.options.profile == "comic"
    assert cleaner.options.min_score == 0.5


class TestInpaintPage:
    def test_fills_the_mask_and_nothing_else(self) -> None:
        page = np.asarray(lettered())
        mask = np.zeros(page.shape[:2], bool)
        mask[50:60, 40:70] = True
        result = inpaint_page(page, mask, inpainter=FakeInpainter((1, 2, 3)))
        assert (result.image[mask] == (1, 2, 3)).all()
        assert np.array_equal(result.image[~mask], page[~mask])
        assert np.array_equal(result.mask, mask)
        assert result.regions == ()

    @pytest.mark.parametrize(
        "mask",
        [np.zeros((120, 161), bool), np.zeros((160, 120), bool), np.zeros((120, 160), np.uint8)],
    )
    def test_refuses_a_mask_of_another_page(self, mask: np.ndarray[Any, Any]) -> None:
        with pytest.raises(MaskError):
            inpaint_page(lettered(), mask, inpainter=FakeInpainter())

    @pytest.mark.parametrize("orientation", [1, 3, 6, 8])
    def test_a_mask_in_a_file_is_drawn_on_the_page_as_it_is_seen(
        self, tmp_path: Path, orientation: int
    ) -> None:
        page = lettered(160, 120)
        page.getexif()[0x0112] = orientation
        stored = np.zeros((120, 160), bool)
        stored[10:20, 100:140] = True
        path = tmp_path / "mask.png"
        path.write_bytes(save_mask(stored, orientation))
        result = inpaint_page(page, path, inpainter=FakeInpainter())
        assert np.array_equal(result.mask, stored)

    def test_needs_no_detector(self) -> None:
        result = inpaint_page(
            lettered(), np.zeros((120, 160), bool), inpainter=FakeInpainter(), detector="nobody"
        )
        assert not result.changed
