"""The examples of the README are run as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line for block in _blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    return tmp_path


def _run(arguments: list[str], where: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=where, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_work(command: str, workplace: Path) -> None:
    name, *arguments = shlex.split(command)
    assert name == "textclean"
    _run(["-m", "textclean", *arguments], workplace)
    if "-o" in arguments:
        output = arguments[arguments.index("-o") + 1]
        assert list(workplace.glob(f"{output}*")), f"{command} wrote nothing to {output}"


def test_python_works(workplace: Path) -> None:
    (code,) = _blocks("python")
    said = _run(["-c", code], workplace)
    assert "fill" in said
    assert "'cleaned'" in said
    assert (workplace / "clean-page.png").exists()


def test_every_option_named_exists() -> None:
    helps = "".join(
        _run(["-m", "textclean", name, "--help"], ROOT)
        for name in ("clean", "eval", "inpaint", "overlay")
    )
    helps = re.sub(r"\s+", " ", helps)
    named = set(re.findall(r"`(--[a-z][a-z-]+)", README))
    missing = {option for option in named if option not in helps}
    assert named
    assert not missing
