"""What a run has done so far, written down beside its output so that the next run can go on.

The journal is a file of JSON lines, appended to and never rewritten. SQLite was the other choice;
JSON lines were taken because

* one process writes, and each record is one ``write`` of one line: a run that is killed loses at
  most the line it was writing, and a torn line is passed over and its page done again;
* shards on machines that share a file system have a file each, and reading them together is reading
  one after the other; SQLite's locks are not to be trusted on network file systems;
* a person can read it, and ``grep`` finds a page in it.

The last record of a key counts. Order is that of the file: nothing depends on a clock. While a
journal is open only the place of each record is held in memory.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from textclean.io.atomic import cannot_write
from textclean.io.images import cannot_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

VERSION: Final = 1
"""Version of the records; a journal of another one is not gone on with."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a journal.

    Attributes:
        kind: "run" (one was started), "page" (one was processed) or "placed" (a document of
            several pages is about to get, or has, its name).
        key: What it is about: the identity of the page or document, "" for a run.
        values: All else; plain values.
    """

    kind: str
    key: str
    values: dict[str, Any]

    def line(self) -> bytes:
        """As it is written; names that are not UTF-8 come out escaped."""
        head = {"kind": self.kind, "key": self.key}
        return json.dumps({**head, **self.values}, separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Self | None:
        """A record from its line; None when the line is torn or damaged."""
        try:
            values = json.loads(line)
            return cls(str(values.pop("kind")), str(values.pop("key")), values)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


class Journal:
    """A journal, open for reading and appending.

    Args:
        path: The file; it is created when the first record is added.
    """

    def __init__(self, path: Path) -> None:
        """Find the records that are there.

        Raises:
            FileAccessError: The file cannot be read.
        """
        self.path = path
        self._places: dict[tuple[str, str], tuple[int, int]] = {}
        self._file: int | None = None
        self._reader: BinaryIO | None = None
        self._end = 0
        self._torn = False
        try:
            for at, line in _lines(path):
                self._end, self._torn = at + len(line), not line.endswith(b"\n")
                record = Record.parse(line)
                if record is not None:
                    self._places[record.kind, record.key] = at, len(line)
        except OSError as error:
            raise cannot_read(path, error) from None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written down."""
        return not self._places

    def last(self, kind: str, key: str = "") -> Record | None:
        """The last record of a kind about something, or None."""
        place = self._places.get((kind, key))
        if place is None:
            return None
        try:
            if self._reader is None:
                self._reader = self.path.open("rb")
            self._reader.seek(place[0])
            return Record.parse(self._reader.read(place[1]))
        except OSError as error:
            raise cannot_read(self.path, error) from None

    def add(self, record: Record) -> None:
        """Append a record.

        Raises:
            FileAccessError: It cannot be written, for example because the disk is full.
        """
        line = record.line()
        # What was torn when a run was killed, or the disk became full, ends here.
        data = b"\n" + line if self._torn else line
        try:
            if self._file is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
                self._file = os.open(self.path, flags, 0o644)
            written = os.write(self._file, data)
            if written < len(data):
                self._end, self._torn = self._end + written, True
                raise OSError(28, "No space left on device")
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._end += len(data)
        self._torn = False
        self._places[record.kind, record.key] = self._end - len(line), len(line)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_journal(path: Path) -> Iterator[Record]:
    """All records of a journal in the order in which they were written.

    Raises:
        FileAccessError: The file cannot be read.
    """
    try:
        for _, line in _lines(path):
            record = Record.parse(line)
            if record is not None:
                yield record
    except OSError as error:
        raise cannot_read(path, error) from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, each with where it starts; none when there is no file."""
    at = 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            yield at, line
            at += len(line)
