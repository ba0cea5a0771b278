"""Pages put into a folder, as image files whose names every system can store."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textclean.errors import OutputExistsError
from textclean.io.atomic import (
    cannot_write,
    is_folder,
    make_folders,
    move_into_place,
    remove_folders,
    temporary_name,
)
from textclean.io.books import SUFFIXES
from textclean.io.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from textclean.io.document import About

_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f<>:"|?*\\]')


class FolderBook:
    """A new folder of image files, or new files in a folder that is there.

    They wait in a hidden folder inside it, and each gets its name at one stroke.

    Attributes:
        warnings: What did not come out as it was, one line each.
    """

    def __init__(self, dst: Path, *, overwrite: bool) -> None:
        """Create the hidden folder.

        Raises:
            FileAccessError: It cannot be created.
            OutputExistsError: There are files in the folder and ``overwrite`` is off.
        """
        if not overwrite and is_folder(dst) and any(dst.iterdir()):
            raise OutputExistsError(
                f"the folder {dst} is not empty",
                remedy="Choose another name, or ask for its files to be overwritten",
            )
        self.path = dst
        self.warnings: list[str] = []
        self._overwrite = overwrite
        self._folders = make_folders(dst)
        self._waiting = temporary_name(dst / "pages")
        self._files: list[Path] = []
        self._taken: set[str] = set()
        try:
            self._waiting.mkdir()
        except OSError as error:
            remove_folders(self._folders)
            raise cannot_write(dst, error) from None

    def add(self, name: str, data: bytes) -> None:
        """Add a page as it is."""
        kind = sniff(data[:HEAD_BYTES]) or ""
        self.add_other(name + SUFFIXES.get(kind, ".bin"), data)

    def add_other(self, name: str, data: bytes) -> None:
        """Add something that is no page."""
        safe = _free(safe_name(name), self._taken)
        try:
            with (self._waiting / str(len(self._files))).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._files.append(Path(safe))

    def finish(self, about: About) -> None:
        """Nothing binds files together."""

    def commit(self) -> None:
        """Give all files their names, or none.

        Raises:
            FileAccessError: A file cannot be renamed.
            OutputExistsError: A name is taken and ``overwrite`` is off.
        """
        moved: list[Path] = []
        try:
            for number, file in enumerate(self._files):
                target = self.path / file
                self._folders += make_folders(target.parent)
                new = not target.exists()
                try:
                    move_into_place(self._waiting / str(number), target, overwrite=self._overwrite)
                except OSError as error:
                    raise cannot_write(target, error) from None
                if new:
                    moved.append(target)
        except BaseException:
            for path in moved:
                path.unlink(missing_ok=True)
            raise
        self._folders = []

    def discard(self) -> None:
        """Remove what has no name yet; safe to call twice and after ``commit``."""
        shutil.rmtree(self._waiting, ignore_errors=True)
        remove_folders(self._folders)
        self._folders = []


def safe_name(name: str) -> str:
    """A relative path that every system can store, from any name; never outside its folder."""
    parts = [_safe_part(part) for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "_"


def _safe_part(part: str) -> str:
    part = _FORBIDDEN.sub("_", part).encode("utf-8", "replace").decode().rstrip(". ")
    if not part.strip("."):
        return ""
    if _RESERVED.fullmatch(part):
        part = f"_{part}"
    stem, suffix = posixpath.splitext(part)
    suffix = suffix[:16]
    while len((stem + suffix).encode()) > 200:
        stem = stem[:-1]
    return (stem + suffix).rstrip(". ") or "_"


def _free(name: str, taken: set[str]) -> str:
    """The name, or one with a number where it is taken, capitals beside small letters."""
    stem, suffix = posixpath.splitext(name)
    other, count = name, 1
    while other.casefold() in taken:
        count += 1
        other = f"{stem} ({count}){suffix}"
    taken.add(other.casefold())
    return other
