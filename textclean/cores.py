"""How many cores there are, and how many of them this process is to use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def default_threads() -> int:
    """Threads to compute with: the cores this process may use.

    ``OMP_NUM_THREADS`` lowers it, so that several worker processes can share a machine.
    """
    cores = usable_cores()
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wish)) if wish.isdigit() and int(wish) > 0 else cores
