"""Gutters first: lettering that crosses a panel's edge must not let the paper into the panel.

Every fill continues what surrounds a hole. Where a sound effect or a caption reaches over a panel's
edge, white paper surrounds it on one side and a drawing on the other, and the fill is a smear of
both. So the gutter is found, its straight edge is carried through the hole, its part of the hole is
painted as paper, and the rest is filled as if nothing were known of the gutter beside it.

Only straight level or upright edges are carried on, and only between two places where the gutter
is seen; everything else is left to the inpainter as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.inpaint.wrapped import Wrapped, fill_with_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image, Mask

RIM = 3
"""Width in pixels of the page's rim, whose commonest colour is that of the paper."""
COMMON = 0.3
"""Share of that rim which the paper's colour takes up at least."""
LIKE = 10
"""Grey levels within which a pixel has the paper's colour."""
NARROWEST = 5
"""Width of a gutter in pixels at least; what is narrower joins nothing."""
BAND = 48
"""Width in pixels of the band of gutter beside a hole that is taken as unknown."""
LONG = 0.3
"""Share of the page's width or height along which a gutter runs at least."""
FRAME = 8
"""Depth in pixels to which the frame of a panel is looked for beside the gutter."""
ALIKE = 32
"""Grey levels by which an edge may differ between both ends of a hole."""
BLACK = 72
"""Largest value in a frame."""
LEAST = 12
"""Pixels along the rim of a hole that each, gutter and drawing, must take up at least."""


