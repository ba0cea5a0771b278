"""Runs that meet with an accident: killed, interrupted, out of room, robbed of their files."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import FakeWork, encoded, files_below, lettered, write_archive

from textclean.batch import Job
from textclean.batch.engine import BatchResult, run_batch
from textclean.batch.plan import Batch
from textclean.errors import FileAccessError
from textclean.io.atomic import WORK_FOLDER
from textclean.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = Path(__file__).with_name("batch_kills.py")
OPTIONS = Options(ink=False)
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(4):
        lettered(163 - number, text=f"P{number}").save(folder / f"{number}.png")
    return folder


@pytest.fixture
def book(tmp_path: Path) -> Path:
    pages = {f"{n}.png": encoded(lettered(163 - n, text=f"P{n}")) for n in range(4)}
    return write_archive(tmp_path / "book.cbz", pages)


def run(source: Path, output: Path, *, overwrite: bool = False, workers: int = 0) -> BatchResult:
    job = Job(source, output, OPTIONS, overwrite=overwrite)
    return run_batch(Batch(jobs=[job], workers=workers), FakeWork())


def _kill(folder: Path, kills: int, workers: int, seed: int) -> int:
    """Kill runs at random moments; how many were killed before they ended by themselves."""
    command = [sys.executable, KILLS, folder, kills, workers, seed]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[0])


@posix
def test_kill_at_random_moments(tmp_path: Path) -> None:
    assert _kill(tmp_path / "w", 3, 0, 1) == 3


@posix
@pytest.mark.slow
def test_kill_at_a_hundred_random_moments(tmp_path: Path) -> None:
    assert _kill(tmp_path / "w", 100, 0, 2) == 100


@posix
@pytest.mark.slow
def test_kill_a_run_with_workers(tmp_path: Path) -> None:
    assert _kill(tmp_path / "w", 10, 2, 3) == 10


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may be larger: what a full disk does, at a moment of choice."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
class TestNoRoom:
    """The journal of four pages is larger than a page, and the archive larger than the journal."""

    @pytest.mark.parametrize("size", [0, 100, 700, 2000])
    @pytest.mark.parametrize("kind", ["folder", "archive"])
    def test_what_was_there_stays(
        self, tmp_path: Path, scans: Path, book: Path, kind: str, size: int
    ) -> None:
        source, output = (scans, "out") if kind == "folder" else (book, "out/book.cbz")
        run(source, tmp_path / "new" / output)
        fresh = _contents(tmp_path / "new")
        old = tmp_path / "old" / output
        for name in fresh:
            (tmp_path / "old" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "old" / name).write_bytes(b"old")
        with files_up_to(size):
            result = run(source, old, overwrite=True)
        assert isinstance(result.failures[source], FileAccessError)
        assert "cannot write" in str(result.failures[source])
        for name, data in _contents(tmp_path / "old").items():
            assert data in (b"old", fresh[name]), name
        assert not list((tmp_path / "old").glob("**/*.tmp"))
        job = Job(source, old, OPTIONS, overwrite=True)
        again = run_batch(Batch(jobs=[job], workers=0, resume=True), FakeWork())
        assert not again.failures
        assert _contents(tmp_path / "old") == fresh

    def test_when_a_file_gets_its_name(
        self, tmp_path: Path, book: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Path, target: object) -> Path:
            if str(target).endswith("out.cbz"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return whole(self, target)  # type: ignore[arg-type]

        out = tmp_path / "out.cbz"
        out.write_bytes(b"old")
        whole = Path.replace
        monkeypatch.setattr(Path, "replace", full)
        result = run(book, out, overwrite=True)
        assert "No space left" in str(result.failures[book])
        assert out.read_bytes() == b"old"
        monkeypatch.undo()
        job = Job(book, out, OPTIONS, overwrite=True)
        again = run_batch(Batch(jobs=[job], workers=0, resume=True), FakeWork())
        assert again.resumed == 4
        assert out.read_bytes() != b"old"
        assert files_below(tmp_path) >= {"out.cbz"}
        assert WORK_FOLDER not in files_below(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write")
@pytest.mark.parametrize("workers", [0, 2])
def test_an_output_that_cannot_be_written(scans: Path, book: Path, workers: int) -> None:
    for source, output in ((scans, "/proc/textclean"), (book, "/proc/textclean.cbz")):
        result = run(source, Path(output), workers=workers)
        assert isinstance(result.failures[source], FileAccessError)
        assert "cannot write /proc/" in str(result.failures[source])


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [0, 2])
def test_signals(tmp_path: Path, scans: Path, number: int, workers: int) -> None:
    """Pages that are being processed are finished or dropped; what is finished is kept."""
    script = """
