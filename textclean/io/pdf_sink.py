"""Write a cleaned PDF."""

from __future__ import annotations

import copy
import hashlib
import shutil
import threading
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pikepdf

from textclean.errors import MaskError, PageError, UnsupportedFormatError
from textclean.io import pdf_image
from textclean.io.atomic import OutputFile, file_id, refuse_input
from textclean.io.document import DocumentSink, writing
from textclean.io.images import require_fits, require_same_outside
from textclean.io.pdf_content import (
    Placement,
    annotation_images,
    drawn_images,
    find_single_image,
)
from textclean.io.pdf_image import Encoded, single_image
from textclean.io.pdf_open import open_pdf, pdf_errors
from textclean.io.pdf_overlay import COVERED, Patch, lay_over, make_patches
from textclean.io.pdf_page import inherited
from textclean.io.raster import LOSSLESS, Raster

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.io.pdf import PdfSource
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class PdfSink(DocumentSink):
    """Writes a PDF: the source with cleaned images in place of its own, all else as it is."""

    def __init__(self, source: PdfSource, dst: Path, *, overwrite: bool, max_pixels: int) -> None:
        """Open the source once more, to be changed; nothing is visible before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._max_pixels = max_pixels
        self._lock = threading.RLock()
        self._changes: dict[int, Encoded | _Patched] = {}
        self._copies: dict[tuple[tuple[int, int], bytes], pikepdf.Object] = {}
        self._pdf = open_pdf(source.path, source.password)
        try:
            self._output = OutputFile(dst, overwrite=overwrite)
        except BaseException:
            self._pdf.close()
            raise

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        with self._lock, pdf_errors():
            found = single_image(self._pdf.pages[entry.number - 1], self._max_pixels)
            if found is None:
                self._changes[entry.number] = self._patched(entry.number, page, mask)
            else:
                self._changes[entry.number] = self._encoded(*found, page, mask)

    def _encoded(self, placement: Placement, before: Raster, page: Page, mask: Mask) -> Encoded:
        require_fits(page, mask, before)
        encoded = pdf_image.encode(placement.image, page.pixels)
        if before.metadata.extra[LOSSLESS]:
            trial = copy.copy(placement.image)
            encoded.put(trial)
            require_same_outside(before, pdf_image.decode(trial, mask.size), mask)
        return encoded

    def _patched(self, number: int, page: Page, mask: Mask) -> _Patched:
        size = self._source.rendered_size(number)
        if page.mode != "RGB" or page.pixels.shape[1::-1] != size:
            raise UnsupportedFormatError(
                f"the page is {page.mode} {page.pixels.shape}, but it was rendered as RGB {size}"
            )
        if mask.shape != page.pixels.shape[:2] or mask.dtype != bool:
            raise MaskError(f"the mask is {mask.dtype} {mask.shape}; the page is {size}")
        return _Patched(make_patches(page.pixels, mask), size)

    def _commit(self) -> None:
        with self._lock, pdf_errors():
            if self._written:
                users = _users(self._pdf)
                for number in sorted(self._written):
                    self._apply(number, users)
            with writing(self._output.path):
                if self._written:
                    self._save()
                else:
                    with self._source.path.open("rb") as original:
                        shutil.copyfileobj(original, self._output.file)
        self._output.commit()

    def _apply(self, number: int, users: dict[tuple[int, int], int]) -> None:
        page = self._pdf.pages[number - 1]
        change = self._changes[number]
        if isinstance(change, _Patched):
            lay_over(self._pdf, page, change.patches, change.size)
            if COVERED not in self.warnings:
                self.warnings.append(COVERED)
            return
        placement = find_single_image(page)
        if placement is None:
            raise PageError(f"page {number} is not one image any more; nothing was written")
        if users[placement.image.objgen] == 1:
            change.put(placement.image)
        else:
            self._replace_copy(page, placement, change)

    def _replace_copy(self, page: pikepdf.Page, placement: Placement, change: Encoded) -> None:
        """Put a changed copy of the image where the page has the image; others keep theirs."""
        key = placement.image.objgen, hashlib.sha256(change.data).digest()
        if key not in self._copies:
            self._copies[key] = copy.copy(placement.image)
            change.put(self._copies[key])
        holder: Any = page.obj
        holder.Resources = copy.copy(inherited(page.obj, "/Resources"))
        for name in placement.path[:-1]:
            form = copy.copy(holder.Resources.XObject[name])
            own = form.get("/Resources")
            form.Resources = copy.copy(holder.Resources if own is None else own)
            _set_xobject(holder.Resources, name, form)
            holder = form
        _set_xobject(holder.Resources, placement.path[-1], self._copies[key])

    def _save(self) -> None:
        patched = any(isinstance(self._changes[n], _Patched) for n in self._written)
        how: dict[str, Any] = {
            "compress_streams": False,
            "stream_decode_level": pikepdf.StreamDecodeLevel.none,
            "deterministic_id": True,
        }
        if self._pdf.is_encrypted:
            # Encrypting needs random numbers, and QPDF then takes no order to leave streams alone;
            # it does so for all but those with old filters.
            how = {"encryption": True}
        # Of fields that the document had already lost pikepdf warns when it is saved.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._pdf.save(
                self._output.file,
                # Soft masks came with PDF 1.4.
                min_version="1.4" if patched else "",
                fix_metadata_version=False,
                object_stream_mode=pikepdf.ObjectStreamMode.preserve,
                linearize=self._pdf.is_linearized,
                **how,
            )

    def _close(self) -> None:
        self._pdf.close()
        self._output.discard()


@dataclass(frozen=True, slots=True)
class _Patched:
    """Patches for a page that was rendered ``size`` pixels wide and high."""

    patches: tuple[Patch, ...]
    size: tuple[int, int]


def _users(pdf: pikepdf.Pdf) -> dict[tuple[int, int], int]:
    """How many pages, and annotations of pages, paint each image."""
    count: Counter[tuple[int, int]] = Counter()
    for page in pdf.pages:
        count.update(drawn_images(page))
        count.update(annotation_images(page))
    return count


def _set_xobject(resources: Any, name: str, xobject: pikepdf.Object) -> None:
    """Set an entry in resources of our own, whose inner dictionary may still be shared."""
    resources.XObject = copy.copy(resources.XObject)
    resources.XObject[name] = xobject
