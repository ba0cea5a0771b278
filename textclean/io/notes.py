"""What is to be told of a page that was written, collected while it is written.

Codecs learn only while they encode how many pixels a lossy format could not keep, or that a page
had to change its type. They lie deep below the call that writes a page; so they leave a note, and
whoever writes a report collects the notes around that call.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LOSSLESS_NOW: Final = (
    "{}: the lossy page comes back lossless and larger, so that nothing outside the mask changes"
)
"""What is noted of such a page; takes the format's name."""

_notes: ContextVar[list[str] | None] = ContextVar("notes", default=None)


def note(line: str) -> None:
    """Leave a note, once; it is lost where nobody collects."""
    notes = _notes.get()
    if notes is not None and line not in notes:
        notes.append(line)


@contextmanager
def collected_notes() -> Iterator[list[str]]:
    """Collect the notes of this thread (or task).

    Yields:
        A list that grows by one line per note.
    """
    notes: list[str] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)
