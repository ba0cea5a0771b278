"""Figures of ``speed.py`` that want processes of their own: memory, starting, the machine."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from timing import Spent

FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "bf16",
    "i8mm", "sve",
)  # fmt: skip
PACKAGES = (
    "textclean", "numpy", "opencv-python-headless", "torch", "onnxruntime", "rapidocr", "pillow",
)  # fmt: skip

PEAK = """
import json, sys
from textclean import make_cleaner
from textclean.io import read_image
make_cleaner().clean(read_image(sys.argv[1]))
text = open("/proc/self/status").read()
print(json.dumps(int(text.split("VmHWM:")[1].split()[0]) / 1024))
"""
COLD = """
import json, os, sys, time
from textclean import make_cleaner
from textclean.io import read_image
def now():
    return time.time(), time.process_time()
cleaner = make_cleaner()
loaded = now()
cleaner.clean(read_image(sys.argv[1]))
first = now()
cleaner.clean(read_image(sys.argv[1]))
print(json.dumps([loaded, first, now()]))
"""


def peak_memory(page: Path) -> float:
    """Megabytes (of 1024 squared) that a process has resident at most that cleans one page."""
    return float(json.loads(_python(PEAK, page)))


def cold_start(page: Path) -> dict[str, Spent]:
    """A process from its start to its second page.

    Returns:
        "load" up to a cleaner, "first" up to the first page, "second" for the second, "beyond":
        the first with everything before it, less the second.
    """
    start = time.time()
    loaded, first, second = (Spent(*pair) for pair in json.loads(_python(COLD, page)))
    again = Spent(second.wall - first.wall, second.cpu - first.cpu)
    until = Spent(first.wall - start, first.cpu)
    return {
        "load": Spent(loaded.wall - start, loaded.cpu),
        "first": until,
        "second": again,
        "beyond": Spent(until.wall - again.wall, until.cpu - again.cpu),
    }


def help_text() -> Spent:
    """``textclean --help`` in a process of its own."""
    return run([sys.executable, "-m", "textclean", "--help"])


def run(command: list[str]) -> Spent:
    """What a process takes from its start to its end."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(wall, used)


def _python(script: str, *given: object) -> str:
    command = [sys.executable, "-c", script, *map(str, given)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "flags": _flags(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.system(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Of Python and of the packages that take the time, and the commit."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    found["commit"] = _git("rev-parse", "HEAD") or "unknown"
    if _git("status", "--porcelain", "--untracked-files=no", "--", "textclean", "models"):
        found["commit"] += ", with changes"
    return found


def _flags() -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    there = set(line.partition(":")[2].split())
    return [flag for flag in FLAGS if flag in there]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
