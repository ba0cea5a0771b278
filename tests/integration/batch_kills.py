"""Kills runs at random moments: ``python batch_kills.py FOLDER KILLS WORKERS SEED``.

A process that has loaded everything forks one that does the run, and kills it with SIGKILL. What
is visible then must be whole; a second run must finish what the first began; and the result must be
the same, byte for byte, as that of a run that nobody disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes import FakeWork, encoded, lettered, write_archive

from textclean.batch import Job, SidecarPaths
from textclean.batch.engine import run_batch
from textclean.batch.plan import Batch
from textclean.options import Options

PAGES = 15  # in the folder, and as many in the archive


def make_inputs(root: Path) -> None:
    (root / "scans").mkdir(parents=True)
    pages = {f"{n:02}.png": lettered(160 + n, text=f"P{n}") for n in range(PAGES)}
    for name, page in pages.items():
        page.save(root / "scans" / name)
    write_archive(root / "book.cbz", {name: encoded(page) for name, page in pages.items()})


def run(root: Path, workers: int) -> None:
    out, options = root / "out", Options(ink=False)
    beside = SidecarPaths(mask=root / "out" / "masks", regions=root / "out")
    jobs = [
        Job(root / "scans", out / "scans", options, sidecars=beside),
        Job(root / "book.cbz", out / "book.cbz", options),
    ]
    result = run_batch(Batch(jobs=jobs, folder=out, workers=workers), FakeWork())
    assert not result.failures, result.failures
    assert len(result.documents) == 2


def start(root: Path, workers: int) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run(root, workers)
            code = 0
        finally:
            os._exit(code)
    return child


def visible(root: Path) -> dict[str, bytes]:
    """Everything below the output but what is hidden."""
    out = root / "out"
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and ".textclean" not in path.parts
    }


def everything(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def main(folder: str, kills: str, workers: str, seed: str) -> None:
    cv2.setNumThreads(1)
    root, draw, count = Path(folder), random.Random(int(seed)), int(workers)
    make_inputs(root)
    begin = time.monotonic()
    assert os.waitpid(start(root, count), 0)[1] == 0
    whole = time.monotonic() - begin
    expected, names = visible(root), everything(root)
    assert len(expected) == 2 * PAGES + 2, sorted(expected)
    killed = resumed = 0
    for number in range(3 * int(kills)):
        shutil.rmtree(root / "out")
        child = start(root, count)
        time.sleep(draw.random() * whole)
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
        for name, data in visible(root).items():
            assert data == expected[name], f"kill {number}: {name} is not whole"
        resumed += len(visible(root)) > 0
        assert os.waitpid(start(root, count), 0)[1] == 0, f"kill {number}: it was not finished"
        assert visible(root) == expected, f"kill {number}: other bytes"
        assert everything(root) == names, f"kill {number}: {everything(root) ^ names}"
        if killed == int(kills):
            break
    sys.stdout.write(f"{killed} runs were killed, {resumed} runs had finished something\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
