"""``make bench-gpu`` on machines without a GPU: that it runs, and that it counts and compares."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="benchmarks are not part of the source distribution"
)


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A folder with one small page: a word in a bubble, on screentone."""
    y, x = np.mgrid[:200, :260]
    page = np.where((x % 6 - 3) ** 2 + (y % 6 - 3) ** 2 < 4, 90, 235).astype(np.uint8)
    cv2.ellipse(page, (130, 100), (110, 70), 0, 0, 360, 255, -1)
    cv2.putText(page, "HELLO", (60, 112), cv2.FONT_HERSHEY_DUPLEX, 1.4, 0, 2, cv2.LINE_AA)
    (tmp_path / "manga").mkdir()
    cv2.imwrite(str(tmp_path / "manga" / "a_lettered.png"), page)
    return tmp_path


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_dry_run_on_the_cpu(drawn: Path) -> None:
    out = drawn / "gpu.json"
    done = bench(
        "--device", "cpu", "--data", drawn, "--json", out, "--rounds", 1, "--side", 64,
        "--batches", "1,2", "--threads", "1,2", "--modes", "fp32,bf16,tf32,bf16+graph",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "within the tolerance" in done.stdout
    found = json.loads(out.read_text())
    assert found["correct"] and found["pages"] == ["a_lettered"]
    assert found["machine"]["device"] == {"kind": "cpu"}
    assert {"python", "torch", "commit"} <= found["versions"].keys()
    assert [row["decode_threads"] for row in found["whole"]] == [1, 2]
    assert all(row["pages_per_s"] > 0 for row in found["whole"])
    assert found["floor"]["pages_per_s"] > 0
    assert found["floor"]["a_page"]["ink"]["products"] > 1e8
    for row in found["ink"] + found["fill"]:
        needs_a_gpu = row["mode"] in ("tf32", "bf16+graph")
        assert row.get("not_run") == ("needs a CUDA device" if needs_a_gpu else None)
        assert needs_a_gpu or row.get("windows_per_s", row.get("pages_per_s")) > 0
    assert all(row["same_bytes"] for row in found["across"])
    for row in found["differences"].values():
        assert row["within"] and row["most"] == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_one_line_says_so() -> None:
    done = bench()
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "no CUDA device" in done.stdout and "--device cpu" in done.stdout
    done = bench("--device", "cuda")
    assert done.returncode == 3 and "CUDA" in done.stdout


def test_unknown_modes_are_refused() -> None:
    done = bench("--modes", "fp8")
    assert done.returncode == 2 and "fp8" in done.stderr


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """One of the modules beside ``gpu.py``."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(request.param)


@pytest.mark.parametrize("module", ["gpu_floor"], indirect=True)
def test_operations_and_bytes_are_those_of_the_formulas(module: ModuleType) -> None:
    convolution = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
    values = 2 * (3 + 8) * 10 * 12 + 8 * 3 * 9
    for half, size in ((False, 4), (True, 2)):
        work = module.work_of(convolution, [(2, 3, 10, 12)], half=half, down=4)
        assert work.products == 2 * 2 * 8 * 10 * 12 * 3 * 9
        assert (work.moved, work.up, work.down) == (size * values, 720, 4 * 1920)
        assert work.transforms == 0
    x = torch.rand(3, 16, 8)
    one = 5 * 3 * 128 * math.log2(128)
    real, there = module.transforms_of(lambda: torch.fft.rfft2(x))
    assert there.transforms == one / 2 and there.moved == 4 * 384 + 8 * 3 * 16 * 5
    with torch.inference_mode():
        _, back = module.transforms_of(lambda: torch.fft.irfft2(real, s=(16, 8)))
    assert back.transforms == one / 2
    assert module.transforms_of(lambda: torch.fft.fft2(real))[1].transforms == pytest.approx(
        5 * 240 * math.log2(80)
    )
    assert (there + back) * 2 == module.Work(0, 2 * one, 4 * there.moved)


@pytest.mark.parametrize("module", ["gpu_floor"], indirect=True)
def test_a_floor_is_what_the_rates_say(module: ModuleType) -> None:
    rates = module.Rates({"fp32": 100.0, "bf16": 400.0}, 50.0, 10.0, 5.0)
    work = module.Work(products=800, transforms=100, moved=200, up=20, down=20)
    assert rates.floor(work, "bf16") == {"operations": 3, "memory": 4, "copies": 4}
    assert rates.floor(work, "fp32")["operations"] == 9
    assert module.Rates({"fp32": 100.0}, 50.0).floor(work, "fp32").keys() == {
        "operations", "memory",
    }  # fmt: skip


@pytest.mark.parametrize("module", ["gpu_correct"], indirect=True)
def test_what_is_beyond_the_tolerance_is_told(module: ModuleType) -> None:
    fill = np.full((100, 100, 3), 128, np.uint8)
    hole = np.ones((100, 100), bool)
    hole[0] = False
    for off, count, within in ((0, 1, True), (12, 20, True), (13, 1, False), (6, 40, False)):
        other = fill.copy()
        other[50].reshape(-1)[:count] += np.uint8(off)
        found = module.fills_off([other], [fill], [hole])
        assert found["within"] is within and found["most"] == off
        assert found["values"] == 3 * 9900
    outside = fill.copy()
    outside[0] = 0
    assert module.fills_off([outside], [fill], [hole])["most"] == 0
    planes = np.zeros((7, 100, 200), np.uint8)
    for off, count, within in ((2, 99, True), (3, 2, True), (3, 3, False)):
        other = planes.copy()
        other[3, 7, :count] = off
        other[4, 7, :count] = off  # the same pixels
        found = module.inks_off([planes], [other])
        assert found["within"] is within and found["most"] == off


@pytest.mark.parametrize("module", ["gpu_batches"], indirect=True)
def test_how_full_batches_are(module: ModuleType) -> None:
    pages = sys.modules["gpu_pages"]
    mask = np.zeros((600, 600), bool)
    mask[200:230, 200:240] = True
    page = pages.Cleaned("a", np.zeros((600, 600, 3), np.uint8), mask)
    for row in module.filling([page] * 4, 8):
        assert row["windows"] == 4 and row["sizes"] == 1
        assert (row["full_alone"], row["full_together"]) == (1 / 8, 1 / 2)
        assert row["area"] >= 1
