"""One command over all its inputs: one that fails does not stop the others."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import typer

from textclean.batch import (
    Job,
    PageSelection,
    residual_error,
    run_dict,
    run_job,
)
from textclean.cli.console import plural, put_json
from textclean.cli.progress import Several, document_line, run_line, watching
from textclean.errors import (
    DependencyError,
    PageError,
    TextcleanError,
    UsageError,
)
from textclean.report import ReportFiles, page_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from textclean.batch import BatchWatcher, DocumentResult, Watcher
    from textclean.cli.console import Console
    from textclean.cli.outputs import Plan
    from textclean.options import Options
    from textclean.report import Written
    from textclean.types import Page, PageResult

    Prepare = Callable[[], Callable[[Page], PageResult]]

_MANY = 20  # of more documents than these not everything is told of each


class Run:
    """Processes documents and tells what came of them.

    Args:
        options: The options of the run.
        console: Where it is told.
        pages: Pages to process, as the user wrote them.
        overwrite: Replace outputs that are there already.
        report: Where reports go, to look at (``.html``) or as data.
        password: What opens encrypted PDFs.

    Raises:
        OptionsError: ``pages`` is no list of pages, or two reports have one name.
        FileAccessError: A report is there already, or a folder.
    """

    def __init__(
        self,
        options: Options,
        console: Console,
        *,
        pages: str | None = None,
        overwrite: bool = False,
        report: Sequence[Path] | None = None,
        password: str | None = None,
    ) -> None:
        self._options = options
        self._password = password
        self._console = console
        self._pages = PageSelection.of(pages)
        self._overwrite = overwrite
        self._reports = ReportFiles(report, overwrite=overwrite) if report else None
        self._done: list[DocumentResult] = []
        self._failures: dict[str, TextcleanError] = {}
        self._documents = 0
        self._start = time.perf_counter()

    def all(self, plans: Sequence[Plan], prepare: Prepare) -> None:
        """Process all inputs.

        Args:
            plans: The inputs, and the names of what is made of them.
            prepare: Gives what turns a page into its result; called once, when it is needed.

        Raises:
            TextcleanError: The only input failed, or something that all of them need is missing.
        """
        once = cache(prepare)
        if self._reports is not None:
            self._reports.refuse_inputs(plan.source for plan in plans)
        with self._watching(len(plans)) as watcher:
            for plan in plans:
                try:
                    self._one(plan, once, watcher)
                except (UsageError, DependencyError):
                    # The next input would fail in the same way.
                    raise
                except TextcleanError as error:
                    if len(plans) == 1:
                        raise
                    self.failed(plan.source, error)

    @contextmanager
    def _watching(self, documents: int, pages: int | None = None) -> Iterator[BatchWatcher]:
        """What tells the user and the reports how the run goes on."""
        self._documents = documents
        self._start = time.perf_counter()
        with watching(
            self._console, documents=documents, pages=pages, device=self._options.device
        ) as watcher:
            if self._reports is None:
                yield watcher
                return
            try:
                yield Several(watcher, self._reports.collector)
            except BaseException as error:
                # A run that ends before its time may go on later, and has the pages' views then.
                self._reports.close(keep=isinstance(error, (KeyboardInterrupt, PageError)))
                raise

    def end(self, *, as_json: bool = False) -> None:
        """Write the report, print the result and leave with the exit code.

        Raises:
            TextcleanError: Pages failed, or text was left under strict, or the report cannot be
                written.
            typer.Exit: Inputs failed; it was told already.
        """
        self._tell_end()
        told = run_dict(self._done, self._failures, self._options.as_dict())
        failed = told["failed_documents"]
        self._console.event("run_finished", counts=told["counts"], failed_documents=failed)
        if self._reports is not None:
            self._write_reports(self._reports)
        if as_json:
            put_json(told)
        if self._failures:
            raise typer.Exit(self._code_of_failures())
        self._raise_for_failed_pages()
        if self._options.strict:
            self._raise_for_residual()

    def _write_reports(self, reports: ReportFiles) -> None:
        written: tuple[Written, ...] = ()
        try:
            written = reports.write(self._failures, self._options.as_dict())
        finally:
            reports.close(keep=not written)
        for report in written:
            self._told_report(report)

    def _told_report(self, report: Written) -> None:
        """Where a report is and how large."""
        if self._console.event(
            "report_written",
            path=str(report.path),
            bytes=report.bytes,
            pictures=None if report.folder is None else str(report.folder),
            picture_bytes=report.picture_bytes,
        ):
            return
        line = f"{report.path}: report, {report.bytes / 1e6:.1f} MB"
        if report.folder is not None:
            line += f"; its pictures are in {report.folder}, {report.picture_bytes / 1e6:.1f} MB"
        self._console.say(line)

    def _one(self, plan: Plan, prepare: Prepare, watcher: Watcher) -> None:
        """Process one input."""
        self.done(run_job(self._job(plan), prepare, watcher))

    def _job(self, plan: Plan) -> Job:
        return Job(
            source=plan.source,
            output=plan.output,
            options=self._options,
            pages=self._pages,
            overwrite=self._overwrite,
            sidecars=plan.sidecars(),
            password=self._password,
            to=plan.to,
            viewer=None if self._reports is None else self._reports.viewer,
        )

    def failed(self, source: Path, error: TextcleanError) -> None:
        """Note and tell that nothing came out of one of several inputs."""
        self._failures[str(source)] = error
        named = str(source) in str(error)
        self._console.error(error if named else error.at(source=str(source)))

    def done(self, result: DocumentResult) -> None:
        """Note and tell what came of an input."""
        self._done.append(result)
        if self._reports is not None:
            self._reports.collector.add(result)
        if not self._is_brief(result):
            for warning in _warnings([result]):
                self._console.warn(f"{result.source}: {warning}")
        told = result.as_dict()
        shown = {key: told[key] for key in ("source", "output", "seconds", "counts")}
        if not self._console.event("document_finished", **shown) and not self._is_brief(result):
            self._console.say(document_line(result))

    def _is_brief(self, result: DocumentResult) -> bool:
        """Whether nothing is told of a document by itself: one picture of many."""
        return self.has_many and len(result.pages) == 1 and not self._console.verbose

    @property
    def has_many(self) -> bool:
        """Whether there are so many documents that not each is told of."""
        return self._documents > _MANY

    def _tell_end(self) -> None:
        """What is to be told of several documents together."""
        for warning in _warnings([result for result in self._done if self._is_brief(result)]):
            self._console.warn(warning)
        if len(self._done) > 1 and not self._console.has_events:
            self._console.say(run_line(self._done, time.perf_counter() - self._start))

    def _code_of_failures(self) -> int:
        """The failures' own code when nothing else came out and they agree, else "some failed"."""
        codes = {error.exit_code for error in self._failures.values()}
        return codes.pop() if len(codes) == 1 and not self._done else PageError.exit_code

    def _raise_for_failed_pages(self) -> None:
        failed = [page for result in self._done for page in result.failed]
        if failed:
            count = sum(len(result.pages) for result in self._done)
            kept = "" if self._done[0].output is None else " and were taken over as they were"
            raise PageError(f"{len(failed)} of {plural(count, 'page')} failed{kept}")

    def _raise_for_residual(self) -> None:
        left = [result for result in self._done if result.residual]
        if len(left) == 1:
            left[0].raise_for_residual()
        if left:
            pages = [page for result in left for page in result.residual]
            raise residual_error(pages, written=", ".join(str(result.output) for result in left))


def _warnings(results: Sequence[DocumentResult]) -> list[str]:
    """What did not come out as it was; what holds for many pages is said once."""
    return [
        *(warning for result in results for warning in result.warnings),
        *(
            warning if count == 1 else f"{warning} ({plural(count, 'page')})"
            for warning, count in page_warnings(results)
        ),
    ]
