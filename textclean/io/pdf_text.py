"""Where every character of a PDF page lies, and how to take some of them out.

The same walk over the content streams serves both: once it only counts and measures, once it is
given the numbers of the characters that go. A character that goes leaves its width behind as a
number in the string's array, so that all others stay where they are. Text operators as in
ISO 32000-1, 9.3 and 9.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_forms import Forms
from textclean.io.pdf_inventory import Inventory
from textclean.io.pdf_marked import MarkedContent
from textclean.io.pdf_matrix import IDENTITY, matrix_of
from textclean.io.pdf_objects import items, operator_of
from textclean.io.pdf_page import inherited
from textclean.io.pdf_position import TextPosition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from textclean.io.pdf_fonts import FontCache

    Instruction = Any
    Output = list[Any]

INVISIBLE: Final = 3
_CLIPS: Final = 4
_MAX_DEPTH: Final = 8
_SHOWS: Final = frozenset(("Tj", "TJ", "'", '"'))


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
        self._at = TextPosition(fonts)
        self._drop = drop
        self._stripping = stripping
        self._pdf = pdf
        self._alone = alone
        self._word = 0
        self._number = 0

    def run(self, content: Any, resources: Any, parents: int, depth: int) -> _Edit:
        """A content stream; its edited form when characters are to be taken out."""
        if depth > _MAX_DEPTH:
            return _Edit()
        parsed = pikepdf.parse_content_stream(content)
        marked = MarkedContent(resources, parents, stripping=self._stripping)
        output: Output = []
        forms = Forms(resources, parsed)
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
                self._at.follow(operator, operands, resources)
            marked.follow(operator, operands, len(output))
            output.extend(new)
        changed |= marked.rewrite(output)
        self.touched |= marked.touched
        if self._drop is None or not (changed or forms.added):
            return _Edit()
        return _Edit(output, forms.resources(output))

    def _show(self, instruction: Any, operator: str, operands: list[Any]) -> Iterable[Any]:
        """Characters shown: the instructions that show those that stay."""
        state = self._at.state
        lead: list[Any] = []
        if operator == '"':
            state.word_spacing, state.spacing = float(operands[0]), float(operands[1])
            lead = [_instruction("Tw", operands[0]), _instruction("Tc", operands[1])]
        if operator in ("'", '"'):
            self._at.next_line(0.0, -state.leading)
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
                self._at.advance(-float(part))
                if run:
                    kept.append(pikepdf.String(run))
                    run = b""
                shift += float(part)
                continue
            for character in self._at.state.font.characters(bytes(part)):
                self._note(character)
                moved = self._at.moved(character)
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
                self._at.advance(moved)
        if run:
            kept.append(pikepdf.String(run))
        if shift:
            kept.append(_number(shift))
        return kept

    def _goes(self) -> bool:
        """Whether the character noted last is to be taken out."""
        number = self._number - 1
        goes = self._drop is not None and number in self._drop and self._at.state.mode < _CLIPS
        self.taken += goes
        return goes

    def _note(self, character: Any) -> None:
        self._number += 1
        if self._drop is not None:
            return
        space = character.data.strip(b"\0") == b" "
        self._word += space
        mode = self._at.state.mode
        self.inventory.add(
            self._at.cell(character.box),
            text=True,
            hidden=mode == INVISIBLE,
            fixed=mode >= _CLIPS,
            word=self._word,
        )
        self._word += space

    def _image(self, marked: MarkedContent) -> None:
        """An image is painted."""
        if self._drop is None:
            cell = self._at.state.ctm
            self.inventory.add(cell, text=False, hidden=False, fixed=True, word=-1)
        elif self._number in self._drop:
            marked.lose()
        self._number += 1

    def _paint(
        self, instruction: Any, name: str, forms: Forms, marked: MarkedContent, depth: int
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

    def _form(self, form: Any, forms: Forms, depth: int) -> _Edit:
        """Runs a form; the state around it is not changed by it."""
        matrix = matrix_of(items(form.get("/Matrix"))) if "/Matrix" in form else IDENTITY
        own = form.get("/Resources")
        inner = forms.given if own is None else own
        forms.lends |= own is None
        with self._at.within(matrix):
            return self.run(form, inner, _parents_key(form), depth + 1)


def _parents_key(holder: Any) -> int:
    """The key under which the structure's parent tree knows the marks of a page or form."""
    key = holder.get("/StructParents")
    return int(key) if isinstance(key, int) else -1


def _instruction(operator: str, *operands: Any) -> pikepdf.ContentStreamInstruction:
    return pikepdf.ContentStreamInstruction(list(operands), pikepdf.Operator(operator))


def _number(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")
