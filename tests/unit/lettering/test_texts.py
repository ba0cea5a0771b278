"""Texts from a translator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from textclean.errors import CorruptInputError, FileAccessError
from textclean.lettering.texts import read_texts

if TYPE_CHECKING:
    from pathlib import Path

REGIONS = {
    "pages": [
        {"number": 1, "regions": [{"text": "one"}, {"text": None}, {"text": "three"}]},
        {"number": 2, "regions": [{"text": "other"}]},
    ]
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"p1-r1": "a", "p1-r3": "b", "p2-r1": "c"}, {1: "a", 3: "b"}),
        ({"1": "a", "r2": "b"}, {1: "a", 2: "b"}),
        (["a", None, "b"], {1: "a", 3: "b"}),
        (REGIONS, {1: "one", 3: "three"}),
        ({}, {}),
    ],
)
def test_json(tmp_path: Path, value: object, expected: dict[int, str]) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(value), encoding="utf-8-sig")
    assert read_texts(path) == expected


def test_ids_of_other_pages_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(REGIONS))
    assert read_texts(path, 2) == {1: "other"}


@pytest.mark.parametrize(
    "text",
    [
        'p1-r1,"Hello, you"\np1-r2,"Two\nlines"\n',
        'id,text\np1-r1,"Hello, you"\np1-r2,"Two\nlines"\np2-r1,no\n',
        'order,original,text\n1,x,"Hello, you"\n2,y,"Two\nlines"\n',
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_texts(path) == {1: "Hello, you", 2: "Two\nlines"}


def test_tabs(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("id\ttext\n1\tHello\n")
    assert read_texts(path) == {1: "Hello"}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.json", "{", "not JSON"),
        ("t.json", "3", "no texts"),
        ("t.json", '{"a": "b"}', "no region's id"),
        ("t.json", '{"1": 2}', "something else than a text"),
        ("t.json", '{"pages": 3}', "no list"),
        ("t.csv", "a,b\n1,2\n", "no columns"),
        ("t.csv", "1\n", "without a text"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(CorruptInputError, match=told):
        read_texts(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError):
        read_texts(tmp_path / "none.json")
    (tmp_path / "t.json").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(CorruptInputError, match="UTF-8"):
        read_texts(tmp_path / "t.json")
