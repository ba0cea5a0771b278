"""A whole document at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclean.api.build import make_cleaner, resolve
from textclean.batch import Job, PageSelection, SidecarPaths, Watcher, resolve_output, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textclean.api.pictures import PathLike
    from textclean.batch import DocumentResult, PageReport
    from textclean.protocols import Detector, Inpainter
    from textclean.types import Page, PageResult

    OnPage = Callable[[PageReport, PageResult | None], None]


def clean_document(
    src: PathLike,
    dst: PathLike,
    *,
    overwrite: bool = False,
    to: str | None = None,
    pages: str | Iterable[int] | None = None,
    on_page: OnPage | None = None,
    mask_out: PathLike | None = None,
    patch_out: PathLike | None = None,
    regions_out: PathLike | None = None,
    psd_out: PathLike | None = None,
    ora_out: PathLike | None = None,
    password: str | None = None,
    profile: str = "manga",
    detector: str | Detector | None = None,
    inpainter: str | Inpainter | None = None,
    device: str = "auto",
    **options: Any,
) -> DocumentResult:
    """Remove the text from every page of a document.

    The output has the format of the input, unless its name or ``to`` asks for another; RAR, 7z
    and tar archives come back as CBZ. It appears whole, at the end, or not at all. A page that
    fails is taken over as it is, recorded in the result, and does not stop the others.

    Args:
        src: An image, a folder, a comic (CBZ, CBR, CB7, CBT, EPUB), a TIFF or a PDF.
        dst: The output's name; never that of the input. A file that is to go to an existing
            folder keeps its name in it; a name that ends in a slash makes a comic or a PDF a
            folder of pages.
        overwrite: Whether an existing output may be replaced.
        to: "cbz", "cb7", "epub", "pdf", "tiff", "folder", or of pictures "png", "webp", "jpeg"
            (of quality 95) or "bmp"; None = by the output's name. Documents of pages become
            folders of such pictures.
        pages: Pages to clean, such as ``"1-4,7"`` or numbers from 1; None = all. The others are
            taken over as they are.
        on_page: Called after each page with its report and its result (None when it failed).
        mask_out: Where to write the masks: for a single page a name that ends in ".png",
            otherwise a folder.
        patch_out: Where to write the cleaned pixels alone, in the same way.
        regions_out: Where to write the regions: a name that ends in ".json", or a folder.
        psd_out: Where to write the page as layers, in the same way (".psd" or ".psb").
        ora_out: The same as OpenRaster (".ora").
        password: What opens an encrypted PDF; the output is encrypted in the same way.
        profile: As in :func:`clean_page`, like all that follow.
        detector: A name, or an object with ``detect(page)``; None = the default.
        inpainter: A name, a path to weights, or a callable; None = the default.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        **options: Any other of :class:`textclean.options.Options`, by name.

    Returns:
        What happened to each page.

    Raises:
        UsageError: Wrong options, names or pages.
        InputError: The document cannot be read, or no page of it could be processed.
        PageError: No page of several could be processed.
        DependencyError: A package or weights are missing.
        FileAccessError: The input cannot be read or the output not be written.
        ResidualTextError: Text is left and ``strict`` was asked for. The output is there then.
    """
    chosen, finder, filler = resolve(profile, detector, inpainter, device, options)
    source = Path(src)
    target, converted = resolve_output(source, dst, to)
    job = Job(
        source=source,
        output=target,
        options=chosen,
        pages=PageSelection.of(pages),
        overwrite=overwrite,
        sidecars=SidecarPaths(
            mask=_path(mask_out),
            patch=_path(patch_out),
            regions=_path(regions_out),
            psd=_path(psd_out),
            ora=_path(ora_out),
        ),
        password=password,
        to=converted,
    )

    def prepare() -> Callable[[Page], PageResult]:
        return make_cleaner(chosen, detector=finder, inpainter=filler).clean

    result = run_job(job, prepare, None if on_page is None else _Caller(on_page))
    if chosen.strict:
        result.raise_for_residual()
    return result


class _Caller(Watcher):
    """Hands finished pages to a function."""

    def __init__(self, function: OnPage) -> None:
        self._function = function

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._function(report, result)


def _path(value: PathLike | None) -> Path | None:
    return None if value is None else Path(value)
