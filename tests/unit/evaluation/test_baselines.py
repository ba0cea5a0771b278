"""Baselines: doing nothing, and OpenCV's contributed FSR behind a stand-in for its module."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from textclean.errors import MissingExtraError
from textclean.evaluation.baselines import load_fsr, untouched
from textclean.evaluation.workers import load_fill


@pytest.fixture
def calls(monkeypatch):
    """A stand-in with FSR's calling convention: 0 in the mask = fill, the result in place."""
    made = []

    def inpaint(source, mask, target, algorithm):
        made.append((source.copy(), mask.copy(), algorithm))
        target[...] = np.where(mask == 0, source // 2, 99)

    module = SimpleNamespace(inpaint=inpaint, INPAINT_FSR_FAST=2)
    monkeypatch.setattr(cv2, "xphoto", module, raising=False)
    return made


def test_untouched_gives_a_copy():
    image = np.zeros((4, 4, 3), np.uint8)
    result = untouched(image, np.ones((4, 4), bool))
    assert np.array_equal(result, image)
    assert result is not image
    assert load_fill("untouched", {}) is untouched


def test_fsr_fills_each_channel_under_the_mask_only(calls):
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    result = load_fill("fsr", {})(image, mask)
    assert np.array_equal(result[mask], image[mask] // 2)
    assert np.array_equal(result[~mask], image[~mask])
    assert [np.array_equal(call[0], image[..., i]) for i, call in enumerate(calls)] == [True] * 3
    assert all(np.array_equal(call[1] == 0, mask) and call[2] == 2 for call in calls)


def test_fsr_does_a_grey_page_once(calls):
    image = np.full((6, 6, 3), 80, np.uint8)
    result = load_fsr()(image, np.ones((6, 6), bool))
    assert len(calls) == 1
    assert result.shape == (6, 6, 3)
    assert (result == 40).all()


def test_fsr_without_the_contributed_modules_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "xphoto", raising=False)
    with pytest.raises(MissingExtraError) as caught:
        load_fsr()
    message = str(caught.value)
    assert "\n" not in message
    assert "an environment of its own" in message
    assert "pip install opencv-contrib-python-headless" in message
    assert "pip uninstall -y opencv-python-headless" in message
