"""Batches across pages for ``gpu.py``: what they gain, and how full they are."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gpu_pages import Cleaned, watched

from textclean.inpaint import fourier
from textclean.inpaint.fourier import FourierInpainter
from textclean.inpaint.windows import merge_windows

GRIDS = (8, 32, 64, 128)  # multiples that sides of windows may be rounded up to
ACROSS = (8, 64)  # of them, those that pages are filled with


def across(
    make: Any, pages: Sequence[Cleaned], batches: Sequence[int], device: torch.device
) -> list[dict[str, Any]]:
    """The inpainter page by page and with all pages at once; both must give the same bytes.

    Args:
        make: Gives an inpainter for a batch size and a grid.
        pages: The pages.
        batches: The batch sizes.
        device: Where it computes.
    """
    given = [(page.image, page.hole, None) for page in pages]
    rows = []
    for batch, grid in itertools.product(batches, ACROSS):
        inpainter: FourierInpainter = make(batch, grid=grid)
        inpainter.fill_pages(given)  # warm
        with watched(device) as alone:
            one_by_one = [inpainter.fill_with_error(*page)[0] for page in given]
        with watched(device) as together:
            at_once = [filled for filled, _ in inpainter.fill_pages(given)]
        same = all(np.array_equal(a, b) for a, b in zip(one_by_one, at_once, strict=True))
        rows.append({
            "batch": batch,
            "grid": grid,
            "alone_pages_per_s": len(pages) / alone.wall,
            "together_pages_per_s": len(pages) / together.wall,
            "alone_calls": sum(alone.calls.values()),
            "together_calls": sum(together.calls.values()),
            "same_bytes": same,
        })  # fmt: skip
    return rows


def filling(pages: Sequence[Cleaned], batch: int) -> list[dict[str, Any]]:
    """How full batches are when sides of windows are rounded up to coarser multiples."""
    rows: list[dict[str, Any]] = []
    for multiple in GRIDS:
        sizes = []
        for page in pages:
            windows = merge_windows(page.hole, context=fourier.CONTEXT, multiple=multiple)
            sides = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (w.box for w in windows)]
            sizes.append(Counter((_up(w, multiple), _up(h, multiple)) for w, h in sides))
        together = sum(sizes, Counter())
        area = sum(w * h * count for (w, h), count in together.items())
        rows.append({
            "multiple": multiple,
            "windows": together.total(),
            "sizes": len(together),
            "batch": batch,
            "full_alone": _full(sizes, batch),
            "full_together": _full([together], batch),
            "area": area / max(rows[0]["pixels"], 1) if rows else 1.0,
            "pixels": area,
        })  # fmt: skip
    return rows


def _full(sizes: Sequence[Counter[tuple[int, int]]], batch: int) -> float:
    """Share of the places in batches that windows take, not what fills them up."""
    counts = [count for counter in sizes for count in counter.values()]
    places = sum(-(-count // batch) * batch for count in counts)
    return sum(counts) / max(places, 1)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
