"""The loop over the pages of a document: one that fails does not stop the others."""

from __future__ import annotations

import copy
import os
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.batch.report import DocumentResult, PageReport, nothing_worked
from textclean.batch.sidecars import SidecarPaths, Sidecars
from textclean.errors import (
    DependencyError,
    FileAccessError,
    PageError,
    TextcleanError,
    UsageError,
)
from textclean.io import kind_of_path, open_sink, open_source
from textclean.io import resolve_target as resolve
from textclean.io.notes import collected_notes
from textclean.io.raster import WARNINGS
from textclean.io.wishes import with_wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.batch.pages import PageSelection
    from textclean.batch.report import Status
    from textclean.batch.view import PageView, PageViewer
    from textclean.options import Options
    from textclean.protocols import PageEntry, Sink, Source
    from textclean.types import Page, PageResult

    Work = Callable[[Page], PageResult]


class Watcher:
    """Told how a run goes on. This one does nothing: override what is wanted."""

    def opened(self, source: str, pages: int) -> None:
        """A document was opened; so many of its pages are going to be processed."""

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done; ``result`` is None when it failed. Skipped pages are not told of."""


@dataclass(frozen=True, slots=True)
class Job:
    """One document and what is to be made of it.

    Attributes:
        source: File or folder.
        output: The cleaned document; None = only look.
        options: The options of the run.
        pages: Pages to process, None = all; the others are taken over as they are.
        overwrite: Replace outputs that are there already.
        sidecars: What else to write.
        password: What opens an encrypted PDF.
        to: The output's format, see :func:`textclean.io.open_sink`; None = by its name.
        viewer: Makes what a report shows of each page, for the watcher; None = no report.
    """

    source: Path
    output: Path | None
    options: Options
    pages: PageSelection | None = None
    overwrite: bool = False
    sidecars: SidecarPaths = field(default_factory=SidecarPaths)
    password: str | None = field(default=None, repr=False)
    to: str | None = None
    viewer: PageViewer | None = None


def target_of(source: Path, output: str | os.PathLike[str]) -> Path:
    """The output's own name: a file that is to go to a folder keeps its name in it.

    Args:
        source: The input.
        output: What the caller named; a folder when it exists as one or ends in a slash.
    """
    target = Path(output)
    is_folder = target.is_dir() or os.fspath(output).endswith(("/", os.sep))
    return target / source.name if is_folder and not source.is_dir() else target


def resolve_output(
    source: Path, output: str | os.PathLike[str], to: str | None = None
) -> tuple[Path, str | None]:
    """The output's own name and the format that it is converted to; None = the input's is kept.

    Args:
        source: The input. Of one that cannot be read the name alone decides.
        output: What the caller named.
        to: The format asked for, or None.

    Raises:
        OptionsError: The name is that of a format that the input does not become.
    """
    try:
        kind = kind_of_path(source)
    except TextcleanError:
        # Opening it will say what is wrong.
        return target_of(source, output), to
    return resolve(source, kind, output, to)


def run_job(
    job: Job, prepare: Callable[[], Work], watcher: Watcher | None = None
) -> DocumentResult:
    """Process a document.

    Either everything appears under its final name at the end, or nothing does: also when the run
    is interrupted.

    Args:
        job: What to do.
        prepare: Gives what turns a page into its result; called when input and output are known
            to be usable, because it may load networks.
        watcher: Told how the run goes on.

    Raises:
        TextcleanError: The input cannot be opened, the output cannot be written, no page could
            be processed, or something that every page needs is missing. The failure of one page
            among others is no error: it is recorded in the result.
    """
    start = time.perf_counter()
    with open_source(
        job.source,
        max_pixels=job.options.max_pixels,
        pdf_renderer=job.options.pdf_renderer,
        pdf_dpi=job.options.pdf_dpi,
        password=job.password,
        allow_signed=job.options.allow_signed,
        allow_xfa=job.options.allow_xfa,
    ) as source:
        chosen = _chosen(job, source)
        sidecars = Sidecars(
            job.sidecars,
            source,
            options=job.options.as_dict(),
            output=job.output,
            overwrite=job.overwrite,
            chosen=chosen,
        )
        sink = None
        if job.output is not None:
            sink = open_sink(source, job.output, overwrite=job.overwrite, to=job.to)
            sink.scrub(job.options.scrub, chosen)
        try:
            loop = _Loop(prepare(), sink, sidecars, watcher or Watcher(), job)
            pages = loop.pages(source, chosen)
            if sink is not None:
                sink.commit()
            files = sidecars.commit()
        except BaseException:
            sidecars.discard()
            if sink is not None:
                sink.discard()
            raise
    return DocumentResult(
        source=str(job.source),
        output=job.output,
        pages=pages,
        seconds=time.perf_counter() - start,
        files=files,
        warnings=(*source.warnings, *(sink.warnings if sink is not None else ())),
        options=job.options.as_dict(),
        versions=loop.versions,
    )


class _Loop:
    """Processes one page after the other.

    Attributes:
        versions: What made the results, once there is one.
    """

    def __init__(
        self,
        work: Work,
        sink: Sink | None,
        sidecars: Sidecars,
        watcher: Watcher,
        job: Job,
    ) -> None:
        self._work = work
        self._sink = sink
        self._sidecars = sidecars
        self._watcher = watcher
        self._options = job.options
        self._viewer = job.viewer
        self.versions: dict[str, str] = {}

    def pages(self, source: Source, chosen: frozenset[int]) -> tuple[PageReport, ...]:
        """All pages of a document, in order.

        Raises:
            TextcleanError: None of the chosen ones could be processed.
        """
        self._watcher.opened(source.name, len(chosen))
        done = tuple(self._page(entry, entry.number in chosen) for entry in source.entries)
        tried = [report for report in done if report.status != "skipped"]
        if tried and all(report.status == "failed" for report in tried):
            # A copy of the input that calls itself cleaned would be a lie.
            raise nothing_worked(tried, source.name)
        return done

    def _page(self, entry: PageEntry, wanted: bool) -> PageReport:
        """Process a page, or take it over as it is."""
        if not wanted:
            self._keep(entry)
            return PageReport(entry.name, entry.number, "skipped", "not among the pages asked for")
        self._watcher.started(entry.name, entry.number)
        start = time.perf_counter()
        report, result = self._attempt(entry)
        report = replace(report, seconds=time.perf_counter() - start)
        self._watcher.finished(report, result)
        return replace(report, view=None)

    def _attempt(self, entry: PageEntry) -> tuple[PageReport, PageResult | None]:
        """Clean and write a page; its own failure is reported, that of the whole run raised."""
        page = None
        try:
            page = with_wishes(
                entry.load(),
                promote=self._options.promote,
                allow_lossy=self._options.allow_lossy,
            )
            result = self._work(page)
        except (UsageError, DependencyError):
            # The next page would fail in the same way.
            raise
        except Exception as error:
            return self._failed(entry, error, page), None
        self.versions = result.versions
        try:
            report = self._put(entry, page, result)
        except (UsageError, FileAccessError):
            # No page can be written where this one cannot.
            raise
        except Exception as error:
            return self._failed(entry, error, page), None
        return report, result

    def _put(self, entry: PageEntry, page: Page, result: PageResult) -> PageReport:
        """Write what came out of a page."""
        status: Status = "untouched"
        warnings: tuple[str, ...] = ()
        if self._sink is not None and result.changed:
            with collected_notes() as notes:
                self._sink.write(entry, result.page, result.mask)
            status = "cleaned"
            warnings = (*page.metadata.extra.get(WARNINGS, ()), *notes)
        else:
            self._keep(entry)
        self._sidecars.add(entry, result)
        removed = sum(region.action != "keep" for region in result.regions)
        return PageReport(
            name=entry.name,
            number=entry.number,
            status=status,
            reason=_reason(result, looking=self._sink is None),
            stages=dict(result.seconds),
            regions=len(result.regions),
            removed=removed,
            residual=len(result.residual),
            warnings=warnings,
            view=self._view(page, result),
        )

    def _view(self, page: Page | None, result: PageResult | None) -> PageView | None:
        """What a report shows of a page, if there is one and it could be read."""
        if self._viewer is None or page is None:
            return None
        try:
            return self._viewer(page, result)
        except Exception:
            # A page does not fail for want of its picture.
            return None

    def _failed(self, entry: PageEntry, error: Exception, page: Page | None) -> PageReport:
        self._keep(entry)
        told, details = _explained(error)
        return PageReport(
            name=entry.name,
            number=entry.number,
            status="failed",
            reason=f"{told.message}. {told.remedy}" if told.remedy else told.message,
            error=told,
            details=details,
            view=self._view(page, None),
        )

    def _keep(self, entry: PageEntry) -> None:
        if self._sink is not None:
            self._sink.keep(entry)


def _chosen(job: Job, source: Source) -> frozenset[int]:
    """Numbers of the pages to process."""
    count = len(source.entries)
    chosen = frozenset(range(1, count + 1))
    if job.pages is not None:
        chosen = job.pages.numbers(count, source.name)
    cover = getattr(source, "cover", None) if job.options.keep_cover else None
    return chosen - {cover}


def _reason(result: PageResult, *, looking: bool) -> str:
    if looking:
        return "only looked at"
    if result.changed:
        return ""
    if not result.regions:
        return "no text was found"
    return "all text that was found is kept"


def _explained(error: Exception) -> tuple[TextcleanError, str]:
    """What to say of a page's failure, and the traceback when it was not foreseen.

    The error is a fresh one: a traceback holds on to the page's pixels, and there may be
    thousands of failed pages.
    """
    if isinstance(error, TextcleanError):
        return copy.copy(error), ""
    if isinstance(error, MemoryError):
        return PageError(
            "there is not enough memory for this page",
            remedy="Close other programs, or set --max-pixels to refuse pages of that size",
        ), ""
    first = next(iter(str(error).splitlines()), "")
    what = type(error).__name__ + (f": {first}" if first else "")
    return PageError(
        f"something unexpected went wrong ({what})",
        remedy="This is a bug of textclean or of a library; -v shows where it happened",
    ), "".join(traceback.format_exception(error))
