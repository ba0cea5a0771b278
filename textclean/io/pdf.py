"""PDF: pages that are one image are cleaned in that image, all others by patches over them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textclean.errors import TextcleanError
from textclean.io.document import Document, located
from textclean.io.pdf_content import has_remarks
from textclean.io.pdf_image import single_image
from textclean.io.pdf_open import open_pdf, pdf_errors, refuse_unhandled
from textclean.io.pdf_overlay import COVERED
from textclean.io.pdf_page import shown_inches
from textclean.io.pdf_sink import PdfSink
from textclean.io.raster import LOSSLESS, WARNINGS, Raster
from textclean.io.render import open_renderer, pixel_size
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pikepdf

    from textclean.types import Page


_REMARKS: Final = (
    "PDF: annotations on the page (notes, stamps, markings) are not looked at and stay"
)


class PdfEntry:
    """One page of a PDF.

    Attributes:
        name: "page 3".
        number: Position in the document, from 1.
    """

    def __init__(self, source: PdfSource, number: int) -> None:
        """The entry of a page."""
        self.name = f"page {number}"
        self.number = number
        self._source = source

    def load(self) -> Page:
        """Decode the page's image, or render the page.

        Raises:
            InputError: It cannot be decoded.
        """
        source = self._source
        with located(source.name, self.name):
            raster = source.raster(self.number)
        return raster.to_page(source=source.name, name=self.name, number=self.number)


class PdfSource(Document):
    """A PDF file."""

    def __init__(
        self, path: Path, *, max_pixels: int, renderer: str, dpi: int, password: str | None
    ) -> None:
        """Open a PDF; pages are looked at when they are loaded.

        Args:
            path: The file.
            max_pixels: Limit of a page.
            renderer: "pdfium" or "poppler".
            dpi: Resolution at which composite pages are rendered.
            password: What opens an encrypted file.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
            MissingExtraError: The renderer is not installed.
            ProtectedInputError: Encrypted and no or a wrong password given, or signed.
            UnsupportedFormatError: No pages, or an XFA form.
        """
        super().__init__(path)
        self.password = password
        self._max_pixels = max_pixels
        self._dpi = dpi
        self._lock = threading.RLock()
        self._renderer = open_renderer(renderer, path, password)
        self._pdf = open_pdf(path, password)
        try:
            with located(self.name, None), pdf_errors():
                refuse_unhandled(self._pdf)
                count = len(self._pdf.pages)
        except TextcleanError:
            self._pdf.close()
            raise
        self._entries = tuple(PdfEntry(self, n + 1) for n in range(count))

    @property
    def entries(self) -> Sequence[PdfEntry]:
        """The pages."""
        return self._entries

    def raster(self, number: int) -> Raster:
        """A page's image, or the page rendered."""
        with self._lock, pdf_errors():
            page = self._pdf.pages[number - 1]
            found = single_image(page, self._max_pixels)
            raster = found[1] if found is not None else self._rendered(page, number)
            if not has_remarks(page):
                return raster
        extra = raster.metadata.extra
        extra = extra | {WARNINGS: (*extra[WARNINGS], _REMARKS)}
        return replace(raster, metadata=replace(raster.metadata, extra=extra))

    def _rendered(self, page: pikepdf.Page, number: int) -> Raster:
        size = shown_inches(page)
        picture = self._renderer.render(number - 1, size, self._dpi, self._max_pixels)
        metadata = Metadata(
            format="PDF",
            dpi=(float(self._dpi), float(self._dpi)),
            extra={LOSSLESS: True, WARNINGS: (COVERED,)},
        )
        return Raster(pixels=picture, mode="RGB", metadata=metadata)

    def rendered_size(self, number: int) -> tuple[int, int]:
        """Width and height in pixels of a page that is rendered."""
        with self._lock, pdf_errors():
            inches = shown_inches(self._pdf.pages[number - 1])
        return pixel_size(inches, self._dpi, self._max_pixels)

    def open_sink(self, dst: Path, *, overwrite: bool) -> PdfSink:
        """The sink that writes the PDF to ``dst``."""
        return PdfSink(self, dst, overwrite=overwrite, max_pixels=self._max_pixels)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._renderer.close()
        self._pdf.close()
