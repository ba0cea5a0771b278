"""Write a cleaned PDF."""

from __future__ import annotations

import copy
import shutil
import threading
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.atomic import OutputFile, file_id, refuse_input
from textclean.io.document import writing
from textclean.io.document_sink import DocumentSink
from textclean.io.pdf_change import ImageChange, PageChange, PageWriter
from textclean.io.pdf_content import find_images
from textclean.io.pdf_fonts import FontCache
from textclean.io.pdf_objects import (
    MALFORMED,
    annotation_objects,
    drawn_objects,
    has_remarks,
    xobjects,
)
from textclean.io.pdf_open import lift_protection, open_pdf, pdf_errors
from textclean.io.pdf_overlay import COVERED, lay_over
from textclean.io.pdf_page import inherited
from textclean.io.pdf_scratch import Scratch
from textclean.io.pdf_scrub import Scrubber
from textclean.io.pdf_structure import strip_marked
from textclean.io.pdf_text import take_inventory, take_out

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from textclean.io.pdf import PdfSource
    from textclean.io.pdf_content import Placement
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page

GROWTH: Final = 1.35
"""An output larger than this many times the input is warned of."""
# Below this, a few fixed objects make all the difference.
_SMALL: Final = 100_000
_OF_FILTERS: Final = frozenset(
    ("/Length", "/Filter", "/DecodeParms", "/DP", "/DL", "/F", "/FFilter")
)
# Other versions of an image that show what was cleaned in it.
_VERSIONS: Final = ("/Alternates", "/OPI")


