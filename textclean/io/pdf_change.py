"""What is to be changed on a page of a PDF, worked out while the page is at hand.

The new streams go to disk at once; what is kept for the commit is small.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pikepdf

from textclean.errors import MaskError, UnsupportedFormatError
from textclean.io import pdf_image
from textclean.io.images import require_fits
from textclean.io.notes import note
from textclean.io.pdf_cover import Look, cell_polygons, covered
from textclean.io.pdf_fonts import FontCache
from textclean.io.pdf_inventory import Inventory
from textclean.io.pdf_objects import MALFORMED
from textclean.io.pdf_overlay import Patch, make_patches, shown_pixels
from textclean.io.pdf_scan import Piece, Scan, read_scan
from textclean.io.pdf_text import take_inventory
from textclean.io.raster import LOSSLESS, differs_outside, require_same_outside

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from textclean.io.pdf import PdfSource
    from textclean.io.pdf_matrix import Matrix
    from textclean.io.pdf_scratch import Scratch
    from textclean.types import Mask, Page

    Numbers = NDArray[np.int64]

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ImageChange:
    """New data for one of the page's images.

    Attributes:
        index: Which, in the order of painting.
        data: Number under which the data are kept.
        digest: Their hash.
        filter: Their filter.
        parms: The filter's parameters, or None.
    """

    index: int
    data: int
    digest: bytes
    filter: pikepdf.Name
    parms: pikepdf.Dictionary | None


@dataclass(frozen=True, slots=True, eq=False)
class PageChange:
    """All that is to be changed on a page.

    Attributes:
        images: New data for its images, where it is a scan.
        patches: What is laid over it, where it is not.
        size: Width and height in pixels of the page that the patches were cut from.
        gone: Numbers of the characters that are taken out.
        images_touched: Numbers of the images that were cleaned or covered.
        covered: Whether there may be text beneath the patches that could not be taken out.
    """

    images: tuple[ImageChange, ...] = ()
    patches: tuple[Patch, ...] = ()
    size: tuple[int, int] = (0, 0)
    gone: Numbers = field(default_factory=lambda: _NONE)
    images_touched: Numbers = field(default_factory=lambda: _NONE)
    covered: bool = False


class PageWriter:
    """Works out the changes of pages."""

    def __init__(
        self,
        source: PdfSource,
        pdf: pikepdf.Pdf,
        scratch: Scratch,
        fonts: FontCache,
        max_pixels: int,
    ) -> None:
        """A writer.

        Args:
            source: Renders pages.
            pdf: The same file, open for changes; not changed here.
            scratch: Keeps new streams.
            fonts: Fonts read before.
            max_pixels: Limit of a page.
        """
        self._source = source
        self._pdf = pdf
        self._scratch = scratch
        self._fonts = fonts
        self._max_pixels = max_pixels

    def change(self, number: int, page: Page, mask: Mask) -> PageChange:
        """What a cleaned page changes.

        Raises:
            MaskError: The mask is not one of the page.
            PageError: A pixel outside the mask would change.
            UnsupportedFormatError: The page is not of the document's making.
        """
        own = self._pdf.pages[number - 1]
        scan = read_scan(own, self._max_pixels, self._source.entries[number - 1].pixels_of)
        if scan is None:
            return self._patched(number, own, page, mask)
        return self._scanned(own, scan, page, mask)

    def _scanned(self, own: pikepdf.Page, scan: Scan, page: Page, mask: Mask) -> PageChange:
        require_fits(page, mask, scan.raster)
        images = tuple(
            self._encoded(index, piece, page, mask)
            for index, piece in enumerate(scan.pieces)
            if _cut(mask, piece).any()
        )
        found = self._inventory(own)
        if found is None:
            return PageChange(images, covered=scan.hidden_text)
        before = Look(scan.raster.pixels, scan.raster.mode, scan.raster.palette)
        gone, touched = _split(found, scan.to_pixels, mask, lambda: before, _look(page))
        return PageChange(images, gone=gone, images_touched=touched)

    def _encoded(self, index: int, piece: Piece, page: Page, mask: Mask) -> ImageChange:
        """New data for an image, tried out."""
        x0, y0, x1, y1 = piece.box
        pixels = np.ascontiguousarray(page.pixels[y0:y1, x0:x1])
        image = piece.placement.image
        encoded = pdf_image.encode(image, pixels, piece.raster.pixels)
        trial, cut = copy.copy(image), _cut(mask, piece)
        encoded.put(trial)
        after = pdf_image.decode(trial, cut.size, encoded.jpeg)
        # QPDF knows the trial until the file is closed: its data need not stay so long.
        trial.write(b"")
        if piece.raster.metadata.extra[LOSSLESS]:
            require_same_outside(piece.raster, after, cut)
        elif count := differs_outside(piece.raster, after, cut, encoded.differs):
            note(
                f"PDF: {count:,} of {cut.size - np.count_nonzero(cut):,} pixels of a JPEG image "
                "outside the mask changed when it was encoded"
            )
        digest = hashlib.sha256(encoded.data).digest()
        kept = self._scratch.add(encoded.data)
        return ImageChange(index, kept, digest, encoded.filter, encoded.parms)

    def _patched(self, number: int, own: pikepdf.Page, page: Page, mask: Mask) -> PageChange:
        size = self._source.rendered_size(number)
        if page.mode != "RGB" or page.pixels.shape[1::-1] != size:
            raise UnsupportedFormatError(
                f"the page is {page.mode} {page.pixels.shape}, but it was rendered as RGB {size}"
            )
        if mask.shape != page.pixels.shape[:2] or mask.dtype != bool:
            raise MaskError(f"the mask is {mask.dtype} {mask.shape}; the page is {size}")
        found, to_pixels = self._inventory(own), shown_pixels(own, size)
        shown = mask
        gone = touched = _NONE
        if found is not None and to_pixels is not None:
            gone, touched = _split(
                found, to_pixels, mask, lambda: self._rendered(number), _look(page)
            )
            shown = _with_cells(mask, found, to_pixels, gone)
        patches = make_patches(page.pixels, shown, self._scratch.add)
        lost = found is None or to_pixels is None
        return PageChange((), patches, size, gone, touched, lost)

    def _inventory(self, own: pikepdf.Page) -> Inventory | None:
        """What the page shows; None where its content is damaged."""
        try:
            return take_inventory(own, self._fonts)
        except (pikepdf.PdfError, *MALFORMED):
            return None

    def _rendered(self, number: int) -> Look:
        return Look(self._source.picture(number), "RGB")


def _split(
    found: Inventory, to_pixels: Matrix, mask: Mask, before: Callable[[], Look], after: Look
) -> tuple[Numbers, Numbers]:
    """Numbers of the characters that are gone, and of the images that are touched."""
    gone = covered(found, to_pixels, mask, before, after)
    fixed, text = np.array(found.fixed, np.bool_), np.array(found.text, np.bool_)
    return np.flatnonzero(gone & ~fixed), np.flatnonzero(gone & ~text)


def _with_cells(mask: Mask, found: Inventory, to_pixels: Matrix, gone: Numbers) -> Mask:
    """The mask and the cells of the visible characters that are taken out.

    What little of them lies outside the mask is then shown by the patch instead.
    """
    import cv2

    visible = gone[~np.array(found.hidden, np.bool_)[gone]] if gone.size else gone
    if not visible.size:
        return mask
    shown = mask.astype(np.uint8)
    polygons = cell_polygons(found, to_pixels, visible)
    for polygon in np.clip(polygons, -32000, 32000):
        cv2.fillConvexPoly(shown, np.rint(polygon).astype(np.int32), 1)
    return shown.astype(np.bool_)


def _cut(mask: Mask, piece: Piece) -> Mask:
    x0, y0, x1, y1 = piece.box
    return mask[y0:y1, x0:x1]


def _look(page: Page) -> Look:
    return Look(page.pixels, page.mode, page.palette)
