"""The networks of the inpainting task and the losses they are trained by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from textclean.nets.discriminator import PatchDiscriminator
from textclean.training import losses
from textclean.training.inpaint_networks import paint
from textclean.training.perceptual import load_perceptual_loss
from textclean.training.task import Batch, Player

if TYPE_CHECKING:
    from textclean.training.losses import LossWeights

RAMP = 0.05
"""Share of the run over which the adversarial terms rise to their weight."""


class Generator(Player):
    """The network that fills, and what its fills are judged by.

    Args:
        network: The network that fills.
        weights: Weights of the terms.
        critic: The discriminator, or None.

    Attributes:
        fake: What the network made of the last batch, ``(B, 3, H, W)`` without gradient.
    """

    def __init__(
        self, network: nn.Module, weights: LossWeights, critic: nn.Module | None = None
    ) -> None:
        super().__init__("generator", network)
        self.weights = weights
        self.pixels = losses.PixelLoss(weights)
        path = weights.perceptual_weights
        wanted = path is not None and weights.perceptual > 0
        self.perceptual = load_perceptual_loss(Path(path)) if path and wanted else None
        # In a tuple, so that it is no submodule: it is another player that trains it.
        self._critic = (critic,)
        self.fake: Tensor | None = None

    def forward(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Pixel, perceptual and, late in the run, adversarial terms."""
        painted, output = paint(self.network, batch)
        self.fake = output.detach()
        target = batch["target"]
        terms: dict[str, Tensor] = self.pixels(painted, output, target, batch["hole"])
        if self.perceptual is not None:
            terms["perceptual"] = self.weights.perceptual * self.perceptual(output, target)
        share = (progress - self.weights.adversarial_start) / RAMP
        critic = self._critic[0]
        if critic is not None and share > 0:
            judged = self._judged(critic, output, batch)
            terms |= {name: min(share, 1.0) * term for name, term in judged.items()}
        return terms

    def _judged(self, critic: nn.Module, output: Tensor, batch: Batch) -> dict[str, Tensor]:
        w = self.weights
        critic.requires_grad_(False)
        logits, features = critic(output)
        terms: dict[str, Tensor] = {}
        if w.adversarial:
            terms["adversarial"] = w.adversarial * losses.adversarial(logits, batch["hole"])
        if w.matching:
            with torch.no_grad():
                _, real = critic(batch["target"])
            terms["matching"] = w.matching * losses.feature_matching(features, real)
        return terms


class Critic(Player):
    """The discriminator, which learns to tell fills from pages.

    Args:
        network: The discriminator.
        weights: Weights of the terms.
        generator: Whose fills it judges; trained before it in each step.
    """

    def __init__(self, network: nn.Module, weights: LossWeights, generator: Generator) -> None:
        super().__init__("discriminator", network, lr=weights.critic_lr)
        self.weights = weights
        self._generator = (generator,)

    def active(self, progress: float) -> bool:
        """Only once the generator is about to listen."""
        return progress >= self.weights.adversarial_start

    def forward(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Real, fake and gradient-penalty terms, in full precision."""
        fake = self._generator[0].fake
        assert fake is not None, "the generator comes first"
        self.network.requires_grad_(True)
        hole = batch["hole"]
        with torch.autocast(hole.device.type, enabled=False):
            target = batch["target"].detach().requires_grad_(self.weights.r1 > 0)
            real, _ = self.network(target)
            judged, _ = self.network(fake.float())
            terms = losses.discriminator_terms(real, judged, hole)
            if self.weights.r1:
                terms["r1"] = self.weights.r1 * losses.r1_penalty(real, target, hole)
        return terms


def make_players(network: nn.Module, weights: LossWeights) -> tuple[Player, ...]:
    """The generator, and a discriminator where the loss wants one."""
    if not weights.needs_discriminator:
        return (Generator(network, weights),)
    discriminator = PatchDiscriminator(ndf=weights.critic_width, layers=weights.critic_layers)
    generator = Generator(network, weights, discriminator)
    return generator, Critic(discriminator, weights, generator)
