"""Several files that get their names together, at the end, or not at all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textclean.errors import OptionsError
from textclean.io.atomic import (
    cannot_write,
    make_folders,
    move_into_place,
    refuse_existing,
    refuse_input,
    remove_folders,
    temporary_name,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from textclean.io.atomic import FileId


class Staging:
    """Files written under hidden names beside their own until :meth:`commit`.

    Args:
        overwrite: Replace files that are there already.
        inputs: Identities of files that must never be replaced, see
            :func:`textclean.io.atomic.file_id`.
        outputs: Resolved paths that something else writes.
    """

    def __init__(
        self,
        *,
        overwrite: bool = False,
        inputs: Collection[FileId] = (),
        outputs: Collection[Path] = (),
    ) -> None:
        self._overwrite = overwrite
        self._inputs = inputs
        self._taken = set(outputs)
        self._waiting: dict[Path, Path] = {}
        self._folders: list[Path] = []

    def claim(self, path: Path) -> Path:
        """Check that a file may be written; nothing is touched yet.

        Raises:
            FileAccessError: It is the input, or a folder.
            OptionsError: Two outputs have that name.
            OutputExistsError: It is there already and ``overwrite`` is off.
        """
        if path.resolve() in self._taken:
            raise OptionsError(
                f"two outputs would be written to {path}", remedy="Give them different names"
            )
        refuse_input(path, self._inputs)
        refuse_existing(path, self._overwrite)
        self._taken.add(path.resolve())
        return path

    def write(self, path: Path, data: bytes) -> None:
        """Write a file that was claimed, under a hidden name.

        Raises:
            FileAccessError: It cannot be written.
        """
        self._folders += make_folders(path.parent)
        self._waiting[path] = temporary_name(path)
        try:
            self._waiting[path].write_bytes(data)
        except OSError as error:
            raise cannot_write(path, error) from None

    def commit(self) -> tuple[Path, ...]:
        """Give all files their names; the names.

        Raises:
            FileAccessError: One cannot be renamed.
            OutputExistsError: A name has been taken meanwhile and ``overwrite`` is off.
        """
        done: list[Path] = []
        for path, temporary in list(self._waiting.items()):
            try:
                move_into_place(temporary, path, overwrite=self._overwrite)
            except OSError as error:
                raise cannot_write(path, error) from None
            del self._waiting[path]
            done.append(path)
        self._folders = []
        return tuple(done)

    def discard(self) -> None:
        """Remove what has no name yet, and the folders made for it; safe to call twice."""
        for temporary in self._waiting.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._waiting = {}
        remove_folders(self._folders)
        self._folders = []
