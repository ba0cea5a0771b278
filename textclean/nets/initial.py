"""Initial weights, set in place.

Networks that are made on the meta device get theirs from a file. There is nothing to set there, but
PyTorch would load its compiler to find that out, which takes 1.5 s.
"""

from __future__ import annotations

import math

from torch import Tensor, nn


def normal(weights: Tensor, deviation: float = 1.0) -> None:
    """Normal weights of mean 0."""
    if not weights.is_meta:
        nn.init.normal_(weights, std=deviation)


def identity(weights: Tensor) -> None:
    """The identity, of ``(n, n)`` weights."""
    if not weights.is_meta:
        nn.init.eye_(weights)


def draw(conv: nn.Conv2d, gain: float) -> None:
    """Normal weights that multiply the standard deviation of white input by ``gain``; no bias."""
    fan_in = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
    normal(conv.weight, gain / math.sqrt(fan_in))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
