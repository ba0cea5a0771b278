"""Which directories of a TIFF are pages, which are small pictures of them; a page without those.

A cleaned page must not carry the lettered one along: its reduced pictures, in the chain behind it
or in sub-directories, go with what programs keep of it in tags.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textclean.io.notes import note
from textclean.io.thumbnails import without_photoshop_thumbnails
from textclean.io.tiff_file import SUB_IFDS, Ifd, Tag, TiffFile, is_bare_jpeg, with_tags
from textclean.io.xmp import without_thumbnails

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_WIDTH, _LENGTH = 256, 257
_NEW_KIND, _OLD_KIND = 254, 255
_REDUCED, _MASK = 0b001, 0b100
_OLD_REDUCED: Final = 2
_XMP, _PHOTOSHOP = 700, 34377
PHOTOSHOP_LAYERS: Final = 37724
"""Photoshop's layers: it shows these instead of the page."""


def page_ifds(file: TiffFile) -> list[int]:
    """Indices of the directories that are pages; small pictures of them and masks are none."""
    return [
        index
        for index, ifd in enumerate(file.ifds)
        if not _kind(file, ifd) & (_REDUCED | _MASK) and not (index and is_bare_jpeg(ifd))
    ]


def previews_of(file: TiffFile, pages: Sequence[int], chosen: Collection[int]) -> set[int]:
    """Indices of the directories that are small pictures of some pages.

    They follow their page; or come before it, where the file begins with one.

    Args:
        file: The file.
        pages: Indices of all of its pages.
        chosen: Indices of those that are asked for.
    """
    first = pages[0] if pages else 0
    found = set()
    for index, ifd in enumerate(file.ifds):
        if index in pages or _kind(file, ifd) & _MASK:
            continue
        before = [page for page in pages if page < index]
        after = [page for page in pages if page > index]
        owner = (after or before)[0 if after else -1] if first else before[-1]
        if owner in chosen:
            found.add(index)
    return found


def without_previews(file: TiffFile, ifd: Ifd) -> Ifd:
    """A page's directory without small pictures of it; what goes is noted."""
    changes: dict[int, Tag | None] = {}
    for number, cleared in (
        (_XMP, lambda packet: without_thumbnails(packet)[0]),
        (_PHOTOSHOP, without_photoshop_thumbnails),
    ):
        tag = ifd.tags.get(number)
        if tag is not None and tag.count == len(tag.value):
            value = cleared(tag.value)
            if value != tag.value:
                changes[number] = Tag(tag.kind, len(value), value)
    children = tuple(c for c in ifd.children.get(SUB_IFDS, ()) if not _shows(file, c, ifd))
    if len(children) < len(ifd.children.get(SUB_IFDS, ())):
        rest = {number: c for number, c in ifd.children.items() if number != SUB_IFDS}
        ifd = replace(ifd, children=rest | ({SUB_IFDS: children} if children else {}))
        changes[SUB_IFDS] = ifd.tags[SUB_IFDS] if children else None
    if changes:
        note_gone()
    if PHOTOSHOP_LAYERS in ifd.tags:
        changes[PHOTOSHOP_LAYERS] = None
        note("TIFF: Photoshop's layers, which show the page as it was, were taken out")
    return with_tags(ifd, changes) if changes else ifd


def note_gone() -> None:
    """Tell that small pictures are left out."""
    note("TIFF: the small picture of the page in its metadata was taken out")


def _kind(file: TiffFile, ifd: Ifd) -> int:
    """Bits of the new kind of sub-file, also where only the old one is told."""
    if _NEW_KIND in ifd.tags:
        return file.order.values(ifd.tags[_NEW_KIND])[0]
    old = ifd.tags.get(_OLD_KIND)
    return _REDUCED if old is not None and file.order.values(old)[0] == _OLD_REDUCED else 0


def _shows(file: TiffFile, child: Ifd, page: Ifd) -> bool:
    """Whether a sub-directory is a picture of the page: it says so, or it is smaller."""
    kind = _kind(file, child)
    if kind & _MASK or not child.blocks:
        return False
    return bool(kind & _REDUCED) or is_bare_jpeg(child) or _size(file, child) < _size(file, page)


def _size(file: TiffFile, ifd: Ifd) -> int:
    """Pixels that a directory tells of."""
    sides = [file.order.values(ifd.tags[n])[:1] for n in (_WIDTH, _LENGTH) if n in ifd.tags]
    return sides[0][0] * sides[1][0] if len(sides) == 2 and all(sides) else 0
