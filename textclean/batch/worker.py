"""What runs inside a worker process, and with how many threads its libraries compute."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager
from multiprocessing import connection as mp
from typing import TYPE_CHECKING, Any

from textclean.batch.task import PageWorker
from textclean.errors import FileAccessError, TextcleanError
from textclean.memory import reusing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from textclean.batch.task import Work

    Prepare = Callable[[str | None], Work]


def serve(
    pipe: mp.Connection[Any, Any], prepare: Prepare, device: str | None, threads: int, keep: int
) -> None:
    """What a worker process does: pages in, reports out, until it is sent home.

    Args:
        pipe: Gives tasks, takes outcomes; first of all it takes None: the worker is ready.
        prepare: As in :class:`textclean.batch.pool.Pool`.
        device: What it computes on.
        threads: Threads to compute with.
        keep: Bytes of memory that it may keep from page to page.
    """
    # Ctrl-C reaches all processes of a terminal; the run decides what becomes of the pages.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()
    import cv2

    cv2.setNumThreads(threads)
    try:
        worker = PageWorker(prepare(device), keep)
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
def sharing_cores(count: int) -> Iterator[None]:
    """Libraries of processes that are started meanwhile compute with so many threads.

    They read it when they are loaded, and the C library that it is to use memory again. What the
    user has set stays.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    with environment({**dict.fromkeys(names, str(count)), **reusing()}):
        yield


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes that are started meanwhile; what the user has set stays."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
