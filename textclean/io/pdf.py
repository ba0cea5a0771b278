"""PDF: pages that are one image are cleaned in that image, all others by patches over them."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from textclean.errors import TextcleanError
from textclean.io.document import Document, located
from textclean.io.pdf_content import image_resolutions
from textclean.io.pdf_open import open_pdf, pdf_errors, refuse_unhandled
from textclean.io.pdf_page import shown_inches
from textclean.io.pdf_scan import read_scan
from textclean.io.pdf_sink import PdfSink
from textclean.io.raster import LOSSLESS, WARNINGS, Raster
from textclean.io.render import open_renderer, pixel_size
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pikepdf
    from numpy.typing import NDArray

    from textclean.types import Image, Page

# Images that cover less of the page than this say nothing about its resolution.
_LEAST_SHARE: Final = 0.05
_MOST_DPI: Final = 1200


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
        self._loaded: tuple[weakref.ref[Page], pikepdf.Object] | None = None

    def load(self) -> Page:
        """Decode the page's image, or render the page.

        Raises:
            InputError: It cannot be decoded.
        """
        source = self._source
        with located(source.name, self.name):
            raster, image = source.read(self.number)
        page = raster.to_page(source=source.name, name=self.name, number=self.number)
        self._loaded = (weakref.ref(page), image) if image is not None else None
        return page

    def pixels_of(self, image: pikepdf.Object) -> NDArray[Any] | None:
        """The stored pixels of a page of one image, while somebody holds the page that was loaded.

        Args:
            image: The same image in another opening of the file.

        Returns:
            The pixels; None also where the image is another one by now.
        """
        if self._loaded is None:
            return None
        page, own = self._loaded[0](), self._loaded[1]
        if page is None or not self._source.is_same(own, image):
            return None
        return page.pixels


class PdfSource(Document):
    """A PDF file."""

    def __init__(
        self,
        path: Path,
        *,
        max_pixels: int,
        renderer: str,
        dpi: int,
        password: str | None,
        signed: bool = False,
        xfa: bool = False,
    ) -> None:
        """Open a PDF; pages are looked at when they are loaded.

        Args:
            path: The file.
            max_pixels: Limit of a page.
            renderer: "pdfium" or "poppler".
            dpi: Resolution at which composite pages are rendered; a page with images of a
                higher one is rendered at theirs.
            password: What opens an encrypted file.
            signed: Whether a signed file is accepted.
            xfa: Whether an XFA form is accepted.

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
                refuse_unhandled(self._pdf, signed=signed, xfa=xfa)
                count = len(self._pdf.pages)
        except TextcleanError:
            self._pdf.close()
            raise
        self._entries = tuple(PdfEntry(self, n + 1) for n in range(count))

    @property
    def entries(self) -> Sequence[PdfEntry]:
        """The pages."""
        return self._entries

    def is_same(self, own: pikepdf.Object, image: pikepdf.Object) -> bool:
        """Whether an image of this file is stored in the same bytes as one of another file."""
        with self._lock, pdf_errors():
            return bytes(own.read_raw_bytes()) == bytes(image.read_raw_bytes())

    def read(self, number: int) -> tuple[Raster, pikepdf.Object | None]:
        """A page's images, or the page rendered; and the image where it is one alone."""
        with self._lock, pdf_errors():
            scan = read_scan(self._pdf.pages[number - 1], self._max_pixels)
            if scan is not None:
                alone = len(scan.pieces) == 1
                return scan.raster, scan.pieces[0].placement.image if alone else None
            dpi = float(self._resolution(number))
            extra = {LOSSLESS: True, WARNINGS: ()}
            metadata = Metadata(format="PDF", dpi=(dpi, dpi), extra=extra)
            return Raster(pixels=self.picture(number), mode="RGB", metadata=metadata), None

    def picture(self, number: int) -> Image:
        """A page rendered: ``(H, W, 3)`` uint8 RGB, without annotations."""
        with self._lock, pdf_errors():
            size = shown_inches(self._pdf.pages[number - 1])
            dpi = self._resolution(number)
            return self._renderer.render(number - 1, size, dpi, self._max_pixels)

    def rendered_size(self, number: int) -> tuple[int, int]:
        """Width and height in pixels of a page that is rendered."""
        with self._lock, pdf_errors():
            inches = shown_inches(self._pdf.pages[number - 1])
            return pixel_size(inches, self._resolution(number), self._max_pixels)

    def _resolution(self, number: int) -> int:
        """Pixels per inch at which a page is rendered: those of its own scans, where it can be."""
        page = self._pdf.pages[number - 1]
        found = image_resolutions(page, _LEAST_SHARE)
        wanted = min(round(max(found, default=0)), _MOST_DPI)
        if wanted <= self._dpi:
            return self._dpi
        width, height = shown_inches(page)
        most = int((self._max_pixels / max(width * height, 1e-9)) ** 0.5 * 0.999)
        return max(self._dpi, min(wanted, most))

    def open_sink(self, dst: Path, *, overwrite: bool) -> PdfSink:
        """The sink that writes the PDF to ``dst``."""
        return PdfSink(self, dst, overwrite=overwrite, max_pixels=self._max_pixels)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._renderer.close()
        self._pdf.close()
