"""PDF pages as pictures, for those that are not one image.

Annotations and form fields are left out of the picture: they lie above the page, where nothing that
is laid over it would cover them.
"""

from __future__ import annotations

import math
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from textclean.errors import CorruptInputError, DependencyError, MissingExtraError, UsageError
from textclean.io.guard import check_size
from textclean.io.images import read_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.types import Image

# PDFium keeps global state and is not thread-safe, whichever document is read.
PDFIUM_LOCK = threading.RLock()


class Renderer(Protocol):
    """Renders the pages of one PDF."""

    def render(self, index: int, size: tuple[float, float], dpi: int, max_pixels: int) -> Image:
        """A page as it is shown, rotated and cropped.

        Args:
            index: Position of the page, from 0.
            size: Its width and height as shown, in inches.
            dpi: Resolution.
            max_pixels: Limit that is checked before anything is drawn.

        Returns:
            ``(H, W, 3)`` uint8 RGB over white; the page fills it exactly.

        Raises:
            CorruptInputError: It cannot be rendered.
            TooLargeError: Over the limit.
        """

    def close(self) -> None:
        """Let go of the file; safe to call twice."""


def open_renderer(name: str, path: Path, password: str | None) -> Renderer:
    """The renderer of that name for a PDF.

    Args:
        name: "pdfium" or "poppler".
        path: The PDF.
        password: What opens it, or None.

    Raises:
        MissingExtraError: Its package is not installed.
        UsageError: There is none of that name.
    """
    if name not in _RENDERERS:
        known = ", ".join(sorted(_RENDERERS))
        raise UsageError(f"there is no PDF renderer {name!r}", remedy=f"Known: {known}")
    return _RENDERERS[name](path, password)


def pixel_size(size: tuple[float, float], dpi: int, max_pixels: int) -> tuple[int, int]:
    """Width and height in pixels of a page of ``size`` inches.

    Raises:
        CorruptInputError: It has no area.
        TooLargeError: Over the limit.
    """
    if not all(math.isfinite(inches) and inches > 0 for inches in size):
        raise CorruptInputError(f"the page is {size[0]:g} x {size[1]:g} inches: it has no area")
    # A hair under the next whole number is arithmetic, not paper.
    width, height = (max(1, math.ceil(inches * dpi - 1e-3)) for inches in size)
    check_size(width, height, max_pixels)
    return width, height


class PdfiumRenderer:
    """Renders with PDFium, through pypdfium2."""

    def __init__(self, path: Path, password: str | None) -> None:
        """A renderer that opens the file when it is first needed."""
        self._path = path
        self._password = password
        self._document: Any = None

    def render(self, index: int, size: tuple[float, float], dpi: int, max_pixels: int) -> Image:
        """See :meth:`Renderer.render`."""
        import pypdfium2 as pdfium
        import pypdfium2.raw as raw

        width, height = pixel_size(size, dpi, max_pixels)
        with PDFIUM_LOCK:
            try:
                page = self._open()[index]
                bitmap = pdfium.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR)
                raw.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
                raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, 0)
                picture: Image = bitmap.to_numpy()[..., ::-1].copy()
                bitmap.close()
                page.close()
            except pdfium.PdfiumError as error:
                raise CorruptInputError(f"PDFium cannot render the page ({error})") from None
        return picture

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with PDFIUM_LOCK:
            if self._document is not None:
                self._document.close()
                self._document = None

    def _open(self) -> Any:
        import pypdfium2 as pdfium

        if self._document is None:
            self._document = pdfium.PdfDocument(self._path, password=self._password)
        return self._document


class PopplerRenderer:
    """Renders with Poppler's ``pdftoppm``, through pdf2image."""

    def __init__(self, path: Path, password: str | None) -> None:
        """A renderer for the file.

        Raises:
            MissingExtraError: pdf2image is not installed.
        """
        try:
            import pdf2image
        except ImportError:
            raise MissingExtraError(
                "the renderer 'poppler' needs pdf2image, which is not installed",
                remedy="Install it with: pip install 'textclean[poppler]', or use 'pdfium'",
            ) from None
        self._module: Any = pdf2image
        self._path = path
        self._password = password

    def render(self, index: int, size: tuple[float, float], dpi: int, max_pixels: int) -> Image:
        """See :meth:`Renderer.render`."""
        errors = self._module.exceptions
        width, height = pixel_size(size, dpi, max_pixels)
        # By way of a file: handed over in memory, the picture would pass Pillow's global limit.
        with tempfile.TemporaryDirectory(prefix="textclean-") as folder:
            try:
                (picture,) = self._module.convert_from_path(
                    self._path,
                    dpi=dpi,
                    first_page=index + 1,
                    last_page=index + 1,
                    fmt="png",
                    output_folder=folder,
                    output_file="page",
                    paths_only=True,
                    use_cropbox=True,
                    hide_annotations=True,
                    userpw=self._password,
                    ownerpw=self._password,
                )
            except errors.PDFInfoNotInstalledError:
                raise DependencyError(
                    "the renderer 'poppler' needs Poppler's programs, which are not installed",
                    remedy="Install them (Debian: apt install poppler-utils), or use 'pdfium'",
                ) from None
            except (errors.PDFPageCountError, errors.PDFSyntaxError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise CorruptInputError(f"Poppler cannot render the page ({reason})") from None
            return _fitted(read_image(Path(picture), max_pixels=sys.maxsize).rgb, width, height)

    def close(self) -> None:
        """Nothing is kept open."""


def _fitted(picture: Image, width: int, height: int) -> Image:
    """The picture at exactly the size asked for; Poppler may round a side the other way.

    Raises:
        CorruptInputError: It is off by more than a pixel.
    """
    down, across = height - picture.shape[0], width - picture.shape[1]
    if max(abs(down), abs(across)) > 1:
        raise CorruptInputError(
            f"Poppler renders the page {picture.shape[1]} x {picture.shape[0]} pixels large "
            f"instead of {width} x {height}"
        )
    margins = ((0, max(0, down)), (0, max(0, across)), (0, 0))
    return np.pad(picture[:height, :width], margins, mode="edge")


_RENDERERS: Final[dict[str, Callable[[Path, str | None], Renderer]]] = {
    "pdfium": PdfiumRenderer,
    "poppler": PopplerRenderer,
}
