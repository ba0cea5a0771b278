from __future__ import annotations

import errno
import os
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from io_samples import (
    HEIGHT,
    WIDTH,
    add_image_page,
    block_mask,
    clean_document,
    cleaned,
    encoded,
    flate_image,
    left_behind,
    pages_of,
    picture,
    save_pdf,
)

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    OptionsError,
    OutputExistsError,
    UnsupportedFormatError,
)
from textclean.io import open_sink, open_source
from textclean.io.atomic import OutputFile, make_folders, remove_folders
from textclean.io.natural import natural_key
from textclean.io.sniff import is_page, kind_of_suffix, sniff
from textclean.protocols import Sink, Source

if TYPE_CHECKING:
    from textclean.protocols import PageEntry

MASK = block_mask(HEIGHT, WIDTH)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    path.write_bytes(encoded(picture("RGB"), "PNG"))
    return path


class TestImages:
    def test_cleaned(self, page: Path, tmp_path: Path) -> None:
        clean_document(page, tmp_path / "out.png", {1})
        with open_source(tmp_path / "out.png") as source:
            (entry,) = source.entries
            assert (entry.name, entry.number) == ("out.png", 1)
            assert (entry.load().pixels[MASK] == 255).all()

    def test_kept(self, page: Path, tmp_path: Path) -> None:
        clean_document(page, tmp_path / "out.png", set())
        assert (tmp_path / "out.png").read_bytes() == page.read_bytes()

    def test_written_and_then_kept(self, page: Path, tmp_path: Path) -> None:
        with open_source(page) as source, open_sink(source, tmp_path / "out.png") as sink:
            entry = source.entries[0]
            sink.write(entry, cleaned(entry.load(), MASK), MASK)
            sink.keep(entry)
            sink.commit()
        assert (tmp_path / "out.png").read_bytes() == page.read_bytes()

    def test_the_protocols_are_met(self, page: Path, tmp_path: Path) -> None:
        with open_source(page) as source, open_sink(source, tmp_path / "out.png") as sink:
            as_source: Source = source
            as_sink: Sink = sink
            assert as_source.name == str(page)
            as_sink.discard()
            as_sink.discard()
        source.close()

    def test_a_closed_sink_takes_nothing(self, page: Path, tmp_path: Path) -> None:
        with open_source(page) as source:
            sink = open_sink(source, tmp_path / "out.png")
            sink.commit()
            sink.discard()
            assert (tmp_path / "out.png").exists()
            for call in (lambda: sink.keep(source.entries[0]), sink.commit):
                with pytest.raises(ValueError, match="closed"):
                    call()

    def test_permissions_follow_the_umask(self, page: Path, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            clean_document(page, tmp_path / "out.png", {1})
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == 0o640


class TestBadInput:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileAccessError, match="No such file"):
            open_source(tmp_path / "none.png")

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"", CorruptInputError),
            (b"garbage that is nothing", CorruptInputError),
            (b"GIF89a" + bytes(30), UnsupportedFormatError),
            (b"8BPS" + bytes(30), UnsupportedFormatError),
        ],
    )
    def test_what_is_no_document(self, tmp_path: Path, data: bytes, error: type[Exception]) -> None:
        path = tmp_path / "file.png"
        path.write_bytes(data)
        with pytest.raises(error) as caught:
            open_source(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_names_that_no_file_can_have(self) -> None:
        for name in ("a\0b.png", "x" * 5000):
            with pytest.raises(FileAccessError) as caught:
                open_source(name)
            assert "\n" not in str(caught.value)

    def test_a_folder_that_may_not_be_entered(
        self, page: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "stat", refuse)
        with pytest.raises(FileAccessError, match="Permission denied"):
            open_source(page)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
    def test_what_is_no_file_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(FileAccessError, match="neither"):
            open_source(tmp_path / "pipe.png")

    def test_unreadable(self, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(FileAccessError, match="Permission denied"):
            open_source(page)

    def test_truncated_after_opening(self, page: Path) -> None:
        with open_source(page) as source:
            page.write_bytes(page.read_bytes()[:200])
            with pytest.raises(CorruptInputError) as caught:
                source.entries[0].load()
        assert (caught.value.source, caught.value.page) == (str(page), "page.png")


class TestOutput:
    def test_the_input_is_never_the_output(self, page: Path, tmp_path: Path) -> None:
        (tmp_path / "soft.png").symlink_to(page)
        (tmp_path / "hard.png").hardlink_to(page)
        before = page.read_bytes()
        with open_source(page) as source:
            for name in ("page.png", "soft.png", "hard.png", "x/../page.png"):
                (tmp_path / "x").mkdir(exist_ok=True)
                with pytest.raises(FileAccessError, match="is the input"):
                    open_sink(source, tmp_path / name, overwrite=True)
            with pytest.raises(FileAccessError, match="is the input"):
                open_sink(source, tmp_path, overwrite=True)
        assert page.read_bytes() == before

    def test_an_existing_output(self, page: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.png"
        out.write_bytes(b"mine")
        with open_source(page) as source:
            with pytest.raises(OutputExistsError) as caught:
                open_sink(source, out)
            assert caught.value.remedy
            with open_sink(source, out, overwrite=True) as sink:
                sink.commit()
        assert out.read_bytes() == page.read_bytes()

    def test_a_dangling_link_is_an_existing_output(self, page: Path, tmp_path: Path) -> None:
        (tmp_path / "out.png").symlink_to(tmp_path / "elsewhere.png")
        with open_source(page) as source, pytest.raises(OutputExistsError):
            open_sink(source, tmp_path / "out.png")
        assert not (tmp_path / "elsewhere.png").exists()

    def test_parents_are_created_and_removed_again(self, page: Path, tmp_path: Path) -> None:
        out = tmp_path / "a" / "b" / "out.png"
        with open_source(page) as source:
            open_sink(source, out).discard()
            assert not (tmp_path / "a").exists()
            with open_sink(source, out) as sink:
                sink.commit()
        assert out.exists()

    def test_a_folder_as_the_output_keeps_the_name(self, page: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        with open_source(page) as source:
            for target in (tmp_path / "out", f"{tmp_path}/new/"):
                with open_sink(source, target) as sink:
                    sink.commit()
        assert (tmp_path / "out" / "page.png").exists()
        assert (tmp_path / "new" / "page.png").exists()

    def test_a_read_only_folder(self, page: Path, tmp_path: Path) -> None:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o555)
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        with open_source(page) as source, pytest.raises(FileAccessError, match="Permission"):
            open_sink(source, folder / "out.png")

    def test_a_folder_that_the_system_refuses(
        self, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.open

        def refuse(self: Path, mode: str = "r", *rest: object, **options: object) -> object:
            if "x" in mode:
                raise PermissionError(errno.EROFS, "Read-only file system")
            return real(self, mode, *rest, **options)

        monkeypatch.setattr(Path, "open", refuse)
        with open_source(page) as source, pytest.raises(FileAccessError, match="Read-only"):
            open_sink(source, tmp_path / "new" / "out.png")
        assert not (tmp_path / "new").exists()

    def test_a_full_disk_leaves_nothing(
        self, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        out = tmp_path / "out.png"
        out.write_bytes(b"the old one")
        monkeypatch.setattr(os, "fsync", full)
        with open_source(page) as source, open_sink(source, out, overwrite=True) as sink:
            sink.write(source.entries[0], cleaned(source.entries[0].load(), MASK), MASK)
            with pytest.raises(FileAccessError, match="No space left"):
                sink.commit()
        assert out.read_bytes() == b"the old one"
        assert left_behind(tmp_path) == []

    def test_a_file_where_a_folder_is_needed(self, page: Path) -> None:
        with open_source(page) as source, pytest.raises(FileAccessError):
            open_sink(source, page / "below" / "out.png")

    def test_a_name_of_another_format(self, page: Path, tmp_path: Path) -> None:
        with open_source(page) as source:
            with pytest.raises(OptionsError, match=r"Name it out\.png"):
                open_sink(source, tmp_path / "out.avif")
            open_sink(source, tmp_path / "out.jpg").discard()
            open_sink(source, tmp_path / "out").discard()
            open_sink(source, tmp_path / "out.xyz").discard()
        renamed = page.rename(page.with_suffix(".jpg"))
        with open_source(renamed) as source:
            open_sink(source, tmp_path / "out.jpg").discard()
            open_sink(source, tmp_path / "out.png").discard()

    def test_without_hard_links_a_taken_name_is_still_seen(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unsupported(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", unsupported)
        output = OutputFile(tmp_path / "a")
        output.file.write(b"new")
        output.commit()
        assert (tmp_path / "a").read_bytes() == b"new"
        output = OutputFile(tmp_path / "b")
        (tmp_path / "b").write_bytes(b"taken")
        with pytest.raises(OutputExistsError):
            output.commit()
        assert (tmp_path / "b").read_bytes() == b"taken"
        assert left_behind(tmp_path) == []

    def test_only_empty_folders_of_ours_are_removed(self, tmp_path: Path) -> None:
        made = make_folders(tmp_path / "a" / "b" / "c")
        assert made == [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
        (tmp_path / "a" / "file").write_text("x")
        remove_folders(made)
        assert (tmp_path / "a" / "file").exists()
        assert not (tmp_path / "a" / "b").exists()


class TestSniff:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
    def test_images(self, kind: str) -> None:
        assert sniff(encoded(picture("RGB"), kind)[:64]) == kind.lower()

    def test_others(self) -> None:
        assert sniff(b"") is None
        assert sniff(b"BM is how this text begins") is None
        assert sniff(b"junk\n%PDF-1.7") == "pdf"
        assert sniff(b"\0\0\0\x1cftypheic") == "heif"
        assert sniff(b"II+\0") == "tiff"
        assert sniff(b"P6\n# by a scanner\n2 2 255\n") == "pnm"
        assert sniff(b"P7\nWIDTH 2\n") == sniff(b"P1 2 2") == "pnm"
        assert (
            sniff(b"P6 is how this text begins")
            is sniff(b"P7\nof 9")
            is sniff(b"Page 1")
            is sniff(b"P8\n")
            is sniff(b"P6")
            is None
        )
        assert sniff(b"\n\5\1\x08") == "pcx"

    def test_pages(self) -> None:
        png = encoded(picture("1", 1, 1), "PNG")
        assert is_page("a.png", png)
        assert is_page("no extension", png)
        assert is_page("broken.JPG", b"")
        assert is_page("animation.gif", b"GIF89a")
        assert not is_page("ComicInfo.xml", b"<?xml")
        assert not is_page("a.pdf", b"%PDF-1.4")
        assert not is_page("__MACOSX/a.png", png)
        assert not is_page("x/.hidden/a.png", png)
        assert not is_page("really a pdf.png", b"%PDF-1.4")

    def test_suffixes(self) -> None:
        assert kind_of_suffix("a/B.JPEG") == "jpeg"
        assert kind_of_suffix("a.b/c") is None


class TestNaturalOrder:
    def test_numbers_count_by_value(self) -> None:
        names = ["p10", "p9", "p1", "p010", "P2", "p１１"]
        assert sorted(names, key=natural_key) == ["p1", "P2", "p9", "p010", "p10", "p１１"]

    def test_folder_by_folder(self) -> None:
        names = ["b/1.png", "a/2.png", "z.png", "a/10.png", "a/b/1.png", "10/1.png", "9/1.png"]
        assert sorted(names, key=natural_key) == [
            "z.png",
            "9/1.png",
            "10/1.png",
            "a/2.png",
            "a/10.png",
            "a/b/1.png",
            "b/1.png",
        ]

    def test_any_names_compare(self) -> None:
        random = np.random.default_rng(0)
        alphabet = list("a1/Z9é第. _\\")
        names = ["".join(random.choice(alphabet, 6)) for _ in range(300)] + ["", "9" * 5000]
        ordered = sorted(names, key=natural_key)
        shuffled = [str(name) for name in random.permutation(names)]
        assert sorted(shuffled, key=natural_key) == ordered


@pytest.mark.parametrize("kind", ["cbz", "tif", "pdf", "folder"])
def test_pages_may_be_loaded_and_written_from_several_threads(tmp_path: Path, kind: str) -> None:
    frames = [picture("RGB", seed=seed) for seed in range(6)]
    path = tmp_path / f"in.{kind}"
    if kind == "cbz":
        with zipfile.ZipFile(path, "w") as file:
            for number, frame in enumerate(frames):
                file.writestr(f"{number}.png", encoded(frame, "PNG"))
    elif kind == "tif":
        path.write_bytes(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    elif kind == "pdf":
        save_pdf(
            path,
            lambda pdf: [add_image_page(pdf, flate_image(pdf, np.asarray(f))) for f in frames],
        )
    else:
        path.mkdir()
        for number, frame in enumerate(frames):
            (path / f"{number}.png").write_bytes(encoded(frame, "PNG"))
    out = tmp_path / f"out.{kind}"
    with open_source(path) as source, open_sink(source, out) as sink:

        def clean(entry: PageEntry) -> None:
            page = entry.load()
            assert np.array_equal(page.pixels, np.asarray(frames[entry.number - 1]))
            sink.write(entry, cleaned(page, MASK), MASK)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(clean, source.entries))
        sink.commit()
    for page, frame in zip(pages_of(out), frames, strict=True):
        assert np.array_equal(page.pixels[~MASK], np.asarray(frame)[~MASK])
        assert (page.pixels[MASK] == 255).all()
