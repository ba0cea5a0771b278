"""What the ink network is trained by.

Cross entropy with more weight on rare classes decides each pixel; a Dice term asks for the overlap
of whole classes, which pixels that are nearly all "nothing" would drown (Milletari, Navab and
Ahmadi, "V-Net", 3DV 2016; over the batch as in Isensee et al., "nnU-Net", Nature Methods 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.errors import OptionsError
from textclean.nets.ffc import full_precision
from textclean.nets.ink import CLASSES
from textclean.training.distributed import mean_over_processes
from textclean.training.ink_data import IGNORED
from textclean.training.task import Player

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.training.task import Batch

_SMOOTH = 64.0
"""Pixels added to both sides of a Dice quotient, so that a few stray ones do not decide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InkLoss:
    """The ``loss`` table of the configuration; 0 leaves a term out.

    Attributes:
        cross: Cross entropy of the classes.
        dice: Soft Dice of the classes of ink that the batch holds.
        bubble: Binary cross entropy of the inside of bubbles.
        rare: Most weight of a class in the cross entropy, in multiples of the commonest's. Up to
            that, it is the inverse square root of the class's share of the pixels. 1 = all alike.
    """

    cross: float = 1.0
    dice: float = 0.5
    bubble: float = 0.5
    rare: float = 4.0

    def __post_init__(self) -> None:
        for name in ("cross", "dice", "bubble"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionsError(f"the loss weight {name} is {getattr(self, name)}")
        if not (self.cross or self.dice or self.bubble):
            raise OptionsError("all weights of the loss are 0", remedy="Give one of them")
        if not 1 <= self.rare <= 1000:
            raise OptionsError(f"rare is {self.rare}", remedy="It must lie between 1 and 1000")

    def class_weights(self, shares: Sequence[float]) -> tuple[float, ...]:
        """Weights of classes that make up these shares of the pixels."""
        most = max(shares)
        smallest = most / self.rare**2
        return tuple(math.sqrt(most / max(share, smallest)) for share in shares)


def cross_entropy(logs: Tensor, classes: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean over the pixels whose class is known.

    Args:
        logs: ``(B, C, H, W)`` log-probabilities.
        classes: ``(B, H, W)`` int64, :data:`IGNORED` where unknown.
        weights: ``(C,)``, of a pixel by its class.
    """
    total = F.nll_loss(logs, classes, weights, ignore_index=IGNORED, reduction="sum")
    known = classes != IGNORED
    count = (weights[classes.clamp(min=0)] * known).sum()
    return total / mean_over_processes(count).clamp(min=1.0)


def dice(probabilities: Tensor, classes: Tensor) -> Tensor:
    """Mean of ``1 - Dice`` over the classes of ink that the batch holds; 0 where it holds none.

    Of each process's own share of the batch: a quotient of sums has no part for each.

    Args:
        probabilities: ``(B, C, H, W)``; class 0, nothing, is left out.
        classes: ``(B, H, W)`` int64, :data:`IGNORED` where unknown.
    """
    known = classes != IGNORED
    missed, held = [], []
    for number in range(1, probabilities.shape[1]):
        truth = (classes == number).to(probabilities.dtype)
        said = probabilities[:, number] * known
        size = truth.sum()
        overlap = 2 * (said * truth).sum() + _SMOOTH
        missed.append(1 - overlap / (said.sum() + size + _SMOOTH))
        held.append((size > 0).to(size.dtype))
    there = torch.stack(held)
    return (torch.stack(missed) * there).sum() / there.sum().clamp(min=1.0)


class InkReading(Player):
    """The ink network and its loss.

    Args:
        network: An :class:`textclean.nets.ink.InkUNet`.
        loss: Weights of the terms.
        shares: Share of each class among the training pixels.
    """

    weights: Tensor

    def __init__(self, network: nn.Module, loss: InkLoss, shares: Sequence[float]) -> None:
        super().__init__("ink", network)
        self.loss = loss
        self.register_buffer("weights", torch.tensor(loss.class_weights(shares)), persistent=False)

    def forward(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Terms of a batch of :func:`textclean.training.ink_data.on_device`, by name."""
        logits = full_precision(self.network(batch["shown"]))  # (B, 7, H, W)
        classes, loss = batch["classes"], self.loss
        logs = torch.log_softmax(logits[:, : len(CLASSES)], dim=1)
        terms: dict[str, Tensor] = {}
        if loss.cross:
            terms["cross"] = loss.cross * cross_entropy(logs, classes, self.weights)
        if loss.dice:
            terms["dice"] = loss.dice * dice(logs.exp(), classes)
        if loss.bubble:
            said = logits[:, len(CLASSES)]
            entropy = F.binary_cross_entropy_with_logits(said, batch["bubble"])
            terms["bubble"] = loss.bubble * entropy
        return terms
