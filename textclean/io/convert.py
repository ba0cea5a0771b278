"""A cleaned document in another format: pages into PDF, CBZ, CB7, EPUB, TIFF, a folder, pictures.

A page that was not touched is not coded again where the new format knows its coding; resolution and
so the physical size are kept.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError, InputError, TextcleanError, UnsupportedFormatError
from textclean.io import comic_info
from textclean.io.archive import ArchiveSource
from textclean.io.archive_zip import ZipWriter
from textclean.io.atomic import OutputFile, Spool, is_folder
from textclean.io.book_epub import EpubBook
from textclean.io.book_folder import FolderBook
from textclean.io.book_pdf import PdfBook
from textclean.io.book_tiff import TiffBook
from textclean.io.books import ArchiveBook, Book, PictureBook
from textclean.io.document import Document, ImageEntry, summary, unique, writing
from textclean.io.document_sink import DocumentSink
from textclean.io.encoding import converted_page
from textclean.io.epub import EpubSource
from textclean.io.folder import FolderSource, refuse_inputs
from textclean.io.images import read_file
from textclean.io.naming import PICTURES
from textclean.io.natural import natural_key
from textclean.io.notes import collected_notes
from textclean.io.picture_write import recoded
from textclean.io.pictures import picture_of
from textclean.io.sevenzip_writer import SevenZipWriter
from textclean.io.single import ImageSource
from textclean.io.tiff_document import TiffSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class ConvertSink(DocumentSink):
    """Writes the pages of a document into a new one of another format."""

    takes_encoded = True

    def __init__(self, source: Document, dst: Path, *, to: str, overwrite: bool) -> None:
        """Take the output's name; nothing is visible under it before the commit.

        Args:
            source: Any document.
            dst: The output's name.
            to: A key of :data:`textclean.io.naming.TARGETS` or of ``PICTURES``.
            overwrite: Whether an existing output may be replaced.

        Raises:
            FileAccessError: The output is the input, or cannot be written.
            OutputExistsError: It is there already and ``overwrite`` is off.
            UnsupportedFormatError: A TIFF of several pages is to become one picture.
        """
        super().__init__(source)
        self._source = source
        self._to = to
        refuse_inputs(source, dst)
        self._output: OutputFile | FolderBook
        if to_folder(source, to):
            self._output = FolderBook(dst, overwrite=overwrite)
        else:
            self._output = OutputFile(dst, overwrite=overwrite)
        self._spool = Spool(dst if isinstance(self._output, FolderBook) else dst.parent)
        self._places: dict[int, tuple[int, int]] = {}

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        self._put(entry, converted_page(self._source, entry, page, mask, self._to))

    def _put(self, entry: PageEntry, data: bytes) -> None:
        with writing(self._output.path):
            self._places[entry.number] = self._spool.add(data)

    def _commit(self) -> None:
        with writing(self._output.path):
            book = self._book()
            with collected_notes() as notes:
                added = self._fill(book)
            self.warnings += notes
            if not added:
                raise UnsupportedFormatError(
                    f"no page could be put into the {self._to.upper()}: all of them are damaged"
                )
            self._add_others(book)
            about = self._source.about
            book.finish(about if about.title else replace(about, title=self._source.path.stem))
        self.warnings += book.warnings
        self._output.commit()

    def _book(self) -> Book:
        limit = self._source.max_pixels
        if isinstance(self._output, FolderBook):
            return self._output
        file = self._output.file
        if self._to in PICTURES:
            return PictureBook(file)
        if self._to == "pdf":
            return PdfBook(file, max_pixels=limit)
        if self._to == "tiff":
            expected = 0 if is_folder(self._source.path) else self._source.path.stat().st_size
            return TiffBook(file, max_pixels=limit, expected_bytes=2 * expected)
        if self._to == "epub":
            return EpubBook(file, max_pixels=limit)
        writer = SevenZipWriter(file) if self._to == "cb7" else ZipWriter(file)
        return ArchiveBook(writer, max_pixels=limit)

    def _fill(self, book: Book) -> int:
        """Put all pages into the book; how many could be."""
        added = 0
        for entry, name in zip(self._source.entries, page_names(self._source), strict=True):
            if entry.number in self._left_out:
                continue
            try:
                if entry.number in self._written:
                    data = self._spool.get(self._places[entry.number])
                else:
                    data = picture_of(self._source, entry)
                if self._to in PICTURES:
                    data = recoded(data, self._to, self._source.max_pixels)
                book.add(name, data)
            except FileAccessError:
                raise
            except InputError as error:
                if isinstance(book, PictureBook):
                    raise
                self.warnings.append(f"{entry.name}: {error.message}; the page was left out")
                continue
            added += 1
        return added

    def _add_others(self, book: Book) -> None:
        """Put what is no page into a book that has a place for it."""
        if not self._source.others or isinstance(self._source, EpubSource):
            return
        if not isinstance(book, ArchiveBook | FolderBook):
            self.warnings.append(
                f"{self._to.upper()}: there is no place in it for "
                f"{summary(self._source.others)}; what ComicInfo.xml says was taken over"
            )
            return
        for name, data in self._others():
            if isinstance(book, ArchiveBook) and _is_comic_info(name):
                data = comic_info.with_sizes(data, dict(enumerate(book.sizes)))
            book.add_other(name, data)

    def _others(self) -> Iterator[tuple[str, bytes]]:
        """What is no page: everything in an archive, of a folder the comic's description."""
        source = self._source
        if isinstance(source, FolderSource):
            for name in source.others:
                if _is_comic_info(name) and "/" not in name:
                    yield name, read_file(source.path / name)
        if isinstance(source, ArchiveSource):
            pages = set(source.page_members.values())
            for index, member in enumerate(source.members):
                if index in pages or member.folder:
                    continue
                try:
                    yield member.name, source.container.read(index)
                except TextcleanError as error:
                    self.warnings.append(f"{member.name}: {error.message}; it was left out")

    def _close(self) -> None:
        self._spool.close()
        self._output.discard()


