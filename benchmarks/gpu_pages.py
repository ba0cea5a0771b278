"""Whole pages for ``gpu.py``: through the cleaner, and through the inpainter several at once."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from gpu_floor import Work, transforms_of
from torch import nn

from textclean import native
from textclean.cleaner import Cleaner
from textclean.inpaint import projection
from textclean.io import read_image
from textclean.nets.fourier_unet import FourierUNet
from textclean.nets.ink import InkUNet
from textclean.types import Page

NETWORKS = (InkUNet, FourierUNet)


@dataclass(frozen=True)
class Cleaned:
    """A page and what went from it, both upright: ``(H, W, 3)`` uint8 and ``(H, W)`` bool."""

    name: str
    image: np.ndarray
    hole: np.ndarray


@dataclass
class Watched:
    """What a device did meanwhile.

    Attributes:
        calls: How often each network ran, by its name and the shapes it was given.
        busy: Seconds between the first and the last operation of networks and projections.
        used: Per cent of the time in which the device did something, by ``how``, time after time.
        how: What told it.
        wall: Seconds on the clock.
        cpu: Seconds of processors.
    """

    calls: Counter[tuple[str, tuple[tuple[int, ...], ...]]] = field(default_factory=Counter)
    busy: float = 0.0
    used: list[float] = field(default_factory=list)
    how: str = ""
    wall: float = 0.0
    cpu: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Figures for the report."""
        found: dict[str, Any] = {
            "networks_and_projections": round(self.busy / max(self.wall, 1e-9), 3),
            "processors": round(self.cpu / max(self.wall, 1e-9), 2),
        }
        if self.used:
            found[self.how] = round(statistics.fmean(self.used) / 100, 3)
        return found


@contextmanager
def watched(device: torch.device) -> Iterator[Watched]:
    """Look on while networks run; what was seen is complete at the end."""
    found, clock = Watched(), _Clock(device)

    def looked_at(kind: type[nn.Module]) -> Callable[..., torch.Tensor]:
        forward = kind.forward

        def run(self: nn.Module, *given: Any) -> torch.Tensor:
            shapes = tuple(tuple(x.shape) for x in given if isinstance(x, torch.Tensor))
            found.calls[kind.__name__, shapes] += 1
            with clock.running():
                return forward(self, *given)

        return run

    iterate = projection._iterate

    def timed(*given: Any) -> torch.Tensor:
        with clock.running():
            return iterate(*given)

    with ExitStack() as stack:
        for kind in NETWORKS:
            stack.enter_context(patch.object(kind, "forward", looked_at(kind)))
        stack.enter_context(patch.object(projection, "_iterate", timed))
        stack.enter_context(_utilisation(device, found))
        wall, cpu = time.perf_counter(), time.process_time()
        yield found
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.wall, found.cpu = time.perf_counter() - wall, time.process_time() - cpu
    found.busy = clock.seconds()


class _Clock:
    """Sums up stretches of time, in the order of the device; on a CPU, of all threads."""

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._pairs: list[tuple[Any, Any]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        first = self._mark()
        yield
        self._pairs.append((first, self._mark()))

    def _mark(self) -> Any:
        if not self._on_gpu:
            return time.perf_counter()
        mark = torch.cuda.Event(enable_timing=True)
        mark.record()
        return mark

    def seconds(self) -> float:
        if self._on_gpu:
            return sum(a.elapsed_time(b) for a, b in self._pairs) / 1000
        return sum(b - a for a, b in self._pairs)


@contextmanager
def _utilisation(device: torch.device, found: Watched) -> Iterator[None]:
    """Ask the driver five times a second, where there is one and its tool is installed."""
    tool = shutil.which("nvidia-smi") if device.type == "cuda" else None
    if tool is None:
        yield
        return
    identity = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    which = str(device.index or 0) if identity is None else f"GPU-{identity}"
    command = [tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits",
               "--loop-ms=200", "-i", which]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.terminate()
        told = process.communicate()[0]
        for line in told.split():
            with suppress(ValueError):
                found.used.append(float(line))
        found.how = "nvidia-smi"


def decoded(paths: Iterable[Path], threads: int) -> Iterator[Page]:
    """Pages in order, decoded ahead by so many threads."""

    def read(path: Path) -> Page:
        page = read_image(path)
        _ = page.rgb  # the pixels themselves, too
        return page

    with ThreadPoolExecutor(threads, "decode") as pool:
        ahead: deque[Any] = deque()
        for path in paths:
            ahead.append(pool.submit(read, path))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def cleaned(cleaner: Cleaner, paths: Sequence[Path]) -> tuple[list[Cleaned], Work]:
    """Clean each page once, which warms everything up.

    Returns:
        The pages; the transforms of all their projections, with the bytes that go there and back.
    """
    pages, works, iterate = [], [Work()], projection._iterate

    def counted(known: torch.Tensor, weight: torch.Tensor, iterations: int) -> torch.Tensor:
        result, work = transforms_of(lambda: iterate(known, weight, iterations))
        works.append(
            work + Work(up=4.0 * (known.numel() + weight.numel()), down=4.0 * known.numel())
        )
        return result

    with patch.object(projection, "_iterate", counted):
        for path, page in zip(paths, decoded(paths, 1), strict=True):
            result = cleaner.clean(page)
            hole = native.upright(result.mask, page.metadata.orientation)
            pages.append(Cleaned(path.stem, page.rgb, np.ascontiguousarray(hole)))
    return pages, sum(works[1:], works[0])


def whole(
    cleaner: Cleaner, paths: Sequence[Path], threads: int, device: torch.device
) -> tuple[dict[str, Any], Watched]:
    """Files to cleaned pages, decoded by so many threads, cleaned one after the other."""
    stages: Counter[str] = Counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with watched(device) as seen:
        for page in decoded(paths, threads):
            stages.update(cleaner.clean(page).seconds)
    figures = {
        "decode_threads": threads,
        "pages_per_s": len(paths) / seen.wall,
        "utilisation": seen.as_dict(),
        "stage_seconds": {name: spent / len(paths) for name, spent in stages.items()},
    }
    if device.type == "cuda":
        figures["memory_mb"] = torch.cuda.max_memory_allocated(device) / 2**20
    return figures, seen


def decode_seconds(paths: Sequence[Path]) -> float:
    """Of a page, in one thread, from a file that the system has in memory."""
    for _ in decoded(paths, 1):
        pass
    start = time.perf_counter()
    for path in paths:
        _ = read_image(path).rgb
    return (time.perf_counter() - start) / len(paths)
