"""EPUB comics: the images of a book's pages, in the order in which it is read.

An EPUB is a ZIP with a package file that lists its parts and their order (EPUB 3.3, W3C). In a
comic every page is a document around one image. The images are the pages here; everything else
goes through as it is.
"""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from textclean.errors import (
    CorruptInputError,
    ProtectedInputError,
    TextcleanError,
    UnsupportedFormatError,
)
from textclean.io.archive import ArchiveSource
from textclean.io.archive_checks import LIMITS, Limits
from textclean.io.archive_zip import ZipContainer
from textclean.io.document import About
from textclean.io.sniff import is_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_MIME: Final = b"mimetypeapplication/epub+zip"
_MOST: Final = 16 << 20
_WORDS: Final = "EPUB: words in the book's own markup are not looked at and stay"


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of the book: its name in the archive, its kind and its properties."""

    name: str
    media: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Package:
    """The package file.

    Attributes:
        items: Parts by identifier.
        spine: Identifiers of the parts that are read, in order.
        fixed: Whether it declares pages of fixed layout.
        cover: Identifier of the cover's image, or None.
        about: What it says of itself.
    """

    items: dict[str, _Item]
    spine: tuple[str, ...]
    fixed: bool
    cover: str | None
    about: About


class EpubSource(ArchiveSource):
    """An EPUB whose pages are images."""

    def __init__(self, path: Path, *, max_pixels: int, limits: Limits = LIMITS) -> None:
        """Open a book and read its package file and its pages' markup.

        Raises:
            CorruptInputError: Damaged, or without a package file.
            FileAccessError: It cannot be read.
            ProtectedInputError: Its pages are encrypted.
            TooLargeError: It would unpack to more than the limits.
            UnsupportedFormatError: A book of text, or entries that point outside it.
        """
        super().__init__(path, max_pixels=max_pixels, limits=limits)

    def _found(self) -> list[int]:
        self._positions: dict[str, int] = {}
        for index, member in enumerate(self.members):
            self._positions.setdefault(member.name, index)
        self._package = self._read_package()
        images: dict[str, None] = {}
        bare, words = 0, False
        for document in self._spine():
            found, text = self._images(document)
            images.update(dict.fromkeys(found))
            bare, words = bare + (not found), words or text
        if not images or (not self._package.fixed and bare > len(images)):
            raise UnsupportedFormatError(
                "this is an e-book of text that flows, not one of pages that are images",
                remedy="Only comics and other books of fixed layout are handled",
            )
        self._refuse_locked(images)
        if words:
            self.warnings.append(_WORDS)
        return [self._positions[name] for name in images]

    @property
    def about(self) -> About:
        """What its package file says of it."""
        return self._package.about

    @property
    def cover(self) -> int | None:
        """Number of the cover: the image that the book calls so, or else the first page."""
        item = self._package.items.get(self._package.cover or "")
        at = self._positions.get(item.name) if item else None
        numbers = {index: number for number, index in self.page_members.items()}
        return 1 if at is None else numbers.get(at, 1)

    def _text(self, name: str) -> bytes:
        """A part that is markup.

        Raises:
            CorruptInputError: It is missing, damaged or far too large.
        """
        index = self._positions.get(name)
        if index is None or self.members[index].size > _MOST:
            raise CorruptInputError(f"the book's part {name!r} is missing or too large")
        return self.container.read(index)

    def _xml(self, name: str) -> ET.Element:
        data = self._text(name)
        # Entities that expand to each other make megabytes of a few bytes.
        if b"<!ENTITY" in data:
            raise UnsupportedFormatError(f"the book's part {name!r} defines entities of its own")
        try:
            return ET.fromstring(data)
        except (ET.ParseError, LookupError, ValueError) as error:
            raise CorruptInputError(f"the book's part {name!r} is damaged ({error})") from None

    def _read_package(self) -> _Package:
        roots = _all(self._xml(_CONTAINER), "rootfile")
        name = next((path for r in roots if (path := r.get("full-path"))), None)
        if name is None:
            raise CorruptInputError("the book does not say where its package file is")
        return _package(self._xml(name), posixpath.dirname(name))

    def _spine(self) -> Iterator[_Item]:
        for identifier in self._package.spine:
            item = self._package.items.get(identifier)
            if item is not None and item.name in self._positions:
                yield item

    def _images(self, item: _Item) -> tuple[list[str], bool]:
        """Names of a document's images, and whether there are words in it."""
        if item.media.startswith("image/") and item.media != "image/svg+xml":
            return ([item.name] if self._is_page(item.name) else []), False
        markup = _Markup()
        try:
            markup.feed(self._text(item.name).decode("utf-8", "replace"))
            markup.close()
        except (AssertionError, CorruptInputError):
            self.warnings.append(f"EPUB: {item.name} is damaged and was passed over")
        base = posixpath.dirname(item.name)
        names = (_resolved(base, link) for link in markup.images)
        return [n for n in names if n is not None and self._is_page(n)], markup.words

    def _is_page(self, name: str) -> bool:
        index = self._positions.get(name)
        return index is not None and is_page(name, self.container.head(index))

    def _refuse_locked(self, images: dict[str, None]) -> None:
        """Books may scramble their fonts; what is encrypted besides is under copy protection."""
        if _ENCRYPTION not in self._positions:
            return
        parts = {item.name for item in self._spine()} | images.keys()
        for reference in _all(self._xml(_ENCRYPTION), "CipherReference"):
            name = _resolved("", reference.get("URI", ""))
            if name in parts:
                raise ProtectedInputError(
                    f"the book's part {name!r} is encrypted (copy protection)",
                    remedy="Only books without copy protection can be read",
                )


