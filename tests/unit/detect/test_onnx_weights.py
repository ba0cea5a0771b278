"""Weights that are as good as nothing become zero, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.detect.onnx import OnnxNetwork, shipped_weights
from textclean.detect.onnx_weights import without_denormals
from textclean.detect.ppocr import DETECTION_WEIGHTS

TINY = np.array([1e-40, -3e-39, 1.0, 0.0, -0.0, 2e-38, np.inf, np.nan], "<f4")


def _field(number, content):
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, *_length(len(content))]) + content


def _length(value):
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value


def _model(kind, data):
    tensor = _field(1, b"\x03") + _field(2, kind) + _field(8, b"weights") + _field(9, data)
    graph = _field(2, b"main") + _field(5, tensor) + _field(5, tensor)
    return _field(1, 8) + bytes([0x09 | 4 << 3 & 0x78]) + b"12345678" + _field(7, graph)


def test_only_what_is_smaller_than_normal_becomes_zero():
    data = np.tile(TINY, 40).tobytes()  # lengths of two bytes
    changed = without_denormals(_model(1, data))
    expected = TINY.copy()
    expected[:2] = 0.0, -0.0
    assert changed == _model(1, np.tile(expected, 40).tobytes())


def test_integers_are_no_weights():
    model = _model(7, np.arange(1, 40, dtype="<i8").tobytes())
    assert without_denormals(model) == model


@pytest.mark.parametrize("cut", [1, 5, 11, 40, 100])
def test_what_is_no_model_stays_as_it_is(cut):
    whole = _model(1, TINY.tobytes())
    for broken in (whole[:-cut], b"\xff" * cut, b"", b"\x07" * cut):
        assert without_denormals(broken) == broken


def test_the_detector_finds_the_same_without_its_denormals(tmp_path):
    path = shipped_weights(DETECTION_WEIGHTS)
    model = path.read_bytes()
    flushed = without_denormals(model)
    assert len(flushed) == len(model)
    assert flushed != model  # else this is not needed any more
    assert without_denormals(flushed) == flushed
    page = np.random.default_rng(1).normal(size=(1, 3, 96, 64)).astype(np.float32)
    import onnxruntime

    plain = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (told,) = plain.run(None, {plain.get_inputs()[0].name: page})
    assert np.array_equal(OnnxNetwork(path, threads=1)(page), told)
