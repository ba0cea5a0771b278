"""Words beneath cleaned areas go, all others stay: another library reads what is left."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from io_samples import add_page, cleaned, flate_image, save_pdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageDraw

from textclean.io import open_sink, open_source

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from textclean.types import Mask

SIZE = (400, 200)
WORDS = "keep this secret word here"


def helvetica(pdf: pikepdf.Pdf) -> Any:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    return pdf.make_indirect(font)


def text_page(pdf: pikepdf.Pdf, content: bytes, **xobjects: Any) -> Any:
    page = add_page(pdf, content, xobjects, SIZE)
    page.obj.Resources.Font = Dictionary(F1=helvetica(pdf))
    return page


def characters(path: Path, number: int = 1) -> list[tuple[str, tuple[float, ...]]]:
    """Every character and its box, as PDFium finds them."""
    document = pypdfium2.PdfDocument(path)
    page = document[number - 1].get_textpage()
    found = [
        (page.get_text_range(n, 1), tuple(round(v, 1) for v in page.get_charbox(n)))
        for n in range(page.count_chars())
    ]
    document.close()
    return [item for item in found if item[0].strip()]


def text_of(path: Path, number: int = 1) -> str:
    document = pypdfium2.PdfDocument(path)
    text = str(document[number - 1].get_textpage().get_text_range())
    document.close()
    return " ".join(text.split())


def by_poppler(path: Path) -> str:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run([program, str(path), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def mask_of(path: Path, word: str, scale: float, number: int = 1) -> Mask:
    """The cells of a word on the page's picture, a little enlarged."""
    found = characters(path, number)
    at = "".join(c for c, _ in found).index(word)
    boxes = np.array([box for _, box in found[at : at + len(word)]])
    (left, bottom), (right, top) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    mask = np.zeros((round(SIZE[1] * scale), round(SIZE[0] * scale)), bool)
    rows = slice(int((SIZE[1] - top) * scale) - 1, int((SIZE[1] - bottom) * scale) + 2)
    mask[rows, int(left * scale) - 1 : int(right * scale) + 2] = True
    return mask


def clean(path: Path, out: Path, mask: Mask, number: int = 1, **options: Any) -> list[str]:
    with open_source(path, pdf_dpi=144) as source, open_sink(source, out) as sink:
        entry = source.entries[number - 1]
        sink.scrub(options.get("scrub", ()), {1})
        sink.write(entry, cleaned(entry.load(), mask), mask)
        sink.commit()
        return list(sink.warnings)


def picture_of(path: Path, number: int = 1) -> NDArray[np.uint8]:
    document = pypdfium2.PdfDocument(path)
    samples: NDArray[np.uint8] = (
        document[number - 1].render(scale=2, may_draw_forms=False).to_numpy().copy()
    )
    document.close()
    return samples


SHOWN = {
    "Tj": b"BT /F1 18 Tf 30 100 Td (keep this secret word here) Tj ET",
    "TJ": b"BT /F1 18 Tf 30 100 Td [(keep th) -20 (is sec) 30 (r) -15 (et wo) 10 (rd here)] TJ ET",
    "spaced": b"BT /F1 15 Tf 1 Tc 3 Tw 110 Tz 2 Ts 30 100 Td (keep this secret word here) Tj ET",
    "quote": b"BT /F1 18 Tf 20 TL 30 120 Td (keep this secret word here) ' ET",
    "quotes": b'BT /F1 18 Tf 20 TL 30 120 Td 2 1 (keep this secret word here) " ET',
    "matrix": b"q 2 0 0 2 10 10 cm BT /F1 1 Tf 8 1 -1 8 20 40 Tm (keep this secret word here) Tj "
    b"ET Q",
    "words": b"BT /F1 18 Tf 30 100 Td (keep ) Tj (this ) Tj (secret ) Tj (word ) Tj (here) Tj ET",
}


