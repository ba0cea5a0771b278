"""What a PDF page shows, character by character and image by image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.pdf_matrix import Matrix


@dataclass(slots=True)
class Inventory:
    """What a page shows, in the order of painting: characters and images, numbered from 0.

    Attributes:
        cells: Of each a matrix that maps the unit square to its cell in user space.
        text: Of each whether it is a character.
        hidden: Of each whether it is text in the invisible mode.
        fixed: Of each whether it cannot be taken out: text that clips what follows, images.
        words: Of each the number of the word that it belongs to.
    """

    cells: list[Matrix] = field(default_factory=list)
    text: list[bool] = field(default_factory=list)
    hidden: list[bool] = field(default_factory=list)
    fixed: list[bool] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def add(self, cell: Matrix, *, text: bool, hidden: bool, fixed: bool, word: int) -> None:
        """Note the next."""
        self.cells.append(cell)
        self.text.append(text)
        self.hidden.append(hidden)
        self.fixed.append(fixed)
        self.words.append(word)

    def array(self) -> NDArray[np.float64]:
        """``(N, 6)`` cells."""
        return np.array(self.cells, np.float64).reshape(-1, 6)
