"""Checkpoints: everything that a step depends on, written whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from textclean.errors import FileAccessError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textclean.training.config import TrainConfig

NAME = "checkpoint.pt"
_FORMAT = 1


@dataclass(slots=True)
class Checkpoint:
    """State of a run between two steps.

    Attributes:
        step: Steps done.
        seconds: Wall-clock seconds so far.
        config: The configuration, as plain values.
        data_hash: Says which training data it was.
        networks: State dicts of the players' networks by name.
        optimizers: State dicts of their optimisers by name.
        average: State dict of the averaged network.
        updates: Updates of the average.
        best: Best validation score, or None.
    """

    step: int
    seconds: float
    config: dict[str, Any]
    data_hash: str
    networks: dict[str, dict[str, Any]]
    optimizers: dict[str, dict[str, Any]]
    average: dict[str, Any]
    updates: int
    best: float | None = None
    format: int = field(default=_FORMAT)


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint atomically: a kill at any moment leaves the old one or the new one.

    Raises:
        FileAccessError: The folder cannot be written.
    """
    values = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    values["config"] = json.dumps(checkpoint.config)
    write_atomically(path, lambda temporary: torch.save(values, temporary))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, tensors and plain values only: nothing in the file is executed.

    Raises:
        FileAccessError: There is none, or it cannot be read.
        WeightsError: It is not a checkpoint of this trainer.
    """
    if not path.exists():
        raise FileAccessError(
            f"there is no {path.name} in the output folder to go on from",
            remedy="Leave out --resume to start afresh",
        )
    values = load_tensors(path)
    if set(values) != set(Checkpoint.__slots__):
        raise WeightsError(
            f"{path.name} is not a training checkpoint", remedy="Leave out --resume to start afresh"
        )
    if values["format"] != _FORMAT:
        raise WeightsError(f"{path.name} is a checkpoint of format {values['format']!r}")
    values["config"] = json.loads(values["config"])
    return Checkpoint(**values)


def load_tensors(path: Path) -> dict[str, Any]:
    """A dictionary of tensors and plain values as ``torch.save`` wrote it, old form or new.

    Torch's restricted unpickler reads it: nothing in the file is executed. Safetensors files are
    read too.

    Raises:
        FileAccessError: There is no such file, or it cannot be read.
        WeightsError: It is damaged, or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        values = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise FileAccessError(f"cannot read {path.name}: {error.strerror or error}") from error
    except Exception as error:
        # What torch raises on damaged bytes is no short list: whatever its unpickler trips over.
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path.name} is damaged or holds more than tensors and plain values: {reason}"
        ) from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path.name} holds no dictionary, but a {type(values).__name__}")
    return values


#: Settings that may differ between a checkpoint and the run that resumes it: they change where or
#: how fast the run goes, and when it ends, but not what a step is.
FREE = frozenset(
    {"pack", "validation", "out", "init", "device", "threads", "workers", "minutes", "steps"}
    | {"log_every", "checkpoint_minutes", "validate_minutes", "validate_steps", "recalibrate"}
)


def check_resumable(checkpoint: Checkpoint, config: TrainConfig, data_hash: str) -> list[str]:
    """What differs between a checkpoint and the run that would go on from it.

    Returns:
        A line for each difference that is allowed but makes it another run.

    Raises:
        WeightsError: The model or the task is another one.
    """
    ours, theirs = json.loads(json.dumps(config.as_dict())), checkpoint.config
    for name in ("task", "model"):
        if ours[name] != theirs.get(name):
            raise WeightsError(
                f"the checkpoint's {name} is {theirs.get(name)}, the run's {ours[name]}",
                remedy="Use its configuration, or another --out, with --init to reuse the weights",
            )
    changed = [
        f"{name} was {theirs.get(name)!r}, is {value!r}"
        for name, value in ours.items()
        if name not in FREE and theirs.get(name) != value
    ]
    if checkpoint.data_hash != data_hash:
        changed.append("the training data is another one")
    return changed


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file beside ``path``, then put it in its place.

    Raises:
        FileAccessError: The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            write(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileAccessError(f"cannot write {path.name}: {error.strerror or error}") from error
