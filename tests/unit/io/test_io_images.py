from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from io_samples import (
    HEIGHT,
    WIDTH,
    block_mask,
    changed_outside,
    cleaned,
    encoded,
    exif,
    noise,
    picture,
    rgb_profile,
    smooth,
)
from PIL import Image, PngImagePlugin

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    InputError,
    MaskError,
    PageError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io import images, open_source, read_image, write_image
from textclean.io.notes import collected_notes
from textclean.io.raster import LOSSLESS, WARNINGS, Raster
from textclean.io.scanlines import chunk, header, minimal_png
from textclean.io.wishes import with_wishes

if TYPE_CHECKING:
    from pathlib import Path

MASK = block_mask(HEIGHT, WIDTH)


def round_trip(data: bytes, expect: str) -> bytes:
    """Clean an image; what was written, checked."""
    before = read_image(data)
    assert before.mode == expect
    after_clean = cleaned(before, MASK, value=200)
    out = write_image(after_clean, MASK, data)
    after = read_image(out)
    assert changed_outside(before, after, MASK) == 0
    assert np.array_equal(after.pixels, after_clean.pixels)
    assert np.array_equal(after.rgb, after_clean.rgb)
    assert not np.array_equal(after.pixels, before.pixels)
    assert after.metadata.icc == before.metadata.icc
    assert after.metadata.exif == before.metadata.exif
    assert after.metadata.dpi == before.metadata.dpi
    assert after.metadata.orientation == before.metadata.orientation
    assert (before.palette is None) == (after.palette is None)
    if before.palette is not None:
        assert np.array_equal(before.palette, after.palette)
    return out


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


