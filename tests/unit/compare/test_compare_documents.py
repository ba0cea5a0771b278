"""What ``compare_documents`` tells, document by document; and that it overlooks nothing."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, lettered, write_archive
from pikepdf import Array, Dictionary, Name
from PIL import Image, PngImagePlugin, TiffImagePlugin

from textclean import clean_document, compare_documents
from textclean.errors import FileAccessError, MaskError, OptionsError, RegionsFileError

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.compare import Comparison

INFO = "<ComicInfo><Series>{}</Series><Pages><Page Image='0' ImageSize='{}'/></Pages></ComicInfo>"


def told(found: Comparison, kind: str, *, expected: bool = False) -> list[str]:
    """What is said of one kind, counting or expected."""
    return [str(d) for d in found.of_kind(kind) if d.expected is expected]


def png(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, "PNG", **options)
    return path


def with_pixel(image: Image.Image, at: tuple[int, int], value: Any) -> Image.Image:
    changed = image.copy()
    changed.putpixel(at, value)
    return changed


# Pixels and regions


def test_a_copy_is_identical(tmp_path: Path) -> None:
    a, b = png(tmp_path / "a.png", lettered()), png(tmp_path / "b.png", lettered())
    found = compare_documents(a, b)
    assert found.identical and found.same_outside
    assert found.summary() == ["identical: the documents are the same, byte for byte"]


def test_one_pixel_of_one_level_is_found(tmp_path: Path) -> None:
    page = lettered()
    a = png(tmp_path / "a.png", page)
    b = png(tmp_path / "b.png", with_pixel(page, (7, 90), (254, 255, 255)))
    found = compare_documents(a, b)
    (compared,) = found.pages
    assert not found.same_outside
    assert (compared.changed_outside, compared.largest, compared.box) == (1, 1, (7, 90, 8, 91))


def test_regions_tell_what_may_change(tmp_path: Path) -> None:
    page = lettered()
    a = png(tmp_path / "a.png", page)
    inside = with_pixel(page, (20, 20), (0, 0, 0))
    b = png(tmp_path / "b.png", inside)
    c = png(tmp_path / "c.png", with_pixel(inside, (99, 99), (0, 0, 0)))
    regions = tmp_path / "r.json"
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    regions.write_text(json.dumps({"regions": [{"polygon": square}]}))
    assert compare_documents(a, b, regions=regions).same_outside
    found = compare_documents(a, c, regions=regions)
    assert (found.changed_inside, found.changed_outside) == (1, 1)
    assert found.pages[0].area == 21 * 21
    assert not compare_documents(a, b).same_outside


def test_regions_that_are_kept_may_not_change(tmp_path: Path) -> None:
    page = lettered()
    a = png(tmp_path / "a.png", page)
    b = png(tmp_path / "b.png", with_pixel(page, (20, 20), (0, 0, 0)))
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    regions = tmp_path / "r.json"
    regions.write_text(json.dumps({"regions": [{"polygon": square, "action": "keep"}]}))
    assert not compare_documents(a, b, regions=regions).same_outside


def test_a_margin_grows_the_regions(tmp_path: Path) -> None:
    page = lettered()
    a = png(tmp_path / "a.png", page)
    b = png(tmp_path / "b.png", with_pixel(page, (33, 20), (0, 0, 0)))
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    regions = tmp_path / "r.json"
    regions.write_text(json.dumps({"regions": [{"polygon": square}]}))
    assert not compare_documents(a, b, regions=regions, margin=2).same_outside
    assert compare_documents(a, b, regions=regions, margin=3).same_outside


def test_wrong_areas_are_refused(tmp_path: Path) -> None:
    page = lettered()
    a = png(tmp_path / "a.png", page)
    b = png(tmp_path / "b.png", with_pixel(page, (33, 20), (0, 0, 0)))
    regions = tmp_path / "r.json"
    regions.write_text(json.dumps({"width": 5, "height": 5, "regions": []}))
    with pytest.raises(RegionsFileError, match="5×5"):
        compare_documents(a, b, regions=regions)
    with pytest.raises(MaskError):
        compare_documents(a, b, masks={1: np.zeros((3, 3), bool)})
    with pytest.raises(FileAccessError):
        compare_documents(a, b, masks=tmp_path / "nowhere")
    with pytest.raises(OptionsError, match="pixel"):
        compare_documents(a, b, ignore=["pixel"])


def test_the_masks_and_regions_of_a_run_cover_it(tmp_path: Path) -> None:
    a, b = png(tmp_path / "a.png", lettered()), tmp_path / "b.png"
    mask, regions = tmp_path / "mask.png", tmp_path / "regions.json"
    clean_document(
        a, b, detector=FakeDetector(), inpainter=FakeInpainter(), mask_out=mask, regions_out=regions
    )
    found = compare_documents(a, b, masks=mask)
    assert found.same_outside and found.changed_inside > 500 and found.changed_outside == 0
    assert compare_documents(a, b, regions=regions, margin=2).same_outside


def test_turned_pages_take_masks_as_they_are_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    a, b = png(tmp_path / "a.png", lettered(), exif=exif), tmp_path / "b.png"
    mask = tmp_path / "mask.png"
    clean_document(a, b, detector=FakeDetector(), inpainter=FakeInpainter(), mask_out=mask)
    found = compare_documents(a, b, masks=mask)
    assert found.same_outside and found.changed_inside > 500


def test_jpeg_blocks_are_told_apart(tmp_path: Path) -> None:
    page = lettered(96, 64)
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    png(a, page)
    png(b, page)
    from textclean.compare.pages import compare_pages
    from textclean.io import read_image

    before = read_image(a)
    area = np.zeros((64, 96), bool)
    area[20, 20] = True
    for at, count in (
        ((17, 17), (1, 0)),
        ((32, 20), (1, 0)),
        ((33, 20), (0, 1)),
        ((15, 31), (1, 0)),
    ):
        after = read_image(encoded(with_pixel(page, at, (1, 2, 3))))
        compared, _ = compare_pages(before, after, area, block=(16, 16))
        assert (compared.changed_blocks, compared.changed_outside) == count, at
        plain, _ = compare_pages(before, after, area, block=(8, 8))
        assert plain.changed_outside == int(not (16 <= at[0] < 24 and 16 <= at[1] < 24))


# What images hold besides pixels


def test_what_a_png_holds_besides_pixels(tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "somebody")
    page = lettered()
    a = png(tmp_path / "a.png", page, pnginfo=notes, dpi=(300, 300), icc_profile=b"one")
    b = png(tmp_path / "b.png", page, dpi=(72, 72), icc_profile=b"another", compress_level=1)
    found = compare_documents(a, b)
    assert found.changed_outside == 0
    assert "a.png: tEXt Author: 'somebody' -> none" in told(found, "chunks")
    assert told(found, "dpi") == ["a.png: 299.999 x 299.999 dpi -> 72.009 x 72.009 dpi"]
    assert told(found, "icc") == ["a.png: 3 bytes -> 7 bytes"]
    assert not found.same_outside
    assert compare_documents(a, b, ignore=["chunks", "dpi", "icc"]).same_outside


def test_another_packing_of_equal_pixels_is_expected(tmp_path: Path) -> None:
    page = lettered(mode="L")
    a, b = tmp_path / "a.tif", tmp_path / "b.tif"
    page.save(a, compression="tiff_lzw")
    page.save(b, compression="tiff_adobe_deflate")
    found = compare_documents(a, b)
    assert found.same_outside
    assert any(
        "Compression (259): 5 -> 8" in line for line in told(found, "encoding", expected=True)
    )


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_a_mode_that_changes_is_told(tmp_path: Path, mode: str) -> None:
    a = png(tmp_path / "a.png", lettered().convert("1"))
    b = png(tmp_path / "b.png", lettered().convert("1").convert(mode))
    found = compare_documents(a, b)
    assert told(found, "mode")[0] == f"a.png: 1 -> {mode}"
    assert found.changed_outside == 0  # the same look


def test_a_palette_that_is_sorted_anew_is_told_and_the_look_compared(tmp_path: Path) -> None:
    page = Image.frombytes("P", (4, 1), bytes([0, 1, 2, 1]))
    page.putpalette([9, 9, 9, 50, 60, 70, 255, 255, 255])
    other = Image.frombytes("P", (4, 1), bytes([2, 1, 0, 1]))
    other.putpalette([255, 255, 255, 50, 60, 70, 9, 9, 9])
    found = compare_documents(png(tmp_path / "a.png", page), png(tmp_path / "b.png", other))
    assert told(found, "palette") and found.changed_outside == 0
    other.putpalette([255, 255, 255, 50, 60, 71, 9, 9, 9])
    found = compare_documents(tmp_path / "a.png", png(tmp_path / "c.png", other))
    assert found.changed_outside == 2 and found.pages[0].largest == 257


def test_jpeg_segments_are_compared(tmp_path: Path) -> None:
    a, b = tmp_path / "a.jpg", tmp_path / "b.jpg"
    lettered().save(a, comment=b"first", quality=90)
    data = a.read_bytes()
    b.write_bytes(data.replace(b"first", b"other"))
    found = compare_documents(a, b)
    assert found.changed_outside == 0
    assert told(found, "chunks") == ["a.jpg: COM: 'first' -> 'other'"]


def test_tiff_tags_are_compared_page_by_page(tmp_path: Path) -> None:
    def write(path: Path, second: str) -> Path:
        with TiffImagePlugin.AppendingTiffWriter(str(path), True) as writer:
            for text in ("one", second):
                lettered(mode="L").save(writer, "TIFF", tiffinfo={270: text})
                writer.newFrame()
        return path

    a, b = write(tmp_path / "a.tif", "two"), write(tmp_path / "b.tif", "2")
    found = compare_documents(a, b)
    assert told(found, "tags") == ["page 2: ImageDescription (270): 'two' -> '2'"]
    assert [page.identical for page in found.pages] == [True, False]


def test_a_damaged_page_that_is_not_the_same_is_unreadable(tmp_path: Path) -> None:
    good, bad = encoded(lettered()), encoded(lettered())[:200]
    a = write_archive(tmp_path / "a.cbz", {"1.png": good, "2.png": bad})
    b = write_archive(tmp_path / "b.cbz", {"1.png": good, "2.png": bad, "x.txt": b""})
    c = write_archive(tmp_path / "c.cbz", {"1.png": good, "2.png": bad[:100]})
    assert not told(compare_documents(a, b), "unreadable")
    assert len(told(compare_documents(a, c), "unreadable")) == 1


# Archives and folders


def test_entries_of_archives(tmp_path: Path) -> None:
    page, other = encoded(lettered()), encoded(lettered(text="MORE"))
    a = write_archive(
        tmp_path / "a.cbz", {"1.png": page, "2.png": other, "note.txt": b"1", "gone.txt": b"2"}
    )
    b = write_archive(
        tmp_path / "b.cbz", {"2.png": other, "1.png": page, "note.txt": b"3", "new.txt": b"4"}
    )
    found = compare_documents(a, b)
    entries = told(found, "entries")
    assert "'gone.txt' is missing" in entries and "'new.txt' was added" in entries
    assert any("'note.txt' differs" in line for line in entries)
    assert found.changed_outside == 0 and not found.same_outside


def test_the_order_of_entries_counts(tmp_path: Path) -> None:
    page, other = encoded(lettered()), encoded(lettered(text="MORE"))
    a = write_archive(tmp_path / "a.cbz", {"1.png": page, "2.png": other})
    b = write_archive(tmp_path / "b.cbz", {"2.png": other, "1.png": page})
    found = compare_documents(a, b)
    assert told(found, "entries") == ["the entries are in another order, from '1.png' on"]


def test_pages_missing_and_added(tmp_path: Path) -> None:
    page = encoded(lettered())
    a = write_archive(tmp_path / "a.cbz", {"1.png": page, "2.png": page})
    b = write_archive(tmp_path / "b.cbz", {"1.png": page, "3.png": page})
    found = compare_documents(a, b)
    assert told(found, "pages") == ["2.png: the page is missing", "3.png: the page was added"]


def test_picture_sizes_in_comicinfo_follow_and_its_words_do_not(tmp_path: Path) -> None:
    page = encoded(lettered())
    files = [
        write_archive(
            tmp_path / f"{n}.cbz", {"1.png": page, "ComicInfo.xml": INFO.format(*values).encode()}
        )
        for n, values in enumerate((("A", 1), ("A", 2), ("B", 1)))
    ]
    assert compare_documents(files[0], files[1]).same_outside
    assert told(compare_documents(files[0], files[1]), "comicinfo", expected=True)
    assert len(told(compare_documents(files[0], files[2]), "comicinfo")) == 1


def test_the_comment_of_an_archive(tmp_path: Path) -> None:
    a = write_archive(tmp_path / "a.cbz", {"1.png": encoded(lettered())})
    b = write_archive(tmp_path / "b.cbz", {"1.png": encoded(lettered())})
    with zipfile.ZipFile(b, "a") as archive:
        archive.comment = b"hello"
    assert told(compare_documents(a, b), "entries") == ["comment: b'' -> b'hello'"]


def test_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        png(tmp_path / name / "sub" / "1.png", lettered())
    (tmp_path / "a" / "notes.txt").write_text("not copied, as is told when it is cleaned")
    found = compare_documents(tmp_path / "a", tmp_path / "b")
    assert found.same_outside and told(found, "entries", expected=True)


def test_a_conversion_is_judged_by_what_it_must_keep(tmp_path: Path) -> None:
    page = lettered().convert("L")
    a = png(tmp_path / "a.png", page, dpi=(300, 300))
    b = tmp_path / "b.tif"
    page.save(b, dpi=(300, 300))
    found = compare_documents(a, b)
    assert found.converted and found.same_outside and not found.identical
    page.point(lambda level: level // 16 * 16).save(b, dpi=(300, 300))
    assert not compare_documents(a, b).same_outside
    page.save(b, dpi=(150, 150))
    assert [d.kind for d in compare_documents(a, b).unexpected] == ["dpi"]


# PDF


def scan_pdf(path: Path, change: Any = None) -> Path:
    """Two pages with an image, words and a link each; ``change`` may do what it likes."""
    with pikepdf.new() as pdf:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        for number in (1, 2):
            page = pdf.add_blank_page(page_size=(72, 72))
            image = pdf.make_stream(
                bytes(range(0, 240, 10)) * 24,
                Type=Name.XObject, Subtype=Name.Image, Width=24, Height=24,
                BitsPerComponent=8, ColorSpace=Name.DeviceGray,
            )  # fmt: skip
            page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image), Font=Dictionary(F1=font))
            words = f"q 72 0 0 72 0 0 cm /Im0 Do Q BT 3 Tr /F1 9 Tf 5 50 Td (Page {number}) Tj ET"
            page.obj.Contents = pdf.make_stream(words.encode())
            link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, number]))
            page.obj.Annots = Array([pdf.make_indirect(link)])
        pdf.docinfo["/Title"] = "Scan"
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("Start", 0))
        if change is not None:
            change(pdf)
        pdf.save(path, deterministic_id=True)
    return path


def test_object_numbers_are_no_difference(tmp_path: Path) -> None:
    a = scan_pdf(tmp_path / "a.pdf")
    with pikepdf.open(a) as pdf:
        pdf.save(
            tmp_path / "b.pdf",
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            fix_metadata_version=False,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
        )
    found = compare_documents(a, tmp_path / "b.pdf")
    assert all(page.identical for page in found.pages)
    assert {d.kind for d in found.differences} <= {"metadata"}  # the version in the header


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        (lambda pdf: pdf.docinfo.update({"/Title": "Other"}), "metadata", "/Info/Title"),
        (lambda pdf: pdf.Root.Outlines.First.update({"/Title": "x"}), "bookmarks", "/Title"),
        (lambda pdf: pdf.pages[1].obj.__delitem__("/Annots"), "annotations", "page 2"),
        (lambda pdf: pdf.pages[0].obj.update({"/Rotate": 90}), "objects", "/Rotate"),
        (lambda pdf: pdf.pages[0].obj.update({"/Tabs": Name.S}), "objects", "/Tabs"),
    ],
)
def test_what_a_pdf_holds(tmp_path: Path, change: Any, kind: str, part: str) -> None:
    a, b = scan_pdf(tmp_path / "a.pdf"), scan_pdf(tmp_path / "b.pdf", change)
    found = compare_documents(a, b)
    assert any(part in line for line in told(found, kind)), found.differences
    assert not found.same_outside


def test_annotations_that_go_are_told_one_by_one(tmp_path: Path) -> None:
    def annotate(pdf: pikepdf.Pdf) -> None:
        ink = Dictionary(Type=Name.Annot, Subtype=Name.Ink, Rect=Array([1, 2, 3, 4]))
        pdf.pages[0].obj.Annots.append(pdf.make_indirect(ink))

    a, b = scan_pdf(tmp_path / "a.pdf", annotate), scan_pdf(tmp_path / "b.pdf")
    found = compare_documents(a, b)
    assert told(found, "annotations") == ["page 1: /Annots: Ink was removed"]
    assert compare_documents(a, b, ignore=["annotations"]).same_outside


def repainted(pdf: pikepdf.Pdf) -> None:
    """Both pages' words changed; a patch of the first image's pixels."""
    image = pdf.pages[0].obj.Resources.XObject.Im0
    pixels = bytearray(image.read_bytes())
    pixels[24 * 6 : 24 * 6 + 12] = b"\xff" * 12
    image.write(bytes(pixels))
    for page in pdf.pages:
        page.obj.Contents.write(page.obj.Contents.read_bytes().replace(b"Page", b"P"))


def test_pixels_and_text_of_a_scan_in_and_outside_the_mask(tmp_path: Path) -> None:
    a, b = scan_pdf(tmp_path / "a.pdf"), scan_pdf(tmp_path / "b.pdf", repainted)
    mask = np.zeros((24, 24), bool)
    mask[4:9, 0:16] = True  # 5 to 48 points across, 45 to 60 up: where the words are
    found = compare_documents(a, b, masks={1: mask})
    assert (found.changed_inside, found.changed_outside) == (12, 0)
    assert told(found, "text", expected=True) == [
        "page 1: 4 characters (age1) removed in the regions"
    ]
    outside = told(found, "text")
    assert "page 2: 4 characters (age2) removed outside the regions" in outside
    assert "page 2: 1 character (2) added" in outside
    assert any("Im0" in line for line in told(found, "objects", expected=True))
    assert all("page 2" in line for line in told(found, "objects"))


def test_the_rest_of_a_word_may_go_with_it_and_another_word_may_not(tmp_path: Path) -> None:
    a, b = scan_pdf(tmp_path / "a.pdf"), scan_pdf(tmp_path / "b.pdf", repainted)
    mask = np.zeros((24, 24), bool)
    mask[4:9, 4] = True  # 12 to 15 points across: in the "a" of "Page"
    found = compare_documents(a, b, masks={1: mask})
    assert told(found, "text", expected=True) == [
        "page 1: 1 character (a) removed in the regions",
        "page 1: 2 characters (ge) removed with words that reach into the regions",
    ]
    assert "page 1: 1 character (1) removed outside the regions" in told(found, "text")


def test_a_patch_that_raises_the_resolution_of_a_page_is_rendered_as_before(tmp_path: Path) -> None:
    def words(pdf: pikepdf.Pdf) -> None:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page = pdf.add_blank_page(page_size=(71.3, 53.7))
        page.obj.Resources = Dictionary(Font=Dictionary(F1=font))
        page.obj.Contents = pdf.make_stream(b"BT /F1 12 Tf 8 20 Td (Word) Tj ET")

    with pikepdf.new() as pdf:
        words(pdf)
        pdf.save(tmp_path / "a.pdf")
    masks = {}
    clean_document(
        tmp_path / "a.pdf",
        tmp_path / "b.pdf",
        detector=FakeDetector(),
        inpainter=FakeInpainter(),
        on_page=lambda report, result: masks.update({report.number: result.mask}),
    )
    found = compare_documents(tmp_path / "a.pdf", tmp_path / "b.pdf", masks=masks)
    assert found.same_outside, found.unexpected
    assert found.changed_inside > 500 and found.changed_outside == 0
    assert not compare_documents(tmp_path / "a.pdf", tmp_path / "b.pdf").same_outside
