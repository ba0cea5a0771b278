"""A run as plain values: ``report.json``, and what the page in ``report.html`` reads."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from textclean.batch import run_dict
from textclean.report.doubt import LOOK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textclean.batch import DocumentResult, PageReport
    from textclean.errors import TextcleanError
    from textclean.report.collect import Collector, Noted

SCHEMA: Final = "report.schema.json"
"""Describes ``report.json`` (JSON Schema, draft 2020-12); lies beside this module."""

_NUMBER: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_USUAL: Final = (None, False, 0, "", "unknown")


@dataclass(frozen=True, slots=True)
class Row:
    """One page in the order of doubt.

    Attributes:
        id: Position in the run over all documents, from 1.
        document: Position of its document in the run, from 0.
        report: What happened to it.
        noted: What is known of it beside that.
    """

    id: int
    document: int
    report: PageReport
    noted: Noted


def ranked(collector: Collector) -> list[Row]:
    """All pages, the most doubtful first; pages of equal doubt in the order of the run."""
    rows = [Row(number, *page) for number, page in enumerate(collector.pages(), 1)]
    return sorted(rows, key=lambda row: row.noted.doubt.key, reverse=True)


def report_dict(
    collector: Collector,
    failures: Mapping[str, TextcleanError],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole run, as the schema describes it.

    Args:
        collector: What was put aside while it went on.
        failures: Inputs of which nothing came out, with the reason.
        options: The options of the run, plain values.
    """
    told = {"created": now(), **run_dict(collector.documents, failures, options)}
    items = [item for document in told["documents"] for item in document["pages"]]
    for item, (_, _, noted) in zip(items, collector.pages(), strict=True):
        item["doubt"] = noted.doubt.as_dict()
        item["size"] = None if noted.size is None else list(noted.size)
        item["decisions"] = collector.regions(noted)
    return told


def now() -> str:
    """The time of day, with its zone, as ISO 8601 has it."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def head_dict(
    collector: Collector,
    rows: Sequence[Row],
    failures: Mapping[str, TextcleanError],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """What the page shows of the run as a whole, and a short row for each page.

    Args:
        collector: What was put aside.
        rows: The pages to list.
        failures: Inputs of which nothing came out.
        options: The options of the run.
    """
    told = run_dict((), failures, options)
    documents = collector.documents
    versions = {name: text for result in documents for name, text in result.versions.items()}
    return {
        "created": now(),
        "look": LOOK,
        "options": told["options"],
        "failed_documents": told["failed_documents"],
        "versions": versions,
        "documents": [_document_dict(result) for result in documents],
        "levels": Counter(noted.doubt.level for _, _, noted in collector.pages()),
        "warnings": page_warnings(documents),
        "stages": _stages(documents),
        "pages": [row_dict(row, collector) for row in rows],
    }


def page_warnings(documents: Sequence[DocumentResult]) -> list[tuple[str, int]]:
    """Warnings about pages, and of how many each was said; the most frequent first.

    Those that differ in their numbers only are one, with dots for the numbers.
    """
    said: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for result in documents:
        for page in result.pages:
            for warning in page.warnings:
                said[_NUMBER.sub("…", warning)][warning] += 1
    told = [
        (next(iter(texts)) if len(texts) == 1 else pattern, texts.total())
        for pattern, texts in said.items()
    ]
    return sorted(told, key=lambda pair: -pair[1])


def row_dict(row: Row, collector: Collector) -> dict[str, Any]:
    """What the list shows of a page."""
    page, noted = row.report, row.noted
    regions = collector.regions(noted)
    return {
        "id": row.id,
        "document": row.document,
        "number": page.number,
        "name": page.name,
        "status": page.status,
        **noted.doubt.as_dict(),
        "removed": page.removed,
        "kept": page.regions - page.removed,
        "seconds": round(page.seconds, 3),
        "warned": bool(page.warnings),
        "kinds": sorted({region["kind"] for region in regions}),
        "actions": sorted({region["action"] or "undecided" for region in regions}),
        "size": noted.size,
        "thumbnail": noted.thumbnail is not None,
        "pictures": noted.pictures is not None,
        "patched": noted.pictures is not None and noted.pictures[1][1] > 0,
    }


def detail_dict(row: Row, collector: Collector) -> dict[str, Any]:
    """What is shown of a page once it is chosen; what is as usual is left out."""
    page = row.report
    return {
        "reason": page.reason,
        "warnings": list(page.warnings),
        "stages": {stage: round(seconds, 3) for stage, seconds in page.stages.items()},
        "regions": [
            {key: value for key, value in region.items() if value not in _USUAL}
            for region in collector.regions(row.noted)
        ],
    }


def _document_dict(result: DocumentResult) -> dict[str, Any]:
    told = result.as_dict()
    shown = {key: told[key] for key in ("source", "output", "seconds", "counts", "warnings")}
    return {**shown, "files": len(result.files)}


def _stages(documents: Sequence[DocumentResult]) -> dict[str, float]:
    """Seconds by stage over all pages; "files" is what lies outside the stages."""
    total: defaultdict[str, float] = defaultdict(float)
    for result in documents:
        for page in result.pages:
            for stage, seconds in page.stages.items():
                total[stage] += seconds
            total["files"] += max(page.seconds - sum(page.stages.values()), 0.0)
    return {stage: round(seconds, 3) for stage, seconds in total.items()}
