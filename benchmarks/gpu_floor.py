"""The least that a network's work can take on a device: operations, bytes, and how fast it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

T = TypeVar("T")

aten = torch.ops.aten
TRANSFORMS = (aten._fft_r2c, aten._fft_c2r, aten._fft_c2c)
PRODUCTS = (aten.convolution, aten.mm, aten.addmm, aten.bmm, aten.baddbmm)


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        products: Operations of convolutions and matrix products; a multiplication and an addition
            are two.
        transforms: Operations of Fourier transforms: 5 N log2 N for N complex values, half of it
            for real ones.
        moved: Bytes that convolutions, products and transforms read and write, each tensor once,
            weights included; all that lies between them would be part of them.
        up: Bytes from the host to the device.
        down: Bytes back.
    """

    products: float = 0.0
    transforms: float = 0.0
    moved: float = 0.0
    up: float = 0.0
    down: float = 0.0

    def __add__(self, other: Work) -> Work:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Work(*(a + b for a, b in pairs))

    def __mul__(self, factor: float) -> Work:
        return Work(*(value * factor for value in vars(self).values()))


@dataclass(frozen=True)
class Rates:
    """How fast a device is, by measurement.

    Attributes:
        products: Operations a second of large matrix products, by mode ("fp32", "tf32", "bf16").
        memory: Bytes a second that a copy within its memory reads and writes.
        up: Bytes a second from pinned memory; None where nothing has to be moved.
        down: Bytes a second to pinned memory; None as before.
    """

    products: dict[str, float]
    memory: float
    up: float | None = None
    down: float | None = None

    def floor(self, work: Work, kind: str) -> dict[str, float]:
        """Seconds that each part of some work takes at least; all of them may run at once."""
        fastest = self.products.get(kind, max(self.products.values()))
        found = {
            "operations": work.products / fastest + work.transforms / self.products["fp32"],
            "memory": work.moved / self.memory,
        }
        if self.up and self.down:
            found["copies"] = max(work.up / self.up, work.down / self.down)
        return found


def work_of(
    network: nn.Module, shapes: Iterable[tuple[int, ...]], *, half: bool, down: int
) -> Work:
    """What one run of a network asks for; nothing is computed.

    Args:
        network: The network.
        shapes: Of each of its inputs, whose values are one byte each on the host.
        half: Whether convolutions read and write two bytes a value.
        down: Bytes a value of its output takes on the way to the host.
    """
    device = next(network.parameters()).device
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
        given = [torch.empty(shape, device=device) for shape in shapes]
        with FlopCounterMode(display=False) as products, _Counted(half=half) as counted:
            out: Tensor = network(*given)
    up = float(sum(x.numel() for x in given))
    return Work(
        float(products.get_total_flops()),
        counted.transforms,
        counted.moved,
        up,
        float(down * out.numel()),
    )


def transforms_of(call: Callable[[], T]) -> tuple[T, Work]:
    """What a call gives; Fourier transforms that the calling thread made meanwhile."""
    with _Counted(half=False) as counted:
        result = call()
    return result, Work(transforms=counted.transforms, moved=counted.moved)


def _transform(shape: torch.Size, out: torch.Size, dims: Sequence[int]) -> float:
    """Operations of a transform; where one of its sides is real, half of those of a complex one."""
    # A side that is real has all of the values, the other one about half of them.
    whole = max(shape, out, key=math.prod)
    total = 5 * math.prod(whole) * math.log2(max(math.prod(whole[d] for d in dims), 2))
    return total if shape == out else total / 2


class _Counted(TorchDispatchMode):
    """Counts transforms, and the bytes that convolutions, products and they read and write."""

    def __init__(self, *, half: bool) -> None:
        super().__init__()
        self.transforms = self.moved = 0.0
        self._half = half

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind, kwargs = func.overloadpacket, kwargs or {}
        if str(kind).startswith("aten.fft_"):  # in inference mode they come undivided
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if kind not in PRODUCTS + TRANSFORMS:
            return out
        share = 0.5 if self._half and kind is aten.convolution else 1.0
        tensors = [x for x in (*args, out) if isinstance(x, Tensor)]
        self.moved += share * sum(x.numel() * x.element_size() for x in tensors)
        if kind in TRANSFORMS:
            self.transforms += _transform(args[0].shape, out.shape, args[1])
        return out


def measured_rates(device: torch.device, kinds: Iterable[str]) -> Rates:
    """Measure a device: it is idle otherwise, it is hoped."""
    on_gpu = device.type == "cuda"
    side, size = (8192, 2**28) if on_gpu else (512, 2**24)
    products = {}
    for kind in sorted({"fp32", *kinds}):
        a = torch.rand(side, side, device=device)
        a = a.bfloat16() if kind == "bf16" else a
        with tf32(kind == "tf32"):
            products[kind] = 2 * side**3 / _fastest(lambda a=a: a @ a, device)
    here, there = (torch.empty(size, dtype=torch.uint8, device=device) for _ in range(2))
    memory = 2 * size / _fastest(lambda: there.copy_(here), device)
    if not on_gpu:
        return Rates(products, memory)
    pinned = torch.empty(size, dtype=torch.uint8, pin_memory=True)
    up = size / _fastest(lambda: there.copy_(pinned, non_blocking=True), device)
    down = size / _fastest(lambda: pinned.copy_(there, non_blocking=True), device)
    return Rates(products, memory, up, down)


@contextmanager
def tf32(allowed: bool) -> Any:
    """Matrix products may round to ten bits meanwhile, where a GPU can; or must not."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def seconds(call: Callable[[], Any], device: torch.device, rounds: int) -> list[float]:
    """What a call takes on a device, ``rounds`` times: between two events in its own order.

    On a CPU, on the clock. The call must be warm.
    """
    if device.type != "cuda":
        taken = []
        for _ in range(rounds):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
        return taken
    pairs = []
    torch.cuda.synchronize(device)
    for _ in range(rounds):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        call()
        last.record()
        pairs.append((first, last))
    torch.cuda.synchronize(device)
    return [first.elapsed_time(last) / 1000 for first, last in pairs]


def _fastest(call: Callable[[], Any], device: torch.device) -> float:
    call()
    return max(min(seconds(call, device, 5)), 1e-9)
