"""JPEG 2000, AVIF, JPEG XL and WebP: lossless by default, lossy when that is allowed; palettes."""

from __future__ import annotations

import builtins
import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from PIL import Image, features

from textclean.errors import (
    CorruptInputError,
    InputError,
    MissingExtraError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io import open_sink, open_source, read_image, write_image
from textclean.io.boxes import FileBox, read_boxes
from textclean.io.jxl_header import read_header
from textclean.io.notes import collected_notes
from textclean.io.sniff import sniff
from textclean.io.wishes import with_wishes

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Mask, Page

MASK = block_mask(HEIGHT, WIDTH)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")


def codecs() -> Any:
    return pytest.importorskip("imagecodecs")


def samples_of(mode: str) -> Any:
    channels = len(mode.removesuffix(";16").replace("I", "L"))
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    samples = smooth(*shape)
    return samples.astype(np.uint16) * 257 if mode.endswith(";16") else samples


def codestream(data: bytes) -> bytes:
    """What is in the boxes of a JPEG XL, or all of one without boxes."""
    if data.startswith(b"\xff\x0a"):
        return data
    return next(box.data for box in read_boxes(data, "") if box.kind == b"jxlc")


def jp2(mode: str = "RGB", **options: Any) -> bytes:
    samples = samples_of(mode)
    if mode == "I;16":
        return encoded(Image.fromarray(samples), "JPEG2000", **options)
    image = Image.frombytes(mode, (WIDTH, HEIGHT), samples.tobytes())
    return encoded(image, "JPEG2000", **options)


def write(data: bytes, mask: Mask = MASK, **wishes: bool) -> tuple[Page, Page, bytes, list[str]]:
    """The page before, after, the new file and what was noted of it."""
    before = with_wishes(read_image(data), **wishes)
    with collected_notes() as notes:
        out = write_image(cleaned(before, mask, 90), mask, data)
    return before, read_image(out), out, notes


class TestJpeg2000:
    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
    @pytest.mark.parametrize("irreversible", [False, True])
    def test_nothing_outside_the_mask_changes(self, mode: str, irreversible: bool) -> None:
        data = jp2(mode, irreversible=irreversible)
        before, after, _, notes = write(data)
        assert before.mode == mode
        assert changed_outside(before, after, MASK) == 0
        assert not np.array_equal(before.pixels, after.pixels)
        assert any("comes back lossless" in line for line in notes) == irreversible

    def test_boxes_and_coding_are_kept(self) -> None:
        data = jp2("RGB", tile_size=(32, 32), num_resolutions=3, progression="RPCL")
        extra = FileBox(b"xml ", b"<about/>").raw
        resolution = struct.pack(">HHHHbb", 11811, 1, 5906, 1, 0, 0)
        boxes = read_boxes(data, "")
        header = next(b for b in boxes if b.kind == b"jp2h")
        wide = FileBox(
            b"jp2h", header.data + FileBox(b"res ", FileBox(b"resc", resolution).raw).raw
        )
        marked = b"".join((wide if b.kind == b"jp2h" else b).raw for b in boxes) + extra
        before, after, out, _ = write(marked)
        assert before.metadata.dpi == pytest.approx((150, 300), rel=1e-3)
        assert after.metadata.dpi == before.metadata.dpi
        kinds = [box for box in read_boxes(out, "") if box.kind != b"jp2c"]
        assert kinds == [box for box in read_boxes(marked, "") if box.kind != b"jp2c"]
        stream, new = (
            next(b.data for b in read_boxes(d, "") if b.kind == b"jp2c") for d in (marked, out)
        )
        assert stream[:45] == new[:45]
        at, other = stream.index(b"\xff\x52"), new.index(b"\xff\x52")
        assert stream[at : at + 12] == new[other : other + 12]

    def test_a_bare_codestream_stays_bare(self) -> None:
        data = jp2("RGB", no_jp2=True)
        before, after, out, _ = write(data)
        assert out.startswith(b"\xff\x4f\xff\x51")
        assert changed_outside(before, after, MASK) == 0

    def test_lossy_when_allowed_says_how_much_changed(self) -> None:
        data = jp2("RGB", irreversible=True)
        before, after, _, notes = write(data, allow_lossy=True)
        count = changed_outside(before, after, MASK)
        assert count > 0
        assert any(f"{count:,} of" in line for line in notes)

    def test_lossless_stays_so_even_where_lossy_is_allowed(self) -> None:
        before, after, _, notes = write(jp2("RGB"), allow_lossy=True)
        assert changed_outside(before, after, MASK) == 0
        assert notes == []

    @pytest.mark.parametrize(("space", "why"), [(12, "CMYK"), (18, "YCC")])
    def test_other_colours_are_refused(self, space: int, why: str) -> None:
        data = jp2("RGB")
        at = data.index(b"colr") + 7
        with pytest.raises(UnsupportedFormatError, match=why):
            read_image(data[:at] + struct.pack(">I", space) + data[at + 4 :])

    def test_over_the_limit_is_refused_before_decoding(self) -> None:
        with pytest.raises(TooLargeError, match="was not decoded"):
            read_image(jp2("L"), max_pixels=10)


@needs_avif
class TestAvif:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_lossless(self, mode: str) -> None:
        codecs()
        data = encoded(Image.fromarray(samples_of(mode)), "AVIF", quality=70)
        before, after, out, notes = write(data)
        assert changed_outside(before, after, MASK) == 0
        assert sniff(out) == "avif"
        assert any("comes back lossless" in line for line in notes)

    def test_metadata_that_would_be_lost_is_a_named_refusal(self) -> None:
        data = encoded(Image.fromarray(samples_of("RGB")), "AVIF", icc_profile=rgb_profile())
        with pytest.raises(UnsupportedFormatError, match="colour profile") as caught:
            write(data)
        assert "--allow-lossy" in (caught.value.remedy or "")

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_lossy_keeps_the_metadata(self, orientation: int) -> None:
        about = {"icc_profile": rgb_profile(), "exif": b"Exif\0\0" + exif(orientation)}
        data = encoded(Image.fromarray(samples_of("RGB")), "AVIF", **about)
        before = read_image(data)
        assert before.metadata.orientation == orientation
        before, after, _, notes = write(data, allow_lossy=True)
        a, b = before.metadata, after.metadata
        assert (a.icc, a.orientation, a.dpi) == (b.icc, b.orientation, b.dpi)
        assert any("pixels outside the mask" in line for line in notes)

    def test_more_than_eight_bits_are_refused(self) -> None:
        deep = samples_of("RGB").astype(np.uint16) * 4
        data = codecs().avif_encode(deep, level=90, bitspersample=10)
        with pytest.raises(UnsupportedFormatError, match="10 or 12 bits"):
            read_image(bytes(data))

    def test_without_a_reader_the_line_that_helps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = encoded(Image.fromarray(samples_of("RGB")), "AVIF")
        monkeypatch.setattr(features, "check", lambda _: False)
        with pytest.raises(MissingExtraError, match=r"Pillow 11\.3") as caught:
            read_image(data)
        assert "pip install 'textclean[avif]'" in (caught.value.remedy or "")


class TestJpegXl:
    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "RGB;16"])
    def test_lossless(self, mode: str) -> None:
        data = codecs().jpegxl_encode(samples_of(mode), lossless=True)
        before, after, _, notes = write(data)
        assert before.mode == mode
        assert np.array_equal(before.pixels, samples_of(mode))
        assert changed_outside(before, after, MASK) == 0
        assert notes == []

    @pytest.mark.parametrize("allow", [False, True])
    def test_lossy(self, allow: bool) -> None:
        data = codecs().jpegxl_encode(samples_of("RGB"), distance=1.0)
        assert read_header(data).lossy
        before, after, _, notes = write(data, allow_lossy=allow)
        assert (changed_outside(before, after, MASK) > 0) == allow
        assert any("comes back lossless" in line for line in notes) != allow

    def test_boxes_are_kept_but_not_the_jpeg_in_it(self) -> None:
        stream = codecs().jpegxl_encode(samples_of("RGB"), lossless=True)
        mark = b"\0\0\0\x0cJXL \r\n\x87\n"
        block = FileBox(b"Exif", b"\0\0\0\0" + exif(1))
        boxes = [
            FileBox(b"ftyp", b"jxl \0\0\0\0jxl "), block,
            FileBox(b"jxlp", b"\0\0\0\0" + stream[:9]),
            FileBox(b"xml ", b"<x/>"), FileBox(b"jbrd", b"jpeg"),
            FileBox(b"jxlp", b"\x80\0\0\1" + stream[9:]),
        ]  # fmt: skip
        data = mark + b"".join(box.raw for box in boxes)
        before, after, out, _ = write(data)
        assert before.metadata.exif == after.metadata.exif == exif(1)
        assert changed_outside(before, after, MASK) == 0
        kinds = [box.kind for box in read_boxes(out, "")]
        assert kinds == [b"JXL ", b"ftyp", b"Exif", b"jxlc", b"xml "]

    def test_colours_of_its_own_are_a_named_refusal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = codecs().jpegxl_encode(samples_of("RGB"), lossless=True)
        header = replace(read_header(data), colors=None)
        monkeypatch.setattr("textclean.io.jxl.read_header", lambda _: header)
        with pytest.raises(UnsupportedFormatError, match="colour space of its own"):
            write(data)

    def test_the_header_tells_colours_apart(self) -> None:
        linear = codestream(codecs().jpegxl_encode(samples_of("RGB;16"), lossless=True))
        plain = codecs().jpegxl_encode(samples_of("RGB"), lossless=True)
        grey = codecs().jpegxl_encode(samples_of("L"), lossless=True)
        assert read_header(plain).colors == (0, 1, 1, 13)
        assert read_header(linear).colors == (0, 1, 1, 8)
        assert read_header(grey).colors == (1, 1, 1, 13)

    @pytest.mark.parametrize("size", [(1, 1), (8, 16), (256, 256), (300, 200), (40, 1000)])
    @pytest.mark.parametrize("lossless", [False, True])
    def test_the_header_tells_the_size(self, size: tuple[int, int], lossless: bool) -> None:
        for dtype, bits in ((np.uint8, 8), (np.uint16, 16)):
            pixels = np.zeros((size[1], size[0], 3), dtype)
            data = codecs().jpegxl_encode(pixels, lossless=lossless)
            header = read_header(codestream(data))
            assert (header.width, header.height, header.bits) == (*size, bits)
            assert header.lossy != lossless

    def test_over_the_limit_is_refused_before_decoding(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = codecs().jpegxl_encode(samples_of("L"), lossless=True)
        monkeypatch.setattr(codecs(), "jpegxl_decode", None)
        with pytest.raises(TooLargeError, match="was not decoded"):
            read_image(data, max_pixels=10)

    def test_without_the_package_the_line_that_helps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = codecs().jpegxl_encode(samples_of("L"), lossless=True)
        real = builtins.__import__

        def fake(name: str, *args: Any, **rest: Any) -> Any:
            if name == "imagecodecs":
                raise ImportError(name)
            return real(name, *args, **rest)

        monkeypatch.setattr(builtins, "__import__", fake)
        with pytest.raises(MissingExtraError) as caught:
            read_image(data)
        assert "pip install 'textclean[jxl]'" in (caught.value.remedy or "")


def modern(kind: str) -> bytes:
    image = Image.fromarray(samples_of("RGB"))
    if kind == "jxl":
        return bytes(codecs().jpegxl_encode(samples_of("RGB"), lossless=True))
    return encoded(image, {"jp2": "JPEG2000", "avif": "AVIF", "webp": "WEBP"}[kind])


@pytest.mark.parametrize("kind", ["jp2", "jxl", pytest.param("avif", marks=needs_avif)])
def test_damaged_anywhere_is_an_input_error_or_still_an_image(kind: str) -> None:
    data = modern(kind)
    random = np.random.default_rng(7)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(random.integers(1, 6)):
            broken[random.integers(12, len(broken))] = random.integers(256)
        try:
            page = read_image(bytes(broken), max_pixels=10**5)
        except InputError as error:
            assert error.message
        else:
            assert page.rgb.shape[2] == 3


@pytest.mark.parametrize("kind", ["jp2", "jxl", pytest.param("avif", marks=needs_avif)])
def test_truncated(kind: str) -> None:
    data = modern(kind)
    for keep in (0.05, 0.5):
        with pytest.raises(InputError):
            read_image(data[: int(len(data) * keep)])


@pytest.mark.parametrize("kind", ["jp2", "webp", pytest.param("avif", marks=needs_avif)])
def test_as_documents(tmp_path: Path, kind: str) -> None:
    if kind == "avif":
        codecs()
    path = tmp_path / f"in.{kind}"
    path.write_bytes(modern(kind))
    with open_source(path) as source, open_sink(source, tmp_path / f"out.{kind}") as sink:
        page = source.entries[0].load()
        sink.write(source.entries[0], cleaned(page, MASK), MASK)
        sink.commit()
    after = read_image(tmp_path / f"out.{kind}")
    assert changed_outside(page, after, MASK) == 0


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"\0\0\0\x20ftypheic" + bytes(40), "apt install libheif-examples"),
        (b"GIF89a" + bytes(40), "apt install imagemagick"),
        (b"AT&TFORM" + bytes(40), "apt install djvulibre-bin"),
        (b"%!PS-Adobe" + bytes(40), "apt install ghostscript"),
        (b"8BPS" + bytes(40), "apt install imagemagick"),
    ],
)
def test_formats_without_a_reader_name_what_helps(data: bytes, line: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        read_image(data)
    assert line in (caught.value.remedy or "")


def test_an_avif_that_calls_itself_an_image_in_general() -> None:
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + bytes(40)) == "avif"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(40)) == "heif"


