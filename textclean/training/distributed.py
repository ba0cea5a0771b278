"""Several processes, one step: torchrun's environment, device choice, shared numbers.

Every process gets an equal slice of the batch. Losses are means over the global batch, so that
the gradients DistributedDataParallel averages are those of one process with the joint batch.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from textclean.errors import OptionsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class World:
    """Who this process is: ``rank`` of ``size``, and its number on this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0


@contextmanager
def world(device: torch.device | None = None) -> Iterator[World]:
    """Join the process group that torchrun's variables describe; alone without them.

    Args:
        device: The device of this process, as :func:`pick_device` gave it; decides between nccl
            and gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    here = World(int(os.environ["RANK"]), size, local_rank())
    cuda = device is not None and device.type == "cuda"
    dist.init_process_group("nccl" if cuda else "gloo", device_id=device if cuda else None)
    try:
        yield here
    finally:
        # A network that is shared holds on to the group, whose threads would outlive it.
        gc.collect()
        dist.destroy_process_group()


def is_main() -> bool:
    """Whether this process is the one that speaks, by torchrun's variables."""
    return os.environ.get("RANK", "0") == "0"


def local_rank() -> int:
    """The number of this process on its machine, 0 without torchrun."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def pick_device(name: str) -> torch.device:
    """The torch device of that name; "auto" takes CUDA, then MPS, then the CPU.

    Under torchrun "cuda" and "auto" mean the GPU of this process's number.

    Raises:
        OptionsError: No such device, or it is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            name = "cuda"
        else:
            name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise OptionsError(
            f"there is no device {name!r}", remedy="Known: auto, cpu, cuda, cuda:N, mps"
        )
    if device.type == "cuda":
        index = local_rank() if device.index is None else device.index
        if index >= torch.cuda.device_count():
            raise OptionsError(
                f"the device {name!r} is not there: {torch.cuda.device_count()} GPUs are visible",
                remedy="Choose another with --device",
            )
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise OptionsError("the device 'mps' is not there", remedy="Choose another with --device")
    return device


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes, detached; the tensor itself when alone."""
    value = value.detach()
    if not (dist.is_available() and dist.is_initialized()):
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def mean_figures(figures: dict[str, float]) -> dict[str, float]:
    """Figures of the same names in every process, each averaged over them."""
    if not (dist.is_available() and dist.is_initialized()):
        return figures
    boxes: list[dict[str, float]] = [{} for _ in range(dist.get_world_size())]
    dist.all_gather_object(boxes, figures)
    return {name: sum(box[name] for box in boxes) / len(boxes) for name in figures}


def from_main(values: list[float], device: torch.device) -> list[float]:
    """The values that the main process holds."""
    if not (dist.is_available() and dist.is_initialized()):
        return values
    box = torch.tensor(values, dtype=torch.float64, device=device)
    dist.broadcast(box, 0)
    return [float(v) for v in box.tolist()]


def barrier() -> None:
    """Wait until every process is here."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
