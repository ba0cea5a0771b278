"""Worker processes that are watched: one that dies is replaced, and its page tried once more.

Each worker has a pipe of its own and gets one page at a time, so that nothing is shared that a
dying process could leave locked. A page is handed out when there is memory for it beside those that
are being processed; one that is too large for that waits until it can be alone. Only paths and
reports pass through the pipes.

Workers are started afresh ("spawn"), each with its share of the cores.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing import connection as mp
from typing import TYPE_CHECKING, Any, Final

from textclean.batch.page import failed_page
from textclean.batch.sizes import page_bytes
from textclean.batch.task import Outcome, PageTask
from textclean.batch.worker import serve, sharing_cores
from textclean.errors import FileAccessError, PageError, TextcleanError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import SpawnProcess

    from textclean.batch.crew import Crew
    from textclean.batch.interrupt import Interrupt
    from textclean.batch.task import Work

    Result = Outcome | FileAccessError
    Prepare = Callable[[str | None], Work]

_TICK: Final = 0.1  # seconds between two looks at whether to stop
_GRACE: Final = 5.0  # seconds that pages get to be finished when the run is stopped
_STARTS: Final = 3  # workers that may die in a row before they are ready


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: mp.Connection[Any, Any]
    device: str | None
    ready: bool = False
    task: PageTask | None = None


@dataclass(slots=True)
class Pool:
    """Processes pages in worker processes.

    Attributes:
        prepare: Gives what turns a page into its result, for a device; must be picklable.
        crew: The workers.
    """

    prepare: Prepare
    crew: Crew
    _workers: list[_Worker] = field(default_factory=list)
    _again: deque[PageTask] = field(default_factory=deque)
    _tried: set[str] = field(default_factory=set)
    _deaths: int = 0

    def run(
        self, tasks: Iterator[PageTask], interrupt: Interrupt
    ) -> Iterator[tuple[PageTask, Result]]:
        """Process pages; results come in the order in which they are ready.

        Args:
            tasks: The pages; taken one by one, when there is a worker for them.
            interrupt: Says when to stop: pages that are being processed get a moment to be
                finished, and no others are begun.

        Yields:
            Each page and what came of it, or why its results could not be written.

        Raises:
            TextcleanError: The next page would fail in the same way.
        """
        waiting = _Peek(tasks)
        try:
            while True:
                if not interrupt.wanted:
                    yield from self._hand_out(waiting)
                busy = [worker for worker in self._workers if worker.task is not None]
                if not busy and (interrupt.wanted or (waiting.empty and not self._again)):
                    return
                if interrupt.wanted and interrupt.seconds > _GRACE:
                    return
                yield from self._listen()
        finally:
            self._end()

    # -- handing out

    def _hand_out(self, waiting: _Peek) -> Iterator[tuple[PageTask, Result]]:
        """Give pages to idle workers, as many as there is memory for."""
        while True:
            busy = [worker.task for worker in self._workers if worker.task is not None]
            if self._again:
                # A page whose worker died is alone: it may have been short of memory.
                if busy:
                    return
                task = self._again[0]
            elif busy and busy[0].key in self._tried:
                return
            else:
                found = waiting.look()
                if found is None:
                    return
                task = found
            need = page_bytes(task.pixels)
            if self.crew.refuse and need > self.crew.memory:
                waiting.take()
                yield task, Outcome(_too_large(task, need, self.crew.memory))
                continue
            if busy and need + sum(page_bytes(t.pixels) for t in busy) > self.crew.memory:
                return
            worker = self._idle()
            if worker is None:
                return
            if self._again:
                self._again.popleft()
            else:
                waiting.take()
            worker.task = task
            with contextlib.suppress(OSError):  # that it died is seen when it is listened to
                worker.pipe.send(task)

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if worker.task is None:
                return worker
        if len(self._workers) >= self.crew.workers:
            return None
        return self._start()

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        taken = [worker.device for worker in self._workers]
        device = min(self.crew.devices, key=taken.count)
        process = context.Process(
            target=serve,
            args=(theirs, self.prepare, device, self.crew.threads, self.crew.keep),
            name="textclean worker",
            daemon=True,
        )
        with sharing_cores(self.crew.threads):
            process.start()
        theirs.close()
        worker = _Worker(process, ours, device)
        self._workers.append(worker)
        return worker

    # -- listening

    def _listen(self) -> Iterator[tuple[PageTask, Result]]:
        """Wait a moment for results, and for workers that die."""
        pipes = {worker.pipe: worker for worker in self._workers}
        for pipe in mp.wait(list(pipes), _TICK):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._bury(worker)
                continue
            if answer is None:
                worker.ready, self._deaths = True, 0
                continue
            task = worker.task
            if isinstance(answer, TextcleanError) and not (
                isinstance(answer, FileAccessError) and task is not None and worker.ready
            ):
                raise answer
            worker.task = None
            if task is not None:
                yield task, answer

    def _bury(self, worker: _Worker) -> Iterator[tuple[PageTask, Result]]:
        """Let go of a worker that died; its page is tried once more, alone."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(_GRACE)
        why = _cause(worker.process.exitcode)
        task, self._deaths = worker.task, self._deaths + (not worker.ready)
        if not worker.ready and self._deaths >= _STARTS:
            raise PageError(
                f"worker processes do not start: the last one {why}",
                remedy="Use --jobs 0 to process everything in one process, and -v",
            )
        if task is None:
            return
        if not worker.ready:
            # It never came to the page.
            self._again.append(task)
        elif task.key not in self._tried:
            self._tried.add(task.key)
            self._again.append(task)
        else:
            error = PageError(
                f"the process that worked on the page {why}, twice",
                remedy="If memory was short, use fewer --jobs or a smaller --max-pixels",
            )
            yield task, Outcome(failed_page(task.name, task.number, error))

    def _end(self) -> None:
        """Send all workers home; those that are busy, or do not go, are ended."""
        for worker in self._workers:
            if worker.task is None and worker.ready:
                with contextlib.suppress(OSError):
                    worker.pipe.send(None)
            else:
                worker.process.terminate()
        deadline = time.monotonic() + _GRACE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()


class _Peek:
    """An iterator whose next item can be looked at before it is taken."""

    def __init__(self, tasks: Iterator[PageTask]) -> None:
        self._tasks = tasks
        self._next: PageTask | None = None
        self.empty = False

    def look(self) -> PageTask | None:
        if self._next is None and not self.empty:
            self._next = next(self._tasks, None)
            self.empty = self._next is None
        return self._next

    def take(self) -> None:
        self._next = None


def _too_large(task: PageTask, need: int, memory: int) -> Any:
    gigabytes = need / 2**30
    return failed_page(
        task.name,
        task.number,
        TooLargeError(
            f"the page has {task.pixels:,} pixels and needs about {gigabytes:.1f} GiB, more than "
            f"the {memory / 2**30:.1f} GiB that there are for pages; it was not decoded",
            remedy="Raise --memory, or use fewer --jobs",
        ),
    )


def _cause(code: int | None) -> str:
    """How a process ended, for people."""
    if code is None:
        return "was ended"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        short = " (the system does that when memory is short)" if name == "SIGKILL" else ""
        return f"was ended by {name}{short}"
    return f"ended with code {code}"
