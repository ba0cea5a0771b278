"""One run at a time; a dead one is no hindrance."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from textclean.batch.lock import Lock
from textclean.errors import FileAccessError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_second_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = Lock(path, tmp_path / "out")
    with pytest.raises(FileAccessError, match=r"another run is writing to .*out \(process \d+ on "):
        Lock(path, tmp_path / "out")
    first.release()
    assert not path.exists()
    Lock(path, tmp_path / "out").release()


def test_what_a_killed_run_left_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import os, signal, sys; from pathlib import Path; from textclean.batch.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1]), Path('out')); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert done.returncode != 0
    assert path.read_text().startswith("process ")
    Lock(path, tmp_path).release()
    assert not path.exists()


def test_shards_share_and_a_whole_run_does_not(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    one, two = Lock(path, tmp_path, shared=True), Lock(path, tmp_path, shared=True)
    with pytest.raises(FileAccessError, match="another run"):
        Lock(path, tmp_path)
    one.release()
    assert path.exists()
    two.release()
    assert not path.exists()
    alone = Lock(path, tmp_path)
    with pytest.raises(FileAccessError, match="another run"):
        Lock(path, tmp_path, shared=True)
    alone.release()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="cannot write"):
        Lock(tmp_path / "missing" / "lock", tmp_path)
