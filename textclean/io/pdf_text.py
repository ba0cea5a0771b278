"""Where every character of a PDF page lies, and how to take some of them out.

The same walk over the content streams serves both: once it only counts and measures, once it is
given the numbers of the characters that go. A character that goes leaves its width behind as a
number in the string's array, so that all others stay where they are. Text operators as in
ISO 32000-1, 9.3 and 9.4.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.io.pdf_fonts import Font, read_font
from textclean.io.pdf_marked import MarkedContent
from textclean.io.pdf_matrix import IDENTITY, Matrix, matrix_of, multiply
from textclean.io.pdf_objects import items, operator_of, xobjects
from textclean.io.pdf_page import inherited, mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

    Instruction = Any
    Output = list[Any]

INVISIBLE: Final = 3
_CLIPS: Final = 4
_MAX_DEPTH: Final = 8
_MAX_FONTS: Final = 64
_SHOWS: Final = frozenset(("Tj", "TJ", "'", '"'))


class FontCache:
    """Fonts that were read lately; pages of a book share theirs."""

    def __init__(self) -> None:
        """An empty cache."""
        self._known: OrderedDict[tuple[int, int], Font] = OrderedDict()

    def get(self, dictionary: Any) -> Font:
        """The layout of a font dictionary."""
        key = dictionary.objgen if isinstance(dictionary, pikepdf.Object) else (0, 0)
        if key == (0, 0):
            return read_font(dictionary)
        if key not in self._known:
            self._known[key] = read_font(dictionary)
            if len(self._known) > _MAX_FONTS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


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


@dataclass(slots=True)
class Outcome:
    """What taking out came to.

    Attributes:
        characters: How many went.
        touched: Marked contents that lost something: key in the structure's parent tree (-1 =
            none) and identifier.
    """

    characters: int = 0
    touched: set[tuple[int, int]] = field(default_factory=set)


def take_inventory(page: pikepdf.Page, fonts: FontCache) -> Inventory:
    """All characters and images of a page.

    Raises:
        PdfError: The content cannot be parsed.
        MALFORMED: It is not what it should be.
    """
    walk = _Walk(fonts, None, stripping=False)
    walk.run(pikepdf.Page(page.obj), inherited(page.obj, "/Resources"), -1, 0)
    return walk.inventory


def take_out(
    pdf: pikepdf.Pdf,
    page: pikepdf.Page,
    fonts: FontCache,
    numbers: Collection[int],
    *,
    strip_alternates: bool = False,
    alone: Callable[[pikepdf.Object], bool] = lambda _: False,
) -> Outcome:
    """Take characters out of a page.

    Args:
        pdf: The file that ``page`` belongs to.
        page: The page; it gets new content, and forms that it shares are copied first.
        fonts: Fonts read before.
        numbers: Numbers, from :func:`take_inventory`, of what goes or is covered. Images are not
            taken out, but the texts that stand for them are.
        strip_alternates: Remove the texts that stand for content (``/ActualText``, ``/Alt``,
            ``/E``) everywhere in the page's content, not only where something was taken out.
        alone: Whether a form is shown by this page only, and may be changed in place.

    Raises:
        PdfError: The content cannot be parsed.
        MALFORMED: It is not what it should be.
    """
    walk = _Walk(fonts, frozenset(numbers), stripping=strip_alternates, pdf=pdf, alone=alone)
    parents = _parents_key(page.obj)
    edit = walk.run(pikepdf.Page(page.obj), inherited(page.obj, "/Resources"), parents, 0)
    if edit.resources is not None:
        page.obj.Resources = edit.resources
    if edit.instructions is not None:
        page.obj.Contents = pdf.make_stream(pikepdf.unparse_content_stream(edit.instructions))
    return Outcome(walk.taken, walk.touched)


@dataclass(slots=True)
class _Edit:
    """New content and resources; None = as they were."""

    instructions: Output | None = None
    resources: Any = None


@dataclass(slots=True)
class _State:
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


class _Walk:
    """Runs the content streams of a page."""

    def __init__(
        self,
        fonts: FontCache,
        drop: frozenset[int] | None,
        *,
        stripping: bool,
        pdf: pikepdf.Pdf | None = None,
        alone: Callable[[pikepdf.Object], bool] = lambda _: False,
    ) -> None:
        self.inventory = Inventory()
        self.taken = 0
        self.touched: set[tuple[int, int]] = set()
        self._fonts = fonts
        self._drop = drop
        self._stripping = stripping
        self._pdf = pdf
        self._alone = alone
        self._state = _State()
        self._stack: list[_State] = []
        self._line: Matrix = IDENTITY
        self._text: Matrix = IDENTITY
        self._word = 0
        self._number = 0

    def run(self, content: Any, resources: Any, parents: int, depth: int) -> _Edit:
        """A content stream; its edited form when characters are to be taken out."""
        if depth > _MAX_DEPTH:
            return _Edit()
        parsed = pikepdf.parse_content_stream(content)
        marked = MarkedContent(resources, parents, stripping=self._stripping)
        output: Output = []
        forms = _Forms(resources, parsed)
        changed = False
        for instruction in parsed:
            operator, operands = operator_of(instruction), list(instruction.operands)
            new: Iterable[Any] = (instruction,)
            if operator in _SHOWS:
                before = self.taken
                new = self._show(instruction, operator, operands)
                if self.taken != before:
                    marked.lose()
                    changed = True
            elif operator == "Do" and operands:
                new, edited = self._paint(instruction, str(operands[0]), forms, marked, depth)
                changed |= edited
            elif isinstance(instruction, pikepdf.ContentStreamInlineImage):
                self._image(marked)
            else:
                self._step(operator, operands, resources)
            marked.follow(operator, operands, len(output))
            output.extend(new)
        changed |= marked.rewrite(output)
        self.touched |= marked.touched
        if self._drop is None or not (changed or forms.added):
            return _Edit()
        return _Edit(output, forms.resources(output))

    def _step(self, operator: str, operands: list[Any], resources: Any) -> None:
        state = self._state
        if operator == "q":
            self._stack.append(replace(state))
        elif operator == "Q":
            self._state = self._stack.pop() if self._stack else state
        elif operator == "cm":
            state.ctm = multiply(matrix_of(operands), state.ctm)
        elif operator == "BT":
            self._text = self._line = IDENTITY
        elif operator == "Tm":
            self._text = self._line = matrix_of(operands)
        elif operator in ("Td", "TD"):
            if operator == "TD":
                state.leading = -float(operands[1])
            self._next_line(float(operands[0]), float(operands[1]))
        elif operator == "T*":
            self._next_line(0.0, -state.leading)
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
        self._state.font = self._fonts.get(dictionary)
        self._state.size = float(size)

    def _next_line(self, x: float, y: float) -> None:
        self._text = self._line = multiply((1.0, 0.0, 0.0, 1.0, x, y), self._line)

    def _show(self, instruction: Any, operator: str, operands: list[Any]) -> Iterable[Any]:
        """Characters shown: the instructions that show those that stay."""
        state = self._state
        lead: list[Any] = []
        if operator == '"':
            state.word_spacing, state.spacing = float(operands[0]), float(operands[1])
            lead = [_instruction("Tw", operands[0]), _instruction("Tc", operands[1])]
        if operator in ("'", '"'):
            self._next_line(0.0, -state.leading)
            lead.append(_instruction("T*"))
        parts = list(operands[0]) if operator == "TJ" else [operands[-1]]
        taken = self.taken
        kept = self._parts(parts)
        if self.taken == taken:
            return (instruction,)
        return (*lead, _instruction("TJ", pikepdf.Array(kept)))

    def _parts(self, parts: list[Any]) -> list[Any]:
        """Strings and distances of an array, without the characters that go."""
        kept: list[Any] = []
        run, shift = b"", 0.0
        self._word += 1
        for part in parts:
            if not isinstance(part, pikepdf.String):
                self._advance(-float(part))
                if run:
                    kept.append(pikepdf.String(run))
                    run = b""
                shift += float(part)
                continue
            for character in self._state.font.characters(bytes(part)):
                self._note(character)
                moved = self._moved(character)
                if self._goes():
                    if run:
                        kept.append(pikepdf.String(run))
                        run = b""
                    shift -= moved
                else:
                    if shift:
                        kept.append(_number(shift))
                        shift = 0.0
                    run += character.data
                self._advance(moved)
        if run:
            kept.append(pikepdf.String(run))
        if shift:
            kept.append(_number(shift))
        return kept

    def _goes(self) -> bool:
        """Whether the character noted last is to be taken out."""
        number = self._number - 1
        goes = self._drop is not None and number in self._drop and self._state.mode < _CLIPS
        self.taken += goes
        return goes

    def _note(self, character: Any) -> None:
        self._number += 1
        if self._drop is not None:
            return
        space = character.data.strip(b"\0") == b" "
        self._word += space
        state = self._state
        x0, y0, x1, y1 = (value / 1000 for value in character.box)
        size, scale = state.size, state.scale
        cell = (
            (x1 - x0) * size * scale, 0.0, 0.0, (y1 - y0) * size,
            x0 * size * scale, y0 * size + state.rise,
        )  # fmt: skip
        self.inventory.add(
            multiply(multiply(cell, self._text), state.ctm),
            text=True,
            hidden=state.mode == INVISIBLE,
            fixed=state.mode >= _CLIPS,
            word=self._word,
        )
        self._word += space

    def _moved(self, character: Any) -> float:
        """How far a character moves on, its spacings included, in thousandths of the size."""
        state = self._state
        extra = state.spacing + (state.word_spacing if character.spaces else 0.0)
        return float(character.advance) + (extra * 1000 / state.size if state.size else 0.0)

    def _advance(self, thousandths: float) -> None:
        state = self._state
        distance = thousandths / 1000 * state.size
        x, y = (0.0, distance) if state.font.vertical else (distance * state.scale, 0.0)
        self._text = multiply((1.0, 0.0, 0.0, 1.0, x, y), self._text)

    def _image(self, marked: MarkedContent) -> None:
        """An image is painted."""
        if self._drop is None:
            cell = self._state.ctm
            self.inventory.add(cell, text=False, hidden=False, fixed=True, word=-1)
        elif self._number in self._drop:
            marked.lose()
        self._number += 1

    def _paint(
        self, instruction: Any, name: str, forms: _Forms, marked: MarkedContent, depth: int
    ) -> tuple[Iterable[Any], bool]:
        """An XObject: the instructions that paint it, and whether something in it went."""
        xobject = forms.find(name)
        if xobject is None or xobject.get("/Subtype") != "/Form":
            if xobject is not None and xobject.get("/Subtype") == "/Image":
                self._image(marked)
            return (instruction,), False
        taken = self.taken
        edit = self._form(xobject, forms, depth)
        if self.taken != taken:
            marked.lose()
        if edit.instructions is None or self._pdf is None:
            return (instruction,), False
        data = pikepdf.unparse_content_stream(edit.instructions)
        if self._alone(xobject) and forms.once(name):
            xobject.write(data)
            if edit.resources is not None:
                xobject.Resources = edit.resources
            return (instruction,), False
        copied = self._pdf.make_stream(data)
        for key in xobject.keys() - {"/Length", "/Filter", "/DecodeParms", "/DL"}:
            copied[key] = xobject[key]
        if edit.resources is not None:
            copied.Resources = edit.resources
        return (_instruction("Do", pikepdf.Name(forms.add(name, copied))),), True

    def _form(self, form: Any, forms: _Forms, depth: int) -> _Edit:
        """Runs a form; the state around it is not changed by it."""
        before, height = replace(self._state), len(self._stack)
        lines = self._text, self._line
        matrix = matrix_of(items(form.get("/Matrix"))) if "/Matrix" in form else IDENTITY
        self._state.ctm = multiply(matrix, self._state.ctm)
        own = form.get("/Resources")
        inner = forms.given if own is None else own
        forms.lends |= own is None
        edit = self.run(form, inner, _parents_key(form), depth + 1)
        del self._stack[height:]
        self._state = before
        self._text, self._line = lines
        return edit


_SETTERS: Final = {
    "Tc": ("spacing", 1.0),
    "Tw": ("word_spacing", 1.0),
    "Tz": ("scale", 0.01),
    "TL": ("leading", 1.0),
    "Ts": ("rise", 1.0),
}


class _Forms:
    """The XObjects that a content stream names, and the edited copies of some."""

    def __init__(self, resources: Any, parsed: Iterable[Any]) -> None:
        self.given = resources
        self.added: dict[str, Any] = {}
        self.lends = False
        self._known = xobjects(resources)
        self._uses: dict[str, int] = {}
        for instruction in parsed:
            if operator_of(instruction) == "Do" and len(instruction.operands):
                name = str(instruction.operands[0])
                self._uses[name] = self._uses.get(name, 0) + 1

    def find(self, name: str) -> Any:
        found = self._known.get(name)
        return found if isinstance(found, pikepdf.Stream) else None

    def once(self, name: str) -> bool:
        """Whether the content paints it once."""
        return self._uses.get(name, 0) == 1

    def add(self, name: str, form: Any) -> str:
        """Note an edited copy; the name that it goes by."""
        number, free = 1, name
        while not self.once(name) and (free in self._known or free in self.added):
            free = f"{name}-{number}"
            number += 1
        self.added[free] = form
        return free

    def resources(self, output: Output) -> Any:
        """Resources with the edited copies, and without what is not painted any more."""
        if not self.added:
            return None
        resources = pikepdf.Dictionary(mapping(self.given))
        listed = pikepdf.Dictionary(self._known)
        for name, form in self.added.items():
            listed[name] = form
        used = {str(i.operands[0]) for i in output if operator_of(i) == "Do" and len(i.operands)}
        for name in set(self._uses) - used:
            if not self.lends and name in listed:
                del listed[name]
        resources.XObject = listed
        return resources


def _parents_key(holder: Any) -> int:
    """The key under which the structure's parent tree knows the marks of a page or form."""
    key = holder.get("/StructParents")
    return int(key) if isinstance(key, int) else -1


def _instruction(operator: str, *operands: Any) -> pikepdf.ContentStreamInstruction:
    return pikepdf.ContentStreamInstruction(list(operands), pikepdf.Operator(operator))


def _number(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")
