"""Pictures of the regions of a page that came out worst."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PilImage

from textclean.evaluation.metrics import (
    OVER_ERASED_DISTANCE,
    far_from,
    judged,
    psnr,
    region,
    squared_error,
)
from textclean.evaluation.results import RegionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.evaluation.data import PairImages
    from textclean.types import Box, Image, Mask

MAX_SIDE = 480
MARGIN = 12
_RIGHT, _MISSED, _EXTRA = (0, 160, 60), (230, 0, 0), (30, 80, 255)


def worst_regions(
    images: PairImages,
    cleaned: Image,
    hole: Mask,
    mask: Mask,
    *,
    ignore: Sequence[Box] = (),
    count: int = 3,
) -> tuple[RegionView, ...]:
    """The regions with the largest sum of squared errors, worst first.

    Regions are the connected parts of the true region and of everything that the mask covers
    outside it. Large ones are cut to 480 pixels a side around their worst spot.

    Args:
        images: The pair.
        cleaned: ``(H, W, 3)`` uint8.
        hole: ``(H, W)`` bool, the true hole.
        mask: ``(H, W)`` bool, what was removed.
        ignore: Boxes that are not judged.
        count: At most this many; regions without any error are left out.
    """
    if count < 1:
        return ()
    area = judged(hole.shape, ignore)
    errors = squared_error(cleaned, images.clean) * area
    parts = ((region(hole, ignore) | mask) & area).astype(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(parts, connectivity=8)
    energy = np.bincount(labels.reshape(-1), weights=errors.reshape(-1), minlength=number)
    energy[0] = 0.0
    order = [int(label) for label in np.argsort(-energy, kind="stable")[:count]]
    overlay = _overlay(images, mask, ignore)
    views = []
    for label in order:
        if energy[label] > 0:
            x, y, width, height = (int(value) for value in stats[label][:4])
            box = _cut((x, y, x + width, y + height), errors, labels == label)
            views.append(_view(images, cleaned, overlay, box, float(energy[label])))
    return tuple(views)


def _view(images: PairImages, cleaned: Image, overlay: Image, box: Box, error: float) -> RegionView:
    x0, y0, x1, y1 = box
    window = (slice(y0, y1), slice(x0, x1))
    pictures = {
        "before": images.lettered[window],
        "after": cleaned[window],
        "truth": images.clean[window],
        "mask": overlay[window],
    }
    return RegionView(
        box=box,
        psnr=psnr(cleaned[window], images.clean[window]),
        error=error,
        pictures={name: _encode(picture) for name, picture in pictures.items()},
    )


def _overlay(images: PairImages, mask: Mask, ignore: Sequence[Box]) -> Image:
    """The page, pale, with the mask laid over it.

    Green = masked near text, red = text that the mask missed, blue = masked more than 12 pixels
    from any text, dark = not judged.
    """
    pale = (images.lettered // 2 + 127).astype(np.uint8)
    far = far_from(images.text, OVER_ERASED_DISTANCE)
    _tint(pale, mask & ~far, _RIGHT)
    _tint(pale, mask & far, _EXTRA)
    _tint(pale, images.text & ~mask, _MISSED)
    pale[~judged(mask.shape, ignore)] //= 2
    return pale


def _tint(image: Image, where: Mask, color: tuple[int, int, int]) -> None:
    """Mix half of ``color`` into the chosen pixels, in place."""
    image[where] = image[where] // 2 + np.array(color, np.uint8) // 2


def _cut(box: Box, errors: NDArray[np.int32], part: Mask) -> Box:
    """The box with a margin, on the page, at most ``MAX_SIDE`` a side around the worst spot."""
    height, width = errors.shape
    x0, y0, x1, y1 = box
    window = (slice(y0, y1), slice(x0, x1))
    blurred = cv2.blur((errors[window] * part[window]).astype(np.float32), (MAX_SIDE // 4,) * 2)
    worst_y, worst_x = np.unravel_index(int(blurred.argmax()), blurred.shape)
    left, right = _span(x0 - MARGIN, x1 + MARGIN, x0 + int(worst_x), width)
    top, bottom = _span(y0 - MARGIN, y1 + MARGIN, y0 + int(worst_y), height)
    return left, top, right, bottom


def _span(start: int, stop: int, center: int, size: int) -> tuple[int, int]:
    """At most ``MAX_SIDE`` of ``start`` to ``stop`` around ``center``, inside ``0`` to ``size``."""
    start, stop = max(start, 0), min(stop, size)
    if stop - start > MAX_SIDE:
        start = min(max(start, center - MAX_SIDE // 2), stop - MAX_SIDE)
        stop = start + MAX_SIDE
    return start, stop


def _encode(picture: Image) -> bytes:
    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(picture)).save(buffer, "WEBP", quality=90)
    return buffer.getvalue()
