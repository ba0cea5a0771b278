"""The patch discriminator of training: which parts of a picture look drawn, which look made up.

Structure of ``NLayerDiscriminator`` in Wang et al., "High-Resolution Image Synthesis and Semantic
Manipulation with Conditional GANs" (pix2pixHD), CVPR 2018, without its normalization: instance
statistics turn the faint noise of a nearly white window into full contrast, batch statistics tie
one window's score to its neighbours', and under the gradient penalty neither is needed (Mescheder
et al., "Which Training Methods for GANs do actually Converge?", ICML 2018).
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from textclean.nets.initial import draw

SLOPE = 0.2
"""Slope of the leaky ReLUs below zero, as published."""


class PatchDiscriminator(nn.Module):
    """Convolutions of stride 2, one of stride 1, and one that gives a logit for each patch.

    Args:
        in_channels: Channels of the images.
        ndf: Channels of the first layer; doubled by each next, up to eight times.
        layers: Convolutions of stride 2.
    """

    def __init__(self, in_channels: int = 3, ndf: int = 64, layers: int = 4) -> None:
        super().__init__()
        if min(in_channels, ndf, layers) < 1:
            raise ValueError(f"a discriminator of {in_channels=}, {ndf=}, {layers=}")
        widths = [in_channels, *(ndf * min(2**i, 8) for i in range(layers + 1))]
        # The last of these keeps the size; a 4x4 kernel padded by 2 adds a pixel instead.
        self.features = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 4, stride=2 if i < layers else 1, padding=2)
            for i in range(layers + 1)
        )
        self.logits = nn.Conv2d(widths[-1], 1, 4, padding=2)
        for conv in (*self.features, self.logits):
            draw(conv, math.sqrt(2 / (1 + SLOPE**2)))

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge images.

        Args:
            image: ``(B, in_channels, H, W)`` in [0, 1].

        Returns:
            Logits ``(B, 1, h, w)``, high = real, and the ``layers + 1`` feature maps before them,
            first to last, each ``(B, C_i, h_i, w_i)``, for feature matching.
        """
        x = (image - 0.5) * 2
        maps = []
        for conv in self.features:
            x = F.leaky_relu(conv(x), SLOPE)
            maps.append(x)
        return self.logits(x), maps


def shrink_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring a mask to the size of a logit map; a patch is masked when any of its pixels is.

    Sampling the nearest pixel instead loses strokes thinner than the stride.

    Args:
        mask: ``(B, 1, H, W)``, 0 or 1.
        size: Height and width of the map.

    Returns:
        ``(B, 1, *size)``, 0 or 1.
    """
    return F.adaptive_max_pool2d(mask, size)
