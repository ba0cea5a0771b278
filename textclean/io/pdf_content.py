"""What a PDF page paints: is it one image, and where does that image lie?

Scanned pages are one image, at most with invisible recognized text over it. Such a page is cleaned
in the image itself. Anything else that leaves a mark makes the page composite: it is rendered.
Operators as in ISO 32000-1, annex A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_page import inherited, mapping, rotation, unit_inches

if TYPE_CHECKING:
    from collections.abc import Iterable

    Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Final = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

# Marks nothing, and changes nothing that matters here.
_HARMLESS: Final = frozenset(
    (
        "w", "J", "j", "M", "d", "ri", "i", "BMC", "EMC", "MP", "DP", "BX",
        "EX", "BT", "ET", "Tf", "Td", "TD", "Tm", "T*", "Tc", "Tw", "Tz", "TL",
        "Ts", "G", "RG", "K", "CS", "SC", "SCN", "re", "n", "W", "W*",
    )
)  # fmt: skip
_SHOWS_TEXT: Final = frozenset(("Tj", "TJ", "'", '"'))
_SETS_FILL: Final = frozenset(("g", "rg", "k", "cs", "sc", "scn"))
_BLACK: Final = {"g": (0,), "rg": (0, 0, 0), "k": (0, 0, 0, 1)}
_INVISIBLE_TEXT = 3
_MAX_DEPTH = 8
# What using an object of an unexpected type raises; a renderer may make sense of such content.
_MALFORMED: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
# Direction in which a stored row runs on the page as seen, direction in which stored columns run
# -> EXIF orientation. x grows to the right, y upwards.
_ORIENTATIONS: Final = {
    ((1, 0), (0, -1)): 1,
    ((-1, 0), (0, -1)): 2,
    ((-1, 0), (0, 1)): 3,
    ((1, 0), (0, 1)): 4,
    ((0, -1), (1, 0)): 5,
    ((0, -1), (-1, 0)): 6,
    ((0, 1), (-1, 0)): 7,
    ((0, 1), (1, 0)): 8,
}


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """The one image of a page.

    Attributes:
        image: The image XObject.
        path: Resource names that lead to it; more than one when it is inside form XObjects.
        matrix: Maps the unit square to the page's user space.
        orientation: EXIF orientation that shows the image as the page does, 1 to 8.
        unit: Inches of one unit of user space.
        hidden_text: Whether the page has invisible text, such as a scan's recognized words.
    """

    image: pikepdf.Object
    path: tuple[str, ...]
    matrix: Matrix
    orientation: int
    unit: float
    hidden_text: bool

    def dpi(self, width: int, height: int) -> tuple[float, float]:
        """Resolution of an image of so many pixels, along its rows and columns."""
        a, b, c, d, _, _ = self.matrix
        across, down = (a * a + b * b) ** 0.5, (c * c + d * d) ** 0.5
        return width / (across * self.unit), height / (down * self.unit)


class _CompositeError(Exception):
    """The page is not one image."""


@dataclass(slots=True)
class _State:
    matrix: Matrix = IDENTITY
    black: bool = True
    text_mode: int = 0

    def copy(self) -> _State:
        return _State(self.matrix, self.black, self.text_mode)


def find_single_image(page: pikepdf.Page) -> Placement | None:
    """The image that the page is, or None when it is composite."""
    walk = _Walk()
    try:
        walk.run(page.obj, inherited(page.obj, "/Resources"), (), depth=0)
        if walk.found is None:
            return None
        image, path, matrix = walk.found
        orientation = _orientation(matrix, rotation(page))
    except (_CompositeError, pikepdf.PdfError, *_MALFORMED):
        return None
    return Placement(image, path, matrix, orientation, unit_inches(page), walk.hidden_text)


def open_states(page: pikepdf.Page) -> int:
    """How many ``q`` of the page's content lack their ``Q``."""
    depth = 0
    try:
        for instruction in pikepdf.parse_content_stream(page, "q Q"):
            operator = _operator(instruction)
            depth = max(0, depth + (operator == "q") - (operator == "Q"))
    except pikepdf.PdfError:
        return 0
    return depth


def drawn_images(page: pikepdf.Page) -> set[tuple[int, int]]:
    """Object numbers of the images that the page's content may paint, forms included."""
    xobjects = _xobjects(inherited(page.obj, "/Resources"))
    try:
        names = {
            str(instruction.operands[0])
            for instruction in pikepdf.parse_content_stream(page, "Do")
            if instruction.operands
        }
    except pikepdf.PdfError:
        names = set(xobjects)
    found: set[tuple[int, int]] = set()
    _collect([xobjects[name] for name in sorted(names) if name in xobjects], found, set())
    return found


def annotation_images(page: pikepdf.Page) -> set[tuple[int, int]]:
    """Object numbers of the images in the appearances of the page's annotations."""
    found: set[tuple[int, int]] = set()
    for annotation in _items(page.obj.get("/Annots")):
        if isinstance(annotation, pikepdf.Dictionary):
            _collect(_appearances(annotation.get("/AP")), found, set())
    return found


def has_remarks(page: pikepdf.Page) -> bool:
    """Whether the page has annotations other than links and form fields."""
    kinds = {str(mapping(item).get("/Subtype")) for item in _items(page.obj.get("/Annots"))}
    return bool(kinds - {"/Link", "/Widget", "None"})


