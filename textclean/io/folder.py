"""A folder of images, with everything below it."""

from __future__ import annotations

import contextlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError, UnsupportedFormatError
from textclean.io.atomic import (
    WORK_FOLDER,
    cannot_write,
    file_id,
    is_folder,
    make_folders,
    move_into_place,
    refuse_existing,
    refuse_input,
    remove_folders,
    temporary_name,
)
from textclean.io.document import Document, ImageEntry, summary, unique, writing
from textclean.io.document_sink import DocumentSink
from textclean.io.images import cannot_read, read_file
from textclean.io.natural import natural_key
from textclean.io.sniff import HEAD_BYTES, is_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class FolderSource(Document):
    """The images of a folder in natural order; links to folders are not followed."""

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        """List a folder; only the first bytes of each file are read.

        Raises:
            FileAccessError: It cannot be read.
            UnsupportedFormatError: There is no image in it.
        """
        super().__init__(path)
        self.max_pixels = max_pixels
        found = sorted(_files(path), key=lambda file: natural_key(_shown(file)))
        pages = [file for file in found if is_page(_shown(file), _head(path / file))]
        if not pages:
            raise UnsupportedFormatError(
                f"there is no image in the folder {path}",
                remedy="PNG, JPEG, WebP, TIFF and BMP are looked for, also in the folders below",
            )
        known = set(pages)
        self.others = tuple(_shown(file) for file in found if file not in known)
        if self.others:
            self.warnings.append(
                f"folder: files that are not pages are not copied: {summary(self.others)}"
            )
        self.files = tuple(pages)
        self._entries = tuple(
            ImageEntry(
                name,
                number,
                partial(read_file, path / file),
                source=self.name,
                max_pixels=max_pixels,
            )
            for number, (name, file) in enumerate(
                zip(unique([_shown(file) for file in pages]), pages, strict=True), start=1
            )
        )

    @property
    def entries(self) -> Sequence[ImageEntry]:
        """The images; their names are their paths below the folder."""
        return self._entries

    def open_sink(self, dst: Path, *, overwrite: bool) -> FolderSink:
        """The sink that writes the pages into the folder ``dst``, under the same names."""
        return FolderSink(self, dst, overwrite=overwrite)


class FolderSink(DocumentSink):
    """Writes a folder: all pages wait in a hidden folder inside it until the commit.

    Each page then gets its name at one stroke. What else is in the output folder stays.
    """

    def __init__(self, source: FolderSource, dst: Path, *, overwrite: bool) -> None:
        """Check every name and create the hidden folder.

        Raises:
            FileAccessError: The output is the input or lies in it, or cannot be written.
            OutputExistsError: A page is there already and ``overwrite`` is off.
        """
        super().__init__(source)
        self._source = source
        self._dst = dst
        self._overwrite = overwrite
        self._check()
        self._folders = make_folders(dst)
        self._waiting = temporary_name(dst / "pages")
        try:
            self._waiting.mkdir()
        except OSError as error:
            remove_folders(self._folders)
            raise cannot_write(dst, error) from None

    def _check(self) -> None:
        root, out = self._source.path.resolve(), self._dst.resolve()
        if out.is_relative_to(root) or file_id(out) == file_id(root):
            raise FileAccessError(
                f"the output {self._dst} is the input folder or lies in it: the input is never "
                "overwritten, and what is written there would be read the next time",
                remedy="Choose a folder outside it",
            )
        if os.path.lexists(self._dst) and not is_folder(self._dst):
            raise FileAccessError(f"the output {self._dst} is a file and the input a folder")
        inputs = frozenset(
            identity for file in self._source.files if (identity := file_id(root / file))
        )
        for file in self._source.files:
            target = out / file
            if target.is_relative_to(root):
                raise FileAccessError(f"the output {target} lies in the input folder")
            refuse_input(target, inputs)
            refuse_existing(target, self._overwrite)

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        data = self._source.entries[entry.number - 1].encode(page, mask)
        with writing(self._dst):
            self._place(entry.number).write_bytes(data)

    def _place(self, number: int) -> Path:
        """Where a page waits."""
        return self._waiting / str(number)

    def _commit(self) -> None:
        with writing(self._dst):
            for number, file in enumerate(self._source.files, start=1):
                if number not in self._written:
                    shutil.copyfile(self._source.path / file, self._place(number))
                _sync(self._place(number))
        moved: list[Path] = []
        try:
            for number, file in enumerate(self._source.files, start=1):
                self._move(number, self._dst / file, moved)
        except BaseException:
            for path in moved:
                with contextlib.suppress(OSError):
                    path.unlink()
            raise
        self._folders = []

    def _move(self, number: int, target: Path, moved: list[Path]) -> None:
        """Give a page its name; ``moved`` grows by the path when it is new."""
        self._folders += make_folders(target.parent)
        new = not os.path.lexists(target)
        with writing(target):
            move_into_place(self._place(number), target, overwrite=self._overwrite)
        if new:
            moved.append(target)

    def _close(self) -> None:
        shutil.rmtree(self._waiting, ignore_errors=True)
        remove_folders(self._folders)


def refuse_inputs(source: Document, dst: Path) -> None:
    """Refuse an output that is the input, or lies in a folder that is.

    Raises:
        FileAccessError: It is.
    """
    if is_folder(source.path):
        root, out = source.path.resolve(), dst.resolve()
        if out.is_relative_to(root):
            raise FileAccessError(
                f"the output {dst} is the input folder or lies in it: the input is never "
                "overwritten, and what is written there would be read the next time",
                remedy="Choose a place outside it",
            )
        files = source.files if isinstance(source, FolderSource) else ()
        identities = [file_id(source.path / file) for file in files]
        refuse_input(dst, [identity for identity in identities if identity])
        return
    refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])


def _files(root: Path) -> Iterator[Path]:
    """All files below ``root``, relative to it."""

    def fail(error: OSError) -> None:
        raise cannot_read(Path(error.filename or root), error) from None

    for folder, below, names in os.walk(root, onerror=fail):
        # What a run keeps beside its output is no page of it.
        below[:] = [name for name in below if name != WORK_FOLDER]
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield path.relative_to(root)


def _shown(file: Path) -> str:
    """A path for people: forward slashes, undecodable bytes replaced."""
    return file.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise cannot_read(path, error) from None


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
