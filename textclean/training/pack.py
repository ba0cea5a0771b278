"""Packs of inpainting samples, made ahead of time.

A pack is a folder as :mod:`textclean.training.pack_files` describes it, with

* ``target.npy``, ``shown.npy``, ``smooth.npy`` and, unless left out, ``projection.npy``:
  ``(N, S, S, 3)`` uint8;
* ``mask.npy``: ``(N, S, S)`` uint8, bit 0 the hole, bit 1 the see-through pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.training.drawing import chance
from textclean.training.pack_files import Layout, PackFiles, PackFilesWriter
from textclean.training.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from textclean.types import Image

_HOLE, _SEE_THROUGH = 1, 2

LAYOUT = Layout(
    format=1,
    samples="training samples",
    pictures=("target", "shown", "smooth", "projection"),
    planes=("mask",),
    optional=frozenset({"projection"}),
)


class Pack(PackFiles):
    """The finished samples of a pack, by number.

    Args:
        folder: The pack.

    Raises:
        FileAccessError: The folder is no pack, or cannot be read.
        CorruptInputError: Its arrays do not fit its description, or nothing is in it yet.
    """

    layout = LAYOUT

    def __getitem__(self, index: int) -> Sample:
        arrays, family = self.row(index)
        mask = arrays["mask"]
        return Sample(
            target=arrays["target"],
            shown=arrays["shown"],
            hole=(mask & _HOLE) > 0,
            see_through=(mask & _SEE_THROUGH) > 0,
            projection=arrays.get("projection"),
            smooth=arrays["smooth"],
            family=family,
        )


class PackWriter(PackFilesWriter):
    """Writes samples into a pack, in any order, from any number of processes.

    Args:
        folder: The pack; made if it is not there, taken up again if it is and fits.
        count: How many samples it is for.
        size: Side of a sample in pixels.
        families: Names of the families.
        recipe: What the samples are made from, as plain values; kept with the pack.
        projection: Whether the pack holds projections.

    Raises:
        OutputExistsError: There is another pack, or something else, at that place.
    """

    layout = LAYOUT

    def __init__(
        self,
        folder: str | Path,
        count: int,
        size: int,
        families: Sequence[str],
        recipe: dict[str, Any] | None = None,
        *,
        projection: bool = True,
    ) -> None:
        without = frozenset() if projection else frozenset({"projection"})
        super().__init__(folder, count, size, families, recipe, without=without)

    def write(self, number: int, sample: Sample) -> None:
        """Write a sample; it counts as done only once all of it is in place.

        Raises:
            ValueError: The sample lacks a picture that the pack holds.
        """
        rows = {"mask": sample.hole * np.uint8(_HOLE) + sample.see_through * np.uint8(_SEE_THROUGH)}
        for name in filter(self.holds, LAYOUT.pictures):
            picture = getattr(sample, name)
            if picture is None:
                raise ValueError(f"the sample has no {name}, which the pack holds")
            rows[name] = picture
        self.put(number, sample.family, rows)


def augment(sample: Sample, rng: np.random.Generator, size: int) -> Sample:
    """A piece of a sample, ``size`` pixels a side, mirrored, turned, recoloured at will.

    Mirroring, right angles, inversion and exchange of channels change nothing that the task
    depends on. Inversion is left out where ink is see-through: light does not add to print.

    Raises:
        ValueError: The sample is smaller than ``size``.
    """
    height, width = sample.hole.shape
    if min(height, width) < size:
        raise ValueError(f"the sample is {width} x {height} pixels, less than {size}")
    y, x = _corner(sample.hole, rng, size)
    flips = int(rng.integers(8))
    invert = not sample.see_through.any() and chance(rng, 0.2)
    channels = rng.permutation(3) if chance(rng, 0.3) else np.arange(3)

    def cut(array: NDArray[Any]) -> NDArray[Any]:
        part = array[y : y + size, x : x + size]
        part = part[::-1] if flips & 1 else part
        part = part[:, ::-1] if flips & 2 else part
        return np.ascontiguousarray(part.swapaxes(0, 1) if flips & 4 else part)

    def recolored(picture: Image) -> Image:
        part = cut(picture)[..., channels]
        return np.ascontiguousarray(255 - part if invert else part)

    return replace(
        sample,
        target=recolored(sample.target),
        shown=recolored(sample.shown),
        hole=cut(sample.hole),
        see_through=cut(sample.see_through),
        projection=None if sample.projection is None else recolored(sample.projection),
        smooth=None if sample.smooth is None else recolored(sample.smooth),
    )


def _corner(hole: NDArray[np.bool_], rng: np.random.Generator, size: int) -> tuple[int, int]:
    """The top left of a window: of a few tries the first with a fair share of the hole."""
    height, width = hole.shape
    best, most = (0, 0), -1.0
    for _ in range(6):
        y, x = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
        share = float(hole[y : y + size, x : x + size].mean())
        if share > most:
            best, most = (y, x), share
        if most > 0.05:
            break
    return best
