from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING

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
    pages_of,
    picture,
)

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    InputError,
    OptionsError,
    OutputExistsError,
    ProtectedInputError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io import open_sink, open_source
from textclean.io.archive import ArchiveSource
from textclean.io.archive_checks import Limits

if TYPE_CHECKING:
    from pathlib import Path

MASK = block_mask(HEIGHT, WIDTH)
PAGES = {
    "ch2/p10.png": encoded(picture("L", seed=1), "PNG"),
    "ch2/p9.jpg": encoded(picture("RGB", seed=2), "JPEG"),
    "ch10/001.webp": encoded(picture("RGB", seed=3), "WEBP", lossless=True),
    "cover.bmp": encoded(picture("RGB", seed=4), "BMP"),
}
COMIC_INFO = b"<?xml version='1.0'?>\n<ComicInfo><Title>x</Title></ComicInfo>\n"


def archive(path: Path, entries: dict[str, bytes] | list[tuple[str, bytes]]) -> Path:
    pairs = list(entries.items()) if isinstance(entries, dict) else entries
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in pairs:
                file.writestr(name, data)
    return path


def contents(path: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as file:
        return [(info.filename, file.read(info)) for info in file.infolist()]


class TestReading:
    def test_order_names_and_bystanders(self, tmp_path: Path) -> None:
        path = archive(
            tmp_path / "book.cbz",
            PAGES
            | {
                "ComicInfo.xml": COMIC_INFO,
                "__MACOSX/._cover.bmp": b"\0\5\26\7",
                "notes.txt": b"x",
            },
        )
        with open_source(path) as source:
            assert [entry.name for entry in source.entries] == [
                "cover.bmp",
                "ch2/p9.jpg",
                "ch2/p10.png",
                "ch10/001.webp",
            ]
            assert [entry.number for entry in source.entries] == [1, 2, 3, 4]
            assert source.others == ("ComicInfo.xml", "__MACOSX/._cover.bmp", "notes.txt")
            page = source.entries[2].load()
        assert (page.name, page.number, page.mode) == ("ch2/p10.png", 3, "L")
        assert page.source == str(path)

    def test_content_counts_and_not_the_extension(self, tmp_path: Path) -> None:
        png = PAGES["ch2/p10.png"]
        path = archive(tmp_path / "book.cbr", {"page.dat": png, "page2.jpg": png})
        with open_source(path) as source:
            assert [entry.load().mode for entry in source.entries] == ["L", "L"]

    def test_a_page_that_is_none_is_reported_by_loading_it(self, tmp_path: Path) -> None:
        path = archive(
            tmp_path / "book.cbz",
            PAGES | {"p1.png": b"not an image", "p2.png": b"", "p3.gif": b"GIF89a" + bytes(9)},
        )
        with open_source(path) as source:
            assert len(source.entries) == 7
            errors = {"p1.png": CorruptInputError, "p2.png": CorruptInputError,
                      "p3.gif": UnsupportedFormatError}  # fmt: skip
            for entry in source.entries:
                if entry.name in errors:
                    with pytest.raises(errors[entry.name]) as caught:
                        entry.load()
                    assert caught.value.page == entry.name

    @pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
    def test_names_that_are_not_marked_as_utf_8(self, tmp_path: Path, encoding: str) -> None:
        names = ["第２話/ソ表紙.png", "第２話/１０.png", "第２話/９.png"]
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for index, _ in enumerate(names):
                file.writestr(f"name{index}", PAGES["ch2/p10.png"])
        data = out.getvalue()
        for index, name in enumerate(names):
            data = _renamed(data, f"name{index}".encode(), name.encode(encoding))
        path = tmp_path / "book.zip"
        path.write_bytes(data)
        with open_source(path) as source:
            assert [e.name for e in source.entries] == [names[2], names[1], names[0]]
            assert source.entries[0].load().mode == "L"
        clean_document(path, tmp_path / "out.zip", {1})
        assert [name for name, _ in contents(tmp_path / "out.zip")] == names

    def test_empty_and_damaged_archives(self, tmp_path: Path) -> None:
        whole = archive(tmp_path / "book.cbz", PAGES).read_bytes()
        cases = {
            "cut.cbz": (whole[: len(whole) // 2], CorruptInputError),
            "start.cbz": (b"PK\3\4" + bytes(100), CorruptInputError),
            "empty.cbz": (b"", CorruptInputError),
            "none.cbz": (archive(tmp_path / "n", {}).read_bytes(), UnsupportedFormatError),
            "text.cbz": (
                archive(tmp_path / "t", {"a.txt": b"a"}).read_bytes(),
                UnsupportedFormatError,
            ),
            "book.cbr": (b"Rar!\x1a\x07\x01\0" + bytes(50), CorruptInputError),
            "book.cb7": (b"7z\xbc\xaf\x27\x1c" + bytes(50), CorruptInputError),
        }
        for name, (data, error) in cases.items():
            (tmp_path / name).write_bytes(data)
            with pytest.raises(error) as caught:
                open_source(tmp_path / name)
            assert caught.value.source == str(tmp_path / name)
            assert "\n" not in str(caught.value)

    def test_damage_anywhere(self, tmp_path: Path) -> None:
        data = archive(tmp_path / "book.cbz", {"a.png": PAGES["ch2/p10.png"]}).read_bytes()
        random = np.random.default_rng(11)
        path = tmp_path / "broken.cbz"
        for _ in range(200):
            broken = bytearray(data)
            for _ in range(random.integers(1, 8)):
                broken[random.integers(len(broken))] = random.integers(256)
            path.write_bytes(broken)
            try:
                with open_source(path) as source:
                    for entry in source.entries:
                        entry.load()
            except InputError as error:
                assert error.message

    def test_other_zip_files_are_refused_by_name(self, tmp_path: Path) -> None:
        for name in ("mimetype", "[Content_Types].xml", "META-INF/MANIFEST.MF"):
            path = archive(tmp_path / "file.zip", PAGES | {name: b"x"})
            with pytest.raises(UnsupportedFormatError, match="no comic"):
                open_source(path)

    def test_pages_are_limited_one_by_one(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        with (
            open_source(path, max_pixels=100) as source,
            pytest.raises(TooLargeError, match="was not decoded"),
        ):
            source.entries[0].load()


class TestHostile:
    @pytest.mark.parametrize(
        "name",
        ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "..\\evil.png"],
    )
    def test_names_that_point_outside(self, tmp_path: Path, name: str) -> None:
        path = archive(tmp_path / "book.cbz", PAGES | {name: PAGES["ch2/p10.png"]})
        with pytest.raises(UnsupportedFormatError, match="points outside"):
            open_source(path)
        assert not (tmp_path.parent / "evil.png").exists()

    def test_symbolic_links(self, tmp_path: Path) -> None:
        path = tmp_path / "book.cbz"
        with zipfile.ZipFile(path, "w") as file:
            link = zipfile.ZipInfo("page.png")
            link.create_system = 3
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(link, "/etc/passwd")
        with pytest.raises(UnsupportedFormatError, match="symbolic link"):
            open_source(path)

    def test_names_that_occur_twice_are_two_pages(self, tmp_path: Path) -> None:
        first, second = PAGES["ch2/p10.png"], encoded(picture("L", seed=99), "PNG")
        path = archive(tmp_path / "book.cbz", [("p.png", first), ("p.png", second)])
        with open_source(path) as source:
            assert [entry.name for entry in source.entries] == ["p.png", "p.png (2)"]
            a, b = (entry.load() for entry in source.entries)
        assert not np.array_equal(a.pixels, b.pixels)
        clean_document(path, tmp_path / "out.cbz", {1})
        names, data = zip(*contents(tmp_path / "out.cbz"), strict=True)
        assert names == ("p.png", "p.png")
        assert data[0] != first
        assert data[1] == second

    def test_bombs_are_refused_by_what_they_declare(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "bomb.cbz", {"page.bmp": bytes(40_000_000)})
        with pytest.raises(TooLargeError, match="would unpack from"):
            open_source(path)
        limits = Limits(ratio_from=2**30, total_bytes=10_000_000)
        with pytest.raises(TooLargeError, match="1 entries of 40,000,000"):
            ArchiveSource(path, max_pixels=10**9, limits=limits)
        with pytest.raises(TooLargeError, match=r"page\.bmp"):
            ArchiveSource(path, max_pixels=10**9, limits=Limits(entry_bytes=10**6))
        many = archive(tmp_path / "many.cbz", {f"{n}.png": b"x" for n in range(30)})
        with pytest.raises(TooLargeError, match="30 entries"):
            ArchiveSource(many, max_pixels=10**9, limits=Limits(entries=20))

    def test_bombs_that_lie_about_their_size_are_stopped_while_read(self, tmp_path: Path) -> None:
        data = bytearray(archive(tmp_path / "b", {"page.bmp": bytes(5_000_000)}).read_bytes())
        for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
            struct.pack_into("<I", data, data.index(mark) + at, 1000)
        path = tmp_path / "bomb.cbz"
        path.write_bytes(data)
        with (
            open_source(path) as source,
            pytest.raises(TooLargeError, match="more than it declares"),
        ):
            source.entries[0].load()

    def test_encrypted_entries(self, tmp_path: Path) -> None:
        data = bytearray(archive(tmp_path / "b", PAGES).read_bytes())
        data[data.index(b"PK\1\2") + 8] |= 1
        path = tmp_path / "locked.cbz"
        path.write_bytes(data)
        with pytest.raises(ProtectedInputError, match="encrypted"):
            open_source(path)

    def test_unknown_packing(self, tmp_path: Path) -> None:
        path = tmp_path / "book.cbz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
            file.writestr("page.png", PAGES["ch2/p10.png"])
        with pytest.raises(UnsupportedFormatError, match="method 14"):
            open_source(path)


class TestWriting:
    def test_untouched_entries_are_kept_byte_for_byte(self, tmp_path: Path) -> None:
        entries = {"ComicInfo.xml": COMIC_INFO, **PAGES, "extra/read me.txt": b"hello"}
        path, out = archive(tmp_path / "book.cbz", entries), tmp_path / "sub" / "out.cbz"
        assert clean_document(path, out, {3}) == []
        after = contents(out)
        assert [name for name, _ in after] == list(entries)
        for name, data in after:
            assert (data == entries[name]) == (name != "ch2/p10.png")
        pages = zip(pages_of(path), pages_of(out), strict=True)
        for before, later in pages:
            assert changed_outside(before, later, MASK) == 0
        assert left_behind(tmp_path) == []

    def test_stored_and_always_the_same(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        for name in ("a.cbz", "b.cbz"):
            clean_document(path, tmp_path / name, {1, 4})
        assert (tmp_path / "a.cbz").read_bytes() == (tmp_path / "b.cbz").read_bytes()
        with zipfile.ZipFile(tmp_path / "a.cbz") as file:
            assert file.testzip() is None
            for info in file.infolist():
                assert info.compress_type == zipfile.ZIP_STORED
                assert info.date_time == (1980, 1, 1, 0, 0, 0)

    def test_comments_folders_and_attributes_are_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "book.cbz"
        with zipfile.ZipFile(path, "w") as file:
            file.comment = b"scanned in 1999"
            file.writestr("pages/", b"")
            info = zipfile.ZipInfo("pages/a.png")
            info.comment, info.external_attr = b"the cover", 0o640 << 16
            file.writestr(info, PAGES["ch2/p10.png"])
        clean_document(path, tmp_path / "out.cbz", {1})
        with zipfile.ZipFile(tmp_path / "out.cbz") as file:
            assert file.comment == b"scanned in 1999"
            folder, page = file.infolist()
            assert folder.is_dir()
            assert (page.comment, page.external_attr) == (b"the cover", 0o640 << 16)

    def test_a_damaged_entry_goes_through_and_is_told(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        data = bytearray(path.read_bytes())
        at = data.index(b"ch2/p9.jpg") + 400
        data[at : at + 4] = b"\xff\xff\xff\xff"
        path.write_bytes(data)
        with open_source(path) as source, open_sink(source, tmp_path / "out.cbz") as sink:
            with pytest.raises(CorruptInputError, match=r"ch2/p9\.jpg"):
                source.entries[1].load()
            page = source.entries[2].load()
            sink.write(source.entries[2], cleaned(page, MASK), MASK)
            sink.commit()
            assert any("ch2/p9.jpg" in line for line in sink.warnings)
        assert len(contents(tmp_path / "out.cbz")) == len(PAGES)

    def test_keeping_after_writing(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        with open_source(path) as source, open_sink(source, tmp_path / "out.cbz") as sink:
            entry = source.entries[0]
            sink.write(entry, cleaned(entry.load(), MASK), MASK)
            sink.keep(entry)
            sink.commit()
        assert contents(tmp_path / "out.cbz") == contents(path)

    def test_an_empty_mask_keeps_the_page(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        with open_source(path) as source, open_sink(source, tmp_path / "out.cbz") as sink:
            for entry in source.entries:
                page = entry.load()
                sink.write(entry, page, np.zeros(page.pixels.shape[:2], bool))
            sink.commit()
        assert contents(tmp_path / "out.cbz") == contents(path)

    def test_nothing_is_left_of_what_is_not_committed(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        out = tmp_path / "new" / "deeper" / "out.cbz"
        with open_source(path) as source:
            with pytest.raises(KeyboardInterrupt), open_sink(source, out) as sink:
                entry = source.entries[0]
                sink.write(entry, cleaned(entry.load(), MASK), MASK)
                raise KeyboardInterrupt
            sink.discard()
        assert [p.name for p in tmp_path.iterdir()] == ["book.cbz"]

    def test_outputs_are_not_overwritten_unasked(self, tmp_path: Path) -> None:
        path, out = archive(tmp_path / "book.cbz", PAGES), tmp_path / "out.cbz"
        out.write_bytes(b"mine")
        with open_source(path) as source:
            with pytest.raises(OutputExistsError):
                open_sink(source, out)
            assert out.read_bytes() == b"mine"
            with open_sink(source, out, overwrite=True) as sink:
                assert out.read_bytes() == b"mine"
                sink.commit()
        assert contents(out) == contents(path)

    def test_a_name_taken_meanwhile_is_not_overwritten(self, tmp_path: Path) -> None:
        path, out = archive(tmp_path / "book.cbz", PAGES), tmp_path / "out.cbz"
        with open_source(path) as source, open_sink(source, out) as sink:
            out.write_bytes(b"somebody else's")
            with pytest.raises(OutputExistsError):
                sink.commit()
        assert out.read_bytes() == b"somebody else's"
        assert left_behind(tmp_path) == []

    def test_names_of_other_formats_and_folders(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "book.cbz", PAGES)
        with open_source(path) as source:
            with pytest.raises(OptionsError, match=r"Name it out\.cbz"):
                open_sink(source, tmp_path / "out.png")
            with open_sink(source, tmp_path / "out.zip") as sink:
                sink.commit()
            (tmp_path / "folder").mkdir()
            with open_sink(source, tmp_path / "folder") as sink:
                sink.commit()
            with pytest.raises(FileAccessError, match="is the input"):
                open_sink(source, tmp_path, overwrite=True)
        assert contents(tmp_path / "folder" / "book.cbz") == contents(path)
        assert contents(tmp_path / "out.zip") == contents(path)

    def test_pages_of_other_documents_are_refused(self, tmp_path: Path) -> None:
        a = archive(tmp_path / "a.cbz", PAGES)
        b = archive(tmp_path / "b.cbz", {"other.png": PAGES["ch2/p10.png"]})
        with (
            open_source(a) as source,
            open_source(b) as other,
            open_sink(source, tmp_path / "out.cbz") as sink,
            pytest.raises(ValueError, match="is not a page of"),
        ):
            sink.keep(other.entries[0])


def _renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a name in both headers; offsets after it move, so it must be done from the start."""
    grown = len(new) - len(old)
    local, central = data.index(old), data.index(old, data.index(old) + 1)
    out = bytearray(data)
    struct.pack_into("<H", out, central - 46 + 28, len(new))
    struct.pack_into("<H", out, local - 30 + 26, len(new))
    out[central : central + len(old)] = new
    out[local : local + len(old)] = new
    end = out.rindex(b"PK\5\6")
    size, start = struct.unpack_from("<II", out, end + 12)
    struct.pack_into("<II", out, end + 12, size + grown, start + grown)
    at = start + grown
    while out[at : at + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<I", out, at + 42)
        if offset > local - 30:
            struct.pack_into("<I", out, at + 42, offset + grown)
        lengths = struct.unpack_from("<HHH", out, at + 28)
        at += 46 + sum(lengths)
    return bytes(out)
