"""How many worker processes there are, and what they share: cores, memory, devices."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textclean.batch.sizes import BYTES_A_WORKER, BYTES_KEPT, page_bytes, usable_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORTH: Final = 8  # pages
_ON_A_GPU: Final = 3  # processes, each with networks of its own in the GPU's memory


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers there are, and what they share.

    Attributes:
        workers: Processes.
        threads: Threads that each computes with.
        memory: Bytes that all pages that are processed at one time may take together.
        refuse: Whether a page that would take more is refused; otherwise it is tried alone.
        devices: Devices that the workers are spread over; None = that of the options.
        keep: Bytes of memory that each may keep from page to page.
    """

    workers: int
    threads: int
    memory: int
    refuse: bool = False
    devices: tuple[str | None, ...] = (None,)
    keep: int = 0


def crew_for(
    pages: int,
    *,
    workers: int | None,
    devices: Sequence[str],
    memory: int | None,
    cores: int,
    device: str = "cpu",
    needed: bool = False,
) -> Crew | None:
    """How to spread the work; None = this process does it alone.

    Starting a worker costs some seconds, so a few pages are not worth it.

    Args:
        pages: How many there are.
        workers: Processes, 0 = none, None = chosen here.
        devices: Devices to spread them over.
        memory: Bytes that all of it may use; None = most of what is free.
        cores: Cores that may be used.
        device: The device of the options.
        needed: Whether there are to be workers however little there is to do.
    """
    few = (pages < _WORTH or cores < 2) and not devices[1:]
    if workers == 0 or (workers is None and few and not needed):
        return None
    usable = usable_memory() if memory is None else memory
    fitting = max(1, usable // (BYTES_A_WORKER + page_bytes(0)))
    most = max(1, len(devices)) * _ON_A_GPU if _is_gpu(device) else cores
    count = workers or max(len(devices), min(cores, pages, fitting, most))
    count = min(count, max(pages, 1))
    threads = max(1, cores // count)
    left = max(usable - count * BYTES_A_WORKER, usable // 4)
    # A limit is for pages; nothing of it is kept.
    plenty = memory is None and usable >= 2 * count * BYTES_KEPT
    return Crew(
        count,
        threads,
        left,
        refuse=memory is not None,
        devices=tuple(devices) or (None,),
        keep=BYTES_KEPT if plenty else 0,
    )


def _is_gpu(device: str) -> bool:
    """Whether a device is, or is going to be, a GPU; found out without loading PyTorch."""
    if device == "auto":
        # Apple's GPUs are told by the machine, NVIDIA's and AMD's by their device files.
        is_apple = sys.platform == "darwin" and platform.machine() == "arm64"
        return is_apple or any(Path(name).exists() for name in ("/dev/nvidia0", "/dev/kfd"))
    return device != "cpu"
