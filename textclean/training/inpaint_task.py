"""The task of filling holes: windows in, filled windows out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.errors import OptionsError
from textclean.training.config import build
from textclean.training.inpaint_data import (
    InpaintData,
    InpaintExamples,
    fingerprint,
    on_device,
    open_pack,
)
from textclean.training.inpaint_networks import make_network, paint
from textclean.training.inpaint_players import make_players
from textclean.training.inpaint_validation import Judge
from textclean.training.log import sheet
from textclean.training.losses import LossWeights
from textclean.weights import save_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from textclean.training.config import TrainConfig
    from textclean.training.inpaint_data import Samples
    from textclean.training.task import Batch, Player, Validation
    from textclean.types import Image


class InpaintTask:
    """See :class:`textclean.training.task.Task`.

    Args:
        config: The run; its tables ``model``, ``data`` and ``loss`` are read here.
        pack: Training windows; None = the pack that the configuration names.
        validation: Windows to judge by; None = the pack that the configuration names, if any.
    """

    def __init__(
        self,
        config: TrainConfig,
        pack: Samples | None = None,
        validation: Samples | None = None,
    ) -> None:
        self.data = build(InpaintData, config.data, "the table `data`")
        weights = build(LossWeights, config.loss, "the table `loss`")
        pack = pack if pack is not None else open_pack(config.pack, "training")
        if validation is None and config.validation:
            validation = open_pack(config.validation, "validation")
        self.examples = InpaintExamples(pack, self.data)
        self.data_hash = fingerprint(pack)
        network = make_network(config, len(self.data.priors))
        self.players: tuple[Player, ...] = make_players(network, weights)
        multiple = network.spec.multiple
        if self.data.augment and self.data.size % multiple:
            raise OptionsError(
                f"data.size is {self.data.size}", remedy=f"It must be a multiple of {multiple}"
            )
        self._judge = None
        if validation is not None:
            self._judge = Judge(validation, self.data, multiple)

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """Floats in [0, 1] on the device."""
        return on_device(batch, device)

    def run(self, network: nn.Module, batch: Batch) -> Tensor:
        """Fill the holes of a prepared batch."""
        return paint(network, batch)[1]

    def validate(self, network: nn.Module, device: torch.device) -> Validation | None:
        """In-hole PSNR by family, beside that of the priors."""
        return self._judge(network, device) if self._judge else None

    def picture(self, batch: Batch) -> Image:
        """Rows of shown | hole | priors | target."""
        return sheet([_picture_row(batch, i) for i in range(len(batch["hole"]))])

    def export(self, network: nn.Module, path: Path, metadata: Mapping[str, Any]) -> None:
        """Write the weights as fp16 safetensors."""
        trained: Any = network
        about = {"training": json.dumps(metadata, sort_keys=True)}
        save_safetensors(trained, trained.spec, path, metadata=about)


def _picture_row(batch: Batch, index: int) -> tuple[str, list[Image]]:
    hole = batch["hole"][index].numpy()
    look = np.where(hole, 0, 255).astype(np.uint8)
    look[batch["see_through"][index].numpy()] = 128
    images = [batch["shown"][index].numpy(), np.repeat(look[..., None], 3, axis=2)]
    if "priors" in batch:
        images += list(batch["priors"][index].numpy())
    images.append(batch["target"][index].numpy())
    return f"{index}: hole {100 * hole.mean():.0f}%", images
