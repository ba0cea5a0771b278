"""A run over many documents: plan, then work, then a word on each.

Reading order of this room: ``plan`` (inputs become documents and pages), ``history`` and
``journal`` (what is done already), ``task`` (what a worker does with a page), ``crew``, ``pool``
and ``worker`` (processes), ``document`` and ``bind`` (how pages become an output), ``workplace``,
``placing`` and ``lock`` (the hidden folder, names, one run at a time). ``cluster``, ``ray_session``
and ``actor`` stand in for the processes where Ray is asked for. :class:`_Run` ties them together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclean.batch.cluster import Cluster, require_ray
from textclean.batch.crew import crew_for
from textclean.batch.document import OpenDocument, Settings
from textclean.batch.history import Making
from textclean.batch.interrupt import Interrupt
from textclean.batch.marks import options_digest, versions_digest
from textclean.batch.plan import make_plan
from textclean.batch.pool import Pool
from textclean.batch.task import PageWorker
from textclean.batch.teller import BatchWatcher, Teller
from textclean.batch.workplace import Workplace
from textclean.cores import usable_cores
from textclean.errors import DependencyError, FileAccessError, PageError, TextcleanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from textclean.batch.crew import Crew
    from textclean.batch.plan import Batch, Plan, PlannedDocument
    from textclean.batch.pool import Prepare, Result
    from textclean.batch.report import DocumentResult, PageReport
    from textclean.batch.task import PageTask
    from textclean.batch.workplace import Place


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a run.

    Attributes:
        documents: What was processed, or was done already, in the order of the inputs.
        failures: Inputs of which nothing came out, with the reason.
        resumed: Pages that an earlier run did.
    """

    documents: tuple[DocumentResult, ...]
    failures: Mapping[Path, TextcleanError]
    resumed: int = 0


def run_batch(
    batch: Batch,
    prepare: Prepare,
    watcher: BatchWatcher | None = None,
    *,
    plan: Plan | None = None,
) -> BatchResult:
    """Process many documents, going on where an earlier run ended.

    Every file appears whole or not at all. What was finished is kept when the run ends before its
    time, whatever ends it, and a journal beside the output says so.

    Args:
        batch: What to do.
        prepare: Gives what turns a page into its result; takes the device, None = that of the
            options. Called once in each process, so that with workers it must be picklable.
        watcher: Told how the run goes on.
        plan: The plan, where it was made before.

    Raises:
        TextcleanError: Something that every page needs is missing, the options are wrong, or more
            pages failed than may. Failures of pages and documents are no errors: they are
            recorded in the result.
        KeyboardInterrupt: The run was interrupted, also by SIGTERM.
    """
    if batch.engine == "ray":
        require_ray()
    plan = plan or make_plan(batch)
    return _Run(batch, plan, watcher or BatchWatcher(), crew_of(batch, plan)).all(prepare)


def crew_of(batch: Batch, plan: Plan) -> Crew | None:
    """The workers that a run will have; None when this process does everything."""
    return crew_for(
        plan.pages,
        workers=batch.workers,
        devices=batch.devices,
        memory=batch.memory,
        cores=usable_cores(),
        device=_device(batch),
        needed=batch.engine == "ray",
    )


def _device(batch: Batch) -> str:
    return batch.jobs[0].options.device if batch.jobs else "cpu"


