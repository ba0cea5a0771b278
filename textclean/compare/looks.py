"""How two documents of one kind are looked at besides their decoded pages."""

from __future__ import annotations

import mmap
from functools import partial
from typing import TYPE_CHECKING, Final

from textclean.compare import tiff
from textclean.compare.archives import Entry, differing_entries
from textclean.compare.parts import differing_parts, jpeg_block, parts_of
from textclean.compare.result import Difference
from textclean.errors import TextcleanError
from textclean.io.archive import ArchiveSource
from textclean.io.document import ImageEntry
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.io.thumbnails import without_thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page

ARCHIVES: Final = frozenset({"zip", "rar", "7z", "tar"})


class Look:
    """What two documents have in common, looked at page by page; base for the kinds of documents.

    Pages that are files of their own, in both documents, are compared as such.

    Args:
        before: The first document.
        after: The second.
        kinds: What the two are: "folder", or what :func:`textclean.io.sniff.sniff` says.
    """

    def __init__(self, before: Document, after: Document, kinds: tuple[str, str]) -> None:
        self.before = before
        self.after = after
        self.kinds = kinds

    def converted(self, a: PageEntry, b: PageEntry) -> bool:
        """Whether the page went from one format to another because the document did."""
        if self.kinds[0] == self.kinds[1]:
            return False
        x, y = _data(a), _data(b)
        if x is None or y is None:
            return True
        kind = sniff(x[:HEAD_BYTES])
        return kind is None or kind != sniff(y[:HEAD_BYTES])

    def identical(self, a: PageEntry, b: PageEntry) -> bool:
        """Whether all that a page is made of is the same, byte for byte."""
        data = _data(a)
        return data is not None and data == _data(b)

    def load(self, a: PageEntry, b: PageEntry) -> tuple[Page, Page]:
        """Both pages decoded.

        Raises:
            InputError: One cannot be decoded.
        """
        return a.load(), b.load()

    def page(self, a: PageEntry, b: PageEntry) -> Iterator[Difference]:
        """What the files of a page hold besides pixels, and differs."""
        x, y = _data(a), _data(b)
        if x is None or y is None or sniff(x[:HEAD_BYTES]) != sniff(y[:HEAD_BYTES]):
            return
        if sniff(x[:HEAD_BYTES]) == "tiff":
            both = tiff.read_directories(x), tiff.read_directories(y)
            yield from tiff.differing_tags(*both, [a.name])
            return
        if (without := _without_thumbnails(x)) != x and _without_thumbnails(y) == y:
            yield Difference(
                "chunks", a.name, "the small picture of the page is gone", expected=True
            )
            x = without
        if (mine := parts_of(x)) is not None and (theirs := parts_of(y)) is not None:
            yield from differing_parts(mine, theirs, a.name)

    def block(self, entry: PageEntry, page: Page) -> tuple[int, int] | None:
        """Width and height of the blocks in which a page's pixels are stored; None = singly."""
        data = _data(entry)
        return jpeg_block(data) if page.metadata.format == "JPEG" and data is not None else None

    def decoded(self, page: Page, area: Mask) -> Iterator[Difference]:
        """What is to be said once a page and its area are known."""
        yield from ()

    def document(self) -> Iterator[Difference]:
        """What differs in the document as a whole; called when all pages are done."""
        entries = _entries(self.before), _entries(self.after)
        if entries[0] is None or entries[1] is None:
            return
        same = self.kinds[0] == self.kinds[1] != "folder"
        packed = same or (self.kinds[0] in ARCHIVES and self.kinds[1] in ARCHIVES)
        yield from differing_entries(entries[0], entries[1], copied=packed, strict=packed)
        comments = _comment(self.before), _comment(self.after)
        if comments[0] != comments[1]:
            what = f"comment: {comments[0]!r} -> {comments[1]!r}"
            yield Difference("entries", "", what, expected=not packed)

    def close(self) -> None:
        """Let go of what was opened for this."""


class TiffLook(Look):
    """Two TIFF files."""

    def __init__(self, before: Document, after: Document, kinds: tuple[str, str]) -> None:
        super().__init__(before, after, kinds)
        self._files = _directories(before.path), _directories(after.path)
        self._pages = tuple([d for d in ds if d.is_page] for ds in self._files)

    def identical(self, a: PageEntry, b: PageEntry) -> bool:
        """Whether both pages have the same stored bytes and tags."""
        if any(len(ds) < e.number for ds, e in zip(self._pages, (a, b), strict=True)):
            return False
        return self._pages[0][a.number - 1].packed_like(self._pages[1][b.number - 1])

    def page(self, a: PageEntry, b: PageEntry) -> Iterator[Difference]:
        """Nothing: all tags are compared at the end."""
        yield from ()

    def document(self) -> Iterator[Difference]:
        """All tags that differ."""
        names = [entry.name for entry in self.before.entries]
        yield from tiff.differing_tags(*self._files, names)


def open_look(
    before: Document,
    after: Document,
    kinds: tuple[str, str],
    *,
    password: str | None,
    max_pixels: int,
) -> Look:
    """The look that goes with two documents."""
    if kinds == ("pdf", "pdf"):
        # PDF brings two libraries with it that nothing else needs.
        from textclean.compare.pdf import PdfLook

        return PdfLook(before, after, password=password, max_pixels=max_pixels)
    if kinds == ("tiff", "tiff"):
        return TiffLook(before, after, kinds)
    return Look(before, after, kinds)


def _data(entry: PageEntry) -> bytes | None:
    """The bytes of a page that is a file, or None."""
    if not isinstance(entry, ImageEntry):
        return None
    try:
        return entry.read()
    except TextcleanError:
        return None


def _without_thumbnails(data: bytes) -> bytes:
    try:
        return without_thumbnails(data)
    except TextcleanError:
        return data


def _directories(path: Path) -> list[tiff.Directory]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return tiff.read_directories(data)


def _comment(document: Document) -> bytes:
    return document.container.comment if isinstance(document, ArchiveSource) else b""


def _entries(document: Document) -> Sequence[Entry] | None:
    """All entries of an archive or files of a folder; None for anything else."""
    if isinstance(document, ArchiveSource):
        pages = set(document.page_members.values())
        container = document.container
        return [
            Entry(member.name, index in pages, partial(container.read, index))
            for index, member in enumerate(container.members)
        ]
    if document.path.is_dir():
        files = [entry for entry in document.entries if isinstance(entry, ImageEntry)]
        return [
            *(Entry(entry.name, True, entry.read) for entry in files),
            *(Entry(name, False, partial(_read, document.path / name)) for name in document.others),
        ]
    return None


def _read(path: Path) -> bytes:
    return path.read_bytes()
