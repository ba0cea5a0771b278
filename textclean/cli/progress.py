"""How a run looks while it goes on: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textclean.batch import BatchWatcher
from textclean.batch.report import counts
from textclean.cli.console import one_line, plural
from textclean.cli.events import Events
from textclean.cli.tally import Tally, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Progress, ProgressColumn, TaskID

    from textclean.batch import DocumentResult, PageReport
    from textclean.cli.console import Console
    from textclean.types import PageResult, Region


FIRST_BEAT = 10.0
"""Seconds between two lines about pages in a pipe, at first."""

LAST_BEAT = 60.0
"""And once a run has gone on for some minutes."""


class Lines(BatchWatcher):
    """Lines about pages: of every page, or a line now and then.

    Args:
        console: Where they are told.
        tally: How far the run is.
        every: Whether every page is told. Otherwise the first, then one after ten seconds, later
            one a minute, and each page that fails.
        clock: Seconds.
    """

    def __init__(
        self,
        console: Console,
        tally: Tally | None = None,
        *,
        every: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._tally = tally or Tally()
        self._every = every
        self._clock = clock
        self._start = self._next = clock()
        self._source = ""

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._tally.open(pages)
        self._source = source

    def resumed(self, source: str, pages: int) -> None:
        """Pages were done by an earlier run."""
        self._tally.pass_over(pages)

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._tally.add(report)
        place = f"[{self._tally.done}/{self._tally.total}] {self._name(report)}"
        if report.status == "failed":
            # With one page, the whole document fails, and the error is told once, at its end.
            if not self._tally.alone:
                self._console.error(f"{place}: {report.reason}")
        elif self._every:
            self._console.say(f"{place}: {page_line(report)}")
        elif self._clock() >= self._next:
            pace = f"; {self._tally.line()}" if self._tally.done > 1 else ""
            self._console.say(f"{place}: {page_line(report)}{pace}")
            beat = (self._clock() - self._start) / 10
            self._next = self._clock() + min(max(beat, FIRST_BEAT), LAST_BEAT)
        for line in _details(report, result):
            self._console.detail(line)

    def _name(self, report: PageReport) -> str:
        """The page, and of which document it is where there are several."""
        if self._tally.documents == 1:
            return report.name
        return self._source if self._tally.alone else f"{self._source}, {report.name}"


class Bar(BatchWatcher):
    """A progress bar; what went wrong is told above it."""

    def __init__(self, console: Console, progress: Progress, tally: Tally | None = None) -> None:
        self._console = console
        self._progress = progress
        self._tally = tally or Tally()
        self._task: TaskID | None = None
        self._page = ""

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._tally.open(pages)
        place = f"{self._tally.document}/{self._tally.documents} "
        name = (place if self._tally.documents > 1 else "") + _short(source)
        if self._task is not None and self._tally.whole:
            self._progress.update(self._task, description=name, total=self._tally.total)
            return
        if self._task is not None:
            # Its line, which is told when it is done, stays; the bar is for the next.
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=self._tally.total, pace="")

    def resumed(self, source: str, pages: int) -> None:
        """Pages were done by an earlier run."""
        self._tally.pass_over(pages)
        if self._task is not None:
            self._progress.update(self._task, total=self._tally.total)

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""
        self._page = _short(name)
        if self._task is not None:
            self._progress.update(self._task, pace=self._pace())

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._tally.add(report)
        if report.status == "failed" and not self._tally.alone:
            self._console.error(f"{report.name}: {report.reason}")
        if self._task is not None:
            self._progress.update(self._task, advance=1, pace=self._pace())

    def _pace(self) -> str:
        return ", ".join(part for part in (self._tally.line(), self._page) if part)


class Several(BatchWatcher):
    """Tells several watchers."""

    def __init__(self, *watchers: BatchWatcher) -> None:
        self._watchers = watchers

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        for watcher in self._watchers:
            watcher.opened(source, pages)

    def resumed(self, source: str, pages: int) -> None:
        """Pages were done by an earlier run."""
        for watcher in self._watchers:
            watcher.resumed(source, pages)

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""
        for watcher in self._watchers:
            watcher.started(name, number)

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        for watcher in self._watchers:
            watcher.finished(report, result)


@contextmanager
def watching(
    console: Console, *, documents: int = 1, pages: int | None = None, device: str = "auto"
) -> Iterator[BatchWatcher]:
    """What tells the user how a run goes on.

    Args:
        console: Where it is told.
        documents: How many documents there are.
        pages: Pages to process in all of them; None = nobody knows yet.
        device: The device of the run, whose memory is told.
    """
    tally = Tally(documents=documents, pages=pages, device=device)
    if console.has_events:
        yield Events(tally)
    elif not console.has_bar:
        yield Lines(console, tally, every=console.verbose)
    else:
        from rich.console import Console as RichConsole
        from rich.progress import Progress

        with Progress(
            *columns(), console=RichConsole(stderr=True), transient=True, expand=True
        ) as progress:
            yield Bar(console, progress, tally)


def columns() -> tuple[ProgressColumn, ...]:
    """What the bar shows of a document: name, bar, pages, failures, pace, memory, current page.

    The last column takes the room there is, and is cut off where it ends.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.table import Column

    def fixed(**settings: Any) -> Column:
        return Column(no_wrap=True, overflow="ellipsis", **settings)

    return (
        TextColumn("{task.description}", markup=False, table_column=fixed(max_width=28)),
        BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=fixed()),
        TextColumn("{task.fields[pace]}", markup=False, table_column=fixed(ratio=1)),
    )


