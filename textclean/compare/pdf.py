"""Two PDFs: their objects, and the text of the pages that are not made of the same ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pikepdf

from textclean import native
from textclean.compare.looks import Look
from textclean.compare.pdf_objects import Finding, ObjectComparison
from textclean.compare.pdf_text import Frame, TextReader, differing_text, lying_in
from textclean.compare.result import Difference
from textclean.errors import CorruptInputError
from textclean.io.pdf_page import rotation, shown_inches, visible_box
from textclean.io.raster import LOSSLESS
from textclean.io.render import open_renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.compare.pdf_text import Char
    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page

_JPEG_BLOCK = (16, 16)
_SHOWN_TEXT = 60


class PdfLook(Look):
    """Two PDF files.

    Pages whose objects are all the same are not rendered: the same renderer makes the same
    picture of them.
    """

    def __init__(
        self, before: Document, after: Document, *, password: str | None, max_pixels: int
    ) -> None:
        """Open both once more, for their objects and for their text.

        Raises:
            CorruptInputError: A file is damaged.
        """
        super().__init__(before, after, ("pdf", "pdf"))
        paths = before.path, after.path
        self._pdfs = [
            pikepdf.open(path, password=password or "", inherit_page_attributes=False)
            for path in paths
        ]
        self._readers = [TextReader(path, password) for path in paths]
        self._renderer = open_renderer("pdfium", paths[1], password)
        self._max_pixels = max_pixels
        self._objects = ObjectComparison(self._pdfs[0], self._pdfs[1])
        layers = [f for f in self._objects.document() if f.path[0] == "/OCProperties"]
        self._same_layers = not layers
        self._findings: dict[int, list[Finding]] = {}
        self._touched: set[int] = set()

    def identical(self, a: PageEntry, b: PageEntry) -> bool:
        """Whether the page is made of the same objects in both."""
        if a.number != b.number:
            return False
        try:
            found = self._objects.page(a.number)
        except (pikepdf.PdfError, RuntimeError) as error:
            raise CorruptInputError(
                f"the PDF is damaged ({' '.join(str(error).split())})", page=a.name
            ) from None
        self._findings[a.number] = found
        return self._same_layers and not found

    def load(self, a: PageEntry, b: PageEntry) -> tuple[Page, Page]:
        """Both pages; the second rendered at the resolution of the first, where they are rendered.

        A patch has a resolution of its own, and a page is rendered at that of its images.
        """
        before, after = a.load(), b.load()
        sheet = self._pdfs[1].pages[b.number - 1]
        dpi = before.metadata.dpi
        if dpi == after.metadata.dpi or dpi is None:
            return before, after
        if not (_fills(before, self._pdfs[0].pages[a.number - 1]) and _fills(after, sheet)):
            return before, after
        picture = self._renderer.render(
            b.number - 1, shown_inches(sheet), round(dpi[0]), self._max_pixels
        )
        metadata = replace(after.metadata, dpi=dpi)
        return before, replace(after, pixels=picture, rgb=picture, metadata=metadata)

    def page(self, a: PageEntry, b: PageEntry) -> Iterator[Difference]:
        """Nothing: what objects mean for the page is known when its pixels are."""
        yield from ()

    def block(self, entry: PageEntry, page: Page) -> tuple[int, int] | None:
        """The largest blocks that are common, where the page is a JPEG."""
        return None if page.metadata.extra.get(LOSSLESS, True) else _JPEG_BLOCK

    def decoded(self, page: Page, area: Mask) -> Iterator[Difference]:
        """Objects and text of a page that may have changed under ``area``, which is as stored."""
        number = page.number
        if area.any():
            self._touched.add(number)
        for finding in self._findings.pop(number, ()):
            expected = finding.shows and number in self._touched
            yield Difference(finding.kind, page.name, str(finding), expected)
        gone, new = differing_text(*(reader.chars(number) for reader in self._readers))
        upright = native.upright(area, page.metadata.orientation)
        inside, beside, outside = lying_in(gone, upright, self._frame(page))
        for chars, verb, expected in (
            (inside, "removed in the regions", True),
            (beside, "removed with words that reach into the regions", True),
            (outside, "removed outside the regions", False),
            (new, "added", False),
        ):
            if chars:
                yield Difference("text", page.name, f"{_told(chars)} {verb}", expected)

    def document(self) -> Iterator[Difference]:
        """What differs in the document as a whole, and on pages that could not be compared."""
        for number, findings in sorted(self._findings.items()):
            for finding in findings:
                yield Difference(finding.kind, f"page {number}", str(finding))
        for finding in self._objects.document():
            # Patches need a newer version of the format.
            expected = finding.path == ("version",) and bool(self._touched)
            yield Difference(finding.kind, "", str(finding), expected)

    def close(self) -> None:
        """Let go of the files."""
        for pdf in self._pdfs:
            pdf.close()
        for reader in self._readers:
            reader.close()
        self._renderer.close()

    def _frame(self, page: Page) -> Frame:
        """Where the picture of a page lies: all of the sheet when it was rendered."""
        sheet = self._pdfs[0].pages[page.number - 1]
        box = None if _fills(page, sheet) else self._readers[0].image_box(page.number)
        return Frame(box or visible_box(sheet), rotation(sheet))


def _fills(page: Page, sheet: pikepdf.Page) -> bool:
    """Whether a page's picture is the whole sheet, at one resolution: as when it is rendered."""
    dpi = page.metadata.dpi
    return (
        page.mode == "RGB"
        and dpi is not None
        and dpi[0] == dpi[1] == round(dpi[0])
        and all(
            math.isclose(side, inches * dpi[0], abs_tol=1.5)
            for side, inches in zip(page.size, shown_inches(sheet), strict=True)
        )
    )


def _told(chars: list[Char]) -> str:
    text = "".join(char.text for char in chars)
    short = text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
    return f"{len(chars)} character{'s' * (len(chars) != 1)} ({short})"
