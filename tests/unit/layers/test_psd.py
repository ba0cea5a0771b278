"""PSD files: what psd-tools reads back, and ImageMagick."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from psd_tools import PSDImage
from psd_tools.constants import Compression, Resource
from stacks import MODES, SIZE, flattened, layers_of_psd, result

from textclean.errors import TooLargeError
from textclean.layers import MAX_PSD, encode_psd, stack_of
from textclean.layers.stack import Layer, Stack

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Mode


def _merged(data: bytes, stack: Stack) -> np.ndarray:
    """The merged picture, native values."""
    found = PSDImage.open(io.BytesIO(data)).numpy()
    top = np.iinfo(stack.merged.dtype).max
    values = np.rint(found * top).astype(stack.merged.dtype)
    return top - values if stack.space == "CMYK" else values


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_the_merged_picture_is_the_cleaned_page(mode: Mode, large: bool) -> None:
    stack = stack_of(result(mode))
    data = encode_psd(stack, large=large)
    expected = stack.merged if stack.alpha is None else np.dstack([stack.merged, stack.alpha])
    assert (_merged(data, stack) == expected).all()
    document = PSDImage.open(io.BytesIO(data))
    assert (document.depth, document.version) == (stack.depth, 2 if large else 1)


@pytest.mark.parametrize("per_region", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_visible_layers_come_to_the_cleaned_page(mode: Mode, per_region: bool) -> None:
    stack = stack_of(result(mode), per_region=per_region)
    layers = layers_of_psd(encode_psd(stack))
    assert len(layers) == (3 if per_region else 2)
    color, alpha = flattened(layers, SIZE)
    top = np.iinfo(stack.merged.dtype).max
    merged = (top - stack.merged if stack.space == "CMYK" else stack.merged) / top
    shown = np.ones(alpha.shape[:2], bool) if stack.alpha is None else stack.alpha > 0
    assert (alpha[..., 0] == (1 if stack.alpha is None else stack.alpha / top)).all()
    assert np.abs(color - merged)[shown].max() < 0.4 / top


def test_names_groups_locks_and_what_is_hidden() -> None:
    document = PSDImage.open(io.BytesIO(encode_psd(stack_of(result()))))
    original, clean, mask, boxes = document
    assert [layer.name for layer in document] == ["Original", "Clean", "Mask", "Text boxes"]
    assert original.locks is not None and original.locks.complete
    assert clean.locks is None
    assert (original.visible, clean.visible, mask.visible, boxes.visible) == (1, 1, 0, 0)
    assert boxes.is_group()
    assert [layer.name for layer in reversed(boxes)] == [
        "001 bubble こんにちは 世界",
        "002 caption",
        "003 sfx",
    ]
    ids = [layer.layer_id for layer in document.descendants()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("mode", ["L", "RGB;16"])
def test_channels_are_run_length_encoded(mode: Mode) -> None:
    document = PSDImage.open(io.BytesIO(encode_psd(stack_of(result(mode)))))
    assert document._record.image_data.compression == Compression.RLE
    pixels = [layer for layer in document.descendants() if not layer.is_group()]
    assert {c.compression for layer in pixels for c in layer._channels} == {Compression.RLE}


def test_profile_and_resolution_come_along() -> None:
    profile = bytes(16) + b"RGB " + bytes(108)
    stack = replace(stack_of(result()), icc=profile)
    resources = PSDImage.open(io.BytesIO(encode_psd(stack))).image_resources
    assert resources.get_data(Resource.ICC_PROFILE) == profile
    found = resources.get_data(Resource.RESOLUTION_INFO)
    assert (found.horizontal, found.vertical) == (300 << 16, 150 << 16)


def test_a_page_that_is_too_long_is_refused_with_a_way_out() -> None:
    pixels = np.zeros((MAX_PSD + 1, 1, 1), np.uint8)
    stack = Stack("L", pixels, None, (Layer("Original", pixels),))
    with pytest.raises(TooLargeError, match=r"30,000 a side.*--psb.*--split"):
        encode_psd(stack)
    document = PSDImage.open(io.BytesIO(encode_psd(stack, large=True)))
    assert document.size == (1, MAX_PSD + 1)


def test_even_a_psb_has_a_limit() -> None:
    pixels = np.zeros((1, 300_001, 1), np.uint8)
    with pytest.raises(TooLargeError, match=r"300,000 a side\. Cut it into pieces with --split"):
        encode_psd(Stack("L", pixels, None, ()), large=True)


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("identify") is None, reason="needs ImageMagick")
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "I;16", "RGB;16", "RGBA"])
def test_imagemagick_opens_it(mode: Mode, tmp_path: Path) -> None:
    stack = stack_of(result(mode))
    path = tmp_path / "page.psd"
    path.write_bytes(encode_psd(stack))
    told = subprocess.run(
        ["identify", "-format", "%wx%h%O %[label]\n", str(path)],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert told[0].startswith(f"{SIZE[0]}x{SIZE[1]}")
    # It shows the names of the old character set, where Japanese is question marks.
    assert [line.partition(" ")[2] for line in told[1:]] == [
        "Original", "Clean", "Mask", "003 sfx", "002 caption", "001 bubble ????? ??",
    ]  # fmt: skip
    space = {"L": "gray", "RGB": "rgb", "CMYK": "cmyk"}[stack.space]
    alpha = "a" if stack.alpha is not None else ""
    shown = np.s_[:] if stack.alpha is None else stack.alpha > 0
    # The merged picture, and what is visible flattened by the program itself.
    for picture in ([f"{path}[0]"], [f"{path}[1,2]", "-background", "none", "-flatten"]):
        raw = subprocess.run(
            ["convert", *picture, "-endian", "LSB", "-depth", str(stack.depth),
             f"{space}{alpha}:-"],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        found = np.frombuffer(raw, stack.merged.dtype).reshape(*stack.merged.shape[:2], -1)
        assert (found[..., : stack.merged.shape[2]] == stack.merged)[shown].all()
