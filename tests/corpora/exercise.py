"""What is done to a file that may be broken: read, changed, written, and read again.

Shared by the walk over corpora (``corpus.py``), the fuzz target (``fuzz.py``) and the normal tests.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from textclean.errors import TextcleanError
from textclean.io import open_sink, open_source
from textclean.types import Page

MAX_PIXELS: Final = 50_000_000
MAX_PAGES: Final = 12


def exercise(path: Path, out: Path, *, max_pixels: int = MAX_PIXELS) -> str:
    """Read a document's first pages, wipe a corner of each, write it, read what was written.

    Args:
        path: The document.
        out: Where it is written to; the folder exists, the file need not.
        max_pixels: Pages with more pixels are refused.

    Returns:
        "read", or "refused: " and the reason.

    Raises:
        Exception: Anything but our own errors, which is what this looks for.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _round_trip(path, out, max_pixels)
        except TextcleanError as error:
            if not str(error).strip():
                raise AssertionError(f"{type(error).__name__} says nothing") from error
            return f"refused: {error}"
        finally:
            out.unlink(missing_ok=True)
    return "read"


def _round_trip(path: Path, out: Path, max_pixels: int) -> None:
    with open_source(path, max_pixels=max_pixels) as source:
        entries = source.entries[:MAX_PAGES]
        refused: TextcleanError | None = None
        with open_sink(source, out, overwrite=True) as sink:
            for entry in entries:
                # One damaged page does not keep us from the others.
                try:
                    page = entry.load()
                    new, mask = wiped(page)
                    sink.write(entry, new, mask)
                except TextcleanError as error:
                    refused = error
            sink.commit()
    if refused is not None:
        raise refused
    with open_source(out, max_pixels=max_pixels) as again:
        again.entries[0].load()


def wiped(page: Page) -> tuple[Page, np.ndarray]:
    """The page with its upper left corner turned round, and the mask of it as stored."""
    mask = np.zeros(page.pixels.shape[:2], bool)
    mask[: max(1, len(mask) // 3), : max(1, mask.shape[1] // 3)] = True
    pixels = page.pixels.copy()
    if page.mode not in ("P", "PA"):
        pixels[mask] = ~pixels[mask]
    else:
        pixels[mask] = 0
    return replace(page, pixels=pixels), mask
