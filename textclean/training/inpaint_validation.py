"""How well a network fills known windows, beside the fills it was given to start from."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclean.errors import InputError
from textclean.training.inpaint_data import on_device, spread, to_batch
from textclean.training.inpaint_networks import paint
from textclean.training.log import sheet
from textclean.training.task import Validation

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from textclean.training.inpaint_data import InpaintData, Samples
    from textclean.training.sample import Sample
    from textclean.types import Image

CEILING = 50.0
"""PSNR in dB that a window counts with at most: perfect fills would outweigh all others."""


class Judge:
    """Fills the validation windows and compares, inside the hole, with the truth.

    Figures are taken of uint8 pixels, as inference writes them. Windows whose sides are no multiple
    of what the network needs are cut at the right and the bottom.

    Args:
        pack: The windows.
        data: How to read them.
        multiple: What the networks want sides to be a multiple of.

    Raises:
        InputError: There is nothing to fill in any of the windows.
    """

    def __init__(self, pack: Samples, data: InpaintData, multiple: int) -> None:
        self._data = data
        windows = (_cut(pack[i], multiple) for i in spread(len(pack), data.validation_windows))
        self._samples = [sample for sample in windows if sample.hole.any()]
        if not self._samples:
            raise InputError("the validation pack has no window with a hole")
        self._baselines = _baselines(self._samples)
        self._shown = _chosen([s.family for s in self._samples], data.rows)

    def __call__(self, network: nn.Module, device: torch.device) -> Validation:
        """Judge a network in eval mode."""
        outputs = self._fill(network, device)
        errors = np.array([_error(s, o) for s, o in zip(self._samples, outputs, strict=True)])
        figures = self._baselines | {"output": errors}
        names = {s.family: None for s in self._samples}
        by_family = {
            family: {name: _psnr(values[self._of(family)]) for name, values in figures.items()}
            for family in names
        }
        means = {k: float(np.mean([row[k] for row in by_family.values()])) for k in figures}
        metrics = {
            f"{family}/{name}": value
            for family, row in by_family.items()
            for name, value in row.items()
        }
        score = means["output"]
        return Validation(
            score=score,
            metrics=metrics,
            table=_table(by_family | {"mean of families": means}),
            sheet=self._sheet(outputs, errors),
        )

    def _of(self, family: str) -> NDArray[np.bool_]:
        return np.array([s.family == family for s in self._samples])

    def _fill(self, network: nn.Module, device: torch.device) -> list[Image]:
        filled: list[Image] = []
        for group in _same_size(self._samples, self._data.validation_batch):
            batch = on_device(to_batch(group, self._data.priors), device)
            _, output = paint(network, batch)
            pixels = (output.float().clamp(0, 1) * 255).round().to(torch.uint8)
            filled += list(pixels.permute(0, 2, 3, 1).cpu().numpy())
        return filled

    def _sheet(self, outputs: list[Image], errors: NDArray[np.float64]) -> Image:
        rows = []
        for i in self._shown:
            sample = self._samples[i]
            start = self._baselines.get("mean", next(iter(self._baselines.values())))[i]
            caption = f"{sample.family} {_psnr(start):.1f} -> {_psnr(errors[i]):.1f} dB"
            rows.append((caption, [sample.shown, _start(sample), outputs[i], sample.target]))
        return sheet(rows)


def _cut(sample: Sample, multiple: int) -> Sample:
    """The sample, its sides cut down to a multiple."""
    height, width = (side // multiple * multiple for side in sample.hole.shape)
    if sample.hole.shape == (height, width):
        return sample
    pixels = ("target", "shown", "hole", "see_through", "projection", "smooth")
    arrays = {name: getattr(sample, name) for name in pixels}
    return replace(sample, **{k: a[:height, :width] for k, a in arrays.items() if a is not None})


def _same_size(samples: list[Sample], most: int) -> list[list[Sample]]:
    """Neighbours of one size, at most so many together; the order stays."""
    groups: list[list[Sample]] = []
    for sample in samples:
        fits = groups and len(groups[-1]) < most
        if fits and groups[-1][0].hole.shape == sample.hole.shape:
            groups[-1].append(sample)
        else:
            groups.append([sample])
    return groups


def _error(sample: Sample, output: Image) -> float:
    """Mean squared error in the hole, in squared grey levels."""
    difference = output[sample.hole].astype(np.float64) - sample.target[sample.hole]
    return float(np.mean(difference**2))


def _psnr(errors: NDArray[np.float64] | float) -> float:
    """Mean over windows of their PSNR in dB, each at most :data:`CEILING`."""
    floor = 255.0**2 / 10 ** (CEILING / 10)
    return float(np.mean(10 * np.log10(255.0**2 / np.maximum(errors, floor))))


def _start(sample: Sample) -> Image:
    """The mean of the priors a sample has; the shown image without any."""
    fills = [p for p in (sample.projection, sample.smooth) if p is not None]
    if not fills:
        return sample.shown
    mean: Image = np.rint(np.mean(fills, axis=0)).astype(np.uint8)
    return mean


def _baselines(samples: list[Sample]) -> dict[str, NDArray[np.float64]]:
    """Squared errors of each window's priors and, where both are there, of their mean."""
    errors: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        for name in ("projection", "smooth"):
            image = getattr(sample, name)
            errors[name].append(math.nan if image is None else _error(sample, image))
        errors["mean"].append(_error(sample, _start(sample)))
    known = {name: np.array(values) for name, values in errors.items()}
    return {name: values for name, values in known.items() if not np.isnan(values).any()}


def _chosen(families: list[str], rows: int) -> list[int]:
    """Windows for the preview: every family in turn, spread over its windows."""
    kinds = sorted(set(families))
    each = -(-rows // max(len(kinds), 1))
    chosen = []
    for kind in kinds:
        own = [i for i, family in enumerate(families) if family == kind]
        chosen += [own[j] for j in spread(len(own), each)]
    return chosen[:rows] if rows else []


def _table(rows: dict[str, dict[str, float]]) -> str:
    """Figures by family as aligned text."""
    columns = list(next(iter(rows.values())))
    lines = [f"{'PSNR in the hole, dB':24}" + "".join(f"{name:>12}" for name in columns)]
    for family, values in rows.items():
        lines.append(f"{family or '-':24}" + "".join(f"{values[c]:12.2f}" for c in columns))
    return "\n".join(lines)
