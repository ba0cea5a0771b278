"""OpenCV's inpainters on merged windows."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from textclean.errors import MaskError, MissingExtraError, OptionsError
from textclean.inpaint.classical import DiffusionInpainter, FSRInpainter
from textclean.protocols import Inpainter


def page() -> tuple[np.ndarray, np.ndarray]:
    """A smooth colour page and two far holes."""
    y, x = np.mgrid[:300, :500].astype(np.float64)
    image = np.stack([x / 2, y / 2, 128 + 60 * np.sin(x / 80)], axis=2)
    mask = np.zeros((300, 500), bool)
    mask[40:52, 30:90] = mask[200:215, 400:470] = True
    return np.rint(image).astype(np.uint8), mask


@pytest.mark.parametrize("method", ["telea", "ns"])
def test_smooth_art_is_restored(method: str) -> None:
    image, mask = page()
    inpainter = DiffusionInpainter(method)
    assert isinstance(inpainter, Inpainter)
    filled = inpainter(np.where(mask[..., None], np.uint8(0), image), mask)
    assert np.array_equal(filled[~mask], image[~mask])
    assert np.abs(filled[mask].astype(int) - image[mask]).mean() < 3


@pytest.mark.parametrize("method", ["telea", "ns"])
def test_windows_give_what_the_whole_page_gives(method: str) -> None:
    image, mask = page()
    flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS
    whole = cv2.inpaint(image, mask.astype(np.uint8), 5, flag)
    difference = np.abs(DiffusionInpainter(method)(image, mask).astype(int) - whole)
    assert difference.max() <= 2


def test_only_the_windows_are_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = page()
    sizes: list[int] = []
    inpaint = cv2.inpaint

    def spy(part: np.ndarray, *args: object) -> np.ndarray:
        sizes.append(part.shape[0] * part.shape[1])
        return np.asarray(inpaint(part, *args))

    monkeypatch.setattr(cv2, "inpaint", spy)
    DiffusionInpainter()(image, mask)
    assert len(sizes) == 2
    assert sum(sizes) < 0.1 * mask.size


def test_grey_stays_grey_and_see_through_is_hole() -> None:
    image, mask = page()
    grey = np.repeat(image[..., :1], 3, axis=2)
    shown = np.where(mask[..., None], np.uint8([200, 0, 0]), grey)
    filled = DiffusionInpainter()(shown, mask, mask.copy())
    assert (filled == filled[..., :1]).all()


def test_nothing_known_gives_white() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    assert (DiffusionInpainter()(image, np.ones((20, 30), bool)) == 255).all()


def test_bad_calls() -> None:
    with pytest.raises(OptionsError, match="'magic'"):
        DiffusionInpainter("magic")
    with pytest.raises(OptionsError, match="radius of 0"):
        DiffusionInpainter(radius=0)
    with pytest.raises(MaskError, match="does not fit"):
        DiffusionInpainter()(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 8), bool))


def test_fsr_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "xphoto", raising=False)
    with pytest.raises(MissingExtraError, match="contributed modules") as caught:
        FSRInpainter()
    assert "opencv-contrib-python-headless" in (caught.value.remedy or "")


def test_fsr_hands_over_an_inverted_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, bool]] = []

    def inpaint(source: np.ndarray, known: np.ndarray, target: np.ndarray, method: int) -> None:
        calls.append((method, bool((known[source[..., 0] == 0] == 0).all())))
        target[...] = np.where(known[..., None] > 0, source, np.uint8(77))

    fake = SimpleNamespace(INPAINT_FSR_BEST=1, INPAINT_FSR_FAST=2, inpaint=inpaint)
    monkeypatch.setattr(cv2, "xphoto", fake, raising=False)
    image, mask = page()
    image = np.maximum(image, 1)
    shown = np.where(mask[..., None], np.uint8(0), image)
    assert (FSRInpainter()(shown, mask)[mask] == 77).all()
    assert np.array_equal(FSRInpainter(best=True)(shown, mask)[~mask], image[~mask])
    assert calls == [(2, True), (2, True), (1, True), (1, True)]
