"""Every error textclean raises on purpose.

The tree, with the exit code of the command line::

    TextcleanError
    ├── UsageError                1   the call itself is wrong
    │   ├── OptionsError              options that contradict each other or are out of range
    │   └── UnknownNameError          no detector, inpainter, profile or weights of that name
    ├── InputError                2   the input cannot be processed
    │   ├── UnsupportedFormatError    a file, mode or feature that textclean does not handle
    │   ├── CorruptInputError         empty, truncated or damaged
    │   ├── TooLargeError             over the pixel or size limit, refused before decoding
    │   ├── ProtectedInputError       encrypted or signed
    │   ├── MaskError                 a mask of the wrong size or type
    │   └── RegionsFileError          a regions file that does not follow the schema
    ├── DependencyError           3   something that must be installed is not
    │   ├── MissingExtraError         a package of an optional extra
    │   └── WeightsError              network weights: missing, damaged or not understood
    ├── PageError                 4   one page failed; the others go on
    ├── FileAccessError           5   a path cannot be read or written
    │   └── OutputExistsError         the output is there already and --overwrite was not given
    └── ResidualTextError         6   text was left on a page under --strict

An error says what is wrong, why it is refused and what helps: ``message`` holds the first two,
``remedy`` the last. ``source`` and ``page`` say where, when it is known.
"""

from __future__ import annotations

from typing import ClassVar, Self

EXIT_OK = 0
EXIT_INTERRUPTED = 130


class TextcleanError(Exception):
    """Base of all errors of textclean.

    Attributes:
        message: What is wrong and why it is refused; one line, no final full stop needed.
        remedy: What helps, or None.
        source: Name of the file or document, or None.
        page: Page name or number inside the document, or None.
        exit_code: What the command line exits with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        source: str | None = None,
        page: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.source = source
        self.page = page

    def at(self, *, source: str | None = None, page: str | None = None) -> Self:
        """Fill in where the error happened, where that is not known yet; returns self."""
        self.source = self.source or source
        self.page = self.page or page
        return self

    def __str__(self) -> str:
        # A file that is one page may bear the name of both.
        place = ", ".join(dict.fromkeys(part for part in (self.source, self.page) if part))
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}. {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.remedy, self.source, self.page))


def _rebuild(
    kind: type[TextcleanError],
    message: str,
    remedy: str | None,
    source: str | None,
    page: str | None,
) -> TextcleanError:
    return kind(message, remedy=remedy, source=source, page=page)


class UsageError(TextcleanError):
    """The call itself is wrong."""

    exit_code = 1


class OptionsError(UsageError):
    """Options contradict each other or are out of range."""


class UnknownNameError(UsageError):
    """No detector, inpainter, profile or weights of that name."""


class InputError(TextcleanError):
    """The input cannot be processed."""

    exit_code = 2


class UnsupportedFormatError(InputError):
    """A file, pixel mode or feature that textclean does not handle."""


class CorruptInputError(InputError):
    """The input is empty, truncated or damaged."""


class TooLargeError(InputError):
    """The input is over the pixel or size limit; it was refused before decoding."""


class ProtectedInputError(InputError):
    """The document is encrypted or signed."""


class MaskError(InputError):
    """A mask has the wrong size or type."""


class RegionsFileError(InputError):
    """A regions file does not follow the schema."""


class DependencyError(TextcleanError):
    """Something that must be installed is not."""

    exit_code = 3


class MissingExtraError(DependencyError):
    """A package of an optional extra is not installed."""


class WeightsError(DependencyError):
    """Network weights are missing, damaged or not understood."""


class PageError(TextcleanError):
    """One page failed while it was processed; the other pages go on."""

    exit_code = 4


class FileAccessError(TextcleanError):
    """A path cannot be read or written."""

    exit_code = 5


class OutputExistsError(FileAccessError):
    """The output exists already and overwriting was not asked for."""


class ResidualTextError(TextcleanError):
    """Text was left on a page and ``strict`` was asked for."""

    exit_code = 6
