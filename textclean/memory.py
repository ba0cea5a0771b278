"""Memory that a page needed and the next one does not."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HUGE_PAGES: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_VARIABLE: Final = "GLIBC_TUNABLES"
_WISH: Final = "glibc.malloc.hugetlb=1"
_SINCE: Final = 2, 35  # the glibc that can ask for them


def give_back() -> None:
    """Hand freed memory back to the system, where the C library keeps it otherwise.

    glibc keeps a heap for each thread and gives back only what lies at its end. After some dozen
    pages of different sizes that is as much as a page needs at its worst, in every worker.
    """
    if (trim := _trim()) is not None:
        trim(0)


def huge_pages() -> Mapping[str, str]:
    """Environment of processes whose C library gets memory in huge pages; empty where it cannot.

    What is got again for each page comes in a few hundred pieces then instead of a few hundred
    thousand, each of which the system would have to find and to clear: nothing needs to be kept.
    """
    library, version = platform.libc_ver()
    found = re.match(r"(\d+)\.(\d+)", version)
    if library != "glibc" or found is None or (int(found[1]), int(found[2])) < _SINCE:
        return {}
    try:
        there = "[never]" not in _HUGE_PAGES.read_text(encoding="ascii")
    except (OSError, ValueError):
        there = False
    return {_VARIABLE: _WISH} if there else {}


def has_huge_pages() -> bool:
    """Whether this process was started with the environment of :func:`huge_pages`."""
    return _WISH in os.environ.get(_VARIABLE, "").split(":")


@cache
def _trim() -> Callable[[int], int] | None:
    """The function ``malloc_trim`` of glibc; None with any other C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
