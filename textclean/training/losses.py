"""Losses of inpainting, as functions of plain tensors.

All images are ``(B, 3, H, W)`` in [0, 1], all masks ``(B, 1, H, W)`` with 1 = hole. Reductions are
means over the *global* batch: where a sum is divided by a number of pixels, that number is the mean
over all processes, so that averaged gradients are those of one process with the joint batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.errors import OptionsError
from textclean.nets.discriminator import shrink_mask
from textclean.nets.ffc import full_precision
from textclean.training.distributed import mean_over_processes


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weights of the generator's loss terms; 0 leaves a term out.

    With a projection as starting point a pure L1 loss never moves: under tone the error is
    two-sided and its sign averages out. Squared terms move at once, hence the defaults.

    Attributes:
        l1: Mean absolute error inside the hole.
        charbonnier: ``sqrt(d^2 + epsilon^2) - epsilon`` inside the hole.
        mse: Mean squared error inside the hole.
        psnr: Mean over windows of the log of the squared error in the hole; what a mean of PSNRs
            asks for. Smooth windows count as much as toned ones.
        known: Mean absolute error outside the hole, for networks that repaint the whole window.
        spectral: Difference of local Fourier magnitudes.
        adversarial: Non-saturating adversarial term.
        matching: Feature matching at the discriminator's layers.
        perceptual: High-receptive-field perceptual loss; only where ``perceptual_weights`` is
            given. Three times an L1 term of weight 1, as in LaMa's recipe.
        perceptual_weights: Path of the ADE20k dilated ResNet-50 encoder.
        r1: Gradient penalty of the discriminator on real images.
        epsilon: Where the Charbonnier term turns from square to linear, in [0, 1].
        psnr_floor: Squared error under which the ``psnr`` term stops caring.
        spectral_size: Side of the blocks of the spectral term, in pixels.
        adversarial_start: Share of the run after which the adversarial part sets in.
        critic_lr: Learning rate of the discriminator relative to that of the run.
        critic_width: Channels of the discriminator's first layer.
        critic_layers: Its convolutions of stride 2.
    """

    l1: float = 0.0
    charbonnier: float = 1.0
    mse: float = 4.0
    psnr: float = 0.02
    known: float = 0.0
    spectral: float = 0.1
    adversarial: float = 0.0
    matching: float = 0.0
    perceptual: float = 3.0
    perceptual_weights: str | None = None
    r1: float = 0.001
    epsilon: float = 0.02
    psnr_floor: float = 1e-5
    spectral_size: int = 32
    adversarial_start: float = 0.5
    critic_lr: float = 0.2
    critic_width: int = 64
    critic_layers: int = 4

    def __post_init__(self) -> None:
        pixel_terms = ("l1", "charbonnier", "mse", "psnr", "known", "spectral")
        others = ("perceptual", "adversarial", "matching", "r1", "critic_lr")
        for name in (*pixel_terms, *others):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionsError(f"the loss weight {name} is {getattr(self, name)}")
        if not any(getattr(self, name) for name in pixel_terms):
            raise OptionsError("all weights of the pixel losses are 0", remedy="Give one of them")
        if self.epsilon <= 0 or self.psnr_floor <= 0 or self.spectral_size < 4:
            raise OptionsError("epsilon, psnr_floor must be above 0, spectral_size at least 4")

    @property
    def needs_discriminator(self) -> bool:
        """Whether any adversarial term is on."""
        return self.adversarial > 0 or self.matching > 0


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``(B, C, H, W)`` values over the pixels of a mask, over the global batch.

    0 where the mask is empty everywhere.
    """
    count = mean_over_processes(mask.sum()) * values.shape[1]
    return (values * mask).sum() / count.clamp(min=1.0)


def l1(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error over the mask."""
    return masked_mean((output - target).abs(), mask)


