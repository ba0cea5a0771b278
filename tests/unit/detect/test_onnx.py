from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from textclean.detect import onnx
from textclean.detect.onnx import OnnxNetwork, shipped_weights
from textclean.detect.ppocr import DETECTION_WEIGHTS
from textclean.errors import MissingExtraError, WeightsError
from textclean.memory import reusing


def test_the_weights_lie_in_the_installed_wheel() -> None:
    path = shipped_weights(DETECTION_WEIGHTS)
    assert path.stat().st_size > 5_000_000
    assert path == shipped_weights("not_there.onnx", DETECTION_WEIGHTS)


def test_a_wheel_without_the_weights_is_told() -> None:
    with pytest.raises(WeightsError, match=r"no a\.onnx or b\.onnx in") as caught:
        shipped_weights("a.onnx", "b.onnx")
    assert "pip install" in (caught.value.remedy or "")


@pytest.mark.parametrize("spec", [None, ModuleSpec("rapidocr", None)])
def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, spec: object) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: spec)
    with pytest.raises(MissingExtraError, match="rapidocr") as caught:
        shipped_weights(DETECTION_WEIGHTS)
    assert caught.value.remedy == "Install it: pip install rapidocr"
    assert caught.value.exit_code == 3


def test_a_file_that_is_not_there_or_not_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no weights file"):
        OnnxNetwork(tmp_path / "missing.onnx")
    with pytest.raises(WeightsError, match="there is no weights file"):
        OnnxNetwork(tmp_path)
    for content in (b"", b"garbage" * 100, shipped_weights(DETECTION_WEIGHTS).read_bytes()[:5000]):
        broken = tmp_path / "broken.onnx"
        broken.write_bytes(content)
        with pytest.raises(WeightsError, match="not an ONNX network") as caught:
            OnnxNetwork(broken)
        assert "\n" not in str(caught.value)


def test_input_that_a_network_cannot_take_is_told() -> None:
    network = OnnxNetwork(shipped_weights(DETECTION_WEIGHTS), threads=1)
    with pytest.raises(WeightsError, match=r"cannot process input of shape \(1, 7, 32, 32\)"):
        network(np.zeros((1, 7, 32, 32), np.float32))
    assert network(np.zeros((1, 3, 64, 64), np.float32)).shape == (1, 1, 64, 64)


def test_memory_that_is_not_kept_changes_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = np.random.default_rng(1).random((1, 3, 96, 64), np.float32)
    kept = OnnxNetwork(shipped_weights(DETECTION_WEIGHTS), threads=1)(batch)
    for name, value in reusing().items():
        monkeypatch.setenv(name, value)
    assert np.array_equal(OnnxNetwork(shipped_weights(DETECTION_WEIGHTS), threads=1)(batch), kept)
