"""Output that appears whole under its name, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.errors import FileAccessError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    FileId = tuple[int, int]

WORK_FOLDER: Final = ".textclean"
"""Name of the folder in which a run keeps its journal and unfinished pages beside its output."""

_REMEDY_EXISTS: Final = "Choose another name, or ask for it to be overwritten"


class OutputFile:
    """A file that is written under a temporary name beside its own.

    Attributes:
        path: The final name.
        file: The temporary file, open for reading and writing, until it is committed.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Create the temporary file, and missing folders above it.

        Raises:
            FileAccessError: The folder cannot be written.
            OutputExistsError: The path is taken and ``overwrite`` is off.
        """
        refuse_existing(path, overwrite)
        self.path = path
        self._overwrite = overwrite
        self._folders = make_folders(path.parent)
        self.temporary = temporary_name(path)
        try:
            self.file: BinaryIO = self.temporary.open("x+b")
        except OSError as error:
            remove_folders(self._folders)
            raise cannot_write(path, error) from None
        self._done = False

    def commit(self) -> None:
        """Give the file its name.

        Raises:
            FileAccessError: It cannot be written to the end, or not be renamed.
            OutputExistsError: The path has been taken meanwhile and ``overwrite`` is off.
        """
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            move_into_place(self.temporary, self.path, overwrite=self._overwrite)
        except OSError as error:
            self.discard()
            raise cannot_write(self.path, error) from None
        except OutputExistsError:
            self.discard()
            raise
        self._done = True

    def discard(self) -> None:
        """Remove the temporary file and the folders made for it; nothing after ``commit``."""
        if self._done:
            return
        self._done = True
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()
        remove_folders(self._folders)


class Spool:
    """Byte strings kept in an unnamed file until the output is put together; thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Open the file in ``folder``, where the output will need the room anyway."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._lock = threading.Lock()

    def add(self, data: bytes) -> tuple[int, int]:
        """Append; what :meth:`get` needs."""
        with self._lock:
            at = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        return at, len(data)

    def get(self, place: tuple[int, int]) -> bytes:
        """The bytes added."""
        with self._lock:
            self._file.seek(place[0])
            return self._file.read(place[1])

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()


def temporary_name(path: Path) -> Path:
    """A hidden name beside ``path`` that is not taken."""
    return path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")


def make_folders(folder: Path) -> list[Path]:
    """Create a folder and those above it; the new ones, outermost first.

    Raises:
        FileAccessError: A folder cannot be created.
    """
    missing = [p for p in (folder, *folder.parents) if not os.path.lexists(p)][::-1]
    made: list[Path] = []
    try:
        for path in missing:
            path.mkdir(exist_ok=True)
            made.append(path)
        if not is_folder(folder):
            raise NotADirectoryError(20, "Not a directory", str(folder))
    except OSError as error:
        remove_folders(made)
        raise cannot_write(folder, error) from None
    return made


def remove_folders(folders: Iterable[Path]) -> None:
    """Remove folders that are empty, innermost first."""
    for folder in reversed(list(folders)):
        with contextlib.suppress(OSError):
            folder.rmdir()


def move_into_place(temporary: Path, path: Path, *, overwrite: bool, durable: bool = True) -> None:
    """Rename a finished file.

    Args:
        temporary: The file.
        path: Its name.
        overwrite: Whether a file of that name is replaced.
        durable: Whether the rename is to survive a power cut; it costs a few milliseconds.

    Raises:
        OSError: The rename failed.
        OutputExistsError: The path is taken and ``overwrite`` is off.
    """
    if overwrite:
        temporary.replace(path)
    else:
        _move_unless_taken(temporary, path)
    if durable:
        _sync_folder(path.parent)


def _move_unless_taken(temporary: Path, path: Path) -> None:
    """A hard link fails on a name that is taken; a rename would replace it."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise OutputExistsError(f"{path} exists already", remedy=_REMEDY_EXISTS) from None
    except (OSError, NotImplementedError):
        # A file system without hard links: check, then rename.
        refuse_existing(path, overwrite=False)
        temporary.replace(path)
    else:
        temporary.unlink()


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse a name that is taken.

    Raises:
        FileAccessError: It is a folder's.
        OutputExistsError: It is a file's and ``overwrite`` is off.
    """
    if is_folder(path):
        raise FileAccessError(f"{path} is a folder", remedy="Name the output file")
    if not overwrite and os.path.lexists(path):
        raise OutputExistsError(f"{path} exists already", remedy=_REMEDY_EXISTS)


def refuse_input(path: Path, inputs: Collection[FileId]) -> None:
    """Refuse an output that is one of the inputs, also by another name or a link.

    Args:
        path: The output.
        inputs: What :func:`file_id` gives for each input.

    Raises:
        FileAccessError: It is.
    """
    if file_id(path) in inputs:
        raise FileAccessError(
            f"the output {path} is the input: the input is never overwritten",
            remedy="Choose another name",
        )


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, as far as that may be known."""
    try:
        return path.is_dir()
    except OSError:
        return False


def file_id(path: Path) -> FileId | None:
    """What two names of one file have in common; None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def cannot_write(path: Path, error: OSError) -> FileAccessError:
    """The error for a path that cannot be written."""
    return FileAccessError(
        f"cannot write {path}: {error.strerror or error}",
        remedy="Choose a folder that can be written, with room in it",
    )


def _sync_folder(folder: Path) -> None:
    """Not every system lets a folder be opened; the file itself is safe already."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