class TestPng:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_modes(self, mode: str) -> None:
        image = picture(mode)
        data = encoded(image, "PNG", dpi=(300, 300), icc_profile=rgb_profile())
        out = round_trip(data, mode)
        page = read_image(data)
        assert np.array_equal(page.pixels, np.asarray(image))
        assert page.metadata.icc == rgb_profile()
        assert page.metadata.dpi == pytest.approx((300, 300), abs=0.01)
        # A reader that is not ours agrees.
        with Image.open(io.BytesIO(out)) as again:
            assert again.mode == image.mode
            assert np.array_equal(np.asarray(again)[~MASK], np.asarray(image)[~MASK])

    @pytest.mark.parametrize("channels", [3, 4])
    def test_sixteen_bit_colour(self, channels: int) -> None:
        samples = noise(HEIGHT, WIDTH, channels, top=65536, dtype=np.uint16)
        data = cv2.imencode(".png", samples)[1].tobytes()
        out = round_trip(data, "RGB;16" if channels == 3 else "RGBA;16")
        order = [2, 1, 0, 3][:channels]
        assert np.array_equal(read_image(data).pixels, samples[..., order])
        again = cv2.imdecode(np.frombuffer(out, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(again[~MASK], samples[~MASK])

    def test_sixteen_bit_grey_with_alpha(self) -> None:
        samples = noise(HEIGHT, WIDTH, 2, top=65536, dtype=np.uint16)
        rows = samples.astype(">u2").tobytes()
        lines = b"".join(b"\0" + rows[y * WIDTH * 4 : (y + 1) * WIDTH * 4] for y in range(HEIGHT))
        data = minimal_png(header(WIDTH, HEIGHT, 16, 4), zlib.compress(lines))
        round_trip(data, "LA;16")
        assert np.array_equal(read_image(data).pixels, samples)

    @pytest.mark.parametrize("bits", [1, 2, 4])
    @pytest.mark.parametrize("color", [0, 3])
    def test_few_bits_keep_their_depth(self, bits: int, color: int) -> None:
        samples = noise(HEIGHT, WIDTH, top=2**bits)
        packed = np.packbits(
            np.unpackbits(samples[..., None], axis=2)[..., 8 - bits :].reshape(HEIGHT, -1), axis=1
        )
        lines = np.hstack([np.zeros((HEIGHT, 1), np.uint8), packed]).tobytes()
        plte = noise(3 * 2**bits, seed=5).tobytes() if color == 3 else b""
        data = minimal_png(header(WIDTH, HEIGHT, bits, color), zlib.compress(lines), plte)
        out = round_trip(data, "1" if (bits, color) == (1, 0) else "P")
        assert np.array_equal(read_image(data).pixels, samples)
        assert dict(png_chunks(out))[b"IHDR"][8:10] == bytes([bits, color])
        with Image.open(io.BytesIO(data)) as reference:
            assert np.array_equal(np.asarray(reference.convert("RGB")), read_image(data).rgb)

    @pytest.mark.parametrize("mode", ["1", "P", "L", "RGB", "I;16"])
    def test_interlaced(self, mode: str) -> None:
        plain = picture(mode, 13, 11)
        data = _interlaced(plain)
        page = read_image(data)
        assert np.array_equal(page.pixels, np.asarray(plain))
        mask = block_mask(11, 13)
        out = write_image(cleaned(page, mask), mask, data)
        assert changed_outside(page, read_image(out), mask) == 0

    def test_all_other_chunks_are_kept_byte_for_byte(self) -> None:
        info = PngImagePlugin.PngInfo()
        info.add_text("Title", "a page", zip=False)
        info.add_itxt("Description", "ページ", "ja", "説明")
        info.add(b"prVt", b"private \xff\x00")
        data = encoded(
            picture("RGB"), "PNG", pnginfo=info, exif=exif(1), icc_profile=rgb_profile(), dpi=(1, 2)
        )
        out = round_trip(data, "RGB")
        kept = [c for c in png_chunks(data) if c[0] != b"IDAT"]
        assert [c for c in png_chunks(out) if c[0] != b"IDAT"] == kept
        assert {b"tEXt", b"iTXt", b"eXIf", b"prVt", b"iCCP", b"pHYs"} <= {c[0] for c in kept}

    def test_palette_transparency_is_kept(self) -> None:
        image = picture("P")
        alpha = bytes(range(256))
        data = encoded(image, "PNG", transparency=alpha)
        out = round_trip(data, "P")
        assert read_image(out).palette[:, 3].tobytes() == alpha
        assert dict(png_chunks(out))[b"tRNS"] == dict(png_chunks(data))[b"tRNS"]

    def test_transparent_colour_is_shown_white(self) -> None:
        samples = noise(HEIGHT, WIDTH, 3)
        samples[5, 5] = samples[6, 7] = (10, 20, 30)
        data = encoded(Image.fromarray(samples), "PNG", transparency=(10, 20, 30))
        page = read_image(data)
        assert page.rgb[5, 5].tolist() == page.rgb[6, 7].tolist() == [255, 255, 255]
        assert page.pixels[5, 5].tolist() == [10, 20, 30]
        round_trip(data, "RGB")

    def test_animated_is_refused(self) -> None:
        data = encoded(picture("RGB"), "PNG", save_all=True, append_images=[picture("RGB", seed=1)])
        with pytest.raises(UnsupportedFormatError, match="animated"):
            read_image(data)

    def test_a_wrong_checksum_is_damage(self) -> None:
        data = bytearray(encoded(picture("RGB"), "PNG"))
        data[data.index(b"IDAT") + 100] ^= 1
        with pytest.raises(CorruptInputError, match="checksum"):
            read_image(bytes(data))

    @pytest.mark.parametrize("channels", [1, 3])
    def test_short_image_data_is_damage(
        self, channels: int, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for bits in (8, 16):
            ihdr = header(WIDTH, HEIGHT, bits, 0 if channels == 1 else 2)
            with pytest.raises(CorruptInputError):
                read_image(minimal_png(ihdr, zlib.compress(bytes(100))))
        assert capfd.readouterr().err == ""


class TestJpeg:
    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_tables_and_progression_are_kept(self, mode: str, progressive: bool) -> None:
        shape = (160, 200) if mode == "L" else (160, 200, len(mode))
        image = Image.frombytes(mode, (200, 160), smooth(*shape).tobytes())
        data = encoded(image, "JPEG", quality=81, progressive=progressive, dpi=(300, 300))
        page = read_image(data)
        assert page.mode == mode
        mask = block_mask(160, 200)
        out = write_image(cleaned(page, mask), mask, data)
        with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(out)) as b:
            assert a.quantization == b.quantization
            assert a.layer == b.layer
            assert a.info.get("progressive") == b.info.get("progressive")
            assert a.info.get("dpi") == b.info.get("dpi")
        again = read_image(out)
        far = np.ones_like(mask)
        far[mask.any(axis=1).nonzero()[0][0] - 32 : mask.any(axis=1).nonzero()[0][-1] + 33] = False
        difference = np.abs(again.pixels.astype(int) - page.pixels)[far]
        assert difference.max() <= 12
        assert difference.mean() < 0.3
        assert not page.metadata.extra[LOSSLESS]

    @pytest.mark.parametrize("sampling", [0, 1, 2])
    def test_sampling_is_kept(self, sampling: int) -> None:
        data = encoded(Image.fromarray(smooth(64, 64, 3)), "JPEG", subsampling=sampling)
        mask = block_mask(64, 64)
        out = write_image(cleaned(read_image(data), mask), mask, data)
        with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(out)) as b:
            assert a.layer == b.layer

    def test_metadata_segments_are_kept_byte_for_byte(self) -> None:
        data = encoded(
            Image.fromarray(smooth(64, 64, 3)),
            "JPEG",
            exif=b"Exif\0\0" + exif(6),
            icc_profile=rgb_profile() * 30,
            comment=b"scanned by hand",
            xmp=b"<x:xmpmeta/>",
            restart_marker_blocks=3,
        )
        page = read_image(data)
        assert page.metadata.orientation == 6
        assert page.metadata.icc == rgb_profile() * 30
        assert page.size == (64, 64)
        mask = block_mask(64, 64)
        out = write_image(cleaned(page, mask), mask, data)
        assert _metadata_segments(out) == _metadata_segments(data)
        assert len(_metadata_segments(data)) >= 5
        with Image.open(io.BytesIO(out)) as image:
            assert image.info["comment"] == b"scanned by hand"
        assert out.count(b"\xff\xdd\x00\x04") == 1

    def test_rgb_jpeg_stays_rgb(self) -> None:
        samples = smooth(64, 64, 3)
        data = encoded(Image.fromarray(samples), "JPEG", keep_rgb=True, quality=95)
        mask = block_mask(64, 64)
        page = read_image(data)
        assert np.abs(page.pixels.astype(int) - samples).max() < 16
        out = write_image(cleaned(page, mask), mask, data)
        with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(out)) as b:
            assert a.layer == b.layer
        assert np.abs(read_image(out).pixels.astype(int) - page.pixels)[~mask].max() < 90

    def test_what_follows_the_image_is_warned_of(self) -> None:
        data = encoded(Image.fromarray(smooth(64, 64)), "JPEG")
        assert read_image(data).metadata.extra[WARNINGS] == ()
        warnings = read_image(data + b"another image").metadata.extra[WARNINGS]
        assert any("follows the image" in line for line in warnings)

    def test_a_truncated_jpeg_is_not_loaded_by_half(self) -> None:
        data = encoded(Image.fromarray(smooth(160, 160, 3)), "JPEG", quality=95)
        for keep in (0.05, 0.3, 0.6, 0.95):
            with pytest.raises(CorruptInputError):
                read_image(data[: int(len(data) * keep)])

    def test_twelve_bit_and_lossless_frames_are_refused(self) -> None:
        data = bytearray(encoded(picture("L"), "JPEG"))
        frame = data.index(b"\xff\xc0")
        twelve = bytearray(data)
        twelve[frame + 4] = 12
        data[frame + 1] = 0xC3
        for broken in (twelve, data):
            with pytest.raises(UnsupportedFormatError, match="of a kind"):
                read_image(bytes(broken))


