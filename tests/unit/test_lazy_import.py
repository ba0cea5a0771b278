"""Importing textclean, and asking its command line for help, loads nothing heavy."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

HEAVY = ("torch", "onnxruntime", "cv2", "numpy", "PIL", "rapidocr", "easyocr", "pikepdf", "scipy")
RUNS = 4


def _loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running some code."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def _cpu_seconds(*args: str) -> float:
    """Least CPU time of a few runs: wall-clock time would measure what else the machine does."""
    spent = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *args], capture_output=True, check=True, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(spent)


def test_the_package_loads_nothing_heavy() -> None:
    loaded = _loaded_by("import textclean")
    assert "textclean" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("name", ["TextcleanError", "Options", "make_options", "list_detectors"])
def test_light_names_stay_light(name: str) -> None:
    assert not _loaded_by(f"from textclean import {name}") & {"torch", "onnxruntime", "cv2"}


def test_the_one_shot_functions_load_neither_torch_nor_onnxruntime() -> None:
    loaded = _loaded_by("from textclean import clean_page, clean_document, make_cleaner")
    assert not loaded & {"torch", "onnxruntime", "rapidocr", "easyocr", "pikepdf", "scipy"}


@pytest.mark.parametrize("command", [(), ("clean",), ("train", "inpaint"), ("models", "list")])
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    arguments = [*command, "--help"]
    loaded = _loaded_by(
        f"from textclean.cli import app\ntry:\n    app({arguments!r})\nexcept SystemExit: pass"
    )
    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_importing_takes_under_a_fifth_of_a_second() -> None:
    assert _cpu_seconds("-c", "import textclean") < 0.2


@pytest.mark.parametrize(("command", "seconds"), [((), 0.6), (("clean",), 1.1)])
def test_help_answers_in_time(command: tuple[str, ...], seconds: float) -> None:
    """What `clean` can do fills three screens, which rich takes a while to set."""
    assert _cpu_seconds("-m", "textclean", *command, "--help") < seconds
