"""Who watches a run over many documents is told of one after the other, in order.

Workers finish pages of several documents in any order. What happens to a document is held back
until all before it are done, so that those who watch need not tell documents apart.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textclean.batch.job import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textclean.batch.report import DocumentResult, PageReport
    from textclean.batch.task import Outcome, PageTask
    from textclean.errors import TextcleanError
    from textclean.types import Region


class BatchWatcher(Watcher):
    """Told how a run over many documents goes on. This one does nothing.

    Of :meth:`finished` the result is always None: pixels stay where they were processed.
    """

    def resumed(self, source: str, pages: int) -> None:
        """So many pages of the document that was opened last were done by an earlier run."""

    def decided(self, report: PageReport, regions: tuple[Region, ...]) -> None:
        """What was decided about each region of a page; follows :meth:`finished`."""

    def document(self, result: DocumentResult) -> None:
        """A document is done."""

    def refused(self, source: Path, error: TextcleanError) -> None:
        """Nothing came out of an input."""


@dataclass(slots=True)
class _Story:
    """What is to be told of one document."""

    events: list[Callable[[], None]] = field(default_factory=list)
    ended: bool = False


class Teller:
    """Tells a watcher."""

    def __init__(self, watcher: BatchWatcher) -> None:
        """Tell ``watcher``."""
        self._watcher = watcher
        self._stories: dict[Path, _Story] = {}
        self._order: deque[_Story] = deque()

    def opened(self, key: Path, source: str, pages: int, resumed: int) -> None:
        """A document was opened; ``key`` is its output."""
        self._order.append(self._stories.setdefault(key, _Story()))
        self._tell(key, lambda: self._watcher.opened(source, pages))
        if resumed:
            self._tell(key, lambda: self._watcher.resumed(source, resumed))

    def started(self, key: Path, task: PageTask) -> None:
        """A page is about to be read."""
        self._tell(key, lambda: self._watcher.started(task.name, task.number))

    def finished(self, key: Path, outcome: Outcome) -> None:
        """A page is done."""
        self._tell(key, lambda: self._watcher.finished(outcome.report, None))
        if outcome.regions:
            self._tell(key, lambda: self._watcher.decided(outcome.report, outcome.regions))

    def document(self, key: Path, result: DocumentResult) -> None:
        """A document is done."""
        self._tell(key, lambda: self._watcher.document(result), last=True)

    def refused(self, source: Path, error: TextcleanError, key: Path | None = None) -> None:
        """Nothing came out of an input, which may have been opened before."""
        if key not in self._stories:
            key = source
            self._order.append(self._stories.setdefault(key, _Story()))
        assert key is not None
        self._tell(key, lambda: self._watcher.refused(source, error), last=True)

    def _tell(self, key: Path, event: Callable[[], None], *, last: bool = False) -> None:
        story = self._stories[key]
        story.events.append(event)
        if last:
            story.ended = True
            del self._stories[key]
        while self._order:
            first = self._order[0]
            events, first.events = first.events, []
            for told in events:
                told()
            if not first.ended:
                return
            self._order.popleft()
