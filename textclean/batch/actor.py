"""What runs in an actor of a Ray cluster: pages in, reports out, models held in between.

Paths and options travel, never pixels: results are files in the hidden folder, as with worker
processes, so that all machines need to see the same folders under the same names.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from textclean.batch.task import PageWorker
from textclean.errors import DependencyError, FileAccessError, TextcleanError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textclean.batch.pool import Prepare
    from textclean.batch.task import Outcome, PageTask

    Load = Sequence[tuple[int, PageTask]]

LOAD: Final = "load"
ANSWER: Final = "answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an actor tells of a page.

    Attributes:
        index: Number of the page in the run.
        result: What came of it, or why its results could not be written; None = it is begun.
        hopeless: Why no page could be processed.
    """

    index: int
    result: Outcome | FileAccessError | None = None
    hopeless: TextcleanError | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What an actor has in common with the process that the run is in.

    Attributes:
        prepare: Gives what turns a page into its result, takes the device; packed.
        threads: Threads to compute with; None = as Ray has it.
        folder: The working folder: paths may be relative to it.
        modules: Where modules are looked for.
    """

    prepare: bytes
    threads: int | None
    folder: str
    modules: tuple[str, ...]

    @classmethod
    def of_this_process(cls, prepare: Prepare, threads: int | None) -> Self:
        """The home of actors of this process."""
        return cls(pickle.dumps(prepare), threads, str(Path.cwd()), tuple(sys.path))

    def settle(self) -> Prepare:
        """Make this process like that one; what prepares the work.

        Raises:
            OSError: The folder is not there.
            ImportError: A module is not there.
        """
        os.chdir(self.folder)
        sys.path.extend(path for path in self.modules if path and path not in sys.path)
        if self.threads is not None:
            import cv2

            cv2.setNumThreads(self.threads)
        prepare: Prepare = pickle.loads(self.prepare)
        return prepare


class PageActor:
    """Processes the pages that it is given, one after the other; for ``map_batches`` of Ray."""

    def __init__(self, home: Home) -> None:
        """Load the models."""
        self._worker: PageWorker | None = None
        self._hopeless: TextcleanError | None = None
        machine = socket.gethostname()
        try:
            self._worker = PageWorker(home.settle()(None))
        except OSError as error:
            self._hopeless = FileAccessError(
                f"the machine {machine} cannot use {error.filename}: {error.strerror}",
                remedy="All machines of a cluster need the same folders under the same names",
            )
        except ImportError as error:
            self._hopeless = DependencyError(
                f"the machine {machine} lacks a package: {error}",
                remedy="All machines of a cluster need the same packages",
            )
        except TextcleanError as error:
            # An actor that cannot be made is made again and again; one that says why is not.
            self._hopeless = error

    def __call__(self, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Process loads of pages; each page is told of when it is begun and when it is done."""
        for packed in batch[LOAD]:
            load: Load = pickle.loads(packed)
            for index, task in load:
                yield _packed(Answer(index))
                yield _packed(self._answer(index, task))

    def _answer(self, index: int, task: PageTask) -> Answer:
        if self._worker is None:
            return Answer(index, hopeless=self._hopeless)
        try:
            return Answer(index, self._worker(task))
        except FileAccessError as error:
            return Answer(index, error)
        except TextcleanError as error:
            return Answer(index, hopeless=error)


def packed_load(load: Load) -> dict[str, bytes]:
    """Pages as a row of a dataset."""
    return {LOAD: pickle.dumps(tuple(load))}


def answers(batch: Mapping[str, Any]) -> Iterator[Answer]:
    """What actors told."""
    for packed in batch[ANSWER]:
        yield pickle.loads(packed)


def _packed(answer: Answer) -> dict[str, Any]:
    return {ANSWER: np.array([pickle.dumps(answer)], object)}
