"""Pages as files of layers beside the cleaned document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textclean.batch.sizes import declared_size
from textclean.errors import OptionsError, TooLargeError
from textclean.layers import (
    MAX_PSD,
    encode_ora,
    encode_psd,
    refuse_large,
    split,
    stack_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import PageResult

LEAST_SPLIT = 64
"""Pixels that pieces may be held to at least."""


@dataclass(frozen=True, slots=True)
class LayerWishes:
    """How files of layers are made.

    Attributes:
        per_region: The cleaned pixels of each region in a layer of their own.
        large: PSBs instead of PSDs: for more than 30,000 pixels a side.
        split: Cut pages with more pixels a side into pieces of at most so many; None = never.

    Raises:
        OptionsError: Pieces of fewer than 64 pixels are asked for.
    """

    per_region: bool = False
    large: bool = False
    split: int | None = None

    def __post_init__(self) -> None:
        if self.split is not None and self.split < LEAST_SPLIT:
            raise OptionsError(
                f"--split is {self.split}",
                remedy=f"Pieces have {LEAST_SPLIT} pixels a side or more; {MAX_PSD} fit in a PSD",
            )

    def suffix(self, base: Path) -> str:
        """What a PSD's name ends in, when the user named ``base``.

        Raises:
            OptionsError: It is called a PSD and is to be a PSB.
        """
        named = base.suffix.lower()
        if self.large and named == ".psd":
            raise OptionsError(
                f"{base} is to be a PSB and is called a PSD",
                remedy=f"Name it {base.with_suffix('.psb').name}",
            )
        return ".psb" if self.large or named == ".psb" else ".psd"


def refuse_too_large(
    source: Document, numbers: Iterable[int], path: Path | None, wishes: LayerWishes
) -> None:
    """Tell before any page is cleaned that one does not fit into its PSD.

    Args:
        source: The document.
        numbers: Pages that get a PSD.
        path: Where PSDs go; None = none is asked for.
        wishes: How they are made.

    Raises:
        OptionsError: A page has more pixels a side than the format allows, by its header.
    """
    if path is None:
        return
    large = wishes.suffix(path) == ".psb"
    for number in sorted(numbers):
        entry = source.entries[number - 1]
        width, height = declared_size(source, entry) or (0, 0)
        most = wishes.split or max(width, height)
        try:
            refuse_large((min(width, most), min(height, most)), large=large)
        except TooLargeError as error:
            raise OptionsError(
                error.message, remedy=error.remedy, source=source.name, page=entry.name
            ) from None


def layered(
    entry: PageEntry, result: PageResult, path: Path, wishes: LayerWishes
) -> Iterator[tuple[Path, bytes]]:
    """The files of one page: one, or numbered pieces.

    Args:
        entry: The page as it came, for results that do not hold it any more.
        result: What was made of it.
        path: The file's name; its extension says which format.
        wishes: How it is made.

    Raises:
        OptionsError: The page has more pixels a side than the format allows. The run ends: it
            would lack what was asked for.
    """
    if result.original is None:
        result = replace(result, original=entry.load())
    stack = stack_of(result, per_region=wishes.per_region)
    pieces = split(stack, wishes.split) if wishes.split else (stack,)
    for number, piece in enumerate(pieces, start=1):
        name = path if len(pieces) == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            if path.suffix.lower() == ".ora":
                yield name, encode_ora(piece)
            else:
                yield name, encode_psd(piece, large=path.suffix.lower() == ".psb")
        except TooLargeError as error:
            raise OptionsError(error.message, remedy=error.remedy, page=entry.name) from None
