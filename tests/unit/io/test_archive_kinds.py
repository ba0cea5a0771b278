from __future__ import annotations

import io
import stat
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from archive_samples import make_7z, make_epub, make_rar, make_tar
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import clean_document, encoded, pages_of, picture

from textclean.errors import (
    CorruptInputError,
    InputError,
    MissingExtraError,
    OptionsError,
    ProtectedInputError,
    TooLargeError,
    UnsupportedFormatError,
)
from textclean.io import comic_info, open_sink, open_source
from textclean.io.archive import ArchiveSource
from textclean.io.archive_7z import SevenZipContainer
from textclean.io.archive_checks import LIMITS, Limits
from textclean.io.sevenzip_writer import SevenZipWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PNG = encoded(picture("L", seed=1), "PNG")
JPEG = encoded(picture("RGB", seed=2), "JPEG", quality=90, dpi=(150, 150))
INFO = (
    b"<?xml version='1.0'?>\n<ComicInfo><Title>T</Title><Series>S &amp; Z</Series>"
    b"<Number>3</Number><Manga>YesAndRightToLeft</Manga><Pages>\r\n"
    b'  <!-- <Page Image="0" ImageSize="7"/> -->\n'
    b'  <Page Image="0" ImageSize="11" ImageWidth="61"/>\n'
    b"  <Page ImageSize='12' Image='1' Type='FrontCover'/>\n</Pages></ComicInfo>"
)
ENTRIES = {"a/p10.png": PNG, "a/p9.jpg": JPEG, "ComicInfo.xml": INFO, "a/notes.txt": b"hello"}
MAKERS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "cb7": make_7z,
    "cbr": make_rar,
    "cbt": make_tar,
    "gz.cbt": lambda path, entries: make_tar(path, entries, "w:gz"),
    "xz.cbt": lambda path, entries: make_tar(path, entries, "w:xz"),
    "bz2.cbt": lambda path, entries: make_tar(path, entries, "w:bz2"),
}


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_is_read_and_comes_back_as_cbz(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"book.{kind}", ENTRIES)
    with open_source(path) as source:
        assert [entry.name for entry in source.entries] == ["a/p9.jpg", "a/p10.png"]
        assert set(source.others) == {"ComicInfo.xml", "a/notes.txt"}
        assert source.cover == 2
        assert source.about.title == "S & Z 3: T"
        assert source.about.right_to_left
        for entry in reversed(source.entries):
            assert entry.load().rgb.shape == (43, 61, 3)
    clean_document(path, tmp_path / "out.cbz", {2})
    after = contents(tmp_path / "out.cbz")
    assert list(after) == list(ENTRIES)
    assert after["a/p9.jpg"] == JPEG
    assert after["a/notes.txt"] == b"hello"
    assert after["a/p10.png"] != PNG
    size = len(after["a/p10.png"])
    told = b"ImageSize='%d'" % size
    assert after["ComicInfo.xml"] == INFO.replace(b"ImageSize='12'", told)
    clean_document(path, tmp_path / "again.cbz", {2})
    assert (tmp_path / "again.cbz").read_bytes() == (tmp_path / "out.cbz").read_bytes()


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_no_zip_may_call_itself_so(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / "book.cbz", ENTRIES)
    with open_source(path) as source:
        assert len(source.entries) == 2
        open_sink(source, tmp_path / "out.cbz").discard()


@pytest.mark.parametrize("kind", ["cbr", "cbt"])
def test_formats_that_are_not_written_are_told(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"book.{kind}", ENTRIES)
    with (
        open_source(path) as source,
        pytest.raises(OptionsError, match=r"not written\. Name it out\.cbz"),
    ):
        open_sink(source, tmp_path / f"out.{kind}")


