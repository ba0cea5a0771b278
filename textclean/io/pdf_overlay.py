"""Cleaned areas laid over a PDF page as small images; the page beneath stays as it is."""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.io.pdf_content import open_states
from textclean.io.pdf_page import inherited, mapping, rotation, visible_box
from textclean.io.scanlines import encode_scanlines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textclean.types import Box, Image, Mask

    Matrix = tuple[float, float, float, float, float, float]

COVERED: Final = (
    "PDF: text under the cleaned areas is covered, not removed; it can still be selected and found"
)
"""What is warned of where patches are used."""

# Marks nearer than this share a patch: one image a bubble, not one a letter.
_REACH: Final = 24


@dataclass(frozen=True, slots=True)
class Patch:
    """A cleaned area, compressed.

    Attributes:
        box: Where it lies on the shown page, in pixels.
        channels: 1 for grey, 3 for RGB.
        samples: Its scan lines, as PNG has them.
        alpha: One bit a pixel, deflated; 1 = shown.
    """

    box: Box
    channels: int
    samples: bytes
    alpha: bytes


def make_patches(picture: Image, mask: Mask) -> tuple[Patch, ...]:
    """Cut out the cleaned areas of a page.

    The picture fills a patch's whole box, not only the mask: a viewer that interpolates at the
    mask's edge must find the page's own colours there.

    Args:
        picture: ``(H, W, 3)`` uint8 RGB, the cleaned page as it is shown.
        mask: ``(H, W)`` bool, the pixels that count.
    """
    patches = []
    for box, cut in _areas(mask):
        x0, y0, x1, y1 = box
        crop = picture[y0:y1, x0:x1]
        grey = bool((crop == crop[..., :1]).all())
        rows = np.ascontiguousarray(crop[..., :1] if grey else crop).reshape(y1 - y0, -1)
        alpha = zlib.compress(np.packbits(cut, axis=1).tobytes(), 9)
        channels = 1 if grey else 3
        patches.append(Patch(box, channels, encode_scanlines(rows, channels), alpha))
    return tuple(patches)


def lay_over(
    pdf: pikepdf.Pdf, page: pikepdf.Page, patches: Sequence[Patch], size: tuple[int, int]
) -> None:
    """Append patches to a page's content.

    Args:
        pdf: The file that ``page`` belongs to.
        page: The page.
        patches: What to lay over it.
        size: Width and height in pixels of the shown page that they were cut from.
    """
    names = _own_xobjects(page)
    box, degrees = visible_box(page), rotation(page)
    drawing = []
    for number, patch in enumerate(patches, start=1):
        name = _free_name(names, number)
        names[name] = _image(pdf, patch)
        matrix = _matrix(patch.box, size, box, degrees)
        numbers = " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in matrix)
        drawing.append(f"q {numbers} cm {name} Do Q")
    # The page's own content may leave its coordinate system changed: it is put in brackets.
    closing = "Q " * (1 + open_states(page))
    lines = "\n".join(drawing)
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(f"\n{closing}\n/Artifact BMC\n{lines}\nEMC\n".encode("ascii"))


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


def _image(pdf: pikepdf.Pdf, patch: Patch) -> pikepdf.Stream:
    """An image XObject with a one-bit soft mask."""
    width, height = patch.box[2] - patch.box[0], patch.box[3] - patch.box[1]
    grey, rgb = pikepdf.Name.DeviceGray, pikepdf.Name.DeviceRGB
    common: dict[str, Any] = {"Type": pikepdf.Name.XObject, "Subtype": pikepdf.Name.Image}
    common |= {"Width": width, "Height": height, "Filter": pikepdf.Name.FlateDecode}
    alpha = pdf.make_stream(patch.alpha, ColorSpace=grey, BitsPerComponent=1, **common)
    parms = pikepdf.Dictionary(
        Predictor=15, Colors=patch.channels, BitsPerComponent=8, Columns=width
    )
    return pdf.make_stream(
        patch.samples,
        ColorSpace=grey if patch.channels == 1 else rgb,
        BitsPerComponent=8,
        DecodeParms=parms,
        SMask=alpha,
        **common,
    )


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
