"""Compare two documents, page by page and as a whole."""

from __future__ import annotations

import filecmp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclean.compare.areas import Areas
from textclean.compare.looks import open_look
from textclean.compare.pages import compare_pages
from textclean.compare.result import KINDS, Comparison, Difference, PageComparison
from textclean.errors import InputError, OptionsError
from textclean.io import open_source
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.options import MAX_PIXELS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from textclean.compare.looks import Look
    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import Mask

    PathLike = str | os.PathLike[str]


def compare_documents(
    before: PathLike,
    after: PathLike,
    *,
    regions: PathLike | None = None,
    masks: PathLike | Mapping[int, Mask] | None = None,
    margin: int = 0,
    ignore: Iterable[str] = (),
    password: str | None = None,
    max_pixels: int = MAX_PIXELS,
    pdf_dpi: int = 300,
) -> Comparison:
    """What differs between a document and the one that was made of it.

    Everything that differs outside the regions is told and counts; with neither regions nor masks
    every difference does. What lies in them, and what follows from cleaning them (a new encoding of
    equal pixels, the image of a PDF page, the picture sizes in ``ComicInfo.xml``), is told as
    expected. Documents of different kinds are compared by what a conversion must keep: pages,
    their pixels, profiles and resolution.

    Args:
        before: The first document: an image, a folder, an archive or a PDF.
        after: The second.
        regions: Regions file that was written when the document was cleaned. Lettering may reach
            beyond its outlines; masks are exact.
        masks: What ``--mask-out`` wrote: a picture or a folder of them; or masks by page number,
            each ``(H, W)`` bool as stored.
        margin: Pixels to grow the regions by, on top of the growth that the file tells.
        ignore: Kinds of differences that do not count; see
            :class:`textclean.compare.Difference`.
        password: What opens encrypted PDFs, both of them.
        max_pixels: Pages with more pixels are refused before decoding.
        pdf_dpi: Resolution at which PDF pages are rendered that are not one image: that of the
            cleaning, where regions or masks are given.

    Returns:
        The comparison; ``same_outside`` is the verdict.

    Raises:
        FileAccessError: A path cannot be read.
        InputError: A document cannot be opened, or regions or masks do not go with it.
        OptionsError: Unknown kinds to ignore, or a negative margin.
    """
    ignored = _known_kinds(ignore)
    if margin < 0:
        raise OptionsError(f"margin is {margin}", remedy="It must not be negative")
    areas = Areas(regions, masks, margin=margin)
    paths = Path(before), Path(after)
    # To look at a document that must not be changed harms nobody.
    how: Any = {
        "max_pixels": max_pixels,
        "pdf_dpi": pdf_dpi,
        "password": password,
        "allow_signed": True,
        "allow_xfa": True,
    }
    with open_source(paths[0], **how) as first, open_source(paths[1], **how) as second:
        kinds = _kind(first), _kind(second)
        run = _Run(first, second, kinds, areas)
        if not (paths[0].is_file() and paths[1].is_file()) or not filecmp.cmp(
            *paths, shallow=False
        ):
            look = open_look(first, second, kinds, password=password, max_pixels=max_pixels)
            try:
                run.all(look)
            finally:
                look.close()
        else:
            run.nothing_differs()
    return Comparison(
        before=str(before),
        after=str(after),
        identical=run.identical,
        converted=kinds[0] != kinds[1],
        pages=tuple(run.pages),
        differences=tuple(run.differences),
        ignored=ignored,
    )


class _Run:
    """One comparison while it goes on."""

    def __init__(
        self, before: Document, after: Document, kinds: tuple[str, str], areas: Areas
    ) -> None:
        self._before = before
        self._after = after
        self._kinds = kinds
        self._areas = areas
        self.identical = False
        self.pages: list[PageComparison] = []
        self.differences: list[Difference] = []

    def nothing_differs(self) -> None:
        """The files are the same."""
        self.identical = True
        self.pages = [PageComparison(e.name, e.number, identical=True) for e in self._entries()[0]]

    def all(self, look: Look) -> None:
        """Compare everything."""
        mine, theirs = self._entries()
        pairs, self.differences = _matched(mine, theirs, by_name=self._has_names())
        of_pages: list[Difference] = []
        for a, b in pairs:
            of_pages += self._page(look, a, b)
        self.differences += [*look.document(), *of_pages]
        self.identical = self._kinds == ("folder", "folder") and not self.differences

    def _page(self, look: Look, a: PageEntry, b: PageEntry) -> Iterator[Difference]:
        """Compare a page; what differs."""
        if look.identical(a, b):
            self.pages.append(PageComparison(a.name, a.number, identical=True))
            return
        try:
            before, after = look.load(a, b)
        except InputError as error:
            self.pages.append(PageComparison(a.name, a.number, changed_outside=None))
            yield Difference("unreadable", a.name, error.message)
            yield from look.page(a, b)
            return
        area = self._areas.of(before)
        result, differences = compare_pages(
            before,
            after,
            area,
            converted=look.converted(a, b),
            block=look.block(a, before),
        )
        self.pages.append(result)
        yield from differences
        yield from look.page(a, b)
        yield from look.decoded(before, area)

    def _entries(self) -> tuple[Sequence[PageEntry], Sequence[PageEntry]]:
        return self._before.entries, self._after.entries

    def _has_names(self) -> bool:
        """Whether pages have names of their own in both, and not just numbers."""
        numbered = {"pdf", "tiff"}
        single = any(len(entries) == 1 for entries in self._entries())
        return not single and not numbered & set(self._kinds)


def _matched(
    before: Sequence[PageEntry], after: Sequence[PageEntry], *, by_name: bool
) -> tuple[list[tuple[PageEntry, PageEntry]], list[Difference]]:
    """Which page became which: by name where some agree, else by position."""
    named = {entry.name: entry for entry in after}
    found: list[Difference] = []
    if by_name and any(entry.name in named for entry in before):
        pairs = [(entry, named[entry.name]) for entry in before if entry.name in named]
        order = [b.number for _, b in pairs]
        if order != sorted(order):
            first = next(a for (a, b), n in zip(pairs, sorted(order), strict=True) if b.number != n)
            found.append(
                Difference("order", first.name, "the pages are in another order from here")
            )
    else:
        pairs = list(zip(before, after, strict=False))
        renamed = [(a, b) for a, b in pairs if a.name != b.name]
        if by_name and renamed:
            a, b = renamed[0]
            found.append(Difference("names", a.name, f"{len(renamed)} renamed, to {b.name!r} ..."))
    paired = {id(a) for a, _ in pairs}, {id(b) for _, b in pairs}
    for entry in before:
        if id(entry) not in paired[0]:
            found.append(Difference("pages", entry.name, "the page is missing"))
    for entry in after:
        if id(entry) not in paired[1]:
            found.append(Difference("pages", entry.name, "the page was added"))
    return pairs, found


def _kind(document: Document) -> str:
    """What a document is, by its content."""
    if document.path.is_dir():
        return "folder"
    if (kind := getattr(document, "kind", None)) is not None:
        return str(kind)
    with document.path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)) or "unknown"


def _known_kinds(ignore: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(ignore))
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise OptionsError(
            f"there is no kind of difference {unknown[0]!r}", remedy=f"Known: {', '.join(KINDS)}"
        )
    return wanted
