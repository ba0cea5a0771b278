"""Runs in a local Ray cluster of two workers: the same bytes, the same journal, no more noise."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeWork, encoded, files_below, lettered, write_archive

from textclean.batch import BatchWatcher, Job, SidecarPaths
from textclean.batch.engine import BatchResult, run_batch
from textclean.batch.plan import Batch
from textclean.errors import PageError, WeightsError
from textclean.io.atomic import WORK_FOLDER
from textclean.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.types import Page, PageResult

# What Ray's own packages warn of is not looked at here.
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
OPTIONS = Options(ink=False)
PAGES = 6


@dataclass(frozen=True)
class Workers(FakeWork):
    """Notes which process worked on which page; the first waits until there are two."""

    def __call__(self, device: str | None) -> Callable[[Page], PageResult]:
        work = super().__call__(device)

        def noted(page: Page) -> PageResult:
            assert self.diary is not None
            (self.diary / f"{Path(page.source).name}-{page.name}-{os.getpid()}").touch()
            deadline = time.monotonic() + 120
            while len(_processes(self.diary)) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            return work(page)

        return noted


def _processes(diary: Path, source: str = "") -> set[str]:
    """Those that worked on pages of a document, or on any."""
    return {path.name.rpartition("-")[2] for path in diary.glob(f"{source}*-*-*")}


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder of pages and three documents."""
    root = tmp_path / "in"
    (root / "scans").mkdir(parents=True)
    for number in range(PAGES):
        lettered(160 + number, text=f"P{number}").save(root / "scans" / f"{number}.png")
    pages = {f"{n}.png": encoded(lettered(170 + n, text=f"B{n}")) for n in range(PAGES)}
    write_archive(root / "book.cbz", pages)
    first, *others = [lettered(180 + n, text=f"T{n}") for n in range(3)]
    first.save(root / "pages.tiff", save_all=True, append_images=others)
    first.save(root / "pages.pdf", save_all=True, append_images=others)
    return root


def run(root: Path, out: Path, work: Any, watcher: BatchWatcher | None = None) -> BatchResult:
    return run_batch(_batch(root, out, "ray"), work, watcher)


def _batch(root: Path, out: Path, engine: Any) -> Batch:
    jobs = [
        Job(
            root / name, out / name, OPTIONS,
            sidecars=SidecarPaths(mask=out / f"masks-{name}", regions=out / f"{name}.json"),
        )
        for name in sorted(path.name for path in root.iterdir())
    ]  # fmt: skip
    return Batch(jobs=jobs, folder=out, workers=2 if engine == "ray" else 0, engine=engine)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and WORK_FOLDER not in path.parts
    }


class Events(BatchWatcher):
    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, name: str, number: int) -> None:
        self.told.append(f"started {name}")

    def finished(self, report: Any, result: object) -> None:
        self.told.append(f"finished {report.name}")


def test_the_same_bytes_and_nothing_twice(tmp_path: Path, inputs: Path) -> None:
    run_batch(_batch(inputs, tmp_path / "plain", "processes"), FakeWork())
    diary, events = tmp_path / "diary", Events()
    diary.mkdir()
    work = Workers(diary=diary)
    result = run(inputs, tmp_path / "out", work, events)
    assert not result.failures
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")
    assert files_below(tmp_path / "out") == files_below(tmp_path / "plain")
    for kind in ("started", "finished"):
        assert sum(kind in told for told in events.told) == 2 * PAGES + 6

    assert len(_processes(diary) - {str(os.getpid())}) == 2
    for name in ("book.cbz", "pages.pdf", "pages.tiff"):
        assert len(_processes(diary, name)) == 1, name

    again = run(inputs, tmp_path / "out", work)
    assert again.resumed == 2 * PAGES + 6
    assert "ray" in sys.modules
    import ray

    assert not ray.is_initialized()
    # What Ray did is gone on with by processes, and the other way round.
    (tmp_path / "out/scans/0.png").unlink()
    other = run_batch(_batch(inputs, tmp_path / "out", "processes"), FakeWork())
    assert other.resumed == 2 * PAGES + 5


