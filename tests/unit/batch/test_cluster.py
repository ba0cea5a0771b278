"""The engine ray, as far as it can be looked at without Ray."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeWork, files_below, lettered

from textclean.batch import Job
from textclean.batch.actor import Home, PageActor, answers, packed_load
from textclean.batch.cluster import _loads
from textclean.batch.crew import Crew
from textclean.batch.engine import run_batch
from textclean.batch.plan import Batch
from textclean.batch.ray_session import RaySession, _private_folder, _WithoutRay
from textclean.batch.task import Outcome, PageTask
from textclean.errors import (
    DependencyError,
    FileAccessError,
    MissingExtraError,
    OptionsError,
    WeightsError,
)
from textclean.options import Options

OPTIONS = Options(ink=False)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "scans").mkdir()
    lettered().save(tmp_path / "scans" / "1.png")
    return Job(tmp_path / "scans", tmp_path / "out", OPTIONS)


@pytest.mark.parametrize("package", ["ray", "pyarrow", "pandas"])
def test_without_the_extra(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    def find(name: str) -> object:
        return None if name == package else object()

    monkeypatch.setattr(importlib.util, "find_spec", find)
    before = files_below(tmp_path)
    with pytest.raises(MissingExtraError, match=r"pip install 'textclean\[ray\]'") as caught:
        run_batch(Batch(jobs=[job], engine="ray"), FakeWork())
    assert package in caught.value.message
    assert caught.value.exit_code == 3
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "wishes",
    [{"workers": 0}, {"memory": 1 << 30}, {"devices": ("cuda:0", "cuda:1")}, {"engine": "dask"}],
)
def test_what_does_not_go_together(job: Job, wishes: dict[str, Any]) -> None:
    with pytest.raises(OptionsError):
        Batch(jobs=[job], **{"engine": "ray", **wishes})


def test_a_gpu_that_ray_did_not_choose(tmp_path: Path) -> None:
    first = Job(tmp_path, tmp_path / "out", Options(ink=False, device="cuda:1"))
    with pytest.raises(OptionsError, match="chooses among GPUs itself"):
        Batch(jobs=[first], engine="ray")


def _task(job: Job, number: int, *, whole: bool) -> PageTask:
    part = Path(f"part-{number}")
    return PageTask(job, f"{job.output}//{number}", number, f"{number}.png", part, whole=whole)


def test_documents_stay_together_and_pages_that_are_files_do_not(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / name, tmp_path / "out" / name, OPTIONS) for name in ("a", "b", "c")]
    tasks = [_task(jobs[0], n, whole=True) for n in range(3)]
    tasks += [_task(document, n, whole=False) for document in jobs[1:] for n in range(20)]
    found = _loads(dict(enumerate(tasks)), 2)
    assert [len(load) for load in found] == [1, 1, 1, 20, 20]
    many = [_task(jobs[0], n, whole=True) for n in range(1000)]
    sizes = [len(load) for load in _loads(dict(enumerate(many)), 2)]
    assert sum(sizes) == 1000
    assert max(sizes) == 15
    huge = [_task(jobs[0], n, whole=True) for n in range(5000)]
    assert max(len(load) for load in _loads(dict(enumerate(huge)), 2)) == 16


class TestActor:
    def test_each_page_is_told_of_when_it_begins_and_ends(self, tmp_path: Path, job: Job) -> None:
        (tmp_path / "parts").mkdir()
        part = tmp_path / "parts" / "1"
        task = PageTask(job, "k", 1, "1.png", part, whole=True)
        begun, done = _told(FakeWork(), [(7, task)])
        assert (begun.index, begun.result, begun.hopeless) == (7, None, None)
        assert done.index == 7
        assert isinstance(done.result, Outcome)
        assert done.result.report.status == "cleaned"
        assert part.exists()

    def test_a_failed_write_is_that_of_its_document(self, tmp_path: Path, job: Job) -> None:
        task = PageTask(job, "k", 1, "1.png", tmp_path / "none" / "1", whole=True)
        _, done = _told(FakeWork(), [(0, task)])
        assert isinstance(done.result, FileAccessError)

    def test_what_every_page_needs(self, tmp_path: Path, job: Job) -> None:
        task = PageTask(job, "k", 1, "1.png", tmp_path / "1", whole=True)
        _, done = _told(_missing, [(0, task)])
        assert isinstance(done.hopeless, WeightsError)

    def test_a_machine_without_the_folder(self, tmp_path: Path, job: Job) -> None:
        home = Home(Home.of_this_process(FakeWork(), 1).prepare, 1, str(tmp_path / "none"), ())
        _, done = _told(home, [(0, PageTask(job, "k", 1, "1.png", tmp_path / "1"))])
        assert isinstance(done.hopeless, FileAccessError)
        assert "none" in str(done.hopeless)

    def test_a_machine_without_a_package(self, tmp_path: Path, job: Job) -> None:
        absent = b"cabsent_package\nwork\n."  # a pickle that names what is not there
        home = Home(absent, None, str(Path.cwd()), ())
        _, done = _told(home, [(0, PageTask(job, "k", 1, "1.png", tmp_path / "1"))])
        assert isinstance(done.hopeless, DependencyError)
        assert "absent_package" in str(done.hopeless)


def _told(prepare: Any, load: Any) -> list[Any]:
    home = prepare if isinstance(prepare, Home) else Home.of_this_process(prepare, None)
    actor = PageActor(home)
    packed = {name: [value] for name, value in packed_load(load).items()}
    return [answer for batch in actor(packed) for answer in answers(batch)]


def _missing(device: str | None) -> Any:
    raise WeightsError("they are missing")


class TestSession:
    def test_actors_and_gpus(self) -> None:
        crew = Crew(workers=3, threads=2, memory=0)
        here = RaySession(is_local=True, resources={"CPU": 3.0, "GPU": 1.0})
        assert here.actors(crew, None, "auto") == 3
        assert here.threads(crew) == 2
        assert here.gpus(3, "auto") == 0.333
        assert here.gpus(3, "cpu") == 0
        there = RaySession(is_local=False, resources={"CPU": 64.0, "GPU": 4.0})
        assert there.actors(crew, None, "cpu") == 64
        assert there.actors(crew, None, "cuda") == 4
        assert there.actors(crew, 8, "cuda") == 8
        assert there.gpus(8, "cuda") == 0.5
        assert there.gpus(2, "cuda") == 1
        assert there.threads(crew) is None

    def test_what_ray_prints_is_not_a_result(self, capsys: pytest.CaptureFixture[str]) -> None:
        import sys
        import threading

        out: Any = _WithoutRay(sys.stdout)
        noise = threading.Thread(target=lambda: out.write("(raylet) died"), name="ray_listen")
        noise.start()
        noise.join()
        out.write("result")
        out.flush()
        assert capsys.readouterr().out == "result"

    @pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
    def test_the_folder_is_private_and_goes(self) -> None:
        before = os.umask(0)
        try:
            with _private_folder() as folder:
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700
                (folder / "r").mkdir()
        finally:
            os.umask(before)
        assert not folder.exists()
