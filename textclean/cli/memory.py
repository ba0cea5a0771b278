"""Memory in use while a run goes on: that of the graphics card, otherwise that of the processes."""

from __future__ import annotations

import ctypes
import re
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_PROC: Final = Path("/proc")
_CARD: Final = re.compile(r"cuda(?::(\d{1,3}))?")
_SECONDS: Final = 1.0  # an answer holds for so long


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in use.

    Attributes:
        kind: "device" (a graphics card) or "processes" (this one and its workers).
        used: Bytes in use, by other programs, too, where it is a device.
        total: Bytes that there are, or None.
    """

    kind: str
    used: int
    total: int | None = None

    def __str__(self) -> str:
        name = "GPU" if self.kind == "device" else "RAM"
        whole = "" if self.total is None else f"/{self.total / 1e9:.0f}"
        return f"{name} {self.used / 1e9:.1f}{whole} GB"


class MemoryGauge:
    """Tells the memory in use, without loading PyTorch or waking a graphics card.

    Args:
        device: The device of the run, as its options name it.
    """

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._last: Memory | None = None
        self._until = 0.0

    def read(self) -> Memory | None:
        """Memory in use now or up to a second ago; None where nobody tells."""
        if time.monotonic() >= self._until:
            self._last = self._device_memory() or _processes()
            self._until = time.monotonic() + _SECONDS
        return self._last

    def _device_memory(self) -> Memory | None:
        torch = sys.modules.get("torch")
        if self._device == "mps" or (
            self._device == "auto" and torch is not None and torch.backends.mps.is_available()
        ):
            used = 0 if torch is None else int(torch.mps.driver_allocated_memory())
            return Memory("device", used)
        if self._device == "auto" and torch is not None and not torch.cuda.is_available():
            return None
        asked = _CARD.match("cuda" if self._device == "auto" else self._device)
        return None if asked is None else _card(int(asked[1] or 0))


class _CardMemory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def _card(number: int) -> Memory | None:
    """Memory of an NVIDIA card as its driver tells it; None without one.

    The driver's library costs nothing to ask, where PyTorch would set up the card in this process,
    which may not be the one that computes.
    """
    library = _driver()
    if library is None:
        return None
    handle, answer = ctypes.c_void_p(), _CardMemory()
    if library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle)):
        return None
    if library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(answer)):
        return None
    return Memory("device", answer.used, answer.total)


@cache
def _driver() -> Any:
    """The management library of NVIDIA's driver, or None."""
    name = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
    try:
        library = ctypes.CDLL(name)
        return None if library.nvmlInit_v2() else library
    except (OSError, AttributeError):
        return None


def _processes() -> Memory | None:
    """Resident memory of this process and those below it, where /proc tells."""
    try:
        return Memory("processes", _resident("self"))
    except (OSError, ValueError, IndexError):
        return None


def _resident(process: str) -> int:
    """Resident bytes of a process and its children; what has ended meanwhile counts nothing."""
    status = (_PROC / process / "status").read_text("ascii", "replace")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    below = []
    for children in (_PROC / process / "task").glob("*/children"):
        below += children.read_text("ascii").split()
    return int(line.split()[1]) * 1024 + sum(_resident_if_there(child) for child in below)


def _resident_if_there(process: str) -> int:
    try:
        return _resident(process)
    except (OSError, ValueError):
        return 0