class TestWebp:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_lossless_stays_lossless(self, mode: str) -> None:
        image = picture(mode)
        options = {"exif": exif(8), "icc_profile": rgb_profile(), "xmp": b"<x/>"}
        data = encoded(image, "WEBP", lossless=True, exact=True, **options)
        out = round_trip(data, mode)
        assert b"VP8L" in out
        assert np.array_equal(read_image(data).pixels, np.asarray(image))
        assert read_image(data).metadata.orientation == 8
        assert _riff_chunks(data, b"VP8L") == _riff_chunks(out, b"VP8L")

    def test_lossless_without_metadata(self) -> None:
        round_trip(encoded(picture("RGB"), "WEBP", lossless=True), "RGB")

    def test_opaque_alpha_is_left_out(self) -> None:
        samples = noise(HEIGHT, WIDTH, 4)
        samples[..., 3] = 255
        data = encoded(Image.fromarray(samples), "WEBP", lossless=True, exact=True)
        round_trip(data, "RGB")

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    @pytest.mark.parametrize("profile", [False, True])
    def test_lossy_comes_back_lossless_and_says_so(self, mode: str, profile: bool) -> None:
        samples = smooth(96, 96, len(mode))
        options = {"icc_profile": rgb_profile()} if profile else {}
        data = encoded(Image.fromarray(samples), "WEBP", quality=80, **options)
        page = read_image(data)
        mask = block_mask(96, 96)
        with collected_notes() as notes:
            out = read_image(write_image(cleaned(page, mask), mask, data))
        assert any("comes back lossless" in line for line in notes)
        assert out.metadata.icc == page.metadata.icc
        assert changed_outside(page, out, mask) == 0

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_lossy_when_allowed_is_encoded_well_and_says_so(self, mode: str) -> None:
        samples = smooth(96, 96, len(mode))
        data = encoded(Image.fromarray(samples), "WEBP", quality=80, icc_profile=rgb_profile())
        page = with_wishes(read_image(data), allow_lossy=True)
        mask = block_mask(96, 96)
        with collected_notes() as notes:
            out = read_image(write_image(cleaned(page, mask), mask, data))
        assert any("pixels outside the mask changed" in line for line in notes)
        assert out.metadata.icc == rgb_profile()
        outside = np.abs(out.pixels.astype(int) - page.pixels)[~mask]
        assert outside.mean() < 2

    def test_animated_is_refused(self) -> None:
        frames = [picture("RGB", seed=seed) for seed in range(2)]
        data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
        with pytest.raises(UnsupportedFormatError, match="animated"):
            read_image(data)


