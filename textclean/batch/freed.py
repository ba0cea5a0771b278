"""Memory that a page needed and the next one does not."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def give_back() -> None:
    """Hand freed memory back to the system, where the C library keeps it otherwise.

    glibc keeps a heap for each thread and gives back only what lies at its end. After some dozen
    pages of different sizes that is as much as a page needs at its worst, in every worker.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """The function ``malloc_trim`` of glibc; None with any other C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
