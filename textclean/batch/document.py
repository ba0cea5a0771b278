"""One document while a run works on it: what is done, what is left, and how it gets its place.

Results wait in the hidden folder, each with its record in the journal, until they are moved to
their names. A move is one rename, and a record tells what is going to be moved where before it is:
so a run that is killed at any moment leaves whole files only, and the next run finds out from the
files themselves which moves were made.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.batch.bind import bind_document
from textclean.batch.history import History, Making, Move, moves_record, to_record
from textclean.batch.job import makes_folder, open_job, refuse_sizes
from textclean.batch.marks import Mark, digest_of, file_digest, input_path
from textclean.batch.placing import Placer
from textclean.batch.report import PageReport, nothing_worked
from textclean.batch.sidecars import Sidecars
from textclean.batch.sizes import declared_pixels
from textclean.batch.summary import document_result, regions_text
from textclean.batch.task import PAGE, Outcome, PageTask, Part
from textclean.errors import CorruptInputError, FileAccessError, OutputExistsError
from textclean.io.atomic import (
    WORK_FOLDER,
    cannot_write,
    file_id,
    is_folder,
    refuse_input,
    temporary_name,
)
from textclean.io.folder import refuse_inputs
from textclean.io.images import cannot_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.batch.plan import OnError, PlannedDocument
    from textclean.batch.report import DocumentResult
    from textclean.batch.workplace import Workplace
    from textclean.io import Document


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all documents of a run.

    Attributes:
        making: What decides how pages come out.
        resume: As in :class:`textclean.batch.plan.Batch`, but never None with overwriting.
        on_error: As there.
        measure: Whether the pages' sizes are asked for.
    """

    making: Making
    resume: bool | None = None
    on_error: OnError | None = None
    measure: bool = False


