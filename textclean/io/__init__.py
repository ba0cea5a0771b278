"""Reading and writing pages and documents.

:func:`open_source` and :func:`open_sink` handle whole documents: single images, folders, comic
archives (CBZ, ZIP), TIFFs of many pages and PDFs. :func:`read_image` and :func:`write_image` handle
one image in memory.
"""

from __future__ import annotations

from textclean.io.document import Document, DocumentSink
from textclean.io.extras import read_mask, save_mask, save_patch
from textclean.io.images import read_image, write_image
from textclean.io.opening import open_sink, open_source

__all__ = [
    "Document",
    "DocumentSink",
    "open_sink",
    "open_source",
    "read_image",
    "read_mask",
    "save_mask",
    "save_patch",
    "write_image",
]
