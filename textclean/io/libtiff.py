"""Hear what libtiff has to say, instead of letting it write to file descriptor 2.

Pillow leaves libtiff's message handlers as they are: warnings and errors go to standard error, and
some errors nowhere else (a fax-coded page with broken code words decodes "successfully", with
wrong rows). Redirecting descriptor 2 would race with every other thread that writes to it. So the
two handlers of the very library that Pillow has loaded are replaced, once, by one that notes
errors per thread. Where that library cannot be found (it may be linked statically), nothing
changes and :func:`libtiff_errors` yields a list that stays empty.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import PIL

if TYPE_CHECKING:
    from collections.abc import Iterator

# void handler(const char *module, const char *format, va_list): on the platforms concerned, a
# va_list in the last place travels as one pointer-sized argument, which is not looked at.
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)

_heard = threading.local()


@contextmanager
def libtiff_errors() -> Iterator[list[str]]:
    """Collect libtiff's errors on this thread.

    Yields:
        A list that grows by one line (the message's format, its values not filled in) per error.
    """
    _install()
    before = getattr(_heard, "errors", None)
    errors: list[str] = []
    _heard.errors = errors
    try:
        yield errors
    finally:
        _heard.errors = before


def _note_error(module: bytes | None, text: bytes | None, _: Any) -> None:
    errors = getattr(_heard, "errors", None)
    if errors is not None:
        parts = (part.decode("latin-1") for part in (module, text) if part)
        errors.append(": ".join(parts))


def _ignore_warning(module: bytes | None, text: bytes | None, _: Any) -> None:
    """Warnings tell of unknown tags and odd line lengths that decode all the same."""


# Kept for as long as the library may call them.
_on_error = _Handler(_note_error)
_on_warning = _Handler(_ignore_warning)


@cache
def _install() -> bool:
    """Replace the handlers; whether that was possible."""
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            set_error, set_warning = library.TIFFSetErrorHandler, library.TIFFSetWarningHandler
        except (OSError, AttributeError):
            continue
        for setter, handler in ((set_error, _on_error), (set_warning, _on_warning)):
            setter.argtypes, setter.restype = [_Handler], ctypes.c_void_p
            setter(handler)
        return True
    return False


def _candidates() -> Iterator[str]:
    """Where Pillow's libtiff may be: beside it in a wheel, else the system's."""
    package = Path(PIL.__file__).parent
    for folder in (package.parent / "pillow.libs", package / ".dylibs"):
        yield from map(str, sorted(folder.glob("libtiff[.-]*")))
    # A library that Pillow has not loaded would be loaded here for nothing: only Linux
    # distributions build Pillow against the one that is found this way.
    if sys.platform == "linux" and (name := ctypes.util.find_library("tiff")):
        yield name
