"""Generators of the inpainting task, made and called: the one place that knows their kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from textclean import nets
from textclean.errors import OptionsError, WeightsError
from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.training.config import build
from textclean.weights import load_network

if TYPE_CHECKING:
    from torch import nn

    from textclean.nets import Network
    from textclean.training.config import TrainConfig
    from textclean.training.task import Batch

_SPECS = {nets.FOURIER_UNET: FourierUNetSpec, nets.LAMA: LamaSpec}


def make_network(config: TrainConfig, priors: int) -> Network:
    """The generator that the ``model`` table asks for, or the one of the weights in ``init``.

    Args:
        config: The run. ``model.architecture`` is one of :data:`textclean.nets.ARCHITECTURES`, by
            default our own; the table's other keys are fields of its specification. With ``init``
            the table may be empty.
        priors: How many finished fills the network is handed.

    Raises:
        OptionsError: No such architecture, or hyper-parameters that it does not know.
        UnknownNameError: There are no weights of the name in ``init``.
        WeightsError: The weights in ``init`` are damaged, or do not fit the configuration.
    """
    table = dict(config.model)
    architecture = table.pop("architecture", None)
    if architecture not in (None, *_SPECS):
        raise OptionsError(
            f"there is no architecture {architecture!r}", remedy=f"Known: {', '.join(_SPECS)}"
        )
    if config.init is not None:
        return _load(config.init, architecture, table, priors)
    kind: type[Any] = _SPECS[architecture or nets.FOURIER_UNET]
    if kind is FourierUNetSpec:
        table["priors"] = priors
    try:
        spec = build(kind, table, "the table `model`")
        return nets.build(*nets.describe(spec))
    except ValueError as error:
        raise OptionsError(f"the table `model` describes no network: {error}") from error


def _load(name: str, architecture: str | None, table: dict[str, Any], priors: int) -> Network:
    """The network of some weights, which must be what the ``model`` table describes."""
    loaded = load_network(name)
    if architecture not in (None, loaded.architecture):
        raise WeightsError(f"{name} holds a {loaded.architecture}, `model` asks for {architecture}")
    _, values = nets.describe(loaded.spec)
    for key, wanted in table.items():
        if values.get(key) != wanted:
            raise WeightsError(f"{name} has {key} = {values.get(key)}, `model` asks for {wanted}")
    if isinstance(loaded.spec, FourierUNetSpec) and loaded.spec.priors != priors:
        raise WeightsError(
            f"{name} was trained with {loaded.spec.priors} priors, `data.priors` lists {priors}"
        )
    loaded.module.requires_grad_(True).train()
    return loaded.module


def paint(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Run a generator on a batch of :func:`textclean.training.inpaint_data.on_device`.

    Returns:
        ``(B, 3, H, W)`` as painted, and the same composed: the shown image outside the hole. One
        and the same tensor where the network composes by itself.
    """
    shown, hole = batch["shown"], batch["hole"]
    if isinstance(network, LamaGenerator):
        painted: Tensor = network(shown, hole)
        return painted, torch.where(hole > 0.5, painted.float(), shown)
    assert isinstance(network, FourierUNet)
    filled: Tensor = network(shown, hole, batch["see_through"], batch.get("priors"))
    return filled, filled
