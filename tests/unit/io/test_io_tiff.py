from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from io_samples import (
    HEIGHT,
    WIDTH,
    block_mask,
    changed_outside,
    clean_document,
    cleaned,
    encoded,
    left_behind,
    noise,
    pages_of,
    picture,
    rgb_profile,
    smooth,
)
from PIL import Image, TiffImagePlugin

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    InputError,
    UnsupportedFormatError,
)
from textclean.io import open_sink, open_source, read_image, write_image
from textclean.io.tiff_file import LONG, SHORT, TILE_OFFSETS, ByteOrder, Ifd, Tag, TiffFile
from textclean.io.tiff_writer import TiffWriter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MASK = block_mask(HEIGHT, WIDTH)
COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma")


def tiff(
    samples: NDArray[Any],
    *,
    photometric: int = 1,
    bits: int | None = None,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    tile: int = 0,
    predictor: int = 1,
    compression: int = 8,
    fill_order: int = 1,
    extra: dict[int, Tag] | None = None,
) -> bytes:
    """A TIFF by the book (TIFF 6.0), written without the code under test's understanding of it."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    depth = bits or samples.dtype.itemsize * 8
    form = ByteOrder(order, big)
    planes = np.moveaxis(samples.reshape(height, width, channels), 2, 0)[..., None]
    parts = list(planes) if planar else [samples.reshape(height, width, channels)]
    blocks = []
    for part in parts:
        step_y, step_x = (tile, tile) if tile else (17, width)
        for y in range(0, height, step_y):
            for x in range(0, width, step_x):
                block = part[y : y + step_y, x : x + step_x]
                if tile:
                    fill = ((0, tile - block.shape[0]), (0, tile - block.shape[1]), (0, 0))
                    block = np.pad(block, fill)
                blocks.append(_pack(block, depth, order, predictor, compression, fill_order))
    tags = {
        256: form.tag(LONG, width),
        257: form.tag(LONG, height),
        258: form.tag(SHORT, *[depth] * channels),
        259: form.tag(SHORT, compression),
        262: form.tag(SHORT, photometric),
        277: form.tag(SHORT, channels),
        284: form.tag(SHORT, 2 if planar else 1),
        317: form.tag(SHORT, predictor),
        266: form.tag(SHORT, fill_order),
    }
    if tile:
        tags |= {322: form.tag(SHORT, tile), 323: form.tag(SHORT, tile), 324: form.tag(LONG, 0)}
    else:
        tags[278] = form.tag(SHORT, 17)
    out = io.BytesIO()
    TiffWriter(out, form).add(Ifd(tags | (extra or {})), blocks)
    return out.getvalue()


def _pack(
    block: NDArray[Any], bits: int, order: str, predictor: int, compression: int, fill_order: int
) -> bytes:
    if predictor == 2:
        block = np.diff(block, axis=1, prepend=block.dtype.type(0))
    flat = block.reshape(len(block), -1)
    if bits == 16:
        raw = flat.astype(f"{order}u2").tobytes()
    elif bits == 8:
        raw = flat.astype(np.uint8).tobytes()
    else:
        parts = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
        raw = np.packbits(parts.reshape(len(flat), -1), axis=1).tobytes()
    if compression == 8:
        raw = zlib.compress(raw)
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in raw) if fill_order == 2 else raw


def tags_of(data: bytes) -> dict[int, bytes]:
    """Tags with their values, without those that only place the pixels."""
    file = TiffFile(data)
    return {n: t.value for n, t in file.ifds[0].tags.items() if n not in (273, 279, 324, 325)}


def round_trip(data: bytes, expect: str) -> bytes:
    before = read_image(data)
    assert before.mode == expect
    new = cleaned(before, MASK, value=90)
    out = write_image(new, MASK, data)
    after = read_image(out)
    assert changed_outside(before, after, MASK) == 0
    assert np.array_equal(after.pixels, new.pixels)
    assert not np.array_equal(after.pixels, before.pixels)
    return out


class TestPages:
    @pytest.mark.parametrize("compression", COMPRESSIONS)
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
    def test_modes_and_compressions(self, mode: str, compression: str) -> None:
        image = picture(mode)
        data = encoded(
            image, "TIFF", compression=compression, dpi=(400, 300), icc_profile=rgb_profile()
        )
        page = read_image(data)
        assert np.array_equal(page.pixels, np.asarray(image))
        assert page.metadata.dpi == (400, 300)
        assert page.metadata.icc == rgb_profile()
        out = round_trip(data, mode)
        assert tags_of(out) == tags_of(data)
        with Image.open(io.BytesIO(out)) as again:
            assert np.array_equal(np.asarray(again)[~MASK], np.asarray(image)[~MASK])

    @pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
    def test_fax(self, compression: str) -> None:
        image = picture("1")
        data = encoded(image, "TIFF", compression=compression)
        out = round_trip(data, "1")
        assert tags_of(out)[259] == tags_of(data)[259]
        with Image.open(io.BytesIO(out)) as again:
            assert np.array_equal(np.asarray(again)[~MASK], np.asarray(image)[~MASK])

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("big", [False, True])
    @pytest.mark.parametrize("planar", [False, True])
    @pytest.mark.parametrize("tile", [0, 16])
    @pytest.mark.parametrize("predictor", [1, 2])
    def test_layouts(self, order: str, big: bool, planar: bool, tile: int, predictor: int) -> None:
        for dtype, mode in ((np.uint8, "RGB"), (np.uint16, "RGB;16")):
            samples = noise(HEIGHT, WIDTH, 3, top=np.iinfo(dtype).max + 1, dtype=dtype)
            data = tiff(
                samples, photometric=2, order=order, big=big, planar=planar, tile=tile,
                predictor=predictor,
            )  # fmt: skip
            assert np.array_equal(read_image(data).pixels, samples)
            out = round_trip(data, mode)
            assert tags_of(out) == tags_of(data)
            if not big and not planar:
                seen = cv2.imdecode(np.frombuffer(out, np.uint8), cv2.IMREAD_UNCHANGED)
                assert np.array_equal(seen[..., ::-1][~MASK], samples[~MASK])

    @pytest.mark.parametrize("bits", [1, 2, 4])
    @pytest.mark.parametrize("photometric", [0, 1])
    @pytest.mark.parametrize("tile", [0, 16])
    def test_few_bits(self, bits: int, photometric: int, tile: int) -> None:
        samples = noise(HEIGHT, WIDTH, top=2**bits)
        data = tiff(samples, bits=bits, photometric=photometric, tile=tile)
        page = read_image(data)
        greys = samples.astype(int) * 255 // (2**bits - 1)
        expected = 255 - greys if photometric == 0 else greys
        assert np.array_equal(page.rgb[..., 0], expected)
        out = round_trip(data, "1" if bits == 1 else "P")
        assert tags_of(out)[258] == tags_of(data)[258]

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_white_is_zero(self, dtype: Any) -> None:
        samples = noise(HEIGHT, WIDTH, top=np.iinfo(dtype).max + 1, dtype=dtype)
        data = tiff(samples, photometric=0)
        assert np.array_equal(read_image(data).pixels, np.iinfo(dtype).max - samples)
        round_trip(data, "L" if dtype == np.uint8 else "I;16")

    def test_reversed_bits(self) -> None:
        samples = noise(HEIGHT, WIDTH, top=2)
        for compression in (1, 8):
            data = tiff(samples, bits=1, fill_order=2, compression=compression)
            assert np.array_equal(read_image(data).pixels, samples)
            out = round_trip(data, "1")
            assert tags_of(out) == tags_of(data)
            with Image.open(io.BytesIO(out)) as again:
                assert np.array_equal(np.asarray(again)[~MASK], samples[~MASK].astype(bool))

    def test_channels_of_unknown_meaning_are_handed_through(self) -> None:
        samples = noise(HEIGHT, WIDTH, 5)
        data = tiff(samples, photometric=2, extra={338: ByteOrder("<", False).tag(SHORT, 0, 0)})
        out = round_trip(data, "RGB")
        file = TiffFile(out)
        raw = b"".join(zlib.decompress(block) for block in file.blocks(file.ifds[0]))
        again = np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 5)
        assert np.array_equal(again[..., 3:], samples[..., 3:])

    def test_premultiplied_alpha_is_refused_unless_opaque(self) -> None:
        samples = noise(HEIGHT, WIDTH, 4)
        tag = {338: ByteOrder("<", False).tag(SHORT, 1)}
        with pytest.raises(UnsupportedFormatError, match="premultiplied"):
            read_image(tiff(samples, photometric=2, extra=tag))
        samples[..., 3] = 255
        round_trip(tiff(samples, photometric=2, extra=tag), "RGBA")

    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    def test_jpeg_in_tiff_comes_back_lossless(self, mode: str) -> None:
        samples = smooth(HEIGHT, WIDTH, len(mode)) if len(mode) > 1 else smooth(HEIGHT, WIDTH)
        image = Image.frombytes(mode, (WIDTH, HEIGHT), samples.tobytes())
        data = encoded(image, "TIFF", compression="jpeg", dpi=(200, 200))
        page = read_image(data)
        assert any("Deflate" in line for line in page.metadata.extra["warnings"])
        out = round_trip(data, mode)
        with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(out)) as b:
            assert np.array_equal(np.asarray(a)[~MASK], np.asarray(b)[~MASK])
            assert a.info["dpi"] == b.info["dpi"]

    @pytest.mark.parametrize(("mode", "photometric"), [("L", 1), ("RGB", 6), ("CMYK", 5)])
    def test_jpeg_in_tiles_comes_back_lossless(
        self, mode: str, photometric: int, tmp_path: Path
    ) -> None:
        channels = len(mode)
        samples = smooth(HEIGHT, WIDTH, channels) if channels > 1 else smooth(HEIGHT, WIDTH)
        path = tmp_path / "tiles.tif"
        tifffile = pytest.importorskip("tifffile")
        pytest.importorskip("imagecodecs")
        tifffile.imwrite(path, samples, tile=(16, 32), compression="jpeg", photometric=photometric)
        assert TILE_OFFSETS in TiffFile(path.read_bytes()).ifds[0].tags
        before = tifffile.imread(path)
        out = round_trip(path.read_bytes(), mode)
        assert TILE_OFFSETS not in TiffFile(out).ifds[0].tags
        assert np.array_equal(tifffile.imread(io.BytesIO(out))[~MASK], before[~MASK])

    def test_tags_nobody_knows_and_sub_directories_are_kept(self) -> None:
        form = ByteOrder("<", False)
        private = {
            65000: Tag(7, 21, bytes(range(21))),
            65001: form.tag(SHORT, 7),
            270: Tag(2, 12, b"description\0"),
            65002: Tag(99, 4, b"\1\2\3\4"),
        }
        info = TiffImagePlugin.ImageFileDirectory_v2()
        info[271] = "maker"
        info[34665] = {36867: "2001:02:03 04:05:06"}
        image = encoded(picture("RGB"), "TIFF", tiffinfo=info)
        out = round_trip(image, "RGB")
        with Image.open(io.BytesIO(out)) as again:
            exif = again.getexif()
            assert exif[271] == "maker"
            assert exif.get_ifd(0x8769)[0x9003] == "2001:02:03 04:05:06"
        data = tiff(noise(HEIGHT, WIDTH), extra=private)
        kept = tags_of(round_trip(data, "L"))
        for number, tag in private.items():
            assert kept[number] == tag.value

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_orientation(self, orientation: int) -> None:
        tag = {274: ByteOrder("<", False).tag(SHORT, orientation)}
        page = read_image(tiff(noise(HEIGHT, WIDTH), extra=tag))
        assert page.size == ((WIDTH, HEIGHT) if orientation == 1 else (HEIGHT, WIDTH))

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"photometric": 8}, "L.a.b"),
            ({"photometric": 6}, "YCbCr"),
            ({"predictor": 3}, "predictor"),
            ({"extra": {339: ByteOrder("<", False).tag(SHORT, 3)}}, "floating-point"),
            ({"extra": {258: ByteOrder("<", False).tag(SHORT, 32, 32, 32)}}, "32"),
            ({"extra": {259: ByteOrder("<", False).tag(SHORT, 34712)}}, "34712"),
        ],
    )
    def test_what_is_not_handled_says_why(self, changes: dict[str, Any], why: str) -> None:
        data = tiff(noise(HEIGHT, WIDTH, 3), **({"photometric": 2} | changes))
        with pytest.raises(UnsupportedFormatError, match=why) as caught:
            read_image(data)
        assert caught.value.remedy

    def test_float_and_wide_integers_are_refused(self) -> None:
        for image in (
            Image.fromarray(np.zeros((4, 4), np.float32)),
            Image.fromarray(np.zeros((4, 4), np.int32)),
        ):
            with pytest.raises(UnsupportedFormatError):
                read_image(encoded(image, "TIFF"))


class TestDamage:
    def test_broken_fax_data_is_noticed_and_nothing_is_printed(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        data = bytearray(
            encoded(picture("1", 300, 200), "TIFF", compression="group4", tiffinfo={278: 200})
        )
        data[200:260] = noise(60).tobytes()
        with pytest.raises(CorruptInputError, match="Fax"):
            read_image(bytes(data))
        assert capfd.readouterr().err == ""

    def test_broken_lzw_data_is_noticed_and_nothing_is_printed(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        data = bytearray(encoded(picture("RGB", 300, 200), "TIFF", compression="tiff_lzw"))
        data[200:260] = b"\xff" * 60
        with pytest.raises(CorruptInputError, match="damaged"):
            read_image(bytes(data))
        assert capfd.readouterr().err == ""

    def test_directories_in_a_circle(self) -> None:
        data = bytearray(tiff(noise(HEIGHT, WIDTH)))
        (start,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, start)
        struct.pack_into("<I", data, start + 2 + 12 * count, start)
        with pytest.raises(CorruptInputError, match="circle"):
            read_image(bytes(data))

    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "group4", "jpeg"])
    def test_damaged_anywhere(self, compression: str) -> None:
        image = picture("1" if compression == "group4" else "L", 24, 20)
        data = encoded(image, "TIFF", compression=compression)
        random = np.random.default_rng(3)
        for _ in range(200):
            broken = bytearray(data)
            for _ in range(random.integers(1, 6)):
                broken[random.integers(len(broken))] = random.integers(256)
            try:
                page = read_image(bytes(broken), max_pixels=10**6)
                mask = np.zeros(page.pixels.shape[:2], bool)
                mask[0, 0] = True
                write_image(page, mask, bytes(broken))
            except InputError as error:
                assert error.message


class TestDocument:
    def book(self, path: Path) -> Path:
        """Five pages of different kinds, the last a thumbnail."""
        frames = [picture("1"), picture("RGB"), picture("L"), picture("I;16")]
        files = [
            encoded(frames[0], "TIFF", compression="group4", dpi=(600, 600)),
            encoded(frames[1], "TIFF", compression="tiff_lzw"),
            encoded(frames[2], "TIFF", compression="packbits"),
            encoded(frames[3], "TIFF", compression="raw"),
            tiff(noise(9, 9), extra={254: ByteOrder("<", False).tag(LONG, 1)}),
        ]
        with path.open("w+b") as out:
            writer = TiffWriter(out, ByteOrder("<", False))
            for data in files:
                file = TiffFile(data)
                writer.add(file.ifds[0], file.blocks(file.ifds[0]), file)
        return path

    def test_pages_and_thumbnails(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "book.tif")
        with open_source(path) as source:
            assert [entry.name for entry in source.entries] == [f"page {n}" for n in range(1, 5)]
            assert [entry.load().mode for entry in source.entries] == ["1", "RGB", "L", "I;16"]
            assert any("thumbnails" in line for line in source.warnings)

    def test_untouched_pages_keep_their_bytes(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "book.tif"), tmp_path / "deep" / "out.tif"
        clean_document(path, out, {2, 3})
        a, b = TiffFile(path.read_bytes()), TiffFile(out.read_bytes())
        assert len(a.ifds) == len(b.ifds) == 5
        for index in (0, 3, 4):
            assert list(a.blocks(a.ifds[index])) == list(b.blocks(b.ifds[index]))
        mask = block_mask(HEIGHT, WIDTH)
        for number, (before, after) in enumerate(
            zip(pages_of(path), pages_of(out), strict=True), start=1
        ):
            assert changed_outside(before, after, mask) == 0
            assert (number in (2, 3)) == (not np.array_equal(before.pixels, after.pixels))
        with Image.open(out) as reference:
            assert reference.n_frames == 5

    def test_nothing_cleaned_is_a_copy(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "book.tif"), tmp_path / "out.tif"
        clean_document(path, out, set())
        assert out.read_bytes() == path.read_bytes()

    def test_order_of_writing_does_not_matter(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "book.tif")
        mask = block_mask(HEIGHT, WIDTH)
        results = []
        for name, order in (("a.tif", (1, 2, 3)), ("b.tif", (3, 1, 2))):
            with open_source(path) as source, open_sink(source, tmp_path / name) as sink:
                for number in order:
                    entry = source.entries[number - 1]
                    sink.write(entry, cleaned(entry.load(), mask), mask)
                sink.commit()
            results.append((tmp_path / name).read_bytes())
        assert results[0] == results[1]

    def test_a_damaged_page_does_not_stop_the_others(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "book.tif")
        data = bytearray(path.read_bytes())
        file = TiffFile(bytes(data))
        at, length = file.ifds[1].blocks[0]
        data[at : at + length] = b"\xff" * length
        path.write_bytes(data)
        with open_source(path) as source, open_sink(source, tmp_path / "out.tif") as sink:
            with pytest.raises(CorruptInputError) as caught:
                source.entries[1].load()
            assert caught.value.page == "page 2"
            sink.keep(source.entries[1])
            mask = block_mask(HEIGHT, WIDTH)
            sink.write(source.entries[2], cleaned(source.entries[2].load(), mask), mask)
            sink.commit()
        with open_source(tmp_path / "out.tif") as source:
            assert (source.entries[2].load().pixels[mask] == 255).all()
            with pytest.raises(CorruptInputError):
                source.entries[1].load()

    def test_several_pages_among_other_files_are_refused(self, tmp_path: Path) -> None:
        data = self.book(tmp_path / "book.tif").read_bytes()
        with pytest.raises(UnsupportedFormatError, match="4 pages"):
            read_image(data)

    def test_the_input_is_never_overwritten(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "book.tif")
        (tmp_path / "hard.tif").hardlink_to(path)
        (tmp_path / "soft.tif").symlink_to(path)
        data = path.read_bytes()
        with open_source(path) as source:
            for name in ("book.tif", "hard.tif", "soft.tif"):
                with pytest.raises(FileAccessError, match="is the input"):
                    open_sink(source, tmp_path / name, overwrite=True)
            with pytest.raises(UnsupportedFormatError, match="page"):
                open_sink(source, tmp_path / "out.png")
        assert path.read_bytes() == data
        assert left_behind(tmp_path) == []
