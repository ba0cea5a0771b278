"""The network of the ink task: made, prepared for training, and made plain again."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from textclean import nets
from textclean.errors import OptionsError, WeightsError
from textclean.nets.ink import InkUNet, InkUNetSpec
from textclean.training.config import build
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textclean.training.config import TrainConfig

_FAN_IN = 144
"""Inputs of a convolution up to which a step is taken whole: those of 3x3 on 16 channels."""


def make_network(config: TrainConfig) -> InkUNet:
    """The network that the ``model`` table asks for, or the one of the weights in ``init``.

    Raises:
        OptionsError: Hyper-parameters that make no network.
        UnknownNameError: There are no weights of the name in ``init``.
        WeightsError: The weights in ``init`` are damaged, or do not fit the configuration.
    """
    if config.init is not None:
        return _load(config.init, config.model)
    try:
        return InkUNet(build(InkUNetSpec, config.model, "the table `model`"))
    except ValueError as error:
        raise OptionsError(f"the table `model` describes no network: {error}") from error


def _load(name: str, table: Mapping[str, object]) -> InkUNet:
    """The network of some weights, which must be what the ``model`` table describes."""
    loaded = load_network(name)
    if not isinstance(loaded.module, InkUNet):
        raise WeightsError(f"{name} holds a {loaded.architecture}, not a {nets.INK_UNET}")
    values = loaded.module.spec.to_dict()
    for key, wanted in table.items():
        if values.get(key) != wanted:
            raise WeightsError(f"{name} has {key} = {values.get(key)}, `model` asks for {wanted}")
    loaded.module.requires_grad_(True).train()
    return loaded.module


class Rescaled(nn.Module):
    """A weight that is a factor times what the optimiser holds."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, held: Tensor) -> Tensor:
        """What the optimiser holds -> the weight."""
        return held * self.factor

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The weight -> what the optimiser holds."""
        return weight / self.factor


def evened(network: InkUNet) -> InkUNet:
    """The network, in place, with steps of the optimiser that suit all its convolutions.

    Adam moves every weight by about the learning rate, whatever its gradient. A sum over ten times
    the inputs then moves ten times as far, and without normalization nothing catches it: at rates
    that are right for the first level the lowest ones run away. So weights move in inverse
    proportion to the inputs of their convolution (Yang et al., "Tensor Programs V", NeurIPS 2021).
    What the network computes is the same.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            factor = min(1.0, _FAN_IN / module.weight[0].numel())
            if factor < 1:
                parametrize.register_parametrization(module, "weight", Rescaled(factor))
    return network


def plain(network: InkUNet) -> InkUNet:
    """A copy of a network as it was before :func:`evened`: weights under their own names."""
    copy = InkUNet(network.spec)
    with torch.no_grad():
        for name, parameter in copy.named_parameters():
            parameter.copy_(attrgetter(name)(network))
    return copy