class GuttersFirst(Wrapped):
    """An inpainter that is kept from seeing gutters.

    Args:
        inpainter: Fills the holes.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        painted, rest, band = paint_gutters(image, mask, see_through)
        errors = None
        if rest.any():
            seen = None if see_through is None else see_through & rest
            filled, errors = fill_with_error(self.inpainter, painted, rest | band, seen)
            painted = np.where(rest[..., None], filled, painted)
        if errors is not None:
            errors = np.where(rest, errors, np.float32(0))
        return painted, errors


def paint_gutters(
    image: Image, mask: Mask, see_through: Mask | None = None
) -> tuple[Image, Mask, Mask]:
    """Paint the part of a hole that lies in a gutter.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; what it shows under the mask is not looked at.
        mask: ``(H, W)`` bool, True = fill.
        see_through: ``(H, W)`` bool or None; pieces with such pixels are left alone.

    Returns:
        The painted image; ``(H, W)`` bool, what is left of the mask; and ``(H, W)`` bool, the
        gutter in and beside it, which should not be looked at.
    """
    band = np.zeros_like(mask)
    painted, rest = image.copy(), mask.copy()
    found = gutter(image, mask)
    if found is None:
        return painted, rest, band
    paper, inside = found
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    pieces = []
    for index in range(1, count):
        x, y, width, height, _ = (int(value) for value in boxes[index])
        near = np.s_[max(y - BAND, 0) : y + height + BAND, max(x - BAND, 0) : x + width + BAND]
        piece = labels[near] == index
        if see_through is not None and see_through[near][piece].any():
            continue
        if _borders(piece, mask[near], inside[near], paper[near]) is not None:
            pieces.append((near, piece))
    if not pieces:  # as on most pages: what follows looks at the whole page
        return painted, rest, band
    through = straight(carried_on(inside, paper, mask))
    inside &= through
    # Of a straight gutter, what reaches into the hole in notches does not end it.
    through |= carried_on(inside, paper, mask, over=True)
    for near, piece in pieces:
        beside = _borders(piece, mask[near], inside[near], paper[near])
        if beside is None:
            continue
        own = piece & through[near]
        # Notches are too narrow to be found as gutter.
        known = inside[near] | (through[near] & ~mask[near] & _grown(own, NARROWEST))
        edged, line = with_edges(image[near], mask[near], through[near])
        line &= piece
        painted[near][line] = edged[line]
        painted[near][own] = np.rint(np.median(image[near][beside], axis=0))
        rest[near] &= ~(own | line)
        # One pixel more: along its edge the gutter is mixed with what it borders.
        mixed = (line & _grown(own, 1)) | _grown(_grown(piece & ~own, BAND) & known, 1)
        band[near] |= own | mixed
    return painted, rest, band & ~rest


def _borders(piece: Mask, mask: Mask, inside: Mask, paper: Mask) -> Mask | None:
    """The gutter's pixels along the rim of a piece; None if it does not border on both.

    Both are gutter and drawing, and :data:`LEAST` pixels of each.
    """
    rim = _grown(piece, 1) & ~mask
    beside: Mask = rim & inside
    drawn = rim & ~paper
    return beside if min(int(beside.sum()), int(drawn.sum())) >= LEAST else None


def gutter(image: Image, mask: Mask) -> tuple[Mask, Mask] | None:
    """The paper around the panels.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool, what is not known.

    Returns:
        ``(H, W)`` bool: known pixels of the paper's colour; and those of them that hang together
        with the page's rim, over ways that are not too narrow. None when the rim has no colour.
    """
    color = _paper_color(image, mask)
    if color is None:
        return None
    low = np.clip(color.astype(int) - LIKE, 0, 255).astype(np.uint8)
    high = np.clip(color.astype(int) + LIKE, 0, 255).astype(np.uint8)
    paper: Mask = (cv2.inRange(image, low, high) > 0) & ~mask
    square = np.ones((NARROWEST, NARROWEST), np.uint8)
    # Beyond the page there is paper: a margin of two pixels is one.
    wide = cv2.morphologyEx(
        paper.astype(np.uint8), cv2.MORPH_OPEN, square, borderType=cv2.BORDER_REPLICATE
    )
    _, labels = cv2.connectedComponents(wide)
    touching = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    inside: Mask = np.isin(labels, touching[touching > 0])
    return paper, inside


def carried_on(inside: Mask, paper: Mask, hole: Mask, *, over: bool = False) -> Mask:
    """The gutter and what lies level or upright between two parts of it.

    Between them there may be nothing but hole and pixels of the paper's colour, and at both ends
    the gutter runs that way: a hole as wide as its panel lies between two upright gutters, and is
    none.

    Args:
        inside: ``(H, W)`` bool, the gutter as far as it is known.
        paper: ``(H, W)`` bool, known pixels of its colour.
        hole: ``(H, W)`` bool.
        over: Whether gutter that runs the other way may lie between them, too.
    """
    free = hole | paper if over else (hole | paper) & ~inside
    level, upright = _length(inside), _length(np.ascontiguousarray(inside.T)).T
    rows = _between(inside & (level >= upright), free)
    columns = _between(
        np.ascontiguousarray((inside & (upright >= level)).T), np.ascontiguousarray(free.T)
    ).T
    found: Mask = inside | rows | columns
    return found


def straight(gutter: Mask) -> Mask:
    """The part of a gutter that runs level or upright for a good part of the page.

    A bubble that opens into the gutter is white, too, and no gutter.
    """
    height, width = gutter.shape
    found = np.zeros_like(gutter)
    for size in ((max(1, round(LONG * width)), 1), (1, max(1, round(LONG * height)))):
        bar = np.ones(size[::-1], np.uint8)
        found |= cv2.morphologyEx(gutter.astype(np.uint8), cv2.MORPH_OPEN, bar) > 0
    return found


def with_edges(image: Image, mask: Mask, through: Mask) -> tuple[Image, Mask]:
    """The edges of the gutter and the frames of panels, carried through a hole.

    Next to the gutter lies a row in which it is mixed with what it borders, and then often the
    black line of a frame. Row by row away from it, what has the same colour at both ends of the
    hole is that colour between them.

    Args:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole.
        through: ``(H, W)`` bool, the gutter, its part of the hole included.

    Returns:
        ``(H, W, 3)`` uint8 with those pixels painted; ``(H, W)`` bool, which they are.
    """
    painted, found = image.copy(), np.zeros_like(mask)
    for upright in (False, True):
        for below in (False, True):
            # Views, seen as if the gutter lay above.
            pixels, hole, paper = (
                _seen(array, upright, below) for array in (painted, mask & ~found, through)
            )
            row, where = _edge_rows(pixels, hole > 0, paper > 0)
            pixels[where] = row[where]
            found |= _seen(where, upright, below, back=True) > 0
    return painted, found


def _edge_rows(image: Image, mask: Mask, through: Mask) -> tuple[Image, Mask]:
    """What :func:`with_edges` paints beneath a gutter."""
    painted, found = image.copy(), np.zeros_like(mask)
    above = through
    for depth in range(1, FRAME + 1):
        row = np.zeros_like(mask)
        row[1:] = above[:-1] & ~through[1:]
        known = row & ~mask
        left, right = _ends(known, mask & row)
        inner = mask & row & (left >= 0) & (right >= 0)
        ys, xs = np.nonzero(inner)
        one, other = image[ys, left[inner]].astype(int), image[ys, right[inner]].astype(int)
        alike = np.abs(one - other).max(axis=1) <= ALIKE
        if depth > 1:  # a frame is black; what else lies here is drawn
            alike &= np.maximum(one, other).max(axis=1) <= BLACK
        painted[ys[alike], xs[alike]] = ((one + other + 1) // 2)[alike]
        inner[ys[~alike], xs[~alike]] = False
        found |= inner
        above = known | inner
        if not inner.any():
            break
    return painted, found


def _ends(known: Mask, hole: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Columns of the known pixels at both ends of each run of hole; -1 where there is none."""
    width = known.shape[1]
    left = _last(known)
    left[left <= _last(~(known | hole))] = -1
    right = _last(known[:, ::-1])
    right[right <= _last(~(known | hole)[:, ::-1])] = -1
    right = np.where(right < 0, np.int32(-1), np.int32(width - 1) - right)[:, ::-1]
    return left, right


