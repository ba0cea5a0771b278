"""The hidden folder beside an output: journal, lock, and pages that wait for their document.

::

    out/                     an output folder
    └── .textclean/
        ├── journal.jsonl    stays, so that a later run can skip what is done
        ├── lock             while a run goes on
        ├── parts/           results of pages that are not in their place yet
        └── ready/           documents that are whole, about to get their names
    book.clean.cbz           an output that is one file
    .textclean/
    └── book.clean.cbz/      the same for it; all of it goes when the file is there

A shard has files of its own: ``journal-2-of-8.jsonl``, ``parts-2-of-8`` and so on.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from textclean.batch.journal import Journal
from textclean.batch.lock import Lock
from textclean.errors import OptionsError
from textclean.io.atomic import WORK_FOLDER, cannot_write, make_folders, remove_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JOURNAL: Final = re.compile(r"journal(-(\d+)-of-(\d+))?\.jsonl")


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of a run that is spread over several machines.

    Attributes:
        number: Which, from 1.
        count: How many there are.
    """

    number: int = 1
    count: int = 1

    @property
    def suffix(self) -> str:
        """What its files' names have in them; "" when it is all there is."""
        return "" if self.count == 1 else f"-{self.number}-of-{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``2/8``.

        Raises:
            OptionsError: It is no such share.
        """
        number, _, count = text.partition("/")
        if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
            return cls(int(number), int(count))
        raise OptionsError(
            f"{text!r} is no share of a run", remedy="Write it like 2/8: the second of eight"
        )


@dataclass(frozen=True, slots=True)
class Place:
    """An output folder, or an output that is one file, and the hidden folder that belongs to it.

    Attributes:
        output: The folder or file.
        is_file: Whether it is a file.
    """

    output: Path
    is_file: bool

    @property
    def hidden(self) -> Path:
        """The hidden folder."""
        if self.is_file:
            return self.output.parent / WORK_FOLDER / self.output.name
        return self.output / WORK_FOLDER

    def identity(self, output: Path) -> str:
        """The stable name of an output: the same wherever the folder is mounted."""
        if self.is_file:
            return output.name
        return output.relative_to(self.output).as_posix() if output != self.output else "."

    def told(self, path: Path) -> str:
        """A path for the journal: below the output folder, where it is."""
        folder = (self.output.parent if self.is_file else self.output).absolute()
        whole = path.absolute()
        return whole.relative_to(folder).as_posix() if folder in whole.parents else str(whole)

    def path(self, told: str) -> Path:
        """The path that was told."""
        return (self.output.parent if self.is_file else self.output) / told


class Workplace:
    """The hidden folder while a run uses it.

    Attributes:
        place: What it belongs to.
        journal: What has been done.
        parts: Folder for results of pages.
        ready: Folder for documents that are put together.
    """

    def __init__(self, place: Place, shard: Shard) -> None:
        """Lock the output, read the journal and create what is missing.

        Raises:
            FileAccessError: Another run writes there, or the folder cannot be written.
        """
        self.place = place
        hidden = place.hidden
        self._made = make_folders(hidden)
        self._locks: list[Lock] = []
        try:
            alone = shard.count == 1
            self._locks.append(Lock(hidden / "lock", place.output, shared=not alone))
            if not alone:
                self._locks.append(Lock(hidden / f"lock{shard.suffix}", place.output))
            self.journal = Journal(hidden / f"journal{shard.suffix}.jsonl")
            self.parts = hidden / f"parts{shard.suffix}"
            self.ready = hidden / f"ready{shard.suffix}"
            self._open_folders()
        except BaseException:
            self._release()
            remove_folders(self._made)
            raise

    def _open_folders(self) -> None:
        # What is half put together there is put together again.
        for folder in (self.parts, self.ready):
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise cannot_write(folder, error) from None

    def clear(self) -> None:
        """Remove everything but the journal: all is done, or nothing is to be kept."""
        for folder in (self.parts, self.ready):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self, *, keep: bool) -> None:
        """Let go of the output.

        Args:
            keep: Whether the journal, and what waits, stay for a later run.
        """
        self.journal.close()
        if not keep:
            self.clear()
            with contextlib.suppress(OSError):
                self.journal.path.unlink()
        for folder in (self.parts, self.ready):
            with contextlib.suppress(OSError):
                # What a worker was writing when it was ended; the others are of use.
                for half in folder.glob(".*.tmp"):
                    half.unlink(missing_ok=True)
                folder.rmdir()
        self._release()
        if not keep:
            hidden = self.place.hidden
            remove_folders([hidden.parent, hidden] if self.place.is_file else [hidden])
            # Only when they are empty: what was made for a run that came to nothing.
            remove_folders(self._made)

    def _release(self) -> None:
        for lock in reversed(self._locks):
            lock.release()
        self._locks = []


def journals_below(folder: Path) -> Iterator[tuple[Path, Shard]]:
    """The journals of an output folder, or of the outputs in it, and the shard of each."""
    hidden = folder / WORK_FOLDER
    for path in sorted([*hidden.glob("journal*.jsonl"), *hidden.glob("*/journal*.jsonl")]):
        match = _JOURNAL.fullmatch(path.name)
        if match:
            yield path, Shard(int(match[2]), int(match[3])) if match[1] else Shard()
