"""What a report will need, put aside page by page while the run goes on."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from textclean.batch import BatchWatcher
from textclean.report.doubt import Doubt, doubt_of
from textclean.report.views import Kept, ViewFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textclean.batch import DocumentResult, PageReport
    from textclean.report.views import Place
    from textclean.types import PageResult

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


class Collector(BatchWatcher):
    """Puts the views of a run's pages aside; memory holds a few numbers a page.

    Args:
        path: The file for them, hidden beside the report.
        report: The report that it is for.
        budget: Bytes that the pictures may take, thumbnails not counted.

    Attributes:
        left_out: Pages whose pictures were left out because of the budget.
    """

    def __init__(self, path: Path, report: Path, *, budget: int = PICTURES_BYTES) -> None:
        self._views = ViewFile(path, report)
        self._budget = budget
        self._source = ""
        self._document = 0
        self._results: list[tuple[int, DocumentResult]] = []
        self._pages: dict[tuple[int, int], Noted] = {}
        self._kept: list[tuple[tuple[int, float, float], tuple[int, int], int]] = []
        self._bytes = 0
        self.left_out = 0

    def opened(self, source: str, pages: int) -> None:
        """A document was opened.

        Raises:
            FileAccessError: Another run writes the same report.
        """
        self._views.begin()
        self._document += 1
        self._source = source

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
            size = len(view.before) + len(view.patch)
            room = bool(view.before) and self._makes_room(noted.doubt, size)
            self._note(key, self._views.add(self._source, report.number, view, pictures=room))

    def add(self, result: DocumentResult) -> None:
        """The document that was opened last is done; pages that an earlier run did have its views.

        A document that an earlier run finished was not opened in this one.
        """
        self._views.begin()
        if self._results and self._results[-1][0] == self._document:
            self._document += 1
        self._results.append((self._document, result))
        for report in result.pages:
            key = self._document, report.number
            kept = self._views.earlier.get((result.source, report.number))
            if kept is None or key in self._pages or report.status == "skipped":
                continue
            noted = Noted(doubt_of(report, json.loads(self.data(kept.parts[0]) or b"[]")))
            self._pages[key] = noted
            size = kept.parts[2][1] + kept.parts[3][1]
            if kept.parts[2][1] and not self._makes_room(noted.doubt, size):
                kept = Kept(kept.size, (*kept.parts[:2], (0, 0), (0, 0)))
            self._note(key, kept)

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
        return b"" if place is None else self._views.get(place)

    def close(self, *, keep: bool = False) -> None:
        """Let go of the file; safe to call twice.

        Args:
            keep: Leave it for a run that goes on from here.
        """
        self._views.close(keep=keep)

    def _note(self, key: tuple[int, int], kept: Kept) -> None:
        """Remember where a page's view is."""
        noted = self._pages[key]
        noted.size = kept.size
        noted.regions, thumbnail, before, patch = kept.parts
        noted.thumbnail = thumbnail if thumbnail[1] else None
        if before[1]:
            noted.pictures = before, patch
            size = before[1] + patch[1]
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
