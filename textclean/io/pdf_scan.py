"""A scanned page: one image, or several side by side that are read as one.

Scanners that work in stripes, and programs that cut large pages into tiles, write one page as many
images. They are put together for cleaning; when the page is written, only the pieces that the mask
touches are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.io.guard import check_size
from textclean.io.pdf_content import Placement, find_images
from textclean.io.pdf_image import decode
from textclean.io.pdf_matrix import Matrix, invert, multiply, pixels_of_image
from textclean.io.pdf_objects import size_of
from textclean.io.pdf_spec import NotExactError
from textclean.io.raster import LOSSLESS, WARNINGS, Raster

if TYPE_CHECKING:
    from collections.abc import Callable

    import pikepdf
    from numpy.typing import NDArray

    from textclean.types import Box

# How far, in pixels, a piece may lie from the common grid.
_SLACK: Final = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """An image of the page.

    Attributes:
        placement: The image and where it lies.
        box: Its place among the page's stored pixels.
        raster: It alone, decoded.
    """

    placement: Placement
    box: Box
    raster: Raster


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A page that consists of images.

    Attributes:
        pieces: The images in the order of painting.
        raster: The whole page as stored.
        to_pixels: Maps user space to its stored pixels (column, row).
        hidden_text: Whether the page has text that is not seen.
    """

    pieces: tuple[Piece, ...]
    raster: Raster
    to_pixels: Matrix
    hidden_text: bool


def read_scan(
    page: pikepdf.Page,
    max_pixels: int,
    known: Callable[[pikepdf.Object], NDArray[Any] | None] | None = None,
) -> Scan | None:
    """The page's images, decoded; None when the page must be rendered.

    Args:
        page: The page.
        max_pixels: Larger ones are refused.
        known: Gives the stored pixels of a page of one image that this has read before, where they
            are at hand: then it is not decoded again.

    Raises:
        CorruptInputError: An image is damaged.
        TooLargeError: The page has more than ``max_pixels``.
    """
    placements = find_images(page)
    boxes = _layout(placements, max_pixels) if placements else None
    if boxes is None:
        return None
    try:
        if len(placements) == 1:
            image = placements[0].image
            rasters = [decode(image, max_pixels, pixels=known(image) if known else None)]
        else:
            rasters = [decode(placement.image, max_pixels) for placement in placements]
    except NotExactError:
        return None
    if not _alike(rasters):
        return None
    pieces = tuple(map(Piece, placements, boxes, rasters))
    first = pieces[0]
    to_pixels = _grid(first.placement)
    if to_pixels is None:
        return None
    left, top = first.box[:2]
    raster = first.raster if len(pieces) == 1 else _joined(pieces)
    metadata = replace(
        raster.metadata,
        orientation=first.placement.orientation,
        dpi=_resolution(first.placement),
    )
    return Scan(
        pieces,
        replace(raster, metadata=metadata),
        multiply(to_pixels, (1.0, 0.0, 0.0, 1.0, left, top)),
        first.placement.hidden_text,
    )


def _layout(placements: tuple[Placement, ...], max_pixels: int) -> list[Box] | None:
    """Where each image lies on the common pixel grid; None when they do not tile a rectangle."""
    first = placements[0]
    if len({placement.path for placement in placements}) < len(placements):
        # What one name paints in two places cannot be cleaned in one of them.
        return None
    if len(placements) == 1:
        return [(0, 0, *size_of(first.image))]
    grid = _grid(first)
    if grid is None or any(p.orientation != first.orientation for p in placements):
        return None
    boxes = []
    for placement in placements:
        box = _place(placement, grid)
        if box is None:
            return None
        boxes.append(box)
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    boxes = [(x0 - left, y0 - top, x1 - left, y1 - top) for x0, y0, x1, y1 in boxes]
    width, height = max(b[2] for b in boxes), max(b[3] for b in boxes)
    if sum((b[2] - b[0]) * (b[3] - b[1]) for b in boxes) != width * height:
        return None
    check_size(width, height, max_pixels)
    taken = np.zeros((height, width), np.bool_)
    for x0, y0, x1, y1 in boxes:
        taken[y0:y1, x0:x1] = True
    return boxes if taken.all() else None


def _place(placement: Placement, grid: Matrix) -> Box | None:
    """The whole pixels of the grid that an image takes, or None when it lies between them."""
    width, height = size_of(placement.image)
    # The image's own pixels -> user space -> the grid.
    own = _grid(placement)
    back = invert(own) if own is not None else None
    if back is None:
        return None
    a, b, c, d, e, f = multiply(back, grid)
    drift = max(abs(a - 1) * width, abs(d - 1) * height, abs(b) * width, abs(c) * height)
    x0, y0 = round(e), round(f)
    if drift > _SLACK or max(abs(e - x0), abs(f - y0)) > _SLACK:
        return None
    return x0, y0, x0 + width, y0 + height


def _grid(placement: Placement) -> Matrix | None:
    return pixels_of_image(placement.matrix, *size_of(placement.image))


def _alike(rasters: list[Raster]) -> bool:
    """Whether images can be one: mode, depth, palette and profile."""
    first = rasters[0]
    return all(
        r.mode == first.mode
        and r.pixels.dtype == first.pixels.dtype
        and r.metadata.icc == first.metadata.icc
        and (
            r.palette is first.palette
            or (
                r.palette is not None
                and first.palette is not None
                and np.array_equal(r.palette, first.palette)
            )
        )
        for r in rasters
    )


def _joined(pieces: tuple[Piece, ...]) -> Raster:
    """The pieces put together."""
    first = pieces[0].raster
    width, height = max(p.box[2] for p in pieces), max(p.box[3] for p in pieces)
    pixels = np.empty((height, width, *first.pixels.shape[2:]), first.pixels.dtype)
    notes: dict[str, None] = {}
    for piece in pieces:
        x0, y0, x1, y1 = piece.box
        pixels[y0:y1, x0:x1] = piece.raster.pixels
        notes |= dict.fromkeys(piece.raster.metadata.extra[WARNINGS])
    lossless = all(piece.raster.metadata.extra[LOSSLESS] for piece in pieces)
    extra = first.metadata.extra | {LOSSLESS: lossless, WARNINGS: tuple(notes)}
    return replace(first, pixels=pixels, metadata=replace(first.metadata, extra=extra))


def _resolution(placement: Placement) -> tuple[float, float]:
    """Pixels per inch along the rows and the columns."""
    a, b, c, d, _, _ = placement.matrix
    width, height = size_of(placement.image)
    across, down = (a * a + b * b) ** 0.5, (c * c + d * d) ** 0.5
    return width / (across * placement.unit), height / (down * placement.unit)
