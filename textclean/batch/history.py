"""What earlier runs did with a document, as the journal tells it and the files confirm it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textclean.batch.journal import Record
from textclean.batch.marks import Mark, input_digest, input_path
from textclean.batch.report import PageReport
from textclean.batch.task import Outcome, Part
from textclean.errors import TextcleanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from textclean.batch.journal import Journal
    from textclean.batch.plan import PlannedDocument
    from textclean.batch.workplace import Place
    from textclean.io import Document


@dataclass(frozen=True, slots=True)
class Making:
    """What decides how pages come out, as the journal has it.

    Attributes:
        options: Digest of the options.
        versions: Digest of programs and weights.
    """

    options: str
    versions: str

    def is_of(self, record: Record) -> bool:
        """Whether a record was written by a run that made the same."""
        values = record.values
        return values.get("options") == self.options and values.get("versions") == self.versions

    def as_dict(self) -> dict[str, str]:
        """Plain values for a record."""
        return {"options": self.options, "versions": self.versions}


@dataclass(frozen=True, slots=True)
class Move:
    """A file that gets its name.

    Attributes:
        waiting: Where it is, in the hidden folder.
        final: Its name.
        mark: What it holds.
    """

    waiting: Path
    final: Path
    mark: Mark

    @property
    def is_possible(self) -> bool:
        """Whether the file is where it was, or where it goes already."""
        return self.mark.fits(self.final) or self.mark.fits(self.waiting)


class History:
    """What the journal knows of one document.

    Attributes:
        ours: Outputs that earlier runs wrote, as they were then. What still is the same may be
            replaced without being asked.
        outcomes: What came of the pages that need not be processed again.
        moves: The files of the whole document, when it is put together and nothing of it has
            changed; otherwise None.
        warnings: What was told of it then.
    """

    def __init__(
        self,
        planned: PlannedDocument,
        source: Document,
        journal: Journal,
        making: Making,
        *,
        asked: bool,
    ) -> None:
        """Look a document up.

        Args:
            planned: The document.
            source: The same, open.
            journal: The journal.
            making: How pages are made now.
            asked: Whether the outputs of runs that made them otherwise may be replaced, too.
        """
        self._planned = planned
        self._source = source
        self._journal = journal
        self._place = planned.place
        self._making = making
        self._asked = asked
        self._digests: dict[Path, str] = {}
        self.ours: dict[Path, Mark] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.moves: tuple[Move, ...] | None = None
        self.warnings: tuple[str, ...] = ()

    def look(self, places: Mapping[int, Mapping[str, Path]], *, regions: bool) -> None:
        """Find out what need not be done again.

        Args:
            places: Where pictures beside each page go now, by number and kind.
            regions: Whether a regions file is asked for.
        """
        placed = self._journal.last("placed", self._planned.identity)
        moves = () if placed is None else tuple(self._moves(placed))
        if placed is not None and self._may_replace(placed):
            self.ours.update({move.final: move.mark for move in moves})
        found = dict(self._pages(places, regions))
        complete = (
            placed is not None
            and self._making.is_of(placed)
            and all(move.is_possible for move in moves)
            and found.keys() >= self._planned.chosen
        )
        if complete and placed is not None and not self._planned.targets:
            self.moves, self.warnings = moves, tuple(placed.values["warnings"])
            self.outcomes = found
            return
        self.outcomes = {
            number: outcome
            for number, outcome in found.items()
            if all(_is_there(part) for part in outcome.parts)
        }

    def _pages(
        self, places: Mapping[int, Mapping[str, Path]], regions: bool
    ) -> Iterable[tuple[int, Outcome]]:
        """Pages whose records fit what is asked for now, and whose input has not changed."""
        for number in range(1, len(self._planned.names) + 1):
            record = self._journal.last("page", self._planned.key(number))
            if record is None or not self._may_replace(record):
                continue
            outcome = from_record(record, self._place)
            self.ours.update({p.final: p.mark for p in outcome.parts if p.final is not None})
            wanted = {kind: self._place.told(path) for kind, path in places.get(number, {}).items()}
            if (
                number in self._planned.chosen
                and self._making.is_of(record)
                and outcome.report.status not in ("failed", "skipped")
                and wanted.items() <= record.values["places"].items()
                and not (regions and outcome.record is None)
                and (mark := self._same_input(number, outcome.source)) is not None
            ):
                yield number, replace(outcome, source=mark)

    def _may_replace(self, record: Record) -> bool:
        return self._asked or self._making.is_of(record)

    def _same_input(self, number: int, mark: Mark | None) -> Mark | None:
        """The mark of a page's file as it is now, if the page is the same; None if it is not."""
        if mark is None:
            return None
        entry = self._source.entries[number - 1]
        try:
            status = input_path(self._source, entry).stat()
            if (status.st_size, status.st_mtime_ns) == (mark.size, mark.modified):
                return mark
            digest = input_digest(self._source, entry, self._digests)
        except (TextcleanError, OSError):
            return None
        same = digest == mark.sha256
        return Mark(status.st_size, status.st_mtime_ns, digest) if same else None

    def _moves(self, record: Record) -> Iterable[Move]:
        for waiting, final, mark in record.values["moves"]:
            place = self._place
            yield Move(place.hidden / waiting, place.path(final), Mark.from_list(mark))


def to_record(
    key: str, outcome: Outcome, places: Mapping[str, Path], place: Place, making: Making
) -> Record:
    """What the journal keeps of a page.

    Args:
        key: The page's identity.
        outcome: What came of it.
        places: Where pictures beside it were asked for, by kind.
        place: The output that it belongs to.
        making: How pages are made.
    """
    values: dict[str, Any] = {
        **making.as_dict(),
        "input": None if outcome.source is None else outcome.source.as_list(),
        "report": outcome.report.as_dict(),
        "parts": [
            [
                part.kind,
                part.waiting.relative_to(place.hidden).as_posix(),
                part.mark.as_list(),
                None if part.final is None else place.told(part.final),
                part.packed,
            ]
            for part in outcome.parts
        ],
        "places": {kind: place.told(path) for kind, path in places.items()},
        "regions": outcome.record,
        "made_by": dict(outcome.versions),
    }
    return Record("page", key, values)


def from_record(record: Record, place: Place) -> Outcome:
    """What :func:`to_record` wrote."""
    values = record.values
    return Outcome(
        report=PageReport.from_dict(values["report"]),
        source=None if values["input"] is None else Mark.from_list(values["input"]),
        parts=tuple(
            Part(
                kind,
                place.hidden / waiting,
                Mark.from_list(mark),
                None if final is None else place.path(final),
                bool(packed),
            )
            for kind, waiting, mark, final, packed in values["parts"]
        ),
        record=values["regions"],
        versions=values["made_by"],
    )


def moves_record(
    identity: str, moves: Iterable[Move], warnings: Iterable[str], place: Place, making: Making
) -> Record:
    """What the journal keeps of a document that is about to get its name."""
    values = {
        **making.as_dict(),
        "moves": [
            [
                move.waiting.relative_to(place.hidden).as_posix(),
                place.told(move.final),
                move.mark.as_list(),
            ]
            for move in moves
        ],
        "warnings": list(warnings),
    }
    return Record("placed", identity, values)


def _is_there(part: Part) -> bool:
    return part.mark.fits(part.waiting) or (part.final is not None and part.mark.fits(part.final))
