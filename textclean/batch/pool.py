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
import os
import platform
import signal
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection as mp
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textclean.batch.page import failed_page
from textclean.batch.sizes import BYTES_A_WORKER, page_bytes, usable_memory
from textclean.batch.task import Outcome, PageTask, PageWorker
from textclean.errors import FileAccessError, PageError, TextcleanError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import SpawnProcess

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


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers there are, and what they share.

    Attributes:
        workers: Processes.
        threads: Threads that each computes with.
        memory: Bytes that all pages that are processed at one time may take together.
        refuse: Whether a page that would take more is refused; otherwise it is tried alone.
        devices: Devices that the workers are spread over; None = that of the options.
    """

    workers: int
    threads: int
    memory: int
    refuse: bool = False
    devices: tuple[str | None, ...] = (None,)


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
            args=(theirs, self.prepare, device, self.crew.threads),
            name="textclean worker",
            daemon=True,
        )
        with _threads(self.crew.threads):
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


def serve(
    pipe: mp.Connection[Any, Any], prepare: Prepare, device: str | None, threads: int
) -> None:
    """What a worker process does: pages in, reports out, until it is sent home.

    Args:
        pipe: Gives tasks, takes outcomes; first of all it takes None: the worker is ready.
        prepare: As in :class:`Pool`.
        device: What it computes on.
        threads: Threads to compute with.
    """
    # Ctrl-C reaches all processes of a terminal; the run decides what becomes of the pages.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()
    import cv2

    cv2.setNumThreads(threads)
    try:
        worker = PageWorker(prepare(device))
        pipe.send(None)
        while (task := pipe.recv()) is not None:
            try:
                answer: Any = worker(task)
            except FileAccessError as error:
                answer = error
            pipe.send(answer)
        worker.close()
    except TextcleanError as error:
        pipe.send(error)
    except (EOFError, BrokenPipeError):
        return


def _die_with_parent() -> None:
    """A worker whose run was killed ends at once: nobody waits for its page any more."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        mp.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Libraries of processes that are started meanwhile compute with so many threads.

    They read it when they are loaded. A number that the user has set stays.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    new = [name for name in names if name not in os.environ]
    os.environ.update({name: str(count) for name in new})
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def crew_for(
    pages: int,
    *,
    workers: int | None,
    devices: Sequence[str],
    memory: int | None,
    cores: int,
    device: str = "cpu",
) -> Crew | None:
    """How to spread the work; None = this process does it alone.

    Starting a worker costs some seconds, so a few pages are not worth it.

    Args:
        pages: How many there are.
        workers: Processes, 0 = none, None = chosen here.
        devices: Devices to spread them over.
        memory: Bytes that all of it may use; None = most of what is free.
        cores: Cores that may be used.
        device: The device of the options.
    """
    if workers == 0 or (workers is None and (pages < _WORTH or cores < 2) and not devices[1:]):
        return None
    usable = usable_memory() if memory is None else memory
    fitting = max(1, usable // (BYTES_A_WORKER + page_bytes(0)))
    most = max(1, len(devices)) * _ON_A_GPU if _is_gpu(device) else cores
    count = workers or max(len(devices), min(cores, pages, fitting, most))
    count = min(count, max(pages, 1))
    threads = max(1, cores // count)
    left = max(usable - count * BYTES_A_WORKER, usable // 4)
    return Crew(count, threads, left, memory is not None, tuple(devices) or (None,))


_WORTH: Final = 8  # pages
_ON_A_GPU: Final = 3  # processes, each with networks of its own in the GPU's memory


def _is_gpu(device: str) -> bool:
    """Whether a device is, or is going to be, a GPU; found out without loading PyTorch."""
    if device == "auto":
        # Apple's GPUs are told by the machine, NVIDIA's and AMD's by their device files.
        is_apple = sys.platform == "darwin" and platform.machine() == "arm64"
        return is_apple or any(Path(name).exists() for name in ("/dev/nvidia0", "/dev/kfd"))
    return device != "cpu"


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
