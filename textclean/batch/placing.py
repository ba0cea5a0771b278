"""Finished files get their names: one rename each, and none that is not ours is replaced."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import TYPE_CHECKING

from textclean.errors import OutputExistsError
from textclean.io.atomic import (
    cannot_write,
    make_folders,
    move_into_place,
    refuse_existing,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from textclean.batch.history import Move
    from textclean.batch.marks import Mark


class Placer:
    """Moves files to their names.

    Args:
        overwrite: Whether any file may be replaced.
        ours: What earlier runs wrote; it may be replaced as long as it is the same.
    """

    def __init__(self, *, overwrite: bool, ours: Mapping[Path, Mark]) -> None:
        self._overwrite = overwrite
        self._ours = ours
        self._folders: set[Path] = set()

    def may_replace(self, path: Path) -> bool:
        """Whether what is at ``path`` may go."""
        return self._overwrite or (path in self._ours and self._ours[path].fits(path))

    def check(self, paths: Iterable[Path], done: Collection[Path] = ()) -> None:
        """Refuse names that are taken.

        Args:
            paths: The names.
            done: Those of them that hold already what is to be there.

        Raises:
            FileAccessError: One is a folder's.
            OutputExistsError: A file is there that may not be replaced.
        """
        for path in paths:
            if path not in done and os.path.lexists(path):
                self._refuse(path)

    def move(self, move: Move) -> None:
        """Give a file its name; nothing happens when it has it.

        Raises:
            FileAccessError: It cannot be moved.
            OutputExistsError: A file is there that may not be replaced.
        """
        if move.mark.fits(move.final):
            with contextlib.suppress(OSError):
                move.waiting.unlink(missing_ok=True)
            return
        if os.path.lexists(move.final):
            self._refuse(move.final)
        if move.final.parent not in self._folders:
            make_folders(move.final.parent)
            self._folders.add(move.final.parent)
        try:
            self._rename(move)
        except OSError as error:
            raise cannot_write(move.final, error) from None

    def _rename(self, move: Move) -> None:
        overwrite = self.may_replace(move.final)
        try:
            move_into_place(move.waiting, move.final, overwrite=overwrite, durable=False)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy(move, overwrite)

    def _copy(self, move: Move, overwrite: bool) -> None:
        """To another file system: a copy under a name that a later try would use again."""
        near = move.final.with_name(f".{move.final.name[:80]}.{move.mark.sha256[:12]}.tmp")
        try:
            shutil.copy2(move.waiting, near)
            move_into_place(near, move.final, overwrite=overwrite, durable=False)
        except BaseException:
            near.unlink(missing_ok=True)
            raise
        move.waiting.unlink()

    def _refuse(self, path: Path) -> None:
        if self.may_replace(path):
            refuse_existing(path, overwrite=True)
            return
        if path in self._ours:
            raise OutputExistsError(
                f"{path} was changed since it was written",
                remedy="Move it away, or ask for it to be overwritten",
            )
        refuse_existing(path, overwrite=False)
