from __future__ import annotations

import io
import sys
import types
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from io_samples import (
    HEIGHT,
    WIDTH,
    add_image_page,
    add_page,
    block_mask,
    changed_outside,
    clean_document,
    cleaned,
    encoded,
    flate_image,
    left_behind,
    noise,
    pages_of,
    pdf_image,
    picture,
    rgb_profile,
    save_pdf,
    smooth,
)
from pikepdf import Array, Dictionary, Name
from PIL import Image

from textclean.errors import (
    CorruptInputError,
    DependencyError,
    FileAccessError,
    InputError,
    MaskError,
    MissingExtraError,
    PageError,
    ProtectedInputError,
    TooLargeError,
    UnsupportedFormatError,
    UsageError,
)
from textclean.io import open_sink, open_source, pdf_scan
from textclean.io.notes import collected_notes
from textclean.io.scanlines import encode_scanlines
from textclean.io.tiff_codec import encode_blocks
from textclean.native import upright

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

MASK = block_mask(HEIGHT, WIDTH)
GREY = noise(HEIGHT, WIDTH, seed=1)
COLOR = noise(HEIGHT, WIDTH, 3, seed=2)
BITS = noise(HEIGHT, WIDTH, seed=3) > 127
FLATE = Name.FlateDecode


def fax(bits: NDArray[np.bool_]) -> bytes:
    (data,) = encode_blocks(
        np.packbits(bits, axis=1), compression=4, block_rows=HEIGHT, width=WIDTH
    )
    return data


def group3(bits: NDArray[np.bool_]) -> bytes:
    (data,) = encode_blocks(
        np.packbits(bits, axis=1), compression=3, block_rows=HEIGHT, width=WIDTH
    )
    return data


def packed(samples: NDArray[np.uint8], bits: int) -> bytes:
    parts = np.unpackbits(samples[..., None], axis=2)[..., 8 - bits :]
    return np.packbits(parts.reshape(len(samples), -1), axis=1).tobytes()


def dct(mode: str, **options: Any) -> bytes:
    samples = smooth(HEIGHT, WIDTH, len(mode)) if len(mode) > 1 else smooth(HEIGHT, WIDTH)
    image = Image.frombytes(mode, (WIDTH, HEIGHT), samples.tobytes())
    return encoded(image, "JPEG", quality=90, **options)


def parms(**keys: Any) -> Any:
    return Dictionary(**keys)


def indexed(pdf: pikepdf.Pdf, bits: int, base: Any = Name.DeviceRGB) -> Any:
    count = 4 if base == Name.DeviceCMYK else 3
    table = noise(count * 2**bits, seed=bits).tobytes()
    space = Array([Name.Indexed, base, 2**bits - 1, pikepdf.String(table)])
    samples = noise(HEIGHT, WIDTH, seed=4, top=2**bits)
    return pdf_image(pdf, zlib.compress(packed(samples, bits)), FLATE, space, BitsPerComponent=bits)


def with_profile(pdf: pikepdf.Pdf) -> Any:
    space = Array([Name.ICCBased, pdf.make_stream(rgb_profile(), N=3)])
    return pdf_image(pdf, zlib.compress(COLOR.tobytes()), FLATE, space)