class TestHostile:
    @pytest.mark.parametrize("kind", ["cb7", "cbr", "cbt"])
    @pytest.mark.parametrize("name", ["../evil.png", "a/../../e.png", "/etc/evil.png", "C:/e.png"])
    def test_names_that_point_outside(self, tmp_path: Path, kind: str, name: str) -> None:
        path = MAKERS[kind](tmp_path / "book", {"p.png": PNG, name: PNG})
        with pytest.raises(UnsupportedFormatError, match=r"points outside"):
            open_source(path)
        assert [p.name for p in tmp_path.iterdir()] == ["book"]

    def test_links_and_devices(self, tmp_path: Path) -> None:
        links = [
            make_7z(tmp_path / "7z", {"p.png": PNG}, attributes=0x8000 | (stat.S_IFLNK << 16)),
            make_7z(tmp_path / "7w", {"p.png": PNG}, attributes=0x400),
            make_rar(tmp_path / "rar", {"p.png": b""}, link="/etc/passwd"),
        ]
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            path = tmp_path / f"tar{kind.decode()}"
            with tarfile.open(path, "w") as file:
                info = tarfile.TarInfo("p.png")
                info.type, info.linkname = kind, "/etc/passwd"
                file.addfile(info)
            links.append(path)
        for path in links:
            with pytest.raises(UnsupportedFormatError, match=r"'p\.png' is a (symbolic|device)"):
                open_source(path)

    def test_bombs_by_what_they_declare(self, tmp_path: Path) -> None:
        zeros = bytes(40_000_000)
        with pytest.raises(TooLargeError, match=r"page\.bmp.*would unpack"):
            open_source(make_7z(tmp_path / "a", {"page.bmp": zeros}))
        with pytest.raises(TooLargeError, match="compressed tar unpacks to more"):
            open_source(make_tar(tmp_path / "b", {"page.bmp": zeros, "z.png": PNG}, "w:gz"))
        rar = make_rar(tmp_path / "c", {"p.png": PNG}, sizes={"p.png": 1 << 31})
        with pytest.raises(TooLargeError, match=r"p\.png"):
            open_source(rar)

    @pytest.mark.parametrize("kind", ["rar", "7z", "tar"])
    def test_limits(self, tmp_path: Path, kind: str) -> None:
        maker = {"rar": make_rar, "7z": make_7z, "tar": make_tar}[kind]
        path = maker(tmp_path / "book", {f"{n}.png": PNG for n in range(30)})
        for limits, match in (
            (Limits(entries=20), "20"),
            (Limits(total_bytes=1000), "1,000|unpacks"),
            (Limits(entry_bytes=1000), r"'0\.png'"),
        ):
            with pytest.raises(TooLargeError, match=match):
                ArchiveSource(path, max_pixels=10**6, kind=kind, limits=limits)

    def test_a_7z_that_declares_more_than_it_holds(self, tmp_path: Path) -> None:
        path = make_7z(tmp_path / "a.cb7", {"p.png": PNG}, sizes=[len(PNG) + 99])
        with (
            open_source(path) as source,
            pytest.raises(CorruptInputError, match="entry is damaged") as caught,
        ):
            source.entries[0].load()
        assert caught.value.page == "p.png"

    @pytest.mark.parametrize("kind", ["cb7", "cbr", "cbt", "gz.cbt"])
    def test_damage_anywhere(self, tmp_path: Path, kind: str) -> None:
        data = MAKERS[kind](tmp_path / "whole", {"a.png": PNG, "b.jpg": JPEG}).read_bytes()
        random = np.random.default_rng(5)
        path = tmp_path / "broken"
        for turn in range(60):
            broken = bytearray(data)
            for _ in range(random.integers(1, 6)):
                broken[random.integers(len(broken))] = random.integers(256)
            path.write_bytes(broken if turn % 4 else broken[: random.integers(1, len(broken))])
            try:
                with open_source(path) as source:
                    for entry in source.entries:
                        entry.load()
            except InputError as error:
                assert "\n" not in str(error)

    def test_methods_and_encryption_of_7z(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedFormatError, match="packed with PPMd"):
            open_source(make_7z(tmp_path / "a", {"p.png": PNG}, method=b"\x03\x04\x01"))
        with pytest.raises(ProtectedInputError, match="encrypted"):
            open_source(make_7z(tmp_path / "b", {"p.png": PNG}, method=b"\x06\xf1\x07\x01"))
        with pytest.raises(UnsupportedFormatError, match="packed with method 99"):
            open_source(make_7z(tmp_path / "c", {"p.png": PNG}, method=b"\x99"))