def _last(where: Mask) -> NDArray[np.int32]:
    """Column of the last True at or before each pixel of ``(H, W)``, -1 where there is none."""
    place = np.arange(where.shape[1], dtype=np.int32)[None]
    found: NDArray[np.int32] = np.maximum.accumulate(np.where(where, place, np.int32(-1)), axis=1)
    return found


def _seen(array: NDArray[Any], upright: bool, below: bool, *, back: bool = False) -> NDArray[Any]:
    """A view with rows and columns exchanged, upside down, both or neither; or the way back."""
    if back:
        array = array[::-1] if below else array
        return array.swapaxes(0, 1) if upright else array
    array = array.swapaxes(0, 1) if upright else array
    return array[::-1] if below else array


def _between(inside: Mask, free: Mask) -> Mask:
    """Runs of ``free`` pixels in each row with ``inside``, which may be free, too, at both ends."""
    blocked = ~(free | inside)
    left = _last(inside) > _last(blocked)
    right = (_last(inside[:, ::-1]) > _last(blocked[:, ::-1]))[:, ::-1]
    found: Mask = left & right
    return found


def _length(inside: Mask) -> NDArray[np.int32]:
    """Length of the run in its row that each pixel of ``inside`` is in."""
    before = _last(~inside)
    behind = inside.shape[1] - 1 - _last(~inside[:, ::-1])[:, ::-1]
    return np.where(inside, behind - before - 1, np.int32(0)).astype(np.int32)


def _paper_color(image: Image, mask: Mask) -> NDArray[np.uint8] | None:
    """The commonest colour of the page's rim, if it is common enough there."""
    rim = np.zeros(mask.shape, bool)
    rim[:RIM] = rim[-RIM:] = True
    rim[:, :RIM] = rim[:, -RIM:] = True
    colors = image[rim & ~mask]
    if not len(colors):
        return None
    coarse = (colors >> 3).astype(np.int32)
    codes = (coarse[:, 0] << 10) | (coarse[:, 1] << 5) | coarse[:, 2]
    commonest = np.bincount(codes).argmax()
    middle = np.median(colors[codes == commonest], axis=0).astype(np.uint8)
    like = (np.abs(colors.astype(int) - middle) <= LIKE).all(axis=1)
    return middle if float(like.mean()) >= COMMON else None


def _grown(mask: Mask, reach: int) -> Mask:
    side = 2 * reach + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return grown
