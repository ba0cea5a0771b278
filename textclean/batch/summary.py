"""What is told of a document when all its pages are done: the result, and the regions file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textclean import regions_json
from textclean.batch.report import DocumentResult, PageReport
from textclean.batch.task import PAGE
from textclean.regions_json import exchange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from textclean.batch.plan import PlannedDocument
    from textclean.batch.task import Outcome


def document_result(
    planned: PlannedDocument,
    outcomes: Mapping[int, Outcome],
    *,
    regions: Path | None,
    warnings: Sequence[str],
    seconds: float,
) -> DocumentResult:
    """The result of a document.

    Args:
        planned: The document.
        outcomes: What came of its pages, by number; the others were not processed.
        regions: Its regions file, or None.
        warnings: What did not come out as it was in the document as a whole.
        seconds: What it took.
    """
    reports = []
    versions: dict[str, str] = {}
    files = []
    for number, name in enumerate(planned.names, start=1):
        outcome = outcomes.get(number)
        if outcome is None:
            reports.append(PageReport(name, number, "skipped", _why_skipped(planned, number)))
            continue
        reports.append(outcome.report)
        versions.update(outcome.versions)
        files += [
            part.final for part in outcome.parts if part.final is not None and part.kind != PAGE
        ]
    return DocumentResult(
        source=str(planned.job.source),
        output=planned.output,
        pages=tuple(reports),
        seconds=seconds,
        files=tuple(files if regions is None else [*files, regions]),
        warnings=tuple(warnings),
        options=planned.job.options.as_dict(),
        versions=versions,
    )


def regions_text(planned: PlannedDocument, outcomes: Mapping[int, Outcome]) -> str:
    """The regions file of a document, from what was written down of its pages."""
    records = [
        record
        for number in sorted(planned.chosen)
        if (record := outcomes[number].record) is not None
    ]
    pages = [
        page for record in records for page in regions_json.parse(json.dumps({"pages": [record]}))
    ]
    job = planned.job
    return exchange.document(job.sidecars.regions_format, pages, job.source.name)


def _why_skipped(planned: PlannedDocument, number: int) -> str:
    if number in planned.elsewhere:
        return "left to another shard"
    return "not among the pages asked for"
