"""What a training run is told: one frozen dataclass, read from TOML, checked when it is made."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from textclean.errors import FileAccessError, OptionsError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run; what every task shares. ``model``, ``data`` and ``loss`` are the task's.

    Attributes:
        task: Name of the task ("inpaint" ...).
        model: Table of the task: the network's architecture and hyper-parameters.
        data: Table of the task: how samples are cut and varied.
        loss: Table of the task: weights of the loss terms.
        pack: Training samples, a path.
        validation: Validation samples, a path; "" = no validation.
        out: Folder for checkpoints, log, previews and weights.
        init: Weights to start from; None = random.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        threads: CPU threads of the network; 0 = as torch chooses.
        workers: 0 = batches are made in the training thread, 1 = in a background thread,
            more = in that many processes. The batches are the same in each case.
        seed: Seeds the initial weights, the order of the samples and their variations.
        batch: Samples per step, over all processes together.
        steps: Optimiser steps of the whole run; 0 = as many as ``minutes`` allow.
        minutes: Wall-clock budget of the whole run, resumed parts counted; 0 = no limit.
        lr: Peak learning rate of Adam.
        final_lr: Learning rate at the end of the cosine, as a share of ``lr``.
        warmup: Steps over which the learning rate rises linearly.
        betas: Adam's moment decays.
        weight_decay: Decoupled weight decay (AdamW); 0 = plain Adam.
        clip: Largest global gradient norm; 0 = no clipping. Meant for outliers: with the default
            losses the norm is about 1.
        ema: Decay per step of the averaged weights; 0 = no averaging.
        amp: bfloat16 autocast; only has an effect on CUDA.
        log_every: Steps between rows of ``log.csv``.
        checkpoint_minutes: Minutes between checkpoints.
        validate_minutes: Minutes between validations; 0 = at the end only.
        validate_steps: Steps between validations, besides ``validate_minutes``; 0 = none.
        recalibrate: Batches for the batch-norm statistics of the averaged network, where it has
            any.
    """

    task: str = "inpaint"
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    pack: str = ""
    validation: str = ""
    out: str = ""
    init: str | None = None
    device: str = "auto"
    threads: int = 0
    workers: int = 1
    seed: int = 0
    batch: int = 16
    steps: int = 0
    minutes: float = 0.0
    lr: float = 1e-3
    final_lr: float = 0.01
    warmup: int = 200
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    clip: float = 5.0
    ema: float = 0.999
    amp: bool = True
    log_every: int = 20
    checkpoint_minutes: float = 5.0
    validate_minutes: float = 15.0
    validate_steps: int = 0
    recalibrate: int = 100

    def __post_init__(self) -> None:
        _check(self)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them; for checkpoints and reports."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def load_config(path: Path | None, **changes: Any) -> TrainConfig:
    """Read a TOML file; ``changes`` that are not None win over it.

    Args:
        path: The file; None = all defaults.
        **changes: Values of :class:`TrainConfig` by name, and ``perceptual``, the path of the
            perceptual weights in the ``loss`` table.

    Raises:
        FileAccessError: The file cannot be read.
        OptionsError: It is not TOML, or holds an unknown key or a value out of range.
    """
    table = _read(path) if path else {}
    given = {name: value for name, value in changes.items() if value is not None}
    if perceptual := given.pop("perceptual", None):
        table["loss"] = {**table.get("loss", {}), "perceptual_weights": perceptual}
    return build(TrainConfig, {**table, **given}, "the configuration")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileAccessError(f"cannot read {path.name}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionsError(f"{path.name} is not TOML: {error}") from error


def build(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Make a dataclass from a table of plain values, strictly.

    Lists become tuples and whole numbers floats where the field wants them; nested dataclasses
    are built from nested tables.

    Raises:
        OptionsError: A key that the dataclass does not know, or a value of the wrong type.
    """
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - known):
        raise OptionsError(
            f"{where} has no key {unknown[0]!r}", remedy=f"Known: {', '.join(sorted(known))}"
        )
    hints = get_type_hints(kind)
    values = {
        name: _cast(value, hints[name], f"{name} of {where}") for name, value in table.items()
    }
    return kind(**values)


def _cast(value: Any, hint: Any, where: str) -> Any:
    """``value`` as the type that ``hint`` describes."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    hint = next(option for option in options if option is not type(None))
    if is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        args = get_args(hint)
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        if len(kinds) == len(value):
            return tuple(_cast(v, k, where) for v, k in zip(value, kinds, strict=True))
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif not isinstance(hint, type) or type(value) is hint:
        return value  # a Literal or a Mapping is checked by its owner
    raise OptionsError(f"{where} is {value!r}, which is not of type {_name(hint)}")


def _name(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint)) if get_origin(hint) is None else str(hint)


def _check(c: TrainConfig) -> None:
    for name, low, high in (
        ("threads", 0, 1024),
        ("workers", 0, 256),
        ("batch", 1, 65536),
        ("steps", 0, 10**9),
        ("minutes", 0, 10**6),
        ("lr", 0, 10),
        ("final_lr", 0, 1),
        ("warmup", 0, 10**7),
        ("weight_decay", 0, 1),
        ("clip", 0, 10**6),
        ("ema", 0, 0.999999),
        ("log_every", 1, 10**6),
        ("checkpoint_minutes", 0, 10**6),
        ("validate_minutes", 0, 10**6),
        ("validate_steps", 0, 10**9),
        ("recalibrate", 1, 10**5),
    ):
        value = getattr(c, name)
        if not low <= value <= high:
            raise OptionsError(f"{name} is {value}", remedy=f"It must lie between {low} and {high}")