import signal, sys
from pathlib import Path
from fakes import FakeWork
from textclean.batch import Job
from textclean.batch.engine import run_batch
from textclean.batch.plan import Batch
from textclean.options import Options
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work = FakeWork({"3.png": 60, "2.png": 60}, Path(sys.argv[3]))
    job = Job(Path(sys.argv[1]), Path(sys.argv[2]), Options(ink=False))
    try:
        run_batch(Batch(jobs=[job], workers=int(sys.argv[4])), work)
    except KeyboardInterrupt:
        sys.exit(130)
"""
    (tmp_path / "script.py").write_text(script)
    diary, out = tmp_path / "diary", tmp_path / "out"
    diary.mkdir()
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", scans, out, diary, str(workers)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    awaited = ["2.png", "3.png"] if workers else ["2.png"]
    while not all((diary / name).exists() for name in awaited) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err == ""
    assert files_below(out) == {
        "0.png", "1.png", WORK_FOLDER, f"{WORK_FOLDER}/journal.jsonl",
    }  # fmt: skip
    assert run(scans, out).resumed == 2
    assert _contents(out).keys() == {"0.png", "1.png", "2.png", "3.png"}


@pytest.mark.slow
def test_thousands_of_tiny_pages(tmp_path: Path) -> None:
    """Five thousand pages, and how long it takes to find out that they are done."""
    folder = tmp_path / "scans"
    folder.mkdir()
    page = lettered(40, 30, text="")
    for number in range(5000):
        page.putpixel((number % 40, number // 40 % 30), (200, 200, number % 256))
        page.save(folder / f"{number}.png", compress_level=1)
    result = run(folder, tmp_path / "out", workers=2)
    assert len(result.documents[0].pages) == 5000
    assert not result.documents[0].failed
    begin = time.perf_counter()
    assert run(folder, tmp_path / "out").resumed == 5000
    assert time.perf_counter() - begin < 20  # 5 on a machine with nothing else to do


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and WORK_FOLDER not in path.parts
    }


def test_a_hostile_checkpoint_runs_nothing(tmp_path: Path, scans: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "executed",)

    with zipfile.ZipFile(tmp_path / "evil.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Hostile()}))
        archive.writestr("archive/version", "3\n")
    before = files_below(tmp_path) | {"regions.json"}
    done = _clean(scans, tmp_path / "out", "--inpainter", tmp_path / "evil.pt", "--jobs", 2)
    assert done.returncode == 3, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "evil.pt" in line
    assert files_below(tmp_path) == before


@pytest.mark.slow
def test_the_command_with_workers_makes_the_same_bytes(tmp_path: Path, scans: Path) -> None:
    for jobs in ("0", "2"):
        done = _clean(scans, tmp_path / jobs, "--inpainter", "telea", "--jobs", jobs)
        assert done.returncode == 0, done.stderr
    assert _contents(tmp_path / "0") == _contents(tmp_path / "2")
    assert _contents(tmp_path / "0") != _contents(scans)


def _clean(source: Path, output: Path, *wishes: object) -> subprocess.CompletedProcess[str]:
    """``textclean clean`` with regions drawn by hand, so that no network looks for text."""
    regions = source.parent / "regions.json"
    box = [[20, 30], [140, 30], [140, 90], [20, 90]]
    pages = [{"name": path.name, "regions": [{"polygon": box}]} for path in source.iterdir()]
    if not regions.exists():
        regions.write_text(json.dumps({"pages": pages}))
    command = [sys.executable, "-m", "textclean", "clean", source, "-o", output, "--no-ink", "-q"]
    command += ["--regions", regions, *wishes]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=300
    )