class TestBmp:
    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
    def test_modes(self, mode: str) -> None:
        image = picture(mode)
        data = encoded(image, "BMP", dpi=(150, 150))
        out = round_trip(data, mode)
        assert np.array_equal(read_image(data).pixels, np.asarray(image))
        assert len(out) == len(data)
        with Image.open(io.BytesIO(out)) as again:
            assert np.array_equal(np.asarray(again)[~MASK], np.asarray(image)[~MASK])

    @pytest.mark.parametrize("top_down", [False, True])
    @pytest.mark.parametrize("alpha", [False, True])
    def test_thirty_two_bits(self, top_down: bool, alpha: bool) -> None:
        samples = noise(HEIGHT, WIDTH, 4)
        data = _bmp_fields(samples, (0xFF0000, 0xFF00, 0xFF, 0xFF000000 if alpha else 0), top_down)
        round_trip(data, "RGBA" if alpha else "RGB")
        expected = samples if alpha else samples[..., :3]
        assert np.array_equal(read_image(data).pixels, expected)

    def test_sixteen_bits_keep_what_is_not_touched(self) -> None:
        words = noise(HEIGHT, WIDTH, top=65536, dtype=np.uint16)
        padded = np.zeros((HEIGHT, (WIDTH + 1) // 2 * 2), np.uint16)
        padded[:, :WIDTH] = words
        fields = struct.pack("<IIII", 0xF800, 0x07E0, 0x001F, 0)
        info = struct.pack("<IiiHHIIiiII", 40, WIDTH, -HEIGHT, 1, 16, 3, 0, 0, 0, 0, 0)
        start = 14 + len(info) + 12
        body = padded.astype("<u2").tobytes()
        data = struct.pack("<2sIII", b"BM", start + len(body), 0, start) + info + fields[:12] + body
        page = read_image(data)
        with Image.open(io.BytesIO(data)) as reference:
            assert np.abs(page.pixels.astype(int) - np.asarray(reference)).max() <= 4
        out = write_image(cleaned(page, MASK), MASK, data)
        again = np.frombuffer(out[start:], "<u2").reshape(padded.shape)[:, :WIDTH]
        assert np.array_equal(again[~MASK], words[~MASK])
        assert (again[MASK] == 0xFFFF).all()

    def test_run_lengths_are_read_and_expanded(self) -> None:
        indices = np.repeat(noise(4, 8), 8, axis=1).repeat(4, axis=0)
        height, width = indices.shape
        rows = b"".join(
            b"".join(bytes([8, row[x]]) for x in range(0, width, 8)) + b"\0\0"
            for row in indices[::-1]
        )
        palette = noise(1024, seed=3).tobytes()
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows) + 2, 0, 0, 0, 0)
        start = 14 + 40 + 1024
        mark = struct.pack("<2sIII", b"BM", start + len(rows) + 2, 0, start)
        data = mark + info + palette + rows + b"\0\1"
        page = read_image(data)
        assert np.array_equal(page.pixels, indices)
        assert any("run-length" in line for line in page.metadata.extra[WARNINGS])
        mask = block_mask(height, width)
        out = write_image(cleaned(page, mask), mask, data)
        assert changed_outside(page, read_image(out), mask) == 0

    def test_alpha_that_is_zero_everywhere_is_none(self) -> None:
        samples = noise(HEIGHT, WIDTH, 4)
        samples[..., 3] = 0
        data = _bmp_fields(samples, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), False)
        round_trip(data, "RGB")


