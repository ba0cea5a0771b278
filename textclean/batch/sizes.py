"""How much memory a page is going to need, from what its file declares of it."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from textclean.batch.marks import input_path
from textclean.errors import OptionsError, TextcleanError
from textclean.io.document import ImageEntry
from textclean.io.folder import FolderSource
from textclean.io.single import ImageSource
from textclean.io.tiff_document import TiffEntry

if TYPE_CHECKING:
    from textclean.io import Document
    from textclean.protocols import PageEntry

USUAL_PIXELS: Final = 6_000_000
"""What is taken for the size of a page that does not tell it."""

BYTES_A_PIXEL: Final = 130
"""Most memory that a page takes while it is processed, by its pixels: with the default networks on
a CPU, a comic page of 1.4 megapixels took 180, one of 5.6 took 136 on top of a worker's own."""

BYTES_A_WORKER: Final = 560 << 20
"""What a worker takes with its networks before it has seen a page of some size, and some more."""

BYTES_KEPT: Final = 1 << 30
"""What a worker may keep from page to page where there is plenty of memory: about what a usual page
needs. Up to a tenth of its time is saved."""

_SHARE: Final = 0.8  # of the free memory, when nothing is asked for
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_bytes(text: str) -> int:
    """Read ``2G``, ``1.5G`` or ``800M``; units are powers of 1,024.

    Raises:
        OptionsError: It is no such size, or nothing.
    """
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    try:
        size = int(float(number.removesuffix(unit)) * _UNITS[unit])
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise OptionsError(f"{text!r} is no amount of memory", remedy="Write it like 2G or 800M")
    return size


def declared_pixels(source: Document, entry: PageEntry) -> int:
    """About how many pixels a page has; its header is read, and nothing is decoded."""
    size = declared_size(source, entry)
    return USUAL_PIXELS if size is None else size[0] * size[1]


def declared_size(source: Document, entry: PageEntry) -> tuple[int, int] | None:
    """Width and height of a page as stored, from its header; None where that does not tell."""
    try:
        if isinstance(entry, TiffEntry):
            return entry.size
        if isinstance(source, FolderSource | ImageSource):
            return _size(input_path(source, entry))
        if isinstance(entry, ImageEntry):
            return _size(io.BytesIO(entry.read()))
    except (OSError, ValueError, SyntaxError, TextcleanError, Image.DecompressionBombError):
        # Whether it can be read at all is told when it is.
        pass
    return None


def page_bytes(pixels: int) -> int:
    """Memory for a page with so many pixels."""
    return (pixels or USUAL_PIXELS) * BYTES_A_PIXEL


def usable_memory() -> int:
    """Bytes that may be used when nobody says how many: most of what is free, in this container."""
    found = [_available()]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return int(min(found) * _SHARE)


def _available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 << 30


def _size(file: Path | io.BytesIO) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file) as image:
            return image.size