class PdfSink(DocumentSink):
    """Writes a PDF: the source with cleaned images in place of its own, all else as it is."""

    def __init__(self, source: PdfSource, dst: Path, *, overwrite: bool, max_pixels: int) -> None:
        """Open the source once more, to be changed; nothing is visible before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._lock = threading.RLock()
        self._changes: dict[int, PageChange] = {}
        self._copies: dict[tuple[tuple[int, int], bytes], pikepdf.Object] = {}
        self._fonts = FontCache()
        self._scrubbing: tuple[frozenset[str], frozenset[int]] = frozenset(), frozenset()
        self._pdf = open_pdf(source.path, source.password)
        try:
            self._output = OutputFile(dst, overwrite=overwrite)
            self._scratch = Scratch(dst.parent)
        except BaseException:
            self._pdf.close()
            if hasattr(self, "_output"):
                self._output.discard()
            raise
        self._writer = PageWriter(source, self._pdf, self._scratch, self._fonts, max_pixels)

    def scrub(self, what: Collection[str], pages: Collection[int]) -> None:
        """See :meth:`DocumentSink.scrub`."""
        self._scrubbing = frozenset(what), frozenset(pages)

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        with self._lock, pdf_errors():
            self._changes[entry.number] = self._writer.change(entry.number, page, mask)

    def _commit(self) -> None:
        with self._lock, pdf_errors():
            changed = self._apply_all()
            with writing(self._output.path):
                if changed:
                    self._save()
                else:
                    with self._source.path.open("rb") as original:
                        shutil.copyfileobj(original, self._output.file)
                self._warn_of_size(self._output.file.tell())
        self._output.commit()

    def _apply_all(self) -> bool:
        """Make all changes; whether there are any."""
        what, pages = self._scrubbing
        hiding = pages if "hidden-text" in what else frozenset()
        numbers = sorted(self._written | hiding)
        users = _users(self._pdf) if numbers else None
        touched: set[tuple[int, int]] = set()
        removed = hidden = 0
        for number in numbers:
            change = self._changes[number] if number in self._written else PageChange()
            if users is not None and change.images:
                self._replace(number, change.images, users)
            out, invisible = self._erase(number, change, number in hiding, users)
            touched |= out
            removed += len(change.gone)
            hidden += max(0, invisible - len(change.gone))
            if change.patches:
                page = self._pdf.pages[number - 1]
                lay_over(page, change.patches, change.size, self._fetch)
        strip_marked(self._pdf, touched)
        scrubber = Scrubber(self._pdf, what, pages)
        scrubber.counts["hidden-text"] += hidden
        scrubber.run()
        scrubber.alternates(self._written)
        self._tell(removed, scrubber.told(), "annotations" in what)
        changed = bool(self._written) or any(scrubber.counts.values())
        if changed:
            self.warnings.extend(lift_protection(self._pdf))
        return changed

    def _tell(self, removed: int, scrubbed: str, annotations: bool) -> None:
        if removed:
            letters = "letters" if removed > 1 else "letter"
            self.warnings.append(
                f"PDF: {removed} {letters} of text beneath the cleaned areas were removed"
            )
        if scrubbed:
            self.warnings.append(scrubbed)
        if any(self._changes[number].covered for number in self._written):
            self.warnings.append(COVERED)
        if not annotations:
            pages = [n for n in sorted(self._written) if has_remarks(self._pdf.pages[n - 1])]
            if pages:
                self.warnings.append(
                    f"PDF: annotations (notes, stamps, markings) stay on {len(pages)} of the "
                    "cleaned pages; --scrub removes them"
                )

    def _erase(
        self,
        number: int,
        change: PageChange,
        hiding: bool,
        users: Counter[tuple[int, int]] | None,
    ) -> tuple[set[tuple[int, int]], int]:
        """Take text out of a page; the marked contents touched and the number of letters."""
        page = self._pdf.pages[number - 1]
        numbers = {*change.gone.tolist(), *change.images_touched.tolist()}
        stripping = "alternates" in self._scrubbing[0] and number in self._written
        try:
            if hiding:
                found = take_inventory(page, self._fonts)
                numbers |= {n for n, invisible in enumerate(found.hidden) if invisible}
            if not numbers and not stripping:
                return set(), 0
            outcome = take_out(
                self._pdf,
                page,
                self._fonts,
                numbers,
                strip_alternates=stripping,
                alone=lambda form: users is not None and users[form.objgen] <= 1,
            )
        except (pikepdf.PdfError, *MALFORMED):
            if COVERED not in self.warnings and (numbers or hiding):
                self.warnings.append(COVERED)
            return set(), 0
        return outcome.touched, outcome.characters

    def _replace(
        self, number: int, changes: tuple[ImageChange, ...], users: Counter[tuple[int, int]]
    ) -> None:
        """Put new images in place of a page's own."""
        page = self._pdf.pages[number - 1]
        placements = find_images(page)
        own = [placement.image.objgen for placement in placements]
        for change in changes:
            placement = placements[change.index]
            identity = placement.image.objgen
            if users[identity] == 1 and own.count(identity) == 1:
                new = self._image(placement.image, change)
                # The old object keeps the new one's number, where nothing refers to it.
                self._pdf._swap_objects(identity, new.objgen)
            else:
                self._replace_copy(page, placement, change)

    def _image(self, image: pikepdf.Object, change: ImageChange) -> pikepdf.Object:
        """A new image XObject under the dictionary of the old one."""
        new = self._fetch(change.data)
        for key in image.keys() - _OF_FILTERS:
            if key not in _VERSIONS:
                new[key] = image[key]
        new.Filter = change.filter
        if change.parms is not None:
            new.DecodeParms = change.parms
        return new

    def _replace_copy(self, page: pikepdf.Page, placement: Placement, change: ImageChange) -> None:
        """Put a changed copy of the image where the page has the image; others keep theirs."""
        key = placement.image.objgen, change.digest
        if key not in self._copies:
            self._copies[key] = self._image(placement.image, change)
        holder: Any = page.obj
        holder.Resources = copy.copy(inherited(page.obj, "/Resources"))
        for name in placement.path[:-1]:
            form = copy.copy(holder.Resources.XObject[name])
            own = form.get("/Resources")
            form.Resources = copy.copy(holder.Resources if own is None else own)
            _set_xobject(holder.Resources, name, form)
            holder = form
        _set_xobject(holder.Resources, placement.path[-1], self._copies[key])

    def _fetch(self, number: int) -> pikepdf.Stream:
        return self._scratch.stream(self._pdf, number)

    def _save(self) -> None:
        patched = any(self._changes[n].patches for n in self._written)
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

    def _warn_of_size(self, size: int) -> None:
        before = self._source.path.stat().st_size
        if size > GROWTH * before and size > before + _SMALL:
            self.warnings.append(
                f"PDF: the output is {size / before:.2f} times as large as the input "
                f"({size / 1e6:.1f} MB)"
            )

    def _close(self) -> None:
        self._pdf.close()
        self._scratch.close()
        self._output.discard()


def _users(pdf: pikepdf.Pdf) -> Counter[tuple[int, int]]:
    """How many pages, and annotations of pages, paint each image and form."""
    count: Counter[tuple[int, int]] = Counter()
    for page in pdf.pages:
        count.update(drawn_objects(page))
        count.update(annotation_objects(page))
    return count


def _set_xobject(resources: Any, name: str, xobject: pikepdf.Object) -> None:
    """Set an entry in resources of our own, whose inner dictionary may still be shared."""
    listed = copy.copy(xobjects(resources))
    listed[name] = xobject
    resources.XObject = listed
