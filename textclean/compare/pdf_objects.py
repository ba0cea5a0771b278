"""The objects of two PDFs, followed side by side from the trailer: which ones differ, and where.

Object numbers mean nothing here: what is compared is what stands in the same place.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pikepdf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.compare.result import DifferenceKind

    Number = tuple[int, int]

# A page inherits these from the nodes above it (ISO 32000-1, 7.7.3.4).
_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
_MAX_DEPTH: Final = 200
_SHOWN_TEXT: Final = 40
_ABOUT: Final = ("version", "encryption")
# Catalog entries whose differences have a kind of their own; all others are "objects".
_CATALOG_KINDS: Final[dict[str, DifferenceKind]] = {
    "/Outlines": "bookmarks",
    "/Metadata": "metadata",
    "/PageLabels": "metadata",
    "/Lang": "metadata",
    "/ViewerPreferences": "metadata",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A place in which two PDFs differ.

    Attributes:
        kind: Kind of difference.
        page: Number of the page that it belongs to, or None.
        path: Keys that lead there, from the page or the trailer.
        what: The difference.
    """

    kind: DifferenceKind
    page: int | None
    path: tuple[str, ...]
    what: str

    @property
    def shows(self) -> bool:
        """Whether it belongs to what is painted on a page, where pixels and text tell the rest."""
        return self.page is not None and self.path[0] in ("/Contents", "/Resources")

    def __str__(self) -> str:
        return f"{''.join(self.path)}: {self.what}"


