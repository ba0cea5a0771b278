"""Worker processes: the same bytes, and a death that costs no more than its page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeWork, lettered

from textclean.batch import Job, crew
from textclean.batch.crew import crew_for
from textclean.batch.engine import BatchResult, run_batch
from textclean.batch.plan import Batch
from textclean.batch.sizes import BYTES_A_WORKER, BYTES_KEPT, page_bytes, parse_bytes
from textclean.batch.teller import BatchWatcher
from textclean.errors import OptionsError, PageError, TooLargeError, WeightsError
from textclean.options import Options

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
OPTIONS = Options(ink=False)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(5):
        lettered(160 + number, text=f"P{number}").save(folder / f"{number}.png")
    return folder


def run(
    source: Path, output: Path, work: Any, *, watcher: BatchWatcher | None = None, **changes: Any
) -> BatchResult:
    changes.setdefault("workers", 2)
    return run_batch(Batch(jobs=[Job(source, output, OPTIONS)], **changes), work, watcher)


class Begun(BatchWatcher):
    """Notes which pages are begun, one after the other."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, name: str, number: int) -> None:
        self.names.append(name)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


class TestDeaths:
    @pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
    def test_a_page_whose_worker_died_is_tried_once_more(self, tmp_path: Path, scans: Path) -> None:
        diary = tmp_path / "diary"
        diary.mkdir()
        work = FakeWork({"1.png": "kill once", "3.png": "kill", "4.png": "exit"}, diary)
        (document,) = run(scans, tmp_path / "out", work).documents
        status = {page.name: page.status for page in document.pages}
        assert status == {
            "0.png": "cleaned", "1.png": "cleaned", "2.png": "cleaned",
            "3.png": "failed", "4.png": "failed",
        }  # fmt: skip
        killed, left = document.failed
        assert "SIGKILL" in killed.reason
        assert "memory" in killed.reason
        assert "ended with code 3, twice" in left.reason
        assert isinstance(killed.error, PageError)
        assert work.begun()["3.png"] == work.begun()["4.png"] == 2
        assert contents(tmp_path / "out")["3.png"] == contents(scans)["3.png"]
        run(scans, tmp_path / "plain", FakeWork(), workers=0)
        out, plain = contents(tmp_path / "out"), contents(tmp_path / "plain")
        assert all(out[name] == plain[name] for name in ("0.png", "1.png", "2.png"))

    def test_workers_that_never_start(self, tmp_path: Path, scans: Path) -> None:
        with pytest.raises(PageError, match="do not start: the last one ended with code 5"):
            run(scans, tmp_path / "out", _exit)
        assert not (tmp_path / "out").exists()

    def test_what_every_page_needs(self, tmp_path: Path, scans: Path) -> None:
        with pytest.raises(WeightsError, match="missing"):
            run(scans, tmp_path / "out", _missing)
        assert not (tmp_path / "out").exists()


class TestMemory:
    def test_a_page_that_is_too_large_is_refused(self, tmp_path: Path, scans: Path) -> None:
        lettered(5000, 4000).save(scans / "large.png")
        result = run(scans, tmp_path / "out", FakeWork(), memory=2 * GIB)
        (failed,) = result.documents[0].failed
        assert failed.name == "large.png"
        assert isinstance(failed.error, TooLargeError)
        assert "20,000,000 pixels" in failed.reason

    def test_the_largest_pages_come_first(self, tmp_path: Path) -> None:
        """What a run takes at its worst it takes at its beginning; equal pages keep their order."""
        folder = tmp_path / "scans"
        folder.mkdir()
        for number, width in enumerate((100, 120, 100, 140)):
            lettered(width, 100, text=f"P{number}").save(folder / f"{number}.png")
        begun = Begun()
        run(folder, tmp_path / "out", FakeWork(), workers=1, watcher=begun)
        assert begun.names == ["3.png", "1.png", "0.png", "2.png"]
        alone = Begun()
        run(folder, tmp_path / "alone", FakeWork(), workers=0, watcher=alone)
        assert alone.names == ["0.png", "1.png", "2.png", "3.png"]
        assert contents(tmp_path / "out") == contents(tmp_path / "alone")

    def test_the_crew(self) -> None:
        usual = BYTES_A_WORKER + page_bytes(0)

        def crew(pages: int, workers: int | None = None, memory: int = 64 * GIB) -> Any:
            return crew_for(pages, workers=workers, devices=(), memory=memory, cores=8)

        assert crew(100, workers=0) is None
        assert crew(2) is None
        assert crew(1, workers=3).workers == 1
        assert (crew(100).workers, crew(100).threads) == (8, 1)
        assert (crew(100, workers=2).workers, crew(100, workers=2).threads) == (2, 4)
        assert crew(100, workers=20).threads == 1
        assert crew(100, memory=3 * usual).workers == 3
        assert crew(100, memory=usual // 2).workers == 1
        gpu = crew_for(100, workers=None, devices=(), memory=64 * GIB, cores=8, device="cuda:1")
        assert gpu is not None
        assert gpu.workers == 3
        devices = ("cuda:0", "cuda:1")
        several = crew_for(2, workers=None, devices=devices, memory=64 * GIB, cores=1)
        assert several is not None
        assert several.workers == 2
        assert several.devices == devices

    @pytest.mark.parametrize(
        ("usable", "limit", "keep"),
        [(64, None, BYTES_KEPT), (3, None, 0), (64, 64 * GIB, 0)],
    )
    def test_workers_keep_memory_where_there_is_plenty_and_no_limit(
        self, usable: int, limit: int | None, keep: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(crew, "usable_memory", lambda: usable * GIB)
        found = crew_for(100, workers=2, devices=(), memory=limit, cores=8)
        assert found is not None
        assert found.keep == keep

    @pytest.mark.parametrize(
        ("text", "size"),
        [("2G", 2 * GIB), ("1.5g", 3 * GIB // 2), ("800M", 800 << 20), ("2GiB", 2 * GIB),
         ("1024", 1024), ("64 KB", 64 << 10)],
    )  # fmt: skip
    def test_sizes(self, text: str, size: int) -> None:
        assert parse_bytes(text) == size

    @pytest.mark.parametrize("text", ["", "G", "much", "-1G", "0", "1e999", "nan"])
    def test_no_sizes(self, text: str) -> None:
        with pytest.raises(OptionsError):
            parse_bytes(text)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_bytes_whatever_the_number_of_workers(
    tmp_path: Path, scans: Path, workers: int
) -> None:
    run(scans, tmp_path / "alone", FakeWork(), workers=0)
    run(scans, tmp_path / "out", FakeWork(), workers=workers)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_workers_are_spread_over_devices(tmp_path: Path, scans: Path) -> None:
    out = tmp_path / "out"
    result = run(scans, out, _device, devices=("cuda:0", "cuda:1"))
    versions = {page.name: page.status for page in result.documents[0].pages}
    assert set(versions.values()) == {"cleaned"}
    assert set(result.documents[0].versions) == {"cuda:0", "cuda:1"}


def _exit(device: str | None) -> Any:
    os._exit(5)


def _missing(device: str | None) -> Any:
    raise WeightsError("they are missing")


def _device(device: str | None) -> Any:
    """Slow enough for both workers to get pages."""
    from dataclasses import replace

    work = FakeWork({"*": 0.5})(device)
    return lambda page: replace(work(page), versions={str(device): "1"})
