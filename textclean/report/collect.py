"""What a report will need, put aside page by page while the run goes on."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from textclean.batch import Watcher
from textclean.io.atomic import Spool, cannot_write, make_folders, remove_folders
from textclean.report.doubt import Doubt, doubt_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textclean.batch import DocumentResult, PageReport, PageView
    from textclean.types import PageResult

    Place = tuple[int, int]

PICTURES_BYTES: Final = 512 * 1024**2
"""Pictures of at most so many bytes go with a report; the least doubtful pages lose theirs."""


@dataclass(slots=True)
class Noted:
    """What is known of a page beside its report.

    Attributes:
        doubt: How much it is to be doubted.
        size: Width and height of the upright page in pixels, or None when it was not read.
        regions: Where its regions are put aside.
        thumbnail: Where the thumbnail is, or None.
        pictures: Where the pictures before and after are, or None.
    """

    doubt: Doubt
    size: tuple[int, int] | None = None
    regions: Place | None = None
    thumbnail: Place | None = None
    pictures: tuple[Place, Place] | None = None


class Collector(Watcher):
    """Puts the views of a run's pages aside, in a file without a name.

    Memory holds a few numbers a page; the file vanishes with the process, however that ends.

    Args:
        folder: Where the report will be, and therefore have room.
        budget: Bytes that the pictures may take, thumbnails not counted.
    """

    def __init__(self, folder: Path, *, budget: int = PICTURES_BYTES) -> None:
        self._folder = folder
        self._budget = budget
        self._spool: Spool | None = None
        self._folders: list[Path] = []
        self._document = 0
        self._results: list[tuple[int, DocumentResult]] = []
        self._pages: dict[tuple[int, int], Noted] = {}
        self._kept: list[tuple[tuple[int, float, float], tuple[int, int], int]] = []
        self._bytes = 0
        self.left_out = 0

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._document += 1

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done.

        Raises:
            FileAccessError: There is no room for its view.
        """
        view = report.view
        noted = Noted(doubt_of(report, () if view is None else view.regions))
        key = self._document, report.number
        self._pages[key] = noted
        if view is not None:
            try:
                self._put_aside(key, noted, view)
            except OSError as error:
                raise cannot_write(self._folder, error) from None

    def add(self, result: DocumentResult) -> None:
        """The document that was opened last is done."""
        self._results.append((self._document, result))

    @property
    def documents(self) -> list[DocumentResult]:
        """The documents that are done."""
        return [result for _, result in self._results]

    def pages(self) -> Iterator[tuple[int, PageReport, Noted]]:
        """Every page of the run: position of its document, from 0, its report, what is known."""
        for position, (document, result) in enumerate(self._results):
            for report in result.pages:
                noted = self._pages.get((document, report.number))
                yield position, report, noted or Noted(doubt_of(report, ()))

    def regions(self, noted: Noted) -> list[dict[str, Any]]:
        """What was decided about a page's regions."""
        told: list[dict[str, Any]] = json.loads(self.data(noted.regions) or b"[]")
        return told

    def data(self, place: Place | None) -> bytes:
        """What was put aside there; empty for None."""
        return b"" if place is None or self._spool is None else self._spool.get(place)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        remove_folders(self._folders)
        self._folders = []

    def _put_aside(self, key: tuple[int, int], noted: Noted, view: PageView) -> None:
        if self._spool is None:
            self._folders = make_folders(self._folder)
            self._spool = Spool(self._folder)
        noted.size = view.size
        noted.regions = self._spool.add(json.dumps(view.regions).encode())
        if view.thumbnail:
            noted.thumbnail = self._spool.add(view.thumbnail)
        size = len(view.before) + len(view.patch)
        if view.before and self._makes_room(noted.doubt, size):
            noted.pictures = self._spool.add(view.before), self._spool.add(view.patch)
            heapq.heappush(self._kept, (noted.doubt.key, key, size))
            self._bytes += size

    def _makes_room(self, doubt: Doubt, size: int) -> bool:
        """Whether a page's pictures are kept, if need be instead of those of surer pages."""
        while self._bytes + size > self._budget:
            self.left_out += 1
            if not self._kept or self._kept[0][0] >= doubt.key:
                return False
            _, key, freed = heapq.heappop(self._kept)
            self._pages[key].pictures = None
            self._bytes -= freed
        return True
