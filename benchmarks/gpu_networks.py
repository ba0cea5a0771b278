"""The networks of ``gpu.py`` by themselves: precisions, compiled, as graphs, in batches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gpu_floor import Rates, seconds, work_of
from gpu_pages import Cleaned
from torch import Tensor, nn

from textclean.detect.ink import InkReader, plan_tiles
from textclean.inpaint.fourier import FourierInpainter
from textclean.inpaint.jobs import Job, tensors
from textclean.inpaint.windows import merge_windows

DISTINCT = 8  # windows at most whose priors are worked out; larger batches repeat them
INK_DOWN, FILL_DOWN = 1, 4  # bytes of a value that goes back to the host


@dataclass(frozen=True)
class Mode:
    """A way to run a network.

    Attributes:
        kind: "fp32", "tf32" (convolutions may round to ten bits) or "bf16".
        compiled: By ``torch.compile``.
        graphed: Recorded once as a CUDA graph, then played.
    """

    kind: str
    compiled: bool = False
    graphed: bool = False


MODES = {
    "fp32": Mode("fp32"),
    "tf32": Mode("tf32"),
    "bf16": Mode("bf16"),
    "bf16+compile": Mode("bf16", compiled=True),
    "bf16+graph": Mode("bf16", graphed=True),
}


class UnsupportedModeError(Exception):
    """This machine cannot run a network in some way."""


@contextmanager
def precision(kind: str, device: torch.device) -> Iterator[None]:
    """As :func:`textclean.device.inference`, in a precision of our choice."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        if device.type == "cuda":
            flags = {"benchmark": False, "deterministic": True, "allow_tf32": kind == "tf32"}
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, **flags))
        if kind == "bf16":
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
        yield


def runner(
    network: nn.Module, given: Sequence[Tensor], mode: Mode, device: torch.device
) -> Callable[[], Tensor]:
    """What runs a network on some input in some way, warm.

    Raises:
        UnsupportedModeError: This machine cannot.
    """
    on_gpu = device.type == "cuda"
    if not on_gpu and (mode.graphed or mode.kind == "tf32"):
        raise UnsupportedModeError("needs a CUDA device")
    if on_gpu and mode.kind == "bf16" and not torch.cuda.is_bf16_supported(False):
        raise UnsupportedModeError("this GPU has no bf16")
    module: Callable[..., Tensor] = network
    if mode.compiled:
        torch._dynamo.reset()
        module = torch.compile(network, dynamic=False)

    def call() -> Tensor:
        # Casts of the weights live as long as autocast: entered here, a graph has its own.
        with precision(mode.kind, device):
            return module(*given)

    try:
        for _ in range(2):
            call()
        return _graph(call, device) if mode.graphed else call
    except Exception as error:
        # Compilers and drivers raise what they like.
        if on_gpu:
            with suppress(RuntimeError):
                torch.cuda.synchronize(device)
            torch.cuda.empty_cache()
        first = (str(error).strip().splitlines() or [""])[0]
        raise UnsupportedModeError(f"{type(error).__name__}: {first[:120]}") from None


