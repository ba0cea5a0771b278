"""Between the array as the file stores it and the upright RGB view that everything works on.

Two directions: :func:`to_rgb` for looking, :func:`merge` for writing cleaned pixels
back into the native array, where everything outside the mask stays as it was, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Mode, Page, Polygon, Region


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a stored array the way its EXIF orientation (1 to 8) wants it seen; a view."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


def stored(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The inverse of :func:`upright`; a view."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    return upright(array, inverse)


def points_stored(points: Polygon, orientation: int, size: tuple[int, int]) -> Polygon:
    """Map ``(N, 2)`` upright pixel coordinates to stored ones; ``size`` = upright width, height."""
    width, height = size
    x, y = points[:, 0], points[:, 1]
    if orientation in (3, 4, 7, 8):
        y = height - 1 - y
    if orientation in (2, 3, 6, 7):
        x = width - 1 - x
    if orientation >= 5:
        x, y = y, x
    return np.stack([x, y], axis=1).astype(np.float32)


def box_stored(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """Map an upright box of whole pixels to a stored one; ``size`` = upright width, height."""
    return _around(points_stored(_corners(box), orientation, size))


def box_upright(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """The inverse of :func:`box_stored`; ``size`` = upright width, height."""
    return _around(points_upright(_corners(box), orientation, size))


def region_stored(region: Region, orientation: int, size: tuple[int, int]) -> Region:
    """A region in stored coordinates, all of it; ``size`` = upright width, height."""
    return _turned(region, orientation, size, points_stored, box_stored)


def region_upright(region: Region, orientation: int, size: tuple[int, int]) -> Region:
    """The inverse of :func:`region_stored`; ``size`` = upright width, height."""
    return _turned(region, orientation, size, points_upright, box_upright)


def _turned(
    region: Region,
    orientation: int,
    size: tuple[int, int],
    points: Callable[[Polygon, int, tuple[int, int]], Polygon],
    box: Callable[[Box, int, tuple[int, int]], Box],
) -> Region:
    if orientation == 1:
        return region
    turn = orientation, size
    bubble, safe, ellipse = region.bubble, region.safe_box, region.safe_ellipse
    return region.with_(
        polygon=points(region.polygon, *turn),
        lines=tuple(points(line, *turn) for line in region.lines),
        bubble=None if bubble is None else points(bubble, *turn),
        safe_box=None if safe is None else box(safe, *turn),
        safe_ellipse=None if ellipse is None else box(ellipse, *turn),
    )


def _corners(box: Box) -> Polygon:
    """The first and the last pixel of a box."""
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1 - 1, y1 - 1]], np.float32)


def _around(pixels: Polygon) -> Box:
    (left, top), (right, bottom) = pixels.min(axis=0).astype(int), pixels.max(axis=0).astype(int)
    return int(left), int(top), int(right) + 1, int(bottom) + 1


def points_upright(points: Polygon, orientation: int, size: tuple[int, int]) -> Polygon:
    """The inverse of :func:`points_stored`; ``size`` = upright width, height."""
    width, height = size
    x, y = points[:, 0], points[:, 1]
    if orientation >= 5:
        x, y = y, x
    if orientation in (2, 3, 6, 7):
        x = width - 1 - x
    if orientation in (3, 4, 7, 8):
        y = height - 1 - y
    return np.stack([x, y], axis=1).astype(np.float32)


def to_rgb(pixels: NDArray[Any], mode: Mode, palette: NDArray[np.uint8] | None = None) -> Image:
    """The ``(H, W, 3)`` uint8 RGB look of a native array; alpha is laid over white.

    16-bit values are divided by 257 and rounded. CMYK (0 = no ink) is converted without a colour
    profile: ``(255 - ink) * (255 - k) / 255``; what counts is that :func:`merge` inverts it.
    """
    depth8 = _to_8bit(pixels)
    base = mode.removesuffix(";16")
    if base == "1":
        return _three_times(depth8.view(np.uint8) * np.uint8(255))
    if base in ("L", "I"):
        return _three_times(depth8)
    if base == "LA":
        return _over_white(np.repeat(depth8[..., :1], 3, axis=2), depth8[..., 1])
    if base in ("P", "PA"):
        colors = _palette(palette)
        index = depth8[..., 0] if base == "PA" else depth8
        rgba = colors[np.minimum(index, len(colors) - 1)]
        rgb = np.ascontiguousarray(rgba[..., :3])
        if colors.shape[1] == 4:
            rgb = _over_white(rgb, rgba[..., 3])
        return _over_white(rgb, depth8[..., 1]) if base == "PA" else rgb
    if base == "RGB":
        return np.ascontiguousarray(depth8)
    if base == "RGBA":
        return _over_white(depth8[..., :3], depth8[..., 3])
    return _of_inks(depth8)


def merge(page: Page, cleaned: Image, mask: Mask) -> Page:
    """The page with ``cleaned`` put in place of its pixels under ``mask``.

    Args:
        page: The page as it came.
        cleaned: ``(H, W, 3)`` uint8 RGB, upright.
        mask: ``(H, W)`` bool, upright.

    Returns:
        A page of the same mode, depth, palette and metadata. Pixels outside the mask are the
        input's. Under it: bitonal pages are thresholded at mid-grey, palette pages take the
        nearest entry, transparent pixels keep their alpha.
    """
    orientation = page.metadata.orientation
    chosen = np.divmod(np.flatnonzero(stored(mask, orientation)), page.pixels.shape[1])
    colors = stored(cleaned, orientation)[chosen]  # (n, 3)
    pixels = page.pixels.copy()
    pixels[chosen] = _from_rgb(colors, pixels[chosen], page)
    rgb = page.rgb.copy()
    stored(rgb, orientation)[chosen] = to_rgb(pixels[chosen][None], page.mode, page.palette)[0]
    rgb.flags.writeable = False
    return replace(page, pixels=pixels, rgb=rgb)


def _from_rgb(colors: NDArray[np.uint8], before: NDArray[Any], page: Page) -> NDArray[Any]:
    """``(n, 3)`` uint8 RGB as native values; ``before`` holds the native values replaced."""
    wide = page.mode.endswith(";16")
    base = page.mode.removesuffix(";16")
    values = colors.astype(np.uint16) * 257 if wide else colors
    if base == "1":
        return _luma(colors) >= 128
    if base in ("L", "I"):
        return _luma(values).astype(before.dtype)
    if base in ("P", "PA"):
        index = _nearest(colors, _palette(page.palette)).astype(before.dtype)
        return index if base == "P" else np.column_stack([index, before[:, 1]])
    if base == "RGB":
        return values
    if base == "LA":
        return np.column_stack([_luma(values), before[:, 1]]).astype(before.dtype)
    if base == "RGBA":
        return np.column_stack([values, before[:, 3]]).astype(before.dtype)
    # CMYK with all the grey in the black plate, the inverse of to_rgb for such pixels.
    light = values.max(axis=1).astype(np.uint16)
    share = np.where(light == 0, 0, values.astype(np.float64).T * 255 / np.maximum(light, 1)).T
    inks = np.where(light[:, None] == 0, 0, 255 - np.rint(share))
    return np.column_stack([inks, 255 - light]).astype(before.dtype)


def _three_times(grey: NDArray[np.uint8]) -> Image:
    import cv2

    if not grey.size:
        return np.zeros((*grey.shape, 3), np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB))


def _to_8bit(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels


def _of_inks(inks: NDArray[np.uint8]) -> Image:
    """``(H, W, 4)`` CMYK as RGB."""
    import cv2

    if not inks.size:
        return np.zeros((*inks.shape[:2], 3), np.uint8)
    *lights, black = cv2.split(cv2.bitwise_not(np.ascontiguousarray(inks)))
    # No product of two bytes lies half-way between multiples of 255: single precision will do.
    return np.asarray(cv2.merge([cv2.multiply(light, black, scale=1 / 255) for light in lights]))


def _over_white(rgb: Image, alpha: NDArray[np.uint8]) -> Image:
    a = alpha[..., None].astype(np.uint16)
    return ((rgb * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)


def _luma(rgb: NDArray[Any]) -> NDArray[Any]:
    """Rec. 601 luma, rounded; exact for greys."""
    weighted = rgb.astype(np.uint64) @ np.array([299, 587, 114], dtype=np.uint64)
    return (weighted + 500) // 1000


def _palette(palette: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if palette is None or not len(palette):
        raise ValueError("a palette page needs a palette")
    return palette


def _nearest(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Index of the opaque palette entry nearest to each of the ``(n, 3)`` colours."""
    entries = palette[:, :3].astype(np.int32)
    unique, inverse = np.unique(colors, axis=0, return_inverse=True)
    distance = ((unique[:, None, :].astype(np.int32) - entries[None]) ** 2).sum(axis=2)
    if palette.shape[1] == 4 and (palette[:, 3] == 255).any():
        distance[:, palette[:, 3] < 255] = np.iinfo(np.int32).max
    chosen: NDArray[np.intp] = distance.argmin(axis=1)[inverse.reshape(-1)]
    return chosen
