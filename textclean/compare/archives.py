"""What two archives, or two folders, hold besides pages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from textclean.compare.result import Difference
from textclean.errors import TextcleanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_COMIC_INFO: Final = "comicinfo.xml"
_MAX_XML: Final = 1 << 24
# What ComicInfo says of a page's picture follows from the picture.
_OF_THE_PICTURE: Final = re.compile(r"/Pages\[1\]/Page\[\d+\]@Image(Size|Width|Height)")
_SHOWN_TEXT: Final = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an archive, or a file of a folder.

    Attributes:
        name: Its name, with forward slashes; a folder's ends in one.
        is_page: Whether it is compared as a page.
        read: Gives its bytes.
    """

    name: str
    is_page: bool
    read: Callable[[], bytes]


def differing_entries(
    before: Sequence[Entry], after: Sequence[Entry], *, copied: bool, strict: bool
) -> Iterator[Difference]:
    """What differs between the entries of two documents; pages by name only.

    Args:
        before: All entries of the first, in file order.
        after: Those of the second.
        copied: Whether entries that are not pages should be in the second.
        strict: Whether the second should hold no others.
    """
    mine, theirs = (Counter(entry.name for entry in side) for side in (before, after))
    for name, count in mine.items():
        if missing := count - theirs[name]:
            yield Difference("entries", "", f"{_quoted(name, missing)} is missing", not copied)
    for name, count in theirs.items():
        if added := count - mine[name]:
            yield Difference("entries", "", f"{_quoted(name, added)} was added", not strict)
    common = mine & theirs
    orders = [[e.name for e in side if e.name in common] for side in (before, after)]
    if mine == theirs and orders[0] != orders[1]:
        first = next(a for a, b in zip(*orders, strict=True) if a != b)
        yield Difference("entries", "", f"the entries are in another order, from {first!r} on")
    yield from _contents(before, after)


def _contents(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[Difference]:
    """Differences in the bytes of entries that are not pages; namesakes in file order."""
    waiting: dict[str, list[Entry]] = {}
    for entry in after:
        waiting.setdefault(entry.name, []).append(entry)
    for entry in before:
        others = waiting.get(entry.name)
        if not others:
            continue
        other = others.pop(0)
        if entry.is_page or entry.name.endswith("/"):
            continue
        a, b = _bytes(entry), _bytes(other)
        if a is None and b is None:
            # Neither can be unpacked: what is told of damaged pages holds for them, too.
            yield Difference("unreadable", "", f"{entry.name!r} is damaged in both")
        elif a is None or b is None:
            which = "first" if a is None else "second"
            yield Difference("unreadable", "", f"{entry.name!r} is damaged in the {which}")
        elif a != b:
            yield from _content(entry.name, a, b)


def _content(name: str, a: bytes, b: bytes) -> Iterator[Difference]:
    if name.rpartition("/")[2].lower() == _COMIC_INFO:
        fields = _fields(a), _fields(b)
        if fields[0] is not None and fields[1] is not None:
            yield from _differing_fields(fields[0], fields[1])
            return
    yield Difference("entries", "", f"{name!r} differs: {len(a):,} -> {len(b):,} bytes")


def _differing_fields(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    different = False
    for key in {**a, **b}:
        if a.get(key) != b.get(key):
            different = True
            what = (
                f"{key.lstrip('/').replace('[1]', '')}: {_text(a.get(key))} -> {_text(b.get(key))}"
            )
            yield Difference("comicinfo", "", what, _OF_THE_PICTURE.fullmatch(key) is not None)
    if not different:
        yield Difference("comicinfo", "", "written in another way, with the same values", True)


def _fields(data: bytes) -> dict[str, str] | None:
    """Every text and attribute of an XML file by its path, or None when it is none.

    Expat, since 2.4.1, refuses entities that multiply.
    """
    if len(data) > _MAX_XML:
        return None
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    found: dict[str, str] = {}
    stack = [("", root)]
    while stack:
        path, node = stack.pop()
        found[path] = f"<{node.tag}> {(node.text or '').strip()}"
        found.update({f"{path}@{name}": value for name, value in node.attrib.items()})
        count: Counter[str] = Counter()
        for child in node:
            count[child.tag] += 1
            stack.append((f"{path}/{child.tag}[{count[child.tag]}]", child))
    return found


def _bytes(entry: Entry) -> bytes | None:
    try:
        return entry.read()
    except TextcleanError:
        return None


def _quoted(name: str, count: int) -> str:
    return f"{name!r}" if count == 1 else f"{name!r} ({count} times)"


def _text(value: str | None) -> str:
    if value is None:
        return "none"
    return repr(value if len(value) <= _SHOWN_TEXT else value[: _SHOWN_TEXT - 1] + "…")
