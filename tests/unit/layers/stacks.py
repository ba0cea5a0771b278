"""Pages of every mode with something cleaned on them, and what layered files hold."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
from psd_tools import PSDImage

from textclean import native
from textclean.io import read_image
from textclean.types import Metadata, Mode, Page, PageResult, Region

SIZE = 60, 48
MODES: tuple[Mode, ...] = (
    "1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "LA;16", "RGB;16", "RGBA;16",
)  # fmt: skip
_CHANNELS = {"LA": 2, "PA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


def result(mode: Mode = "RGB", *, orientation: int = 1, size: tuple[int, int] = SIZE) -> PageResult:
    """A page of noise on which two regions were cleaned, and a third was kept."""
    rng = np.random.default_rng(len(mode) + orientation)
    channels = _CHANNELS.get(mode.removesuffix(";16"))
    shape = (size[1], size[0]) if channels is None else (size[1], size[0], channels)
    pixels = rng.integers(0, 2**16 if "16" in mode else 256, shape)
    pixels = pixels.astype(np.uint16 if "16" in mode else np.uint8)
    if mode == "1":
        pixels = pixels >= 128
    if mode.removesuffix(";16") in ("LA", "RGBA", "PA"):
        pixels[..., -1] = np.where(pixels[..., -1] % 2, np.iinfo(pixels.dtype).max, 0)
    palette = rng.integers(0, 256, (256, 3)).astype(np.uint8) if mode in ("P", "PA") else None
    rgb = native.upright(native.to_rgb(pixels, mode, palette), orientation)
    about = Metadata(orientation=orientation, dpi=(300.0, 150.0))
    page = Page(pixels, mode, np.ascontiguousarray(rgb), palette, about, name="page.png")
    mask = np.zeros(pixels.shape[:2], bool)
    mask[8:14, 10:30] = True
    mask[30:36, 20:44] = True
    shown = np.ascontiguousarray(native.upright(mask, orientation))
    cleaned = native.merge(page, np.full_like(page.rgb, 200), shown)
    return PageResult(cleaned, mask, REGIONS, original=page)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """A polygon with four corners."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


REGIONS = (
    Region(box(10, 8, 29, 13), kind="bubble", text="こんにちは\n世界", action="fill",
           bubble=box(6, 4, 34, 20), safe_box=(7, 5, 34, 20)),
    Region(box(20, 30, 43, 35), kind="caption", action="inpaint"),
    Region(box(46, 2, 58, 20), kind="sfx", action="keep"),
)  # fmt: skip


def layers_of_psd(data: bytes) -> dict[str, tuple[np.ndarray, np.ndarray, tuple[int, int]]]:
    """Name -> colours and alpha from 0 to 1, and where they start: what is visible, bottom first.

    Read with psd-tools.
    """
    found = {}
    for layer in PSDImage.open(io.BytesIO(data)).descendants():
        if layer.is_group() or not layer.is_visible():
            continue
        alpha = layer.numpy("shape")
        color = layer.numpy("color")
        opaque = np.ones((*color.shape[:2], 1))
        found[layer.name] = (color, opaque if alpha is None else alpha, (layer.left, layer.top))
    return found


def layers_of_ora(data: bytes) -> dict[str, tuple[np.ndarray, np.ndarray, tuple[int, int]]]:
    """The same for OpenRaster, read with nothing but its description."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    root = ET.fromstring(archive.read("stack.xml"))
    found = {}

    def walk(element: ET.Element) -> None:
        for child in reversed(element):
            if child.get("visibility") == "hidden":
                continue
            if child.tag == "stack":
                walk(child)
                continue
            raster = read_image(archive.read(child.attrib["src"])).pixels
            top = np.iinfo(raster.dtype).max
            values = (raster if raster.ndim == 3 else raster[..., None]) / top
            channels = values.shape[2]
            color = values if channels % 2 else values[..., :-1]
            alpha = np.ones_like(color[..., :1]) if channels % 2 else values[..., -1:]
            place = int(child.attrib["x"]), int(child.attrib["y"])
            found[child.attrib["name"]] = (color, alpha, place)

    walk(root[0])
    return found


def flattened(
    layers: dict[str, tuple[np.ndarray, np.ndarray, tuple[int, int]]], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Layers laid over one another: ``(H, W, C)`` colours and ``(H, W, 1)`` alpha, 0 to 1."""
    channels = next(iter(layers.values()))[0].shape[2]
    color = np.zeros((size[1], size[0], channels))
    alpha = np.zeros((size[1], size[0], 1))
    for pixels, opacity, (x, y) in layers.values():
        part = np.s_[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        over = opacity + alpha[part] * (1 - opacity)
        mixed = pixels * opacity + color[part] * alpha[part] * (1 - opacity)
        color[part] = np.divide(mixed, over, out=np.zeros_like(mixed), where=over > 0)
        alpha[part] = over
    return color, alpha
