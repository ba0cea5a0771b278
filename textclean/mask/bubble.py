"""The bubble that a block of lettering lies in, and the room for new lettering in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from textclean.mask.morphology import Components, closed, dilate, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.ink_map import InkMap
    from textclean.types import Box, Mask, Polygon, Region

INSIDE = 128
"""Level of the bubble plane from which on a pixel lies inside a bubble."""

HOLDS = 0.6
"""Share of a block's lettering that a bubble must hold to be its bubble."""

LARGEST = 0.6
"""Share of the page beyond which a "bubble" is the page's paper."""

ROUGH = 0.012
"""Whiskers and notches narrower than twice this share of a bubble's short side are smoothed."""

CAPTION = 0.92
"""Share of its smallest rectangle from which on it is a caption box; ellipses fill 0.79."""

STAYS = 0.8
"""Share of the strokes inside the bubble from which on the mask is held to it."""

SLACK = 1
"""Pixels that a mask may reach beyond the inside: the border begins about there."""


@dataclass(frozen=True, slots=True, eq=False)
class Bubble:
    """The inside of a speech bubble or caption box.

    Attributes:
        polygon: ``(N, 2)`` float32 outline, in pixels of the page.
        kind: "caption" when it is nearly a rectangle.
        box: Crop of the page that ``interior`` covers.
        interior: ``(h, w)`` bool, lettering and drawings in the bubble included.
    """

    polygon: Polygon
    kind: Literal["bubble", "caption"]
    box: Box
    interior: Mask

    def inside(self, box: Box) -> Mask:
        """The interior as another crop of the page shows it, ``(h, w)`` bool."""
        x0, y0, x1, y1 = box
        canvas = np.zeros((y1 - y0, x1 - x0), bool)
        left, top = max(x0, self.box[0]), max(y0, self.box[1])
        right, bottom = min(x1, self.box[2]), min(y1, self.box[3])
        if left < right and top < bottom:
            part = self.interior[
                top - self.box[1] : bottom - self.box[1], left - self.box[0] : right - self.box[0]
            ]
            canvas[top - y0 : bottom - y0, left - x0 : right - x0] = part
        return canvas

    def describe(self, region: Region) -> Region:
        """The region with its bubble; sound effects and signs in a bubble stay what they are."""
        kind = self.kind if region.kind in ("bubble", "caption", "free") else region.kind
        return region.with_(kind=kind, bubble=self.polygon)


def find_bubble(ink: InkMap, lettering: Mask, box: Box) -> Bubble | None:
    """The bubble that holds most of a block's lettering.

    Args:
        ink: What the ink network says of the page.
        lettering: ``(h, w)`` bool, the block's strokes (or the inside of its lines) in a crop.
        box: The crop, on the page.

    Returns:
        The bubble, or None when most of the lettering lies in none.
    """
    total = int(lettering.sum())
    if not total:
        return None
    height, width = ink.shape
    while True:
        x0, y0, x1, y1 = box
        found = _component(ink.crop(box).bubble, lettering)
        if found is None:
            return None
        reached = (
            x0 > 0 and bool(found[:, 0].any()),
            y0 > 0 and bool(found[0].any()),
            x1 < width and bool(found[:, -1].any()),
            y1 < height and bool(found[-1].any()),
        )
        if not any(reached):
            break
        # It runs on beyond the crop: look at twice as much on the sides where it does.
        wide, high = x1 - x0, y1 - y0
        larger = (
            max(x0 - wide * reached[0], 0),
            max(y0 - high * reached[1], 0),
            min(x1 + wide * reached[2], width),
            min(y1 + high * reached[3], height),
        )
        lettering = np.pad(
            lettering, ((y0 - larger[1], larger[3] - y1), (x0 - larger[0], larger[2] - x1))
        )
        box = larger
    interior = _smooth(_filled(found), lettering)
    if not interior.any() or int((interior & lettering).sum()) < HOLDS * total:
        return None
    if int(interior.sum()) > LARGEST * height * width:
        return None
    return _bubble(interior, box)


def limit_to_bubble(mask: Mask, strokes: Mask, inside: Mask, grown: int) -> Mask:
    """Keep a mask in a bubble, except where strokes leave it.

    Args:
        mask: ``(h, w)`` bool, the strokes grown.
        strokes: ``(h, w)`` bool, the strokes themselves.
        inside: ``(h, w)`` bool, the bubble's interior in the same crop.
        grown: By how many pixels the mask was grown; strokes outside keep that much around them.
    """
    allowed = dilate(inside, SLACK)
    if not strokes.any() or float(allowed[strokes].mean()) < STAYS:
        return mask
    return mask & (allowed | dilate(strokes & ~allowed, grown))


def _component(plane: NDArray[np.uint8], lettering: Mask) -> Mask | None:
    """The connected inside that holds, or closely surrounds, most of the lettering."""
    parts = Components.of(plane >= INSIDE, connectivity=4)
    hits = parts.count(dilate(lettering, 2))
    hits[0] = 0
    best = int(hits.argmax())
    return parts.labels == best if hits[best] else None


def _filled(shape: Mask) -> Mask:
    """A shape with everything that it encloses."""
    outside = np.pad(~shape, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(outside, connectivity=8)
    filled: Mask = labels[1:-1, 1:-1] != labels[0, 0]
    return filled


def _smooth(shape: Mask, lettering: Mask) -> Mask:
    """The shape without whiskers and notches; of what falls apart, the part with the lettering."""
    ys, xs = np.nonzero(shape)
    radius = max(1, round(ROUGH * min(int(np.ptp(ys)), int(np.ptp(xs)))))
    padded = np.pad(shape, 2 * radius + 1)  # with nothing: the shape ends at the crop
    even = opened(closed(padded, radius), radius)
    even = even[2 * radius + 1 : -2 * radius - 1, 2 * radius + 1 : -2 * radius - 1]
    parts = Components.of(even, connectivity=4)
    if parts.number == 1:
        return shape
    hits = parts.count(lettering)
    hits[0] = -1
    return _filled(parts.labels == int(hits.argmax()))


def _bubble(interior: Mask, box: Box) -> Bubble | None:
    outlines, _ = cv2.findContours(
        interior.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    outline = max(outlines, key=cv2.contourArea)
    simple = cv2.approxPolyDP(outline, 1.0, True).reshape(-1, 2).astype(np.float32)
    if len(simple) < 3:
        return None
    _, (width, height), _ = cv2.minAreaRect(outline)
    share = float(interior.sum()) / ((width + 1.0) * (height + 1.0))
    return Bubble(
        polygon=simple + np.array(box[:2], np.float32),
        kind="caption" if share >= CAPTION else "bubble",
        box=box,
        interior=interior,
    )
