"""What the trainer asks of a task: the training loop knows nothing about pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import torch

    from textclean.types import Image

Batch: TypeAlias = dict[str, Tensor]


class Player(nn.Module):
    """One network together with the loss it is trained by.

    The trainer gives each player an optimiser of its own and wraps the whole player for
    distributed training: one call of ``forward`` and one backward pass per step, whatever the
    loss does inside. Only ``network`` may be registered as a trainable submodule.

    Attributes:
        name: For logs and checkpoints.
        network: The network that is trained.
        lr: Learning rate relative to that of the run.
    """

    def __init__(self, name: str, network: nn.Module, lr: float = 1.0) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self.lr = lr

    def active(self, progress: float) -> bool:
        """Whether the network is trained at this point of the run, 0 to 1."""
        return True

    def forward(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """The weighted terms of the loss, by name; their sum is minimized.

        Each is a mean over the global batch.
        """
        raise NotImplementedError


class Examples(Protocol):
    """Training data. Must be picklable: worker processes get a copy."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int], rngs: Sequence[np.random.Generator]) -> Batch:
        """The examples of these indices, each varied by its own generator, as CPU tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """How good a network is on the validation samples.

    Attributes:
        score: The figure that decides which weights are best; higher is better.
        metrics: Figures by name, for the log.
        table: The same for people, some lines of text.
        sheet: Preview, or None.
    """

    score: float
    metrics: Mapping[str, float]
    table: str
    sheet: Image | None = None


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a run ended.

    Attributes:
        steps: Optimiser steps so far, resumed parts counted.
        hours: Wall-clock hours so far.
        finished: Whether the run reached its end (False = it was interrupted or cut short).
        weights: The exported averaged weights.
        best: The exported weights that validated best, or None without validation.
        score: Last validation score, or None.
        metrics: Last validation figures.
    """

    steps: int
    hours: float
    finished: bool
    weights: Path
    best: Path | None = None
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


class Task(Protocol):
    """A thing to be learned.

    Attributes:
        players: The networks with their losses; the first is averaged, validated and exported.
        examples: The training data.
        data_hash: Says which training data it was.
    """

    players: tuple[Player, ...]
    examples: Examples
    data_hash: str

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """A batch of ``examples`` on the device, in the form that players take."""

    def run(self, network: nn.Module, batch: Batch) -> object:
        """Run the network on a prepared batch, for the batch-norm statistics."""

    def validate(self, network: nn.Module, device: torch.device) -> Validation | None:
        """Judge a network in eval mode; None without validation samples."""

    def picture(self, batch: Batch) -> Image:
        """A sheet of a batch of ``examples``, to look at."""

    def export(self, network: nn.Module, path: Path, metadata: Mapping[str, Any]) -> None:
        """Write the network with its specification and this metadata, atomically."""