class _Walk:
    """Runs content streams until something is painted that is not the one image."""

    def __init__(self) -> None:
        self.found: tuple[pikepdf.Object, tuple[str, ...], Matrix] | None = None
        self.hidden_text = False
        self._state = _State()
        self._stack: list[_State] = []

    def run(
        self, content: pikepdf.Object, resources: Any, path: tuple[str, ...], depth: int
    ) -> None:
        if depth > _MAX_DEPTH:
            raise _CompositeError
        source = pikepdf.Page(content) if depth == 0 else content
        for instruction in pikepdf.parse_content_stream(source):
            operator, operands = _operator(instruction), list(instruction.operands)
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
            state.matrix = _multiply(_matrix(operands), state.matrix)
        elif operator in _SETS_FILL:
            state.black = _BLACK.get(operator) == tuple(operands)
        elif operator == "Tr":
            state.text_mode = int(operands[0])
        elif operator in _SHOWS_TEXT:
            if state.text_mode != _INVISIBLE_TEXT:
                raise _CompositeError
            self.hidden_text = True
        elif operator == "gs":
            _require_opaque(resources, str(operands[0]))
        elif operator == "BDC":
            if str(operands[0]) == "/OC":
                raise _CompositeError
        elif operator not in _HARMLESS:
            raise _CompositeError

    def _paint(self, name: str, resources: Any, path: tuple[str, ...], depth: int) -> None:
        xobject = _xobjects(resources).get(name)
        if xobject is None or "/OC" in xobject:
            raise _CompositeError
        path = (*path, name)
        kind = xobject.get("/Subtype")
        if kind == "/Image":
            self._take(xobject, path)
        elif kind == "/Form":
            before = self._state.copy()
            matrix = _matrix(_items(xobject.get("/Matrix"))) if "/Matrix" in xobject else IDENTITY
            self._state.matrix = _multiply(matrix, self._state.matrix)
            self._stack.append(before)
            own = xobject.get("/Resources")
            self.run(xobject, resources if own is None else own, path, depth + 1)
            # What the form left unbalanced ends with it.
            while self._stack and self._stack[-1] is not before:
                self._stack.pop()
            self._state = self._stack.pop() if self._stack else before
        else:
            raise _CompositeError

    def _take(self, image: pikepdf.Object, path: tuple[str, ...]) -> None:
        stencil = bool(image.get("/ImageMask", False))
        if self.found is not None or "/SMask" in image or "/Mask" in image:
            raise _CompositeError
        if (stencil and not self._state.black) or int(image.get("/SMaskInData", 0)):
            raise _CompositeError
        self.found = image, path, self._state.matrix


def _require_opaque(resources: Any, name: str) -> None:
    state = mapping(mapping(mapping(resources).get("/ExtGState")).get(name))
    opaque = float(state.get("/ca", 1)) == 1 and float(state.get("/CA", 1)) == 1
    modes = [str(m) for m in _items(state.get("/BM", pikepdf.Name.Normal))]
    plain = set(modes) <= {"/Normal", "/Compatible"}
    if not opaque or not plain or str(state.get("/SMask", "/None")) != "/None":
        raise _CompositeError


def _orientation(matrix: Matrix, degrees: int) -> int:
    a, b, c, d, _, _ = matrix
    axes = [(a, b), (-c, -d)]
    for _ in range(degrees // 90):
        axes = [(y, -x) for x, y in axes]
    signs = tuple((_sign(x, y), _sign(y, x)) for x, y in axes)
    if signs not in _ORIENTATIONS:
        raise _CompositeError
    return _ORIENTATIONS[signs]


def _sign(value: float, other: float) -> int:
    """Sign of one coordinate of a direction; 0 where it hardly counts beside the other."""
    if abs(value) <= abs(other) * 1e-3:
        return 0
    return 1 if value > 0 else -1


def _matrix(operands: Iterable[Any]) -> Matrix:
    a, b, c, d, e, f = (float(value) for value in operands)
    return a, b, c, d, e, f


def _multiply(m: Matrix, n: Matrix) -> Matrix:
    """``m`` followed by ``n``, in PDF's row-vector convention."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def _operator(instruction: Any) -> str:
    """An instruction's operator; "" for bytes that are none."""
    try:
        return str(instruction.operator)
    except UnicodeDecodeError:
        return ""


def _xobjects(resources: Any) -> Any:
    return mapping(mapping(resources).get("/XObject"))


def _items(value: Any) -> list[Any]:
    """The members of an array; a single object as a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def _appearances(appearance: Any) -> list[Any]:
    """The streams of an annotation's appearance dictionary, all states."""
    if isinstance(appearance, pikepdf.Stream):
        return [appearance]
    if isinstance(appearance, pikepdf.Dictionary):
        return [s for value in appearance.values() for s in _appearances(value)]
    return []


def _collect(
    xobjects: Iterable[Any], found: set[tuple[int, int]], forms: set[tuple[int, int]]
) -> None:
    for xobject in xobjects:
        if not isinstance(xobject, pikepdf.Stream):
            continue
        if xobject.get("/Subtype") == "/Image":
            found.add(xobject.objgen)
        elif xobject.objgen not in forms:
            forms.add(xobject.objgen)
            inner = _xobjects(xobject.get("/Resources"))
            _collect([inner[name] for name in list(inner)], found, forms)