class TestVisibleText:
    @pytest.mark.parametrize("name", SHOWN)
    def test_the_word_goes_and_the_others_stay_where_they_were(
        self, tmp_path: Path, name: str
    ) -> None:
        path = save_pdf(tmp_path / "in.pdf", lambda p: text_page(p, SHOWN[name]))
        out = tmp_path / "out.pdf"
        mask = mask_of(path, "secret", 2)
        told = clean(path, out, mask)
        assert any("6 letters of text" in line for line in told)
        assert text_of(path) == WORDS
        assert text_of(out) == "keep this word here"
        assert by_poppler(out) == "keep this word here"
        before = [c for n, c in enumerate(characters(path)) if not 8 <= n < 14]
        assert before == characters(out)
        # What is seen outside the mask is what was seen before.
        assert np.array_equal(picture_of(out)[~mask], picture_of(path)[~mask])
        assert (picture_of(out)[mask] == 255).all()
        for stream in _streams(out):
            assert b"secret" not in stream

    def test_strokes_alone_are_enough(self, tmp_path: Path) -> None:
        """The mask follows the letters' strokes, as the cleaner's does."""
        path = save_pdf(tmp_path / "in.pdf", lambda p: text_page(p, SHOWN["Tj"]))
        out = tmp_path / "out.pdf"
        word = mask_of(path, "secret", 2)
        ink = picture_of(path)[..., 0] < 250
        strokes = np.zeros_like(ink)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                strokes |= np.roll(ink, (down, right), (0, 1))
        clean(path, out, strokes & word)
        assert text_of(out) == "keep this word here"

    def test_print_under_a_crossing_stroke_stays(self, tmp_path: Path) -> None:
        content = SHOWN["Tj"] + b" 1 0 0 RG 2 w 30 103 m 300 108 l S"
        path = save_pdf(tmp_path / "in.pdf", lambda p: text_page(p, content))
        out = tmp_path / "out.pdf"
        seen = picture_of(path).astype(int)
        mask = (seen[..., 2] > seen[..., 0] + 60) | (seen[..., 0] > seen[..., 2] + 60)
        assert mask.sum() > 500
        clean(path, out, mask)
        assert text_of(out) == WORDS

    def test_a_form_that_is_painted_twice(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            form = pdf.make_stream(
                b"BT /F1 18 Tf 0 0 Td (some secret words) Tj ET",
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=Array([-5, -5, 300, 30]),
                Resources=Dictionary(Font=Dictionary(F1=helvetica(pdf))),
            )
            content = b"q 1 0 0 1 30 150 cm /Fm Do Q q 1 0 0 1 30 50 cm /Fm Do Q"
            for _ in range(2):
                text_page(pdf, content, Fm=form)

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        mask = mask_of(path, "secret", 2)
        mask[mask.shape[0] // 2 :] = False
        clean(path, out, mask)
        assert text_of(path).split().count("secret") == 2
        assert text_of(out).split() == ["some", "words", "some", "secret", "words"]
        assert text_of(out, 2) == text_of(path, 2)
        assert np.array_equal(picture_of(out)[~mask], picture_of(path)[~mask])

    def test_composite_fonts(self, tmp_path: Path) -> None:
        """Two-byte codes with widths of their own; widths decide where the others stay."""

        def fill(pdf: pikepdf.Pdf) -> None:
            page = text_page(pdf, b"BT /F2 20 Tf 30 100 Td <00410042004300440045> Tj ET")
            descendant = Dictionary(
                Type=Name.Font,
                Subtype=Name.CIDFontType2,
                BaseFont=Name.Nothing,
                CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
                DW=900,
                W=Array([0x42, Array([1500, 1200]), 0x44, 0x45, 800]),
                FontDescriptor=Dictionary(Type=Name.FontDescriptor, FontName=Name.Nothing, Flags=4),
            )
            names = b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
            names += b"1 beginbfrange <0041> <0045> <0041> endbfrange"
            page.obj.Resources.Font.F2 = Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name.Nothing,
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([pdf.make_indirect(descendant)]),
                ToUnicode=pdf.make_stream(names),
            )

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        assert text_of(path) == "ABCDE"
        mask = np.zeros((400, 800), bool)
        # B begins 18 units after A and is 30 wide.
        mask[160:215, (30 + 18 + 1) * 2 : (30 + 48 - 1) * 2] = True
        clean(path, out, mask)
        with pikepdf.open(out) as pdf:
            data = b"".join(part.read_bytes() for part in pdf.pages[0].obj.Contents)
            shown = [
                i for i in pikepdf.parse_content_stream(pdf.pages[0]) if str(i.operator) == "TJ"
            ]
        assert b"\0B" not in data
        first, width, rest = shown[0].operands[0]
        assert (bytes(first), float(width), bytes(rest)) == (b"\0A", -1500, b"\0C\0D\0E")


def scan(words: str, at: tuple[int, int] = (60, 180)) -> NDArray[np.uint8]:
    """A white page, 800 x 400, with black words on it."""
    image = Image.new("L", (800, 400), 255)
    ImageDraw.Draw(image).text(at, words, fill=0, font_size=36)
    return np.asarray(image)


def ocr_page(pdf: pikepdf.Pdf, image: Any, mode: int, first: bool, form: bool) -> Any:
    """A scan with its words as text, invisible or beneath the image."""
    left = 30.0
    parts = []
    for word in WORDS.split():
        width = ImageDraw.Draw(Image.new("L", (9, 9))).textlength(word, font_size=36) / 2
        parts.append(f"1 0 0 1 {left} 95 Tm ({word} ) Tj".encode())
        left += width + 5
    text = b"BT %d Tr /F1 17 Tf %s ET" % (mode, b" ".join(parts))
    picture = b"q 400 0 0 200 0 0 cm /Im0 Do Q"
    if not form:
        return text_page(pdf, b"\n".join([text, picture] if first else [picture, text]), Im0=image)
    layer = pdf.make_stream(
        text,
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 400, 200]),
        Resources=Dictionary(Font=Dictionary(F1=helvetica(pdf))),
    )
    return text_page(pdf, picture + b" /Layer Do", Im0=image, Layer=layer)


