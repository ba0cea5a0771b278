"""Runs with every sort of page, for the tests of reports."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PILImage

from textclean.batch import DocumentResult, PageReport, PageView
from textclean.errors import CorruptInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textclean.report.collect import Collector

SIZE = (120, 160)


def region(action: str | None = "fill", **changes: Any) -> dict[str, Any]:
    """What a view tells of a region: a filled bubble, unless told otherwise."""
    return {
        "kind": "bubble", "action": action, "reason": "background is one colour", "score": 0.9,
        "confidence": None, "residual": 0.0, "background": "flat", "see_through": False,
        "grown": 2, "text": None, "language": None,
        "polygon": [[20, 30], [90, 30], [90, 60], [20, 60]], **changes,
    }  # fmt: skip


def picture(seed: int, kind: str) -> bytes:
    """A small picture; "patch" has a hole around its only opaque part."""
    rng = np.random.default_rng(seed)
    pixels = np.full((SIZE[1], SIZE[0], 3), 235, np.uint8)
    pixels[20:140, 10:110] = rng.integers(90, 200, 3, np.uint8)
    out = io.BytesIO()
    if kind == "patch":
        pixels[30:60, 20:90] = 255
        alpha = np.zeros((SIZE[1], SIZE[0], 1), np.uint8)
        alpha[30:60, 20:90] = 255
        PILImage.fromarray(np.concatenate([pixels, alpha], axis=2)).save(out, "WEBP", quality=60)
    else:
        pixels[40:50, 25:85] = 0
        PILImage.fromarray(pixels).resize((45, 60) if kind == "thumbnail" else SIZE).save(
            out, "JPEG", quality=60
        )
    return out.getvalue()


def view(regions: Sequence[dict[str, Any]] = (), *, seed: int = 1) -> PageView:
    """A view with pictures."""
    return PageView(
        SIZE,
        tuple(regions),
        thumbnail=picture(seed, "thumbnail"),
        before=picture(seed, "before"),
        patch=picture(seed, "patch") if regions else b"",
    )


def page(number: int, status: str = "cleaned", **changes: Any) -> PageReport:
    """A page with a view: of its regions there are as many as it has."""
    regions = changes.pop("told", None)
    if regions is None:
        regions = [region()] if status == "cleaned" else []
    values: dict[str, Any] = {
        "name": f"{number:03}.png", "number": number, "status": status, "seconds": 1.0,
        "stages": {"detect": 0.5, "fill": 0.25}, "regions": len(regions),
        "removed": sum(item["action"] != "keep" for item in regions),
        "view": None if status == "skipped" else view(regions, seed=number),
    }  # fmt: skip
    return PageReport(**{**values, **changes})


MIXED = (
    page(1),
    page(2, told=[region("inpaint", confidence=31.5, kind="sfx", background="art")]),
    page(3, "failed", reason="it is cut off", error=CorruptInputError("it is cut off")),
    page(4, told=[region("inpaint", confidence=2.0, residual=0.8)], residual=1),
    page(5, "untouched", reason="no text was found"),
    page(6, "skipped", reason="not among the pages asked for", seconds=0.0, stages={}),
    page(7, told=[region(), region("keep", reason="kept: sfx stay")], warnings=("grew",)),
)
"""Ranked by doubt: 3, 4, 2, 1 and 7, 5, 6."""


def told(
    collector: Collector,
    pages: Sequence[PageReport] = MIXED,
    *,
    source: str = "shelf/book.cbz",
    output: Path | None = None,
) -> DocumentResult:
    """Tell a collector of a document; its result."""  # fmt: skip
    collector.opened(source, len(pages))
    for report in pages:
        if report.status != "skipped":
            collector.finished(report, None)
    result = DocumentResult(
        source, output, tuple(replace(report, view=None) for report in pages), seconds=12.5,
        warnings=("the bookmarks were dropped",), versions={"textclean": "1"},
    )  # fmt: skip
    collector.add(result)
    return result
