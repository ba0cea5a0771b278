"""Which regions are kept: pure functions from regions and wishes to regions.

Nothing is dropped: a region that is to stay is marked ``action="keep"`` with the reason, so that
reports and region files tell of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from textclean.detect.language import matches
from textclean.errors import UnknownNameError
from textclean.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textclean.types import Region


class FilterOptions(Protocol):
    """What the filters read of a run's options; :class:`textclean.options.Options` fits."""

    @property
    def min_score(self) -> float: ...  # noqa: D102
    @property
    def only(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def except_(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sfx(self) -> str: ...  # noqa: D102
    @property
    def keep_language(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def keep_text(self) -> str | None: ...  # noqa: D102


def apply_filters(regions: Iterable[Region], options: FilterOptions) -> tuple[Region, ...]:
    """Mark the regions that the options say to keep.

    Args:
        regions: What was detected; those that are kept already stay so.
        options: ``min_score``, ``only``, ``except_``, ``sfx``, ``keep_language`` and
            ``keep_text``. Text
            that could not be read matches no language and no expression, and is removed.

    Raises:
        UnknownNameError: ``only`` or ``except_`` names a kind that does not exist.
    """
    for kind in (*options.only, *options.except_):
        if kind not in KINDS:
            raise UnknownNameError(
                f"there is no kind of region {kind!r}", remedy=f"Known: {', '.join(KINDS)}"
            )
    return tuple(_filtered(region, options) for region in regions)


def why_kept(region: Region, options: FilterOptions) -> str | None:
    """The reason for which the options keep a region, or None when it is to be removed."""
    if region.score < options.min_score:
        return f"its score {region.score:.2f} is under {options.min_score:g}"
    if options.only and region.kind not in options.only:
        return f"only {', '.join(options.only)} is to be removed, and this is {region.kind}"
    if region.kind in options.except_:
        return f"{region.kind} is to be kept"
    if region.kind == "sfx" and options.sfx == "keep" and "sfx" not in options.only:
        return "sound effects are kept unless asked for (--sfx remove)"
    for language in options.keep_language:
        if matches(region.language, language):
            return f"its language {region.language} is to be kept ({language})"
    if options.keep_text is not None and re.search(options.keep_text, region.text or ""):
        if region.text is None:
            return None
        return f"its text matches {options.keep_text!r}"
    return None


def _filtered(region: Region, options: FilterOptions) -> Region:
    if region.action == "keep":
        return region
    reason = why_kept(region, options)
    return region if reason is None else region.with_(action="keep", reason=f"kept: {reason}")