def test_a_page_whose_actor_dies_is_tried_once_more(tmp_path: Path, inputs: Path) -> None:
    (inputs / "pages.pdf").unlink()
    (inputs / "pages.tiff").unlink()
    diary = tmp_path / "diary"
    diary.mkdir()
    work = FakeWork({"1.png": "kill once", "3.png": "kill"}, diary)
    result = run(inputs, tmp_path / "out", work)
    for document in result.documents:
        assert [page.name for page in document.failed] == ["3.png"]
        (failed,) = document.failed
        assert isinstance(failed.error, PageError)
        assert "ended, twice" in failed.reason
    run_batch(_batch(inputs, tmp_path / "plain", "processes"), FakeWork({"3.png": "error"}))
    out, plain = contents(tmp_path / "out"), contents(tmp_path / "plain")
    assert out.keys() == plain.keys()
    assert [name for name in out if out[name] != plain[name]] == []
    assert not list((tmp_path / "out").glob("**/*.tmp"))


def test_what_every_page_needs(tmp_path: Path, inputs: Path) -> None:
    with pytest.raises(WeightsError, match="they are missing"):
        run(inputs, tmp_path / "out", _missing)
    assert not (tmp_path / "out").exists()


def _missing(device: str | None) -> Any:
    raise WeightsError("they are missing")


def test_the_command(tmp_path: Path, inputs: Path) -> None:
    """Nothing but the result on standard output, nothing but our lines on standard error."""
    scans = inputs / "scans"
    for engine in ("processes", "ray"):
        done = _clean(scans, tmp_path / engine, engine, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["counts"]["cleaned"] == PAGES
        assert done.stderr == ""
    assert contents(tmp_path / "processes") == contents(tmp_path / "ray")
    assert contents(tmp_path / "ray") != contents(scans)


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_signals(tmp_path: Path, inputs: Path, number: str) -> None:
    """Ctrl-C goes to the whole group of processes; whatever ends it, finished pages are kept.

    The largest pages come first: the last two are done when those before them take their time.
    """
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
        run_batch(Batch(jobs=[job], workers=2, engine="ray"), work)
    except KeyboardInterrupt:
        sys.exit(130)
"""
    (tmp_path / "script.py").write_text(script)
    diary, out, temporary = tmp_path / "diary", tmp_path / "out", Path("/tmp")
    diary.mkdir()
    before = set(temporary.glob("tc-*"))
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", inputs / "scans", out, diary],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "TMPDIR": "/tmp"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not all((diary / name).exists() for name in ("2.png", "3.png")):
        if time.monotonic() > deadline:
            process.kill()
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    (folder,) = set(temporary.glob("tc-*")) - before
    assert folder.stat().st_mode & 0o777 == 0o700
    if number == "SIGKILL":
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)  # ends when all that Ray started has ended, too
        assert contents(out).keys() == {"4.png", "5.png"}
        shutil.rmtree(folder)
    else:
        os.killpg(process.pid, signal.Signals[number])
        told, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert (told, err) == ("", "")
        assert files_below(out) == {
            "4.png", "5.png", WORK_FOLDER, f"{WORK_FOLDER}/journal.jsonl",
        }  # fmt: skip
        assert not folder.exists()
    for output, resumed in ((out, 2), (tmp_path / "plain", 0)):
        job = Job(inputs / "scans", output, OPTIONS)
        assert run_batch(Batch(jobs=[job], workers=0), FakeWork()).resumed == resumed
    assert contents(out) == contents(tmp_path / "plain")
    assert files_below(out) == files_below(tmp_path / "plain")


def _clean(
    source: Path, output: Path, engine: str, *wishes: str
) -> subprocess.CompletedProcess[str]:
    """``textclean clean`` with regions drawn by hand, so that no network looks for text."""
    regions = source.parent / "regions.json"
    box = [[20, 30], [140, 30], [140, 90], [20, 90]]
    pages = [{"name": path.name, "regions": [{"polygon": box}]} for path in source.iterdir()]
    regions.write_text(json.dumps({"pages": pages}))
    command = [sys.executable, "-m", "textclean", "clean", source, "-o", output, "--no-ink", "-q"]
    command += ["--regions", regions, "--inpainter", "telea", "--jobs", 2, "--engine", engine]
    return subprocess.run(
        [str(part) for part in (*command, *wishes)],
        capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
