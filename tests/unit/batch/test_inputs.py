"""What somebody names becomes single inputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from textclean.batch.inputs import Input, expand
from textclean.errors import FileAccessError, OptionsError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "p2.png", "p10.png", "p1.png", "[odd].png", "vol2/b.cbz", "vol10/a.CBZ", "scans/1.png",
        "scans/notes.txt", "mixed/1.png", "mixed/extra/2.pdf", "vol2/.textclean/x.cbz",
    ):  # fmt: skip
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.usefixtures("here")
def test_files_and_folders_of_images_stay_as_they_are() -> None:
    named = [Path("p2.png"), Path("scans"), Path("missing.png")]
    assert expand(named) == [Input(path) for path in named]


@pytest.mark.usefixtures("here")
def test_patterns_match_in_natural_order() -> None:
    assert [str(found.path) for found in expand([Path("p*.png")])] == [
        "p1.png", "p2.png", "p10.png",
    ]  # fmt: skip
    assert [str(found.path) for found in expand([Path("**/*.[cC][bB][zZ]")])] == [
        "vol2/b.cbz", "vol10/a.CBZ",
    ]  # fmt: skip
    with pytest.raises(FileAccessError, match=r"nothing matches x\*"):
        expand([Path("x*")])


@pytest.mark.usefixtures("here")
def test_a_name_that_looks_like_a_pattern() -> None:
    assert expand([Path("[odd].png")]) == [Input(Path("[odd].png"))]


@pytest.mark.usefixtures("here")
def test_a_folder_of_documents_stands_for_them() -> None:
    root = Path("mixed")
    assert expand([root]) == [
        Input(root, Path(), root),
        Input(root / "extra/2.pdf", Path("extra/2.pdf"), root),
    ]
    assert expand([Path("vol2")]) == [Input(Path("vol2/b.cbz"), Path("b.cbz"), Path("vol2"))]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", [b"p1.png\ncaf\xe9.png\n", b"p1.png\0caf\xe9.png\0"])
def test_a_list(text: bytes) -> None:
    found = expand([Path("-"), Path("p2.png")], text.splitlines(keepends=True))
    assert [os.fsencode(each.path) for each in found] == [b"p1.png", b"caf\xe9.png", b"p2.png"]


def test_an_empty_list() -> None:
    with pytest.raises(OptionsError, match="is empty"):
        expand([Path("-")], [b"\n"])
