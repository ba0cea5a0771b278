"""Scans in several pieces, JBIG2, and how much is written of them."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from io_samples import (
    add_page,
    block_mask,
    changed_outside,
    clean_document,
    cleaned,
    encoded,
    flate_image,
    noise,
    pages_of,
    pdf_image,
    save_pdf,
)
from pikepdf import Dictionary, Name
from PIL import Image

from textclean.errors import CorruptInputError
from textclean.io import open_sink, open_source
from textclean.io.tiff_codec import encode_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 120, 90
GREY = noise(HEIGHT, WIDTH, seed=1)
BITS = noise(HEIGHT, WIDTH, seed=3) > 127


def fax(bits: NDArray[np.bool_]) -> bytes:
    (data,) = encode_blocks(
        np.packbits(bits, axis=1), compression=4, block_rows=bits.shape[0], width=bits.shape[1]
    )
    return data


def tiled(
    pdf: pikepdf.Pdf,
    samples: NDArray[np.uint8],
    boxes: list[tuple[int, int, int, int]],
    **keys: Any,
) -> Any:
    """A page of 120 x 90 points on which each box of the samples is an image."""
    images, content = {}, []
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        image = flate_image(pdf, np.ascontiguousarray(samples[y0:y1, x0:x1]))
        image.Tag = Name(f"/piece{number}")
        images[f"Im{number}"] = image
        place = f"{x1 - x0} 0 0 {y1 - y0} {x0} {HEIGHT - y1}"
        content.append(f"q {place} cm /Im{number} Do Q")
    return add_page(pdf, "\n".join(content).encode(), images, (WIDTH, HEIGHT), **keys)


STRIPES = [(0, 0, WIDTH, 30), (0, 30, WIDTH, 60), (0, 60, WIDTH, HEIGHT)]
TILES = [(0, 0, 50, 40), (50, 0, WIDTH, 40), (0, 40, 50, HEIGHT), (50, 40, WIDTH, HEIGHT)]


class TestPieces:
    @pytest.mark.parametrize("boxes", [STRIPES, TILES, STRIPES[::-1]])
    @pytest.mark.parametrize("degrees", [0, 90])
    def test_are_one_page_and_only_the_touched_ones_change(
        self, tmp_path: Path, boxes: list[tuple[int, int, int, int]], degrees: int
    ) -> None:
        path = save_pdf(tmp_path / "in.pdf", lambda p: tiled(p, GREY, boxes, Rotate=degrees))
        out = tmp_path / "out.pdf"
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[5:20, 5:20] = True
        with open_source(path) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            assert page.mode == "L"
            assert np.array_equal(page.pixels, GREY)
            assert page.metadata.dpi == pytest.approx((72.0, 72.0))
            assert page.metadata.orientation == {0: 1, 90: 6}[degrees]
            sink.write(source.entries[0], cleaned(page, mask), mask)
            sink.commit()
        (after,) = pages_of(out)
        assert changed_outside(page, after, mask) == 0
        assert (after.pixels[mask] == 255).all()
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            before, new = _tagged(a), _tagged(b)
        assert [name for name in before if before[name] != new[name]] == [
            f"/piece{boxes.index((0, 0, *boxes[0][2:])) if boxes[0][1] == 0 else 2}"
        ]

    @pytest.mark.parametrize(
        "boxes",
        [
            [(0, 0, WIDTH, 50), (0, 40, WIDTH, HEIGHT)],  # one lies over the other
            [(0, 0, WIDTH, 30), (0, 60, WIDTH, HEIGHT)],  # a gap
            [(0, 0, WIDTH, 30), (0, 30, 50, HEIGHT)],  # a corner is missing
        ],
    )
    def test_that_do_not_fit_are_rendered(
        self, tmp_path: Path, boxes: list[tuple[int, int, int, int]]
    ) -> None:
        path = save_pdf(tmp_path / "in.pdf", lambda p: tiled(p, GREY, boxes))
        (page,) = pages_of(path, pdf_dpi=144)
        assert (page.mode, page.size) == ("RGB", (2 * WIDTH, 2 * HEIGHT))

    def test_one_stripe_used_twice(self, tmp_path: Path) -> None:
        """A blank stripe, stored once: what is written on one of them is not on the other."""

        def fill(pdf: pikepdf.Pdf) -> None:
            stripe = flate_image(pdf, GREY[:45])
            content = b"q 120 0 0 45 0 45 cm /A Do Q q 120 0 0 45 0 0 cm /B Do Q"
            add_page(pdf, content, {"A": stripe, "B": stripe}, (WIDTH, HEIGHT))

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[5:20, 5:20] = True
        with open_source(path) as source, open_sink(source, out) as sink:
            page = source.entries[0].load()
            sink.write(source.entries[0], cleaned(page, mask), mask)
            sink.commit()
        (after,) = pages_of(out)
        assert (after.pixels[mask] == 255).all()
        assert changed_outside(page, after, mask) == 0

    def test_a_composite_page_is_rendered_as_finely_as_its_scan(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            content = b"q 30 0 0 22.5 5 5 cm /Im0 Do Q 60 60 20 20 re f"
            add_page(pdf, content, {"Im0": flate_image(pdf, GREY)}, (60, 60))

        path = save_pdf(tmp_path / "in.pdf", fill)
        (page,) = pages_of(path, pdf_dpi=100)
        assert page.metadata.dpi == (288.0, 288.0)
        (page,) = pages_of(path, pdf_dpi=300)
        assert page.metadata.dpi == (300.0, 300.0)
        (page,) = pages_of(path, pdf_dpi=100, max_pixels=120 * 120)
        assert 100 <= page.metadata.dpi[0] <= 144


def jbig2(bits: NDArray[np.bool_]) -> bytes:
    """JBIG2 in the form that PDF embeds: a page and one region coded as in fax (MMR)."""
    height, width = bits.shape
    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 1) + fax(bits)
    return b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate(((48, page), (38, region)))
    )


class TestJbig2:
    def test_comes_back_as_group_4(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            image = pdf_image(
                pdf, jbig2(BITS), Name.JBIG2Decode, Name.DeviceGray, BitsPerComponent=1,
                Width=WIDTH, Height=HEIGHT,
            )  # fmt: skip
            add_page(pdf, b"q 120 0 0 90 0 0 cm /Im0 Do Q", {"Im0": image}, (WIDTH, HEIGHT))

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        (before,) = pages_of(path)
        assert before.mode == "1"
        # In JBIG2 a set bit is black.
        assert np.array_equal(before.pixels, ~BITS)
        assert "Group 4" in before.metadata.extra["warnings"][0]
        clean_document(path, out, {1})
        (after,) = pages_of(out)
        mask = block_mask(HEIGHT, WIDTH)
        assert changed_outside(before, after, mask) == 0
        assert after.pixels[mask].all()
        with pikepdf.open(out) as pdf:
            image = pdf.pages[0].obj.Resources.XObject.Im0
            assert image.Filter == "/CCITTFaxDecode"
            assert image.DecodeParms.K == -1
            assert image.BitsPerComponent == 1

    @pytest.mark.parametrize("data", [b"nonsense", b"", jbig2(BITS)[:300], jbig2(BITS[:, :61])])
    def test_damaged(self, tmp_path: Path, data: bytes) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            image = pdf_image(pdf, data, Name.JBIG2Decode, Name.DeviceGray, BitsPerComponent=1)
            add_page(pdf, b"q 61 0 0 43 0 0 cm /Im0 Do Q", {"Im0": image}, (61, 43))

        path = save_pdf(tmp_path / "in.pdf", fill)
        with open_source(path) as source, pytest.raises(CorruptInputError, match="JBIG2"):
            source.entries[0].load()


def test_a_much_larger_output_is_told(tmp_path: Path) -> None:
    big = noise(600, 600, seed=2)

    def fill(pdf: pikepdf.Pdf) -> None:
        data = encoded(
            Image.fromarray(big), "JPEG2000", irreversible=True,
            quality_mode="rates", quality_layers=[60],
        )  # fmt: skip
        image = pdf_image(pdf, data, Name.JPXDecode, Name.DeviceGray, Width=600, Height=600)
        add_page(pdf, b"q 600 0 0 600 0 0 cm /Im0 Do Q", {"Im0": image}, (600, 600))

    path = save_pdf(tmp_path / "in.pdf", fill)
    told = clean_document(path, tmp_path / "out.pdf", {1})
    assert any("times as large as the input" in line for line in told)


def test_other_versions_of_a_cleaned_image_go(tmp_path: Path) -> None:
    def fill(pdf: pikepdf.Pdf) -> None:
        image = flate_image(pdf, GREY)
        image.Alternates = pikepdf.Array([Dictionary(Image=flate_image(pdf, GREY))])
        add_page(pdf, b"q 120 0 0 90 0 0 cm /Im0 Do Q", {"Im0": image}, (WIDTH, HEIGHT))

    path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
    clean_document(path, out, {1})
    assert zlib.compress(GREY.tobytes()) not in out.read_bytes()


def _tagged(pdf: pikepdf.Pdf) -> dict[str, bytes]:
    return {
        str(thing.Tag): thing.read_raw_bytes()
        for thing in pdf.objects
        if isinstance(thing, pikepdf.Stream) and "/Tag" in thing
    }


@pytest.mark.parametrize("width", [Name.Wide, pikepdf.Array([3]), pikepdf.String("9"), -4])
def test_images_that_declare_no_width_are_passed_over(tmp_path: Path, width: Any) -> None:
    def draw(pdf: pikepdf.Pdf) -> None:
        page = tiled(pdf, GREY, STRIPES)
        next(iter(page.Resources.XObject.values())).Width = width

    path, out = save_pdf(tmp_path / "in.pdf", draw), tmp_path / "out.pdf"
    mask = block_mask(2 * HEIGHT, 2 * WIDTH)
    with open_source(path, pdf_dpi=144) as source, open_sink(source, out) as sink:
        page = source.entries[0].load()
        assert page.size == (2 * WIDTH, 2 * HEIGHT)
        sink.write(source.entries[0], cleaned(page, mask), mask)
        sink.commit()
    assert len(pages_of(out)) == 1
