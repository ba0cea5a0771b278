from __future__ import annotations

import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pikepdf
import pytest
from archive_samples import make_7z, make_epub
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import (
    add_image_page,
    block_mask,
    cleaned,
    encoded,
    exif,
    flate_image,
    left_behind,
    pdf_image,
    picture,
    rgb_profile,
    save_pdf,
)

from textclean.errors import FileAccessError, OptionsError, OutputExistsError
from textclean.io import open_sink, open_source
from textclean.io.archive_7z import SevenZipContainer
from textclean.io.archive_checks import LIMITS
from textclean.io.book_folder import safe_name
from textclean.io.naming import TARGETS
from textclean.io.tiff_file import TiffFile
from textclean.native import stored

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Page

PAGES = {
    "b/p10.png": encoded(picture("L", seed=1), "PNG", dpi=(300, 300)),
    "b/p9.jpg": encoded(picture("RGB", seed=2), "JPEG", dpi=(150, 150), quality=90),
    "b/p11.webp": encoded(picture("RGB", seed=3), "WEBP", lossless=True),
    "a.bmp": encoded(picture("RGB", seed=4), "BMP"),
    "b/p12.tif": encoded(picture("1", seed=5), "TIFF", compression="group4", dpi=(600, 600)),
    "b/p14.png": encoded(picture("P", seed=7), "PNG", icc_profile=rgb_profile()),
    "b/p15.png": encoded(picture("I;16", seed=8), "PNG"),
    "b/p16.jpg": encoded(picture("CMYK", seed=9), "JPEG"),
    "b/p18.jpg": encoded(picture("RGB", seed=10), "JPEG", exif=b"Exif\0\0" + exif(6)),
    "b/p19.png": encoded(picture("1", seed=11), "PNG"),
    "b/p20.jpg": encoded(picture("RGB", seed=12), "JPEG", progressive=True, dpi=(72, 72)),
    "b/p21.jpg": encoded(picture("L", seed=13), "JPEG"),
}
INFO = (
    b"<ComicInfo><Title>T</Title><Writer>A B, C</Writer><LanguageISO>ja</LanguageISO>"
    b'<Manga>YesAndRightToLeft</Manga><Pages><Page Image="4" ImageSize="1"/></Pages></ComicInfo>'
)


@pytest.fixture(scope="module")
def comic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("comic") / "book.cbz"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (PAGES | {"ComicInfo.xml": INFO, "notes.txt": b"x"}).items():
            file.writestr(name, data)
    return path


def convert(src: Path, dst: Path | str, numbers: set[int] | None = None, **how: str) -> list[str]:
    """Clean some pages while the document is converted; what was told of it."""
    with open_source(src) as source, open_sink(source, dst, **how) as sink:  # type: ignore[arg-type]
        for entry in source.entries:
            if entry.number in (numbers or ()):
                page = entry.load()
                mask = stored(block_mask(*page.rgb.shape[:2]), page.metadata.orientation)
                sink.write(entry, cleaned(page, mask), mask)
        sink.commit()
        return sink.warnings


def loaded(path: Path) -> list[Page]:
    with open_source(path) as source:
        return [entry.load() for entry in source.entries]


def changed(before: Page, after: Page) -> set[str]:
    """What differs between two pages as they are seen."""
    found = set()
    if before.rgb.shape != after.rgb.shape or (before.rgb != after.rgb).any():
        found.add("pixels")
    one, two = before.metadata.dpi, after.metadata.dpi
    if one is not None and (two is None or not np.allclose(one, two, rtol=2e-4)):
        found.add("resolution")
    return found


