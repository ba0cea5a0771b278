"""Reading and writing pages and documents.

:func:`open_source` and :func:`open_sink` handle whole documents: single images, folders, comic
archives (CBZ, CBR, CB7, CBT), e-books (EPUB), TIFFs of many pages and PDFs, and convert between
them. :func:`read_image` and :func:`write_image` handle
one image in memory.
"""

from __future__ import annotations

from textclean.io.document import Document
from textclean.io.document_sink import DocumentSink
from textclean.io.extras import read_mask, save_mask, save_patch
from textclean.io.images import read_image, write_image
from textclean.io.naming import checked as checked_format
from textclean.io.naming import default_suffix
from textclean.io.naming import resolve as resolve_target
from textclean.io.opening import kind_of_path, open_sink, open_source

__all__ = [
    "Document",
    "DocumentSink",
    "checked_format",
    "default_suffix",
    "kind_of_path",
    "open_sink",
    "open_source",
    "read_image",
    "read_mask",
    "resolve_target",
    "save_mask",
    "save_patch",
    "write_image",
]
