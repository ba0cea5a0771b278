"""``textclean compare``: lines, JSON and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fakes import lettered

from textclean.cli import app
from textclean.compare import EXIT_DIFFERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Two pages with other words on them."""
    names = tmp_path / "a.png", tmp_path / "b.png"
    lettered().save(names[0])
    lettered(text="TEST").save(names[1])
    return str(names[0]), str(names[1])


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as left:
        app(["compare", *args])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_no_difference_is_success(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pair[0], pair[0]) == 0
    assert capsys.readouterr().out.startswith("identical")


def test_a_difference_has_its_exit_code(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*pair) == EXIT_DIFFERS == 6
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pixels: 0 changed in the regions and ")
    assert lines[-1] == "different: 1 difference outside the regions (pixels)"


def test_what_is_ignored_does_not_count(pair: tuple[str, str]) -> None:
    assert run(*pair, "--ignore", "pixels,icc") == 0


def test_quiet_says_nothing(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*pair, "-q") == EXIT_DIFFERS
    assert capsys.readouterr().out == ""


def test_json_holds_everything(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*pair, "--json") == EXIT_DIFFERS
    told = json.loads(capsys.readouterr().out)
    assert told["same_outside"] is False
    assert told["pages"][0]["changed_outside"] == told["changed_outside"] > 0
    assert told["differences"][0]["kind"] == "pixels"


def test_wrong_calls_are_usage_errors(pair: tuple[str, str]) -> None:
    assert run(*pair, "--ignore", "colour") == 1
    assert run(*pair, "--margin", "-1") == 1
    assert run(pair[0], pair[1] + ".none") == 5


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom textclean.cli import app\n"
        "try:\n    app(['compare', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'numpy', 'PIL', 'pikepdf', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=120)