class TestRar:
    def test_without_the_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = make_rar(tmp_path / "book.cbr", ENTRIES)
        monkeypatch.setitem(sys.modules, "rarfile", None)
        with pytest.raises(MissingExtraError, match=r"pip install textclean\[rar\]"):
            open_source(path)

    def test_without_an_unpacker(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rarfile = pytest.importorskip("rarfile")
        monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)
        monkeypatch.setenv("PATH", str(tmp_path))
        path = make_rar(tmp_path / "book.cbr", {"p.png": PNG}, method=3)
        with pytest.raises(MissingExtraError, match="apt install unar"):
            open_source(path)

    @pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
    def test_an_unpacker_is_counted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rarfile = pytest.importorskip("rarfile")
        monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)
        (tmp_path / "page").write_bytes(PNG)
        tool = tmp_path / "unrar"
        tool.write_text(f'#!/bin/sh\n[ "$1" = p ] && cat "{tmp_path}/page" || echo UNRAR\n')
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        path = make_rar(tmp_path / "book.cbr", {"p.png": PNG}, method=3)
        with open_source(path) as source:
            assert source.entries[0].load().mode == "L"
        (tmp_path / "page").write_bytes(PNG[:100])
        with open_source(path) as source, pytest.raises(CorruptInputError, match="damaged"):
            source.entries[0].load()
        monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)

    def test_twins(self, tmp_path: Path) -> None:
        path = make_rar(tmp_path / "a", [("p.png", PNG), ("p.png", JPEG)])
        with pytest.raises(UnsupportedFormatError, match=r"'p\.png' is in the RAR archive 2 times"):
            open_source(path)