class TestPromote:
    """``--promote``: palette pages take any colour."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        kind=st.sampled_from(["PNG", "TIFF"]),
        colors=st.integers(2, 256),
        seed=st.integers(0, 999),
        grey=st.booleans(),
        alpha=st.booleans(),
        value=st.integers(0, 255),
    )
    def test_any_palette(
        self, kind: str, colors: int, seed: int, grey: bool, alpha: bool, value: int
    ) -> None:
        image = picture("P", seed=seed)
        indices = np.asarray(image).astype(int) % colors
        image = Image.frombytes("P", (WIDTH, HEIGHT), indices.astype(np.uint8).tobytes())
        table = noise(colors, 3, seed=seed)
        if grey:
            table[:] = table[:, :1]
        image.putpalette(table.tobytes())
        options: dict[str, Any] = {"dpi": (300, 200), "icc_profile": rgb_profile()}
        if alpha and kind == "PNG":
            options["transparency"] = noise(colors, seed=seed + 1).tobytes()
        data = encoded(image, kind, **options)
        plain = read_image(data)
        page = with_wishes(plain, promote=True)
        has_alpha = alpha and kind == "PNG"
        assert page.mode == ("RGBA" if has_alpha else "L" if grey else "RGB")
        assert np.array_equal(page.rgb, plain.rgb)
        new = cleaned(page, MASK, value)
        with collected_notes() as notes:
            out = write_image(new, MASK, data)
        after = read_image(out)
        assert after.mode == page.mode
        assert np.array_equal(after.pixels, new.pixels)
        assert changed_outside(page, after, MASK) == 0
        if not has_alpha:
            assert (after.rgb[MASK] == value).all()
        assert (after.metadata.icc, after.metadata.dpi) == (plain.metadata.icc, plain.metadata.dpi)
        assert notes == [f"the palette page was written as {page.mode}"]

    def test_other_pages_are_left_alone(self) -> None:
        for mode, kind in (("RGB", "PNG"), ("L", "TIFF"), ("P", "BMP")):
            page = read_image(encoded(picture(mode), kind))
            assert with_wishes(page, promote=True).mode == page.mode

    def test_a_page_of_a_tiff(self, tmp_path: Path) -> None:
        frames = [picture("P", seed=seed) for seed in range(3)]
        (tmp_path / "in.tif").write_bytes(
            encoded(
                frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw"
            )
        )
        with open_source(tmp_path / "in.tif") as source:
            page = with_wishes(source.entries[1].load(), promote=True)
            new = cleaned(page, MASK, 77)
            with open_sink(source, tmp_path / "out.tif") as sink:
                sink.write(source.entries[1], new, MASK)
                sink.commit()
        with Image.open(tmp_path / "out.tif") as image:
            modes = []
            for number in range(3):
                image.seek(number)
                modes.append(image.mode)
            assert modes == ["P", "RGB", "P"]
            image.seek(1)
            assert np.array_equal(np.asarray(image), new.pixels)


def test_boxes_that_reach_beyond_the_end() -> None:
    with pytest.raises(CorruptInputError, match="cut off"):
        read_boxes(b"\0\0\0\x40abcd" + bytes(8), "file")
    assert read_boxes(b"\0\0\0\0abcd" + b"rest", "file") == [FileBox(b"abcd", b"rest")]
    long = struct.pack(">I4sQ", 1, b"abcd", 20) + b"data"
    assert read_boxes(long, "file") == [FileBox(b"abcd", b"data")]
    assert io.BytesIO(FileBox(b"abcd", b"x").raw).read() == b"\0\0\0\x09abcdx"
