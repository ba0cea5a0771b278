"""What travels to a worker and back: paths and decisions, never pixels.

A worker opens the document itself, processes one page and leaves the results as files in the hidden
folder beside the output, each written under another name first and renamed when it is whole. What
comes back says what they are; see :class:`Outcome`.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textclean import regions_json
from textclean.batch.job import Job, open_job
from textclean.batch.marks import Mark, digest_of, input_digest, input_path
from textclean.batch.page import failed_page, process_page
from textclean.batch.sidecars import page_record, pictures
from textclean.errors import CorruptInputError, TextcleanError
from textclean.io.atomic import cannot_write, temporary_name
from textclean.io.document import ImageEntry
from textclean.io.encoding import encoded_page, pack_pixels
from textclean.io.images import cannot_read
from textclean.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textclean.batch.report import PageReport
    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import Page, PageResult, Region

    Work = Callable[[Page], PageResult]

PAGE: Final = "page"
"""Kind of the part that is the page itself; the others are named after their files."""

_OPEN: Final = 4  # documents that a worker keeps open


@dataclass(frozen=True, slots=True)
class PageTask:
    """One page to process.

    Attributes:
        job: The document it is of, and what is to be done with it.
        key: The page's identity in the journal.
        number: Its position in the document, from 1.
        name: Its name, for messages.
        part: Path that its results' names start with.
        places: Where pictures beside the page go, by kind.
        whole: Whether the page is an output of its own: its file is made even when nothing is
            removed from it.
        pixels: About how many pixels it has.
    """

    job: Job
    key: str
    number: int
    name: str
    part: Path
    places: Mapping[str, Path] = field(default_factory=dict)
    whole: bool = False
    pixels: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A file that a worker left in the hidden folder.

    Attributes:
        kind: :data:`PAGE`, or "picture".
        waiting: Where it is.
        mark: What it holds.
        final: Where it goes; None for a page, where its document knows.
        packed: Whether it is pixels for a sink to encode rather than an image file.
    """

    kind: str
    waiting: Path
    mark: Mark
    final: Path | None = None
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a page.

    Attributes:
        report: What happened.
        source: The file that it was read from, as it was; None when it could not be read.
        parts: The files that hold the results.
        regions: What was decided.
        record: What the regions file says of it, plain values; None = not asked for, or it failed.
        versions: Names and versions of what made it.
    """

    report: PageReport
    source: Mark | None = None
    parts: tuple[Part, ...] = ()
    regions: tuple[Region, ...] = ()
    record: dict[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


class PageWorker:
    """Processes pages, one after the other; keeps the documents it read last open."""

    def __init__(self, work: Work, keep: int = 0) -> None:
        """A worker around what turns a page into its result.

        Args:
            work: Turns it.
            keep: Bytes of memory that the process may keep from page to page.
        """
        self._work = work
        self._keep = keep
        self._documents: OrderedDict[Path, tuple[Document, dict[Path, str]]] = OrderedDict()

    def __call__(self, task: PageTask) -> Outcome:
        """Process a page.

        Raises:
            UsageError: The next page would fail in the same way, as with the other.
            DependencyError: Something that every page needs is missing.
            FileAccessError: The results cannot be written.
        """
        try:
            return self._processed(task)
        finally:
            give_back(self._keep)

    def close(self) -> None:
        """Let go of all documents; safe to call twice."""
        while self._documents:
            self._documents.popitem()[1][0].close()

    def _processed(self, task: PageTask) -> Outcome:
        try:
            source, known = self._opened(task.job)
            entry = source.entries[task.number - 1]
            mark = Mark.of(input_path(source, entry), input_digest(source, entry, known))
        except (TextcleanError, OSError, IndexError) as error:
            self._forget(task.job)
            return Outcome(failed_page(task.name, task.number, _as_read_error(error)))
        keeper = _Keeper(task, source)
        report, result = process_page(
            entry, self._work, keeper.put, task.job.options, viewer=task.job.viewer
        )
        if not mark.fits(input_path(source, entry)):
            self._forget(task.job)
            keeper.discard()
            changed = CorruptInputError(
                "the file changed while the page was read",
                remedy="Run the same command again when nobody writes to it any more",
            )
            return Outcome(failed_page(task.name, task.number, changed))
        if result is None:
            keeper.discard()
            return Outcome(report, mark)
        return Outcome(
            report, mark, tuple(keeper.parts), result.regions, keeper.record, dict(result.versions)
        )

    def _opened(self, job: Job) -> tuple[Document, dict[Path, str]]:
        if job.source not in self._documents:
            self._documents[job.source] = open_job(job), {}
            while len(self._documents) > _OPEN:
                self._documents.popitem(last=False)[1][0].close()
        self._documents.move_to_end(job.source)
        return self._documents[job.source]

    def _forget(self, job: Job) -> None:
        """Open a document again the next time: it may have changed."""
        if job.source in self._documents:
            self._documents.pop(job.source)[0].close()


class _Keeper:
    """Writes the results of one page.

    Attributes:
        parts: What was written.
        record: What the regions file is to say.
    """

    def __init__(self, task: PageTask, source: Document) -> None:
        self._task = task
        self._source = source
        self.parts: list[Part] = []
        self.record: dict[str, Any] | None = None

    def put(self, entry: PageEntry, result: PageResult) -> None:
        """Write everything that was asked for."""
        task = self._task
        data, packed = self._page(entry, result)
        if data is not None:
            self._write(Part(PAGE, task.part, _nothing(), packed=packed), data)
        beside = pictures(entry, result, task.places, task.job.sidecars.layers)
        for number, (place, picture) in enumerate(beside):
            waiting = task.part.with_name(f"{task.part.name}.{number}")
            self._write(Part("picture", waiting, _nothing(), final=place), picture)
        if task.job.sidecars.regions is not None:
            record = page_record(result, task.job.options.as_dict())
            (self.record,) = regions_json.to_json([record])["pages"]

    def discard(self) -> None:
        """Remove what was written."""
        for part in self.parts:
            with contextlib.suppress(OSError):
                part.waiting.unlink(missing_ok=True)

    def _page(self, entry: PageEntry, result: PageResult) -> tuple[bytes | None, bool]:
        """The page's file, or its pixels where only a sink can encode them; None = as it was."""
        if not result.changed:
            if self._task.whole and isinstance(entry, ImageEntry):
                return entry.read(), False
            return None, False
        data = encoded_page(
            self._source,
            entry,
            result.page,
            result.mask,
            to=self._task.job.to,
        )
        if data is not None:
            return data, False
        return pack_pixels(result.page, result.mask), True

    def _write(self, part: Part, data: bytes) -> None:
        temporary = temporary_name(part.waiting)
        try:
            try:
                temporary.write_bytes(data)
                mark = Mark.of(temporary, digest_of(data))
                temporary.replace(part.waiting)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise cannot_write(self._task.job.output or part.waiting, error) from None
        self.parts.append(replace(part, mark=mark))


def _nothing() -> Mark:
    return Mark(0, 0, "")


def _as_read_error(error: Exception) -> Exception:
    if isinstance(error, TextcleanError):
        return error
    if isinstance(error, OSError):
        return cannot_read(Path(error.filename or "the page"), error)
    return CorruptInputError("the page is not in the document any more")
