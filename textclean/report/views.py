"""Views of pages kept in a file until the report is written, also over a run that is cut short.

The file lies under a hidden name beside the report and only grows: a line of JSON for each page,
followed by the bytes that the line announces. A run that goes on where another one ended finds the
views of the pages that are done; the last record, if it is torn, is cut off.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from textclean.batch.lock import Lock
from textclean.io.atomic import cannot_write, make_folders, remove_folders

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.batch import PageView

    Key = tuple[str, int]
    Place = tuple[int, int]

_LONGEST_LINE: Final = 65_536  # of a record's head; what is longer is no record


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a page's view lies in the file.

    Attributes:
        size: Width and height of the upright page in pixels.
        parts: Place and length of its regions (JSON), thumbnail, before and patch.
    """

    size: tuple[int, int]
    parts: tuple[Place, Place, Place, Place]


class ViewFile:
    """The file; it is opened for the first page, or for what an earlier run left.

    Args:
        path: Its name.
        report: The report that it is for, for messages.

    Attributes:
        earlier: What an earlier run left, by name of the document and number of the page.
    """

    def __init__(self, path: Path, report: Path) -> None:
        self._path = path
        self._report = report
        self._lock: Lock | None = None
        self._file: BinaryIO | None = None
        self._folders: list[Path] = []
        self.earlier: dict[Key, Kept] = {}

    def begin(self) -> None:
        """Find what an earlier run left; safe to call again.

        Raises:
            FileAccessError: Another run writes the same report, or the file cannot be read.
        """
        if self._file is None and self._path.is_file():
            self._open("r+b")

    def add(self, source: str, number: int, view: PageView, *, pictures: bool) -> Kept:
        """Put a view aside.

        Args:
            source: Name of the document.
            number: The page's position in it.
            view: The view.
            pictures: Whether its pictures before and after are kept, too.

        Raises:
            FileAccessError: There is no room for it, or another run writes the same report.
        """
        self.begin()
        if self._file is None:
            self._folders = make_folders(self._path.parent)
            self._open("x+b")
        blobs = [json.dumps(view.regions).encode(), view.thumbnail]
        blobs += [view.before, view.patch] if pictures else [b"", b""]
        head = {"source": source, "number": number, "size": list(view.size)}
        line = json.dumps({**head, "parts": [len(blob) for blob in blobs]}).encode() + b"\n"
        file = self._opened
        try:
            start = file.seek(0, os.SEEK_END)
            file.write(b"".join([line, *blobs]))
            # Readers of a killed run see what was handed to the system.
            file.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from None
        return _kept(view.size, start + len(line), [len(blob) for blob in blobs])

    def get(self, place: Place) -> bytes:
        """Bytes that were put aside."""
        if not place[1]:
            return b""
        file = self._opened
        file.seek(place[0])
        return file.read(place[1])

    def close(self, *, keep: bool) -> None:
        """Let go of the file; safe to call twice.

        Args:
            keep: Leave it for a run that goes on from here.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
            if not keep:
                self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        remove_folders(self._folders)
        self._folders = []

    @property
    def _opened(self) -> BinaryIO:
        assert self._file is not None
        return self._file

    def _open(self, mode: Literal["r+b", "x+b"]) -> None:
        self._lock = Lock(self._path.with_suffix(".lock"), self._report)
        try:
            self._file = self._path.open(mode)
            self._file.truncate(self._read())
        except OSError as error:
            raise cannot_write(self._path, error) from None

    def _read(self) -> int:
        """Note what is there; where the last whole record ends."""
        file, end = self._opened, 0
        total = file.seek(0, os.SEEK_END)
        while end < total:
            file.seek(end)
            record = _record(file.readline(_LONGEST_LINE))
            if record is None:
                break
            key, size, lengths = record
            start = file.tell()
            if start + sum(lengths) > total:
                break
            self.earlier[key] = _kept(size, start, lengths)
            end = start + sum(lengths)
        return end


def _kept(size: tuple[int, int], start: int, lengths: list[int]) -> Kept:
    places = []
    for length in lengths:
        places.append((start, length))
        start += length
    regions, thumbnail, before, patch = places
    return Kept(size, (regions, thumbnail, before, patch))


def _record(line: bytes) -> tuple[Key, tuple[int, int], list[int]] | None:
    """Key, size and lengths in a record's head; None when it is none."""
    if not line.endswith(b"\n"):
        return None
    try:
        told: dict[str, Any] = json.loads(line)
        wide, high = (int(value) for value in told["size"])
        lengths = [int(value) for value in told["parts"]]
        key = str(told["source"]), int(told["number"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (key, (wide, high), lengths) if len(lengths) == 4 and min(lengths) >= 0 else None
