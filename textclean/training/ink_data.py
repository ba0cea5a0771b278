"""Pieces of pages for the ink task: out of packs, varied, into batches, onto devices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from textclean.errors import OptionsError
from textclean.training.drawing import HIGHLIGHTER, LETTERING, as_rgb, chance, u8, uniform
from textclean.training.ink_samples import BUBBLE, UNKNOWN, InkPack, InkSample
from textclean.training.inpaint_data import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.training.ink_samples import InkSamples
    from textclean.training.task import Batch
    from textclean.types import Image

IGNORED = -100
"""Class of pixels that are neither trained nor judged."""

_GREY_WEIGHTS = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, kw_only=True)
class InkData:
    """The ``data`` table of the configuration.

    Attributes:
        size: Side of the training windows in pixels.
        augment: Vary the samples: crops, flips, quarter turns, inversion, colours, tones.
        rows: Rows of the validation preview.
        validation_batch: Windows judged at once.
        validation_windows: Most windows judged, spread over the pack; 0 = all.
    """

    size: int = 320
    augment: bool = True
    rows: int = 16
    validation_batch: int = 4
    validation_windows: int = 160

    def __post_init__(self) -> None:
        for name, low, high in (
            ("size", 16, 4096),
            ("rows", 0, 1000),
            ("validation_batch", 1, 1024),
            ("validation_windows", 0, 10**6),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionsError(
                    f"{name} is {value}", remedy=f"It must lie between {low} and {high}"
                )


def augment(sample: InkSample, rng: np.random.Generator, size: int) -> InkSample:
    """A piece of a sample, ``size`` pixels a side, mirrored, turned, recoloured at will.

    Inversion keeps labels right where lettering is all there is: drawings come in white on black
    too, while ink never lightens paper. A highlighter may be nothing but its colour, and is never
    made grey.

    Raises:
        ValueError: The sample is smaller than ``size``.
    """
    height, width = sample.labels.shape
    if min(height, width) < size:
        raise ValueError(f"the sample is {width} x {height} pixels, less than {size}")
    y, x = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    # Half of them upright, as pages are.
    flips = int(rng.integers(8)) if chance(rng, 0.5) else 0

    def cut(array: NDArray[Any]) -> NDArray[Any]:
        part = array[y : y + size, x : x + size]
        part = part[::-1] if flips & 1 else part
        part = part[:, ::-1] if flips & 2 else part
        return np.ascontiguousarray(part.swapaxes(0, 1) if flips & 4 else part)

    labels = cut(sample.labels)
    drawn = not sample.family.startswith(("document", "annotat"))
    classes = labels & ~np.uint8(BUBBLE)
    drawn &= not np.any((classes > LETTERING) & (classes != UNKNOWN))
    grey = not np.any(classes == HIGHLIGHTER)
    return InkSample(_recolored(cut(sample.shown), rng, drawn, grey), labels, sample.family)


def _recolored(picture: Image, rng: np.random.Generator, invert: bool, grey: bool) -> Image:
    """Channels exchanged or joined, tones inverted and bent, each now and then."""
    if chance(rng, 0.3):
        picture = np.ascontiguousarray(picture[..., rng.permutation(3)])
    if chance(rng, 0.1) and grey:
        picture = as_rgb(u8(picture @ np.array(_GREY_WEIGHTS, np.float32)))
    if chance(rng, 0.15) and invert:
        picture = 255 - picture
    if chance(rng, 0.4):
        picture = cv2.LUT(picture, _tone_curve(rng)).astype(np.uint8)
    return picture


def _tone_curve(rng: np.random.Generator) -> NDArray[np.uint8]:
    """``(256,)`` uint8: a mild change of gamma, contrast and brightness."""
    level = np.linspace(0, 1, 256) ** np.exp(uniform(rng, -0.3, 0.3))
    level = (level - 0.5) * uniform(rng, 0.8, 1.15) + 0.5 + uniform(rng, -0.08, 0.08)
    return u8(255 * level)


def to_batch(samples: Sequence[InkSample]) -> Batch:
    """Samples of one size as uint8 CPU tensors: ``shown (B, H, W, 3)``, ``labels (B, H, W)``."""
    return {
        "shown": torch.from_numpy(np.stack([s.shown for s in samples])),
        "labels": torch.from_numpy(np.stack([s.labels for s in samples])),
    }


def on_device(batch: Batch, device: torch.device) -> Batch:
    """A batch as the network and its losses take it.

    Returns:
        ``shown`` ``(B, 3, H, W)`` float32 in [0, 1], channels last in memory; ``classes``
        ``(B, H, W)`` int64, :data:`IGNORED` where unknown; ``bubble`` ``(B, H, W)`` of 0 and 1.
    """
    shown = batch["shown"].to(device, non_blocking=True)
    labels = batch["labels"].to(device, non_blocking=True)
    classes = (labels & UNKNOWN).long()
    return {
        "shown": shown.permute(0, 3, 1, 2).float() / 255,
        "classes": classes.masked_fill_(classes == UNKNOWN, IGNORED),
        "bubble": (labels >= BUBBLE).float(),
    }


class InkExamples:
    """Training windows out of a pack; picklable where the pack is.

    Args:
        pack: The samples, all of one size.
        data: How they are cut and varied.

    Raises:
        OptionsError: The samples are smaller than the windows wanted.
    """

    def __init__(self, pack: InkSamples, data: InkData) -> None:
        self.pack = pack
        self.data = data
        smallest = min(pack[0].labels.shape)
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
        return to_batch(samples)


def fingerprint(pack: InkSamples, most: int = 64) -> str:
    """A SHA-256 that tells packs apart: of their length and of samples spread over them."""
    digest = hashlib.sha256(str(len(pack)).encode())
    for index in spread(len(pack), most):
        sample = pack[index]
        for array in (sample.shown, sample.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def class_shares(pack: InkSamples, count: int, most: int = 256) -> NDArray[np.float64]:
    """Share of each of ``count`` classes among the known pixels of samples spread over a pack."""
    sums = np.zeros(UNKNOWN + 1)
    for index in spread(len(pack), most):
        labels = pack[index].labels & np.uint8(UNKNOWN)
        sums += np.bincount(labels.ravel(), minlength=UNKNOWN + 1)
    return np.asarray(sums[:count] / max(sums[:count].sum(), 1.0), np.float64)


def open_pack(path: str, role: str) -> InkSamples:
    """The pack at ``path``.

    Raises:
        OptionsError: No path.
        FileAccessError: There is no pack.
        CorruptInputError: The pack is empty or damaged, or holds no ink samples.
    """
    if not path:
        raise OptionsError(f"no {role} samples were given", remedy="Give a pack with --pack DIR")
    return InkPack(path)