class TestBadInput:
    FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")

    @pytest.mark.parametrize("kind", FORMATS)
    def test_truncated(self, kind: str) -> None:
        data = encoded(Image.fromarray(smooth(96, 96, 3)), kind)
        for keep in (0.02, 0.1, 0.5, 0.9):
            with pytest.raises(InputError) as caught:
                read_image(data[: int(len(data) * keep)], "p.x", source="book")
            assert "\n" not in str(caught.value)
            assert str(caught.value).startswith("book, p.x: ")

    @pytest.mark.parametrize("kind", FORMATS)
    def test_damaged_anywhere_is_an_input_error_or_still_an_image(self, kind: str) -> None:
        data = encoded(picture("RGB", 24, 20), kind)
        random = np.random.default_rng(7)
        for _ in range(150):
            broken = bytearray(data)
            for _ in range(random.integers(1, 6)):
                broken[random.integers(len(broken))] = random.integers(256)
            try:
                page = read_image(bytes(broken), max_pixels=10**6)
            except InputError as error:
                assert error.message
            else:
                assert page.rgb.shape[2] == 3

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"", CorruptInputError),
            (b"\0", CorruptInputError),
            (b"this is a text and no image", CorruptInputError),
            (b"GIF89a" + bytes(40), UnsupportedFormatError),
            (b"%PDF-1.4\n", UnsupportedFormatError),
            (b"8BPS" + bytes(40), UnsupportedFormatError),
            (b"\0\0\0\x20ftypheic" + bytes(40), UnsupportedFormatError),
            (b"\x89PNG\r\n\x1a\n", CorruptInputError),
            (b"\xff\xd8\xff\xd9", CorruptInputError),
            (b"RIFF\x10\0\0\0WEBP", CorruptInputError),
            (b"II*\0\x08\0\0\0", CorruptInputError),
        ],
    )
    def test_what_is_no_image(self, data: bytes, error: type[InputError]) -> None:
        with pytest.raises(error) as caught:
            read_image(data)
        assert "\n" not in caught.value.message

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(FileAccessError, match="No such file"):
            read_image(tmp_path / "none.png")

    @pytest.mark.parametrize("width, height", [(0, 5), (5, 0)])
    def test_without_pixels(self, width: int, height: int) -> None:
        png = minimal_png(header(width, height, 8, 2), zlib.compress(b""))
        jpeg = bytearray(encoded(picture("L", 8, 8), "JPEG"))
        at = jpeg.index(b"\xff\xc0") + 5
        jpeg[at : at + 4] = struct.pack(">HH", height, width)
        bmp = bytearray(encoded(picture("L", 8, 8), "BMP"))
        bmp[18:26] = struct.pack("<ii", width, height)
        for data in (png, bytes(jpeg), bytes(bmp)):
            with pytest.raises(CorruptInputError, match=f"{width} x {height}"):
                read_image(data)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_one_pixel_is_a_page(self, kind: str) -> None:
        data = encoded(picture("RGB", 1, 1), kind)
        page = read_image(data)
        assert page.size == (1, 1)
        mask = np.ones((1, 1), bool)
        assert read_image(write_image(cleaned(page, mask), mask, data)).size == (1, 1)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_over_the_limit_is_refused_before_decoding(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = encoded(picture("RGB"), kind)
        monkeypatch.setattr("textclean.io.raster.Raster", _never)
        monkeypatch.setattr(Image.Image, "load", _never)
        monkeypatch.setattr(zlib, "decompressobj", _never)
        with pytest.raises(TooLargeError, match="was not decoded"):
            read_image(data, max_pixels=WIDTH * HEIGHT - 1)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
    def test_a_declared_giant_is_refused(self, kind: str) -> None:
        huge = 60_000
        if kind == "PNG":
            data = minimal_png(header(huge, huge, 8, 2), b"")
        elif kind == "JPEG":
            raw = bytearray(encoded(picture("L", 8, 8), "JPEG"))
            at = raw.index(b"\xff\xc0") + 5
            raw[at : at + 4] = struct.pack(">HH", huge, huge)
            data = bytes(raw)
        elif kind == "BMP":
            raw = bytearray(encoded(picture("L", 8, 8), "BMP"))
            raw[18:26] = struct.pack("<ii", huge, huge)
            data = bytes(raw)
        else:
            data = (
                encoded(picture("L", 8, 8), "TIFF")
                .replace(struct.pack("<HHII", 256, 4, 1, 8), struct.pack("<HHII", 256, 4, 1, huge))
                .replace(struct.pack("<HHII", 257, 4, 1, 8), struct.pack("<HHII", 257, 4, 1, huge))
            )
        with pytest.raises(TooLargeError, match="3,600,000,000"):
            read_image(data)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
    def test_the_decoders_own_limit_does_not_interfere(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = encoded(
            picture("RGB"), kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {})
        )
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        page = read_image(data)
        write_image(cleaned(page, MASK), MASK, data)

    def test_a_decoder_limit_that_cannot_be_avoided_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = encoded(picture("RGB"), "WEBP")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        with pytest.raises(TooLargeError, match="decoder"):
            read_image(data)


class TestWriting:
    def test_a_pixel_changed_outside_the_mask_is_noticed(self) -> None:
        data = encoded(picture("RGB"), "PNG")
        page = cleaned(read_image(data), MASK)
        wrong = MASK.copy()
        ys, xs = np.nonzero(MASK)
        wrong[ys[0], xs[0]] = False
        with pytest.raises(PageError, match="1 pixels outside the mask"):
            write_image(page, wrong, data)

    def test_a_mask_of_another_size_is_refused(self) -> None:
        data = encoded(picture("RGB"), "PNG")
        with pytest.raises(MaskError, match="mask"):
            write_image(read_image(data), MASK[:-1], data)
        with pytest.raises(MaskError, match="uint8"):
            write_image(read_image(data), MASK.astype(np.uint8), data)

    def test_a_page_of_another_mode_or_size_is_refused(self) -> None:
        data = encoded(picture("RGB"), "PNG")
        grey = read_image(encoded(picture("L"), "PNG"))
        with pytest.raises(UnsupportedFormatError, match="RGB"):
            write_image(grey, MASK, data)

    def test_pages_are_read_only(self) -> None:
        page = read_image(encoded(picture("RGB"), "PNG"))
        for array in (page.rgb, page.pixels):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 0

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation_turns_the_view_and_stays_in_the_file(self, orientation: int) -> None:
        image = Image.fromarray(noise(HEIGHT, WIDTH, 3))
        data = encoded(image, "PNG", exif=exif(orientation))
        page = read_image(data)
        turned = _transposed(image, orientation)
        assert np.array_equal(page.rgb, np.asarray(turned))
        out = read_image(write_image(cleaned(page, MASK), MASK, data))
        assert out.metadata.orientation == orientation
        assert changed_outside(page, out, MASK) == 0

    def test_the_same_bytes_every_time(self) -> None:
        for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
            data = encoded(picture("RGB"), kind)
            page = cleaned(read_image(data), MASK)
            assert write_image(page, MASK, data) == write_image(page, MASK, data)


def _never(*_: object, **__: object) -> None:
    raise AssertionError("this must not be called")


def _transposed(image: Image.Image, orientation: int) -> Image.Image:
    turn = Image.Transpose
    methods = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    return image.transpose(methods[orientation]) if orientation > 1 else image


def _interlaced(image: Image.Image) -> bytes:
    """An Adam7 PNG (PNG specification, section 8), every row unfiltered."""
    samples = np.asarray(image)
    height, width = samples.shape[:2]
    bits, color = {"1": (1, 0), "P": (8, 3), "L": (8, 0), "RGB": (8, 2), "I;16": (16, 0)}[
        image.mode
    ]
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2))  # fmt: skip
    out = b""
    for x, y, across, down in passes:
        part = samples[y::down, x::across]
        for row in part:
            if row.size:
                raw = np.packbits(row) if bits == 1 else row.astype(">u2" if bits == 16 else "u1")
                out += b"\0" + raw.tobytes()
    palette = bytes(image.getpalette() or b"") if image.mode == "P" else b""
    return minimal_png(header(width, height, bits, color, True), zlib.compress(out), palette)


