"""The task of telling what each pixel is: pieces of pages in, classes and bubbles out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from textclean.errors import OptionsError
from textclean.nets.ink import CLASSES, InkUNet
from textclean.training.config import build
from textclean.training.ink_data import (
    InkData,
    InkExamples,
    class_shares,
    fingerprint,
    on_device,
    open_pack,
)
from textclean.training.ink_losses import InkLoss, InkReading
from textclean.training.ink_networks import evened, make_network, plain
from textclean.training.ink_samples import InkSample
from textclean.training.ink_validation import Judge, looked
from textclean.training.log import sheet
from textclean.weights import save_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from textclean.training.config import TrainConfig
    from textclean.training.ink_samples import InkSamples
    from textclean.training.task import Batch, Player, Validation
    from textclean.types import Image


class InkTask:
    """See :class:`textclean.training.task.Task`.

    Args:
        config: The run; its tables ``model``, ``data`` and ``loss`` are read here.
        pack: Training samples; None = the pack that the configuration names.
        validation: Samples to judge by; None = the pack that the configuration names, if any.
    """

    def __init__(
        self,
        config: TrainConfig,
        pack: InkSamples | None = None,
        validation: InkSamples | None = None,
    ) -> None:
        self.data = build(InkData, config.data, "the table `data`")
        loss = build(InkLoss, config.loss, "the table `loss`")
        pack = pack if pack is not None else open_pack(config.pack, "training")
        if validation is None and config.validation:
            validation = open_pack(config.validation, "validation")
        self.examples = InkExamples(pack, self.data)
        self.data_hash = fingerprint(pack)
        network = make_network(config)
        shares = class_shares(pack, len(CLASSES)).tolist()
        self.players: tuple[Player, ...] = (InkReading(evened(network), loss, shares),)
        multiple = network.spec.multiple
        if self.data.augment and self.data.size % multiple:
            raise OptionsError(
                f"data.size is {self.data.size}", remedy=f"It must be a multiple of {multiple}"
            )
        self._judge = None if validation is None else Judge(validation, self.data, multiple)

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """Floats in [0, 1] and classes on the device."""
        return on_device(batch, device)

    def run(self, network: nn.Module, batch: Batch) -> Tensor:
        """Read a prepared batch."""
        logits: Tensor = network(batch["shown"])
        return logits

    def validate(self, network: nn.Module, device: torch.device) -> Validation | None:
        """Precision, recall and overlap of each class."""
        return self._judge(network, device) if self._judge else None

    def picture(self, batch: Batch) -> Image:
        """Rows of shown | labels."""
        pairs = zip(batch["shown"].numpy(), batch["labels"].numpy(), strict=True)
        samples = [InkSample(shown, labels) for shown, labels in pairs]
        return sheet([(str(i), [s.shown, looked(s)]) for i, s in enumerate(samples)])

    def export(self, network: nn.Module, path: Path, metadata: Mapping[str, Any]) -> None:
        """Write the weights as fp16 safetensors."""
        assert isinstance(network, InkUNet)
        about = {"training": json.dumps(metadata, sort_keys=True)}
        save_safetensors(plain(network), network.spec, path, metadata=about)
