"""Where two arrays of pixels differ: a page and what was written of it are alike in most places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mask

_GROUP: Final = 8
"""Pixels that are looked at together: as many flags as a word has bytes."""


@dataclass(frozen=True, eq=False)
class Differences:
    """The pixels that differ between two arrays of the same shape, found eight at a time.

    Attributes:
        shape: Height and width.
        groups: ``(n,)`` ascending: groups of eight pixels, the last filled up, in which some do.
        before: ``(8 * n, C)`` their values in the one.
        after: ``(8 * n, C)`` their values in the other.
    """

    shape: tuple[int, int]
    groups: NDArray[np.int64]
    before: NDArray[Any]
    after: NDArray[Any]

    @classmethod
    def of(cls, before: NDArray[Any], after: NDArray[Any]) -> Differences:
        """Those of two arrays ``(H, W)`` or ``(H, W, C)``."""
        height, width = before.shape[:2]
        channels = before.shape[2] if before.ndim == 3 else 1
        kind = np.result_type(before, after)
        if kind == np.bool_:
            # Decoders hand out flags that are bytes of 255.
            before, after = (a.view(np.uint8) != 0 for a in (before, after))
        each = channels * kind.itemsize
        flat = [np.ascontiguousarray(a, kind).reshape(-1).view(np.uint8) for a in (before, after)]
        whole = height * width // _GROUP
        wide = [a[: whole * _GROUP * each].view(np.uint64) for a in flat]
        # A group has as many words as a pixel has bytes.
        differs = (wide[0] != wide[1]).reshape(-1, each)
        groups = np.flatnonzero(_over_channels(np.logical_or, differs))
        if 2 * len(groups) > whole:
            groups = np.arange(whole)
            parts = wide
        else:
            parts = [a.reshape(-1, each).take(groups, axis=0, mode="clip") for a in wide]
        rest = [a[whole * _GROUP * each :] for a in flat]
        parts = [part.reshape(-1).view(np.uint8) for part in parts]
        if (rest[0] != rest[1]).any():
            groups = np.append(groups, whole)
            filling = np.zeros(_GROUP * each - len(rest[0]), np.uint8)
            parts = [np.concatenate([*pair, filling]) for pair in zip(parts, rest, strict=True)]
        values = [part.view(kind).reshape(-1, channels) for part in parts]
        return cls((height, width), groups, *values)

    @cached_property
    def flags(self) -> NDArray[np.bool_]:
        """``(8 * n,)`` which of their pixels differ."""
        differs = self.before != self.after
        found: NDArray[np.bool_] = _over_channels(np.logical_or, differs)
        return found

    @cached_property
    def mask(self) -> Mask:
        """``(H, W)`` bool: where they differ."""
        size = self.shape[0] * self.shape[1]
        found = np.zeros(-(-size // _GROUP) * _GROUP, np.bool_)
        found.view(np.uint64)[self.groups] = self.flags.view(np.uint64)
        return found[:size].reshape(self.shape)

    def outside(self, mask: Mask) -> NDArray[np.bool_]:
        """``(8 * n,)`` bool: which of the groups' pixels differ and lie outside a mask."""
        flat = np.ascontiguousarray(mask).reshape(-1)
        if len(flat) % _GROUP:
            flat = np.concatenate([flat, np.zeros(-len(flat) % _GROUP, np.bool_)])
        covered = flat.view(np.uint64)[self.groups]
        found: NDArray[np.bool_] = self.flags & (covered.view(np.uint8) == 0)
        return found

    def most(self, chosen: NDArray[np.bool_]) -> int:
        """By how many levels those of the groups' pixels differ that differ most.

        Args:
            chosen: ``(8 * n,)`` bool: the pixels that count.
        """
        one, two = self.before, self.after
        levels = _over_channels(np.maximum, np.maximum(one, two) - np.minimum(one, two))
        return int((levels * chosen).max())


def _over_channels(operation: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
    """``(n,)``: an operation over the second, short axis of ``(n, C)``.

    Neighbours in memory are joined, and then the pixels' own are taken out: much faster than a
    reduction over so few.
    """
    channels = values.shape[1]
    if channels == 1:
        return values[:, 0]
    flat = values.reshape(-1)
    joined = operation(flat[:-1], flat[1:])
    for further in range(2, channels):
        joined = operation(joined[:-1], flat[further:])
    found: NDArray[Any] = np.ascontiguousarray(joined[::channels])
    return found
