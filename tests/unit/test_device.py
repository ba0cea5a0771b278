from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from textclean import device
from textclean.device import (
    choose_device,
    compute_dtype,
    download,
    inference,
    is_out_of_memory,
    limit_threads,
    one_ahead,
    upload,
)
from textclean.errors import DependencyError, OptionsError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any GPU, whatever this one has."""
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return monkeypatch


def with_gpus(machine: pytest.MonkeyPatch, count: int, *, bf16: bool = True) -> None:
    machine.setattr(torch.version, "cuda", "12.8")
    machine.setattr(torch.cuda, "is_available", lambda: count > 0)
    machine.setattr(torch.cuda, "device_count", lambda: count)
    machine.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16)


def test_auto_takes_what_there_is(machine: pytest.MonkeyPatch) -> None:
    assert choose_device() == torch.device("cpu")
    machine.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    with_gpus(machine, 1)
    assert choose_device("auto") == torch.device("cuda")


def test_named_devices(machine: pytest.MonkeyPatch) -> None:
    with_gpus(machine, 2)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(DependencyError, match=r"no CUDA device 2: PyTorch finds 2.*cuda:0 to"):
        choose_device("cuda:2")


def test_devices_that_are_not_there(machine: pytest.MonkeyPatch) -> None:
    with pytest.raises(DependencyError, match="built without CUDA"):
        choose_device("cuda")
    with pytest.raises(DependencyError, match="mps is not there"):
        choose_device("mps")
    with_gpus(machine, 0)
    with pytest.raises(DependencyError, match="no CUDA device 0: PyTorch finds 0"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu\n", "mps:0"])
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(OptionsError, match="there is no device"):
        choose_device(name)


def test_half_precision_only_where_it_helps(machine: pytest.MonkeyPatch) -> None:
    with_gpus(machine, 1)
    assert compute_dtype(torch.device("cuda")) == torch.bfloat16
    assert compute_dtype(torch.device("cpu")) == torch.float32
    assert compute_dtype(torch.device("mps")) == torch.float32
    with_gpus(machine, 1, bf16=False)
    assert compute_dtype(torch.device("cuda")) == torch.float32


def test_inference_on_the_cpu_changes_no_types() -> None:
    conv = torch.nn.Conv2d(1, 1, 1)
    with inference(torch.device("cpu")):
        y = conv(torch.ones(1, 1, 2, 2))
    assert y.is_inference() and y.dtype == torch.float32
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.bool_])
def test_arrays_go_to_a_device_and_back(dtype: type) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 2, (4, 3)).astype(dtype)[::-1] for _ in range(3)]
    there = upload(arrays, torch.device("cpu"))
    back = download(there)()
    assert there.is_contiguous() and back.dtype == dtype
    np.testing.assert_array_equal(back, np.stack(arrays))
    arrays[0][:] = 0
    np.testing.assert_array_equal(back, there)  # a copy, not the arrays themselves


class OnGpu(torch.Tensor):
    """Lies on the CPU and says that it does not."""

    device = torch.device("cuda:0")  # type: ignore[assignment]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of CUDA, in order; memory stays where it is."""
    log: list[str] = []
    empty, copy = torch.empty, torch.Tensor.copy_

    class Event:
        def record(self, stream: str) -> None:
            log.append(f"record {stream}")

        def synchronize(self) -> None:
            log.append("wait")

    def make(*size: object, pin_memory: bool = False, **kwargs: object) -> torch.Tensor:
        log.append("pinned" if pin_memory else "not pinned")
        return empty(*size, **kwargs)

    def to(self: torch.Tensor, where: torch.device, non_blocking: bool = False) -> torch.Tensor:
        log.append(f"to {where}{', not waiting' if non_blocking else ''}")
        return self.clone()

    def copy_(self: torch.Tensor, x: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
        log.append(f"copy{', not waiting' if non_blocking else ''}")
        return copy(self, x.as_subclass(torch.Tensor))

    monkeypatch.setattr(torch, "empty", make)
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(torch.Tensor, "copy_", copy_)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda where: f"stream of {where}")
    return log


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.bool_])
def test_to_a_gpu_through_pinned_memory_without_waiting(told: list[str], dtype: type) -> None:
    arrays = [np.array([[0, 1, 1]], dtype), np.array([[1, 0, 1]], dtype)]
    there = upload(arrays, torch.device("cuda:1"))
    assert told == ["pinned", "to cuda:1, not waiting"]
    np.testing.assert_array_equal(there.numpy(), np.stack(arrays))
    assert there.numpy().dtype == dtype


def test_from_a_gpu_the_copy_is_waited_for_when_it_is_wanted(told: list[str]) -> None:
    values = torch.arange(6.0).reshape(2, 3).T.as_subclass(OnGpu)
    with torch.inference_mode():
        arriving = download(values)
    assert told == ["pinned", "copy, not waiting", "record stream of cuda:0"]
    np.testing.assert_array_equal(arriving(), [[0, 3], [1, 4], [2, 5]])
    assert told[3:] == ["wait"]


def test_each_is_given_when_the_next_was_begun() -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in range(4):
            begun.append(number)
            yield number

    assert [(number, len(begun)) for number in one_ahead(items())] == [
        (0, 2),
        (1, 3),
        (2, 4),
        (3, 4),
    ]
    assert list(one_ahead([])) == [] and list(one_ahead([7])) == [7]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA error"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to ..."),
    ],
)
def test_memory_that_ran_out_is_known_by_class_or_words(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("out of memory"),
        OSError("not enough memory"),
        RuntimeError(""),
    ],
)
def test_other_errors_are_not_about_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_real_allocation_that_fails_is_known() -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_threads() -> None:
    before = torch.get_num_threads()
    try:
        limit_threads(1)
        assert torch.get_num_threads() == 1
        limit_threads(None)
        assert torch.get_num_threads() == 1
        with pytest.raises(OptionsError, match="number of threads is 0"):
            limit_threads(0)
    finally:
        torch.set_num_threads(before)


def test_importing_changes_no_settings() -> None:
    code = (
        "import torch; before = torch.get_num_threads(), torch.get_num_interop_threads();"
        "import textclean.device, textclean.nets.lama, textclean.nets.fourier_unet;"
        "import textclean.inpaint.fourier;"
        "assert before == (torch.get_num_threads(), torch.get_num_interop_threads())"
    )
    root = Path(device.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=120)
