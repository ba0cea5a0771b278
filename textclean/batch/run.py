"""The loop over the pages of a document: one that fails does not stop the others."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.batch.job import Job, Watcher, chosen_pages, open_job, refuse_sizes
from textclean.batch.page import process_page
from textclean.batch.report import DocumentResult, PageReport, nothing_worked
from textclean.batch.sidecars import Sidecars
from textclean.errors import TextcleanError
from textclean.io import kind_of_path, open_sink
from textclean.io import resolve_target as resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.protocols import PageEntry, Sink, Source
    from textclean.types import Page, PageResult

    Work = Callable[[Page], PageResult]


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
    with open_job(job) as source:
        chosen = chosen_pages(job, source)
        refuse_sizes(job, source, chosen)
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
        self._job = job
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
        report, result = process_page(
            entry,
            self._work,
            self._put,
            self._job.options,
            looking=self._sink is None,
            viewer=self._job.viewer,
        )
        if result is None:
            self._keep(entry)
        self._watcher.finished(report, result)
        return replace(report, view=None)

    def _put(self, entry: PageEntry, result: PageResult) -> None:
        """Write what came out of a page."""
        self.versions = result.versions
        if self._sink is not None and result.changed:
            self._sink.write(entry, result.page, result.mask)
        else:
            self._keep(entry)
        self._sidecars.add(entry, result)

    def _keep(self, entry: PageEntry) -> None:
        if self._sink is not None:
            self._sink.keep(entry)
