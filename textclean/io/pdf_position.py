"""Where the text of a PDF's content stream goes (ISO 32000-1, 9.3 and 9.4)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from textclean.io.pdf_fonts import Font, FontCache
from textclean.io.pdf_matrix import IDENTITY, Matrix, matrix_of, multiply
from textclean.io.pdf_objects import items
from textclean.io.pdf_page import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTERS: Final = {
    "Tc": ("spacing", 1.0),
    "Tw": ("word_spacing", 1.0),
    "Tz": ("scale", 0.01),
    "TL": ("leading", 1.0),
    "Ts": ("rise", 1.0),
}


@dataclass(slots=True)
class State:
    """The graphics state as far as text goes."""

    ctm: Matrix = IDENTITY
    font: Font = field(default_factory=Font)
    size: float = 0.0
    spacing: float = 0.0
    word_spacing: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    mode: int = 0


class TextPosition:
    """Follows a content stream and knows where the next character goes.

    Attributes:
        state: The graphics state.
    """

    def __init__(self, fonts: FontCache) -> None:
        """At the start of a page; ``fonts`` were read before."""
        self.state = State()
        self._fonts = fonts
        self._stack: list[State] = []
        self._line: Matrix = IDENTITY
        self._text: Matrix = IDENTITY

    def follow(self, operator: str, operands: list[Any], resources: Any) -> None:
        """An operator that shows nothing."""
        state = self.state
        if operator == "q":
            self._stack.append(replace(state))
        elif operator == "Q":
            self.state = self._stack.pop() if self._stack else state
        elif operator == "cm":
            state.ctm = multiply(matrix_of(operands), state.ctm)
        elif operator == "BT":
            self._text = self._line = IDENTITY
        elif operator == "Tm":
            self._text = self._line = matrix_of(operands)
        elif operator in ("Td", "TD"):
            if operator == "TD":
                state.leading = -float(operands[1])
            self.next_line(float(operands[0]), float(operands[1]))
        elif operator == "T*":
            self.next_line(0.0, -state.leading)
        elif operator == "Tf":
            fonts = mapping(mapping(resources).get("/Font"))
            self._set_font(fonts.get(str(operands[0])), operands[1])
        elif operator == "gs":
            known = mapping(mapping(mapping(resources).get("/ExtGState")).get(str(operands[0])))
            if len(font := items(known.get("/Font"))) == 2:
                self._set_font(*font)
        elif operator in _SETTERS:
            name, factor = _SETTERS[operator]
            setattr(state, name, float(operands[0]) * factor)
        elif operator == "Tr":
            state.mode = int(operands[0])

    def _set_font(self, dictionary: Any, size: Any) -> None:
        self.state.font = self._fonts.get(dictionary)
        self.state.size = float(size)

    def next_line(self, x: float, y: float) -> None:
        """Go to a line by its distance to the start of this one."""
        self._text = self._line = multiply((1.0, 0.0, 0.0, 1.0, x, y), self._line)

    def cell(self, box: tuple[float, float, float, float]) -> Matrix:
        """The matrix that maps the unit square to a character's box, in user space."""
        state = self.state
        x0, y0, x1, y1 = (value / 1000 for value in box)
        size, scale = state.size, state.scale
        cell = (
            (x1 - x0) * size * scale, 0.0, 0.0, (y1 - y0) * size,
            x0 * size * scale, y0 * size + state.rise,
        )  # fmt: skip
        return multiply(multiply(cell, self._text), state.ctm)

    def moved(self, character: Any) -> float:
        """How far a character moves on, its spacings included, in thousandths of the size."""
        state = self.state
        extra = state.spacing + (state.word_spacing if character.spaces else 0.0)
        return float(character.advance) + (extra * 1000 / state.size if state.size else 0.0)

    def advance(self, thousandths: float) -> None:
        """Go on along the line, by thousandths of the size."""
        state = self.state
        distance = thousandths / 1000 * state.size
        x, y = (0.0, distance) if state.font.vertical else (distance * state.scale, 0.0)
        self._text = multiply((1.0, 0.0, 0.0, 1.0, x, y), self._text)

    @contextmanager
    def within(self, matrix: Matrix) -> Iterator[None]:
        """A form with a matrix; the state around it is not changed by it."""
        before, height = replace(self.state), len(self._stack)
        lines = self._text, self._line
        self.state.ctm = multiply(matrix, self.state.ctm)
        yield
        del self._stack[height:]
        self.state = before
        self._text, self._line = lines
