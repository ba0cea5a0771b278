from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import files_below

from textclean.batch import Staging
from textclean.errors import FileAccessError, OptionsError, OutputExistsError
from textclean.io.atomic import file_id

if TYPE_CHECKING:
    from pathlib import Path


def test_files_appear_together(tmp_path: Path) -> None:
    staging = Staging()
    paths = [tmp_path / "a.txt", tmp_path / "new" / "deep" / "b.txt"]
    for path in paths:
        staging.write(staging.claim(path), path.name.encode())
    assert not any(path.exists() for path in paths)
    assert staging.commit() == tuple(paths)
    assert [path.read_bytes() for path in paths] == [b"a.txt", b"b.txt"]
    assert files_below(tmp_path) == {"a.txt", "new", "new/deep", "new/deep/b.txt"}
    staging.discard()
    assert all(path.exists() for path in paths)


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    staging = Staging()
    staging.write(staging.claim(tmp_path / "new" / "deep" / "b.txt"), b"b")
    staging.discard()
    staging.discard()
    assert files_below(tmp_path) == set()


def test_claiming_touches_nothing(tmp_path: Path) -> None:
    Staging().claim(tmp_path / "new" / "a.txt")
    assert files_below(tmp_path) == set()


def test_a_name_is_given_once(tmp_path: Path) -> None:
    staging = Staging(outputs=[(tmp_path / "out.png").resolve()])
    staging.claim(tmp_path / "a.png")
    for path in (tmp_path / "a.png", tmp_path / "x" / ".." / "a.png", tmp_path / "out.png"):
        with pytest.raises(OptionsError, match="two outputs"):
            staging.claim(path)


def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        Staging().claim(path)
    staging = Staging(overwrite=True)
    staging.write(staging.claim(path), b"new")
    assert path.read_bytes() == b"old"
    staging.commit()
    assert path.read_bytes() == b"new"


def test_a_name_that_was_taken_meanwhile(tmp_path: Path) -> None:
    staging = Staging()
    path = tmp_path / "a.txt"
    staging.write(staging.claim(path), b"ours")
    path.write_bytes(b"theirs")
    with pytest.raises(OutputExistsError):
        staging.commit()
    staging.discard()
    assert path.read_bytes() == b"theirs"
    assert files_below(tmp_path) == {"a.txt"}


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_bytes(b"input")
    link = tmp_path / "link.png"
    link.symlink_to(page)
    staging = Staging(overwrite=True, inputs=[file_id(page)])  # type: ignore[list-item]
    for path in (page, link):
        with pytest.raises(FileAccessError, match="never overwritten"):
            staging.claim(path)


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    staging = Staging()
    path = staging.claim(tmp_path / "file" / "a.txt")
    with pytest.raises(FileAccessError, match="cannot write"):
        staging.write(path, b"")
    staging.discard()
    assert files_below(tmp_path) == {"file"}


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="is a folder"):
        Staging(overwrite=True).claim(tmp_path)
