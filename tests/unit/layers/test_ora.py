"""OpenRaster files, read with nothing but their description."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from stacks import MODES, SIZE, flattened, layers_of_ora, result

from textclean.io import read_image
from textclean.layers import encode_ora, stack_of

if TYPE_CHECKING:
    from textclean.types import Mode


def _archive(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


@pytest.mark.parametrize("per_region", [False, True])
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "CMYK"])
def test_visible_layers_come_to_the_cleaned_page(mode: Mode, per_region: bool) -> None:
    stack = stack_of(result(mode), per_region=per_region)
    data = encode_ora(stack)
    color, alpha = flattened(layers_of_ora(data), SIZE)
    top = np.iinfo(stack.merged.dtype).max
    shown = np.ones(alpha.shape[:2], bool) if stack.alpha is None else stack.alpha > 0
    assert (alpha[..., 0] == (1 if stack.alpha is None else stack.alpha / top)).all()
    assert np.abs(color * top - stack.merged)[shown].max() < 0.4
    merged = read_image(_archive(data).read("mergedimage.png")).pixels
    expected = stack.merged if stack.alpha is None else np.dstack([stack.merged, stack.alpha])
    assert (merged.reshape(expected.shape) == expected).all()


def test_cmyk_becomes_what_it_looks_like() -> None:
    given = result("CMYK")
    data = encode_ora(stack_of(given))
    assert (read_image(_archive(data).read("mergedimage.png")).pixels == given.page.rgb).all()


def test_the_list_of_layers() -> None:
    root = ET.fromstring(_archive(encode_ora(stack_of(result()))).read("stack.xml"))
    assert root.attrib == {
        "version": "0.0.5", "w": "60", "h": "48", "xres": "300", "yres": "150",
    }  # fmt: skip
    (stack,) = root
    assert [(item.get("name"), item.get("visibility")) for item in stack] == [
        ("Text boxes", "hidden"), ("Mask", "hidden"), ("Clean", "visible"), ("Original", "visible"),
    ]  # fmt: skip
    assert [item.get("name") for item in stack[0]] == [
        "001 bubble こんにちは 世界", "002 caption", "003 sfx",
    ]  # fmt: skip
    assert [item.get("edit-locked") for item in stack] == [None, None, None, "true"]


def test_programs_know_the_file_by_its_first_entry() -> None:
    data = encode_ora(stack_of(result()))
    first = _archive(data).infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert _archive(data).read("mimetype") == b"image/openraster"
    assert data == encode_ora(stack_of(result()))


@pytest.mark.parametrize("mode", ["RGB", "LA;16", "1"])
def test_the_small_picture_is_small(mode: Mode) -> None:
    given = result(mode, size=(700, 200))
    small = read_image(_archive(encode_ora(stack_of(given))).read("Thumbnails/thumbnail.png"))
    assert small.pixels.shape[:2] == (73, 256)
    assert small.pixels.dtype == np.uint8


def test_the_profile_comes_along() -> None:
    profile = bytes(16) + b"RGB " + bytes(108)
    data = encode_ora(replace(stack_of(result()), icc=profile))
    assert read_image(_archive(data).read("mergedimage.png")).metadata.icc == profile