class _Run:
    """One run: opens documents as workers need pages, and closes each when its last one is done."""

    def __init__(self, batch: Batch, plan: Plan, watcher: BatchWatcher, crew: Crew | None) -> None:
        self._batch = batch
        self._plan = plan
        self._crew = crew
        self._teller = Teller(watcher)
        overwrites = any(job.overwrite for job in batch.jobs)
        self._resume = False if batch.resume is None and overwrites else batch.resume
        self._versions = versions_digest(batch.versions)
        self._places: dict[Place, Workplace] = {}
        self._worth: set[Place] = set()
        self._left = Counter(planned.place for planned in plan.documents)
        self._open: dict[Path, OpenDocument] = {}
        self._done: dict[Path, DocumentResult] = {}
        self._failures: dict[Path, TextcleanError] = {}
        self._failed_pages = 0
        self._resumed = 0

    def all(self, prepare: Prepare) -> BatchResult:
        """Process everything."""
        for source, error in self._plan.failures.items():
            self._failures[source] = error
            self._teller.refused(source, error)
        try:
            if self._batch.folder is not None and self._plan.documents:
                # One clear line when another run writes there, and not one for each input.
                self._workplace(self._plan.documents[0])
            with Interrupt(at_once=self._crew is None) as interrupt:
                for task, outcome in self._results(prepare, interrupt):
                    self._take(task, outcome)
                if interrupt.wanted:
                    raise KeyboardInterrupt
        finally:
            for place in tuple(self._places):
                self._leave(place)
        order = [job.source for job in self._batch.jobs]
        return BatchResult(
            tuple(self._done[source] for source in order if source in self._done),
            {source: self._failures[source] for source in order if source in self._failures},
            self._resumed,
        )

    # -- pages

    def _results(self, prepare: Prepare, interrupt: Interrupt) -> Iterator[tuple[PageTask, Result]]:
        batch, tasks = self._batch, self._tasks()
        if self._crew is not None and batch.engine == "ray":
            cluster = Cluster(prepare, self._crew, batch.workers, _device(batch), self._begin)
            yield from cluster.run(tasks, interrupt)
            return
        tasks = map(self._begin, tasks)
        if self._crew is not None:
            yield from Pool(prepare, self._crew).run(tasks, interrupt)
            return
        worker = None
        try:
            for task in tasks:
                worker = worker or PageWorker(prepare(None))
                result: Result
                try:
                    result = worker(task)
                except FileAccessError as error:
                    result = error
                yield task, result
        finally:
            if worker is not None:
                worker.close()

    def _tasks(self) -> Iterator[PageTask]:
        """The pages to process; a document is opened when its first page is asked for."""
        for planned in self._plan.documents:
            document = self._opened(planned)
            if document is None:
                continue
            if not document.left:
                self._finish(document)
            for task in document.tasks():
                if planned.output not in self._open:
                    break
                yield task

    def _begin(self, task: PageTask) -> PageTask:
        """Tell that a page is about to be read; the same page."""
        if task.job.output in self._open:
            self._teller.started(task.job.output, task)
        return task

    def _take(self, task: PageTask, result: Result) -> None:
        """Write down what came of a page; finish its document when it was the last one."""
        assert task.job.output is not None
        document = self._open.get(task.job.output)
        if document is None:
            # Nothing comes of its document any more.
            return
        if isinstance(result, FileAccessError):
            self._give_up(document.planned, result)
            return
        if result.report.status != "failed":
            # Before it gets its name: an interrupt may come at any moment.
            self._worth.add(document.planned.place)
        try:
            document.take(task, result)
        except FileAccessError as error:
            self._give_up(document.planned, error)
            return
        self._teller.finished(task.job.output, result)
        if result.report.status == "failed":
            self._count_failure(task, result.report)
        if not document.left:
            self._finish(document)

    def _count_failure(self, task: PageTask, report: PageReport) -> None:
        """End the run when no more pages may fail."""
        self._failed_pages += 1
        most = self._batch.max_failures
        if self._batch.on_error == "stop":
            raise PageError(
                f"the run ends with the first page that failed: {report.reason}",
                remedy="What is done is kept; the same command goes on from there",
                source=str(task.job.source),
                page=report.name,
            )
        if most is not None and self._failed_pages > most:
            raise PageError(
                f"{self._failed_pages} pages failed and --max-failures is {most}; the last one, "
                f"{report.name} of {task.job.source}: {report.reason}",
                remedy="What is done is kept; the same command goes on from there",
            )

    # -- documents

    def _opened(self, planned: PlannedDocument) -> OpenDocument | None:
        """A document, ready to be worked on; None when it cannot be."""
        job = planned.job
        making = Making(
            options_digest(job.options, to=job.to, layers=repr(job.sidecars.layers)),
            self._versions,
        )
        settings = Settings(
            making, self._resume, self._batch.on_error, measure=self._crew is not None
        )
        try:
            document = OpenDocument(planned, self._workplace(planned), settings)
        except (UsageError, DependencyError):
            raise
        except TextcleanError as error:
            self._give_up(planned, error)
            return None
        self._open[planned.output] = document
        self._resumed += document.resumed
        if document.resumed:
            self._worth.add(planned.place)
        self._teller.opened(planned.output, str(job.source), len(document.left), document.resumed)
        return document

    def _finish(self, document: OpenDocument) -> None:
        planned = document.planned
        try:
            result = document.finish()
        except (UsageError, DependencyError):
            raise
        except TextcleanError as error:
            self._give_up(planned, error)
            return
        del self._open[planned.output]
        self._done[planned.job.source] = result
        self._left[planned.place] -= 1
        self._teller.document(planned.output, result)
        if planned.place.is_file:
            self._worth.discard(planned.place)
            self._leave(planned.place)

    def _give_up(self, planned: PlannedDocument, error: TextcleanError) -> None:
        """Nothing comes of a document; what is done of it stays for a later run."""
        self._open.pop(planned.output, None)
        self._failures[planned.job.source] = error
        self._teller.refused(planned.job.source, error, planned.output)
        if planned.place.is_file and planned.place in self._places:
            self._leave(planned.place)

    def _workplace(self, planned: PlannedDocument) -> Workplace:
        place = planned.place
        if place not in self._places:
            self._places[place] = Workplace(place, self._batch.shard)
            if not self._places[place].journal.is_empty:
                self._worth.add(place)
        return self._places[place]

    def _leave(self, place: Place) -> None:
        """Let go of an output; what was done stays, what came to nothing goes."""
        workplace = self._places.pop(place)
        if not self._left[place]:
            workplace.clear()
        workplace.close(keep=place in self._worth and not workplace.journal.is_empty)
