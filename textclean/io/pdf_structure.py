"""The structure of a tagged PDF: the texts that stand for content that was cleaned.

ISO 32000-1, 14.7. Elements stay, with their order and their marked content; only what they would
have read out in place of the cleaned content goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_marked import ALTERNATES
from textclean.io.pdf_objects import items
from textclean.io.pdf_page import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_MAX_DEPTH: Final = 100
_MAX_NODES: Final = 5_000_000


def strip_marked(pdf: pikepdf.Pdf, touched: Collection[tuple[int, int]]) -> int:
    """Remove the texts of elements whose marked content lost something, and of those above them.

    Args:
        pdf: The file.
        touched: Key in the parent tree and identifier of each marked content.

    Returns:
        How many texts went.
    """
    if not touched:
        return 0
    tree = mapping(mapping(pdf.Root.get("/StructTreeRoot")).get("/ParentTree"))
    wanted: dict[int, set[int]] = {}
    for key, number in touched:
        wanted.setdefault(key, set()).add(number)
    count = 0
    for key, value in number_tree(tree):
        if key not in wanted:
            continue
        elements = items(value)
        for number in wanted[key]:
            if number < len(elements):
                count += sum(strip_element(element) for element in _upwards(elements[number]))
    return count


def strip_where(pdf: pikepdf.Pdf, wanted: Callable[[tuple[int, int]], bool]) -> int:
    """Remove the texts of all elements on some pages.

    Args:
        pdf: The file.
        wanted: Whether they go on the page with an object number; (0, 0) = an element that names
            no page.

    Returns:
        How many texts went.
    """
    count = 0
    for element, page in _elements(mapping(pdf.Root.get("/StructTreeRoot"))):
        if wanted(page):
            count += strip_element(element)
    return count


def forget_objects(pdf: pikepdf.Pdf, gone: Collection[tuple[int, int]]) -> None:
    """Take references to removed objects, such as annotations, out of the structure.

    A structure that still referred to them would keep them in the file.
    """
    root = mapping(pdf.Root.get("/StructTreeRoot"))
    if not gone or not len(root):
        return
    for element, _ in _elements(root):
        children = element.get("/K")
        if isinstance(children, pikepdf.Array):
            left = [child for child in children if not _refers(child, gone)]
            if len(left) < len(children):
                element.K = pikepdf.Array(left)
        elif _refers(children, gone):
            del element.K


def strip_element(element: Any) -> int:
    """Remove an element's texts; how many there were."""
    found = [key for key in ALTERNATES if key in element]
    for key in found:
        del element[key]
    return len(found)


def number_tree(node: Any, depth: int = 0) -> Iterator[tuple[int, Any]]:
    """The entries of a number tree."""
    if depth > _MAX_DEPTH or not isinstance(node, pikepdf.Dictionary):
        return
    pairs = items(node.get("/Nums"))
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        if isinstance(key, int):
            yield int(key), value
    for kid in items(node.get("/Kids")):
        yield from number_tree(kid, depth + 1)


def _upwards(element: Any) -> Iterator[Any]:
    """An element and those above it."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(element, pikepdf.Dictionary):
            return
        yield element
        element = element.get("/P")


def _elements(root: Any) -> Iterator[tuple[Any, tuple[int, int]]]:
    """All elements, each with the object number of the page that it is on."""
    waiting = [(child, (0, 0)) for child in reversed(items(root.get("/K")))]
    seen: set[tuple[int, int]] = set()
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        element, page = waiting.pop()
        if not isinstance(element, pikepdf.Dictionary) or str(element.get("/Type")) in (
            "/MCR",
            "/OBJR",
        ):
            continue
        if element.objgen != (0, 0):
            if element.objgen in seen:
                continue
            seen.add(element.objgen)
        own = element.get("/Pg")
        page = own.objgen if isinstance(own, pikepdf.Dictionary) else page
        yield element, page
        waiting += [(child, page) for child in reversed(items(element.get("/K")))]


def _refers(child: Any, gone: Collection[tuple[int, int]]) -> bool:
    if not isinstance(child, pikepdf.Dictionary) or str(child.get("/Type")) != "/OBJR":
        return False
    target = child.get("/Obj")
    return isinstance(target, pikepdf.Object) and target.objgen in gone
