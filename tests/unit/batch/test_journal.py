"""The journal: what was written is found again, and what was torn is passed over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textclean.batch.journal import Journal, Record, read_journal
from textclean.errors import FileAccessError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_the_last_record_of_a_key_counts(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(Record("page", "a", {"n": 1}))
        journal.add(Record("page", "b", {"n": 2}))
        journal.add(Record("page", "a", {"n": 3}))
        journal.add(Record("placed", "a", {"n": 4}))
        assert journal.last("page", "a") == Record("page", "a", {"n": 3})
    with Journal(path) as again:
        assert again.last("page", "a") == Record("page", "a", {"n": 3})
        assert again.last("page", "b") == Record("page", "b", {"n": 2})
        assert again.last("placed", "a") == Record("placed", "a", {"n": 4})
        assert again.last("page", "c") is None
    assert [record.values["n"] for record in read_journal(path)] == [1, 2, 3, 4]


def test_one_that_does_not_exist_is_empty_and_is_not_made(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.is_empty
    assert not path.exists()


def test_a_record_that_was_torn_is_passed_over_at_every_length(path: Path) -> None:
    first, second = Record("page", "a", {"n": 1}), Record("page", "a", {"n": 2})
    for cut in range(len(second.line()) - 1):
        path.write_bytes(first.line() + second.line()[:cut])
        with Journal(path) as journal:
            assert journal.last("page", "a") == first
            journal.add(Record("page", "b", {"n": 3}))
            assert journal.last("page", "b") == Record("page", "b", {"n": 3})
        with Journal(path) as again:
            assert again.last("page", "a") == first
            assert again.last("page", "b") == Record("page", "b", {"n": 3})


@pytest.mark.parametrize("line", [b"\n", b"null\n", b"[]\n", b"{}\n", b'{"kind": 1}\n', b"\xff\n"])
def test_a_line_that_is_no_record_is_passed_over(path: Path, line: bytes) -> None:
    good = Record("page", "a", {"n": 1})
    path.write_bytes(line + good.line() + line)
    with Journal(path) as journal:
        assert journal.last("page", "a") == good


def test_names_that_are_not_utf8_come_back(path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    with Journal(path) as journal:
        journal.add(Record("page", name, {"name": name}))
    assert path.read_bytes().isascii()
    with Journal(path) as again:
        assert again.last("page", name) == Record("page", name, {"name": name})


@given(st.lists(st.tuples(st.text(), st.integers() | st.text() | st.none())))
def test_what_is_written_is_found(tmp_path_factory: pytest.TempPathFactory, items: list) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    with Journal(path) as journal:
        for key, value in items:
            journal.add(Record("page", key, {"value": value}))
    with Journal(path) as again:
        for key, value in dict(items).items():
            assert again.last("page", key) == Record("page", key, {"value": value})


def test_a_full_disk_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as journal:
        journal.add(Record("page", "a", {"n": 1}))
        write = os.write
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
        with pytest.raises(FileAccessError, match="No space left"):
            journal.add(Record("page", "b", {"n": 2}))
        monkeypatch.undo()
        journal.add(Record("page", "c", {"n": 3}))
        assert journal.last("page", "b") is None
        assert journal.last("page", "c") == Record("page", "c", {"n": 3})
    assert [record.key for record in read_journal(path)] == ["a", "c"]


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(FileAccessError, match="cannot read"):
        Journal(path)
