"""A run small enough for tests: windows of stripes, a network of a few hundred weights.

Run as a program, it is one process of a distributed run: ``tiny_training.py OUT STEPS``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from textclean.training import distributed
from textclean.training.config import TrainConfig
from textclean.training.inpaint_task import InpaintTask
from textclean.training.sample import Sample
from textclean.training.trainer import Trainer

MODEL = {"widths": [4, 6], "blocks": [1, 1], "spectral": [2, 2]}
LOSS = {"adversarial": 0.01, "matching": 0.1, "adversarial_start": 0.0, "critic_width": 4}


class TinyPack(list[Sample]):
    """A pack in memory that remembers which windows were taken."""

    def __init__(self, samples: list[Sample]) -> None:
        super().__init__(samples)
        self.taken: list[int] = []

    def __getitem__(self, index):
        self.taken.append(index)
        return super().__getitem__(index)


def sample(number: int, size: int = 40, family: str | None = None) -> Sample:
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:size, :size]
    wave = np.sin(x * rng.uniform(0.3, 2) + y * rng.uniform(0.3, 2))
    target = np.repeat(((wave + 1) * 127.5).astype(np.uint8)[..., None], 3, axis=2)
    hole = np.zeros((size, size), bool)
    top, left = rng.integers(4, size - 20, 2)
    hole[top : top + 14, left : left + 10] = True
    see_through = hole & (x % 5 == 0) if number % 2 else np.zeros_like(hole)
    shown, smooth, projection = target.copy(), target.copy(), target.copy()
    shown[hole] = 0
    smooth[hole] = target[~hole].mean()
    projection[hole] = np.roll(target, 1, axis=1)[hole]
    family = family or ("tone" if number % 3 else "art")
    return Sample(target, shown, hole, see_through, projection, smooth, family)


def pack(count: int = 12, size: int = 40) -> TinyPack:
    return TinyPack([sample(i, size) for i in range(count)])


def config(out: Path, **changes) -> TrainConfig:
    values = {
        "out": str(out),
        "model": MODEL,
        "loss": LOSS,
        "data": {"size": 32, "rows": 2},
        "steps": 20,
        "batch": 4,
        "warmup": 3,
        "ema": 0.9,
        "lr": 1e-3,
        "workers": 0,
        "device": "cpu",
        "log_every": 5,
        "recalibrate": 2,
    }
    return TrainConfig(**{**values, **changes})


def trainer(cfg: TrainConfig, samples: TinyPack | None = None, validation=None) -> Trainer:
    torch.manual_seed(cfg.seed)
    task = InpaintTask(cfg, samples if samples is not None else pack(), validation)
    return Trainer(cfg, task, distributed.World(), torch.device("cpu"))


def main() -> None:
    out, steps = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    cfg = config(out, steps=steps, warmup=0)
    device = distributed.pick_device("cpu")
    with distributed.world(device) as here:
        torch.manual_seed(here.rank)  # the processes must agree all the same
        task = InpaintTask(cfg, pack(), pack(3))
        Trainer(cfg, task, here, device).run()


if __name__ == "__main__":
    main()
