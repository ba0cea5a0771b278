"""How a run looks while it goes on: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from textclean.batch import Watcher
from textclean.cli.console import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, ProgressColumn, TaskID

    from textclean.batch import DocumentResult, PageReport
    from textclean.cli.console import Console
    from textclean.types import PageResult, Region


class Lines(Watcher):
    """A line for each page."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._total, self._done = pages, 0

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._done += 1
        place = f"[{self._done}/{self._total}] {report.name}"
        if report.status == "failed":
            # With one page, the whole document fails, and the error is told once, at the end.
            if self._total > 1:
                self._console.error(f"{place}: {report.reason}")
        else:
            self._console.say(f"{place}: {page_line(report)}")
        for line in _details(report, result):
            self._console.detail(line)


class Bar(Lines):
    """A progress bar; what went wrong is told above it."""

    def __init__(self, console: Console, progress: Progress) -> None:
        super().__init__(console)
        self._progress = progress
        self._task: TaskID | None = None

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        super().opened(source, pages)
        self._task = self._progress.add_task(_short(source), total=pages, page="", speed="")

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""
        if self._task is not None:
            self._progress.update(self._task, page=_short(name))

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._done += 1
        if report.status == "failed" and self._total > 1:
            self._console.error(f"{report.name}: {report.reason}")
        if self._task is not None:
            spent = self._progress.tasks[self._task].elapsed or 0.0
            speed = f"{self._done / spent:.2f} pages/s" if spent > 0 else ""
            self._progress.update(self._task, advance=1, speed=speed)


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """What tells the user how a run goes on."""
    if not console.has_bar:
        yield Lines(console)
        return
    from rich.console import Console as RichConsole
    from rich.progress import Progress

    with Progress(*columns(), console=RichConsole(stderr=True), transient=True) as progress:
        yield Bar(console, progress)


def columns() -> tuple[ProgressColumn, ...]:
    """What the bar shows of a document: name, bar, pages, speed, time left, current page."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[page]}", markup=False, style="dim"),
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


def _details(report: PageReport, result: PageResult | None) -> Iterator[str]:
    if report.details:
        yield report.details
    for number, region in enumerate(result.regions if result else (), 1):
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