class OpenDocument:
    """A document of a plan, being worked on.

    Attributes:
        planned: The document.
        workplace: The hidden folder that its journal is in.
        outcomes: What came of each page so far, by number.
        left: Numbers of the pages that are still to be processed.
    """

    def __init__(self, planned: PlannedDocument, workplace: Workplace, settings: Settings) -> None:
        """Find out what is done already.

        Raises:
            TextcleanError: The input cannot be read, or the output not be written there.
        """
        self.planned = planned
        self.workplace = workplace
        self._settings = settings
        self._start = time.perf_counter()
        self._name = digest_of(planned.identity.encode("utf-8", "surrogateescape"))[:16]
        with open_job(planned.job) as source:
            self._require_same_pages(source)
            self._beside = self._sidecars(source)
            self._history = self._look_back(source)
            self._warnings = tuple(source.warnings)
            self.outcomes = dict(self._history.outcomes)
            self.left = sorted(planned.chosen - self.outcomes.keys())
            self._placer = Placer(overwrite=planned.job.overwrite, ours=self._history.ours)
            self._check(source)
            self._pixels = {
                number: declared_pixels(source, source.entries[number - 1])
                for number in (self.left if settings.measure else ())
            }
        self.resumed = len(self.outcomes)
        if planned.targets:
            for number in sorted(self.outcomes):
                self._place_page(number)

    def tasks(self) -> Iterator[PageTask]:
        """The pages that are left: where sizes are known, the largest first.

        So memory is short at once or not at all, and no core waits at the end for a large page
        that was begun last. Pages of one size keep their order.
        """
        for number in sorted(self.left, key=lambda number: -self._pixels.get(number, 0)):
            yield PageTask(
                job=self.planned.job,
                key=self.planned.key(number),
                number=number,
                name=self.planned.names[number - 1],
                part=self._part(number),
                places=self._beside.places(number),
                whole=bool(self.planned.targets),
                pixels=self._pixels.get(number, 0),
            )

    def take(self, task: PageTask, outcome: Outcome) -> None:
        """Write down what came of a page; one that is a file of its own gets its name.

        Raises:
            FileAccessError: It cannot be written.
        """
        self.left.remove(task.number)
        self._keep(task.number, outcome)
        if self.planned.targets:
            self._place_page(task.number)

    def finish(self) -> DocumentResult:
        """Put the document together, and give everything its name.

        Raises:
            TextcleanError: No page could be processed, the input changed meanwhile, or the output
                cannot be written.
        """
        planned = self.planned
        tried = [self.outcomes[number].report for number in sorted(planned.chosen)]
        failed = bool(tried) and all(page.status == "failed" for page in tried)
        if failed and self._settings.on_error in (None, "stop"):
            # A copy of the input that calls itself cleaned would be a lie.
            self._remove_parts()
            raise nothing_worked(tried, str(planned.job.source))
        if planned.targets:
            self._take_over()
            moves = self._regions_moves()
            if moves:
                self._place(moves, ())
        elif self._history.moves is not None:
            self._warnings = self._history.warnings
            for move in self._history.moves:
                self._placer.move(move)
        else:
            self._place(*self._bind())
        self._remove_parts()
        return document_result(
            planned,
            self.outcomes,
            regions=self._beside.regions,
            warnings=self._warnings,
            seconds=time.perf_counter() - self._start,
        )

    # -- before the work

    def _require_same_pages(self, source: Document) -> None:
        if tuple(entry.name for entry in source.entries) != self.planned.names:
            raise _changed(self.planned)

    def _sidecars(self, source: Document) -> Sidecars:
        job = self.planned.job
        return Sidecars(
            job.sidecars,
            source,
            options=job.options.as_dict(),
            output=job.output,
            # Whether a file may be replaced is known when the journal has been read.
            overwrite=True,
            chosen=self.planned.chosen,
        )

    def _look_back(self, source: Document) -> History:
        history = History(
            self.planned,
            source,
            self.workplace.journal,
            self._settings.making,
            asked=self._settings.resume is True,
        )
        if self._settings.resume is not False:
            places = {number: self._beside.places(number) for number in self.planned.chosen}
            history.look(places, regions=self._beside.regions is not None)
        return history

    def _check(self, source: Document) -> None:
        """Refuse outputs that are taken, or that the document cannot be written to."""
        planned, done = self.planned, self._history.moves is not None
        refuse_sizes(planned.job, source, self.left)
        beside = [path for n in planned.chosen for path in self._beside.places(n).values()]
        if self._beside.regions is not None:
            beside.append(self._beside.regions)
        self._placer.check(beside)
        if planned.targets:
            self._placer.check(
                path for n, path in planned.targets.items() if n not in planned.elsewhere
            )
        elif makes_folder(planned.job, source):
            if not done and not planned.job.overwrite and not self._history.ours:
                _refuse_full(planned.output)
        elif not done:
            self._placer.check([planned.output])
        refuse_inputs(source, planned.output)
        originals = [input_path(source, entry) for entry in source.entries]
        inputs = frozenset(found for path in originals if (found := file_id(path)))
        for target in planned.targets.values():
            refuse_input(target, inputs)

    # -- pages

    def _part(self, number: int) -> Path:
        return self.workplace.parts / f"{self._name}-{number}"

    def _keep(self, number: int, outcome: Outcome) -> None:
        """Write down what came of a page, and remember what of it is still needed."""
        outcome = replace(outcome, report=replace(outcome.report, view=None), regions=())
        self.outcomes[number] = outcome
        places = self._beside.places(number) if number in self.planned.chosen else {}
        if self.planned.targets:
            target = self.planned.targets[number]
            outcome = replace(
                outcome,
                parts=tuple(
                    replace(part, final=target) if part.kind == PAGE else part
                    for part in outcome.parts
                ),
            )
            self.outcomes[number] = outcome
        self.workplace.journal.add(
            to_record(self.planned.key(number), outcome, places, self.planned.place, self._making)
        )

    @property
    def _making(self) -> Making:
        return self._settings.making

    def _place_page(self, number: int) -> None:
        for part in self.outcomes[number].parts:
            if part.final is not None:
                self._placer.move(Move(part.waiting, part.final, part.mark))

    def _take_over(self) -> None:
        """Pages that were not asked for, and failed ones, come out as they are."""
        for number in sorted(self.planned.targets.keys() - self.planned.elsewhere):
            known = self.outcomes.get(number)
            if known is None:
                name = self.planned.names[number - 1]
                report = PageReport(name, number, "skipped", "not among the pages asked for")
            elif known.report.status == "failed" and self._settings.on_error != "skip":
                report = known.report
            else:
                continue
            self._keep(number, Outcome(report, parts=(self._copied(number),)))
            self._place_page(number)

    def _copied(self, number: int) -> Part:
        """A page's own file, waiting to be moved to its place."""
        with open_job(self.planned.job) as source:
            self._require_same_pages(source)
            original = input_path(source, source.entries[number - 1])
        waiting = self._part(number)
        temporary = temporary_name(waiting)
        try:
            shutil.copyfile(original, temporary)
            mark = Mark.of(temporary)
            temporary.replace(waiting)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise cannot_write(self.planned.output, error) from None
        return Part(PAGE, waiting, mark)

    # -- the document

    def _bind(self) -> tuple[tuple[Move, ...], tuple[str, ...]]:
        """Put the document together; what is to be moved, and what is to be told."""
        with open_job(self.planned.job) as source:
            self._require_same_pages(source)
            self._require_same_input(source)
            bound = bind_document(
                self.planned,
                source,
                self.outcomes,
                self.workplace.ready / self._name,
                leave_out=self._settings.on_error == "skip",
            )
        for number, report in bound.failed.items():
            self._keep(number, replace(self.outcomes[number], report=report, parts=()))
        self._warnings = bound.warnings
        beside = [
            Move(part.waiting, part.final, part.mark)
            for number in sorted(self.outcomes)
            for part in self.outcomes[number].parts
            if part.final is not None
        ]
        return (*bound.moves, *beside, *self._regions_moves()), bound.warnings

    def _require_same_input(self, source: Document) -> None:
        """Refuse to put together what was made of different states of a file."""
        for number, outcome in self.outcomes.items():
            path = input_path(source, source.entries[number - 1])
            if outcome.source is not None and not self._is_as_read(path, outcome.source):
                raise _changed(self.planned)

    def _is_as_read(self, path: Path, mark: Mark) -> bool:
        try:
            status = path.stat()
        except OSError as error:
            raise cannot_read(path, error) from None
        return (status.st_size, status.st_mtime_ns) == (mark.size, mark.modified) or (
            # The digest is that of a page where pages have bytes of their own.
            path == self.planned.job.source and file_digest(path) == mark.sha256
        )

    def _regions_moves(self) -> tuple[Move, ...]:
        """The regions file, where it is asked for."""
        target = self._beside.regions
        if target is None:
            return ()
        data = regions_text(self.planned, self.outcomes).encode("utf-8", "replace")
        waiting = self.workplace.ready / f"{self._name}.regions"
        try:
            waiting.write_bytes(data)
            mark = Mark.of(waiting, digest_of(data))
        except OSError as error:
            raise cannot_write(target, error) from None
        return (Move(waiting, target, mark),)

    def _place(self, moves: tuple[Move, ...], warnings: tuple[str, ...]) -> None:
        self._placer.check(move.final for move in moves)
        self.workplace.journal.add(
            moves_record(self.planned.identity, moves, warnings, self.planned.place, self._making)
        )
        for move in moves:
            self._placer.move(move)

    def _remove_parts(self) -> None:
        for path in self.workplace.parts.glob(f"{self._name}-*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.workplace.ready / self._name, ignore_errors=True)


def _changed(planned: PlannedDocument) -> CorruptInputError:
    return CorruptInputError(
        "the input changed while it was processed, so nothing was put together",
        remedy="Run the same command again: pages that have not changed are not processed again",
        source=str(planned.job.source),
    )


def _refuse_full(folder: Path) -> None:
    try:
        names = [path.name for path in folder.iterdir()] if is_folder(folder) else []
    except OSError as error:
        raise cannot_read(folder, error) from None
    if set(names) - {WORK_FOLDER}:
        raise OutputExistsError(
            f"the folder {folder} is not empty",
            remedy="Choose another name, or ask for its files to be overwritten",
        )
    if folder.exists() and not is_folder(folder):
        raise FileAccessError(f"the output {folder} is a file")
