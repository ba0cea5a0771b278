"""Comic archives: CBZ, CBR, CB7, CBT, by what they are and not by their names.

Entries are read one at a time, counted, into memory; nothing is ever extracted. The output holds
the same entries in the same order, pages and everything else, stored, with one fixed time stamp,
so that the same input gives the same bytes.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from textclean.errors import CorruptInputError, TextcleanError, UnsupportedFormatError
from textclean.io import comic_info
from textclean.io.archive_7z import SevenZipContainer
from textclean.io.archive_checks import LIMITS, Limits, refuse_foreign, refuse_hostile
from textclean.io.archive_rar import RarContainer
from textclean.io.archive_tar import TarContainer
from textclean.io.archive_zip import ZipContainer, ZipWriter
from textclean.io.atomic import OutputFile, Spool, file_id, refuse_input
from textclean.io.document import About, Document, ImageEntry, unique, writing
from textclean.io.document_sink import DocumentSink
from textclean.io.natural import natural_key
from textclean.io.sevenzip_writer import SevenZipWriter
from textclean.io.sniff import is_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textclean.io.members import Container
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class ArchiveSource(Document):
    """An archive of pages.

    Attributes:
        container: What reads its entries.
        members: All its entries in file order.
        page_members: Number of each page -> its position in ``members``.
    """

    def __init__(
        self, path: Path, *, max_pixels: int, kind: str = "zip", limits: Limits = LIMITS
    ) -> None:
        """Open an archive; of each entry only the first bytes are read.

        Args:
            path: The file.
            max_pixels: Limit of a page.
            kind: "zip", "rar", "7z" or "tar".
            limits: What it may unpack to.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
            MissingExtraError: What unpacks it is not installed.
            ProtectedInputError: Encrypted.
            TooLargeError: It would unpack to more than the limits.
            UnsupportedFormatError: No pages in it, or entries that point outside it.
        """
        super().__init__(path)
        self.kind = kind
        self.max_pixels = max_pixels
        try:
            self.container = _open(path, kind, limits)
        except TextcleanError as error:
            raise error.at(source=self.name) from None
        try:
            self.members = self.container.members
            refuse_hostile(self.members, limits)
            self._list()
        except TextcleanError as error:
            self.container.close()
            raise error.at(source=self.name) from None
        except BaseException:
            self.container.close()
            raise

    def _list(self) -> None:
        """Find the pages and name them."""
        found = self._found()
        if not found:
            raise UnsupportedFormatError(
                "there is no page in the archive",
                remedy="PNG, JPEG, WebP, TIFF and BMP are looked for",
            )
        self.page_members = dict(enumerate(found, start=1))
        names = unique([self.members[index].name for index in found])
        self._entries = tuple(
            ImageEntry(
                name,
                number,
                partial(self.container.read, index),
                source=self.name,
                max_pixels=self.max_pixels,
            )
            for number, (name, index) in enumerate(zip(names, found, strict=True), start=1)
        )
        taken = set(found)
        self.others = tuple(
            member.name
            for index, member in enumerate(self.members)
            if index not in taken and not member.folder
        )

    def _found(self) -> list[int]:
        """Positions of the pages among the members, in their order."""
        if self.kind == "zip":
            refuse_foreign(self.members)
        found = [
            index
            for index, member in enumerate(self.members)
            if not member.folder and is_page(member.name, self.container.head(index))
        ]
        return sorted(found, key=lambda index: (natural_key(self.members[index].name), index))

    @property
    def entries(self) -> Sequence[ImageEntry]:
        """The pages in natural order, folder by folder."""
        return self._entries

    @cached_property
    def comic_info(self) -> comic_info.ComicInfo | None:
        """What its ``ComicInfo.xml`` says, or None without a readable one."""
        index = self.comic_info_member()
        if index is None:
            return None
        try:
            return comic_info.read(self.container.read(index))
        except TextcleanError:
            return None

    @property
    def cover(self) -> int | None:
        """Number of the cover: what ``ComicInfo.xml`` calls so, or else the first page."""
        told = None if self.comic_info is None else self.comic_info.cover
        return told if told is not None and told <= len(self._entries) else 1

    @property
    def about(self) -> About:
        """What its ``ComicInfo.xml`` says of it."""
        told = self.comic_info
        if told is None:
            return About()
        writers = told.fields.get("Writer", "").split(",")
        return About(
            title=told.title,
            creators=tuple(name for writer in writers if (name := writer.strip())),
            language=told.fields.get("LanguageISO"),
            right_to_left=told.right_to_left,
        )

    def open_sink(self, dst: Path, *, overwrite: bool) -> ArchiveSink:
        """The sink that writes a ZIP to ``dst``."""
        return ArchiveSink(self, dst, overwrite=overwrite)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self.container.close()

    def comic_info_member(self) -> int | None:
        """Position of the comic's description, the outermost one."""
        found = [
            (member.name.count("/"), index)
            for index, member in enumerate(self.members)
            if member.name.rsplit("/", 1)[-1].lower() == "comicinfo.xml"
        ]
        return min(found)[1] if found else None


class ArchiveSink(DocumentSink):
    """Writes an archive: a ZIP, or a 7z."""

    takes_encoded = True

    def __init__(
        self, source: ArchiveSource, dst: Path, *, overwrite: bool, kind: str = "zip"
    ) -> None:
        """Take the output's name; nothing is visible under it before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._kind = kind
        self._output = OutputFile(dst, overwrite=overwrite)
        self._spool = Spool(dst.parent)
        self._places: dict[int, tuple[int, int]] = {}

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        self._put(entry, self._source.entries[entry.number - 1].encode(page, mask))

    def _put(self, entry: PageEntry, data: bytes) -> None:
        with writing(self._output.path):
            self._places[entry.number] = self._spool.add(data)

    def _commit(self) -> None:
        source = self._source
        numbers = {index: number for number, index in source.page_members.items()}
        described = source.comic_info_member()
        with writing(self._output.path):
            archive = self._writer()
            for index, member in enumerate(source.members):
                number = numbers.get(index, 0)
                if number in self._left_out:
                    continue
                if number in self._written:
                    data = self._spool.get(self._places[number])
                else:
                    data = self._original(index)
                if index == described:
                    data = self._described(data)
                archive.add(member.name, data, member.info)
            archive.finish()
        self._output.commit()

    def _writer(self) -> ZipWriter | SevenZipWriter:
        if self._kind == "7z":
            return SevenZipWriter(self._output.file)
        return ZipWriter(self._output.file, self._source.container.comment)

    def _described(self, data: bytes) -> bytes:
        """The comic's description with the sizes of the pages that were written."""
        sizes = {number - 1: self._places[number][1] for number in self._written}
        return comic_info.with_sizes(data, sizes)

    def _original(self, index: int) -> bytes:
        """The unpacked bytes of an entry; a damaged one goes through as far as it can be read."""
        container, name = self._source.container, self._source.members[index].name
        if name.endswith("/"):
            return b""
        try:
            return container.read(index)
        except CorruptInputError as error:
            self.warnings.append(f"{name}: {error.message}; handed through as far as readable")
            return container.read_damaged(index)

    def _close(self) -> None:
        self._spool.close()
        self._output.discard()


def _open(path: Path, kind: str, limits: Limits) -> Container:
    if kind == "rar":
        return RarContainer(path)
    if kind == "7z":
        return SevenZipContainer(path, limits)
    if kind == "tar":
        return TarContainer(path, limits)
    return ZipContainer(path)
