"""Pages that make up one file are bound together: by the document's own sink, in the hidden folder.

Only when the file is whole, and the journal says what it is, does it get its name.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclean.batch.history import Move
from textclean.batch.marks import Mark
from textclean.batch.page import failed_page
from textclean.batch.task import PAGE
from textclean.errors import FileAccessError, UsageError
from textclean.io.atomic import cannot_write
from textclean.io.encoding import unpack_pixels
from textclean.io.notes import collected_notes
from textclean.io.opening import open_sink
from textclean.io.wishes import with_wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from textclean.batch.plan import PlannedDocument
    from textclean.batch.report import PageReport
    from textclean.batch.task import Outcome, Part
    from textclean.io import Document, DocumentSink
    from textclean.protocols import PageEntry


@dataclass(frozen=True, slots=True)
class Bound:
    """A document that was put together.

    Attributes:
        moves: Its files: one, or those of a folder.
        failed: Pages that could not be put into it after all, by number.
        warnings: What did not come out as it was.
    """

    moves: tuple[Move, ...]
    failed: Mapping[int, PageReport]
    warnings: tuple[str, ...]


def bind_document(
    planned: PlannedDocument,
    source: Document,
    outcomes: Mapping[int, Outcome],
    folder: Path,
    *,
    leave_out: bool,
) -> Bound:
    """Put a document together.

    Args:
        planned: The document.
        source: The same, open.
        outcomes: What came of its pages, by number; the others are taken over as they are.
        folder: Where it is put together.
        leave_out: Whether pages that failed are left out.

    Raises:
        FileAccessError: The folder cannot be written.
        TextcleanError: The sink cannot make the document.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    job, staged = planned.job, folder / planned.output.name
    failed: dict[int, PageReport] = {}
    with open_sink(source, staged, to=job.to) as sink:
        sink.scrub(job.options.scrub, planned.chosen)
        with collected_notes() as notes:
            for entry in source.entries:
                outcome = outcomes.get(entry.number)
                report = None if outcome is None else _put(sink, entry, outcome, planned)
                if report is not None:
                    failed[entry.number] = report
                is_failed = outcome is not None and outcome.report.status == "failed"
                if leave_out and (is_failed or report is not None):
                    sink.leave_out(entry)
        sink.commit()
    moves = tuple(_moves(staged, planned.output))
    return Bound(moves, failed, (*source.warnings, *sink.warnings, *notes))


def _put(
    sink: DocumentSink, entry: PageEntry, outcome: Outcome, planned: PlannedDocument
) -> PageReport | None:
    """Put a page into the document; its report when that fails."""
    part = next((part for part in outcome.parts if part.kind == PAGE), None)
    if part is None:
        sink.keep(entry)
        return None
    try:
        _put_part(sink, entry, part, planned)
    except (UsageError, FileAccessError):
        raise
    except Exception as error:
        sink.keep(entry)
        return failed_page(entry.name, entry.number, error)
    return None


def _put_part(sink: DocumentSink, entry: PageEntry, part: Part, planned: PlannedDocument) -> None:
    try:
        data = part.waiting.read_bytes()
    except OSError as error:
        raise cannot_write(part.waiting, error) from None
    if not part.packed:
        sink.put(entry, data)
        return
    options = planned.job.options
    page = with_wishes(entry.load(), promote=options.promote, allow_lossy=options.allow_lossy)
    sink.write(entry, *unpack_pixels(page, data))


def _moves(staged: Path, output: Path) -> Iterator[Move]:
    """The files that were made, and their names."""
    files = sorted(p for p in staged.rglob("*") if p.is_file()) if staged.is_dir() else [staged]
    for file in files:
        try:
            mark = Mark.of(file)
        except OSError as error:
            raise cannot_write(output, error) from None
        yield Move(file, output / file.relative_to(staged) if file != staged else output, mark)
