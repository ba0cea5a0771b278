"""A Ray cluster for the time of a run, quiet and private where it is one of this machine."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from textclean.batch.worker import environment, sharing_cores
from textclean.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.batch.crew import Crew

_STORE: Final = 256 << 20  # bytes for what travels: reports, and pictures where one is asked for
_LONGEST_FOLDER: Final = 25  # characters, so that sockets in it have names that systems allow
_TRIES: Final = 2  # Ray gives up after 30 s, which a busy machine may need to load it
_END: Final = 30.0  # seconds for its threads to end, on a busy machine
_DATASETS: Final = ("StreamingExecutor-", "ray-data-metadata-prefetch")  # their names
_LOGGERS: Final = ("ray", "ray.data", "ray._private.worker")


@dataclass(frozen=True, slots=True)
class RaySession:
    """A cluster that is connected.

    Attributes:
        is_local: Whether it is one of this machine, begun for the run.
        resources: What it has: "CPU", "GPU".
    """

    is_local: bool
    resources: dict[str, float]

    def actors(self, crew: Crew, asked: int | None, device: str) -> int:
        """How many actors are to work."""
        if self.is_local:
            return crew.workers
        has = self._gpus(device) or self.resources.get("CPU", 1)
        return max(1, asked or int(has))

    def threads(self, crew: Crew) -> int | None:
        """Threads that each actor computes with; None = as Ray has it."""
        return crew.threads if self.is_local else None

    def gpus(self, actors: int, device: str) -> float:
        """The share of a GPU for each actor."""
        return min(1.0, int(1000 * self._gpus(device) / actors) / 1000)

    def _gpus(self, device: str) -> float:
        return 0.0 if device == "cpu" else self.resources.get("GPU", 0.0)


@contextlib.contextmanager
def ray_session(crew: Crew) -> Iterator[RaySession]:
    """Begin a cluster of this machine, or connect to that of ``RAY_ADDRESS``; end it afterwards.

    Args:
        crew: The actors of this machine, and their threads.

    Raises:
        DependencyError: It cannot be begun.
    """
    address = os.environ.get("RAY_ADDRESS")
    values = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    with contextlib.ExitStack() as stack:
        if not address:
            values |= {
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": _password(),
                "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the loopback device, on Linux, too
                "RAY_enable_metrics_collection": "0",
                "RAY_worker_register_timeout_seconds": "600",  # a busy machine loads slowly
            }
            stack.enter_context(sharing_cores(crew.threads))
        stack.enter_context(environment(values))
        folder = stack.enter_context(_private_folder())
        stack.enter_context(contextlib.redirect_stdout(_WithoutRay(sys.stdout)))
        stack.enter_context(_hushed())
        import ray

        stack.callback(ray.shutdown)
        stack.callback(_end_datasets)
        try:
            with _own_signals(), _deaf():
                _connect(ray, address, crew, folder)
            resources = ray.cluster_resources()
        except Exception as error:
            what = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise DependencyError(
                f"Ray cannot be used: {what}",
                remedy="The engine processes does the same without it",
            ) from None
        yield RaySession(not address, dict(resources))


def _connect(ray: Any, address: str | None, crew: Crew, folder: Path) -> None:
    quiet = {"log_to_driver": False, "configure_logging": False}
    if address:
        ray.init(address=address, **quiet)
        return
    for left in reversed(range(_TRIES)):
        try:
            ray.init(
                address="local",
                num_cpus=crew.workers,
                include_dashboard=False,
                object_store_memory=_STORE,
                # Ray lets everybody into its folder.
                _temp_dir=str(folder / "r"),
                **quiet,
            )
        except Exception:
            ray.shutdown()
            if not left:
                raise
        else:
            return


def _end_datasets() -> None:
    """End the threads that read datasets, finished or not.

    Ray waits two seconds for them, or not at all. One that still asks for its tasks when the
    cluster is gone, or another has been begun, ends the whole process.
    """
    threads = [t for t in threading.enumerate() if t.name.startswith(_DATASETS)]
    for thread in threads:
        end = getattr(thread, "shutdown", None)  # the executor is its own thread
        if end is not None:
            with contextlib.suppress(Exception):
                end(force=True)
    deadline = time.monotonic() + _END
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


@functools.cache
def _password() -> str:
    """What processes of this run know each other by; Ray reads it once in a process."""
    return secrets.token_hex(32)


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that only this user can enter, gone afterwards."""
    usual = tempfile.gettempdir()
    short = sys.platform == "win32" or len(usual) <= _LONGEST_FOLDER
    folder = Path(tempfile.mkdtemp(prefix="tc-", dir=usual if short else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts its own handlers in the place of those that are there; they are put back."""
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Ray's warnings are for those who program with it."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("ray.data")
        warnings.simplefilter("ignore")  # it has put rules of its own before that one
        before = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """What Ray's libraries and processes write on standard error, past Python, goes nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class _WithoutRay:
    """Standard output without what Ray's own threads print on it: results are printed there."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._out.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)
