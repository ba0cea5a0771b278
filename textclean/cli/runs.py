"""One command over all its inputs: one that fails does not stop the others."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import typer

from textclean.batch import (
    Job,
    PageSelection,
    SidecarPaths,
    Staging,
    residual_error,
    run_dict,
    run_job,
)
from textclean.cli.console import plural, put_json
from textclean.cli.progress import document_line, watching
from textclean.errors import (
    DependencyError,
    PageError,
    TextcleanError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textclean.batch import DocumentResult, Watcher
    from textclean.cli.console import Console
    from textclean.cli.outputs import Plan
    from textclean.options import Options
    from textclean.types import Page, PageResult

    Prepare = Callable[[], Callable[[Page], PageResult]]


class Run:
    """Processes documents and tells what came of them.

    Args:
        options: The options of the run.
        console: Where it is told.
        pages: Pages to process, as the user wrote them.
        overwrite: Replace outputs that are there already.
        report: Where the report goes.
        password: What opens encrypted PDFs.

    Raises:
        OptionsError: ``pages`` is no list of pages, or the report is asked for as something that
            is not JSON.
        FileAccessError: The report is there already, or a folder.
    """

    def __init__(
        self,
        options: Options,
        console: Console,
        *,
        pages: str | None = None,
        overwrite: bool = False,
        report: Path | None = None,
        password: str | None = None,
    ) -> None:
        self._options = options
        self._password = password
        self._console = console
        self._pages = PageSelection.of(pages)
        self._overwrite = overwrite
        self._report = report
        self._staging = Staging(overwrite=overwrite)
        if report is not None:
            if report.suffix.lower() in (".html", ".htm"):
                raise OptionsError("the report is JSON", remedy=f"Name it {report.stem}.json")
            self._staging.claim(report)
        self._done: list[DocumentResult] = []
        self._failures: dict[str, TextcleanError] = {}

    def all(self, plans: Sequence[Plan], prepare: Prepare) -> None:
        """Process all inputs.

        Args:
            plans: The inputs, and the names of what is made of them.
            prepare: Gives what turns a page into its result; called once, when it is needed.

        Raises:
            TextcleanError: The only input failed, or something that all of them need is missing.
        """
        once = cache(prepare)
        with watching(self._console) as watcher:
            for plan in plans:
                try:
                    self._one(plan, once, watcher)
                except (UsageError, DependencyError):
                    # The next input would fail in the same way.
                    raise
                except TextcleanError as error:
                    if len(plans) == 1:
                        raise
                    self._failures[str(plan.source)] = error
                    named = str(plan.source) in str(error)
                    self._console.error(error if named else error.at(source=str(plan.source)))

    def end(self, *, as_json: bool = False) -> None:
        """Write the report, print the result and leave with the exit code.

        Raises:
            TextcleanError: Pages failed, or text was left under strict, or the report cannot be
                written.
            typer.Exit: Inputs failed; it was told already.
        """
        told = run_dict(self._done, self._failures, self._options.as_dict())
        if self._report is not None:
            self._staging.write(self._report, json.dumps(told, indent=2).encode() + b"\n")
            self._staging.commit()
        if as_json:
            put_json(told)
        if self._failures:
            raise typer.Exit(self._code_of_failures())
        self._raise_for_failed_pages()
        if self._options.strict:
            self._raise_for_residual()

    def _one(self, plan: Plan, prepare: Prepare, watcher: Watcher) -> None:
        """Process one input."""
        job = Job(
            source=plan.source,
            output=plan.output,
            options=self._options,
            pages=self._pages,
            overwrite=self._overwrite,
            sidecars=plan.sidecars(),
            password=self._password,
            to=plan.to,
        )
        result = run_job(job, prepare, watcher)
        self._done.append(result)
        for warning in _warnings(result):
            self._console.warn(f"{plan.source}: {warning}")
        self._console.say(document_line(result))

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


def _warnings(result: DocumentResult) -> list[str]:
    """What did not come out as it was; what holds for many pages is said once."""
    pages = Counter(warning for page in result.pages for warning in page.warnings)
    return [
        *result.warnings,
        *(
            warning if count == 1 else f"{warning} ({plural(count, 'page')})"
            for warning, count in pages.items()
        ),
    ]
