"""What a user names - files, folders, patterns, a list - as single inputs."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textclean.errors import FileAccessError, OptionsError
from textclean.io.atomic import WORK_FOLDER, is_folder
from textclean.io.natural import natural_key
from textclean.io.sniff import IMAGE_KINDS, kind_of_suffix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LIST: Final = "-"
"""The input that stands for a list on standard input."""

_DOCUMENTS: Final = frozenset({".cbz", ".cbr", ".cb7", ".cbt", ".epub", ".pdf"})


@dataclass(frozen=True, slots=True)
class Input:
    """One document or folder of pages.

    Attributes:
        path: Where it is.
        below: Its path below the folder that was named, when that is a folder of documents; its
            output goes to the same place below the output folder. None otherwise.
        root: That folder, or None.
    """

    path: Path
    below: Path | None = None
    root: Path | None = None


def expand(named: Sequence[Path], lines: Iterable[bytes] = ()) -> list[Input]:
    """The inputs that somebody named, in order.

    A pattern such as ``vol*/*.cbz`` stands for what it matches, in natural order; ``**`` for any
    folders. A folder of documents stands for all of them, and for the images beside them.

    Args:
        named: Paths, patterns, or :data:`LIST`.
        lines: The list that :data:`LIST` stands for, a path a line; with zero bytes in it, it is
            those that separate the paths.

    Raises:
        FileAccessError: A pattern matches nothing, or a folder cannot be read.
        OptionsError: The list is empty.
    """
    paths: list[Path] = []
    for path in named:
        if str(path) == LIST:
            paths += _listed(lines)
        elif glob.has_magic(str(path)) and not os.path.lexists(path):
            paths += _matches(str(path))
        else:
            paths.append(path)
    return [found for path in paths for found in _documents(path)]


def _listed(lines: Iterable[bytes]) -> list[Path]:
    text = b"".join(lines)
    parts = text.split(b"\0") if b"\0" in text else text.splitlines()
    paths = [Path(os.fsdecode(part)) for part in parts if part.strip()]
    if not paths:
        raise OptionsError(
            "the list of inputs on standard input is empty",
            remedy="Write one path a line, or separate them with zero bytes (find -print0)",
        )
    return paths


def _matches(pattern: str) -> list[Path]:
    found = [path for path in glob.glob(pattern, recursive=True) if WORK_FOLDER not in path]  # noqa: PTH207 - patterns may be absolute
    if not found:
        raise FileAccessError(f"nothing matches {pattern}")
    return [Path(path) for path in sorted(found, key=natural_key)]


def _documents(path: Path) -> Iterator[Input]:
    """A folder of documents as those, everything else as it is."""
    if not is_folder(path):
        yield Input(path)
        return
    files = sorted(_files(path), key=lambda file: natural_key(file.as_posix()))
    documents = [file for file in files if file.suffix.lower() in _DOCUMENTS]
    if not documents:
        yield Input(path)
        return
    if any(kind_of_suffix(file.name) in IMAGE_KINDS for file in files):
        yield Input(path, Path(), path)
    for file in documents:
        yield Input(path / file, file, path)


def _files(root: Path) -> Iterator[Path]:
    """Files below a folder, relative to it; what cannot be read is told when it is opened."""
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name != WORK_FOLDER]
        for name in names:
            yield Path(folder, name).relative_to(root)
