"""How far a run is: pages done, failed and left, speed, time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from textclean.cli.memory import MemoryGauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.batch import PageReport


class Tally:
    """Counts the pages of a run, or of one document after the other where its pages are unknown.

    Args:
        documents: How many documents there are.
        pages: Pages to process in all of them; None = nobody knows yet.
        device: The device of the run, as its options name it.
        clock: Seconds; only differences count, so that setting the time of day does no harm.

    Attributes:
        document: Number of the document, from 1; 0 before the first.
        documents: How many there are.
        whole: Whether the pages of the whole run are counted.
        alone: Whether the document has one page only.
        total: Pages to process.
        done: Pages that are done, failed ones included.
        failed: Pages that failed.
    """

    def __init__(
        self,
        *,
        documents: int = 1,
        pages: int | None = None,
        device: str = "auto",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.document = 0
        self.documents = documents
        self.alone = False
        self.whole = pages is not None
        self.total = pages or 0
        self.done = self.failed = 0
        self.gauge = MemoryGauge(device)
        self._clock = clock
        self._start = clock()

    def open(self, pages: int) -> None:
        """A document was opened; so many of its pages are to be processed."""
        self.document += 1
        self.alone = pages == 1
        if not self.whole:
            self.total, self.done, self.failed = pages, 0, 0
            self._start = self._clock()

    def pass_over(self, pages: int) -> None:
        """An earlier run did so many pages of the document that was opened last."""
        if self.whole:
            self.total -= pages

    def add(self, report: PageReport) -> None:
        """A page is done."""
        self.done += 1
        self.failed += report.status == "failed"

    @property
    def left(self) -> int:
        """Pages that are not done."""
        return max(self.total - self.done, 0)

    @property
    def speed(self) -> float | None:
        """Pages a second, or None before the first."""
        spent = self._clock() - self._start
        return self.done / spent if self.done and spent > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take, or None before the first page."""
        return self.left / self.speed if self.speed else None

    def line(self) -> str:
        """``2 failed, 0.91 pages/s, 3 min left, RAM 1.2 GB``."""
        parts = []
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.speed:
            parts.append(f"{self.speed:.2f} pages/s")
        if self.left and self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        if memory := self.gauge.read():
            parts.append(str(memory))
        return ", ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        memory = self.gauge.read()
        return {
            "done": self.done,
            "failed": self.failed,
            "left": self.left,
            "pages_per_second": _rounded(self.speed),
            "seconds_left": _rounded(self.seconds_left),
            "memory": None
            if memory is None
            else {"kind": memory.kind, "used": memory.used, "total": memory.total},
        }


def duration(seconds: float) -> str:
    """``48 s``, ``12 min``, ``3 h 5 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