def _graph(call: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """A call as a CUDA graph: what it computes, and where, is recorded once and played again."""
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = call()

    def play() -> Tensor:
        graph.replay()
        return out

    play()
    return play


def ink_alone(
    reader: InkReader, pages: Sequence[Cleaned], modes: Sequence[str], rounds: int, rates: Rates
) -> list[dict[str, Any]]:
    """The ink network on pages that lie on the device already, one after the other.

    Compiled, and as a graph, only on the first: each size of page is another program. Last comes
    the reader itself, with all that goes up and comes down, on the clock.
    """
    rows = []
    for name in modes:
        mode = MODES[name]
        chosen = pages[:1] if mode.compiled or mode.graphed else pages
        row: dict[str, Any] = {"mode": name, "pages": len(chosen)}
        try:
            taken, pixels, least = [], 0, []
            for page in chosen:
                inputs = _page_tensors(reader, page.image)
                shapes = [tuple(x.shape) for x in inputs]
                pixels += page.image.shape[0] * page.image.shape[1]
                taken.append(sum(
                    statistics.median(seconds(
                        runner(reader._module, [x], mode, reader._device), reader._device, rounds
                    ))
                    for x in inputs
                ))  # fmt: skip
                half = mode.kind == "bf16"
                works = [work_of(reader._module, [s], half=half, down=INK_DOWN) for s in shapes]
                least.append(sum(max(rates.floor(w, mode.kind).values()) for w in works))
            row |= {
                "pages_per_s": len(taken) / sum(taken),
                "megapixels_per_s": pixels / 1e6 / sum(taken),
                "times_floor": sum(taken) / sum(least),
            }
        except UnsupportedModeError as error:
            row["not_run"] = str(error)
        rows.append(row)
    taken, area = 0.0, 0
    for page in pages:
        start = time.perf_counter()
        reader(page.image)
        taken, area = taken + time.perf_counter() - start, area + page.hole.size
    reading = {"mode": "the reader", "pages": len(pages)}
    rows.append(
        reading | {"pages_per_s": len(pages) / taken, "megapixels_per_s": area / 1e6 / taken}
    )
    return rows


def _page_tensors(reader: InkReader, image: np.ndarray) -> list[Tensor]:
    """What the ink network is given of a page: ``(1, 3, H, W)`` for each tile, on the device."""
    height, width = image.shape[:2]
    multiple = reader._requirement.multiple
    tiles = plan_tiles(width, height, reach=reader._reach, multiple=multiple, budget=reader._budget)
    with torch.inference_mode():
        return [
            torch.from_numpy(reader._continued(image, tile.box)).to(reader._device)[None]
            .movedim(-1, 1).float() / 255
            for tile in tiles
        ]  # fmt: skip


def windows_of(
    inpainter: FourierInpainter, pages: Sequence[Cleaned], side: int, most: int
) -> list[Job]:
    """Square windows around holes of the pages, ready for the network; at least one."""
    jobs = []
    for page in pages:
        for window in merge_windows(page.hole, context=8, max_size=side):
            if len(jobs) == most:
                return jobs
            x0, y0, x1, y1 = window.hole
            job = _square(page.image, page.hole, (x0 + x1) // 2, (y0 + y1) // 2, side)
            jobs.append(inpainter._prepare(*job, None))
    if not jobs:  # no page has a hole
        image, hole = _square(pages[0].image, pages[0].hole, side // 2, side // 2, side)
        hole[side // 3 : side // 2, side // 4 : side // 2] = True
        jobs.append(inpainter._prepare(image, hole, None))
    return jobs


def _square(
    image: np.ndarray, hole: np.ndarray, x: int, y: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """A window of a page around a point, moved inside; the page is repeated where it is smaller."""
    rows, columns = (
        np.arange(side) + min(max(middle - side // 2, 0), max(length - side, 0))
        for middle, length in ((y, image.shape[0]), (x, image.shape[1]))
    )
    cells = np.ix_(rows % image.shape[0], columns % image.shape[1])
    return image[cells], hole[cells]


def fill_alone(
    inpainter: FourierInpainter,
    jobs: Sequence[Job],
    modes: Sequence[str],
    batches: Sequence[int],
    rounds: int,
    rates: Rates,
) -> list[dict[str, Any]]:
    """The inpainting network on batches of windows that lie on the device already.

    Compiled only in the smallest and the largest batch: each is another program, and takes a while.
    """
    network, device, size = inpainter._module, inpainter._device, jobs[0].mask.shape
    rows = []
    for batch in batches:
        repeated = [jobs[i % len(jobs)] for i in range(batch)]
        truth: Tensor | None = None
        for name in modes:
            mode = MODES[name]
            if mode.compiled and batch not in (batches[0], batches[-1]):
                continue
            row: dict[str, Any] = {"mode": name, "batch": batch, "side": size[0]}
            rows.append(row)
            try:
                with torch.inference_mode():
                    given = tensors(repeated, size, device)
                call = runner(network, given, mode, device)
            except UnsupportedModeError as error:
                row["not_run"] = str(error)
                continue
            except RuntimeError as error:
                row["not_run"] = str(error).splitlines()[0][:120]
                continue
            taken = statistics.median(seconds(call, device, rounds))
            shapes = [tuple(x.shape) for x in given]
            work = work_of(network, shapes, half=mode.kind == "bf16", down=FILL_DOWN)
            least = rates.floor(work, mode.kind)
            out = call().float().cpu().clamp(0, 1)
            truth = out if truth is None else truth
            row |= {
                "windows_per_s": batch / taken,
                "seconds": taken,
                "tera_operations_per_s": (work.products + work.transforms) / taken / 1e12,
                "floor_seconds": least,
                "times_floor": taken / max(least.values()),
                "levels_off_first_mode": float((out - truth).abs().max()) * 255,
            }
    return rows
