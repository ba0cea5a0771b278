"""What a PDF carries besides its pages, and what protects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from io_samples import (
    add_image_page,
    clean_document,
    cleaned,
    flate_image,
    noise,
    pages_of,
    save_pdf,
)
from pikepdf import Array, Dictionary, Name

from textclean.errors import OptionsError, ProtectedInputError, UnsupportedFormatError
from textclean.io import open_sink, open_source
from textclean.io.xmp import without_thumbnails
from textclean.options import SCRUB_ITEMS, SCRUB_USUAL, make_options

if TYPE_CHECKING:
    from pathlib import Path

MARKUP = (
    "Highlight", "Ink", "Stamp", "FreeText", "Text", "Popup", "Underline", "StrikeOut", "Squiggly",
)  # fmt: skip
XMP = (
    b'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Thumbnails><rdf:Alt><rdf:li>picture of secrets'
    b"</rdf:li></rdf:Alt></xmp:Thumbnails><xmp:CreatorTool>a scanner</xmp:CreatorTool>"
    b"</rdf:Description></x:xmpmeta>"
)


def book(path: Path) -> Path:
    def fill(pdf: pikepdf.Pdf) -> None:
        for number in range(2):
            page = add_image_page(pdf, flate_image(pdf, noise(43, 61, seed=number)))
            listed = [_annotation(pdf, kind, "secret") for kind in MARKUP]
            listed[4].Popup = listed[5]
            listed[5].Parent = listed[4]
            link = _annotation(pdf, "Link", "")
            link.A = Dictionary(S=Name.URI, URI="https://example.org")
            enclosed = _annotation(pdf, "FileAttachment", "secret")
            page.obj.Annots = Array([*listed, link, _annotation(pdf, "Widget", ""), enclosed])
            page.obj.Thumb = flate_image(pdf, noise(9, 9, seed=number))
            page.obj.PieceInfo = Dictionary(Maker=Dictionary(Private="secret"))
        root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        reference = Dictionary(Type=Name.OBJR, Obj=pdf.pages[0].obj.Annots[0])
        root.K = pdf.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name.Annot, P=root, K=reference, Alt="secret alt")
        )
        pdf.Root.StructTreeRoot = root
        pdf.Root.PieceInfo = Dictionary(
            SearchIndex=Dictionary(Private="secret"), Other=Dictionary(Private="secret")
        )
        pdf.Root.Metadata = pdf.make_stream(XMP, Type=Name.Metadata, Subtype=Name.XML)
        pdf.attachments["notes.txt"] = b"secret"
        widgets = [page.obj.Annots[10] for page in pdf.pages]
        for number, widget in enumerate(widgets):
            widget.FT, widget.T, widget.V = Name.Tx, f"name {number}", "value"
        pdf.Root.AcroForm = Dictionary(Fields=Array(widgets))

    return save_pdf(path, fill, compress_streams=False, fix_metadata_version=False)


def _annotation(pdf: pikepdf.Pdf, kind: str, words: str) -> Any:
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name(f"/{kind}"), Rect=Array([0, 0, 9, 9]), Contents=words
        )
    )


def scrubbed(path: Path, out: Path, what: set[str], pages: set[int]) -> list[str]:
    with open_source(path) as source, open_sink(source, out) as sink:
        sink.scrub(what, pages)
        sink.commit()
        return list(sink.warnings)


def kinds_on(page: pikepdf.Page) -> list[str]:
    return [str(annotation.Subtype)[1:] for annotation in page.obj.get("/Annots", ())]


class TestScrub:
    def test_everything(self, tmp_path: Path) -> None:
        path, out = book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        with open_source(path) as source, open_sink(source, out) as sink:
            sink.scrub(SCRUB_ITEMS, {1, 2})
            mask = np.zeros((43, 61), bool)
            mask[5:9, 5:9] = True
            for entry in source.entries:
                sink.write(entry, cleaned(entry.load(), mask), mask)
            sink.commit()
            (told,) = sink.warnings
        assert "16 annotations" in told
        data = out.read_bytes()
        # The structure's element of no page at all keeps its text; nothing else says the word.
        assert data.count(b"secret") == 1
        with pikepdf.open(out) as pdf:
            for page in pdf.pages:
                assert kinds_on(page) == ["Link", "Widget"]
                assert page.obj.Annots[0].A.URI == "https://example.org"
            assert pdf.Root.AcroForm.Fields[0].V == "value"
            assert b"a scanner" in pdf.Root.Metadata.read_bytes()

    @pytest.mark.parametrize(
        "item", [i for i in SCRUB_ITEMS if i not in ("hidden-text", "alternates")]
    )
    def test_one_item_at_a_time(self, tmp_path: Path, item: str) -> None:
        path, out = book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        (told,) = scrubbed(path, out, {item}, {1, 2})
        assert told.count(",") == 0
        with pikepdf.open(out) as pdf:
            first = pdf.pages[0]
            there = {
                "annotations": "Ink" in kinds_on(first),
                "thumbnails": "/Thumb" in first.obj,
                "piece-info": "/PieceInfo" in first.obj and "/PieceInfo" in pdf.Root,
                "search-index": "/SearchIndex" in pdf.Root.get("/PieceInfo", Dictionary()),
                "attachments": len(pdf.attachments) > 0 and "FileAttachment" in kinds_on(first),
                "xmp-thumbnails": b"Thumbnails" in pdf.Root.Metadata.read_bytes(),
            }
        gone = {name for name, stays in there.items() if not stays}
        # The index is kept among the private data.
        assert gone == {item} | ({"search-index"} if item == "piece-info" else set())

    def test_only_on_the_pages_asked_for(self, tmp_path: Path) -> None:
        path, out = book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        scrubbed(path, out, {"annotations", "thumbnails"}, {2})
        with pikepdf.open(out) as pdf:
            assert "Ink" in kinds_on(pdf.pages[0])
            assert "Ink" not in kinds_on(pdf.pages[1])
            assert "/Thumb" in pdf.pages[0].obj
            assert "/Thumb" not in pdf.pages[1].obj

    def test_nothing_to_scrub_is_a_copy(self, tmp_path: Path) -> None:
        path = save_pdf(
            tmp_path / "in.pdf", lambda p: add_image_page(p, flate_image(p, noise(43, 61)))
        )
        assert scrubbed(path, tmp_path / "out.pdf", set(SCRUB_ITEMS), {1}) == []
        assert (tmp_path / "out.pdf").read_bytes() == path.read_bytes()

    def test_streams_that_stay_are_byte_identical(self, tmp_path: Path) -> None:
        path, out = book(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        scrubbed(path, out, set(SCRUB_USUAL), {1, 2})
        with pikepdf.open(path) as a, pikepdf.open(out) as b:
            for one, other in zip(a.pages, b.pages, strict=True):
                old, new = one.obj.Resources.XObject.Im0, other.obj.Resources.XObject.Im0
                assert old.read_raw_bytes() == new.read_raw_bytes()
                assert one.obj.Contents.read_raw_bytes() == other.obj.Contents.read_raw_bytes()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
    def test_pictures_in_metadata(self, encoding: str) -> None:
        packet, count = without_thumbnails(XMP.decode().encode(encoding))
        assert count == 1
        text = packet.decode(encoding)
        assert "Thumbnails" not in text
        assert text == XMP.decode().replace(
            "<xmp:Thumbnails><rdf:Alt><rdf:li>picture of secrets</rdf:li></rdf:Alt>"
            "</xmp:Thumbnails>",
            "",
        )
        assert without_thumbnails(b"\xff\xfe\xd8") == (b"\xff\xfe\xd8", 0)


class TestOptions:
    def test_profiles(self) -> None:
        assert make_options("annotations").scrub == SCRUB_USUAL
        assert make_options("manga").scrub == ()
        assert make_options("annotations", scrub=()).scrub == ()

    def test_unknown_items_are_refused(self) -> None:
        with pytest.raises(OptionsError, match="dust"):
            make_options("manga", scrub=("dust",))

    @pytest.mark.parametrize(
        ("given", "items", "expected"),
        [
            (None, None, ()),
            (True, None, SCRUB_USUAL),
            (None, ["thumbnails,annotations"], ("thumbnails", "annotations")),
            (None, ["-attachments", "+hidden-text"], (*(i for i in SCRUB_USUAL if i !=
             "attachments"), "hidden-text")),
        ],
    )  # fmt: skip
    def test_the_command_line(
        self, given: bool | None, items: list[str] | None, expected: tuple[str, ...]
    ) -> None:
        from textclean.cli.parameters import options_from

        options = options_from({"profile": "manga", "scrub": given, "scrub_items": items})
        assert options.scrub == expected

    @pytest.mark.parametrize(
        ("given", "items"), [(False, ["thumbnails"]), (None, ["thumbnails,+annotations"]),
                             (None, ["+dust"])],
    )  # fmt: skip
    def test_contradictions(self, given: bool | None, items: list[str]) -> None:
        from textclean.cli.parameters import options_from

        with pytest.raises(OptionsError):
            options_from({"profile": "annotations", "scrub": given, "scrub_items": items})


class TestProtected:
    def signed(self, path: Path) -> Path:
        def fill(pdf: pikepdf.Pdf) -> None:
            add_image_page(pdf, flate_image(pdf, noise(43, 61)))
            value = Dictionary(Type=Name.Sig, Contents="signature")
            field = Dictionary(T="s", V=pdf.make_indirect(value))
            parent = Dictionary(T="x", FT=Name.Sig, Kids=Array([pdf.make_indirect(field)]))
            pdf.Root.AcroForm = Dictionary(
                Fields=Array([pdf.make_indirect(parent)]), SigFlags=3, XFA=pdf.make_stream(b"<x/>")
            )
            pdf.Root.Perms = Dictionary(DocMDP=value)

        return save_pdf(path, fill)

    def test_each_has_its_flag(self, tmp_path: Path) -> None:
        path = self.signed(tmp_path / "in.pdf")
        with pytest.raises(ProtectedInputError, match="signed") as caught:
            open_source(path, allow_xfa=True)
        assert "--allow-signed" in str(caught.value)
        with pytest.raises(UnsupportedFormatError, match="XFA") as refused:
            open_source(path, allow_signed=True)
        assert "--allow-xfa" in str(refused.value)

    def test_what_a_change_would_contradict_goes(self, tmp_path: Path) -> None:
        path, out = self.signed(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        told = clean_document(path, out, {1}, allow_signed=True, allow_xfa=True)
        assert any("signatures were removed" in line for line in told)
        assert any("XFA" in line for line in told)
        with pikepdf.open(out) as pdf:
            assert "/Perms" not in pdf.Root
            assert "/XFA" not in pdf.Root.AcroForm
            assert "/V" not in pdf.Root.AcroForm.Fields[0].Kids[0]
            assert pdf.Root.AcroForm.SigFlags == 0

    def test_unchanged_it_stays_signed(self, tmp_path: Path) -> None:
        path, out = self.signed(tmp_path / "in.pdf"), tmp_path / "out.pdf"
        assert clean_document(path, out, set(), allow_signed=True, allow_xfa=True) == []
        assert out.read_bytes() == path.read_bytes()

    @pytest.mark.parametrize("revision", [3, 4, 6])
    @pytest.mark.parametrize("user", ["reader", ""])
    def test_encrypted_in_the_same_way(self, tmp_path: Path, revision: int, user: str) -> None:
        allow = pikepdf.Permissions(extract=False, print_highres=False)
        locked = pikepdf.Encryption(
            user=user, owner="owner", R=revision, allow=allow, aes=revision > 3,
            metadata=revision > 3,
        )  # fmt: skip

        def fill(pdf: pikepdf.Pdf) -> None:
            for number in range(2):
                add_image_page(pdf, flate_image(pdf, noise(43, 61, seed=number)))

        path, out = save_pdf(tmp_path / "in.pdf", fill, encryption=locked), tmp_path / "out.pdf"
        clean_document(path, out, {1}, password="owner")
        with (
            pikepdf.open(path, password="owner") as a,
            pikepdf.open(out, password="owner") as b,
        ):
            assert a.encryption.__dict__ == b.encryption.__dict__
            assert a.allow == b.allow
            images = [pdf.pages[1].obj.Resources.XObject.Im0.read_raw_bytes() for pdf in (a, b)]
            assert images[0] == images[1]
        with pikepdf.open(out, password=user) as pdf:
            assert pdf.user_password_matched
        if user:
            with pytest.raises(pikepdf.PasswordError):
                pikepdf.open(out)
        assert len(pages_of(out, password="owner")) == 2
