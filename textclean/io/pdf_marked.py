"""Marked content, and the texts that stand for it (ISO 32000-1, 14.6 and 14.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pikepdf

from textclean.io.pdf_page import mapping

ALTERNATES: Final = ("/ActualText", "/Alt", "/E")
"""Keys of texts that are read out, copied or searched in place of what is shown."""


@dataclass(slots=True)
class _Sequence:
    """A marked-content sequence that is open.

    Attributes:
        at: Index of the instruction that opens it, in the output.
        properties: Its property list, or None.
        lost: Whether something in it was taken out or covered.
    """

    at: int
    properties: Any
    lost: bool = False


class MarkedContent:
    """Follows the marked content of one content stream.

    Attributes:
        touched: Key in the parent tree and identifier of sequences that lost something.
    """

    def __init__(self, resources: Any, parents: int, *, stripping: bool) -> None:
        """A content stream's marked content.

        Args:
            resources: Of the content stream.
            parents: Key of the page or form in the structure's parent tree, -1 = none.
            stripping: Whether all alternate texts go, not only those of what was lost.
        """
        self.touched: set[tuple[int, int]] = set()
        self._properties = mapping(mapping(resources).get("/Properties"))
        self._parents = parents
        self._stripping = stripping
        self._open: list[_Sequence] = []
        self._rewritten: dict[int, Any] = {}

    def lose(self) -> None:
        """Something was taken out or covered here."""
        for sequence in self._open:
            sequence.lost = True

    def follow(self, operator: str, operands: list[Any], at: int) -> None:
        """Take note of an instruction that is to stand at index ``at`` of the output."""
        if operator == "BMC":
            self._open.append(_Sequence(at, None))
        elif operator == "BDC":
            given = operands[1] if len(operands) > 1 else None
            found = self._properties.get(str(given)) if isinstance(given, pikepdf.Name) else given
            self._open.append(_Sequence(at, mapping(found)))
        elif operator == "EMC" and self._open:
            self._end(self._open.pop())

    def rewrite(self, output: list[Any]) -> bool:
        """Put in the property lists that lost their texts; whether there are any."""
        while self._open:
            self._end(self._open.pop())
        for at, properties in self._rewritten.items():
            tag = output[at].operands[0]
            output[at] = pikepdf.ContentStreamInstruction(
                [tag, properties], pikepdf.Operator("BDC")
            )
        return bool(self._rewritten)

    def _end(self, sequence: _Sequence) -> None:
        properties = sequence.properties
        if properties is None:
            return
        number = properties.get("/MCID")
        if sequence.lost and isinstance(number, int):
            self.touched.add((self._parents, int(number)))
        if not (sequence.lost or self._stripping):
            return
        if any(key in properties for key in ALTERNATES):
            # Only plain values may stand in the content itself; others are of no use to readers.
            self._rewritten[sequence.at] = pikepdf.Dictionary(
                {
                    key: value
                    for key, value in properties.items()
                    if key not in ALTERNATES
                    and (not isinstance(value, pikepdf.Object) or _is_plain(value))
                }
            )


def _is_plain(value: pikepdf.Object) -> bool:
    return isinstance(value, pikepdf.Name | pikepdf.String) and not value.is_indirect
