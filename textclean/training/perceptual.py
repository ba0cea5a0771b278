"""The high-receptive-field perceptual loss, for those who have its network's weights.

Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions" (WACV 2022),
section 2.2: squared differences of the features of a *dilated* ResNet-50 trained to segment scenes.
Its features see far at full resolution, and tell structure from texture better than those of a
classifier. The network is the encoder ``resnet50dilated`` of Zhou et al., "Semantic Understanding
of Scenes through the ADE20K Dataset" (IJCV 2018); its published file ``encoder_epoch_20.pth`` is a
plain state dict and is not shipped with textclean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.errors import WeightsError
from textclean.training.checkpoint import load_tensors

if TYPE_CHECKING:
    from pathlib import Path

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's training images, RGB in [0, 1]; what the network was trained with."""


class Bottleneck(nn.Module):
    """1×1 down, 3×3, 1×1 up by four, plus the input (He et al., CVPR 2016)."""

    def __init__(self, channels: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            width, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, 4 * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, 4 * width, H / stride, W / stride)``."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class DilatedResNet50(nn.Module):
    """ResNet-50 with a stem of three 3×3 convolutions; the last two stages dilate, not stride.

    Where a stage would stride, its first 3×3 convolution takes half the dilation of the others, so
    that all of its weights are those of the strided network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(128)
        self.layer1 = _stage(128, 64, 3)
        self.layer2 = _stage(256, 128, 4, stride=2)
        self.layer3 = _stage(512, 256, 6, dilation=2)
        self.layer4 = _stage(1024, 512, 3, dilation=4)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of the four stages.

        Args:
            x: ``(B, 3, H, W)``, normalized.

        Returns:
            ``(B, 256, H/4, W/4)``, then 512, 1024 and 2048 channels at H/8 by W/8.
        """
        x = F.relu(self.bn1(self.conv1(x)))  # (B, 64, H/2, W/2)
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))  # (B, 128, H/2, W/2)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # (B, 128, H/4, W/4)
        features = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        return features


def _stage(
    channels: int, width: int, blocks: int, *, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    first = Bottleneck(channels, width, stride, max(dilation // 2, 1))
    others = (Bottleneck(4 * width, width, 1, dilation) for _ in range(blocks - 1))
    return nn.Sequential(first, *others)


class PerceptualLoss(nn.Module):
    """Mean squared difference of features, summed over the four stages.

    Args:
        network: The network that looks; frozen and put in eval mode.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: DilatedResNet50) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> PerceptualLoss:
        """Stays in eval mode: the statistics of the batch norms are those of its own training."""
        return super().train(False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar, of two ``(B, 3, H, W)`` images in [0, 1]."""
        ours = self.network((output - self.mean) / self.std)
        with torch.no_grad():
            theirs = self.network((target - self.mean) / self.std)
        pairs = zip(ours, theirs, strict=True)
        return torch.stack([F.mse_loss(a.float(), b.float()) for a, b in pairs]).sum()


def load_perceptual_loss(path: Path) -> PerceptualLoss:
    """The loss with the weights of a file, which is read without executing anything from it.

    Args:
        path: The published ``encoder_epoch_20.pth``, or a safetensors file of the same names.

    Raises:
        FileAccessError: The file cannot be read.
        WeightsError: It does not hold this network.
    """
    found = load_tensors(path)
    network = DilatedResNet50()
    wanted = network.state_dict()
    # Files from before these counters existed lack them; in eval mode they have no effect.
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    kept = {n: t for n, t in found.items() if n in wanted and isinstance(t, Tensor)}
    wrong = sorted(set(wanted) - counters - set(kept))
    wrong += [name for name, t in kept.items() if t.shape != wanted[name].shape]
    if wrong:
        raise WeightsError(
            f"{path.name} is not the ADE20k dilated ResNet-50: {wrong[0]!r} is missing or of "
            f"another shape, and so are {len(wrong) - 1} others",
            remedy="The file wanted is encoder_epoch_20.pth of ade20k-resnet50dilated-ppm_deepsup",
        )
    network.load_state_dict({**wanted, **kept})
    return PerceptualLoss(network)
