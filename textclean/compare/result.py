"""What a comparison found, as values, as lines for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from textclean.types import Box

DifferenceKind = Literal[
    "pages", "names", "order", "unreadable", "format", "size", "mode", "palette", "pixels",
    "icc", "exif", "dpi", "orientation", "chunks", "tags", "encoding", "entries", "comicinfo",
    "text", "annotations", "bookmarks", "metadata", "objects",
]  # fmt: skip

KINDS: Final[tuple[DifferenceKind, ...]] = get_args(DifferenceKind)
"""The kinds of differences, in the order in which they are told."""

EXIT_DIFFERS: Final = 6
"""What the command line exits with when something outside the regions differs."""

_SHOWN = 3
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in both documents.

    Attributes:
        kind: One of :data:`KINDS`: "pages" (missing or added), "names" and "order" of pages,
            "unreadable" (a page that cannot be decoded, and is not byte-identical), "format",
            "size", "mode" (and depth), "palette", "pixels", "icc", "exif", "dpi", "orientation",
            "chunks" (PNG and WebP chunks, JPEG segments, BMP header), "tags" (TIFF), "encoding"
            (how equal pixels are packed), "entries" (of an archive), "comicinfo", "text" (of PDF
            pages), "annotations", "bookmarks", "metadata", "objects" (PDF).
        where: Name of the page, or "" for the document as a whole.
        what: The difference in one line.
        expected: Whether it lies in the regions, or follows from cleaning them or from the
            conversion to another format.
    """

    kind: DifferenceKind
    where: str
    what: str
    expected: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "kind": self.kind,
            "where": self.where,
            "what": self.what,
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True)
class PageComparison:
    """The pixels of one page of both documents, compared in the array that the file stores.

    Attributes:
        name: Name of the page in the first document.
        number: Its position there, from 1.
        identical: Whether everything that the page is made of is byte-identical; nothing was
            decoded then.
        area: Pixels that the regions cover; None when that was not needed.
        changed_inside: Pixels that differ, in the regions.
        changed_blocks: Pixels that differ outside the regions, in blocks that the regions touch:
            JPEG stores pixels in blocks, and nothing smaller can be replaced.
        changed_outside: Pixels that differ elsewhere; None when the pages cannot be compared.
        largest: Largest difference of a sample outside the regions, in levels of the samples
            compared (palette pages: of the colours).
        box: Bounding box of the differences outside, as stored; None = none.
    """

    name: str
    number: int
    identical: bool = False
    area: int | None = None
    changed_inside: int = 0
    changed_blocks: int = 0
    changed_outside: int | None = 0
    largest: int = 0
    box: Box | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "name": self.name,
            "number": self.number,
            "identical": self.identical,
            "area": self.area,
            "changed_inside": self.changed_inside,
            "changed_blocks": self.changed_blocks,
            "changed_outside": self.changed_outside,
            "largest": self.largest,
            "box": None if self.box is None else list(self.box),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two documents.

    Attributes:
        before: Name of the first document.
        after: Name of the second.
        identical: Whether the files are the same, byte for byte.
        converted: Whether they are documents of different kinds: how pages are stored is not
            held against the second then.
        pages: The pages that both have, in the order of the first.
        differences: Everything that differs, document first, then page by page.
        ignored: Kinds of differences that do not count.
    """

    before: str
    after: str
    identical: bool
    converted: bool
    pages: tuple[PageComparison, ...]
    differences: tuple[Difference, ...]
    ignored: tuple[str, ...] = ()

    @property
    def unexpected(self) -> tuple[Difference, ...]:
        """The differences that count: outside the regions, and of no ignored kind."""
        return tuple(d for d in self.differences if not d.expected and d.kind not in self.ignored)

    @property
    def same_outside(self) -> bool:
        """Whether nothing outside the regions differs."""
        return not self.unexpected

    @property
    def changed_inside(self) -> int:
        """Pixels that differ in the regions, on all pages."""
        return sum(page.changed_inside for page in self.pages)

    @property
    def changed_blocks(self) -> int:
        """Pixels that differ outside the regions in JPEG blocks that they touch, on all pages."""
        return sum(page.changed_blocks for page in self.pages)

    @property
    def changed_outside(self) -> int:
        """Pixels that differ outside the regions, on all pages that can be compared."""
        return sum(page.changed_outside or 0 for page in self.pages)

    def of_kind(self, kind: str) -> tuple[Difference, ...]:
        """The differences of one kind."""
        return tuple(d for d in self.differences if d.kind == kind)

    def summary(self) -> list[str]:
        """A line for the pixels, one for each other kind of difference, and the verdict."""
        lines = [] if self.identical else [self._pixel_line()]
        for kind in KINDS:
            if kind != "pixels" and (found := self.of_kind(kind)):
                lines.append(f"{kind}: {self._told(kind, found)}")
        return [*lines, self.verdict()]

    def verdict(self) -> str:
        """The result in one line."""
        if self.identical:
            return "identical: the documents are the same, byte for byte"
        count = len(self.unexpected)
        if not count:
            return "same: nothing differs outside the regions"
        kinds = ", ".join(sorted({d.kind for d in self.unexpected}, key=_rank))
        return f"different: {_count(count, 'difference')} outside the regions ({kinds})"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {
            "format": "textclean-comparison",
            "version": _VERSION,
            "before": self.before,
            "after": self.after,
            "identical": self.identical,
            "converted": self.converted,
            "same_outside": self.same_outside,
            "changed_inside": self.changed_inside,
            "changed_blocks": self.changed_blocks,
            "changed_outside": self.changed_outside,
            "ignored": list(self.ignored),
            "summary": self.summary(),
            "pages": [page.as_dict() for page in self.pages],
            "differences": [d.as_dict() for d in self.differences],
        }

    def _pixel_line(self) -> str:
        touched = [
            p for p in self.pages if p.changed_inside or p.changed_blocks or p.changed_outside
        ]
        outside = [p for p in self.pages if p.changed_outside]
        blocks = f", {self.changed_blocks:,} in JPEG blocks they touch" * bool(self.changed_blocks)
        line = (
            f"pixels: {self.changed_inside:,} changed in the regions{blocks} and "
            f"{self.changed_outside:,} outside, on {len(touched)} of "
            f"{_count(len(self.pages), 'page')}"
        )
        if outside:
            worst = max(outside, key=lambda page: page.changed_outside or 0)
            line += f"; most on {worst.name}: {worst.changed_outside:,}, by up to {worst.largest}"
        return line

    def _told(self, kind: str, found: tuple[Difference, ...]) -> str:
        """Those that count first; a few by name."""
        counting = [d for d in found if not d.expected]
        expected = [d for d in found if d.expected]
        head = f"{_count(len(counting), 'difference')}" if counting else ""
        if expected:
            head += (", " if head else "") + f"{len(expected)} expected"
        if counting and kind in self.ignored:
            head += ", ignored"
        shown = [str(d) for d in (counting or expected)[:_SHOWN]]
        rest = len(counting or expected) - len(shown)
        more = f"; and {rest} more" if rest else ""
        return f"{head}: {'; '.join(shown)}{more}"


def _rank(kind: str) -> int:
    return [str(known) for known in KINDS].index(kind)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
