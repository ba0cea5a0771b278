"""What all sources and sinks have in common."""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from textclean.errors import FileAccessError, TextcleanError, UnsupportedFormatError
from textclean.io.atomic import cannot_write
from textclean.io.guard import MAX_PIXELS
from textclean.io.images import read_image, write_image

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself, for the formats that have a place for it.

    Attributes:
        title: Its title, or None.
        creators: Its authors.
        language: IETF tag such as "ja", or None.
        right_to_left: Whether its pages are turned from left to right, as in manga.
    """

    title: str | None = None
    creators: tuple[str, ...] = ()
    language: str | None = None
    right_to_left: bool = False


class ImageEntry:
    """A page that is an image file, in a folder, in an archive or alone.

    Attributes:
        name: Name inside the document, with forward slashes.
        number: Position in the document, from 1.
        read: Gives the image's bytes as they are stored.
    """

    def __init__(
        self, name: str, number: int, read: Callable[[], bytes], *, source: str, max_pixels: int
    ) -> None:
        """An entry whose bytes ``read`` fetches."""
        self.name = name
        self.number = number
        self.read = read
        self._source = source
        self._max_pixels = max_pixels
        # Pages that somebody still holds, and the bytes that they were decoded from.
        self._loaded: weakref.WeakKeyDictionary[Page, bytes] = weakref.WeakKeyDictionary()

    def load(self) -> Page:
        """Decode the page.

        Raises:
            FileAccessError: It cannot be read.
            InputError: It cannot be decoded.
        """
        with located(self._source, self.name):
            data = self.read()
        page = read_image(
            data,
            self.name,
            max_pixels=self._max_pixels,
            source=self._source,
            number=self.number,
        )
        self._loaded[page] = data
        return page

    def encode(self, page: Page, mask: Mask) -> bytes:
        """The entry's bytes with the cleaned page in them."""
        with located(self._source, self.name):
            data = self.read()
            return write_image(page, mask, data, self._page_of(data))

    def _page_of(self, data: bytes) -> Page | None:
        """The page that was loaded from these bytes, if anybody still holds it."""
        return next((page for page, known in self._loaded.items() if known == data), None)


class Document:
    """Base of the sources.

    Attributes:
        path: The file or folder.
        name: Its name, for messages.
        max_pixels: Limit of a page.
        others: Names of what is in it besides pages.
        warnings: What will not come back as it was, one line each.
    """

    def __init__(self, path: Path) -> None:
        """A source around a path that exists."""
        self.path = path
        self.name = str(path)
        self.max_pixels = MAX_PIXELS
        self.others: tuple[str, ...] = ()
        self.warnings: list[str] = []

    @property
    def entries(self) -> Sequence[PageEntry]:
        """The pages in natural order; nothing is decoded to list them."""
        raise NotImplementedError

    @property
    def cover(self) -> int | None:
        """Number of the page that is the cover, as far as anybody can tell; None without one."""
        return 1 if self.entries else None

    @property
    def about(self) -> About:
        """What it says of itself."""
        return About()

    def open_sink(self, dst: Path, *, overwrite: bool) -> DocumentSink:
        """The sink that writes the same kind of document to ``dst``."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file; safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class DocumentSink:
    """Base of the sinks: the order of calls, and nothing left behind.

    Pages may come in any order. One that is neither written nor kept when the sink is committed is
    kept. Leaving the ``with`` block without a commit discards.

    Attributes:
        takes_encoded: Whether :meth:`put` is possible.
        warnings: What did not come out as it was, one line each; filled until the commit.
    """

    takes_encoded = False

    def __init__(self, source: Document) -> None:
        """A sink for the pages of ``source``."""
        self._document = source
        self._open = True
        self._written: set[int] = set()
        self._left_out: set[int] = set()
        self.warnings: list[str] = []

    def keep(self, entry: PageEntry) -> None:
        """Take the page over as it is, byte for byte."""
        self._require(entry)
        self._written.discard(entry.number)

    def write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        """Write the cleaned page in place of the entry; ``mask`` is as stored.

        Nothing is encoded where the mask is empty: the page is kept.

        Raises:
            FileAccessError: The output cannot be written.
            MaskError: The mask is not one of the page.
            PageError: A pixel outside the mask would change.
            UnsupportedFormatError: The entry's format cannot hold the page as it is.
        """
        self._require(entry)
        if not mask.any():
            self.keep(entry)
            return
        with located(self._document.name, entry.name):
            self._write(entry, page, mask)
        self._written.add(entry.number)

    def put(self, entry: PageEntry, data: bytes) -> None:
        """Write a page that is encoded already, by :func:`textclean.io.encoding.encoded_page`.

        Raises:
            FileAccessError: The output cannot be written.
        """
        self._require(entry)
        self._put(entry, data)
        self._written.add(entry.number)

    def leave_out(self, entry: PageEntry) -> None:
        """Let the output go without the page.

        Raises:
            UnsupportedFormatError: Pages cannot be taken out of a document of this format.
        """
        self._require(entry)
        if not self.takes_encoded:
            raise UnsupportedFormatError(
                "pages cannot be left out of a document of this format",
                remedy="Use --on-error copy, or convert it with --to cbz",
            )
        self._left_out.add(entry.number)

    def scrub(self, what: Collection[str], pages: Collection[int]) -> None:
        """Ask for leftovers to be removed, too, from formats that have such; by default none has.

        Args:
            what: Kinds, of :data:`textclean.options.SCRUB_ITEMS`.
            pages: Numbers of the pages whose own leftovers go.
        """

    def commit(self) -> None:
        """Make the output visible under its final name.

        Raises:
            FileAccessError: It cannot be written; nothing is left of it.
            OutputExistsError: Its name has been taken meanwhile; nothing is left of it.
        """
        if not self._open:
            raise ValueError("the sink is closed")
        try:
            with located(self._document.name, None):
                self._commit()
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._close()

    def discard(self) -> None:
        """Remove everything that was written; safe to call twice and after ``commit``."""
        if self._open:
            self._open = False
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def _require(self, entry: PageEntry) -> None:
        if not self._open:
            raise ValueError("the sink is closed")
        known = self._document.entries
        if not 1 <= entry.number <= len(known) or known[entry.number - 1].name != entry.name:
            raise ValueError(f"{entry.name!r} is not a page of {self._document.name}")

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        raise NotImplementedError

    def _put(self, entry: PageEntry, data: bytes) -> None:
        raise NotImplementedError

    def _commit(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        """Let go of everything; remove what is not committed."""
        raise NotImplementedError


@contextlib.contextmanager
def located(source: str, page: str | None) -> Iterator[None]:
    """Say in errors where they happened."""
    try:
        yield
    except FileAccessError:
        # Its message names the path already.
        raise
    except TextcleanError as error:
        raise error.at(source=source, page=page) from None


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about a full disk or a missing right into our error."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from None


def unique(names: Sequence[str]) -> list[str]:
    """Names made different where they are not: "a.png", "a.png (2)"."""
    seen: set[str] = set()
    result = []
    for name in names:
        other, count = name, 1
        while other in seen:
            count += 1
            other = f"{name} ({count})"
        seen.add(other)
        result.append(other)
    return result


def summary(names: Sequence[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
