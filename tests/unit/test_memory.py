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


@pytest.mark.parametrize(
    ("library", "setting", "asked"),
    [
        (("glibc", "2.36"), "always [madvise] never", True),
        (("glibc", "2.35"), "[always] madvise never", True),
        (("glibc", "2.36"), "always madvise [never]", False),
        (("glibc", "2.34"), "always [madvise] never", False),
        (("", ""), "always [madvise] never", False),
        (("glibc", "2.36"), None, False),
    ],
)
def test_workers_get_huge_pages_where_there_are_some(
    library: tuple[str, str],
    setting: str | None,
    asked: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: library)
    monkeypatch.setattr(memory, "_HUGE_PAGES", tmp_path / "enabled")
    if setting is not None:
        (tmp_path / "enabled").write_text(setting)
    assert ("glibc.malloc.hugetlb=1" in memory.huge_pages().values()) is asked


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("glibc.malloc.hugetlb=1", True),
        ("glibc.malloc.check=3:glibc.malloc.hugetlb=1", True),
        ("glibc.malloc.hugetlb=0", False),
        ("", False),
    ],
)
def test_a_process_knows_whether_it_has_huge_pages(
    setting: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", setting)
    assert memory.has_huge_pages() is expected
