"""Inputs become a plan: documents, their pages, and where each comes out; nothing is decoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from textclean.batch.job import Job, chosen_pages, makes_folder, open_job, refuse_sizes, settled
from textclean.batch.workplace import Place, Shard
from textclean.errors import DependencyError, OptionsError, TextcleanError, UsageError
from textclean.io.archive import ArchiveSource
from textclean.io.folder import FolderSource
from textclean.io.single import ImageSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from textclean.io import Document

OnError = Literal["copy", "skip", "stop"]
ON_ERROR: Final = ("copy", "skip", "stop")
Engine = Literal["processes", "ray"]
ENGINES: Final = ("processes", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one run is to do.

    Attributes:
        jobs: The documents; each has an output.
        folder: The folder that all outputs lie in, when there is one for all of them.
        versions: Names and versions of what decides the results: programs and weights.
        shard: The share of the work that this run does.
        resume: Skip what an earlier run did and redo what changed since, also when the options
            are others now; None = only when they are the same; False = start anew.
        on_error: What becomes of failed pages: taken over as they are ("copy"), left out ("skip"),
            or the run ends ("stop"). None = "copy", but of a document of which every page
            failed nothing is written.
        max_failures: The run ends when more pages than this have failed; None = it goes on.
        workers: Worker processes; 0 = all in this process, None = chosen by pages and cores.
        devices: Devices that the workers are spread over; none = that of the options.
        memory: Bytes that all processes together may use; None = chosen by the machine.
        engine: What the workers are: processes of this machine, or actors of a Ray cluster.
    """

    jobs: Sequence[Job]
    folder: Path | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    shard: Shard = field(default_factory=Shard)
    resume: bool | None = None
    on_error: OnError | None = None
    max_failures: int | None = None
    workers: int | None = None
    devices: tuple[str, ...] = ()
    memory: int | None = None
    engine: Engine = "processes"

    def __post_init__(self) -> None:
        if self.on_error not in (None, *ON_ERROR):
            raise OptionsError(
                f"on-error is {self.on_error!r}", remedy=f"Allowed: {', '.join(ON_ERROR)}"
            )
        for name, value in (("jobs", self.workers), ("max-failures", self.max_failures)):
            if value is not None and value < 0:
                raise OptionsError(f"{name} is {value}", remedy="Give 0 or more")
        if self.engine not in ENGINES:
            raise OptionsError(
                f"there is no engine {self.engine!r}", remedy=f"Known: {', '.join(ENGINES)}"
            )
        if self.engine == "ray":
            self._check_ray()

    def _check_ray(self) -> None:
        """Refuse what is for Ray to decide."""
        if self.workers == 0:
            raise OptionsError(
                "the engine ray works in actors, and jobs is 0", remedy="Give 1 or more, or none"
            )
        if self.memory is not None:
            raise OptionsError(
                "the engine ray keeps to no limit of memory",
                remedy="Use fewer --jobs or a smaller --max-pixels, or the engine processes",
            )
        if self.devices or any(":" in job.options.device for job in self.jobs):
            raise OptionsError(
                "the engine ray chooses among GPUs itself", remedy="Use --device cuda, or none"
            )


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A document of a plan.

    Attributes:
        job: What is to be done with it.
        identity: Its name in the journal: that of its output, below the output folder.
        place: Whose hidden folder its journal is in.
        names: Its pages' names, in order.
        chosen: Numbers of the pages to process in this run.
        elsewhere: Numbers of the pages that are left to other shards.
        targets: Number of each page -> its own output, when each page is a file of its own in the
            output as it is in the input; otherwise empty, and the document is bound together when
            all its pages are there.
    """

    job: Job
    identity: str
    place: Place
    names: tuple[str, ...]
    chosen: frozenset[int]
    elsewhere: frozenset[int] = frozenset()
    targets: Mapping[int, Path] = field(default_factory=dict)

    def key(self, number: int) -> str:
        """The stable identity of a page."""
        return f"{self.identity}//{self.names[number - 1]}"

    @property
    def output(self) -> Path:
        """Where the document goes."""
        assert self.job.output is not None
        return self.job.output


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is going to do.

    Attributes:
        documents: In the order of the inputs.
        failures: Inputs that cannot be opened, with the reason.
    """

    documents: tuple[PlannedDocument, ...]
    failures: Mapping[Path, TextcleanError]

    @property
    def pages(self) -> int:
        """How many pages are to be processed."""
        return sum(len(document.chosen) for document in self.documents)


def make_plan(batch: Batch) -> Plan:
    """Open every input once and list its pages.

    Raises:
        UsageError: The options do not fit the inputs.
        DependencyError: Something that is needed to open them is missing.
    """
    documents: list[PlannedDocument] = []
    failures: dict[Path, TextcleanError] = {}
    for job in batch.jobs:
        try:
            with open_job(job) as source:
                planned = _planned(settled(job), source, batch)
        except (UsageError, DependencyError):
            raise
        except TextcleanError as error:
            failures[job.source] = error
            continue
        if planned is not None:
            documents.append(planned)
    return Plan(tuple(documents), failures)


def _planned(job: Job, source: Document, batch: Batch) -> PlannedDocument | None:
    """The document; None when it is left to another shard."""
    assert job.output is not None
    place = _place(job, source, batch.folder)
    identity = place.identity(job.output)
    names = tuple(entry.name for entry in source.entries)
    chosen = chosen_pages(job, source)
    if not isinstance(source, ArchiveSource):
        # Those pages must be unpacked to be measured: that is done when their turn comes.
        refuse_sizes(job, source, chosen)
    targets = dict(_targets(job, source))
    elsewhere: frozenset[int] = frozenset()
    if targets and len(names) > 1:
        elsewhere = frozenset(
            number
            for number, name in enumerate(names, start=1)
            if not _is_in(batch.shard, f"{identity}//{name}")
        )
        if elsewhere and job.sidecars.regions is not None:
            raise OptionsError(
                "the regions of a folder go into one file, which shards cannot write together",
                remedy="Leave out --regions-out, or --shard",
            )
    elif not _is_in(batch.shard, identity):
        return None
    return PlannedDocument(
        job, identity, place, names, chosen - elsewhere, elsewhere, targets=targets
    )


def _place(job: Job, source: Document, folder: Path | None) -> Place:
    assert job.output is not None
    if folder is not None:
        return Place(folder, is_file=False)
    return Place(job.output, is_file=not makes_folder(job, source))


def _targets(job: Job, source: Document) -> Iterator[tuple[int, Path]]:
    """Each page's own output, where it has one."""
    assert job.output is not None
    if job.to is None and isinstance(source, ImageSource):
        yield 1, job.output
    elif job.to is None and isinstance(source, FolderSource):
        for number, file in enumerate(source.files, start=1):
            yield number, job.output / file


def _is_in(shard: Shard, identity: str) -> bool:
    """Whether a shard has something; by its name alone, so that machines agree without talking."""
    digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % shard.count == shard.number - 1