def squared(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the mask."""
    return masked_mean((output - target).square(), mask)


def charbonnier(output: Tensor, target: Tensor, mask: Tensor, epsilon: float = 0.02) -> Tensor:
    """Differentiable L1 (Charbonnier et al., 1994) over the mask; 0 where the images agree."""
    error = (output - target).square()
    return masked_mean((error + epsilon**2).sqrt() - epsilon, mask)


def log_squared(output: Tensor, target: Tensor, mask: Tensor, floor: float = 1e-5) -> Tensor:
    """Mean over the windows of ``ln(1 + mse / floor)``, the error taken over each one's mask.

    Up to a factor, the mean PSNR of the windows with its sign turned (Chen et al., "Simple
    Baselines for Image Restoration", ECCV 2022). Windows with an empty mask count as perfect.
    """
    error = ((output - target).square() * mask).sum(dim=(1, 2, 3))  # (B,)
    count = mask.sum(dim=(1, 2, 3)) * output.shape[1]
    return torch.log1p(error / count.clamp(min=1.0) / floor).mean()


def spectral(output: Tensor, target: Tensor, mask: Tensor, size: int = 32) -> Tensor:
    """Mean absolute difference of local Fourier magnitudes, on the mean of the channels.

    Half-overlapping Hann-windowed blocks; only those that touch the mask count, each by its share
    of masked pixels. Magnitudes ask for the right texture where its phase cannot be known. Blind to
    colour, and cheaper by three for it.

    Args:
        output: ``(B, 3, H, W)``.
        target: ``(B, 3, H, W)``.
        mask: ``(B, 1, H, W)``.
        size: Side of a block; images smaller than it are one block.
    """
    with torch.autocast(output.device.type, enabled=False):
        grey = torch.cat([full_precision(output), target]).mean(dim=1)  # (2B, H, W)
        height, width = min(size, grey.shape[1]), min(size, grey.shape[2])
        blocks = _blocks(grey, height, width)  # (2B, n, m, h, w)
        window = torch.outer(_hann(height, grey), _hann(width, grey))
        spectrum = torch.fft.rfft2(blocks * window, norm="ortho")
        power = spectrum.real.square() + spectrum.imag.square()
        ours, theirs = (power + 1e-6).sqrt().chunk(2)  # the root's slope at zero is infinite
        difference = (ours - theirs).abs().mean(dim=(-2, -1))  # (B, n, m)
        share = _blocks(mask[:, 0], height, width).mean(dim=(-2, -1))
        total = mean_over_processes(share.sum()).clamp(min=1e-3)
        loss: Tensor = (difference * share).sum() / total
        return loss


def _blocks(x: Tensor, height: int, width: int) -> Tensor:
    """Half-overlapping blocks of ``(B, H, W)``: ``(B, n, m, height, width)``."""
    rows = x.unfold(1, height, max(height // 2, 1))
    blocks: Tensor = rows.unfold(2, width, max(width // 2, 1))
    return blocks


def _hann(size: int, like: Tensor) -> Tensor:
    whole = torch.hann_window(size + 2, periodic=False, device=like.device, dtype=like.dtype)
    return whole[1:-1]


def adversarial(logits: Tensor, mask: Tensor) -> Tensor:
    """The generator's non-saturating loss, ``softplus(-D)``, where the mask is.

    Args:
        logits: ``(B, 1, h, w)``, the discriminator's opinion of the generator's images.
        mask: ``(B, 1, H, W)`` at the resolution of the images.
    """
    return masked_mean(F.softplus(-logits.float()), shrink_mask(mask, _size(logits)))


def discriminator_terms(real: Tensor, fake: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The discriminator's losses on real and generated images.

    Generated images are fake only inside the mask; what they copy from the page outside it counts
    as real (Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions").

    Args:
        real: ``(B, 1, h, w)`` logits of the true images.
        fake: ``(B, 1, h, w)`` logits of the generator's.
        mask: ``(B, 1, H, W)``.
    """
    hole = shrink_mask(mask, _size(fake))
    judged = F.softplus(fake.float()) * hole + F.softplus(-fake.float()) * (1 - hole)
    return {"real": F.softplus(-real.float()).mean(), "fake": judged.mean()}


def r1_penalty(logits: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Squared gradient of the discriminator on real images (Mescheder et al., ICML 2018).

    Judged inside the mask: the logits whose receptive cell touches it.

    Args:
        logits: ``(B, 1, h, w)``, computed from ``images``.
        images: ``(B, 3, H, W)``, leaves that require gradients.
        mask: ``(B, 1, H, W)``.
    """
    hole = shrink_mask(mask, _size(logits))
    (gradient,) = torch.autograd.grad((logits.float() * hole).sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def feature_matching(fake: list[Tensor], real: list[Tensor]) -> Tensor:
    """Mean over the layers of the squared difference of features (Wang et al., pix2pixHD, 2018).

    Args:
        fake: Discriminator features of the generator's images, each ``(B, C, h, w)``.
        real: The same of the true images; no gradient flows into them.
    """
    pairs = zip(fake, real, strict=True)
    terms = [F.mse_loss(a.float(), b.detach().float()) for a, b in pairs]
    return torch.stack(terms).mean()


def _size(x: Tensor) -> tuple[int, int]:
    return int(x.shape[-2]), int(x.shape[-1])


class PixelLoss(nn.Module):
    """The terms that need no other network, weighted."""

    def __init__(self, weights: LossWeights) -> None:
        super().__init__()
        self.weights = weights

    def forward(
        self, painted: Tensor, output: Tensor, target: Tensor, hole: Tensor
    ) -> dict[str, Tensor]:
        """Weighted terms by name, each a scalar.

        Args:
            painted: ``(B, 3, H, W)``, all that the network painted.
            output: ``(B, 3, H, W)``, the same composed with the known pixels.
            target: ``(B, 3, H, W)``.
            hole: ``(B, 1, H, W)``.
        """
        w = self.weights
        terms: dict[str, Tensor] = {}
        if w.l1:
            terms["l1"] = w.l1 * l1(output, target, hole)
        if w.charbonnier:
            terms["charbonnier"] = w.charbonnier * charbonnier(output, target, hole, w.epsilon)
        if w.mse:
            terms["mse"] = w.mse * squared(output, target, hole)
        if w.psnr:
            terms["psnr"] = w.psnr * log_squared(output, target, hole, w.psnr_floor)
        if w.known:
            terms["known"] = w.known * l1(painted, target, 1 - hole)
        if w.spectral:
            terms["spectral"] = w.spectral * spectral(output, target, hole, w.spectral_size)
        return terms
