"""From a configuration to a run: the table of tasks and the entry points."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from textclean.errors import OptionsError, OutputExistsError, UnknownNameError
from textclean.training import distributed
from textclean.training.checkpoint import NAME
from textclean.training.config import TrainConfig, load_config
from textclean.training.loader import Order
from textclean.training.log import save_png
from textclean.training.trainer import Trainer

if TYPE_CHECKING:
    from textclean.training.task import Task, TrainResult

logger = logging.getLogger("textclean.training")

TASKS: dict[str, str] = {
    "inpaint": "textclean.training.inpaint_task:InpaintTask",
    "ink": "textclean.training.ink_task:InkTask",
}
"""Name of a task -> module and factory, imported when wanted; the factory takes the config."""


def make_task(config: TrainConfig) -> Task:
    """The task that a configuration names.

    Raises:
        UnknownNameError: No such task.
    """
    if config.task not in TASKS:
        raise UnknownNameError(
            f"there is no training task {config.task!r}", remedy=f"Known: {', '.join(TASKS)}"
        )
    module, name = TASKS[config.task].split(":")
    factory = cast("Callable[[TrainConfig], Task]", getattr(import_module(module), name))
    return factory(config)


def train(config: TrainConfig, *, resume: bool = False, until: int | None = None) -> TrainResult:
    """Train what the configuration describes.

    Under ``torchrun`` every process calls this with the same arguments.

    Args:
        config: The run.
        resume: Go on from the checkpoint in ``config.out``, exactly: the same steps as without
            the interruption, bit for bit on the CPU.
        until: Step after which to pause.

    Returns:
        Where the weights are and how good they got.

    Raises:
        OptionsError: The configuration contradicts itself.
        OutputExistsError: The output folder holds a run already and ``resume`` was not asked for.
        TextcleanError: Data or weights that cannot be used.
    """
    if not config.out:
        raise OptionsError("no output folder was given", remedy="Give one with --out DIR")
    if not resume and (Path(config.out) / NAME).exists():
        raise OutputExistsError(
            "the output folder holds the checkpoint of a run already",
            remedy="Go on with it by --resume, or choose another --out",
        )
    if config.threads:
        torch.set_num_threads(config.threads)
    device = distributed.pick_device(config.device)
    with distributed.world(device) as here:
        torch.manual_seed(config.seed)
        trainer = Trainer(config, make_task(config), here, device)
        if resume:
            trainer.resume()
        try:
            return trainer.run(until)
        except torch.cuda.OutOfMemoryError as error:
            raise OptionsError(
                f"the memory of {device} does not suffice for a batch of {config.batch}",
                remedy="Choose a smaller `batch` or `data.size`, and --resume",
            ) from error


def dry_run(config: TrainConfig, path: Path | None = None) -> Path:
    """Draw one batch of training samples, varied as training would, as a sheet to look at.

    Args:
        config: The run.
        path: The PNG to write; by default ``samples.png`` in the output folder.

    Returns:
        The sheet.
    """
    task = make_task(config)
    order = Order(len(task.examples), config.batch, config.seed)
    batch = task.examples.batch(order.indices(0), order.generators(0))
    path = path or Path(config.out) / "samples.png"
    save_png(task.picture(batch), path)
    return path


def run_from_cli(
    *,
    config: Path | None = None,
    pack: Path | None = None,
    val: Path | None = None,
    out: Path | None = None,
    init: str | None = None,
    resume: bool = False,
    minutes: float | None = None,
    device: str | None = None,
    dry: bool = False,
    **changes: Any,
) -> TrainResult | Path:
    """What the command line calls; options that are None stay as the file says.

    Args:
        config: TOML file; None = all defaults.
        pack: Training samples.
        val: Validation samples.
        out: Folder of the run.
        init: Weights to start from.
        resume: Go on from the checkpoint in ``out``.
        minutes: Wall-clock budget of the whole run.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dry: Only draw a sheet of training samples.
        **changes: Other values of :class:`TrainConfig` by name.

    Returns:
        The result of the run; the path of the sheet for ``dry``.
    """
    paths = {"pack": pack, "validation": val, "out": out}
    given = {name: str(path) for name, path in paths.items() if path is not None}
    given_values: dict[str, Any] = {"init": init, "minutes": minutes, "device": device}
    chosen = load_config(config, **given, **given_values, **changes)
    return dry_run(chosen) if dry else train(chosen, resume=resume)