def page_line(report: PageReport) -> str:
    """What happened to a page, in a few words."""
    kept = report.regions - report.removed
    if not report.regions:
        told = "filled" if report.status == "cleaned" else "no text found"
    elif not report.removed:
        told = f"{plural(kept, 'region')} kept"
    else:
        verb = "removed" if report.status == "cleaned" else "to remove"
        told = f"{plural(report.removed, 'region')} {verb}" + (f", {kept} kept" if kept else "")
    if report.residual:
        told += f", text is still found in {report.residual}"
    return f"{told} ({report.seconds:.1f} s)"


def document_line(result: DocumentResult) -> str:
    """What happened to a document, in one line."""
    pages = [page for page in result.pages if page.status != "skipped"]
    parts = [
        f"{len(found)} {status}"
        for status in ("cleaned", "untouched", "failed", "skipped")
        if (found := [page for page in result.pages if page.status == status])
    ]
    if result.output is None:
        removed = sum(page.removed for page in pages)
        parts = [
            f"{plural(sum(page.regions for page in pages), 'region')} found, {removed} to remove"
        ]
        if result.failed:
            parts.append(f"{len(result.failed)} failed")
    speed = len(pages) / result.seconds if result.seconds else 0.0
    where = "" if result.output is None else f" -> {result.output}"
    return (
        f"{result.source}{where}: {plural(len(pages), 'page')}, {', '.join(parts)}; "
        f"{result.seconds:.1f} s, {speed:.2f} pages/s"
    )


def run_line(results: Sequence[DocumentResult], seconds: float) -> str:
    """What happened to several documents, in one line.

    Args:
        results: What came of them.
        seconds: Wall-clock seconds for all of them.
    """
    told = counts([page for result in results for page in result.pages])
    parts = [
        f"{told[status]} {status}"
        for status in ("cleaned", "untouched", "failed", "skipped")
        if told[status]
    ]
    worked = told["pages"] - told["skipped"]
    speed = f", {worked / seconds:.2f} pages/s" if seconds > 0 else ""
    return (
        f"{plural(len(results), 'document')}, {plural(told['pages'], 'page')}: {', '.join(parts)}; "
        f"{duration(seconds)}{speed}"
    )


def _details(report: PageReport, result: PageResult | None) -> Iterator[str]:
    if report.details:
        yield report.details
    yield from region_lines(result.regions if result else ())


def region_lines(regions: Sequence[Region]) -> Iterator[str]:
    """What was decided about each region, a line each."""
    for number, region in enumerate(regions, 1):
        yield f"  {number}. {_region_line(region)}"


def _region_line(region: Region) -> str:
    x0, y0, x1, y1 = region.box
    text = f" {one_line(region.text)!r}" if region.text else ""
    return (
        f"{region.action or 'undecided'} {region.kind} at {x0},{y0} {x1 - x0}x{y1 - y0}{text}, "
        f"score {region.score:.2f}: {region.reason}"
    )


def _short(name: str, most: int = 40) -> str:
    name = one_line(name)
    return name if len(name) <= most else f"…{name[1 - most :]}"
