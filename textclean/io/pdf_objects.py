"""Looking around in a PDF's objects: what a page refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_page import inherited, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What using an object of an unexpected type raises; a renderer may make sense of such content.
MALFORMED: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def items(value: Any) -> list[Any]:
    """The members of an array; a single object as a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def size_of(image: Any) -> tuple[int, int]:
    """Width and height in pixels that an image declares; 0 where it declares no such number."""
    sides = []
    for name in ("/Width", "/Height"):
        try:
            sides.append(max(0, int(image.get(name, 0))))
        except MALFORMED:
            sides.append(0)
    return sides[0], sides[1]


def xobjects(resources: Any) -> Any:
    """The XObjects of a resource dictionary, by name."""
    return mapping(mapping(resources).get("/XObject"))


def operator_of(instruction: Any) -> str:
    """An instruction's operator; "" for bytes that are none."""
    try:
        return str(instruction.operator)
    except UnicodeDecodeError:
        return ""


def drawn_objects(page: pikepdf.Page) -> set[tuple[int, int]]:
    """Object numbers of the images and forms that the page's content may paint."""
    named = xobjects(inherited(page.obj, "/Resources"))
    try:
        names = {
            str(instruction.operands[0])
            for instruction in pikepdf.parse_content_stream(page, "Do")
            if instruction.operands
        }
    except pikepdf.PdfError:
        names = set(named)
    found: set[tuple[int, int]] = set()
    _collect([named[name] for name in sorted(names) if name in named], found)
    return found


def annotation_objects(page: pikepdf.Page) -> set[tuple[int, int]]:
    """Object numbers of the images and forms in the appearances of the page's annotations."""
    found: set[tuple[int, int]] = set()
    for annotation in annotations_of(page):
        _collect(_appearances(annotation.get("/AP")), found)
    return found


def annotations_of(page: pikepdf.Page) -> Iterator[pikepdf.Dictionary]:
    """The page's annotations, as far as they are dictionaries."""
    for annotation in items(page.obj.get("/Annots")):
        if isinstance(annotation, pikepdf.Dictionary):
            yield annotation


def kind_of(annotation: Any) -> str:
    """Subtype of an annotation, with its slash; "" when it has none."""
    return str(mapping(annotation).get("/Subtype", ""))


def has_remarks(page: pikepdf.Page) -> bool:
    """Whether the page has annotations other than links and form fields."""
    return bool({kind_of(item) for item in annotations_of(page)} - {"/Link", "/Widget", ""})


def open_states(page: pikepdf.Page) -> int:
    """How many ``q`` of the page's content lack their ``Q``."""
    depth = 0
    try:
        for instruction in pikepdf.parse_content_stream(page, "q Q"):
            operator = operator_of(instruction)
            depth = max(0, depth + (operator == "q") - (operator == "Q"))
    except pikepdf.PdfError:
        return 0
    return depth


def _appearances(appearance: Any) -> list[Any]:
    """The streams of an annotation's appearance dictionary, all states."""
    if isinstance(appearance, pikepdf.Stream):
        return [appearance]
    if isinstance(appearance, pikepdf.Dictionary):
        return [s for value in appearance.values() for s in _appearances(value)]
    return []


def _collect(streams: Iterable[Any], found: set[tuple[int, int]]) -> None:
    for xobject in streams:
        if isinstance(xobject, pikepdf.Stream) and xobject.objgen not in found:
            found.add(xobject.objgen)
            if xobject.get("/Subtype") != "/Image":
                inner = xobjects(xobject.get("/Resources"))
                _collect([inner[name] for name in list(inner)], found)
