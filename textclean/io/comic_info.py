"""``ComicInfo.xml``: what comic readers know of a comic (schema of the Anansi Project, 2.0).

The file is somebody's own: it is changed where a number in it would be wrong, and nowhere else.
So it is not parsed and written again, but the numbers are replaced in its text.
"""

from __future__ import annotations

import codecs
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE: Final = re.compile(r"<Page\b[^<>]*>", re.IGNORECASE)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_FIELD: Final = re.compile(r"<(\w+)>([^<]*)</\1>")
_MOST: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class ComicInfo:
    """What is made use of.

    Attributes:
        fields: Simple elements by name: Title, Series, Number, Writer, LanguageISO ...
        cover: Number of the page marked as the front cover, from 1, or None.
    """

    fields: Mapping[str, str]
    cover: int | None

    @property
    def right_to_left(self) -> bool:
        """Whether pages are turned from left to right, as in manga."""
        return self.fields.get("Manga") == "YesAndRightToLeft"

    @property
    def title(self) -> str | None:
        """Series, number and title, as far as they are there."""
        series, number, title = (self.fields.get(k) for k in ("Series", "Number", "Title"))
        volume = " ".join(part for part in (series, number) if part)
        return ": ".join(part for part in (volume, title) if part) or None


def read(data: bytes) -> ComicInfo:
    """What a ``ComicInfo.xml`` says; of a damaged one as much as can be read."""
    decoded = _decoded(data)
    text = _COMMENT.sub("", decoded[0]) if decoded else ""
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        value = html.unescape(match[2]).strip()
        if value:
            fields.setdefault(match[1], value)
    covers = [
        _number(tag[0], "Image")
        for tag in _PAGE.finditer(text)
        if _attribute(tag[0], "Type") == "FrontCover"
    ]
    told = [image + 1 for image in covers if image is not None]
    return ComicInfo(fields, min(told) if told else None)


def with_sizes(data: bytes, sizes: Mapping[int, int]) -> bytes:
    """The description with the sizes of some images; all else stays, byte for byte.

    Args:
        data: A ``ComicInfo.xml``.
        sizes: Bytes of an image, by its position among the pages, from 0. Only pages that tell
            an ``ImageSize`` are changed.
    """
    decoded = _decoded(data)
    if decoded is None or not sizes:
        return data
    text, encoding, mark = decoded
    comments = [match.span() for match in _COMMENT.finditer(text)]

    def sized(match: re.Match[str]) -> str:
        image = _number(match[0], "Image")
        commented = any(start <= match.start() < end for start, end in comments)
        if commented or image is None or image not in sizes:
            return match[0]
        return re.sub(
            r"(\bImageSize\s*=\s*)(\"[^\"]*\"|'[^']*')",
            lambda found: f"{found[1]}{found[2][0]}{sizes[image]}{found[2][0]}",
            match[0],
        )

    return mark + _PAGE.sub(sized, text).encode(encoding)


def _decoded(data: bytes) -> tuple[str, str, bytes] | None:
    """Text, encoding and byte order mark, or None when it cannot be read back exactly."""
    if len(data) > _MOST:
        return None
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-8"),
    ):
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding, mark
            except UnicodeDecodeError:
                return None
    return None


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf"\b{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
    return None if found is None else found[1] if found[1] is not None else found[2]


def _number(tag: str, name: str) -> int | None:
    value = (_attribute(tag, name) or "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None
