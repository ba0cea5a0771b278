"""Walks a folder of files that may be broken: ``python tests/corpora/corpus.py DIR``.

Each file is read, changed and written in a process of its own with a limit of time and memory. A
file that is refused with one of our errors is as good as one that is read. What must not happen is
listed, and makes the exit code 1: crashes, files that take too long, other exceptions, too much
memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from exercise import exercise

GOOD = frozenset({"read", "refused"})
_PAGE = 4096


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        path: The file.
        what: "read", "refused", "exception", "memory", "crash" or "hang".
        detail: The reason.
        seconds: How long it took.
    """

    path: Path
    what: str
    detail: str
    seconds: float


def main() -> int:
    """Walk the folder and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="limit of a file")
    parser.add_argument("--megabytes", type=int, default=2048, help="limit beyond what is loaded")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    files = sorted(p for p in given.folder.rglob("*") if p.is_file() and not p.is_symlink())
    if not files:
        raise SystemExit(f"there is no file in {given.folder}")
    counts: Counter[str] = Counter()
    for outcome in outcomes(files, given.seconds, given.megabytes, given.jobs):
        counts[outcome.what] += 1
        if outcome.what not in GOOD:
            print(f"{outcome.what}: {outcome.path} ({outcome.seconds:.1f} s)\n  {outcome.detail}")  # noqa: T201
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))  # noqa: T201
    return int(any(what not in GOOD for what in counts))


def outcomes(files: list[Path], seconds: float, megabytes: int, jobs: int = 1) -> Iterator[Outcome]:
    """What becomes of each file, in order."""
    one = partial(outcome_of, seconds=seconds, megabytes=megabytes)
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, files)


def outcome_of(path: Path, seconds: float, megabytes: int) -> Outcome:
    """Try a file in a process of its own.

    A process is forked where the system can, which takes milliseconds; a new one is started where
    it cannot.
    """
    kinds = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in kinds else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        child = context.Process(target=_child, args=(path, Path(folder), megabytes, sender))
        child.start()
        sender.close()
        try:
            told = receiver.recv() if receiver.poll(seconds) else ("hang", f"over {seconds:g} s")
        except EOFError:
            told = None
        child.join(timeout=5)
        if child.is_alive():
            child.kill()
            child.join()
        receiver.close()
    what, detail = told or ("crash", f"the process ended with {child.exitcode}")
    return Outcome(path, what, detail, time.monotonic() - start)


def _child(path: Path, folder: Path, megabytes: int, sender: Connection) -> None:
    try:
        _limit_memory(megabytes)
        result = exercise(path, folder / f"out{path.suffix}")
        told = ("read", "") if result == "read" else ("refused", result)
    except MemoryError:
        told = ("memory", f"over {megabytes} MB")
    except BaseException:
        told = ("exception", "  ".join(traceback.format_exc().splitlines()[-3:]))
    sender.send(told)
    sender.close()


def _limit_memory(megabytes: int) -> None:
    """Let the process take so much more memory than it has; not on Windows."""
    try:
        import resource
    except ImportError:
        return
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    except OSError:
        used = 0
    limit = used + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())
