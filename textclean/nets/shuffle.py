"""Twice the resolution by a 1x1 convolution, joined with what a skip brings.

Sub-pixel convolution (Shi et al., "Real-Time Single Image and Video Super-Resolution", CVPR 2016)
moves every value to another place, which on a CPU takes longer than the arithmetic. Here the
convolution's outputs come in an order in which the channels of a pixel lie side by side, and are
added where they belong: the same sums, nothing is moved.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def grown(conv: nn.Module, x: Tensor, skip: Tensor) -> Tensor:
    """``skip + pixel_shuffle(conv(x), 2)``; in inference the skip itself takes the sum.

    Args:
        conv: A 1x1 convolution to ``4 * C`` channels with a bias.
        x: ``(B, C1, H, W)``.
        skip: ``(B, C, 2 * H, 2 * W)``; fastest where both lie in memory as channels-last.

    Returns:
        ``(B, C, 2 * H, 2 * W)``, in memory as the skip.
    """
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    batch, channels, height, width = skip.shape
    order = (height // 2, 2, width // 2, 2, channels)
    weight = conv.weight.view(channels, 4, -1).transpose(0, 1).reshape(4 * channels, -1)
    bias = conv.bias.view(channels, 4).t().reshape(-1)
    y = F.linear(x.movedim(1, -1), weight, bias)  # (B, H, W, 2 * 2 * C)
    y = y.view(batch, height // 2, width // 2, 2, 2, channels).transpose(2, 3)
    joined = skip.movedim(1, -1).view(batch, *order)
    joined = joined + y if torch.is_grad_enabled() else joined.add_(y)
    return joined.reshape(batch, height, width, channels).movedim(-1, 1)
