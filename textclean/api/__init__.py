"""The one-shot functions, and the builders of :class:`~textclean.cleaner.Cleaner` behind them.

>>> from textclean import clean_page
>>> clean_page("page.png").image.save("clean.png")  # doctest: +SKIP
"""

from __future__ import annotations

from textclean.api.build import make_cleaner, make_filler, make_finder
from textclean.api.documents import clean_document
from textclean.api.pages import clean_page, inpaint_page, load_mask

__all__ = [
    "clean_document",
    "clean_page",
    "inpaint_page",
    "load_mask",
    "make_cleaner",
    "make_filler",
    "make_finder",
]