class _Markup(HTMLParser):
    """Finds what a page shows: forgiving, and blind to entities that bloat.

    Attributes:
        images: Links to images, in order.
        words: Whether it shows text of its own.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.images: list[str] = []
        self.words = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note images; be deaf inside what is not shown."""
        if tag in ("head", "script", "style"):
            self._silent += 1
        given = dict(attrs)
        link = given.get("src") if tag == "img" else None
        if tag.rsplit(":", 1)[-1] == "image":
            link = given.get("xlink:href") or given.get("href")
        if link:
            self.images.append(link)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The same; what ends at once holds nothing."""
        if tag not in ("head", "script", "style"):
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Hear again."""
        if tag in ("head", "script", "style") and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        """Note words."""
        if not self._silent and any(map(str.isalnum, data)):
            self.words = True


def is_epub(path: Path, head: bytes) -> bool:
    """Whether a ZIP is an EPUB: by its first entry, as the standard wants it, or by its parts."""
    if head[30 : 30 + len(_MIME)] == _MIME:
        return True
    if b"mimetype" not in head and b"META-INF/" not in head:
        return False
    try:
        container = ZipContainer(path)
    except TextcleanError:
        return False
    container.close()
    return any(member.name == _CONTAINER for member in container.members)


def _package(root: ET.Element, base: str) -> _Package:
    items: dict[str, _Item] = {}
    for item in _all(root, "item"):
        name = _resolved(base, item.get("href", ""))
        if name is not None:
            properties = frozenset(item.get("properties", "").split())
            items[item.get("id", "")] = _Item(name, item.get("media-type", ""), properties)
    spines = _all(root, "spine")
    metas = _all(root, "meta")
    cover = next((key for key, item in items.items() if "cover-image" in item.properties), None)
    if cover is None:
        cover = next((m.get("content") for m in metas if m.get("name") == "cover"), None)
    return _Package(
        items=items,
        spine=tuple(ref.get("idref", "") for ref in _all(root, "itemref")),
        fixed=any(_is_fixed(meta) for meta in metas),
        cover=cover,
        about=About(
            title=_first(root, "title"),
            creators=tuple(t.text.strip() for t in _all(root, "creator") if t.text),
            language=_first(root, "language"),
            right_to_left=any(s.get("page-progression-direction") == "rtl" for s in spines),
        ),
    )


def _is_fixed(meta: ET.Element) -> bool:
    """Whether a meta element declares fixed layout: EPUB 3, or the older readers' ways."""
    if meta.get("property") == "rendition:layout":
        return (meta.text or "").strip() == "pre-paginated"
    return meta.get("name") == "fixed-layout" and meta.get("content") == "true"


def _all(root: ET.Element, name: str) -> list[ET.Element]:
    """Elements of a name, whatever their namespace."""
    return [e for e in root.iter() if isinstance(e.tag, str) and e.tag.rsplit("}", 1)[-1] == name]


def _first(root: ET.Element, name: str) -> str | None:
    texts = (" ".join((element.text or "").split()) for element in _all(root, name))
    return next(filter(None, texts), None)


def _resolved(base: str, link: str) -> str | None:
    """Name in the archive that a link means, or None for one that leads elsewhere."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    name = posixpath.normpath(posixpath.join(base, unquote(parts.path)))
    return None if name.startswith(("/", "..")) else name
