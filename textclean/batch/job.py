"""What is to be done with one document, and who is told how it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from textclean.batch.layered import refuse_too_large
from textclean.batch.sidecars import SidecarPaths
from textclean.batch.sizes import declared_size
from textclean.io import kind_of_path, open_source, resolve_target
from textclean.io.folder import FolderSource
from textclean.io.naming import PICTURES
from textclean.io.picture_forms import require_size
from textclean.io.single import ImageSource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from textclean.batch.pages import PageSelection
    from textclean.batch.report import PageReport
    from textclean.batch.view import PageViewer
    from textclean.io import Document
    from textclean.options import Options
    from textclean.types import PageResult


class Watcher:
    """Told how a run goes on. This one does nothing: override what is wanted."""

    def opened(self, source: str, pages: int) -> None:
        """A document was opened; so many of its pages are going to be processed."""

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done; ``result`` is None when it failed. Skipped pages are not told of."""


@dataclass(frozen=True, slots=True)
class Job:
    """One document and what is to be made of it.

    Attributes:
        source: File or folder.
        output: The cleaned document; None = only look.
        options: The options of the run.
        pages: Pages to process, None = all; the others are taken over as they are.
        overwrite: Replace outputs that are there already.
        sidecars: What else to write.
        password: What opens an encrypted PDF.
        to: The output's format, see :func:`textclean.io.open_sink`; None = by its name.
        viewer: Makes what a report shows of each page, for the watcher; None = no report.
    """

    source: Path
    output: Path | None
    options: Options
    pages: PageSelection | None = None
    overwrite: bool = False
    sidecars: SidecarPaths = field(default_factory=SidecarPaths)
    password: str | None = field(default=None, repr=False)
    to: str | None = None
    viewer: PageViewer | None = None


def open_job(job: Job) -> Document:
    """Open a job's document as its options say.

    Raises:
        TextcleanError: As :func:`textclean.io.open_source`.
    """
    return open_source(
        job.source,
        max_pixels=job.options.max_pixels,
        pdf_renderer=job.options.pdf_renderer,
        pdf_dpi=job.options.pdf_dpi,
        password=job.password,
        allow_signed=job.options.allow_signed,
        allow_xfa=job.options.allow_xfa,
    )


def settled(job: Job) -> Job:
    """The job without a format to convert to, where the input has it already.

    Raises:
        OptionsError: The output has the name of another format.
    """
    if job.to is None or job.output is None:
        return job
    return replace(
        job, to=resolve_target(job.source, kind_of_path(job.source), job.output, job.to)[1]
    )


def makes_folder(job: Job, source: Document) -> bool:
    """Whether the output of a job is a folder of pages."""
    if job.to is None:
        return isinstance(source, FolderSource)
    from textclean.io.convert import to_folder

    return to_folder(source, job.to)


def refuse_sizes(job: Job, source: Document, numbers: Iterable[int]) -> None:
    """Tell before anything is cleaned that a page is too large for what is to be written.

    Args:
        job: What is to be done.
        source: The document.
        numbers: The pages that are going to be processed.

    Raises:
        OptionsError: A page does not fit into its PSD.
        UnsupportedFormatError: A picture does not fit into the format it is to have.
    """
    beside = job.sidecars
    refuse_too_large(source, numbers, beside.psd, beside.layers)
    if job.to in PICTURES and isinstance(source, ImageSource):
        width, height = declared_size(source, source.entries[0]) or (0, 0)
        require_size(width, height, job.to)


def chosen_pages(job: Job, source: Document) -> frozenset[int]:
    """Numbers of the pages to process."""
    count = len(source.entries)
    chosen = frozenset(range(1, count + 1))
    if job.pages is not None:
        chosen = job.pages.numbers(count, source.name)
    cover = source.cover if job.options.keep_cover else None
    return chosen - {cover}
