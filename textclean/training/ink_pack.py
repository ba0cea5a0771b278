"""Filling a pack for the ink network: pages drawn in parallel processes, and what they teach.

From the command line: ``python -m textclean.training.ink_pack --out P --art A --lettering L``.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cv2
import numpy as np

from textclean.errors import OptionsError, TextcleanError
from textclean.training.art import ArtFolder, Split
from textclean.training.drawing import NOTHING, DrawnPage, grown, pick
from textclean.training.filling import fill
from textclean.training.fonts import find_fonts
from textclean.training.ink_mixture import INK_FAMILIES, draw_ink_page, unsure
from textclean.training.ink_samples import BUBBLE, UNKNOWN, InkPack, InkPackWriter, InkSample
from textclean.training.mixture import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_RIM = 3
"""Pixels around labelled ink in which a change without a label is the rim of that ink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InkRecipe:
    """What a pack is made from.

    Attributes:
        art: Folder of textless art, or None.
        lettering: Folder of lettering layers for that art, or None.
        fonts: Folders or files of fonts; None = all that fontconfig knows.
        count: Number of samples.
        size: Side of a sample in pixels.
        seed: Seed; sample ``i`` is drawn from ``(seed, split, i)``.
        families: Share of each family; None = the usual ones, of what the sources allow.
        split: "train", or "validation" for the pages that are never trained on.
    """

    art: str | None = None
    lettering: str | None = None
    fonts: tuple[str, ...] | None = None
    count: int = 1000
    size: int = 384
    seed: int = 0
    families: Mapping[str, float] | None = None
    split: Split = "train"

    def __post_init__(self) -> None:
        if self.families is None:
            return
        if unknown := sorted(set(self.families) - set(INK_FAMILIES)):
            raise OptionsError(
                f"there is no family of ink pages {unknown[0]!r}",
                remedy=f"Known: {', '.join(INK_FAMILIES)}",
            )
        if not any(weight > 0 for weight in self.families.values()):
            raise OptionsError("no family of ink pages has a weight above 0")

    def sources(self) -> Sources:
        """Fonts and art, found and opened."""
        art = None
        if self.art is not None:
            layers = None if self.lettering is None else Path(self.lettering)
            art = ArtFolder(Path(self.art), self.split, layers)
        return Sources(find_fonts(self.fonts), art)

    def writer(self, out: str | Path) -> InkPackWriter:
        """See :class:`textclean.training.filling.PackRecipe`."""
        return InkPackWriter(out, self.count, self.size, tuple(INK_FAMILIES), self.described())

    def sampler(self) -> Callable[[int], InkSample]:
        """See :class:`textclean.training.filling.PackRecipe`."""
        return partial(make_ink_sample, self, self.sources())

    def one_core(self) -> AbstractContextManager[None]:
        """See :class:`textclean.training.filling.PackRecipe`."""
        return _one_thread()

    def described(self) -> dict[str, Any]:
        """Plain values that decide what the samples show; folders by name only."""
        return {
            "art": self.art and Path(self.art).name,
            "lettering": self.lettering and Path(self.lettering).name,
            "seed": self.seed,
            "families": dict(self.families) if self.families else None,
            "split": self.split,
        }


def make_ink_sample(recipe: InkRecipe, sources: Sources, number: int) -> InkSample:
    """Sample ``number`` of a recipe.

    Raises:
        OptionsError: The recipe asks for a family that its sources cannot draw.
    """
    rng = np.random.default_rng((recipe.seed, recipe.split == "validation", number))
    family = None
    if recipe.families is not None:
        wanted = {name: weight for name, weight in recipe.families.items() if weight > 0}
        family = pick(rng, list(wanted), list(wanted.values()))
    try:
        page = draw_ink_page(rng, sources, (recipe.size, recipe.size), family)
    except ValueError as error:
        raise OptionsError(str(error), remedy="Give --art and --lettering") from error
    return as_ink_sample(page)


def as_ink_sample(page: DrawnPage) -> InkSample:
    """What a drawn page teaches.

    Antialiasing, blur and compression change pixels around ink that its label leaves out; whether
    those are ink is a matter of taste, so they are unknown.
    """
    nothing = page.labels == NOTHING
    rim = nothing & page.changed() & grown(~nothing, _RIM)
    labels = np.where(rim | unsure(page), np.uint8(UNKNOWN), page.labels)
    return InkSample(page.shown, labels | (page.bubble * np.uint8(BUBBLE)), page.family)


def write_ink_pack(
    out: str | Path,
    *,
    art: str | Path | None = None,
    lettering: str | Path | None = None,
    fonts: Sequence[str | Path] | None = None,
    count: int = 1000,
    size: int = 384,
    seed: int = 0,
    families: Mapping[str, float] | None = None,
    split: Split = "train",
    workers: int = 1,
    minutes: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InkPack:
    """Write a pack, or go on with one that was begun.

    Args:
        out: Folder of the pack.
        art: Folder of textless art.
        lettering: Folder of its lettering layers.
        fonts: Folders or files of fonts; None = all that fontconfig knows.
        count: Number of samples.
        size: Side of a sample in pixels.
        seed: Same seed and sources, same samples, whatever the number of workers.
        families: Share of each family; None = the usual ones, of what the sources allow.
        split: "train" or "validation".
        workers: Processes that draw; 1 = this one.
        minutes: Stop after that long; None = when it is full.
        progress: Called with the samples done and wanted, every few seconds.

    Returns:
        The pack, with as many samples as there was time for.

    Raises:
        OptionsError: A family is not known, or cannot be drawn from these sources.
        FileAccessError: Art or lettering cannot be read.
        OutputExistsError: The folder holds something else.
        DependencyError: No font was found.
    """
    recipe = InkRecipe(
        art=None if art is None else str(art),
        lettering=None if lettering is None else str(lettering),
        fonts=None if fonts is None else tuple(map(str, fonts)),
        count=count,
        size=size,
        seed=seed,
        families=families,
        split=split,
    )
    fill(out, recipe, workers=workers, minutes=minutes, progress=progress)
    return InkPack(out)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m textclean.training.ink_pack", description="Write a pack of ink samples."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    parser.add_argument("--art", type=Path, help="folder of textless art")
    parser.add_argument("--lettering", type=Path, help="folder of its lettering layers")
    parser.add_argument("--fonts", type=Path, nargs="+", help="folders or files of fonts")
    parser.add_argument("--count", type=int, default=1000, help="number of samples")
    parser.add_argument("--size", type=int, default=384, help="side of a sample in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=get_args(Split), default="train")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw")
    parser.add_argument("--minutes", type=float, help="stop after that long")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    values = vars(_parser().parse_args(arguments))

    def progress(done: int, wanted: int) -> None:
        sys.stderr.write(f"\r{done} of {wanted}")
        sys.stderr.flush()

    try:
        pack = write_ink_pack(**values, progress=progress)
    except TextcleanError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stderr.write(f"\n{pack.folder}: {len(pack)} samples\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
