"""Which pages of a document are asked for: ``1-4,7``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from textclean.errors import OptionsError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r"(?P<first>[0-9]{1,9})?(?P<dash>\s*-\s*)?(?P<last>[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class PageSelection:
    """Ranges of page numbers.

    Attributes:
        ranges: First and last page of each range, from 1, both included; last None = to the end.
    """

    ranges: tuple[tuple[int, int | None], ...]

    def __post_init__(self) -> None:
        for first, last in self.ranges:
            if first < 1 or (last is not None and last < first):
                raise OptionsError(
                    f"there are no pages {first} to {last}",
                    remedy="Pages are counted from 1, the smaller number comes first",
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1-4,7``; ``5-`` goes to the last page and ``-3`` starts at the first.

        Raises:
            OptionsError: It is not such a list.
        """
        return cls(tuple(_range(part.strip(), text) for part in text.split(",")))

    @classmethod
    def of(cls, pages: str | Iterable[int] | None) -> Self | None:
        """A selection from what a caller gives; None = all pages.

        Raises:
            OptionsError: No page at all, or a number under 1.
        """
        if pages is None:
            return None
        if isinstance(pages, str):
            return cls.parse(pages)
        numbers = tuple((number, number) for number in sorted(set(pages)))
        if not numbers:
            raise OptionsError("no page is asked for", remedy="Leave pages out for all of them")
        return cls(numbers)

    def numbers(self, count: int, source: str) -> frozenset[int]:
        """The pages of a document that are meant.

        Args:
            count: How many pages it has. A range may end behind the last one, not start there.
            source: Its name, for the error.

        Raises:
            OptionsError: A page is asked for that the document does not have.
        """
        chosen: set[int] = set()
        for first, last in self.ranges:
            if first > count:
                there = "is only one page" if count == 1 else f"are only {count} pages"
                raise OptionsError(f"page {first} is asked for and there {there}", source=source)
            chosen.update(range(first, min(last or count, count) + 1))
        return frozenset(chosen)


def _range(part: str, whole: str) -> tuple[int, int | None]:
    match = _PART.fullmatch(part)
    if match is None or not (match["first"] or match["last"]):
        raise OptionsError(
            f"{whole!r} is not a list of pages", remedy="Write it like 1-4,7 or 5- or -3"
        )
    first = int(match["first"] or 1)
    if match["dash"] is None:
        return first, first
    return first, int(match["last"]) if match["last"] else None
