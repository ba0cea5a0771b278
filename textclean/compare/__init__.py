"""What differs between two documents: the proof that nothing but the text changed.

:func:`compare_documents` looks at the files themselves, with readers of its own for what pages
carry besides pixels, so that a mistake of the writers is not repeated here.
"""

from __future__ import annotations

from textclean.compare.documents import compare_documents
from textclean.compare.result import EXIT_DIFFERS, KINDS, Comparison, Difference, PageComparison

__all__ = [
    "EXIT_DIFFERS",
    "KINDS",
    "Comparison",
    "Difference",
    "PageComparison",
    "compare_documents",
]
