"""What a report shows of a page: small pictures, and what was decided about each region."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from PIL import Image as PILImage

from textclean import native
from textclean.batch.overlay import region_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Page, PageResult, Polygon, Region

PIXELS: Final = 800_000
"""Pictures of larger pages are shrunk to about as many pixels."""

PICTURE_BYTES: Final = 256 * 1024
"""A picture that would be larger is made coarser."""

THUMBNAIL: Final = (104, 136)
"""The box that a thumbnail fits into: width and height in pixels."""

_LONGEST: Final = 16_000  # pixels; WebP ends at 16,383
_QUALITIES: Final = (82, 60, 35)
_SHADE: Final = 0.45  # share of the colour over a region of a thumbnail
_TALLEST: Final = 1.6  # a strip's thumbnail shows so many widths of its top


@dataclass(frozen=True, slots=True)
class PageView:
    """What a report shows of a page, small enough to travel between processes.

    Coordinates are pixels of the upright page, as the pictures show it.

    Attributes:
        size: Width and height of the upright page in pixels.
        regions: What was decided about each region, plain values, in reading order; see
            ``textclean/report/report.schema.json``.
        thumbnail: JPEG of the page with its regions shaded.
        before: JPEG of the page as it was.
        patch: WebP of the same size: what may have changed, as it is now, the rest transparent;
            empty when nothing may have changed.
    """

    size: tuple[int, int]
    regions: tuple[dict[str, Any], ...] = ()
    thumbnail: bytes = b""
    before: bytes = b""
    patch: bytes = b""


@dataclass(frozen=True, slots=True)
class PageViewer:
    """Makes the view of a page while its pixels are at hand.

    Attributes:
        pictures: Whether pictures are wanted, too.
    """

    pictures: bool = True

    def __call__(self, page: Page, result: PageResult | None) -> PageView:
        """The view of a page.

        Args:
            page: The page as it was read.
            result: What came of it; None when it failed.
        """
        regions = () if result is None else result.regions
        outlines = _outlines(page, regions)
        told = tuple(map(_region_dict, regions, outlines))
        if not self.pictures:
            return PageView(page.size, told)
        before = _shrunk(page.rgb, _scale(page.size))
        return PageView(
            page.size,
            told,
            thumbnail=_thumbnail(page, regions, outlines),
            before=_jpeg(before),
            patch=b"" if result is None or not result.changed else _patch(result, before.shape),
        )


def _outlines(page: Page, regions: Sequence[Region]) -> list[Polygon]:
    """The regions' polygons on the upright page."""
    orientation = page.metadata.orientation
    return [native.points_upright(region.polygon, orientation, page.size) for region in regions]


def _region_dict(region: Region, outline: Polygon) -> dict[str, Any]:
    background = region.background
    return {
        "kind": region.kind,
        "action": region.action,
        "reason": region.reason,
        "score": _number(region.score),
        "confidence": _number(region.confidence),
        "residual": _number(region.residual),
        "background": None if background is None else background.texture,
        "see_through": region.see_through,
        "grown": region.grown,
        "text": region.text,
        "language": region.language,
        "polygon": np.rint(outline).astype(int).tolist(),
    }


def _number(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return round(float(value), 4) if value is not None and math.isfinite(value) else None


def _scale(size: tuple[int, int]) -> float:
    """How much a page is shrunk; 1 = not at all."""
    wide, high = size
    return min(1.0, math.sqrt(PIXELS / (wide * high)), _LONGEST / max(wide, high))


def _shrunk(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return image.copy()
    high, wide = image.shape[:2]
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: Image) -> bytes:
    """As a JPEG of at most :data:`PICTURE_BYTES`, where the coarsest quality gets there."""
    data = b""
    for quality in _QUALITIES:
        out = io.BytesIO()
        PILImage.fromarray(image).save(out, "JPEG", quality=quality)
        data = out.getvalue()
        if len(data) <= PICTURE_BYTES:
            break
    return data


def _patch(result: PageResult, shape: tuple[int, ...]) -> bytes:
    """The cleaned pixels under the mask, at the size of the other picture."""
    page = result.page
    high, wide = shape[:2]
    after = _shrunk(page.rgb, _scale(page.size))
    alpha = _covered(native.upright(result.mask, page.metadata.orientation), (wide, high))
    picture = PILImage.fromarray(np.dstack([after, np.uint8(255) * alpha]))
    data = b""
    for quality in _QUALITIES:
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=1)
        data = out.getvalue()
        if len(data) <= PICTURE_BYTES:
            break
    return data


def _covered(mask: Mask, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of a smaller picture that a mask reaches, ``(H, W)`` bool."""
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0)


def _thumbnail(page: Page, regions: Sequence[Region], outlines: Sequence[Polygon]) -> bytes:
    wide, high = page.size
    shown = min(high, round(_TALLEST * wide)) if high > 0 else high
    scale = min(1.0, THUMBNAIL[0] / wide, THUMBNAIL[1] / shown)
    canvas = _shrunk(page.rgb[:shown], scale)
    for region, outline in zip(regions, outlines, strict=True):
        _shade(canvas, np.rint(outline * scale).astype(np.int32), region_color(region))
    out = io.BytesIO()
    PILImage.fromarray(canvas).save(out, "JPEG", quality=70)
    return out.getvalue()


def _shade(canvas: Image, outline: NDArray[np.int32], color: tuple[int, int, int]) -> None:
    """Colour the inside of a polygon, in place."""
    inside = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillPoly(inside, [outline], 1)
    chosen = inside > 0
    mixed = (1 - _SHADE) * canvas[chosen] + _SHADE * np.array(color)
    canvas[chosen] = np.rint(mixed).astype(np.uint8)