@pytest.mark.parametrize("to", TARGETS)
def test_nothing_changes_but_the_format(comic: Path, tmp_path: Path, to: str) -> None:
    out = tmp_path / f"out{TARGETS[to]}"
    warnings = convert(comic, out, to=to)
    assert not any("left out" in line for line in warnings)
    for before, after in zip(loaded(comic), loaded(out), strict=True):
        assert changed(before, after) == set(), before.name
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("to", [t for t in TARGETS if t != "folder"])
def test_always_the_same_bytes(comic: Path, tmp_path: Path, to: str) -> None:
    for name in ("a", "b"):
        convert(comic, tmp_path / f"{name}{TARGETS[to]}", {1, 2}, to=to)
    a, b = (tmp_path / f"{name}{TARGETS[to]}" for name in ("a", "b"))
    assert len(a.read_bytes()) > 1000
    if to not in ("pdf", "epub"):  # they carry the title, here the file's name
        assert a.read_bytes() == b.read_bytes()
    convert(comic, tmp_path / "sub" / a.name, {1, 2}, to=to)
    assert (tmp_path / "sub" / a.name).read_bytes() == a.read_bytes()


@pytest.mark.parametrize("first", ["cb7", "epub", "pdf", "tiff", "folder"])
@pytest.mark.parametrize("then", TARGETS)
def test_from_anything_to_anything(comic: Path, tmp_path: Path, first: str, then: str) -> None:
    middle, out = tmp_path / f"m{TARGETS[first]}", tmp_path / f"out{TARGETS[then]}"
    convert(comic, middle, to=first)
    convert(middle, out, {2, 3}, to=then)
    names = set()
    for before, after in zip(loaded(middle), loaded(out), strict=True):
        mask = block_mask(*before.rgb.shape[:2])
        if before.number == 3:  # lossless, so that nothing else may change
            assert ((before.rgb != after.rgb).any(axis=2) <= mask).all()
            assert (after.rgb[mask] == 255).all()
        elif before.number != 2:
            assert changed(before, after) == set(), before.name
        names.add(after.name)
    assert len(names) == len(PAGES)


class TestPdf:
    def test_what_is_compressed_is_taken_over(self, comic: Path, tmp_path: Path) -> None:
        convert(comic, tmp_path / "out.pdf")
        with pikepdf.open(tmp_path / "out.pdf") as pdf:
            images = [page.Resources.XObject.Im0 for page in pdf.pages]
            order = ["a.bmp", "b/p9.jpg", "b/p10.png", "b/p11.webp", *list(PAGES)[4:]]
            raw = {n: bytes(i.read_raw_bytes()) for n, i in zip(order, images, strict=True)}
            filters = {n: str(i.Filter) for n, i in zip(order, images, strict=True)}
            boxes = {n: [float(v) for v in p.MediaBox] for n, p in zip(order, pdf.pages)}  # noqa: B905
            assert pdf.Root.ViewerPreferences.Direction == "/R2L"
            assert str(pdf.docinfo["/Author"]) == "A B, C"
            assert pdf.check_pdf_syntax() == []
        for name in (n for n in PAGES if n.endswith(".jpg")):
            assert raw[name] == PAGES[name]
            assert filters[name] == "/DCTDecode"
        assert raw["b/p10.png"] in PAGES["b/p10.png"]
        assert raw["b/p12.tif"] in PAGES["b/p12.tif"]
        assert filters["b/p12.tif"] == "/CCITTFaxDecode"
        assert boxes["b/p10.png"] == pytest.approx([0, 0, 61 * 72 / 300, 43 * 72 / 300], abs=1e-3)
        assert boxes["b/p18.jpg"][2:] == pytest.approx([43 * 0.75, 61 * 0.75])

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_every_orientation(self, tmp_path: Path, orientation: int) -> None:
        data = encoded(picture("RGB"), "PNG", exif=b"Exif\0\0" + exif(orientation))
        (tmp_path / "p.png").write_bytes(data)
        convert(tmp_path / "p.png", tmp_path / "out.pdf")
        (before,), (after,) = loaded(tmp_path / "p.png"), loaded(tmp_path / "out.pdf")
        assert np.array_equal(before.rgb, after.rgb)

    @pytest.mark.parametrize("degrees", [0, 90, 180, 270])
    def test_pages_of_a_pdf_leave_it_as_they_are(self, tmp_path: Path, degrees: int) -> None:
        jpeg = encoded(picture("RGB", seed=3), "JPEG", quality=80)

        def fill(pdf: pikepdf.Pdf) -> None:
            image = pdf_image(pdf, jpeg, pikepdf.Name.DCTDecode, pikepdf.Name.DeviceRGB)
            add_image_page(pdf, image, Rotate=degrees)
            add_image_page(pdf, flate_image(pdf, np.asarray(picture("L"))), Rotate=degrees)

        path = save_pdf(tmp_path / "in.pdf", fill)
        convert(path, tmp_path / "out.cbz", {2})
        before, after = loaded(path), loaded(tmp_path / "out.cbz")
        assert changed(before[0], after[0]) == set()
        assert [page.name for page in after] == ["001.jpg", "002.png"]
        assert after[1].metadata.dpi == pytest.approx((100, 100), abs=0.02)
        with zipfile.ZipFile(tmp_path / "out.cbz") as file:
            kept = file.read("001.jpg")
        assert jpeg[jpeg.index(b"\xff\xdb") :] in kept


