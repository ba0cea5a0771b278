"""Memory in use: told where somebody knows, and nothing is set up to ask."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import types

import pytest

from textclean.cli import memory
from textclean.cli.memory import Memory, MemoryGauge


class Driver:
    """The driver's library with one card, 3 of 24 GB in use."""

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, handle: object) -> int:  # noqa: N802
        return 0 if number == 0 else 2

    def nvmlDeviceGetMemoryInfo(self, handle: object, answer: object) -> int:  # noqa: N802
        told = ctypes.cast(answer, ctypes.POINTER(memory._CardMemory)).contents  # type: ignore[arg-type]
        told.total, told.used, told.free = 24 * 10**9, 3 * 10**9, 21 * 10**9
        return 0


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_driver", Driver)


def _torch(*, cuda: bool = False, mps: bool = False) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        cuda=types.SimpleNamespace(is_available=lambda: cuda),
        backends=types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps)),
        mps=types.SimpleNamespace(driver_allocated_memory=lambda: 5 * 10**8),
    )


@pytest.mark.parametrize(
    ("device", "torch", "told"),
    [
        ("cuda", None, "GPU 3.0/24 GB"),
        ("cuda:0", _torch(cuda=True), "GPU 3.0/24 GB"),
        ("auto", _torch(cuda=True), "GPU 3.0/24 GB"),
        ("auto", None, "GPU 3.0/24 GB"),
        ("cuda:0,cuda:1", None, "GPU 3.0/24 GB"),
        ("cuda:7", None, "RAM"),
        ("auto", _torch(), "RAM"),
        ("cpu", _torch(cuda=True), "RAM"),
        ("mps", _torch(mps=True), "GPU 0.5 GB"),
        ("auto", _torch(mps=True), "GPU 0.5 GB"),
    ],
)
@pytest.mark.usefixtures("card")
def test_the_device_that_computes(
    monkeypatch: pytest.MonkeyPatch, device: str, torch: object, told: str
) -> None:
    if torch is None:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(memory, "_processes", lambda: Memory("processes", 10**9))
    assert str(MemoryGauge(device).read()).startswith(told)


def test_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_driver", lambda: None)
    monkeypatch.setattr(memory, "_processes", lambda: None)
    assert MemoryGauge("cuda").read() is None


def test_an_answer_holds_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Memory("processes", 1), Memory("processes", 2)])
    now = iter([10.0, 10.0, 10.5, 11.5, 11.5])
    monkeypatch.setattr(memory, "_processes", lambda: next(answers))
    monkeypatch.setattr(memory.time, "monotonic", lambda: next(now))
    gauge = MemoryGauge("cpu")
    assert [gauge.read() for _ in range(3)] == [
        Memory("processes", 1), Memory("processes", 1), Memory("processes", 2),
    ]  # fmt: skip


@pytest.mark.skipif(not memory._PROC.joinpath("self/task").exists(), reason="there is no /proc")
def test_workers_count() -> None:
    alone = memory._processes()
    code = "import sys; x = bytearray(80_000_000); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        together = memory._processes()
        child.communicate()
    assert alone is not None
    assert together is not None
    assert together.used - alone.used > 70_000_000