IMAGES: dict[str, tuple[str, Callable[[pikepdf.Pdf], Any]]] = {
    "flate grey": ("L", lambda p: flate_image(p, GREY)),
    "flate rgb": ("RGB", lambda p: flate_image(p, COLOR)),
    "flate cmyk": (
        "CMYK",
        lambda p: pdf_image(p, zlib.compress(noise(HEIGHT * WIDTH * 4)), FLATE, Name.DeviceCMYK),
    ),
    "flate, PNG predictor": (
        "RGB",
        lambda p: pdf_image(
            p,
            encode_scanlines(COLOR.reshape(HEIGHT, -1), 3),
            FLATE,
            Name.DeviceRGB,
            DecodeParms=parms(Predictor=15, Colors=3, Columns=WIDTH, BitsPerComponent=8),
        ),
    ),
    "flate, TIFF predictor": (
        "RGB",
        lambda p: pdf_image(
            p,
            zlib.compress(np.diff(COLOR, axis=1, prepend=np.uint8(0)).tobytes()),
            Array([FLATE]),
            Name.DeviceRGB,
            DecodeParms=Array([parms(Predictor=2, Colors=3, Columns=WIDTH)]),
        ),
    ),
    "flate, profile": ("RGB", with_profile),
    "flate, 16 bits": (
        "I;16",
        lambda p: pdf_image(
            p,
            zlib.compress(noise(HEIGHT, WIDTH, top=65536, dtype=np.uint16).astype(">u2").tobytes()),
            FLATE,
            Name.DeviceGray,
            BitsPerComponent=16,
        ),
    ),
    "flate, 16-bit rgb": (
        "RGB;16",
        lambda p: pdf_image(
            p,
            zlib.compress(
                noise(HEIGHT, WIDTH, 3, top=65536, dtype=np.uint16).astype(">u2").tobytes()
            ),
            FLATE,
            Name.DeviceRGB,
            BitsPerComponent=16,
        ),
    ),
    "flate, 1 bit": (
        "1",
        lambda p: pdf_image(
            p, zlib.compress(np.packbits(BITS, axis=1)), FLATE, Name.DeviceGray, BitsPerComponent=1
        ),
    ),
    "flate, 1 bit inverted": (
        "1",
        lambda p: pdf_image(
            p,
            zlib.compress(np.packbits(BITS, axis=1)),
            FLATE,
            Name.DeviceGray,
            BitsPerComponent=1,
            Decode=Array([1, 0]),
        ),
    ),
    "flate, 4-bit grey": (
        "P",
        lambda p: pdf_image(
            p,
            zlib.compress(packed(GREY >> 4, 4)),
            FLATE,
            Name.DeviceGray,
            BitsPerComponent=4,
        ),
    ),
    "flate grey inverted": (
        "L",
        lambda p: pdf_image(p, zlib.compress(GREY), FLATE, Name.DeviceGray, Decode=Array([1, 0])),
    ),
    "stencil": (
        "1",
        lambda p: _stencil(p, BITS),
    ),
    "indexed 2": ("P", lambda p: indexed(p, 2)),
    "indexed 4": ("P", lambda p: indexed(p, 4)),
    "indexed 8": ("P", lambda p: indexed(p, 8)),
    "indexed cmyk": ("P", lambda p: indexed(p, 4, Name.DeviceCMYK)),
    "unfiltered": ("L", lambda p: pdf_image(p, GREY.tobytes(), None, Name.DeviceGray)),
    "hexadecimal": (
        "L",
        lambda p: pdf_image(
            p, GREY.tobytes().hex().encode() + b">", Name.ASCIIHexDecode, Name.DeviceGray
        ),
    ),
    "group 4": (
        "1",
        lambda p: pdf_image(
            p,
            fax(BITS),
            Name.CCITTFaxDecode,
            Name.DeviceGray,
            BitsPerComponent=1,
            DecodeParms=parms(K=-1, Columns=WIDTH, Rows=HEIGHT),
        ),
    ),
    "group 4, black is 1": (
        "1",
        lambda p: pdf_image(
            p,
            fax(BITS),
            Array([Name.CCITTFaxDecode]),
            Name.DeviceGray,
            BitsPerComponent=1,
            DecodeParms=Array([parms(K=-1, Columns=WIDTH, BlackIs1=True)]),
        ),
    ),
    "group 3": (
        "1",
        lambda p: pdf_image(
            p,
            group3(BITS),
            Name.CCITTFaxDecode,
            Name.DeviceGray,
            BitsPerComponent=1,
            DecodeParms=parms(K=0, Columns=WIDTH, Rows=HEIGHT, EndOfLine=True),
        ),
    ),
    "jpeg 2000": (
        "RGB",
        lambda p: pdf_image(
            p,
            encoded(Image.fromarray(COLOR), "JPEG2000", irreversible=False),
            Name.JPXDecode,
            Name.DeviceRGB,
        ),
    ),
}
LOSSY: dict[str, tuple[str, Callable[[pikepdf.Pdf], Any]]] = {
    "grey": ("L", lambda p: pdf_image(p, dct("L"), Name.DCTDecode, Name.DeviceGray)),
    "rgb": ("RGB", lambda p: pdf_image(p, dct("RGB"), Name.DCTDecode, Name.DeviceRGB)),
    "progressive": (
        "RGB",
        lambda p: pdf_image(p, dct("RGB", progressive=True), Name.DCTDecode, Name.DeviceRGB),
    ),
    "cmyk": ("CMYK", lambda p: pdf_image(p, dct("CMYK"), Name.DCTDecode, Name.DeviceCMYK)),
    "cmyk inverted": (
        "CMYK",
        lambda p: pdf_image(
            p, dct("CMYK"), Name.DCTDecode, Name.DeviceCMYK, Decode=Array([1, 0] * 4)
        ),
    ),
    "deflated": (
        "L",
        lambda p: pdf_image(
            p, zlib.compress(dct("L")), Array([FLATE, Name.DCTDecode]), Name.DeviceGray
        ),
    ),
}


def _stencil(pdf: pikepdf.Pdf, bits: NDArray[np.bool_]) -> Any:
    image = pdf_image(
        pdf, zlib.compress(np.packbits(bits, axis=1)), FLATE, None, BitsPerComponent=1
    )
    image.ImageMask = True
    return image


def one_image(path: Path, make: Callable[[pikepdf.Pdf], Any], **keys: Any) -> Path:
    return save_pdf(path, lambda pdf: add_image_page(pdf, make(pdf), **keys))


def seen_by_pdfium(path: Path, number: int = 1) -> NDArray[np.uint8]:
    """The page's one image as another program decodes it, ``(H, W, 3)``."""
    document = pypdfium2.PdfDocument(path)
    (thing,) = document[number - 1].get_objects(filter=[3])
    samples = thing.get_bitmap().to_numpy().copy()
    document.close()
    if samples.ndim == 2 or samples.shape[2] == 1:
        return np.repeat(samples.reshape(*samples.shape[:2], 1), 3, axis=2)
    return samples[..., 2::-1]


def rendered(path: Path, number: int = 1, scale: float = 1.0) -> NDArray[np.uint8]:
    document = pypdfium2.PdfDocument(path)
    samples = document[number - 1].render(scale=scale, may_draw_forms=False).to_numpy().copy()
    document.close()
    return samples[..., ::-1]


def image_of(pdf: pikepdf.Pdf, number: int = 1) -> Any:
    return pdf.pages[number - 1].obj.Resources.XObject.Im0


