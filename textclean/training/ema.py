"""Averaged weights, and batch-norm statistics that fit them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from textclean.training.task import Batch

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class WeightAverage:
    """An exponential moving average of a network's weights and buffers.

    The decay starts low and rises to its final value, ``min(decay, (1 + t) / (10 + t))`` after t
    updates, so that the random first weights are soon forgotten (the rule of
    ``tf.train.ExponentialMovingAverage``).

    Attributes:
        network: The averaged network, in eval mode, without gradients.
        decay: Final decay per update; 0 = the network's latest weights.
        updates: Updates so far.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take one step towards the weights of ``network``."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        mine, theirs = _tensors(self.network), _tensors(network)
        floats = [(a, b) for a, b in zip(mine, theirs, strict=True) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1.0 - decay)
        for a, b in zip(mine, theirs, strict=True):
            if not a.is_floating_point():
                a.copy_(b)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [t.detach() for t in (*network.parameters(), *network.buffers())]


def has_batch_norm(network: nn.Module) -> bool:
    """Whether the network keeps running batch-norm statistics."""
    return any(isinstance(m, _NORMS) and m.track_running_stats for m in network.modules())


@torch.no_grad()
def recalibrated(
    network: nn.Module,
    batches: Iterable[Batch],
    forward: Callable[[nn.Module, Batch], object],
) -> nn.Module:
    """A copy in eval mode whose batch-norm statistics are the plain mean over ``batches``.

    Averaged weights meet other activations than the weights the running statistics were gathered
    with; measuring them again is what stochastic weight averaging does (Izmailov et al., 2018).
    A network without batch norm is handed back as it is.

    Args:
        network: The averaged network; not changed.
        batches: Training batches, on the network's device.
        forward: Runs the network on a batch.
    """
    if not has_batch_norm(network):
        return network
    fresh = copy.deepcopy(network)
    for module in fresh.modules():
        if isinstance(module, _NORMS) and module.track_running_stats:
            module.reset_running_stats()
            module.momentum = None  # cumulative mean
            module.train()
    for batch in batches:
        forward(fresh, batch)
    for ours, theirs in zip(fresh.modules(), network.modules(), strict=True):
        if isinstance(ours, _NORMS) and isinstance(theirs, _NORMS):
            ours.momentum = theirs.momentum
    return fresh.eval()
