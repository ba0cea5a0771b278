"""Broken and hostile files are read or refused by name: no crash, no other exception, no hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import corpus
import pytest
from broken import broken_files, whole_files
from corpus import outcome_of, outcomes
from exercise import exercise
from fuzz import one_input
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FILES = dict(broken_files())
HOSTILE = sorted(name for name in FILES if name.startswith("hostile/"))
WHOLE = whole_files()


def written(name: str, folder: Path) -> Path:
    path = folder / Path(name).name
    path.write_bytes(FILES[name])
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str, tmp_path: Path) -> None:
    assert exercise(written(name, tmp_path), tmp_path / "out").startswith("refused: ")
    # Nothing got out of the archive, nothing is left of the output.
    assert [p.name for p in tmp_path.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("damage", ["cut", "flipped", "junk-behind", "whole"])
def test_damaged_files_are_read_or_refused(damage: str, tmp_path: Path) -> None:
    found = [
        exercise(written(name, tmp_path), tmp_path / "out")
        for name in FILES
        if name.startswith(f"{damage}/")
    ]
    assert len(found) >= len(WHOLE)
    if damage == "whole":
        assert set(found) == {"read"}
    if damage == "cut":
        assert sum(result != "read" for result in found) > len(found) // 2


def test_the_set_is_the_same_every_time() -> None:
    assert dict(broken_files()) == FILES


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), max_size=4),
    end=st.floats(0, 1),
)
def test_fuzz_target(name: str, changes: list[tuple[float, bytes]], end: float) -> None:
    data = bytearray(WHOLE[name])
    for place, new in changes:
        at = int(place * len(data))
        data[at : at + len(new)] = new
    if end < 0.3:
        del data[int(end * 3 * len(data)) :]
    result = one_input(bytes(data))
    assert result == "read" or result.startswith("refused: ")


def _ends(path: Path, out: Path) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _sleeps(path: Path, out: Path) -> str:
    time.sleep(60)
    raise AssertionError


def _raises(path: Path, out: Path) -> str:
    raise ZeroDivisionError("of ours")


def _takes(path: Path, out: Path) -> str:
    return str(len(bytearray(1 << 32)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("what", "does"),
    [("crash", _ends), ("hang", _sleeps), ("exception", _raises), ("memory", _takes)],
)
def test_the_walk_tells_what_must_not_happen(
    what: str, does: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "exercise", does)
    outcome = outcome_of(tmp_path / "x", seconds=3, megabytes=1024)
    assert outcome.what == what
    assert "ZeroDivisionError" in outcome.detail or what != "exception"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_walk_is_content_with_files_that_are_read_or_refused(tmp_path: Path) -> None:
    names = ("whole/rgb.png", "hostile/words.png", "cut/color-2.jpg", "hostile/bomb.cbz")
    files = [written(name, tmp_path) for name in names]
    found = [outcome.what for outcome in outcomes(files, seconds=60, megabytes=2048)]
    assert found == ["read", "refused", "refused", "refused"]
