"""Remove text from manga, comic and document pages.

>>> from textclean import clean_page
>>> result = clean_page("page.png")  # doctest: +SKIP
>>> result.image.save("clean.png")  # doctest: +SKIP

Importing textclean loads nothing heavy: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from textclean.api import (
        clean_document,
        clean_page,
        inpaint_page,
        make_cleaner,
    )
    from textclean.batch import DocumentResult, PageReport
    from textclean.cleaner import Cleaner
    from textclean.compare import Comparison, compare_documents
    from textclean.detect import list_detectors, load_detector, register_detector
    from textclean.errors import (
        CorruptInputError,
        DependencyError,
        FileAccessError,
        InputError,
        MaskError,
        MissingExtraError,
        OptionsError,
        OutputExistsError,
        PageError,
        ProtectedInputError,
        RegionsFileError,
        ResidualTextError,
        TextcleanError,
        TooLargeError,
        UnknownNameError,
        UnsupportedFormatError,
        UsageError,
        WeightsError,
    )
    from textclean.inpaint import list_inpainters, load_inpainter, register_inpainter
    from textclean.options import PROFILES, Options, make_options
    from textclean.protocols import Detector, Inpainter
    from textclean.types import Background, Metadata, Page, PageResult, Region

# Where each public name comes from.
_HOMES = {
    "textclean.api": ("clean_document", "clean_page", "inpaint_page", "make_cleaner"),
    "textclean.batch": ("DocumentResult", "PageReport"),
    "textclean.cleaner": ("Cleaner",),
    "textclean.compare": ("Comparison", "compare_documents"),
    "textclean.detect": ("list_detectors", "load_detector", "register_detector"),
    "textclean.errors": (
        "CorruptInputError",
        "DependencyError",
        "FileAccessError",
        "InputError",
        "MaskError",
        "MissingExtraError",
        "OptionsError",
        "OutputExistsError",
        "PageError",
        "ProtectedInputError",
        "RegionsFileError",
        "ResidualTextError",
        "TextcleanError",
        "TooLargeError",
        "UnknownNameError",
        "UnsupportedFormatError",
        "UsageError",
        "WeightsError",
    ),
    "textclean.inpaint": ("list_inpainters", "load_inpainter", "register_inpainter"),
    "textclean.options": ("PROFILES", "Options", "make_options"),
    "textclean.protocols": ("Detector", "Inpainter"),
    "textclean.types": ("Background", "Metadata", "Page", "PageResult", "Region"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PROFILES",
    "Background",
    "Cleaner",
    "Comparison",
    "CorruptInputError",
    "DependencyError",
    "Detector",
    "DocumentResult",
    "FileAccessError",
    "Inpainter",
    "InputError",
    "MaskError",
    "Metadata",
    "MissingExtraError",
    "Options",
    "OptionsError",
    "OutputExistsError",
    "Page",
    "PageError",
    "PageReport",
    "PageResult",
    "ProtectedInputError",
    "Region",
    "RegionsFileError",
    "ResidualTextError",
    "TextcleanError",
    "TooLargeError",
    "UnknownNameError",
    "UnsupportedFormatError",
    "UsageError",
    "WeightsError",
    "__version__",
    "clean_document",
    "clean_page",
    "compare_documents",
    "inpaint_page",
    "list_detectors",
    "list_inpainters",
    "load_detector",
    "load_inpainter",
    "make_cleaner",
    "make_options",
    "register_detector",
    "register_inpainter",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME_OF[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
