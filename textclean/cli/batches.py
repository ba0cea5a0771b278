"""``textclean clean`` over all its inputs: the plan, the run, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textclean.batch import Batch, BatchWatcher, Job, crew_of, make_plan, read_status, run_batch
from textclean.cli.console import plural, put, put_json
from textclean.cli.progress import region_lines
from textclean.cli.runs import Run
from textclean.cli.tally import duration
from textclean.errors import FileAccessError, TextcleanError
from textclean.options import change_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textclean.batch import DocumentResult, PageReport
    from textclean.cli.console import Console
    from textclean.cli.outputs import Plan
    from textclean.options import Options
    from textclean.types import Page, PageResult, Region


@dataclass(frozen=True)
class CleanWork:
    """Loads a cleaner where it is called: in this process or in a worker.

    Attributes:
        options: The options of the run.
    """

    options: Options

    def __call__(self, device: str | None) -> Callable[[Page], PageResult]:
        """What cleans a page on a device; None = that of the options."""
        from textclean.api import make_cleaner

        options = self.options if device is None else change_options(self.options, device=device)
        return make_cleaner(options).clean


class BatchRun(Run):
    """Cleans documents, in worker processes where there are many pages."""

    def batch(self, plans: Sequence[Plan], **wishes: Any) -> Batch:
        """What is to be done.

        Args:
            plans: The inputs, and the names of what is made of them.
            **wishes: Other attributes of :class:`textclean.batch.Batch`.
        """
        from textclean.api.build import result_versions

        jobs: tuple[Job, ...] = tuple(self._job(plan) for plan in plans)
        return Batch(jobs=jobs, versions=result_versions(), **wishes)

    def clean(self, batch: Batch) -> None:
        """Process all inputs.

        Raises:
            TextcleanError: The only input failed, or something that all of them need is missing.
        """
        if self._reports is not None:
            self._reports.refuse_inputs(job.source for job in batch.jobs)
        plan = make_plan(batch)
        with self._watching(len(batch.jobs), plan.pages) as watcher:
            relay = _Relay(watcher, self._console, self, several=len(batch.jobs) > 1)
            try:
                result = run_batch(batch, CleanWork(self._options), relay, plan=plan)
            except KeyboardInterrupt:
                if relay.kept:
                    pages = plural(relay.kept, "page")
                    self._console.say(f"{pages} done; the same command goes on from there")
                raise
        if result.resumed and self.has_many:
            self._console.say(f"{plural(result.resumed, 'page')} done by an earlier run")
        if len(batch.jobs) == 1:
            for error in result.failures.values():
                raise error

    def tell_plan(self, batch: Batch, *, as_json: bool = False) -> None:
        """Print what would be done, and about how long it would take; nothing is touched.

        Raises:
            TextcleanError: The only input cannot be opened, or the options do not fit the inputs.
        """
        plan = make_plan(batch)
        if len(batch.jobs) == 1:
            for error in plan.failures.values():
                raise error
        known = _journal_pace(batch)
        crew = crew_of(batch, plan)
        seconds = plan.pages * (known or SECONDS_A_PAGE) / (crew.workers if crew else 1)
        if as_json:
            put_json(
                {
                    "documents": [
                        {
                            "source": str(document.job.source),
                            "output": str(document.output),
                            "pages": len(document.names),
                            "to_process": len(document.chosen),
                        }
                        for document in plan.documents
                    ],
                    "failed_documents": {str(s): str(e) for s, e in plan.failures.items()},
                    "pages": plan.pages,
                    "estimated_seconds": round(seconds),
                    "measured": known is not None,
                }
            )
            return
        for document in plan.documents:
            pages = plural(len(document.chosen), "page")
            put(f"{document.job.source} -> {document.output}: {pages}")
        for source, error in plan.failures.items():
            self._console.error(error.at(source=str(source)))
        basis = "measured in an earlier run" if known else "a guess: nothing was measured yet"
        put(
            f"{plural(len(plan.documents), 'document')}, {plural(plan.pages, 'page')}, about "
            f"{duration(seconds)} ({(known or SECONDS_A_PAGE):.1f} s a page, {basis})"
        )


class _Relay(BatchWatcher):
    """Tells the watcher of a run over single documents, and the run itself.

    Attributes:
        kept: Pages that were processed and did not fail.
    """

    def __init__(
        self, watcher: BatchWatcher, console: Console, run: BatchRun, *, several: bool
    ) -> None:
        self._watcher = watcher
        self._console = console
        self._run = run
        self._several = several
        self.kept = 0

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._watcher.opened(source, pages)

    def resumed(self, source: str, pages: int) -> None:
        """Pages were done before."""
        self.kept += pages
        self._watcher.resumed(source, pages)
        if not self._console.has_events and not self._run.has_many:
            self._console.say(f"{source}: {plural(pages, 'page')} done by an earlier run")

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""
        self._watcher.started(name, number)

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self.kept += report.status != "failed"
        self._watcher.finished(report, result)

    def decided(self, report: PageReport, regions: tuple[Region, ...]) -> None:
        """What was decided about the regions of a page."""
        for line in region_lines(regions):
            self._console.detail(line)

    def document(self, result: DocumentResult) -> None:
        """A document is done."""
        self._run.done(result)

    def refused(self, source: Path, error: TextcleanError) -> None:
        """Nothing came out of an input."""
        if self._several:
            self._run.failed(source, error)


SECONDS_A_PAGE = 2.0
"""What a page is guessed to take while nothing has been measured."""


def _journal_pace(batch: Batch) -> float | None:
    """Seconds that a page took in earlier runs on the same output."""
    folders = {job.output.parent for job in batch.jobs if job.output is not None}
    folders |= {job.output for job in batch.jobs if job.output is not None}
    if batch.folder is not None:
        folders = {batch.folder}
    for folder in folders:
        try:
            found = read_status(folder)
        except FileAccessError:
            continue
        paces = [pace for status in found if (pace := status.seconds_a_page) is not None]
        if paces:
            return sum(paces) / len(paces)
    return None
