"""How far the runs on an output folder are, from their journals; nothing is locked or changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textclean.batch.journal import read_journal
from textclean.batch.workplace import Shard, journals_below
from textclean.errors import FileAccessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(slots=True)
class Status:
    """What the journal of one run, or the journals of several, say.

    Attributes:
        shards: The shards whose journals were read; one that is whole for a run without.
        pages: Outcome of each page by its identity: "cleaned", "untouched", "skipped", "failed".
        failed: Why pages failed, by identity.
        warnings: Pages with warnings.
        residual: Pages on which text was left.
        seconds: What all pages took, together.
    """

    shards: tuple[Shard, ...]
    pages: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: int = 0
    residual: int = 0
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many pages ended in which way."""
        found = Counter(self.pages.values())
        return {name: found[name] for name in ("cleaned", "untouched", "skipped", "failed")}

    @property
    def missing(self) -> tuple[Shard, ...]:
        """Shards of which there is no journal."""
        counts = {shard.count for shard in self.shards}
        there = set(self.shards)
        return tuple(
            shard
            for count in sorted(counts)
            for number in range(1, count + 1)
            if (shard := Shard(number, count)) not in there
        )

    @property
    def seconds_a_page(self) -> float | None:
        """What a page took, on average; None while none was processed."""
        done = len(self.pages) - self.counts["skipped"]
        return self.seconds / done if done and self.seconds else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "shards": [[shard.number, shard.count] for shard in self.shards],
            "missing_shards": [[shard.number, shard.count] for shard in self.missing],
            "pages": len(self.pages),
            **self.counts,
            "pages_with_residual_text": self.residual,
            "pages_with_warnings": self.warnings,
            "seconds_a_page": self.seconds_a_page,
            "failed_pages": self.failed,
        }


def read_status(folder: Path) -> list[Status]:
    """The status of each run that wrote to an output folder, or to a file in it.

    Raises:
        FileAccessError: There is no journal, or one cannot be read.
    """
    found = [_status(path, shard) for path, shard in journals_below(folder)]
    if not found:
        raise FileAccessError(
            f"there is no journal in {folder}",
            remedy="Name the output folder of `textclean clean`; a single file has a journal only "
            "while it is not finished",
        )
    return found


def merged(parts: Sequence[Status]) -> Status:
    """Several runs as one, the shards of a run in particular."""
    whole = Status(tuple(shard for part in parts for shard in part.shards))
    for part in parts:
        whole.pages.update(part.pages)
        whole.failed.update(part.failed)
        whole.warnings += part.warnings
        whole.residual += part.residual
        whole.seconds += part.seconds
    return whole


def _status(path: Path, shard: Shard) -> Status:
    reports: dict[str, Any] = {}
    for record in read_journal(path):
        if record.kind == "page":
            reports[record.key] = record.values["report"]
    status = Status((shard,))
    for key, report in reports.items():
        status.pages[key] = report["status"]
        if report["status"] == "failed":
            status.failed[key] = report["reason"]
        status.warnings += bool(report["warnings"])
        status.residual += bool(report["residual"])
        status.seconds += report["seconds"]
    return status
