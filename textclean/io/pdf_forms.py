"""The forms that a PDF content stream paints, and the edited copies that take their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pikepdf

from textclean.io.pdf_objects import operator_of, xobjects
from textclean.io.pdf_page import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable


class Forms:
    """The XObjects that a content stream names, and the edited copies of some.

    Attributes:
        given: The resources that they come from.
        added: Edited copies by the names that they go by.
        lends: Whether a form uses these resources, for want of its own.
    """

    def __init__(self, resources: Any, parsed: Iterable[Any]) -> None:
        """Those of ``resources`` that the instructions ``parsed`` may paint."""
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
        """The XObject of a name, or None."""
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

    def resources(self, output: Iterable[Any]) -> Any:
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