class TestEpub:
    PAGES = {"z.png": PNG, "a 1.jpg": JPEG}  # noqa: RUF012

    @pytest.mark.parametrize("svg", [False, True])
    def test_the_spine_is_the_order(self, tmp_path: Path, svg: bool) -> None:
        rest = {"O/unused.png": PNG}
        path = make_epub(tmp_path / "book.epub", self.PAGES, rest=rest, svg=svg)
        with open_source(path) as source:
            assert [entry.name for entry in source.entries] == ["O/img/z.png", "O/img/a 1.jpg"]
            assert source.about.title == "A & B"
            assert source.about.right_to_left
            assert "O/unused.png" in source.others
            assert source.warnings == []
        clean_document(path, tmp_path / "out.epub", {1})
        before, after = contents(path), contents(tmp_path / "out.epub")
        assert list(before) == list(after)
        assert [name for name in before if before[name] != after[name]] == ["O/img/z.png"]
        with zipfile.ZipFile(tmp_path / "out.epub") as file:
            assert file.infolist()[0].filename == "mimetype"
            assert file.infolist()[0].compress_type == zipfile.ZIP_STORED

    def test_words_in_the_markup_are_told(self, tmp_path: Path) -> None:
        path = make_epub(tmp_path / "book.epub", self.PAGES, words="Once")
        with open_source(path) as source:
            assert any("stay" in line for line in source.warnings)

    def test_copy_protection(self, tmp_path: Path) -> None:
        locked = b'<e><CipherReference URI="O/img/z.png"/></e>'
        fonts = b'<e><CipherReference URI="O/font.ttf"/></e>'
        name = "META-INF/encryption.xml"
        open_source(make_epub(tmp_path / "a.epub", self.PAGES, rest={name: fonts})).close()
        with pytest.raises(ProtectedInputError, match="copy protection"):
            open_source(make_epub(tmp_path / "b.epub", self.PAGES, rest={name: locked}))

    def test_books_of_text_and_damage(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedFormatError, match="text that flows"):
            open_source(make_epub(tmp_path / "a.epub", {}))
        path = tmp_path / "b.epub"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("mimetype", "application/epub+zip")
        with pytest.raises(CorruptInputError, match=r"container\.xml"):
            open_source(path)
        for bad in (b"<a><b></a>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'):
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("mimetype", "application/epub+zip")
                file.writestr("META-INF/container.xml", bad)
            with pytest.raises(InputError):
                open_source(path)


class TestSevenZip:
    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(exclude_characters="\0/\\", exclude_categories=["Cs"]),
                        min_size=1, max_size=20),
                st.binary(max_size=3000),
            ),
            min_size=1,
            max_size=12,
        )
    )  # fmt: skip
    def test_what_is_written_is_read(
        self, tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, bytes]]
    ) -> None:
        path = tmp_path_factory.mktemp("7z") / "a.7z"
        with path.open("w+b") as file:
            writer = SevenZipWriter(file)
            for name, data in parts:
                writer.add(name, data)
            writer.add("folder/", b"")
            writer.finish()
        container = SevenZipContainer(path, LIMITS)
        names = [member.name for member in container.members]
        assert names == [*(name for name, _ in parts), "folder/"]
        for index, (_, data) in reversed(list(enumerate(parts))):
            assert container.read(index) == data
        container.close()

    def test_going_back_and_forth(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        entries = {f"{n}.bin": random.bytes(int(random.integers(1, 90_000))) for n in range(9)}
        container = SevenZipContainer(make_7z(tmp_path / "a.7z", entries), LIMITS)
        for index in random.integers(0, 9, 40):
            assert container.read(int(index)) == entries[f"{index}.bin"]
        container.close()


class TestTarNames:
    @pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
    @pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
    def test_names_in_other_codes(self, tmp_path: Path, encoding: str, kind: int) -> None:
        names = ["第２話/ソ.png", "第２話/１０.png"]
        path = make_tar(
            tmp_path / "a.cbt", dict.fromkeys(names, PNG), format=kind, encoding=encoding
        )
        with open_source(path) as source:
            assert [entry.name for entry in source.entries] == names[::-1]

    def test_pax_names(self, tmp_path: Path) -> None:
        path = make_tar(tmp_path / "a.cbt", {"é第.png": PNG}, format=tarfile.PAX_FORMAT)
        assert pages_of(path)[0].name == "é第.png"


class TestComicInfo:
    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=200), st.dictionaries(st.integers(0, 5), st.integers(0, 10**9)))
    def test_anything_is_survived(self, data: bytes, sizes: dict[int, int]) -> None:
        comic_info.read(data)
        assert isinstance(comic_info.with_sizes(data, sizes), bytes)
        assert comic_info.with_sizes(INFO + data, {}) == INFO + data

    def test_other_encodings(self) -> None:
        for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-8", b"\xef\xbb\xbf")):
            data = mark + INFO.decode().encode(encoding)
            after = comic_info.with_sizes(data, {1: 99})
            expected = INFO.decode().replace("ImageSize='12'", "ImageSize='99'")
            assert after == mark + expected.encode(encoding)
            assert comic_info.read(data).cover == 2

    def test_what_cannot_be_read_is_left_alone(self) -> None:
        data = b"\xff\xff<Page Image='0' ImageSize='1'/>"
        assert comic_info.with_sizes(data, {0: 5}) == data
        assert comic_info.read(data).cover is None


def test_a_tar_is_known_by_its_checksum(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        info = tarfile.TarInfo("p.png")
        info.size = len(PNG)
        file.addfile(info, io.BytesIO(PNG))
    data = bytearray(out.getvalue())
    data[257:265] = bytes(8)  # as tar wrote it before there was a mark
    told = sum(data[:148]) + 8 * 32 + sum(data[156:512])
    data[148:156] = b"%06o\0 " % told
    (tmp_path / "old.cbt").write_bytes(data)
    assert len(pages_of(tmp_path / "old.cbt")) == 1
