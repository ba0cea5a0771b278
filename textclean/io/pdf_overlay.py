"""Cleaned areas laid over a PDF page as small images; the page beneath stays as it is."""

from __future__ import annotations

import copy
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.io.pdf_matrix import pixels_of_image
from textclean.io.pdf_objects import open_states
from textclean.io.pdf_page import inherited, mapping, rotation, visible_box
from textclean.io.scanlines import encode_scanlines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textclean.io.pdf_matrix import Matrix
    from textclean.types import Box, Image, Mask

COVERED: Final = (
    "PDF: text under the cleaned areas could not be taken out of a page's damaged content; it is "
    "covered, and can still be selected and found"
)
"""What is warned of where patches are all that could be done."""

# Points by which a patch is smaller on each side: a fortieth of a pixel at 1200 dpi.
_HAIR: Final = 0.0015
# Marks nearer than this share a patch: one image a bubble, not one a letter.
_REACH: Final = 24


@dataclass(frozen=True, slots=True)
class Patch:
    """A cleaned area, compressed.

    Attributes:
        box: Where it lies on the shown page, in pixels.
        channels: 1 for grey, 3 for RGB.
        samples: Number under which its scan lines, as PNG has them, are kept.
        alpha: The same for its mask: one bit a pixel, deflated; 1 = shown.
    """

    box: Box
    channels: int
    samples: int
    alpha: int


def make_patches(picture: Image, mask: Mask, keep: Callable[[bytes], int]) -> tuple[Patch, ...]:
    """Cut out the cleaned areas of a page.

    The picture fills a patch's whole box, not only the mask: a viewer that interpolates at the
    mask's edge must find the page's own colours there.

    Args:
        picture: ``(H, W, 3)`` uint8 RGB, the cleaned page as it is shown.
        mask: ``(H, W)`` bool, the pixels that count.
        keep: Keeps compressed bytes; the number that finds them again.
    """
    patches = []
    for box, cut in _areas(mask):
        x0, y0, x1, y1 = box
        crop = picture[y0:y1, x0:x1]
        grey = bool((crop == crop[..., :1]).all())
        rows = np.ascontiguousarray(crop[..., :1] if grey else crop).reshape(y1 - y0, -1)
        alpha = zlib.compress(np.packbits(cut, axis=1).tobytes(), 9)
        channels = 1 if grey else 3
        samples = encode_scanlines(rows, channels)
        patches.append(Patch(box, channels, keep(samples), keep(alpha)))
    return tuple(patches)


def lay_over(
    page: pikepdf.Page,
    patches: Sequence[Patch],
    size: tuple[int, int],
    fetch: Callable[[int], pikepdf.Stream],
) -> None:
    """Append patches to a page's content.

    Args:
        page: The page.
        patches: What to lay over it.
        size: Width and height in pixels of the shown page that they were cut from.
        fetch: Gives kept bytes as a stream of the page's file.
    """
    names = _own_xobjects(page)
    box, degrees = visible_box(page), rotation(page)
    drawing = []
    for number, patch in enumerate(patches, start=1):
        name = _free_name(names, number)
        names[name] = _image(patch, fetch)
        matrix = _inset(_matrix(patch.box, size, box, degrees))
        numbers = " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in matrix)
        drawing.append(f"q {numbers} cm {name} Do Q")
    # The page's own content may leave its coordinate system changed: it is put in brackets.
    closing = "Q " * (1 + open_states(page))
    lines = "\n".join(drawing)
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(f"\n{closing}\n/Artifact BMC\n{lines}\nEMC\n".encode("ascii"))


def _inset(matrix: Matrix) -> Matrix:
    """A patch a hair smaller on each side.

    Rounded, it might else reach a hair into the next row of pixels, and a viewer would then draw it
    over that row, too.
    """
    a, b, c, d, e, f = matrix
    across, along = (min(_HAIR / max(math.hypot(*v), _HAIR), 0.25) for v in ((a, b), (c, d)))
    return (
        a * (1 - 2 * across),
        b * (1 - 2 * across),
        c * (1 - 2 * along),
        d * (1 - 2 * along),
        e + a * across + c * along,
        f + b * across + d * along,
    )


def _own_xobjects(page: pikepdf.Page) -> Any:
    """The page's own dictionary of XObjects; other pages may share the present one."""
    resources = copy.copy(mapping(inherited(page.obj, "/Resources")))
    resources.XObject = copy.copy(mapping(resources.get("/XObject")))
    page.obj.Resources = resources
    return page.obj.Resources.XObject


def _free_name(taken: Any, number: int) -> str:
    name = f"/TextcleanPatch{number}"
    while name in taken:
        name += "x"
    return name


def _areas(mask: Mask) -> Iterator[tuple[Box, Mask]]:
    """Boxes of neighbouring mask pixels, with the mask in each, in reading order."""
    import cv2

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    reach = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * _REACH + 1, 2 * _REACH + 1))
    _, labels = cv2.connectedComponents(cv2.dilate(part, reach))
    labels[part == 0] = 0
    for label in np.unique(labels[labels > 0]):
        inside = labels == label
        ys, xs = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        y0, y1, x0, x1 = int(ys[0]), int(ys[-1]) + 1, int(xs[0]), int(xs[-1]) + 1
        yield (left + x0, top + y0, left + x1, top + y1), inside[y0:y1, x0:x1]


def _image(patch: Patch, fetch: Callable[[int], pikepdf.Stream]) -> pikepdf.Stream:
    """An image XObject with a one-bit soft mask."""
    width, height = patch.box[2] - patch.box[0], patch.box[3] - patch.box[1]
    grey, rgb = pikepdf.Name.DeviceGray, pikepdf.Name.DeviceRGB
    alpha, image = fetch(patch.alpha), fetch(patch.samples)
    for stream in (alpha, image):
        stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        stream.Width, stream.Height = width, height
        stream.Filter = pikepdf.Name.FlateDecode
    alpha.ColorSpace, alpha.BitsPerComponent = grey, 1
    image.ColorSpace, image.BitsPerComponent = grey if patch.channels == 1 else rgb, 8
    image.DecodeParms = pikepdf.Dictionary(
        Predictor=15, Colors=patch.channels, BitsPerComponent=8, Columns=width
    )
    image.SMask = alpha
    return image


def shown_pixels(page: pikepdf.Page, size: tuple[int, int]) -> Matrix | None:
    """The map from user space to the pixels (column, row) of the shown page of a size."""
    width, height = size
    whole = _matrix((0, 0, width, height), size, visible_box(page), rotation(page))
    return pixels_of_image(whole, width, height)


def _matrix(
    place: Box, size: tuple[int, int], box: tuple[float, float, float, float], degrees: int
) -> Matrix:
    """The matrix that puts the unit square where pixels ``place`` of the shown page are."""
    x0, y0, x1, y1 = place
    width, height = size

    def user(s: float, t: float) -> tuple[float, float]:
        """User space of a point of the shown page; s to the right, t upwards, 0 to 1."""
        u, v = {0: (s, t), 90: (1 - t, s), 180: (1 - s, 1 - t), 270: (t, 1 - s)}[degrees]
        return box[0] + u * (box[2] - box[0]), box[1] + v * (box[3] - box[1])

    origin = user(x0 / width, 1 - y1 / height)
    right = user(x1 / width, 1 - y1 / height)
    up = user(x0 / width, 1 - y0 / height)
    return (
        right[0] - origin[0],
        right[1] - origin[1],
        up[0] - origin[0],
        up[1] - origin[1],
        *origin,
    )