class TestHiddenText:
    @pytest.mark.parametrize(
        ("mode", "first", "form"), [(3, False, False), (0, True, False), (3, False, True)]
    )
    def test_recognized_words_go_with_their_picture(
        self, tmp_path: Path, mode: int, first: bool, form: bool
    ) -> None:
        spread = np.minimum(scan("keep this"), scan("secret", (310, 180)))

        def fill(pdf: pikepdf.Pdf) -> None:
            for _ in range(2):
                ocr_page(pdf, flate_image(pdf, spread), mode, first, form)

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        with open_source(path) as source:
            assert source.entries[0].load().mode == "L"  # it is read as a scan
        mask = mask_of(path, "secret", 2)
        told = clean(path, out, mask)
        assert text_of(out) == "keep this word here"
        assert text_of(out, 2) == WORDS
        assert any("of text beneath" in line for line in told)

    def test_all_of_it_when_asked_for(self, tmp_path: Path) -> None:
        def fill(pdf: pikepdf.Pdf) -> None:
            for _ in range(2):
                ocr_page(pdf, flate_image(pdf, scan(WORDS)), 3, False, True)

        path, out = save_pdf(tmp_path / "in.pdf", fill), tmp_path / "out.pdf"
        with open_source(path) as source, open_sink(source, out) as sink:
            sink.scrub({"hidden-text"}, {1})
            sink.commit()
            assert any("letters of invisible text" in line for line in sink.warnings)
        assert text_of(out) == ""
        assert text_of(out, 2) == WORDS


class TestAlternates:
    def book(self, path: Path) -> Path:
        content = (
            b"BT /F1 18 Tf 30 150 Td /P <</MCID 0 /ActualText (open words)>> BDC (open) Tj EMC "
            b"0 -50 Td /P <</MCID 1 /ActualText (hush hush)>> BDC (secret) Tj EMC ET"
        )

        def fill(pdf: pikepdf.Pdf) -> None:
            page = text_page(pdf, content)
            page.obj.StructParents = 0
            root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
            section = pdf.make_indirect(
                Dictionary(Type=Name.StructElem, S=Name.Sect, P=root, Alt="all of it")
            )
            parts = [
                pdf.make_indirect(
                    Dictionary(
                        Type=Name.StructElem,
                        S=Name.P,
                        P=section,
                        Pg=page.obj,
                        K=n,
                        Alt=f"part {n}",
                        E="expansion",
                    )
                )
                for n in range(2)
            ]
            section.K = Array(parts)
            root.K = section
            root.ParentTree = Dictionary(Nums=Array([0, Array(parts)]))
            pdf.Root.StructTreeRoot = root
            pdf.Root.MarkInfo = Dictionary(Marked=True)

        return save_pdf(path, fill)

    def test_only_what_stands_for_cleaned_words_goes(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        mask = np.zeros((400, 800), bool)
        mask[150:220, 40:200] = True  # the second line
        clean(path, out, mask)
        with pikepdf.open(out) as pdf:
            section = pdf.Root.StructTreeRoot.K
            assert "/Alt" not in section
            assert section.K[0].Alt == "part 0"
            assert not {"/Alt", "/E", "/ActualText"} & set(section.K[1].keys())
            assert section.K[1].K == 1
            assert pdf.Root.MarkInfo.Marked
            data = b"".join(part.read_bytes() for part in pdf.pages[0].obj.Contents)
        assert b"open words" in data
        assert b"hush" not in data
        assert b"/MCID 1" in data
        assert b"secret" not in out.read_bytes()

    def test_everywhere_on_the_page_when_asked_for(self, tmp_path: Path) -> None:
        path, out = self.book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        mask = np.zeros((400, 800), bool)
        mask[150:220, 40:200] = True
        clean(path, out, mask, scrub={"alternates"})
        with pikepdf.open(out) as pdf:
            assert "/Alt" not in pdf.Root.StructTreeRoot.K.K[0]
            data = b"".join(part.read_bytes() for part in pdf.pages[0].obj.Contents)
        assert b"ActualText" not in data
        assert b"(open)" in data


def _streams(path: Path) -> list[bytes]:
    with pikepdf.open(path) as pdf:
        return [o.read_bytes() for o in pdf.objects if isinstance(o, pikepdf.Stream)]
