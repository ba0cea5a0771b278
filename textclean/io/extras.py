"""What is written beside the cleaned page, and masks that a user drew.

These files are for people and their image editors, which show a page upright: so they are upright
too, whatever the orientation in which the page itself is stored.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textclean.errors import InputError, MaskError
from textclean.io.guard import MAX_PIXELS
from textclean.io.images import decode_image, read_file
from textclean.io.raster import Raster
from textclean.io.scanlines import SIGNATURE, chunk, encode_scanlines, header
from textclean.native import to_rgb, upright

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from textclean.types import Mask, Page

_GREY, _RGB_ALPHA = 0, 6


def save_patch(page: Page, mask: Mask) -> bytes:
    """The cleaned pixels alone: an RGBA PNG of the page's size, to lay over the original.

    Args:
        page: The cleaned page.
        mask: ``(H, W)`` bool, as stored: the pixels to show; all others are transparent black.

    Returns:
        The PNG, upright, with the page's resolution and, where it is one for RGB, its profile.

    Raises:
        MaskError: The mask has not the size of the page as stored.
    """
    if mask.shape != page.pixels.shape[:2]:
        raise MaskError(f"the mask is {mask.shape}, the page as stored {page.pixels.shape[:2]}")
    shown = upright(mask, page.metadata.orientation)
    rgba = np.zeros((*shown.shape, 4), np.uint8)
    rgba[shown, :3] = page.rgb[shown]
    rgba[shown, 3] = 255
    about = b""
    icc, dpi = page.metadata.icc, page.metadata.dpi
    if icc is not None and icc[16:20] == b"RGB ":
        about += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if dpi is not None:
        across, down = dpi if page.metadata.orientation < 5 else dpi[::-1]
        meters = struct.pack(">IIB", round(across / 0.0254), round(down / 0.0254), 1)
        about += chunk(b"pHYs", meters)
    return _png(rgba, _RGB_ALPHA, about)


def save_mask(mask: Mask, orientation: int = 1) -> bytes:
    """A mask as an 8-bit grey PNG, white = remove; :func:`read_mask` reads it.

    Args:
        mask: ``(H, W)`` bool.
        orientation: EXIF orientation of a mask that is as stored; 1 for one that is upright.
    """
    return _png(upright(mask, orientation)[..., None].astype(np.uint8) * np.uint8(255), _GREY)


def read_mask(
    path: str | os.PathLike[str], size: tuple[int, int], *, max_pixels: int = MAX_PIXELS
) -> Mask:
    """Read a mask that :func:`save_mask` wrote or a user drew.

    In a picture with transparent parts, what is painted is removed, whatever its colour. In any
    other, light pixels (128 and above) are removed and dark ones kept.

    Args:
        path: An image in any format that pages are read from.
        size: Width and height of the page, upright.
        max_pixels: Larger images are refused before decoding.

    Returns:
        ``(H, W)`` bool, upright, True = remove.

    Raises:
        FileAccessError: It cannot be read.
        InputError: It is no image that can be read.
        MaskError: It has not the size of the page.
    """
    file = Path(path)
    try:
        raster = decode_image(read_file(file), max_pixels)
    except InputError as error:
        raise error.at(source=str(file)) from None
    mask = np.ascontiguousarray(upright(_marked(raster), raster.metadata.orientation))
    height, width = mask.shape
    if (width, height) != tuple(size):
        raise MaskError(
            f"the mask is {width} x {height} pixels and the page is {size[0]} x {size[1]}",
            remedy="Draw it at the size of the page",
            source=str(file),
        )
    return mask


def _marked(raster: Raster) -> Mask:
    alpha = _alpha(raster)
    if alpha is not None and (alpha < 255).any():
        painted: Mask = alpha >= 128
        return painted
    rgb = to_rgb(raster.pixels, raster.mode, raster.palette)
    # Green carries most of the luminance; a mask is black and white anyway.
    light: Mask = rgb[..., 1] >= 128
    return light


def _alpha(raster: Raster) -> NDArray[np.uint8] | None:
    """``(H, W)`` uint8, or None when the picture has none."""
    pixels, palette = raster.pixels, raster.palette
    if raster.transparent is not None:
        return np.where(raster.transparent, 0, 255).astype(np.uint8)
    if raster.mode in ("LA", "PA", "RGBA", "LA;16", "RGBA;16"):
        depth = 8 if pixels.dtype == np.uint16 else 0
        alpha: NDArray[np.uint8] = (pixels[..., -1] >> depth).astype(np.uint8)
        return alpha
    if raster.mode == "P" and palette is not None and palette.shape[1] == 4:
        shown: NDArray[np.uint8] = palette[np.minimum(pixels, len(palette) - 1), 3]
        return shown
    return None


def _png(samples: NDArray[np.uint8], color: int, about: bytes = b"") -> bytes:
    """A PNG of ``(H, W, C)`` 8-bit samples, with chunks that stand before the pixels."""
    height, width, channels = samples.shape
    rows = np.ascontiguousarray(samples).reshape(height, width * channels)
    ihdr = chunk(b"IHDR", header(width, height, 8, color))
    idat = chunk(b"IDAT", encode_scanlines(rows, channels))
    return SIGNATURE + ihdr + about + idat + chunk(b"IEND", b"")