def _metadata_segments(data: bytes) -> list[bytes]:
    found, at = [], 2
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE:
            found.append(data[at : at + 2 + length])
        at += 2 + length
    return found


def _riff_chunks(data: bytes, without: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 12
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return [c for c in found if c[0] != without]


def _bmp_fields(samples: np.ndarray, masks: tuple[int, ...], top_down: bool) -> bytes:
    """A version 4 BMP of 32-bit words from RGBA samples."""
    height, width = samples.shape[:2]
    bgra = samples[..., [2, 1, 0, 3]]
    body = (bgra if top_down else bgra[::-1]).tobytes()
    size = -height if top_down else height
    info = struct.pack("<IiiHHIIiiII", 108, width, size, 1, 32, 3, len(body), 0, 0, 0, 0)
    info += struct.pack("<IIII", *masks) + bytes(52)
    start = 14 + len(info)
    return struct.pack("<2sIII", b"BM", start + len(body), 0, start) + info + body


def test_chunk_is_what_a_png_reader_expects() -> None:
    data = minimal_png(header(1, 1, 8, 0), zlib.compress(b"\0\x80"))
    assert chunk(b"IEND", b"") == data[-12:]
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpixel((0, 0)) == 128


def test_a_page_that_is_still_held_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        encoded(Image.fromarray(smooth(40, 40, 3, seed=seed)), "PNG") for seed in (1, 2)
    )
    path = tmp_path / "page.png"
    path.write_bytes(first)
    decoded: list[bytes] = []

    def counted(data: bytes, max_pixels: int) -> Raster:
        decoded.append(data)
        return decode(data, max_pixels)

    decode = images.decode_image
    monkeypatch.setattr(images, "decode_image", counted)
    with open_source(path) as source:
        entry = source.entries[0]
        page = entry.load()
        mask = np.zeros((40, 40), bool)
        mask[3:9, 3:9] = True
        new = cleaned(page, mask)
        out = entry.encode(new, mask)
        assert decoded == [first, out]
        # Another file under the same name is not taken for the one that was loaded.
        path.write_bytes(second)
        with pytest.raises(PageError, match="outside the mask"):
            entry.encode(new, mask)
