"""What all sources have in common; what all sinks have is in :mod:`textclean.io.document_sink`."""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from textclean.errors import FileAccessError, TextcleanError
from textclean.io.atomic import cannot_write
from textclean.io.guard import MAX_PIXELS
from textclean.io.images import read_image, write_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from textclean.io.document_sink import DocumentSink
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
            return write_image(page, mask, data, self.loaded_from(data))

    def loaded_from(self, data: bytes) -> Page | None:
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
