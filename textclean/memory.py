"""Memory that a page needed: the next one uses it again, and what it does not goes back."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RESIDENT: Final = Path("/proc/self/statm")
_VARIABLE: Final = "GLIBC_TUNABLES"
_WISH: Final = "glibc.malloc.mmap_threshold=268435456:glibc.malloc.trim_threshold=1073741824"


def give_back(beyond: int = 0) -> None:
    """Hand freed memory back to the system, where the C library keeps it otherwise.

    glibc keeps a heap for each thread and gives back only what lies at its end. After some dozen
    pages of different sizes that is as much as a page needs at its worst, in every worker.

    Args:
        beyond: Bytes that the process may keep: while it has no more, nothing is done, and the next
            page need not have memory found and cleared for it again.
    """
    if (trim := _trim()) is not None and not (beyond and _resident() <= beyond):
        trim(0)


def reusing() -> Mapping[str, str]:
    """Environment of processes whose C library uses memory again; empty with any other than glibc.

    By itself it has the system map, find and clear anew what a network's larger layers need, for
    each of them.
    """
    return {_VARIABLE: _WISH} if platform.libc_ver()[0] == "glibc" else {}


def reuses() -> bool:
    """Whether this process was started with the environment of :func:`reusing`."""
    return _WISH in os.environ.get(_VARIABLE, "")


def _resident() -> int:
    """Bytes of memory that this process has; more than there are where nobody tells."""
    try:
        pages = int(_RESIDENT.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError, IndexError):
        return 1 << 62


@cache
def _trim() -> Callable[[int], int] | None:
    """The function ``malloc_trim`` of glibc; None with any other C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
