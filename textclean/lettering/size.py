"""The size of type, measured from its strokes.

Pixels cannot tell the em that a face was designed in, so that a size is what they can tell: of
alphabets, the em of a face whose capitals are 0.72 em high, as most faces' are; of kana,
ideographs and hangul, the side of the full-width cell that a sign stands in.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.lettering.signs import body, letters, pitch, squares, standing, thickness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.lettering.lines import Line
    from textclean.types import Mask, Region

_CAPITAL: Final = 0.72  # height of a capital in ems
_FULL: Final = 0.93  # height of a line of full-width signs in cells
_ALIKE: Final = 0.75  # smaller height, in the larger one, of lines that are set in one size
_RUBY: Final = 0.65  # height of lines that may be ruby, in that of the others: it is half as large
_BESIDE: Final = 1.25  # how far it may lie from the others' middle, in their height
_TALL: Final = 0.85  # least height of a capital or a letter with a stem, in tall ones
_REGULAR: Final = 0.1  # ink on the borders of cells, in that of any place, that shows their pitch
# What speaks for full-width signs: a fit to lines of a few words in 60 faces of four scripts, of
# which it takes 94 % for what they are; of faces that it was not fitted to, 93 %.
_SQUARE, _STANDING, _CROSSED, _BIAS = 4.7, -11.0, -20.0, 7.5


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Lines without the small signs beside them.

    Attributes:
        inks: ``(h, w)`` bool each, turned so that they run to the right.
        heights: ``(n,)`` pixels from the top of each one's signs to the bottom.
        usual: The height of those that have most of the ink.
    """

    inks: tuple[Mask, ...]
    heights: NDArray[np.float64]
    usual: float

    @classmethod
    def of(cls, lines: Sequence[Line], region: Region) -> Bodies:
        """The bodies of some lines; the region says how they run."""
        turned = (line.ink.T if region.direction == "vertical" else line.ink for line in lines)
        inks = tuple(body(ink) for ink in turned)
        heights = np.array([thickness(ink) for ink in inks])
        order = np.argsort(heights)
        share = np.cumsum([np.count_nonzero(inks[index]) for index in order])
        return cls(inks, heights, float(heights[order[np.searchsorted(share, share[-1] / 2)]]))


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """Lines of one size; ruby is smaller.

    Attributes:
        inks: ``(h, w)`` bool each, turned so that they run to the right.
        thickness: Pixels from the top of their signs to the bottom.
        cell: The distance at which signs would follow one another in cells, in pixels.
        crossed: How much ink lies on the borders of such cells, in that of any place.
    """

    inks: tuple[Mask, ...]
    thickness: float
    cell: float
    crossed: float


def font_size(bodies: Bodies, region: Region) -> float:
    """Height of the em or side of the cell, in pixels.

    Args:
        bodies: Of the region's lines.
        region: Says how they run and, where it was recognized, what they say.
    """
    found = _measured(bodies)
    if region.direction != "vertical" and not _is_full_width(found, region.text):
        heights = np.concatenate([letters(ink)[:, 3] for ink in found.inks])
        tall = heights[heights >= _TALL * float(np.quantile(heights, 0.93))]
        return float(np.median(tall)) / _CAPITAL
    if found.crossed > _REGULAR:
        return found.thickness / _FULL
    return max(found.cell, found.thickness)  # some faces' cells are narrower than they are high


def without_ruby(lines: Sequence[Line], bodies: Bodies) -> list[Line]:
    """The lines without those of small signs that stand close beside another.

    Args:
        lines: The lines.
        bodies: Theirs.
    """
    small = bodies.heights < _RUBY * bodies.usual
    across = np.array([line.across for line in lines])
    away = np.abs(across[:, None] - across[~small][None]).min(axis=1)
    return [
        line
        for line, out in zip(lines, small & (away < _BESIDE * bodies.usual), strict=True)
        if not out
    ]


def _measured(bodies: Bodies) -> _Measured:
    """What the lines that have most of the ink have in common."""
    usual = bodies.usual
    alike = (bodies.heights >= _ALIKE * usual) & (bodies.heights <= usual / _ALIKE)
    same = tuple(ink for ink, is_alike in zip(bodies.inks, alike, strict=True) if is_alike)
    return _Measured(same, usual, *pitch(same, usual))


def _is_full_width(found: _Measured, text: str | None) -> bool:
    """Whether signs stand in square cells, rather than letters on a line."""
    if text:
        signs = [sign for sign in text if unicodedata.category(sign)[0] == "L"]
        wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in signs)
        if signs:
            return 2 * wide >= len(signs)
    speaks = _SQUARE * squares(found.inks, found.thickness) + _STANDING * standing(found.inks)
    return speaks + _CROSSED * found.crossed + _BIAS > 0
