"""Cleaned pages encoded apart from the sink that will write them, as worker processes do."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from textclean.errors import CorruptInputError
from textclean.io.document import Document, ImageEntry
from textclean.io.images import write_image
from textclean.io.naming import PICTURES
from textclean.io.picture_write import write_picture
from textclean.io.pictures import picture_of
from textclean.io.single import ImageSource

if TYPE_CHECKING:
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


def encoded_page(
    source: Document, entry: PageEntry, page: Page, mask: Mask, *, to: str | None
) -> bytes | None:
    """The image file that :meth:`textclean.io.DocumentSink.put` takes.

    Args:
        source: The document.
        entry: One of its pages.
        page: That page, cleaned.
        mask: ``(H, W)`` bool, as stored: what may have changed.
        to: The output's format where it is another one than the document's.

    Returns:
        The file's bytes; None where a page is no file of its own, as in a PDF or a TIFF, and only
        the sink can encode it.

    Raises:
        TextcleanError: As :meth:`textclean.io.DocumentSink.write`.
    """
    if to is not None:
        return converted_page(source, entry, page, mask, to)
    return entry.encode(page, mask) if isinstance(entry, ImageEntry) else None


def converted_page(source: Document, entry: PageEntry, page: Page, mask: Mask, to: str) -> bytes:
    """The image file of a page that goes into a document of another format.

    It keeps its own format where the other binds together any, and gets that of a picture.

    Args:
        source: The document.
        entry: One of its pages.
        page: That page, cleaned.
        mask: ``(H, W)`` bool, as stored: what may have changed.
        to: A key of :data:`textclean.io.naming.TARGETS` or of ``PICTURES``.

    Raises:
        TextcleanError: As :meth:`textclean.io.DocumentSink.write`.
    """
    data = picture_of(source, entry)
    loaded = entry.loaded_from(data) if isinstance(entry, ImageEntry) else None
    if to in PICTURES or (to == "tiff" and isinstance(source, ImageSource)):
        return write_picture(page, mask, data, to, loaded)
    return write_image(page, mask, data, loaded)


def pack_pixels(page: Page, mask: Mask) -> bytes:
    """What a cleaned page has under its mask, for :func:`unpack_pixels`."""
    out = io.BytesIO()
    np.savez_compressed(
        out, shape=np.array(mask.shape), mask=np.packbits(mask), pixels=page.pixels[mask]
    )
    return out.getvalue()


def unpack_pixels(page: Page, data: bytes) -> tuple[Page, Mask]:
    """The page as a sink takes it, and its mask; ``rgb`` stays that of the original.

    Args:
        page: The page as its document gives it.
        data: What :func:`pack_pixels` made of the same page, cleaned.

    Raises:
        CorruptInputError: They are not of the same page.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        height, width = kept["shape"].tolist()
        if (height, width) != page.pixels.shape[:2]:
            raise CorruptInputError("the page is not the one that was cleaned")
        mask = np.unpackbits(kept["mask"], count=height * width).reshape(height, width) > 0
        pixels = page.pixels.copy()
        pixels[mask] = kept["pixels"]
    return replace(page, pixels=pixels), mask
