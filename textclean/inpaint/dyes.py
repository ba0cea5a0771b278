"""Dyes first: a band of one transparent ink is divided out, and the print beneath it stays.

Light passes an ink and the print under it one after the other, so their densities (the logarithms
of what each lets through) add up: the law of Lambert and Beer. A network that is shown a band of
highlighter or a marker's stroke knows neither the law nor the sheet, and takes a part of the print
along: 16 to 31 dB where this gives 31 to 60.

A coloured dye is told by its colour. Print takes all colours alike, a dye some more than others; of
a pixel's three densities, those of the dye are the multiple of its own colour that leaves grey.
Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution" (2001), part
the dyes of a microscope's slide that way. A grey one is told by its level, which is even in a broad
stroke: what is darker is print. Where print is black there is little light left to measure, and the
dye lies as thick as on the paper beside it.

Thin strokes have neither, and stay with the inpainter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.inpaint.disks import grown
from textclean.inpaint.paper import LEVELS, densities, measure_paper
from textclean.inpaint.wrapped import Wrapped
from textclean.surface import strongest, weakest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.types import Image, Mask

    Plane = NDArray[np.float32]

COLORED = 0.2
"""Difference of a pixel's densities from which on its dye is coloured."""
PURE = 0.5
"""That difference in a band's colour, in parts of its largest density, at least."""
CLEAR = 0.55
"""Share of the light that a coloured band lets through, to the eye, at least: a highlighter, and
not the broad stroke of a pen, whose ink is less even."""
DARK = 0.4
"""Mean density from which on a grey dye may be there."""
OPAQUE = 2.2
"""Density of a grey band from which on nothing shows through."""
UNEVEN = 0.13
"""Median deviation of a grey band's density at most."""
OPEN = 0.2
"""Share of a grey band's rim at the edge of the hole, at most: print goes on outside of it."""
FEWEST = 150
"""Pixels of a band at least."""
WIDEST, BROAD = 9.0, 14.0
"""Width in pixels of a coloured and of a grey band at its widest, at least."""
CORE = 3.5
"""Pixels from the rim of a grey band from which on its dye is even. At the rim no level tells print
from ink, and an inpainter does well (20 to 40 dB)."""
RIM = 5
"""Pixels around a band that may have some of its dye."""
PRINT = 0.35
"""Density from which on what is beneath is print, or another's ink."""
MOST = 0.4
"""Share of a band's pixels, at least, in which its dye is thick: not of dark strokes that a few
coloured ones link."""
ASTRAY = 0.3
"""Density by which a pixel may miss what dye and grey can make; beyond, there is another ink."""
OUTSIDE = 0.25
"""Share of a dark stroke outside of the bands from which on it is a pen's, and not print."""
_EYE = np.array([0.299, 0.587, 0.114], np.float32)
_DISK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A band of one dye.

    Attributes:
        rows: Rows of the page that are looked at.
        columns: Columns.
        inside: ``(h, w)`` bool, pixels of the band: with its rim, or the core of a grey one.
        dye: ``(3,)`` densities of the dye, of length 1.
        level: Usual thickness of a grey dye, in these densities; None = the dye has a colour.
    """

    rows: slice
    columns: slice
    inside: Mask
    dye: Plane
    level: float | None = None

    @property
    def box(self) -> tuple[slice, slice]:
        """Index of the part of the page that is looked at."""
        return self.rows, self.columns


class DyesFirst(Wrapped):
    """An inpainter that bands of transparent ink are kept from.

    Highlighter is divided out of the page before it sees the page. The strokes of grey markers it
    sees as they are, for it fills their rims; then their cores are divided out.

    Args:
        inpainter: Fills the rest.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`; what is divided out has no error."""
        measured = None
        if see_through is not None and see_through.any():
            measured = measure_paper(image, ~mask)
        if measured is None or see_through is None:
            return super().fill_with_error(image, mask, see_through)
        freed, done = without_highlighter(image, mask, see_through, measured[0])
        rest, seen = mask & ~done, see_through & ~done
        if not rest.any():
            return freed, None
        filled, errors = super().fill_with_error(freed, rest, seen if seen.any() else None)
        return without_marker(freed, filled, rest, seen, measured[0]), errors


def without_highlighter(
    image: Image, mask: Mask, see_through: Mask, paper: Plane
) -> tuple[Image, Mask]:
    """The page without its bands of transparent colour.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool, the hole.
        see_through: ``(H, W)`` bool, where there may be bands.
        paper: ``(H, W, 3)`` float32, the sheet's colour.

    Returns:
        ``(H, W, 3)`` uint8; and ``(H, W)`` bool, the pixels of the hole that are done. What other
        inks cover in a band has lost the dye, and is left to be done.
    """
    done = np.zeros_like(mask)
    density = densities(image, paper)
    out, foreign = image.copy(), np.zeros_like(mask)
    dark = mask & (weakest(density) > PRINT)
    known = image[~mask]
    is_grey = bool((known == known[:, :1]).all())
    for band in _colored_bands(density, see_through):
        grey, dye = _by_color(density[band.box], band)
        fresh = band.inside & ~done[band.box]
        freed = _freed(image, paper, band, dye)
        if is_grey:  # the dye was all the colour there is
            freed = np.repeat(np.rint(freed @ _EYE)[..., None], 3, axis=2).astype(np.uint8)
        out[band.box][fresh] = freed[fresh]
        done[band.box] |= fresh
        foreign[band.box] |= fresh & (_astray(density[band.box], grey, dye, band) > ASTRAY)
        dark[band.box] &= ~fresh | (grey > PRINT)
    return out, done & ~foreign & ~_crossing(dark, done)


def without_marker(
    image: Image, filled: Image, mask: Mask, see_through: Mask, paper: Plane
) -> Image:
    """The filled page, with what lies under the cores of grey markers' strokes.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, before it was filled.
        filled: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole.
        see_through: ``(H, W)`` bool, where there may be strokes.
        paper: ``(H, W, 3)`` float32, the sheet's colour.
    """
    out, density = filled, densities(image, paper)
    for band in _grey_bands(density, mask, see_through):
        if out is filled:
            out = filled.copy()
        freed = _freed(image, paper, band, _by_level(density[band.box], band))
        out[band.box][band.inside] = freed[band.inside]
    return out


def _freed(image: Image, paper: Plane, band: Band, dye: Plane) -> Image:
    """A band's part of the page, ``(h, w, 3)`` uint8, without so much dye ``(h, w)``."""
    light = np.exp(np.multiply.outer(dye, band.dye))
    freed = np.minimum((image[band.box] + LEVELS) * light - LEVELS, paper[band.box] + LEVELS)
    return np.asarray(np.clip(np.rint(freed), 0, 255), np.uint8)


def _pieces(inked: Mask, widest: float) -> Iterator[tuple[slice, slice, Mask, Plane]]:
    """Connected parts that are broad enough: place on the page, pixels, and their depth."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        inked.astype(np.uint8), connectivity=8
    )
    depth = cv2.distanceTransform(inked.astype(np.uint8), cv2.DIST_L2, 5)
    for index in range(1, count):
        x, y, width, height, area = (int(value) for value in boxes[index])
        if area < FEWEST:
            continue
        rows = slice(max(y - RIM, 0), y + height + RIM)
        columns = slice(max(x - RIM, 0), x + width + RIM)
        own = labels[rows, columns] == index
        if 2 * float(depth[rows, columns][own].max()) >= widest:
            yield rows, columns, own, np.asarray(depth[rows, columns], np.float32)


def _colored_bands(density: Plane, see_through: Mask) -> Iterator[Band]:
    """Bands of highlighter."""
    colored = see_through & (strongest(density) - weakest(density) > COLORED)
    for rows, columns, own, _ in _pieces(colored, WIDEST):
        own = _broad(own)  # thin strokes that touch it are another's
        dye = _color(density[rows, columns][own]) if own.sum() >= FEWEST else None
        if dye is not None:
            yield Band(rows, columns, grown(own, RIM) & see_through[rows, columns], dye)


def _color(density: Plane) -> Plane | None:
    """The densities of a coloured band's dye, ``(3,)`` of length 1, from its pixels ``(N, 3)``.

    None when it is not transparent, or has no one colour.
    """
    low = density.min(axis=1)
    strength = density.max(axis=1) - low
    thick = strength > 0.6 * np.percentile(strength, 90)
    if float(thick.mean()) < MOST:
        return None
    bare = thick & (low <= np.percentile(low[thick], 40))
    color = np.maximum(np.median(density[bare], axis=0), 0)
    most, least = float(color.max()), float(color.min())
    if most - least < PURE * most or float(np.exp(-color) @ _EYE) < CLEAR:
        return None
    # Half of the band at least is as its dye makes it.
    unit = np.asarray(color / np.linalg.norm(color), np.float32)
    rest = density[thick] - np.outer(density[thick] @ unit, unit)
    return unit if float(np.median(np.linalg.norm(rest, axis=1))) <= ASTRAY else None


def _grey_bands(density: Plane, mask: Mask, see_through: Mask) -> Iterator[Band]:
    """Broad strokes of a marker, even and not quite black."""
    edge = mask & ~_shrunk(mask)
    for rows, columns, own, depth in _pieces(see_through & (density.mean(axis=2) > DARK), BROAD):
        part = density[rows, columns]
        core = own & (depth >= CORE)
        lightness = part[core].mean(axis=1)
        level = float(np.percentile(lightness, 40))
        even = float(np.median(np.abs(lightness - level))) <= UNEVEN
        rim = own & ~_shrunk(own)
        closed = float(edge[rows, columns][rim].mean()) <= OPEN
        if not even or not closed or level >= OPAQUE:
            continue
        bare = np.abs(lightness - level) <= UNEVEN
        color = np.median(part[core][bare], axis=0)
        if color.max() - color.min() > PURE * color.max():
            continue
        length = float(np.linalg.norm(color))
        yield Band(rows, columns, core, np.asarray(color / length, np.float32), length)


def _by_color(density: Plane, band: Band) -> tuple[Plane, Plane]:
    """What print and a coloured dye have of the densities, ``(h, w)`` each."""
    grey_way = np.full(3, 1 / np.sqrt(3), np.float32)
    along = float(grey_way @ band.dye)
    grey, dye = density @ grey_way, density @ band.dye
    scale = 1 / (1 - along * along)
    both = (grey - along * dye) * scale, (dye - along * grey) * scale
    grey = np.maximum(np.where(both[1] > 0, both[0], grey), 0)
    dye = np.maximum(np.where(both[0] > 0, both[1], dye), 0)
    near = _spread(dye, np.exp(-np.square(grey / 0.25)) * band.inside)
    own = np.exp(-np.square(grey / 0.1))
    return grey, np.asarray(own * dye + (1 - own) * near, np.float32)


def _by_level(density: Plane, band: Band) -> Plane:
    """What a grey dye has of the densities, ``(h, w)``."""
    assert band.level is not None
    total = np.maximum(density @ band.dye, 0)
    darker = np.maximum(total - np.float32(band.level), 0)
    near = _spread(
        np.minimum(total, band.level + PRINT), np.exp(-np.square(darker / 0.3)) * band.inside
    )
    grey = np.maximum(total - near, 0)
    own = np.exp(-np.square(grey / 0.2))
    return np.asarray(own * total + (1 - own) * near, np.float32)


def _spread(dye: Plane, weight: Plane) -> Plane:
    """The thickness of a dye: measured where it has weight, as thick as near by where it has none.

    Normalized convolution (Knutsson and Westin, CVPR 1993) with a kernel that has a long tail.
    """
    weight = np.asarray(weight + 1e-4, np.float32)
    total = share = np.zeros_like(dye)
    for reach, part in ((1.5, 1.0), (4.0, 0.05), (12.0, 0.002)):
        total = total + part * cv2.GaussianBlur(dye * weight, (0, 0), reach)
        share = share + part * cv2.GaussianBlur(weight, (0, 0), reach)
    return np.asarray(total / share, np.float32)


def _astray(density: Plane, grey: Plane, dye: Plane, band: Band) -> Plane:
    """What neither print nor dye explains of the densities, ``(h, w)``.

    In the dark a level more or less is a large density; it counts for less.
    """
    rest = density - np.multiply.outer(dye, band.dye)
    rest = rest - rest.mean(axis=2, keepdims=True)
    return np.asarray(np.linalg.norm(rest, axis=2) * np.exp(-grey), np.float32)


def _crossing(dark: Mask, bands: Mask) -> Mask:
    """Dark strokes of the hole that run out of the bands: a pen's, which went over them."""
    count, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros_like(dark)
    area = np.bincount(labels[dark], minlength=count)
    outside = np.bincount(labels[dark & ~bands], minlength=count)
    pens = outside > OUTSIDE * area
    pens[0] = False
    return grown(pens[labels], 2)


def _broad(mask: Mask) -> Mask:
    opened: Any = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _DISK, borderValue=0)
    found: Mask = opened > 0
    return found


def _shrunk(mask: Mask) -> Mask:
    shrunk: Any = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    found: Mask = shrunk > 0
    return found