class ObjectComparison:
    """Compares two open PDFs.

    Args:
        before: The first.
        after: The second.
    """

    def __init__(self, before: pikepdf.Pdf, after: pikepdf.Pdf) -> None:
        self._pdfs = before, after
        self._numbers = _page_numbers(before), _page_numbers(after)
        self._streams: dict[tuple[Number, Number], str | None] = {}
        self._seen: set[tuple[Number, Number]] = set()

    def page(self, number: int) -> list[Finding]:
        """What differs in a page that both have, with all that it refers to but other pages."""
        self._seen = set()
        a, b = (pdf.pages[number - 1].obj for pdf in self._pdfs)
        found: list[Finding] = []
        keys = {*_keys(a), *_keys(b), *_INHERITED} - {"/Parent"}
        for key in sorted(keys):
            values = (_effective(a, key), _effective(b, key))
            kind: DifferenceKind = "annotations" if key == "/Annots" else "objects"
            found += [
                Finding(kind, number, path, what) for path, what in self._walk(*values, (key,))
            ]
        return found

    def document(self) -> list[Finding]:
        """What differs in the rest of the document."""
        self._seen = set()
        a, b = (pdf.trailer for pdf in self._pdfs)
        found = [
            Finding("metadata", None, path, what)
            for path, what in self._walk(a.get("/Info"), b.get("/Info"), ("/Info",))
        ]
        roots = self._pdfs[0].Root, self._pdfs[1].Root
        for key in sorted({*_keys(roots[0]), *_keys(roots[1])} - {"/Pages"}):
            kind = _CATALOG_KINDS.get(key, "objects")
            walk = self._walk(roots[0].get(key), roots[1].get(key), (key,))
            found += [Finding(kind, None, path, what) for path, what in walk]
        for label, x, y in zip(_ABOUT, *map(_about, self._pdfs), strict=True):
            if x != y:
                found.append(Finding("metadata", None, (label,), f"{x} -> {y}"))
        return found

    def _walk(self, a: Any, b: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
        """Places that differ at ``path`` and below it."""
        page = _number(a, self._numbers[0]), _number(b, self._numbers[1])
        if page != (None, None):
            # What a link or a note points to: the page as such, not what is on it.
            if page[0] != page[1]:
                yield path, f"points to {_page(page[0])} -> {_page(page[1])}"
            return
        if _kind(a) is not _kind(b):
            yield path, f"{_shown(a)} -> {_shown(b)}"
            return
        if not isinstance(a, pikepdf.Object):
            if a != b:
                yield path, f"{_shown(a)} -> {_shown(b)}"
            return
        if a.is_indirect and b.is_indirect:
            pair = a.objgen, b.objgen
            if pair in self._seen:
                return
            self._seen.add(pair)
        if len(path) > _MAX_DEPTH:
            return
        yield from self._inside(a, b, path)

    def _inside(
        self, a: Any, b: Any, path: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        if isinstance(a, pikepdf.Array):
            yield from self._arrays(a, b, path)
        elif isinstance(a, pikepdf.Dictionary | pikepdf.Stream):
            stream = isinstance(a, pikepdf.Stream)
            for key in sorted({*_keys(a), *_keys(b)} - ({"/Length"} if stream else set())):
                yield from self._walk(a.get(key), b.get(key), (*path, key))
            if stream and (what := self._stream(a, b)):
                yield path, what
        elif a != b:
            yield path, f"{_shown(a)} -> {_shown(b)}"

    def _arrays(
        self, a: pikepdf.Array, b: pikepdf.Array, path: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        if len(a) == len(b):
            for index, (x, y) in enumerate(zip(a, b, strict=True)):
                yield from self._walk(x, y, (*path, f"[{index}]"))
            return
        # Items come and go: those that have a twin on the other side are no difference.
        mine, theirs = ([_fingerprint(item, 4) for item in items] for items in (a, b))
        for items, prints, other, verb in (
            (a, mine, theirs, "removed"),
            (b, theirs, mine, "added"),
        ):
            spare = Counter(other)
            for item, print_ in zip(items, prints, strict=True):
                spare[print_] -= 1
                if spare[print_] < 0:
                    yield path, f"{_shown(item)} was {verb}"

    def _stream(self, a: Any, b: Any) -> str | None:
        """How the data of two streams differs, or None."""
        pair = a.objgen, b.objgen
        if pair not in self._streams or not a.is_indirect or not b.is_indirect:
            self._streams[pair] = _differing_data(a, b)
        return self._streams[pair]


def _about(pdf: pikepdf.Pdf) -> tuple[str, str]:
    if not pdf.is_encrypted:
        return pdf.pdf_version, "none"
    told = pdf.encryption
    return pdf.pdf_version, f"R{told.R}, {told.bits} bits, permissions {told.P}"


def _page_numbers(pdf: pikepdf.Pdf) -> dict[Number, int]:
    return {page.obj.objgen: number for number, page in enumerate(pdf.pages, start=1)}


def _number(value: Any, numbers: dict[Number, int]) -> int | None:
    """The number of the page that a value is, or None."""
    return numbers.get(value.objgen) if isinstance(value, pikepdf.Object) else None


def _effective(page: Any, key: str) -> Any:
    """An attribute of a page, or of the nodes above it where it can be inherited."""
    node = page
    for _ in range(_MAX_DEPTH):
        if not isinstance(node, pikepdf.Dictionary):
            return None
        if key in node:
            return node[key]
        if key not in _INHERITED:
            return None
        node = node.get("/Parent")
    return None


def _keys(value: Any) -> set[str]:
    return {str(key) for key in value.keys()} if hasattr(value, "keys") else set()  # noqa: SIM118


def _kind(value: Any) -> Any:
    """What a value is; whole and broken numbers are both numbers."""
    if isinstance(value, pikepdf.Object):
        return value._type_code
    if value is None or isinstance(value, bool):
        return type(value)
    return float


def _differing_data(a: Any, b: Any) -> str | None:
    x, y = bytes(a.read_raw_bytes()), bytes(b.read_raw_bytes())
    if x == y:
        return None
    try:
        if a.read_bytes() == b.read_bytes():
            return f"packed in another way: {len(x):,} -> {len(y):,} bytes"
    except (pikepdf.PdfError, NotImplementedError, RuntimeError):
        # Image filters that QPDF does not undo: the stored bytes are what can be compared.
        pass
    return f"{len(x):,} -> {len(y):,} bytes"


def _fingerprint(value: Any, depth: int) -> bytes:
    """A digest of a value and of what it refers to, so many steps deep; object numbers left out."""
    digest = hashlib.sha256(type(value).__name__.encode())
    if isinstance(value, pikepdf.Array):
        for item in value if depth else ():
            digest.update(_fingerprint(item, depth - 1))
    elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        stream = isinstance(value, pikepdf.Stream)
        # What leads back to the page or to another note is no part of the item.
        left_out = {"/P", "/Parent", "/Popup", "/IRT", "/Length"}
        for key in sorted(_keys(value) - left_out) if depth else ():
            digest.update(key.encode("utf-8", "replace"))
            digest.update(_fingerprint(value[key], depth - 1))
        if stream:
            digest.update(value.read_raw_bytes())
    elif isinstance(value, pikepdf.Object):
        digest.update(value.unparse())
    else:
        digest.update(str(value).encode())
    return digest.digest()


def _page(number: int | None) -> str:
    return "something else" if number is None else f"page {number}"


def _shown(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "none"
    if isinstance(value, pikepdf.Array):
        if len(value) <= 6 and not any(isinstance(item, pikepdf.Object) for item in value):
            return f"[{' '.join(str(item) for item in value)}]"
        return f"{len(value)} items"
    if isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        kind = value.get("/Subtype", value.get("/Type"))
        what = "a stream" if isinstance(value, pikepdf.Stream) else "a dictionary"
        return what if kind is None else str(kind).lstrip("/")
    text = str(value)
    return text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
