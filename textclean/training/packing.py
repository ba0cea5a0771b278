"""Filling a pack: samples drawn in parallel processes, with their smooth fill and projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from textclean.errors import OptionsError
from textclean.training.art import ArtFolder, Split
from textclean.training.filling import fill
from textclean.training.fonts import find_fonts
from textclean.training.mixture import FAMILIES, Sources, draw_sample
from textclean.training.pack import Pack, PackWriter
from textclean.training.sample import Sample

_TELEA_RADIUS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a pack is made from.

    Attributes:
        art: Folder of textless art, or None.
        lettering: Folder of lettering layers for that art, or None.
        fonts: Folders or files of fonts; None = all that fontconfig knows.
        count: Number of samples.
        size: Side of a sample in pixels.
        seed: Seed; sample ``i`` is drawn from ``(seed, i)``.
        families: Share of each family.
        split: "train", or "validation" for the pages that are never trained on.
        projection: Whether to add the Fourier projection of each hole.
    """

    art: str | None = None
    lettering: str | None = None
    fonts: tuple[str, ...] | None = None
    count: int = 1000
    size: int = 256
    seed: int = 0
    families: Mapping[str, float] = field(default_factory=lambda: dict(FAMILIES))
    split: Split = "train"
    projection: bool = True

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.families) - set(FAMILIES)):
            raise OptionsError(
                f"there is no family of training pages {unknown[0]!r}",
                remedy=f"Known: {', '.join(FAMILIES)}",
            )
        if not any(weight > 0 for weight in self.families.values()):
            raise OptionsError("no family of training pages has a weight above 0")

    def sources(self) -> Sources:
        """Fonts and art, found and opened."""
        art = None
        if self.art is not None:
            layers = None if self.lettering is None else Path(self.lettering)
            art = ArtFolder(Path(self.art), self.split, layers)
        return Sources(find_fonts(self.fonts), art, dict(self.families))

    def writer(self, out: str | Path) -> PackWriter:
        """See :class:`textclean.training.filling.PackRecipe`."""
        described, families = self.described(), tuple(FAMILIES)
        return PackWriter(
            out, self.count, self.size, families, described, projection=self.projection
        )

    def sampler(self) -> Callable[[int], Sample]:
        """See :class:`textclean.training.filling.PackRecipe`."""
        return partial(make_sample, self, self.sources())

    def one_core(self) -> AbstractContextManager[None]:
        """See :class:`textclean.training.filling.PackRecipe`."""
        return _one_thread(self.projection)

    def described(self) -> dict[str, Any]:
        """Plain values that decide what the samples show; folders by name only."""
        return {
            "art": self.art and Path(self.art).name,
            "lettering": self.lettering and Path(self.lettering).name,
            "seed": self.seed,
            "families": dict(self.families),
            "split": self.split,
            "projection": self.projection,
        }


def make_sample(recipe: Recipe, sources: Sources, number: int) -> Sample:
    """Sample ``number`` of a recipe, with its smooth fill and, if wanted, its projection."""
    rng = np.random.default_rng((recipe.seed, recipe.split == "validation", number))
    return completed(draw_sample(rng, sources, recipe.size), projection=recipe.projection)


def completed(sample: Sample, *, projection: bool) -> Sample:
    """The sample with its smooth fill (Telea) and, if wanted, its Fourier projection."""
    known = sample.target.copy()
    known[sample.hole] = 0
    hole = sample.hole.astype(np.uint8)
    smooth = cv2.inpaint(known, hole, _TELEA_RADIUS, cv2.INPAINT_TELEA)
    filled = None
    if projection:
        # Not at import: drawing pages needs no torch.
        from textclean.inpaint.projection import project

        filled = np.asarray(project(known, sample.hole), np.uint8)
    return replace(sample, smooth=smooth.astype(np.uint8), projection=filled)


def write_pack(
    out: str | Path,
    *,
    art: str | Path | None = None,
    lettering: str | Path | None = None,
    fonts: Sequence[str | Path] | None = None,
    count: int = 1000,
    size: int = 256,
    seed: int = 0,
    families: Mapping[str, float] | None = None,
    split: Split = "train",
    projection: bool = True,
    workers: int = 1,
    minutes: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pack:
    """Write a pack, or go on with one that was begun.

    Args:
        out: Folder of the pack.
        art: Folder of textless art.
        lettering: Folder of its lettering layers.
        fonts: Folders or files of fonts; None = all that fontconfig knows.
        count: Number of samples.
        size: Side of a sample in pixels.
        seed: Same seed and sources, same samples, whatever the number of workers.
        families: Share of each family; None = the usual ones.
        split: "train" or "validation".
        projection: Add the Fourier projection of each hole.
        workers: Processes that draw; 1 = this one.
        minutes: Stop after that long; None = when it is full.
        progress: Called with the samples done and wanted, every few seconds.

    Returns:
        The pack, with as many samples as there was time for.

    Raises:
        OptionsError: A family is not known.
        FileAccessError: Art or lettering cannot be read.
        OutputExistsError: The folder holds something else.
        DependencyError: No font was found.
    """
    recipe = Recipe(
        art=None if art is None else str(art),
        lettering=None if lettering is None else str(lettering),
        fonts=None if fonts is None else tuple(map(str, fonts)),
        count=count,
        size=size,
        seed=seed,
        families=dict(families or FAMILIES),
        split=split,
        projection=projection,
    )
    fill(out, recipe, workers=workers, minutes=minutes, progress=progress)
    return Pack(out)


@contextmanager
def _one_thread(projection: bool) -> Iterator[None]:
    """A core per process; the last bits of a Fourier transform depend on the number of threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        if not projection:
            yield
            return
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
    finally:
        cv2.setNumThreads(before)
