"""Memory that was freed goes back to the system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textclean import memory
from textclean.memory import give_back

STATUS = Path("/proc/self/status")


def _resident() -> int:
    """Resident memory of this process in bytes."""
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(memory._trim() is None or not STATUS.exists(), reason="not glibc on Linux")
def test_what_the_c_library_keeps_is_given_back() -> None:
    # Too small to be mapped each by itself; the last one holds the end of the heap.
    kept = [np.ones(8192) for _ in range(1500)]
    last = np.ones(8192)
    del kept
    before = _resident()
    give_back()
    assert before - _resident() > 60e6
    assert last.all()


def test_with_another_c_library_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: None) -> None:
        raise OSError

    monkeypatch.setattr(memory.ctypes, "CDLL", unknown)
    memory._trim.cache_clear()
    try:
        give_back()
        assert memory._trim() is None
    finally:
        memory._trim.cache_clear()


@pytest.mark.skipif(memory._trim() is None or not STATUS.exists(), reason="not glibc on Linux")
def test_what_may_be_kept_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "_trim", lambda: given.append)
    give_back(2 * _resident())
    assert not given
    give_back(_resident() // 2)
    assert len(given) == 1
    monkeypatch.setattr(memory, "_RESIDENT", Path("nowhere"))  # nobody tells how much there is
    give_back(1 << 50)
    assert len(given) == 2


@pytest.mark.parametrize(("library", "asked"), [(("glibc", "2.36"), True), (("", ""), False)])
def test_workers_use_memory_again_where_the_c_library_can(
    library: tuple[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: library)
    wish = memory.reusing()
    assert bool(wish) is asked
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert not memory.reuses()
    for name, value in wish.items():
        monkeypatch.setenv(name, value)
    assert memory.reuses() is asked
