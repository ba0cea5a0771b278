"""Cleaned pages encoded apart from the sink that will write them, as worker processes do."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from textclean.errors import CorruptInputError
from textclean.io.document import Document, ImageEntry
from textclean.io.images import write_image
from textclean.io.pictures import picture_of

if TYPE_CHECKING:
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


def encoded_page(
    source: Document, entry: PageEntry, page: Page, mask: Mask, *, converted: bool
) -> bytes | None:
    """The image file that :meth:`textclean.io.DocumentSink.put` takes.

    Args:
        source: The document.
        entry: One of its pages.
        page: That page, cleaned.
        mask: ``(H, W)`` bool, as stored: what may have changed.
        converted: Whether the output has another format than the document.

    Returns:
        The file's bytes; None where a page is no file of its own, as in a PDF or a TIFF, and only
        the sink can encode it.

    Raises:
        TextcleanError: As :meth:`textclean.io.DocumentSink.write`.
    """
    if isinstance(entry, ImageEntry):
        return entry.encode(page, mask)
    if converted:
        return write_image(page, mask, picture_of(source, entry))
    return None


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
