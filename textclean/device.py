"""Where and how networks compute: device, number type, copies, threads. Loads no torch."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from textclean.errors import DependencyError, OptionsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

T = TypeVar("T")

DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """The device that is asked for; "auto" takes a GPU where there is one.

    Args:
        name: "auto", "cpu", "cuda", "cuda:N" (the N-th, from 0) or "mps".

    Raises:
        OptionsError: No such name.
        DependencyError: The device is not there, or the installed PyTorch cannot use it.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?|mps", name):
        raise OptionsError(f"there is no device {name!r}", remedy=f"Known: {', '.join(DEVICES)}")
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            name = "cuda"
        else:
            name = "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        _check_cuda(device.index or 0)
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise DependencyError(
            "the device mps is not there: it needs macOS 12.3 or newer on Apple silicon and a "
            "PyTorch built for it",
            remedy="Use --device auto",
        )
    return device


def _check_cuda(index: int) -> None:
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        raise DependencyError(
            f"the installed PyTorch {torch.__version__} is built without CUDA",
            remedy="Install a CUDA build of PyTorch, or use --device auto",
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        raise DependencyError(
            f"there is no CUDA device {index}: PyTorch finds {count}",
            remedy="Use --device auto" if not count else f"Use cuda:0 to cuda:{count - 1}",
        )


def compute_dtype(device: torch.device) -> torch.dtype:
    """The type for convolutions: bf16 on CUDA GPUs that have it, else fp32.

    Never fp16: LaMa's activations overflow it. bf16 is no gain on CPUs without matrix units.
    """
    import torch

    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if fast else torch.float32


@contextmanager
def inference(device: torch.device) -> Iterator[None]:
    """No gradients, :func:`compute_dtype` for convolutions, and repeatable kernels."""
    import torch

    dtype = compute_dtype(device)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        if device.type == "cuda":
            # Benchmarking picks kernels by chance, some kernels add up in any order.
            stack.enter_context(
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
            )
        if dtype != torch.float32:
            stack.enter_context(torch.autocast(device.type, dtype))
        yield


def upload(arrays: Sequence[NDArray[Any]], device: torch.device) -> torch.Tensor:
    """Arrays as one tensor on a device.

    To a CUDA device they go through pinned memory, and nobody waits for the copy: what is computed
    from the tensor comes after it in the device's own order. Elsewhere it is a plain copy.

    Args:
        arrays: At least one; all of one shape and type.
        device: Where to.

    Returns:
        ``(B, ...)``, of the arrays' type.
    """
    import numpy as np
    import torch

    if device.type != "cuda":
        return torch.from_numpy(np.stack(arrays)).to(device)
    dtype = torch.from_numpy(np.empty(0, arrays[0].dtype)).dtype
    pinned = torch.empty((len(arrays), *arrays[0].shape), dtype=dtype, pin_memory=True)
    np.stack(arrays, out=pinned.numpy())
    # PyTorch gives the pinned memory to nobody else before the copy is done.
    return pinned.to(device, non_blocking=True)


def download(tensor: torch.Tensor) -> Callable[[], NDArray[Any]]:
    """Begin to bring a tensor to the host.

    Args:
        tensor: On any device; not to be written to until its array is there.

    Returns:
        What waits for the copy and gives the array. From a CUDA device the copy goes to pinned
        memory, so that more work can be given to the device meanwhile; from elsewhere it is done.
    """
    import torch

    if tensor.device.type != "cuda":
        there = tensor.cpu().numpy()
        return lambda: there
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    pinned.copy_(tensor, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record(torch.cuda.current_stream(tensor.device))
    array = pinned.numpy()

    def wait() -> NDArray[Any]:
        copied.synchronize()
        return array

    return wait


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items, each when the next was begun: the device has work while one is waited for."""
    begun: list[T] = []
    for item in items:
        begun.append(item)
        if len(begun) > 1:
            yield begun.pop(0)
    yield from begun


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a computation says that memory ran out.

    PyTorch has a class of its own for it on CUDA only; CPUs, which differ by system, and mps tell
    it in a plain ``RuntimeError``.
    """
    import torch

    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    told = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(words in text for words in told)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes on the calling thread alone meanwhile; so do threads started meanwhile.

    Sums come out the same however many cores there are, and threads that have a window each do
    not wait for one another.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def limit_threads(count: int | None) -> None:
    """Let this process compute on so many threads; None leaves it to PyTorch. For workers."""
    if count is None:
        return
    if count < 1:
        raise OptionsError(f"the number of threads is {count}", remedy="Give 1 or more")
    import torch

    torch.set_num_threads(count)
