"""What all sinks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from textclean.errors import UnsupportedFormatError
from textclean.io.document import Document, located

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


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
