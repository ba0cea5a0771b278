"""What a PDF page paints: is it a scan, and where do its images lie?

A scanned page is one image, or several that lie side by side (a scan in stripes), at most with
recognized text that nobody sees: invisible, or painted before an image that covers the page. Such a
page is cleaned in its images. Anything else that leaves a mark makes the page composite: it is
rendered. Operators as in ISO 32000-1, annex A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.io.pdf_matrix import (
    IDENTITY,
    Matrix,
    apply,
    matrix_of,
    multiply,
    orientation_of,
)
from textclean.io.pdf_objects import MALFORMED, items, operator_of, size_of, xobjects
from textclean.io.pdf_page import inherited, mapping, rotation, unit_inches, visible_box

if TYPE_CHECKING:
    from collections.abc import Iterable

# Marks nothing, and changes nothing that matters here.
_HARMLESS: Final = frozenset(
    (
        "w", "J", "j", "M", "d", "ri", "i", "BMC", "EMC", "MP", "DP", "BX",
        "EX", "BT", "ET", "Tf", "Td", "TD", "Tm", "T*", "Tc", "Tw", "Tz", "TL",
        "Ts", "G", "RG", "K", "CS", "SC", "SCN", "re", "n", "W", "W*", "m", "l",
        "c", "v", "y", "h",
    )
)  # fmt: skip
_PAINTS: Final = frozenset(("f", "F", "f*", "S", "s", "B", "B*", "b", "b*"))
_SHOWS_TEXT: Final = frozenset(("Tj", "TJ", "'", '"'))
_SETS_FILL: Final = frozenset(("g", "rg", "k", "cs", "sc", "scn"))
_BLACK: Final = {"g": (0,), "rg": (0, 0, 0), "k": (0, 0, 0, 1)}
_INVISIBLE_TEXT = 3
_MAX_DEPTH = 8
# A page of more pieces than this is a drawing made of images.
_MAX_PIECES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """An image of a page.

    Attributes:
        image: The image XObject.
        path: Resource names that lead to it; more than one when it is inside form XObjects.
        matrix: Maps the unit square to the page's user space.
        orientation: EXIF orientation that shows the image as the page does, 1 to 8.
        unit: Inches of one unit of user space.
        hidden_text: Whether the page has text that is not seen, such as a scan's recognized words.
    """

    image: pikepdf.Object
    path: tuple[str, ...]
    matrix: Matrix
    orientation: int
    unit: float
    hidden_text: bool


class _CompositeError(Exception):
    """The page is not made of images alone."""


@dataclass(slots=True)
class _State:
    matrix: Matrix = IDENTITY
    black: bool = True
    text_mode: int = 0

    def copy(self) -> _State:
        return _State(self.matrix, self.black, self.text_mode)


def find_images(page: pikepdf.Page) -> tuple[Placement, ...]:
    """The images that a page consists of, in the order of painting; none when it is composite."""
    walk = _Walk()
    try:
        walk.run(page.obj, inherited(page.obj, "/Resources"), (), depth=0)
        unit, degrees = unit_inches(page), rotation(page)
        placed = tuple(
            Placement(image, path, matrix, orientation, unit, walk.hidden_text)
            for image, path, matrix in walk.found
            if (orientation := orientation_of(matrix, degrees)) is not None
        )
        if len(placed) < len(walk.found) or not _hides_what_is_beneath(walk, page):
            return ()
    except (_CompositeError, pikepdf.PdfError, *MALFORMED):
        return ()
    return placed


def image_resolutions(page: pikepdf.Page, least_share: float) -> list[float]:
    """Resolutions, in pixels per inch, of a page's larger images.

    Args:
        page: The page, of any kind.
        least_share: Images that cover a smaller share of the shown page are passed over.
    """
    walk = _Survey()
    try:
        walk.run(page.obj, inherited(page.obj, "/Resources"), (), depth=0)
        left, bottom, right, top = visible_box(page)
    except (_CompositeError, pikepdf.PdfError, *MALFORMED):
        return []
    found, paper = [], (right - left) * (top - bottom)
    for image, _, (a, b, c, d, _, _) in walk.found:
        width, height = size_of(image)
        area = abs(a * d - b * c)
        if area >= least_share * paper and width and height:
            found.append((width * height / area) ** 0.5 / unit_inches(page))
    return found


class _Walk:
    """Runs content streams until something is painted that is not an image.

    Attributes:
        found: The images: object, resource names, matrix.
        hidden_text: Whether text is shown that is not seen.
        beneath: Whether something was painted before the first image, which must hide it.
    """

    def __init__(self) -> None:
        self.found: list[tuple[pikepdf.Object, tuple[str, ...], Matrix]] = []
        self.hidden_text = False
        self.beneath = False
        self._state = _State()
        self._stack: list[_State] = []

    def run(
        self, content: pikepdf.Object, resources: Any, path: tuple[str, ...], depth: int
    ) -> None:
        if depth > _MAX_DEPTH:
            raise _CompositeError
        source = pikepdf.Page(content) if depth == 0 else content
        for instruction in pikepdf.parse_content_stream(source):
            operator, operands = operator_of(instruction), list(instruction.operands)
            if operator == "Do":
                self._paint(str(operands[0]), resources, path, depth)
            else:
                self._step(operator, operands, resources)

    def _step(self, operator: str, operands: list[Any], resources: Any) -> None:
        state = self._state
        if operator == "q":
            self._stack.append(state.copy())
        elif operator == "Q":
            self._state = self._stack.pop() if self._stack else _State()
        elif operator == "cm":
            state.matrix = multiply(matrix_of(operands), state.matrix)
        elif operator in _SETS_FILL:
            state.black = _BLACK.get(operator) == tuple(operands)
        elif operator == "Tr":
            state.text_mode = int(operands[0])
        elif operator in _SHOWS_TEXT:
            if state.text_mode != _INVISIBLE_TEXT:
                self._mark()
            self.hidden_text = True
        elif operator == "gs":
            self._require_opaque(resources, str(operands[0]))
        elif operator == "BDC":
            if str(operands[0]) == "/OC":
                self._refuse()
        elif operator in _PAINTS:
            self._mark()
        elif operator not in _HARMLESS:
            self._refuse()

    def _mark(self) -> None:
        """Something else than an image is painted."""
        if self.found:
            self._refuse()
        self.beneath = True

    def _refuse(self) -> None:
        raise _CompositeError

    def _paint(self, name: str, resources: Any, path: tuple[str, ...], depth: int) -> None:
        xobject = xobjects(resources).get(name)
        if xobject is None or "/OC" in xobject:
            self._refuse()
            return
        path = (*path, name)
        kind = xobject.get("/Subtype")
        if kind == "/Image":
            self._take(xobject, path)
        elif kind == "/Form":
            self._enter(xobject, resources, path, depth)
        else:
            self._refuse()

    def _enter(self, form: Any, resources: Any, path: tuple[str, ...], depth: int) -> None:
        before = self._state.copy()
        matrix = matrix_of(items(form.get("/Matrix"))) if "/Matrix" in form else IDENTITY
        self._state.matrix = multiply(matrix, self._state.matrix)
        self._stack.append(before)
        own = form.get("/Resources")
        self.run(form, resources if own is None else own, path, depth + 1)
        # What the form left unbalanced ends with it.
        while self._stack and self._stack[-1] is not before:
            self._stack.pop()
        self._state = self._stack.pop() if self._stack else before

    def _take(self, image: pikepdf.Object, path: tuple[str, ...]) -> None:
        stencil = bool(image.get("/ImageMask", False))
        if len(self.found) >= _MAX_PIECES or "/SMask" in image or "/Mask" in image:
            raise _CompositeError
        if (stencil and not self._state.black) or int(image.get("/SMaskInData", 0)):
            raise _CompositeError
        if stencil and self.beneath:
            raise _CompositeError
        self.found.append((image, path, self._state.matrix))

    def _require_opaque(self, resources: Any, name: str) -> None:
        state = mapping(mapping(mapping(resources).get("/ExtGState")).get(name))
        opaque = float(state.get("/ca", 1)) == 1 and float(state.get("/CA", 1)) == 1
        modes = [str(m) for m in items(state.get("/BM", pikepdf.Name.Normal))]
        plain = set(modes) <= {"/Normal", "/Compatible"}
        if not opaque or not plain or str(state.get("/SMask", "/None")) != "/None":
            self._refuse()


class _Survey(_Walk):
    """Runs all content streams of a page, whatever it paints."""

    def _refuse(self) -> None:
        """Nothing is refused."""

    def _take(self, image: pikepdf.Object, path: tuple[str, ...]) -> None:
        if len(self.found) < _MAX_PIECES:
            self.found.append((image, path, self._state.matrix))


def _hides_what_is_beneath(walk: _Walk, page: pikepdf.Page) -> bool:
    """Whether nothing is painted under the images, or the only image covers the shown page."""
    if not walk.beneath:
        return True
    if len(walk.found) != 1:
        return False
    return _covers(walk.found[0][2], visible_box(page))


def _covers(matrix: Matrix, box: Iterable[float]) -> bool:
    """Whether the unit square, mapped, covers a box but for half a unit."""
    corners = apply(matrix, np.array([[0.0, 0.0], [1.0, 1.0]]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    left, bottom, right, top = box
    slack = 0.5
    return bool(
        low[0] <= left + slack
        and low[1] <= bottom + slack
        and high[0] >= right - slack
        and high[1] >= top - slack
    )