class TestTiff:
    def test_jpegs_and_tiffs_are_taken_over(self, comic: Path, tmp_path: Path) -> None:
        convert(comic, tmp_path / "out.tiff")
        data = (tmp_path / "out.tiff").read_bytes()
        for name in ("b/p9.jpg", "b/p21.jpg"):
            assert PAGES[name] in data
        file = TiffFile(PAGES["b/p12.tif"])
        assert next(iter(file.blocks(file.ifds[0]))) in data

    def test_pages_leave_it_with_their_blocks(self, tmp_path: Path) -> None:
        frames = [picture("L", seed=n) for n in range(12)]
        path = tmp_path / "in.tif"
        path.write_bytes(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
        convert(path, tmp_path / "pages", to="folder")
        names = sorted(p.name for p in (tmp_path / "pages").iterdir())
        assert names[0] == "001.tiff"
        assert names[-1] == "012.tiff"
        for page, frame in zip(loaded(tmp_path / "pages"), frames, strict=True):
            assert np.array_equal(page.pixels, np.asarray(frame))


class TestArchives:
    def test_cb7_holds_everything(self, comic: Path, tmp_path: Path) -> None:
        convert(comic, tmp_path / "out.cb7")
        container = SevenZipContainer(tmp_path / "out.cb7", LIMITS)
        assert container.members[0].name == "b/p10.png"
        assert len(container.members) == len(PAGES) + 2
        assert container.read(0) == PAGES["b/p10.png"]
        container.close()

    def test_sizes_in_the_description(self, tmp_path: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        for name in PAGES:
            (folder / PurePosixPath(name).name).write_bytes(PAGES[name])
        (folder / "ComicInfo.xml").write_bytes(INFO)
        convert(folder, tmp_path / "out.cbz")
        with zipfile.ZipFile(tmp_path / "out.cbz") as file:
            size = file.infolist()[4].file_size
            assert b'Image="4" ImageSize="%d"' % size in file.read("ComicInfo.xml")

    def test_e_books_keep_their_order(self, tmp_path: Path) -> None:
        pages = {"z.png": PAGES["b/p10.png"], "a.png": PAGES["b/p19.png"]}
        make_epub(tmp_path / "in.epub", pages)
        convert(tmp_path / "in.epub", tmp_path / "out.cbz")
        assert [page.mode for page in loaded(tmp_path / "out.cbz")] == ["L", "1"]
        convert(tmp_path / "in.epub", tmp_path / "out.pdf")
        with pikepdf.open(tmp_path / "out.pdf") as pdf:
            assert str(pdf.docinfo["/Title"]) == "A & B"

    def test_damaged_pages_are_told(self, tmp_path: Path) -> None:
        path = tmp_path / "in.cbz"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("1.png", PAGES["b/p10.png"])
            file.writestr("2.png", b"nothing")
        assert any("2.png" in w and "left out" in w for w in convert(path, tmp_path / "o.pdf"))
        assert convert(path, tmp_path / "o.cb7") == []
        assert len(loaded(tmp_path / "o.pdf")) == 1


class TestFolder:
    def test_nothing_lands_outside_or_collides(self, tmp_path: Path) -> None:
        names = ["A.png", "a.png", "con.png", "xx:y?.png", "d./e .png", "n" * 300 + ".png"]
        path = make_7z(tmp_path / "in.cb7", dict.fromkeys(names, PAGES["b/p10.png"]))
        convert(path, f"{tmp_path}/out/")
        found = [p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.png")]
        assert len(found) == len(names)
        assert len({str(p).casefold() for p in found}) == len(names)
        assert left_behind(tmp_path) == []

    def test_files_that_are_there(self, comic: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "mine.txt").write_text("mine")
        with pytest.raises(OutputExistsError, match="not empty"):
            convert(comic, out, to="folder")
        with open_source(comic) as source:
            open_sink(source, out, to="folder", overwrite=True).commit()
        assert (out / "mine.txt").read_text() == "mine"
        assert (out / "ComicInfo.xml").exists()
        assert (out / "b" / "p9.jpg").read_bytes() == PAGES["b/p9.jpg"]

    def test_nothing_is_left_of_what_is_not_committed(self, comic: Path, tmp_path: Path) -> None:
        with open_source(comic) as source:
            for to, suffix in TARGETS.items():
                open_sink(source, tmp_path / "new" / f"out{suffix}", to=to).discard()
        assert list(tmp_path.iterdir()) == []

    def test_the_input_is_never_the_output(self, comic: Path, tmp_path: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "p.png").write_bytes(PAGES["b/p10.png"])
        with open_source(folder) as source, pytest.raises(FileAccessError, match="input"):
            open_sink(source, folder / "out.pdf")
        (tmp_path / "link.pdf").symlink_to(comic)
        with open_source(comic) as source, pytest.raises(FileAccessError, match="input"):
            open_sink(source, tmp_path / "link.pdf", overwrite=True)

    @settings(max_examples=300)
    @given(st.text(max_size=60) | st.from_regex(r"([a./\\: ]|con|\.\.){1,9}", fullmatch=True))
    def test_names_are_safe(self, name: str) -> None:
        safe = PurePosixPath(safe_name(name))
        assert not safe.is_absolute()
        assert safe.parts
        for part in safe.parts:
            assert part not in ("..", ".")
            assert len(part.encode()) <= 255
            assert not set(part) & set('<>:"|?*\\\0')
            assert part == part.rstrip(". ")


class TestNames:
    @pytest.mark.parametrize(
        ("output", "to", "expected", "format"),
        [
            ("out.cbz", None, "out.cbz", None),
            ("out.zip", None, "out.zip", None),
            ("out", None, "out", None),
            ("out.pdf", None, "out.pdf", "pdf"),
            ("out.tif", None, "out.tif", "tiff"),
            ("out.7z", None, "out.7z", "cb7"),
            ("there", None, "there/book.cbz", None),
            ("there", "pdf", "there/book.pdf", "pdf"),
            ("pages/", None, "pages", "folder"),
            ("out", "epub", "out", "epub"),
        ],
    )
    def test_of_a_comic(
        self, tmp_path: Path, output: str, to: str | None, expected: str, format: str | None
    ) -> None:
        from textclean.io.naming import resolve

        (tmp_path / "there").mkdir()
        target, chosen = resolve(tmp_path / "book.cbz", "zip", f"{tmp_path}/{output}", to)
        assert (target, chosen) == (tmp_path / expected, format)

    def test_contradictions(self, comic: Path, tmp_path: Path) -> None:
        with open_source(comic) as source:
            for name, to in (("a.png", None), ("a.pdf", "epub"), ("a.x", "docx"), ("a.cbr", None)):
                with pytest.raises(OptionsError):
                    open_sink(source, tmp_path / name, to=to)
