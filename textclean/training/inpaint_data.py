"""Windows for the inpainting task: out of packs, into batches, onto devices."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from textclean.errors import InputError, OptionsError
from textclean.training.pack import Pack, augment
from textclean.training.sample import Sample

if TYPE_CHECKING:
    from textclean.training.task import Batch
    from textclean.types import Image


class Samples(Protocol):
    """A pack of windows."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintData:
    """The ``data`` table of the configuration.

    Attributes:
        size: Side of the training windows in pixels.
        priors: Finished fills handed to the network, in this order: "projection", "smooth".
        augment: Vary the samples: crops, flips, quarter turns, inversion.
        rows: Rows of the validation preview.
        validation_batch: Windows judged at once.
        validation_windows: Most windows judged, spread over the pack; 0 = all.
    """

    size: int = 128
    priors: tuple[str, ...] = ("projection", "smooth")
    augment: bool = True
    rows: int = 16
    validation_batch: int = 8
    validation_windows: int = 120

    def __post_init__(self) -> None:
        if wrong := sorted(set(self.priors) - {"projection", "smooth"}):
            raise OptionsError(
                f"there is no prior {wrong[0]!r}", remedy="Known: projection, smooth"
            )
        if not 16 <= self.size <= 4096:
            raise OptionsError(f"size is {self.size}", remedy="It must lie between 16 and 4096")


def to_batch(samples: Sequence[Sample], priors: Sequence[str]) -> Batch:
    """Windows of one size as uint8 and bool CPU tensors, pixels last as they are stored.

    Returns:
        ``target`` and ``shown`` ``(B, H, W, 3)``, ``hole`` and ``see_through`` ``(B, H, W)``,
        ``priors`` ``(B, P, H, W, 3)``.

    Raises:
        InputError: A sample lacks a prior.
    """
    stacked = {
        "target": np.stack([s.target for s in samples]),
        "shown": np.stack([s.shown for s in samples]),
        "hole": np.stack([s.hole for s in samples]),
        "see_through": np.stack([s.see_through for s in samples]),
    }
    if priors:
        stacked["priors"] = np.stack([[prior(s, name) for name in priors] for s in samples])
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in stacked.items()}


def prior(sample: Sample, name: str) -> Image:
    """One of the finished fills of a sample.

    Raises:
        InputError: The sample has none of that name.
    """
    image: Image | None = getattr(sample, name)
    if image is None:
        raise InputError(
            f"the samples come without the prior {name!r}",
            remedy="Make the pack with it, or take it out of `data.priors`",
        )
    return image


def on_device(batch: Batch, device: torch.device) -> Batch:
    """A batch as networks take it.

    Returns:
        ``target`` and ``shown`` ``(B, 3, H, W)`` float32 in [0, 1], channels last in memory;
        ``hole`` and ``see_through`` ``(B, 1, H, W)`` of 0 and 1; ``priors`` ``(B, P, 3, H, W)``.
    """
    moved = {name: t.to(device, non_blocking=True) for name, t in batch.items()}
    ready = {
        "target": moved["target"].permute(0, 3, 1, 2).float() / 255,
        "shown": moved["shown"].permute(0, 3, 1, 2).float() / 255,
        "hole": moved["hole"].unsqueeze(1).float(),
        "see_through": moved["see_through"].unsqueeze(1).float(),
    }
    if "priors" in moved:
        ready["priors"] = moved["priors"].permute(0, 1, 4, 2, 3).float() / 255
    return ready


class InpaintExamples:
    """Training windows out of a pack; picklable where the pack is.

    Args:
        pack: The windows, all of one size.
        data: How they are cut and varied.

    Raises:
        OptionsError: The windows are smaller than those wanted.
    """

    def __init__(self, pack: Samples, data: InpaintData) -> None:
        self.pack = pack
        self.data = data
        smallest = min(pack[0].hole.shape)
        if data.augment and smallest < data.size:
            raise OptionsError(
                f"windows of {data.size} pixels cannot be cut from samples of {smallest}",
                remedy="Choose a smaller `data.size`, or make a pack of larger samples",
            )

    def __len__(self) -> int:
        return len(self.pack)

    def batch(self, indices: Sequence[int], rngs: Sequence[np.random.Generator]) -> Batch:
        """The windows of these indices, each varied by its own generator."""
        samples = [self.pack[index] for index in indices]
        if self.data.augment:
            pairs = zip(samples, rngs, strict=True)
            samples = [augment(sample, rng, self.data.size) for sample, rng in pairs]
        return to_batch(samples, self.data.priors)


def fingerprint(pack: Samples, most: int = 64) -> str:
    """A SHA-256 that tells packs apart: of their length and of samples spread over them."""
    digest = hashlib.sha256(str(len(pack)).encode())
    for index in spread(len(pack), most):
        sample = pack[index]
        for array in (sample.target, sample.shown, sample.hole, sample.see_through):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def open_pack(path: str, role: str) -> Samples:
    """The pack at ``path``.

    Raises:
        OptionsError: No path.
        FileAccessError: There is no pack.
        CorruptInputError: The pack is empty or damaged.
    """
    if not path:
        raise OptionsError(f"no {role} samples were given", remedy="Give a pack with --pack DIR")
    return Pack(path)


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices, evenly spread over ``count``; 0 = all."""
    if not most or most >= count:
        return list(range(count))
    return [i * count // most for i in range(most)]
