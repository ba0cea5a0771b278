from __future__ import annotations

import os
from pathlib import Path

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
    OutputExistsError,
    UnsupportedFormatError,
)
from textclean.io import open_sink, open_source

MASK = block_mask(HEIGHT, WIDTH)
FILES = {
    "page 10.png": encoded(picture("RGB", seed=1), "PNG"),
    "page 9.PNG": encoded(picture("L", seed=2), "PNG"),
    "b/1.tif": encoded(picture("1", seed=3), "TIFF", compression="group4"),
    "b/a/2.bmp": encoded(picture("P", seed=4), "BMP"),
    "really a png.jpg": encoded(picture("RGBA", seed=5), "PNG"),
}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    root = tmp_path / "scans"
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "notes.txt").write_text("not a page")
    (root / ".hidden.png").write_bytes(FILES["page 10.png"])
    (root / ".cache").mkdir()
    (root / ".cache" / "x.png").write_bytes(FILES["page 10.png"])
    return root


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_natural_order_and_bystanders(scans: Path) -> None:
    with open_source(scans) as source:
        assert [entry.name for entry in source.entries] == [
            "page 9.PNG",
            "page 10.png",
            "really a png.jpg",
            "b/1.tif",
            "b/a/2.bmp",
        ]
        assert source.others == (".hidden.png", "notes.txt", ".cache/x.png")
        assert "notes.txt" in source.warnings[0]
        assert [entry.load().mode for entry in source.entries] == ["L", "RGB", "RGBA", "1", "P"]


def test_pages_go_to_the_same_names(scans: Path, tmp_path: Path) -> None:
    before, out = tree(scans), tmp_path / "deep" / "out"
    clean_document(scans, out, {2, 4})
    assert tree(scans) == before
    after = tree(out)
    assert set(after) == set(FILES)
    for name, data in after.items():
        assert (data == FILES[name]) == (name not in ("page 10.png", "b/1.tif"))
    for a, b in zip(pages_of(scans), pages_of(out), strict=True):
        assert changed_outside(a, b, MASK) == 0
    assert left_behind(tmp_path) == []


def test_a_damaged_page_does_not_stop_the_others(scans: Path, tmp_path: Path) -> None:
    (scans / "page 10.png").write_bytes(b"garbage")
    with open_source(scans) as source, open_sink(source, tmp_path / "out") as sink:
        with pytest.raises(CorruptInputError, match=r"page 10\.png"):
            source.entries[1].load()
        sink.keep(source.entries[1])
        sink.write(source.entries[0], cleaned(source.entries[0].load(), MASK), MASK)
        sink.commit()
    assert (tmp_path / "out" / "page 10.png").read_bytes() == b"garbage"


def test_nothing_is_visible_before_the_commit(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with open_source(scans) as source, open_sink(source, out) as sink:
        sink.write(source.entries[0], cleaned(source.entries[0].load(), MASK), MASK)
        assert all(part.name.startswith(".") for part in out.iterdir())
    assert not (tmp_path / "new").exists()


def test_other_files_in_the_output_stay(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "b").mkdir(parents=True)
    (out / "mine.txt").write_text("mine")
    with open_source(scans) as source:
        open_sink(source, out).discard()
        assert tree(out) == {"mine.txt": b"mine"}
        with open_sink(source, out) as sink:
            sink.commit()
        assert set(tree(out)) == {*FILES, "mine.txt"}
        with pytest.raises(OutputExistsError, match="page 9"):
            open_sink(source, out)
        with open_sink(source, out, overwrite=True) as sink:
            entry = source.entries[0]
            sink.write(entry, cleaned(entry.load(), MASK), MASK)
            sink.commit()
    assert (out / "page 9.PNG").read_bytes() != FILES["page 9.PNG"]


def test_a_name_taken_meanwhile_undoes_the_rest(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_source(scans) as source, open_sink(source, out) as sink:
        (out / "really a png.jpg").write_bytes(b"somebody else's")
        with pytest.raises(OutputExistsError):
            sink.commit()
    assert tree(out) == {"really a png.jpg": b"somebody else's"}


def test_the_input_is_never_the_output(scans: Path, tmp_path: Path) -> None:
    before = tree(scans)
    (tmp_path / "link").symlink_to(scans)
    with open_source(scans) as source:
        for target in (scans, scans / "out", tmp_path / "link", tmp_path / "link" / "b"):
            with pytest.raises(FileAccessError, match="input folder"):
                open_sink(source, target, overwrite=True)
    # An output that holds the input: "b/1.tif" of the inner folder would land on an input.
    inner = scans / "b"
    (inner / "b").mkdir()
    (inner / "b" / "a.png").write_bytes(FILES["page 10.png"])
    before = tree(scans)
    with (
        open_source(inner) as source,
        pytest.raises(FileAccessError, match="input"),
    ):
        open_sink(source, scans, overwrite=True)
    assert tree(scans) == before


def test_hard_links_to_the_input_are_not_replaced(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "page 9.PNG").hardlink_to(scans / "page 9.PNG")
    with open_source(scans) as source, pytest.raises(FileAccessError, match="is the input"):
        open_sink(source, out, overwrite=True)


def test_links_to_folders_are_not_followed(scans: Path) -> None:
    (scans / "loop").symlink_to(scans)
    (scans / "link.png").symlink_to(scans / "page 10.png")
    with open_source(scans) as source:
        names = [entry.name for entry in source.entries]
    assert len(names) == 6
    assert "link.png" in names


def test_folders_without_pages(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match="no image in the folder"):
        open_source(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(UnsupportedFormatError):
        open_source(tmp_path)


def test_the_output_is_a_file(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with open_source(scans) as source:
        for target in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(FileAccessError):
                open_sink(source, target, overwrite=True)
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_names_that_are_not_text(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    raw = os.fsencode(root) + b"/caf\xe9.png"
    try:
        with open(raw, "wb") as file:  # noqa: PTH123
            file.write(FILES["page 10.png"])
    except OSError:
        pytest.skip("the file system takes only UTF-8 names")
    with open_source(root) as source, open_sink(source, tmp_path / "out") as sink:
        assert source.entries[0].name == "caf\ufffd.png"
        source.entries[0].name.encode()
        sink.commit()
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"caf\xe9.png"]  # noqa: PTH208


def test_pages_that_differ_only_where_names_are_not_text(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    try:
        for byte in (b"\xe8", b"\xe9"):
            with open(os.fsencode(root) + b"/" + byte + b".png", "wb") as file:  # noqa: PTH123
                file.write(FILES["page 10.png"])
    except OSError:
        pytest.skip("the file system takes only UTF-8 names")
    with open_source(root) as source:
        names = [entry.name for entry in source.entries]
        assert len(set(names)) == 2


def test_reading_does_not_change_pages(scans: Path) -> None:
    first, second = pages_of(scans), pages_of(scans)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))
