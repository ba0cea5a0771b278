"""What happened to each page: the result of a run, as values and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from textclean import errors
from textclean.errors import PageError, ResidualTextError, TextcleanError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from textclean.batch.view import PageView

Status = Literal["cleaned", "untouched", "skipped", "failed"]

REPORT_VERSION = 1
"""Version of the report's JSON; it grows when a reader must change."""

_NAMED = 3  # pages that a message names before it says how many more there are


@dataclass(frozen=True, slots=True)
class PageReport:
    """What happened to one page.

    Attributes:
        name: Name in the document.
        number: Position in the document, from 1.
        status: "cleaned"; "untouched": nothing had to be removed, or the run only looked;
            "skipped": not asked for; "failed": taken over as it was, see ``error``.
        reason: Why, in one line.
        seconds: Wall-clock seconds for the page, reading and writing included.
        stages: Wall-clock seconds by stage of the cleaning.
        regions: Regions found.
        removed: Regions removed, or to be removed when the run only looked.
        residual: Regions where text is still found after cleaning.
        warnings: What did not come out as it was, one line each.
        error: What made it fail, or None.
        details: Traceback of an unexpected error, else "".
        view: What a report shows of it, or None. Only the watcher is told: it is too large to be
            kept for each page of a run.
    """

    name: str
    number: int
    status: Status
    reason: str = ""
    seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    regions: int = 0
    removed: int = 0
    residual: int = 0
    warnings: tuple[str, ...] = ()
    error: TextcleanError | None = field(default=None, compare=False)
    details: str = field(default="", compare=False, repr=False)
    view: PageView | None = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "name": self.name,
            "number": self.number,
            "status": self.status,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "stages": {stage: round(seconds, 3) for stage, seconds in self.stages.items()},
            "regions": self.regions,
            "removed": self.removed,
            "residual": self.residual,
            "warnings": list(self.warnings),
            "error": None if self.error is None else _error_dict(self.error),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that :meth:`as_dict` told, without tracebacks and pictures.

        Raises:
            KeyError: Something is missing, as in the other two cases.
            TypeError: A value is of another kind.
            ValueError: The same.
        """
        status: Any = str(values["status"])
        error = values["error"]
        return cls(
            name=str(values["name"]),
            number=int(values["number"]),
            status=status,
            reason=str(values["reason"]),
            seconds=float(values["seconds"]),
            stages=dict(values["stages"]),
            regions=int(values["regions"]),
            removed=int(values["removed"]),
            residual=int(values["residual"]),
            warnings=tuple(values["warnings"]),
            error=None if error is None else _error_of(error),
        )


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What happened to a document.

    Attributes:
        source: The input, as it was given.
        output: Where the cleaned document is, or None when the run only looked.
        pages: A report for each page, in order.
        seconds: Wall-clock seconds for everything.
        files: What else was written: masks, patches, regions, pictures.
        warnings: What did not come out as it was in the document as a whole, one line each.
        options: The options of the run, plain values.
        versions: Names and versions of what made it.
    """

    source: str
    output: Path | None
    pages: tuple[PageReport, ...]
    seconds: float = 0.0
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def with_status(self, *status: Status) -> tuple[PageReport, ...]:
        """The pages that ended in one of these ways."""
        return tuple(page for page in self.pages if page.status in status)

    @property
    def failed(self) -> tuple[PageReport, ...]:
        """The pages that failed and were taken over as they were."""
        return self.with_status("failed")

    @property
    def residual(self) -> tuple[PageReport, ...]:
        """The pages on which text is still found."""
        return tuple(page for page in self.pages if page.residual)

    def raise_for_residual(self) -> None:
        """Raise when text was left; for ``strict``, after the output was written.

        Raises:
            ResidualTextError: Text is still found on a page.
        """
        if self.residual:
            written = "" if self.output is None else str(self.output)
            raise residual_error(self.residual, written=written, source=self.source)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "source": self.source,
            "output": None if self.output is None else str(self.output),
            "seconds": round(self.seconds, 3),
            "counts": counts(self.pages),
            "files": [str(path) for path in self.files],
            "warnings": list(self.warnings),
            "versions": dict(self.versions),
            "pages": [page.as_dict() for page in self.pages],
        }


def run_dict(
    documents: Sequence[DocumentResult],
    failures: Mapping[str, TextcleanError],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The report of a run over several documents, as JSON knows it.

    Args:
        documents: What was processed.
        failures: Inputs of which nothing came out, with the reason.
        options: The options of the run, plain values.
    """
    pages = [page for document in documents for page in document.pages]
    return {
        "report_version": REPORT_VERSION,
        "options": dict(options),
        "counts": counts(pages),
        "documents": [document.as_dict() for document in documents],
        "failed_documents": [
            {"source": source, "error": _error_dict(error)} for source, error in failures.items()
        ],
    }


def counts(pages: Sequence[PageReport]) -> dict[str, int]:
    """How many pages ended in which way, and how many regions were found, removed, left."""
    status = Counter(page.status for page in pages)
    return {
        "pages": len(pages),
        "cleaned": status["cleaned"],
        "untouched": status["untouched"],
        "skipped": status["skipped"],
        "failed": status["failed"],
        "regions": sum(page.regions for page in pages),
        "removed": sum(page.removed for page in pages),
        "residual": sum(page.residual for page in pages),
    }


def residual_error(
    pages: Sequence[PageReport], *, written: str = "", source: str | None = None
) -> ResidualTextError:
    """The error for pages with text left on them; it says where they are nevertheless.

    Args:
        pages: The pages, each with ``residual`` regions.
        written: Where the output was written to, or "" when nothing was.
        source: Name of the document.
    """
    left = sum(page.residual for page in pages)
    where = f"; the output was written to {written}" if written else ""
    return ResidualTextError(
        f"text is still found in {left} region{'s' if left != 1 else ''} "
        f"on {_names(pages)} and strict was asked for{where}",
        remedy="Look at them, and try --mask polygons or a larger --dilate",
        source=source,
    )


def nothing_worked(pages: Sequence[PageReport], source: str) -> TextcleanError:
    """The error for a document of which no page could be processed."""
    found = [page.error for page in pages if page.error is not None]
    if len(found) == 1:
        return found[0].at(source=source)
    return PageError(
        f"none of the {len(found)} pages could be processed, so nothing was written; "
        f"the first: {found[0].message}",
        remedy=found[0].remedy,
        source=source,
    )


def _names(pages: Sequence[PageReport]) -> str:
    shown = ", ".join(page.name for page in pages[:_NAMED])
    return shown if len(pages) <= _NAMED else f"{shown} and {len(pages) - _NAMED} more pages"


def _error_dict(error: TextcleanError) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }


def _error_of(values: Mapping[str, Any]) -> TextcleanError:
    kind = getattr(errors, str(values["type"]), None)
    if not (isinstance(kind, type) and issubclass(kind, TextcleanError)):
        kind = PageError
    return kind(str(values["message"]), remedy=values["remedy"])