def to_folder(source: Document, to: str) -> bool:
    """Whether a document becomes a folder of pages in another format.

    Args:
        source: The document.
        to: A key of :data:`textclean.io.naming.TARGETS` or of ``PICTURES``.

    Raises:
        UnsupportedFormatError: A TIFF of several pages is to become one picture.
    """
    if to not in PICTURES or isinstance(source, ImageSource):
        return to == "folder"
    if isinstance(source, TiffSource):
        if len(source.entries) > 1:
            raise UnsupportedFormatError(
                f"the TIFF has {len(source.entries)} pages, and a {to.upper()} holds one",
                remedy="Ask for CBZ, PDF, or a folder with --to folder",
                source=source.name,
            )
        return False
    return True


def page_names(source: Document) -> list[str]:
    """Names without extensions for the pages of a document, which sort in the pages' order.

    Names of image files are kept when they do; otherwise, and for the pages of a TIFF or a PDF,
    numbers are given.
    """
    entries = source.entries
    if all(isinstance(entry, ImageEntry) for entry in entries):
        stems = [posixpath.splitext(entry.name)[0] for entry in entries]
        if isinstance(source, EpubSource):
            base = posixpath.commonpath([posixpath.dirname(stem) or "." for stem in stems])
            stems = [posixpath.relpath(stem, base) for stem in stems]
        stems = unique(stems)
        keys = [natural_key(stem) for stem in stems]
        if keys == sorted(keys):
            return stems
    digits = max(3, len(str(len(entries))))
    return [f"{entry.number:0{digits}}" for entry in entries]


def _is_comic_info(name: str) -> bool:
    return name.rsplit("/", 1)[-1].lower() == "comicinfo.xml"
