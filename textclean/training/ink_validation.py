"""How well a network tells what pixels are, by class and by family of pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclean.nets.ink import CLASSES, PLANES
from textclean.training.drawing import NOTHING, u8
from textclean.training.ink_data import on_device, to_batch
from textclean.training.ink_samples import BUBBLE, UNKNOWN, InkSample
from textclean.training.inpaint_data import spread
from textclean.training.log import sheet
from textclean.training.task import Validation

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from textclean.training.ink_data import InkData
    from textclean.training.ink_samples import InkSamples
    from textclean.types import Image

_COLORS = np.array(
    [[0, 0, 0], [255, 60, 60], [70, 130, 255], [255, 230, 0], [255, 60, 255], [60, 220, 90]],
    np.float32,
)
_UNKNOWN_COLOR = (150, 150, 150)


class Judge:
    """Reads the validation windows and compares with the truth.

    Windows whose sides are no multiple of what the network needs are cut at the right and the
    bottom. Unknown pixels are left out.

    Args:
        pack: The windows.
        data: How to read them.
        multiple: What the network wants sides to be a multiple of.
    """

    def __init__(self, pack: InkSamples, data: InkData, multiple: int) -> None:
        self._data = data
        self._samples = [
            _cut(pack[index], multiple) for index in spread(len(pack), data.validation_windows)
        ]

    def __call__(self, network: nn.Module, device: torch.device) -> Validation:
        """Judge a network in eval mode."""
        answers = self._read(network, device)
        counts = [
            _confusion(sample.labels, answer)
            for sample, answer in zip(self._samples, answers, strict=True)
        ]
        rows = _by_class(sum(counts, _Counts()))
        score = _mean([row["iou"] for name, row in rows.items() if name != CLASSES[NOTHING]])
        families = self._by_family(counts)
        metrics = {
            f"{name}/{figure}": value
            for table in (rows, families)
            for name, row in table.items()
            for figure, value in row.items()
            if not math.isnan(value)
        }
        table = _table("of pixels", rows) + "\n\n" + _table("by family", families)
        return Validation(score, metrics, f"{table}\n\nmean IoU {score:.4f}", self._sheet(answers))

    def _read(self, network: nn.Module, device: torch.device) -> list[NDArray[np.uint8]]:
        """``(H, W)`` uint8 of each window: the likeliest class, with the bubble bit."""
        answers: list[NDArray[np.uint8]] = []
        for group in _same_size(self._samples, self._data.validation_batch):
            logits = network(on_device(to_batch(group), device)["shown"]).float()
            classes = logits[:, : len(CLASSES)].argmax(dim=1).to(torch.uint8)
            bubble = (logits[:, len(CLASSES)] > 0).to(torch.uint8) * BUBBLE
            answers += list((classes | bubble).cpu().numpy())
        return answers

    def _by_family(self, counts: list[_Counts]) -> dict[str, dict[str, float]]:
        """Ink of any class that is found, and other pixels that are taken for it, by family.

        Print counts as other: it is kept.
        """
        rows = {}
        for family in sorted({sample.family for sample in self._samples}):
            own = [c for s, c in zip(self._samples, counts, strict=True) if s.family == family]
            table = sum(own, _Counts()).classes
            removed = np.array([name not in ("nothing", "print") for name in CLASSES])
            ink, other = table[removed], table[~removed]
            rows[family] = {
                "ink found": _ratio(ink[:, removed].sum(), ink.sum()),
                "taken for ink": _ratio(other[:, removed].sum(), other.sum()),
                "windows": float(len(own)),
            }
        return rows

    def _sheet(self, answers: list[NDArray[np.uint8]]) -> Image:
        """Rows of shown | truth | answer, every family in turn."""
        families = [sample.family for sample in self._samples]
        kinds = sorted(set(families))
        each = -(-self._data.rows // len(kinds))
        chosen: list[int] = []
        for kind in kinds:
            own = [i for i, family in enumerate(families) if family == kind]
            chosen += [own[j] for j in spread(len(own), each)] if each else []
        rows = []
        for i in chosen[: self._data.rows]:
            sample = self._samples[i]
            pictures = [sample.shown, looked(sample), looked(sample, answers[i])]
            rows.append((sample.family, pictures))
        return sheet(rows)


class _Counts:
    """Pixels by truth (rows) and answer (columns)."""

    def __init__(self) -> None:
        self.classes = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        self.bubble = np.zeros((2, 2), np.int64)

    def __add__(self, other: _Counts) -> _Counts:
        total = _Counts()
        total.classes = self.classes + other.classes
        total.bubble = self.bubble + other.bubble
        return total


def _confusion(truth: NDArray[np.uint8], answer: NDArray[np.uint8]) -> _Counts:
    counts = _Counts()
    size = len(CLASSES)
    real, said = truth & np.uint8(UNKNOWN), answer & np.uint8(UNKNOWN)
    known = real != UNKNOWN
    pairs = real[known].astype(np.intp) * size + said[known]
    counts.classes += np.bincount(pairs, minlength=size * size).reshape(size, size)
    pairs = 2 * (truth >= BUBBLE).astype(np.intp) + (answer >= BUBBLE)
    counts.bubble += np.bincount(pairs.ravel(), minlength=4).reshape(2, 2)
    return counts


def _by_class(counts: _Counts) -> dict[str, dict[str, float]]:
    """Precision, recall, intersection over union and share of the pixels; NaN where undefined."""
    rows = {}
    for place, name in enumerate(PLANES):
        table, own = (counts.classes, place) if name in CLASSES else (counts.bubble, 1)
        hits, truth, said = table[own, own], table[own].sum(), table[:, own].sum()
        rows[name] = {
            "precision": _ratio(hits, said),
            "recall": _ratio(hits, truth),
            # A class that is nowhere says nothing of how well it is told.
            "iou": _ratio(hits, truth + said - hits) if truth else math.nan,
            "share": _ratio(truth, table.sum()),
        }
    return rows


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0


def _table(title: str, rows: dict[str, dict[str, float]]) -> str:
    """Figures as aligned text."""
    columns = list(next(iter(rows.values())))
    lines = [f"{title:20}" + "".join(f"{name:>15}" for name in columns)]
    for name, row in rows.items():
        values = (row[c] for c in columns)
        cells = (
            f"{v:15.0f}" if c == "windows" else f"{v:15.4f}"
            for c, v in zip(columns, values, strict=True)
        )
        lines.append(f"{name or '-':20}" + "".join(cells))
    return "\n".join(lines)


def _cut(sample: InkSample, multiple: int) -> InkSample:
    """The sample, its sides cut down to a multiple."""
    height, width = (side // multiple * multiple for side in sample.labels.shape)
    return InkSample(sample.shown[:height, :width], sample.labels[:height, :width], sample.family)


def _same_size(samples: list[InkSample], most: int) -> list[list[InkSample]]:
    """Neighbours of one size, at most so many together; the order stays."""
    groups: list[list[InkSample]] = []
    for sample in samples:
        fits = groups and len(groups[-1]) < most
        if fits and groups[-1][0].labels.shape == sample.labels.shape:
            groups[-1].append(sample)
        else:
            groups.append([sample])
    return groups


def looked(sample: InkSample, labels: NDArray[np.uint8] | None = None) -> Image:
    """A sample, dimmed, under labels in colours; by default its own.

    Lettering is red, pen blue, highlighter yellow, stamp magenta, print green, unknown grey; the
    inside of bubbles is lighter.
    """
    labels = sample.labels if labels is None else labels
    classes = labels & np.uint8(UNKNOWN)
    picture = sample.shown.astype(np.float32) * 0.4
    picture += 60.0 * (labels >= BUBBLE)[..., None]
    picture[classes == UNKNOWN] = _UNKNOWN_COLOR
    ink = (classes != NOTHING) & (classes != UNKNOWN)
    picture[ink] = _COLORS[classes[ink]]
    return u8(picture)
