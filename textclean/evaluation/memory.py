"""Peak memory of this process while something runs."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


class PeakMemory:
    """Peak resident memory of the process since :meth:`reset`.

    On Linux the kernel's high-water mark is reset; where that is not possible, the peak is that
    of the whole life of the process, an upper bound. NaN on systems that tell neither.
    """

    def reset(self) -> None:
        """Start over; what is in use now stays counted."""
        with contextlib.suppress(OSError):
            _CLEAR_REFS.write_text("5", encoding="ascii")

    def megabytes(self) -> float:
        """Peak in units of 1,000,000 bytes."""
        try:
            for line in _STATUS.read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
        except OSError:
            pass
        return _lifetime_peak()


def _lifetime_peak() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