class TestOneImage:
    @pytest.mark.parametrize("name", IMAGES)
    def test_lossless(self, tmp_path: Path, name: str) -> None:
        mode, make = IMAGES[name]
        path, out = one_image(tmp_path / "in.pdf", make), tmp_path / "out.pdf"
        assert clean_document(path, out, {1}) == []
        (before,), (after,) = pages_of(path), pages_of(out)
        assert (before.mode, before.metadata.format) == (mode, "PDF")
        assert changed_outside(before, after, MASK) == 0
        assert not np.array_equal(before.pixels, after.pixels)
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            old, new = image_of(a), image_of(b)
            for key in ("/Width", "/Height", "/BitsPerComponent", "/Decode", "/ImageMask"):
                assert (key in old) == (key in new)
                assert key not in old or old[key] == new[key]
            assert repr(old.get("/ColorSpace")) == repr(new.get("/ColorSpace"))
            kept = str(old.get("/Filter", "")).strip("[] ")
            assert kept not in ("/CCITTFaxDecode", "/FlateDecode", "/JPXDecode") or kept in str(
                new.Filter
            )
        if "16" not in name and "cmyk" not in name and "stencil" not in name:
            assert np.array_equal(seen_by_pdfium(path), before.rgb)
            assert np.array_equal(seen_by_pdfium(out), after.rgb)

    @pytest.mark.parametrize("name", LOSSY)
    def test_jpeg(self, tmp_path: Path, name: str) -> None:
        mode, make = LOSSY[name]
        path, out = one_image(tmp_path / "in.pdf", make), tmp_path / "out.pdf"
        with collected_notes() as told:
            clean_document(path, out, {1})
        (before,), (after,) = pages_of(path), pages_of(out)
        assert before.mode == mode
        changed = changed_outside(before, after, MASK)
        assert [line.split()[1] for line in told if "of a JPEG image" in line] == [f"{changed}"] * (
            changed > 0
        )
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            old, new = image_of(a), image_of(b)
            assert "/DCTDecode" in str(new.Filter)
            assert old.get("/Decode") == new.get("/Decode")
            raw = old.read_raw_bytes()
            raw = zlib.decompress(raw) if name == "deflated" else raw
            with (
                Image.open(io.BytesIO(raw)) as first,
                Image.open(io.BytesIO(new.read_raw_bytes())) as second,
            ):
                assert first.quantization == second.quantization
                assert first.layer == second.layer
        far = np.ones_like(MASK)
        far[: HEIGHT // 2 + 17] = False
        assert np.abs(before.pixels.astype(int) - after.pixels)[far].max() <= 16
        assert (after.rgb[MASK] > 200).mean() > 0.8
        if "cmyk" not in name:
            assert np.array_equal(seen_by_pdfium(out), after.rgb)

    @pytest.mark.parametrize("inverted", [False, True])
    def test_inks_of_jpegs_have_the_polarity_that_viewers_see(
        self, tmp_path: Path, inverted: bool
    ) -> None:
        image = Image.new("CMYK", (WIDTH, HEIGHT), (0, 0, 0, 0))
        extra = {"Decode": Array([1, 0] * 4)} if inverted else {}
        path = one_image(
            tmp_path / "in.pdf",
            lambda p: pdf_image(
                p, encoded(image, "JPEG"), Name.DCTDecode, Name.DeviceCMYK, **extra
            ),
        )
        (page,) = pages_of(path)
        assert abs(int(page.rgb.mean()) - int(seen_by_pdfium(path).mean())) < 40

    @pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
    @pytest.mark.parametrize("flip", ["", "x", "y"])
    def test_rotated_and_mirrored(self, tmp_path: Path, degrees: int, flip: str) -> None:
        samples = smooth(HEIGHT, WIDTH)

        def fill(pdf: pikepdf.Pdf) -> None:
            a = -WIDTH if flip == "x" else WIDTH
            d = -HEIGHT if flip == "y" else HEIGHT
            e, f = (WIDTH if a < 0 else 0), (HEIGHT if d < 0 else 0)
            content = f"q {a} 0 0 {d} {e} {f} cm /Im0 Do Q".encode()
            add_page(
                pdf, content, {"Im0": flate_image(pdf, samples)}, (WIDTH, HEIGHT), Rotate=degrees
            )

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        (page,) = pages_of(path)
        assert np.array_equal(page.pixels, samples)
        difference = np.abs(rendered(path).astype(int) - page.rgb)
        assert page.rgb.shape == rendered(path).shape
        assert difference.mean() < 4
        clean_document(path, out, {1})
        (after,) = pages_of(out)
        assert after.metadata.orientation == page.metadata.orientation
        assert np.abs(rendered(out).astype(int) - after.rgb).mean() < 4

    def test_turned_by_its_own_matrix(self, tmp_path: Path) -> None:
        samples = smooth(HEIGHT, WIDTH)
        content = f"q 0 {WIDTH} -{HEIGHT} 0 {HEIGHT} 0 cm /Im0 Do Q".encode()
        path = save_pdf(
            tmp_path / "in.pdf",
            lambda p: add_page(p, content, {"Im0": flate_image(p, samples)}, (HEIGHT, WIDTH)),
        )
        (page,) = pages_of(path)
        assert page.metadata.orientation == 8
        assert np.abs(rendered(path).astype(int) - page.rgb).mean() < 4

    def test_resolution(self, tmp_path: Path) -> None:
        content = b"q 72 0 0 144 0 0 cm /Im0 Do Q"
        path = save_pdf(
            tmp_path / "in.pdf",
            lambda p: add_page(p, content, {"Im0": flate_image(p, GREY)}, (72, 144), UserUnit=2),
        )
        (page,) = pages_of(path)
        assert page.metadata.dpi == pytest.approx((WIDTH / 2, HEIGHT / 4))

    def test_profile_and_invisible_text_and_clip(self, tmp_path: Path) -> None:
        content = (
            b"q 0 0 61 43 re W n /Artifact BMC 1 0 0 1 0 0 cm q 61 0 0 43 0 0 cm /Im0 Do Q EMC Q "
            b"BT 3 Tr /F1 9 Tf 1 0 0 1 5 5 Tm (hidden words) Tj ET"
        )

        def fill(pdf: pikepdf.Pdf) -> None:
            page = add_page(pdf, content, {"Im0": with_profile(pdf)}, (WIDTH, HEIGHT))
            page.obj.Resources.Font = Dictionary(F1=_helvetica(pdf))

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        (page,) = pages_of(path)
        assert page.mode == "RGB"
        assert page.metadata.icc == rgb_profile()
        assert page.metadata.extra["warnings"] == ()
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[:9] = True
        with open_source(path) as source, open_sink(source, out) as sink:
            sink.write(source.entries[0], cleaned(page, mask), mask)
            sink.commit()
            assert sink.warnings == []
        with pikepdf.open(out) as pdf:
            # Nothing of the text lay beneath what was cleaned.
            assert pdf.pages[0].obj.Contents.read_bytes() == content

    def test_an_image_in_a_form(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            form = pdf.make_stream(
                b"q 1 0 0 1 0 0 cm /Im0 Do Q",
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=Array([0, 0, 1, 1]),
                Matrix=Array([WIDTH, 0, 0, HEIGHT, 0, 0]),
                Resources=Dictionary(XObject=Dictionary(Im0=flate_image(pdf, GREY))),
            )
            for _ in range(2):
                add_page(pdf, b"/Fm Do", {"Fm": form}, (WIDTH, HEIGHT))

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        clean_document(path, out, {1})
        first, second = pages_of(out)
        assert (first.pixels[MASK] == 255).all()
        assert np.array_equal(second.pixels, GREY)


@pytest.mark.parametrize("kind", ["dct", "flate"])
def test_an_image_is_not_decoded_again_unless_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def document(seed: int) -> Path:
        path = tmp_path / f"{seed}.pdf"
        samples = smooth(HEIGHT, WIDTH, 3, seed=seed)
        with pikepdf.new() as pdf:
            if kind == "dct":
                data, name = encoded(Image.fromarray(samples), "JPEG"), Name.DCTDecode
            else:
                data, name = zlib.compress(samples.tobytes()), FLATE
            add_image_page(pdf, pdf_image(pdf, data, name, Name.DeviceRGB))
            pdf.save(path)
        return path

    read: Callable[..., Any] = pdf_scan.decode
    given: list[bool] = []

    def noted(*args: Any, pixels: Any = None) -> Any:
        given.append(pixels is not None)
        return read(*args, pixels=pixels)

    monkeypatch.setattr(pdf_scan, "decode", noted)
    path = document(1)
    with open_source(path) as source:
        (entry,) = source.entries
        page = entry.load()
        with open_sink(source, tmp_path / "out.pdf") as sink:
            sink.write(entry, cleaned(page, MASK), MASK)
            sink.commit()
        assert given == [False, True]
        # Another file under the same name is not taken for the one that was loaded.
        path.write_bytes(document(2).read_bytes())
        with open_sink(source, tmp_path / "other.pdf") as sink:
            new = cleaned(page, MASK)
            if kind == "flate":
                with pytest.raises(PageError, match="outside the mask"):
                    sink.write(entry, new, MASK)
        assert given[2:] == ([False] if kind == "flate" else [])


class TestSharing:
    def test_an_image_of_several_pages_is_copied_before_it_is_written(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            shared, resources = flate_image(pdf, GREY), None
            for _ in range(3):
                page = add_image_page(pdf, shared)
                resources = resources or pdf.make_indirect(page.obj.Resources)
                page.obj.Resources = resources

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        clean_document(path, out, {2})
        first, second, third = pages_of(out)
        assert np.array_equal(first.pixels, GREY)
        assert np.array_equal(third.pixels, GREY)
        assert (second.pixels[MASK] == 255).all()
        clean_document(path, tmp_path / "all.pdf", {1, 2, 3})
        with pikepdf.open(tmp_path / "all.pdf") as pdf:
            # The three copies are alike and stored once; the original is gone.
            assert sum(isinstance(o, pikepdf.Stream) and "/Width" in o for o in pdf.objects) == 1

    def test_resources_that_all_pages_share(self, tmp_path: Path) -> None:
        """Each page has its image, but one dictionary lists them all: nothing old may stay."""

        def fill(pdf: pikepdf.Pdf) -> None:
            images = {f"Im{n}": flate_image(pdf, noise(HEIGHT, WIDTH, seed=n)) for n in range(3)}
            resources = pdf.make_indirect(Dictionary(XObject=Dictionary(**images)))
            for n in range(3):
                page = add_page(pdf, b"q 61 0 0 43 0 0 cm /Im%d Do Q" % n, {}, (WIDTH, HEIGHT))
                page.obj.Resources = resources

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        clean_document(path, out, {2})
        pages = pages_of(out)
        assert [np.array_equal(page.pixels, noise(HEIGHT, WIDTH, seed=n)) for n, page in
                enumerate(pages)] == [True, False, True]  # fmt: skip
        with pikepdf.open(out) as pdf:
            stored = [o.read_bytes() for o in pdf.objects if isinstance(o, pikepdf.Stream)]
        assert noise(HEIGHT, WIDTH, seed=1).tobytes() not in stored

    def test_an_image_that_an_annotation_shows_too_is_copied(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            image = flate_image(pdf, GREY)
            page = add_image_page(pdf, image)
            look = pdf.make_stream(
                b"/Im0 Do", Subtype=Name.Form, BBox=Array([0, 0, 9, 9]),
                Resources=Dictionary(XObject=Dictionary(Im0=image)),
            )  # fmt: skip
            stamp = Dictionary(
                Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 9, 9]),
                AP=Dictionary(N=look),
            )  # fmt: skip
            page.obj.Annots = Array([pdf.make_indirect(stamp)])

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        clean_document(path, out, {1})
        with pikepdf.open(out) as pdf:
            look = pdf.pages[0].obj.Annots[0].AP.N
            assert look.Resources.XObject.Im0.read_bytes() == GREY.tobytes()


class TestComposite:
    TEXT = b"BT /F1 24 Tf 30 60 Td (words that stay) Tj ET 0.2 0.4 0.9 rg 10 10 150 30 re f"

    def book(self, path: Path, **keys: Any) -> Path:
        def fill(pdf: pikepdf.Pdf) -> None:
            page = add_page(pdf, self.TEXT, {}, (240, 120), **keys)
            page.obj.Resources.Font = Dictionary(F1=_helvetica(pdf))

        return save_pdf(path, fill)

    @pytest.mark.parametrize("degrees", [0, 90, 180, 270])
    def test_cleaned_areas_are_laid_over(self, tmp_path: Path, degrees: int) -> None:
        path = self.book(tmp_path / "in.pdf", Rotate=degrees, CropBox=Array([20, 5, 220, 115]))
        out = tmp_path / "out.pdf"
        with open_source(path, pdf_dpi=72) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            assert page.size == ((200, 110) if degrees % 180 == 0 else (110, 200))
            assert page.metadata.dpi == (72.0, 72.0)
            assert np.array_equal(page.rgb, rendered(path))
            mask = np.zeros(page.rgb.shape[:2], bool)
            mask[20:50, 10:60] = mask[80:83, 90:93] = True
            mask[30:33, 20:30] = False
            new = cleaned(page, mask, value=130)
            sink.write(source.entries[0], new, mask)
            sink.commit()
        after = rendered(out)
        assert np.array_equal(after[~mask], page.rgb[~mask])
        assert (after[mask] == 130).all()
        with pikepdf.open(out) as pdf:
            assert pdf.pages[0].obj.Resources.Font.F1.BaseFont == "/Helvetica"

    def test_a_page_without_text_beneath_keeps_its_content(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        with open_source(path, pdf_dpi=72) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            mask = np.zeros(page.rgb.shape[:2], bool)
            mask[80:100, 20:60] = True
            sink.write(source.entries[0], cleaned(page, mask, value=130), mask)
            sink.commit()
            assert sink.warnings == []
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            contents = [part.read_raw_bytes() for part in b.pages[0].obj.Contents]
            assert a.pages[0].obj.Contents.read_raw_bytes() in contents
        assert "words that stay" in _text(out)

    def test_patches_lie_right_at_any_resolution(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        with open_source(path, pdf_dpi=144) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            assert page.size == (480, 240)
            mask = np.zeros((240, 480), bool)
            mask[100:150, 100:200] = True
            sink.write(source.entries[0], cleaned(page, mask, value=0), mask)
            sink.commit()
        after = rendered(out, scale=2)
        assert np.array_equal(after[~mask], page.rgb[~mask])
        assert (after[mask] == 0).all()
        assert len(out.read_bytes()) < 10_000

    def test_content_that_leaves_its_coordinates_changed(self, tmp_path: Path) -> None:
        content = b"q q 2 0 0 2 7 7 cm 1 0 0 rg 0 0 10 10 re f 3 0 0 3 0 0 cm"
        path = save_pdf(tmp_path / "in.pdf", lambda p: add_page(p, content, {}, (100, 80)))
        out = tmp_path / "out.pdf"
        with open_source(path, pdf_dpi=72) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            mask = np.zeros((80, 100), bool)
            mask[30:60, 30:60] = True
            sink.write(source.entries[0], cleaned(page, mask, value=0), mask)
            sink.commit()
        after = rendered(out)
        assert (after[mask] == 0).all()
        assert np.array_equal(after[~mask], page.rgb[~mask])

    @pytest.mark.parametrize(
        "content",
        [
            b"q 61 0 0 43 0 0 cm /Im0 Do Q q 9 0 0 9 0 0 cm /Im0 Do Q",
            b"q 61 0 0 43 0 0 cm /Im0 Do Q BT /F1 9 Tf (seen) Tj ET",
            b"q 61 0 0 43 0 0 cm /Im0 Do Q 0 0 5 5 re f",
            b"q 61 9 -9 43 9 0 cm /Im0 Do Q",
            b"q /G gs 61 0 0 43 0 0 cm /Im0 Do Q",
            b"/OC /x BDC q 61 0 0 43 0 0 cm /Im0 Do Q EMC",
            b"q 61 0 0 43 0 0 cm /Missing Do Q",
            b"",
            b"q 61 0 0 43 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \0 EI Q",
        ],
    )
    def test_what_is_not_one_image_is_rendered(self, tmp_path: Path, content: bytes) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            page = add_page(pdf, content, {"Im0": flate_image(pdf, GREY)}, (WIDTH, HEIGHT))
            page.obj.Resources.ExtGState = Dictionary(G=Dictionary(ca=0.5))
            page.obj.Resources.Font = Dictionary(F1=_helvetica(pdf))

        path = save_pdf(tmp_path / "in.pdf", fill)
        with open_source(path, pdf_dpi=144) as source:
            page = source.entries[0].load()
        assert (page.mode, page.size) == ("RGB", (2 * WIDTH, 2 * HEIGHT))
        assert np.array_equal(page.rgb, rendered(path, scale=2))

    @pytest.mark.parametrize(
        "changes",
        [
            {"SMask": "alpha"},
            {"Mask": Array([0, 5])},
            {"Decode": Array([0.2, 0.9])},
            {"ColorSpace": Array([Name.Lab, Dictionary(WhitePoint=Array([1, 1, 1]))])},
            {"BitsPerComponent": 3},
        ],
    )
    def test_images_that_cannot_be_written_back_exactly_are_rendered(
        self, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            image = flate_image(pdf, GREY)
            for key, value in changes.items():
                image[f"/{key}"] = flate_image(pdf, GREY) if value == "alpha" else value
            add_image_page(pdf, image)

        path = save_pdf(tmp_path / "in.pdf", fill)
        with open_source(path, pdf_dpi=200) as source:
            page = source.entries[0].load()
        assert page.metadata.dpi == (200.0, 200.0)
        assert page.mode == "RGB"

    def test_annotations_are_left_out_of_the_picture(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            page = add_page(pdf, b"0.5 g 0 0 50 50 re f", {}, (100, 100))
            look = pdf.make_stream(
                b"1 0 0 rg 0 0 100 100 re f", Subtype=Name.Form, BBox=Array([0, 0, 100, 100])
            )
            stamp = Dictionary(
                Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 100, 100]), F=4,
                AP=Dictionary(N=look),
            )  # fmt: skip
            page.obj.Annots = Array([pdf.make_indirect(stamp)])

        path = save_pdf(tmp_path / "in.pdf", fill)
        (page,) = pages_of(path, pdf_dpi=72)
        assert set(np.unique(page.rgb)) <= set(range(120, 256))
        (told,) = clean_document(path, tmp_path / "out.pdf", {1}, pdf_dpi=72)
        assert "annotations" in told
        assert "--scrub" in told

    def test_over_the_limit_is_refused_before_rendering(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = save_pdf(tmp_path / "in.pdf", lambda p: add_page(p, b"f", {}, (14400, 14400)))
        monkeypatch.setattr(pypdfium2.PdfBitmap, "new_native", _never)
        with open_source(path) as source, pytest.raises(TooLargeError, match="60000 x 60000"):
            source.entries[0].load()
        image = one_image(tmp_path / "image.pdf", lambda p: flate_image(p, GREY))
        with (
            open_source(image, max_pixels=100) as source,
            pytest.raises(TooLargeError, match="was not decoded"),
        ):
            source.entries[0].load()

    def test_a_page_or_mask_of_another_size_is_refused(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "in.pdf")
        with open_source(path, pdf_dpi=72) as source, open_sink(source, tmp_path / "o.pdf") as sink:
            page = source.entries[0].load()
            with pytest.raises(MaskError):
                sink.write(source.entries[0], page, np.ones((3, 3), bool))
            with open_source(path, pdf_dpi=36) as other:
                small = other.entries[0].load()
            with pytest.raises(UnsupportedFormatError, match="rendered"):
                sink.write(source.entries[0], small, np.ones(small.rgb.shape[:2], bool))


class TestPoppler:
    def test_without_its_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, GREY))
        monkeypatch.setitem(sys.modules, "pdf2image", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'textclean\[poppler\]'"):
            open_source(path, pdf_renderer="poppler")

    def test_an_unknown_renderer(self, tmp_path: Path) -> None:
        path = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, GREY))
        with pytest.raises(UsageError, match="mupdf"):
            open_source(path, pdf_renderer="mupdf")

    @pytest.mark.parametrize("degrees", [0, 90, 180, 270])
    def test_rendering(self, tmp_path: Path, degrees: int) -> None:
        pytest.importorskip("pdf2image")
        path = TestComposite().book(
            tmp_path / "in.pdf", Rotate=degrees, CropBox=Array([20, 5, 220, 115.3])
        )
        try:
            (page,) = pages_of(path, pdf_renderer="poppler", pdf_dpi=72)
        except DependencyError as error:
            pytest.skip(error.message)
        with open_source(path, pdf_dpi=72) as source:
            reference = source.entries[0].load()
        assert page.rgb.shape == reference.rgb.shape
        assert np.abs(page.rgb.astype(int) - reference.rgb).mean() < 8

    def test_what_is_asked_of_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a stand-in for the package, which is an extra."""
        asked: list[dict[str, Any]] = []
        sizes = iter([(201, 111), (200, 110), (199, 110), (150, 110)])

        class FailedError(Exception):
            pass

        def convert(path: Path, **options: Any) -> list[str]:
            asked.append(options)
            picture = f"{options['output_folder']}/page.png"
            Image.new("RGB", next(sizes), (9, 8, 7)).save(picture)
            return [picture]

        names = ("PDFInfoNotInstalledError", "PDFPageCountError", "PDFSyntaxError")
        module = types.SimpleNamespace(
            convert_from_path=convert,
            exceptions=types.SimpleNamespace(**{n: type(n, (FailedError,), {}) for n in names}),
        )
        monkeypatch.setitem(sys.modules, "pdf2image", module)
        path = TestComposite().book(tmp_path / "in.pdf", CropBox=Array([20, 5, 220, 115]))
        with open_source(path, pdf_renderer="poppler", pdf_dpi=72, password=None) as source:
            for _ in range(3):
                page = source.entries[0].load()
                assert page.size == (200, 110)
                assert (page.rgb == (9, 8, 7)).all()
            with pytest.raises(CorruptInputError, match="150 x 110"):
                source.entries[0].load()
            for name, error in zip(names, (DependencyError, *[CorruptInputError] * 2), strict=True):
                module.convert_from_path = _raising(getattr(module.exceptions, name)("bad"))
                with pytest.raises(error) as caught:
                    source.entries[0].load()
                assert caught.value.page == "page 1"
        assert {"first_page": 1, "last_page": 1, "dpi": 72, "use_cropbox": True,
                "hide_annotations": True}.items() <= asked[0].items()  # fmt: skip


class TestTheRestOfTheFile:
    def book(self, path: Path, **options: Any) -> Path:
        """Four pages, bookmarks, links, fields, labels, metadata, attachments."""

        def fill(pdf: pikepdf.Pdf) -> None:
            for number in range(4):
                samples = noise(HEIGHT, WIDTH, seed=number)
                page = add_image_page(pdf, flate_image(pdf, samples), Rotate=90 * (number % 2))
                page.obj.Contents.Tag = Name(f"/content{number}")
                page.obj.Resources.XObject.Im0.Tag = Name(f"/image{number}")
                link = Dictionary(
                    Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]),
                    A=Dictionary(S=Name.URI, URI="https://example.org"),
                )  # fmt: skip
                page.obj.Annots = Array([pdf.make_indirect(link)])
                page.obj.TrimBox = Array([1, 1, 30, 30])
            with pdf.open_outline() as outline:
                outline.root.append(pikepdf.OutlineItem("chapter", 1))
            pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.r)]))
            pdf.attachments["notes.txt"] = b"attached"
            pdf.Root.Metadata = pdf.make_stream(
                b"<x:xmpmeta>kept as it is</x:xmpmeta>", Type=Name.Metadata, Subtype=Name.XML,
                Tag=Name("/xmp"),
            )  # fmt: skip
            field = Dictionary(FT=Name.Tx, T="name", V="value", Subtype=Name.Widget,
                               Type=Name.Annot, Rect=Array([0, 0, 9, 9]))  # fmt: skip
            pdf.Root.AcroForm = Dictionary(Fields=Array([pdf.make_indirect(field)]))
            pdf.docinfo["/Title"] = "a book"

        return save_pdf(path, fill, **options)

    def test_untouched_streams_are_byte_identical(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        clean_document(path, out, {2, 3})
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            before, after = _tagged(a), _tagged(b)
            assert set(before) == set(after)
            changed = {name for name in before if before[name] != after[name]}
            assert changed == {"/image1", "/image2"}
            assert a.attachments["notes.txt"].get_file().read_bytes() == b"attached"
            assert b.attachments["notes.txt"].get_file().read_bytes() == b"attached"
            with b.open_outline() as outline:
                assert [item.title for item in outline.root] == ["chapter"]
            assert [page.label for page in b.pages] == ["i", "ii", "iii", "iv"]
            assert b.docinfo["/Title"] == "a book"
            assert b.Root.AcroForm.Fields[0].V == "value"
            for one, other in zip(a.pages, b.pages, strict=True):
                for key in ("/Rotate", "/TrimBox", "/MediaBox"):
                    assert one.obj.get(key) == other.obj.get(key)
                assert one.obj.Annots[0].A.URI == other.obj.Annots[0].A.URI
        assert left_behind(tmp_path) == []

    def test_nothing_cleaned_is_a_copy(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        clean_document(path, out, set())
        assert out.read_bytes() == path.read_bytes()

    def test_the_same_bytes_whatever_the_order(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "in.pdf")
        results = []
        for name, order in (("a.pdf", (0, 1, 2, 3)), ("b.pdf", (3, 1, 0, 2))):
            with open_source(path) as source, open_sink(source, tmp_path / name) as sink:
                for index in order:
                    entry = source.entries[index]
                    sink.write(entry, cleaned(entry.load(), MASK), MASK)
                sink.commit()
            results.append((tmp_path / name).read_bytes())
        assert results[0] == results[1]

    def test_what_is_kept_after_all(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        with open_source(path) as source, open_sink(source, out) as sink:
            for entry in source.entries[:2]:
                sink.write(entry, cleaned(entry.load(), MASK), MASK)
            sink.keep(source.entries[0])
            sink.commit()
        first, second, *_ = pages_of(out)
        assert np.array_equal(first.pixels, noise(HEIGHT, WIDTH, seed=0))
        assert (second.pixels[MASK] == 255).all()

    @pytest.mark.parametrize(
        "options",
        [
            {"linearize": True},
            {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
            {"force_version": "1.3"},
        ],
    )
    def test_how_the_file_was_saved(self, tmp_path: Path, options: dict[str, Any]) -> None:
        path, out = self.book(tmp_path / "in.pdf", **options), tmp_path / "out.pdf"
        clean_document(path, out, {1})
        assert (pages_of(out)[0].pixels[MASK] == 255).all()
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            assert a.is_linearized == b.is_linearized
            assert a.pdf_version == b.pdf_version

    def test_inherited_attributes(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            for number in range(2):
                page = add_image_page(pdf, flate_image(pdf, noise(HEIGHT, WIDTH, seed=number)))
                del page.obj.MediaBox
            pdf.Root.Pages.MediaBox = Array([0, 0, WIDTH * 0.72, HEIGHT * 0.72])
            pdf.Root.Pages.Rotate = 180

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        clean_document(path, out, {1})
        page = pages_of(out)[0]
        assert page.metadata.orientation == 3
        assert (page.rgb[MASK] == 255).all()
        assert np.array_equal(upright(page.pixels, 3), page.rgb[..., 0])

    def test_a_change_outside_the_mask_is_noticed(self, tmp_path: Path) -> None:
        path = self.book(tmp_path / "in.pdf")
        with open_source(path) as source, open_sink(source, tmp_path / "out.pdf") as sink:
            page = cleaned(source.entries[0].load(), MASK)
            with pytest.raises(PageError, match="outside the mask") as caught:
                sink.write(source.entries[0], page, np.eye(HEIGHT, WIDTH, dtype=bool))
            assert caught.value.page == "page 1"


class TestRefused:
    def test_encrypted(self, tmp_path: Path) -> None:
        locked = pikepdf.Encryption(user="reader", owner="owner")
        path = TestTheRestOfTheFile().book(tmp_path / "in.pdf", encryption=locked)
        with pytest.raises(ProtectedInputError, match="needs a password"):
            open_source(path)
        with pytest.raises(ProtectedInputError, match="does not open"):
            open_source(path, password="wrong")
        out = tmp_path / "out.pdf"
        clean_document(path, out, {1}, password="owner")
        with pytest.raises(ProtectedInputError):
            open_source(out)
        with pikepdf.open(out, password="reader") as pdf:
            assert pdf.is_encrypted
        assert (pages_of(out, password="owner")[0].pixels[MASK] == 255).all()

    def test_encrypted_without_a_password_to_open_it(self, tmp_path: Path) -> None:
        allow = pikepdf.Permissions(modify_other=False)
        locked = pikepdf.Encryption(user="", owner="owner", allow=allow)
        path = TestTheRestOfTheFile().book(tmp_path / "in.pdf", encryption=locked)
        for password in (None, ""):
            with pytest.raises(ProtectedInputError, match="does not allow changes"):
                open_source(path, password=password)
        open_source(path, password="owner").close()

    def test_signed(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            add_image_page(pdf, flate_image(pdf, GREY))
            field = Dictionary(FT=Name.Sig, T="s", V=Dictionary(Type=Name.Sig))
            pdf.Root.AcroForm = Dictionary(Fields=Array([Dictionary(T="x", Kids=Array([field]))]))

        with pytest.raises(ProtectedInputError, match="signed"):
            open_source(save_pdf(tmp_path / "in.pdf", fill))

    def test_a_signature_field_that_is_not_signed_is_no_obstacle(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            add_image_page(pdf, flate_image(pdf, GREY))
            pdf.Root.AcroForm = Dictionary(Fields=Array([Dictionary(FT=Name.Sig, T="s")]))

        open_source(save_pdf(tmp_path / "in.pdf", fill)).close()

    def test_xfa(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            add_image_page(pdf, flate_image(pdf, GREY))
            pdf.Root.AcroForm = Dictionary(XFA=pdf.make_stream(b"<xdp/>"), Fields=Array([]))

        with pytest.raises(UnsupportedFormatError, match="XFA"):
            open_source(save_pdf(tmp_path / "in.pdf", fill))

    def test_without_pages(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedFormatError, match="no pages"):
            open_source(save_pdf(tmp_path / "in.pdf", lambda _: None))

    def test_truncated_and_garbage(self, tmp_path: Path) -> None:
        data = TestTheRestOfTheFile().book(tmp_path / "in.pdf").read_bytes()
        for keep in (0.1, 0.5, 0.9, 0.99):
            path = tmp_path / "cut.pdf"
            path.write_bytes(data[: int(len(data) * keep)])
            with pytest.raises(CorruptInputError) as caught:
                open_source(path)
            assert "\n" not in str(caught.value)
            assert str(caught.value).count(str(path)) == 1

    def test_a_damaged_image_fails_its_page_only(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            for data in (dct("L")[:400], zlib.compress(GREY)[:100], dct("L")):
                codec = Name.DCTDecode if data[:2] == b"\xff\xd8" else FLATE
                add_image_page(pdf, pdf_image(pdf, data, codec, Name.DeviceGray))

        path = save_pdf(tmp_path / "in.pdf", fill)
        with open_source(path) as source:
            for entry in source.entries[:2]:
                with pytest.raises(CorruptInputError) as caught:
                    entry.load()
                assert caught.value.page == entry.name
            assert source.entries[2].load().mode == "L"

    def test_damage_anywhere(self, tmp_path: Path) -> None:
        data = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, GREY[:9, :9])).read_bytes()
        random = np.random.default_rng(5)
        path = tmp_path / "broken.pdf"
        for _ in range(150):
            broken = bytearray(data)
            for _ in range(random.integers(1, 4)):
                broken[random.integers(len(broken))] = random.integers(256)
            path.write_bytes(broken)
            try:
                with open_source(path, max_pixels=10**6, pdf_dpi=72) as source:
                    for entry in source.entries:
                        entry.load()
            except InputError as error:
                assert error.message

    def test_the_input_is_never_the_output(self, tmp_path: Path) -> None:
        path = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, GREY))
        before = path.read_bytes()
        with open_source(path) as source, pytest.raises(FileAccessError, match="is the input"):
            open_sink(source, path, overwrite=True)
        assert path.read_bytes() == before

    def test_nothing_is_left_of_what_is_discarded(self, tmp_path: Path) -> None:
        path = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, GREY))
        with open_source(path) as source, open_sink(source, tmp_path / "x" / "o.pdf") as sink:
            sink.write(source.entries[0], cleaned(source.entries[0].load(), MASK), MASK)
        assert [p.name for p in tmp_path.iterdir()] == ["in.pdf"]


def _raising(error: Exception) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


def _never(*_: object, **__: object) -> None:
    raise AssertionError("this must not be called")


def _helvetica(pdf: pikepdf.Pdf) -> Any:
    return pdf.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    )


def _text(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    text = document[0].get_textpage().get_text_range()
    document.close()
    return str(text)


def _tagged(pdf: pikepdf.Pdf) -> dict[str, bytes]:
    return {
        str(thing.Tag): thing.read_raw_bytes()
        for thing in pdf.objects
        if isinstance(thing, pikepdf.Stream) and "/Tag" in thing
    }


def test_pages_stay_small_pictures(tmp_path: Path) -> None:
    """A smoke test of the sample maker: what it calls a page is what a viewer shows."""
    path = one_image(tmp_path / "in.pdf", lambda p: flate_image(p, smooth(HEIGHT, WIDTH)))
    assert np.array_equal(seen_by_pdfium(path)[..., 0], smooth(HEIGHT, WIDTH))
    assert picture("L").size == (WIDTH, HEIGHT)
