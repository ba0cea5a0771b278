"""One page: read, cleaned, handed on; its own failure becomes a report."""

from __future__ import annotations

import copy
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textclean.batch.report import PageReport
from textclean.edited import OVERRULED
from textclean.errors import (
    DependencyError,
    FileAccessError,
    PageError,
    TextcleanError,
    UsageError,
)
from textclean.io.notes import collected_notes
from textclean.io.raster import WARNINGS
from textclean.io.wishes import with_wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.batch.view import PageView, PageViewer
    from textclean.options import Options
    from textclean.protocols import PageEntry
    from textclean.types import Page, PageResult

    Work = Callable[[Page], PageResult]
    Put = Callable[[PageEntry, PageResult], None]

_OVERRULED: Final = (
    "1 region that is to be kept is removed, because the mask that was given covers it",
    "{} regions that are to be kept are removed, because the mask that was given covers them",
)


def process_page(
    entry: PageEntry,
    work: Work,
    put: Put,
    options: Options,
    *,
    looking: bool = False,
    viewer: PageViewer | None = None,
) -> tuple[PageReport, PageResult | None]:
    """Process one page.

    Args:
        entry: The page, not decoded yet.
        work: Turns it into its result.
        put: Writes the result somewhere.
        options: The options of the run.
        looking: Whether nothing is to be cleaned.
        viewer: Makes what a report shows of it; None = no such report.

    Returns:
        What happened, and the result, None when the page failed.

    Raises:
        UsageError: The next page would fail in the same way, as with the other two.
        DependencyError: Something that every page needs is missing.
        FileAccessError: The result cannot be written.
    """
    start = time.perf_counter()
    page, result, report = None, None, None
    try:
        page = with_wishes(entry.load(), promote=options.promote, allow_lossy=options.allow_lossy)
        result = work(page)
    except (UsageError, DependencyError):
        raise
    except Exception as error:
        report = failed_page(entry.name, entry.number, error)
    if page is not None and result is not None:
        try:
            with collected_notes() as notes:
                put(entry, result)
            told = page.metadata.extra.get(WARNINGS, ()) if result.changed else ()
            report = _report(entry, result, (*told, *notes), looking)
        except (UsageError, FileAccessError):
            raise
        except Exception as error:
            report, result = failed_page(entry.name, entry.number, error), None
    assert report is not None
    seconds = time.perf_counter() - start
    return replace(report, seconds=seconds, view=_view(viewer, page, result)), result


def failed_page(name: str, number: int, error: Exception) -> PageReport:
    """The report of a page that failed."""
    told, details = _explained(error)
    return PageReport(
        name=name,
        number=number,
        status="failed",
        reason=f"{told.message}. {told.remedy}" if told.remedy else told.message,
        error=told,
        details=details,
    )


def _report(
    entry: PageEntry, result: PageResult, warnings: tuple[str, ...], looking: bool
) -> PageReport:
    cleaned = result.changed and not looking
    overruled = sum(region.reason == OVERRULED for region in result.regions)
    if overruled:
        warnings += (_OVERRULED[overruled > 1].format(overruled),)
    return PageReport(
        name=entry.name,
        number=entry.number,
        status="cleaned" if cleaned else "untouched",
        reason=_reason(result, looking=looking),
        stages=dict(result.seconds),
        regions=len(result.regions),
        removed=sum(region.action != "keep" for region in result.regions),
        residual=len(result.residual),
        warnings=warnings if cleaned else (),
    )


def _view(
    viewer: PageViewer | None, page: Page | None, result: PageResult | None
) -> PageView | None:
    """What a report shows of a page, if there is one and it could be read."""
    if viewer is None or page is None:
        return None
    try:
        return viewer(page, result)
    except Exception:
        # A page does not fail for want of its picture.
        return None


def _reason(result: PageResult, *, looking: bool) -> str:
    if looking:
        return "only looked at"
    if result.changed:
        return ""
    if not result.regions:
        return "no text was found"
    return "all text that was found is kept"


def _explained(error: Exception) -> tuple[TextcleanError, str]:
    """What to say of a page's failure, and the traceback when it was not foreseen.

    The error is a fresh one: a traceback holds on to the page's pixels, and there may be
    thousands of failed pages.
    """
    if isinstance(error, TextcleanError):
        return copy.copy(error), ""
    if isinstance(error, MemoryError):
        return PageError(
            "there is not enough memory for this page",
            remedy="Close other programs, or set --max-pixels to refuse pages of that size",
        ), ""
    first = next(iter(str(error).splitlines()), "")
    what = type(error).__name__ + (f": {first}" if first else "")
    return PageError(
        f"something unexpected went wrong ({what})",
        remedy="This is a bug of textclean or of a library; -v shows where it happened",
    ), "".join(traceback.format_exception(error))
