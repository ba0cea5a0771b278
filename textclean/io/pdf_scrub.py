"""What a PDF carries of its pages' text besides the pages: removed where it is asked for.

Links and form fields always stay.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_objects import annotations_of, items, kind_of, xobjects
from textclean.io.pdf_page import inherited, mapping
from textclean.io.pdf_structure import forget_objects, strip_where
from textclean.io.xmp import without_thumbnails

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# Markup annotations: what people add to a page (ISO 32000-1, table 170).
_MARKUP: Final = frozenset(
    (
        "/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight",
        "/Underline", "/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/Popup", "/Redact",
    )
)  # fmt: skip
_ENCLOSED: Final = frozenset(("/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia"))
_WORDS: Final = {
    "annotations": ("annotation", "annotations"),
    "thumbnails": ("page thumbnail", "page thumbnails"),
    "piece-info": ("program's private data", "programs' private data"),
    "search-index": ("search index", "search indexes"),
    "alternates": ("alternate text", "alternate texts"),
    "attachments": ("attachment", "attachments"),
    "xmp-thumbnails": ("thumbnail in the metadata", "thumbnails in the metadata"),
    "hidden-text": ("letter of invisible text", "letters of invisible text"),
}


class Scrubber:
    """Removes chosen kinds of leftovers from a PDF that is open for changes.

    Attributes:
        counts: How many of each kind went.
    """

    def __init__(self, pdf: pikepdf.Pdf, what: Collection[str], pages: Collection[int]) -> None:
        """A scrubber.

        Args:
            pdf: The file.
            what: Kinds, as in :data:`textclean.options.SCRUB_ITEMS`.
            pages: Numbers of the pages, from 1, whose own leftovers go. Those of the document as
                a whole go in any case.
        """
        self.counts: Counter[str] = Counter()
        self._pdf = pdf
        self._what = frozenset(what)
        self._pages = pages
        self._gone: set[tuple[int, int]] = set()

    def run(self) -> None:
        """Remove all but what stands in the pages' content."""
        root = self._pdf.Root
        if "search-index" in self._what:
            self._drop(mapping(root.get("/PieceInfo")), "/SearchIndex", "search-index")
        if "piece-info" in self._what:
            self._drop(root, "/PieceInfo", "piece-info")
        if "attachments" in self._what:
            self._attachments()
        if "xmp-thumbnails" in self._what:
            self._metadata(root)
        for number in sorted(self._pages):
            self._page(self._pdf.pages[number - 1])
        forget_objects(self._pdf, self._gone)

    def alternates(self, cleaned: Iterable[int]) -> None:
        """Remove the texts that the structure keeps for the pages that were cleaned."""
        if "alternates" not in self._what:
            return
        objects = {self._pdf.pages[number - 1].obj.objgen for number in cleaned}
        self.counts["alternates"] += strip_where(self._pdf, objects.__contains__)

    def told(self) -> str:
        """One line on what went, or ""."""
        parts = [
            f"{count} {words[count > 1]}"
            for kind, words in _WORDS.items()
            if (count := self.counts[kind])
        ]
        return f"PDF: removed {', '.join(parts)}" if parts else ""

    def _page(self, page: pikepdf.Page) -> None:
        if "thumbnails" in self._what:
            self._drop(page.obj, "/Thumb", "thumbnails")
        if "piece-info" in self._what:
            self._drop(page.obj, "/PieceInfo", "piece-info")
            for form in _forms(inherited(page.obj, "/Resources")):
                self._drop(form, "/PieceInfo", "piece-info")
        if "attachments" in self._what:
            self._drop(page.obj, "/AF", "attachments")
        if "xmp-thumbnails" in self._what:
            self._metadata(page.obj)
        kinds = _MARKUP if "annotations" in self._what else frozenset()
        if "attachments" in self._what:
            kinds |= _ENCLOSED
        if kinds:
            self._annotations(page, kinds)

    def _annotations(self, page: pikepdf.Page, kinds: frozenset[str]) -> None:
        listed = items(page.obj.get("/Annots"))
        left = [item for item in listed if kind_of(item) not in kinds]
        if len(left) == len(listed):
            return
        for annotation in annotations_of(page):
            kind = kind_of(annotation)
            if kind in kinds:
                self._gone.add(annotation.objgen)
                # A popup is the window of a note, not another remark.
                if kind != "/Popup":
                    self.counts["annotations" if kind in _MARKUP else "attachments"] += 1
        if left:
            page.obj.Annots = pikepdf.Array(left)
        else:
            del page.obj.Annots
        for annotation in left:
            # A reply or a window of something that is gone would keep it in the file.
            for key in ("/Popup", "/IRT", "/Parent"):
                target = mapping(annotation).get(key)
                if isinstance(target, pikepdf.Object) and target.objgen in self._gone:
                    del annotation[key]

    def _attachments(self) -> None:
        root = self._pdf.Root
        names = mapping(root.get("/Names"))
        if "/EmbeddedFiles" in names:
            self.counts["attachments"] += len(self._pdf.attachments)
            del names["/EmbeddedFiles"]
        for key in ("/AF", "/Collection"):
            if key in root:
                del root[key]

    def _metadata(self, holder: Any) -> None:
        stream = holder.get("/Metadata")
        if not isinstance(stream, pikepdf.Stream):
            return
        data = bytes(stream.read_bytes())
        new, count = without_thumbnails(data)
        if count:
            stream.write(new)
            self.counts["xmp-thumbnails"] += count

    def _drop(self, holder: Any, key: str, kind: str) -> None:
        if key in holder:
            del holder[key]
            self.counts[kind] += 1


def _forms(resources: Any, seen: set[tuple[int, int]] | None = None) -> Iterable[Any]:
    """All form XObjects below a resource dictionary."""
    seen = set() if seen is None else seen
    for xobject in xobjects(resources).values():
        if not isinstance(xobject, pikepdf.Stream) or xobject.objgen in seen:
            continue
        seen.add(xobject.objgen)
        if xobject.get("/Subtype") == "/Form":
            yield xobject
            yield from _forms(xobject.get("/Resources"), seen)
