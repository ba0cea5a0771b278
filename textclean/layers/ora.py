"""OpenRaster, which Krita, GIMP and MyPaint open: a ZIP file of PNGs and a list of layers."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import cv2
import numpy as np

from textclean import native
from textclean.io.picture_png import encode_png
from textclean.io.raster import Raster
from textclean.layers.stack import Group
from textclean.types import Metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.layers.stack import Item, Layer, Stack
    from textclean.types import Mode

_VERSION: Final = "0.0.5"
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same page
_THUMBNAIL: Final = 256
_MODES: Final[dict[tuple[int, bool], Mode]] = {
    (1, False): "L", (1, True): "LA", (3, False): "RGB", (3, True): "RGBA",
}  # fmt: skip
_WIDE: Final[dict[Mode, Mode]] = {
    "L": "I;16", "LA": "LA;16", "RGB": "RGB;16", "RGBA": "RGBA;16",
}  # fmt: skip


def encode_ora(stack: Stack) -> bytes:
    """An OpenRaster file of these layers; CMYK, which it does not know, becomes RGB."""
    writer = _Writer(stack)
    width, height = stack.size
    image = ET.Element("image", version=_VERSION, w=str(width), h=str(height))
    if stack.dpi is not None:
        across, down = (max(1, round(value)) for value in stack.dpi)
        image.set("xres", str(across))
        image.set("yres", str(down))
    writer.add(image, stack.items)
    return writer.finish(image)


class _Writer:
    """The ZIP file while it grows."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._about = Metadata(icc=None if stack.space == "CMYK" else stack.icc)
        self._out = io.BytesIO()
        self._zip = zipfile.ZipFile(self._out, "w")
        self._count = 0
        self._put("mimetype", b"image/openraster")

    def add(self, parent: ET.Element, items: tuple[Item, ...]) -> None:
        """List layers and groups in a stack of their own, the topmost first."""
        below = ET.SubElement(parent, "stack")
        for item in reversed(items):
            if isinstance(item, Group):
                self.add(below, item.layers)
                element = below[-1]
            else:
                element = ET.SubElement(below, "layer", self._layer(item))
            element.set("name", item.name)
            element.set("visibility", "visible" if item.visible else "hidden")

    def finish(self, image: ET.Element) -> bytes:
        """Write the list, the merged picture and a small one."""
        stack = self._stack
        self._put("stack.xml", ET.tostring(image, "UTF-8", xml_declaration=True))
        self._put("mergedimage.png", self._png(stack.merged, stack.alpha))
        self._put("Thumbnails/thumbnail.png", self._thumbnail())
        self._zip.close()
        return self._out.getvalue()

    def _layer(self, layer: Layer) -> dict[str, str]:
        self._count += 1
        name = f"data/layer{self._count:03d}.png"
        self._put(name, self._png(layer.pixels, layer.alpha))
        place = {"src": name, "x": str(layer.left), "y": str(layer.top), "opacity": "1.0"}
        return {**place, "edit-locked": "true"} if layer.locked else place

    def _png(self, colors: NDArray[Any], alpha: NDArray[Any] | None) -> bytes:
        if self._stack.space == "CMYK":
            colors = native.to_rgb(colors, "CMYK")
        mode = _MODES[colors.shape[2], alpha is not None]
        if alpha is not None:
            colors = np.dstack([colors, alpha])
        pixels = colors[..., 0] if colors.shape[2] == 1 else colors
        wide = pixels.dtype == np.uint16
        return encode_png(Raster(pixels, _WIDE[mode] if wide else mode, metadata=self._about))

    def _thumbnail(self) -> bytes:
        """At most 256 pixels a side, 8 bits."""
        merged, alpha = self._stack.merged, self._stack.alpha
        if self._stack.depth == 16:
            merged = (merged >> 8).astype(np.uint8)
            alpha = None if alpha is None else (alpha >> 8).astype(np.uint8)
        scale = min(1.0, _THUMBNAIL / max(self._stack.size))
        width, height = (max(1, round(side * scale)) for side in self._stack.size)

        def small(array: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA))

        colors = small(merged).reshape(height, width, merged.shape[2])
        return self._png(colors, None if alpha is None else small(alpha))

    def _put(self, name: str, data: bytes) -> None:
        """PNGs are packed already; and the first entry must not be."""
        self._zip.writestr(zipfile.ZipInfo(name, _MOMENT), data)
