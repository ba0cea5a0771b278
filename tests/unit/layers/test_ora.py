"""OpenRaster files, read with nothing but their description."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
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
    from pathlib import Path

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


def test_programs_know_the_file_by_its_first_bytes() -> None:
    data = encode_ora(stack_of(result()))
    first = _archive(data).infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert data[:4] == b"PK\x03\x04"
    # Stored, without extra fields: the kind stands where programs look for it.
    assert data[30:].startswith(b"mimetypeimage/openrasterPK")
    assert data == encode_ora(stack_of(result()))


@pytest.mark.parametrize("mode", ["L", "RGBA", "RGB;16", "CMYK"])
def test_what_the_specification_demands(mode: Mode) -> None:
    archive = _archive(encode_ora(stack_of(result(mode), per_region=True)))
    names = archive.namelist()
    assert {"stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"} <= {*names}
    assert len(names) == len(set(names))
    assert archive.read("stack.xml").startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    root = ET.fromstring(archive.read("stack.xml"))
    assert root.tag == "image" and [child.tag for child in root] == ["stack"]
    assert all(element.tag in ("stack", "layer") for element in root.iter() if element is not root)
    sources = [layer.attrib["src"] for layer in root.iter("layer")]
    assert sorted(sources) == sorted(name for name in names if name.startswith("data/"))
    for layer in root.iter("layer"):
        assert int(layer.attrib["x"]) >= 0 and int(layer.attrib["y"]) >= 0
        assert 0 <= float(layer.attrib["opacity"]) <= 1
        assert layer.attrib["visibility"] in ("visible", "hidden")
        assert layer.attrib["name"]
    for name in names:
        if name.endswith(".png"):
            header = archive.read(name)[:29]
            assert header.startswith(b"\x89PNG\r\n\x1a\n") and header[28] == 0, "not interlaced"
    merged = archive.read("mergedimage.png")
    assert struct.unpack(">II", merged[16:24]) == SIZE
    small = archive.read("Thumbnails/thumbnail.png")
    assert small[24] == 8 and max(struct.unpack(">II", small[16:24])) <= 256


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


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("identify") is None, reason="needs ImageMagick")
@pytest.mark.parametrize("per_region", [False, True])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "I;16", "RGB;16", "RGBA", "CMYK"])
def test_imagemagick_lays_the_layers_over_one_another(
    mode: Mode, per_region: bool, tmp_path: Path
) -> None:
    """Not all of its versions read the format: it is given the list's visible pictures."""
    given = result(mode)
    stack = stack_of(given, per_region=per_region)
    archive = _archive(encode_ora(stack))
    archive.extractall(tmp_path)
    (root,) = ET.fromstring(archive.read("stack.xml"))
    pictures: list[str] = []

    def add(element: ET.Element) -> None:
        for child in reversed(element):
            if child.get("visibility") == "hidden":
                continue
            if child.tag == "stack":
                add(child)
                continue
            place = f"+{child.attrib['x']}+{child.attrib['y']}"
            pictures.extend(["(", child.attrib["src"], "-repage", place, ")"])

    add(root)
    expected = given.page.rgb if mode == "CMYK" else stack.merged
    space = "gray" if expected.shape[2] == 1 else "rgb"
    for picture in ([*pictures, "-background", "none", "-flatten"], ["mergedimage.png"]):
        raw = subprocess.run(
            ["convert", *picture, "-alpha", "off", "-endian", "LSB",
             "-depth", str(stack.depth), f"{space}:-"],
            capture_output=True, check=True, cwd=tmp_path,
        ).stdout  # fmt: skip
        found = np.frombuffer(raw, expected.dtype).reshape(expected.shape)
        shown = np.s_[:] if stack.alpha is None else stack.alpha > 0
        assert (found == expected)[shown].all()
