"""Lines first: a drawn line that runs into a hole and out of it again is carried through.

Lettering lies across the borders of bubbles, captions and panels. A network draws such a border on
as a soft shade, where it draws it at all; what it is can be measured: at the rim of the hole, where
a line comes in, how it runs there, how thick and how dark it is. Two ends that run towards each
other are one line, and a smooth curve with their directions joins them (a cubic Hermite spline).
What has no partner, and what is no line, is left to the inpainter.

A line that is known again parts what lies on its two sides: where one of them is plain, the inside
of a bubble say, its part of the hole is painted with what is measured there, and an inpainter, to
which the other side is as near, need not guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.inpaint.flat import paint
from textclean.inpaint.plain import plain_part, surroundings
from textclean.inpaint.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.types import Image, Mask

    Vector = NDArray[np.float64]

LIGHT = 140
"""Grey level of the ground at least: lines are dark on light."""
CONTRAST = 70
"""Grey levels by which a line is darker than the ground."""
REACH = 24
"""Pixels from the rim within which a line's way is measured."""
THICKEST = 16.0
"""Thickness of a line at most, in pixels."""
SLENDER = 1.6
"""Length of the piece that is measured, in thicknesses, at least."""
CROWDED = 12
"""Ends at the rim of a hole from which on it lies in a drawing, and nothing is carried."""
BEND = 40.0
"""Degrees at most between an end's way and the straight way to its partner."""
ALIKE = 1.8
"""Ratio of the thicknesses of two ends at most."""
LIKE = 60.0
"""Grey levels by which the colours of two ends may differ."""
FARTHEST = 14.0
"""Length of the way through a hole at most, in thicknesses: a thin line may have ended there."""
BESIDE = 2.5
"""Pixels from the rim of a line within which what is dark and known is the rest of it."""
LARGEST = 700
"""Side of a hole in pixels at most."""
FINE = 4
"""Canvas pixels to a page pixel when a line is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """Where a line runs into a hole.

    Attributes:
        spot: ``(2,)`` x and y, in pixels of the page.
        way: ``(2,)`` unit vector into the hole.
        thickness: Pixels.
        color: ``(3,)`` RGB.
        piece: ``(h, w)`` bool, the known pixels of the line that were measured.
    """

    spot: Vector
    way: Vector
    thickness: float
    color: Vector
    piece: Mask


class LinesFirst(Wrapped):
    """An inpainter before which lines are carried through holes.

    Args:
        inpainter: Fills the rest.
    """

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        opaque = mask if see_through is None else mask & ~see_through
        painted, drawn = with_lines(image, mask, opaque)
        if not drawn.any():
            return super().fill_with_error(image, mask, see_through)
        rest = mask & ~drawn
        if not rest.any():
            return painted, None
        seen = None if see_through is None else see_through & rest
        return super().fill_with_error(painted, rest, seen)


def with_lines(image: Image, mask: Mask, where: Mask) -> tuple[Image, Mask]:
    """Lines that run through holes, drawn, and what is plain beside them.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool, what is not known.
        where: ``(H, W)`` bool, the part of it in which lines are drawn.

    Returns:
        ``(H, W, 3)`` uint8; and ``(H, W)`` bool, the pixels that are done.
    """
    painted, drawn = image, np.zeros_like(mask)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        where.astype(np.uint8), connectivity=8
    )
    for index in range(1, count):
        x, y, width, height, area = (int(value) for value in boxes[index])
        if area < 12 or max(width, height) > LARGEST:
            continue
        margin = REACH + 4
        left, top = max(x - margin, 0), max(y - margin, 0)
        box = np.s_[top : y + height + margin, left : x + width + margin]
        hole = labels[box] == index
        ends, ground, dark = _ends(image[box], hole, mask[box])
        lines, known = np.zeros_like(hole), np.zeros_like(hole)
        for one, other in _pairs(ends, hole, dark):
            cover = _curve(one, other, hole.shape)
            line = hole & (cover > 0.03)
            if painted is image:
                painted = image.copy()
            color = (one.color + other.color) / 2
            ink = ground + cover[..., None] * (color - ground)
            painted[box][line] = np.clip(np.rint(ink), 0, 255).astype(np.uint8)[line]
            lines |= line
            known |= one.piece | other.piece
        if lines.any():
            drawn[box] |= lines | _paint_sides(painted[box], mask[box], hole, dark, lines, known)
    return painted, drawn


def _paint_sides(
    image: Image, mask: Mask, hole: Mask, dark: Mask, lines: Mask, known: Mask
) -> Mask:
    """Paint what is plain of a hole on one side of its lines, in place; returns what that is.

    Args:
        image: ``(h, w, 3)`` uint8 crop in which the lines are drawn.
        mask: ``(h, w)`` bool, what was not known of it.
        hole: ``(h, w)`` bool, the part of that in which the lines were drawn.
        dark: ``(h, w)`` bool, known pixels as dark as lines.
        lines: ``(h, w)`` bool, the pixels drawn.
        known: ``(h, w)`` bool, the known pixels of these lines that were measured.
    """
    done = np.zeros_like(hole)
    # At its rim a line is mixed with its ground.
    measured = lines | (cv2.dilate(known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~mask
    _, joined = cv2.connectedComponents((lines | dark).astype(np.uint8), connectivity=8)
    goes_on = dark & np.isin(joined, np.unique(joined[lines]))
    count, sides = cv2.connectedComponents((~(measured | goes_on)).astype(np.uint8), connectivity=4)
    for index in range(1, count):
        rest = hole & (sides == index)
        if not rest.any():
            continue
        # What hangs on the lines is a drawing, and none of them.
        ring = surroundings(rest, mask) & ~measured & ((sides == index) | goes_on)
        plain, fill = plain_part(image, mask, rest, ring)
        if plain.any():
            image[plain] = paint(image, plain, fill, seed=index)[plain]
            done |= plain
    return done


def _ends(image: Image, hole: Mask, mask: Mask) -> tuple[list[End], Vector, Mask]:
    """Where lines run into a hole, the ground's colour around it, and what is dark on it."""
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    near = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    far = cv2.dilate(hole.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    rim = far & ~near & ~mask
    nothing: Vector = np.zeros(3)
    if int(rim.sum()) < 12:
        return [], nothing, np.zeros_like(hole)
    light = float(np.percentile(luma[rim], 75))
    dark = ~mask & (luma < light - CONTRAST)
    if light < LIGHT or float(dark[rim].mean()) > 0.45:
        return [], nothing, dark
    ground = np.median(image[rim & (luma >= light - CONTRAST / 2)], axis=0).astype(np.float64)
    count, arcs = cv2.connectedComponents((rim & dark).astype(np.uint8), connectivity=8)
    if not 3 <= count <= CROWDED + 1:
        return [], ground, dark
    found = []
    for arc in range(1, count):
        for reach in (REACH, 2 * REACH // 3, REACH // 3):  # near a corner a short piece must do
            end = _end(image, light - luma, dark, arcs == arc, hole, reach)
            if end is not None:
                found.append(end)
                break
    return found, ground, dark


def _end(
    image: Image,
    depth: NDArray[np.floating],
    dark: Mask,
    arc: Mask,
    hole: Mask,
    reach: int,
) -> End | None:
    """The end of a line at an arc of a hole's rim; None if it is no line."""
    ys, xs = np.nonzero(arc)
    middle = np.array([xs.mean(), ys.mean()])
    disk = np.zeros(dark.shape, np.uint8)
    cv2.circle(disk, (round(float(middle[0])), round(float(middle[1]))), reach, 1, cv2.FILLED)
    _, pieces = cv2.connectedComponents((dark & (disk > 0)).astype(np.uint8), connectivity=8)
    numbers = pieces[ys, xs]
    if not numbers.any():  # an arc so long and bent that its middle is far from it
        return None
    piece = pieces == np.bincount(numbers[numbers > 0]).argmax()
    ys, xs = np.nonzero(piece)
    if len(xs) < 6:
        return None
    points = np.stack([xs, ys], axis=1).astype(np.float64)
    center = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - center, full_matrices=False)
    way = axes[0] if float(axes[0] @ (middle - center)) > 0 else -axes[0]
    along = (points - center) @ way
    across = (points - center) @ np.array([-way[1], way[0]])
    length = float(np.ptp(along)) + 1
    # Pixels along its rim are covered in part.
    cover = depth[ys, xs] / max(float(np.percentile(depth[ys, xs], 90)), 1.0)
    thickness = float(np.clip(cover, 0, 1).sum()) / length
    # A straight bar's pixels lie within half its thickness of its axis.
    straight = float(np.abs(across).max()) <= 0.5 * thickness + 0.12 * length + 1
    if thickness > THICKEST or length < SLENDER * thickness or length < 5 or not straight:
        return None
    core = image[piece & (np.asarray(cv2.erode(piece.astype(np.uint8), np.ones((3, 3)))) > 0)]
    color = np.median(core if len(core) else image[piece], axis=0).astype(np.float64)
    spot = center + way * float((middle - center) @ way)
    # Into the hole, and not along its rim.
    ahead = np.rint(spot + way * np.arange(3, 10)[:, None]).astype(int)
    held = ((ahead >= 0) & (ahead < np.array(hole.shape)[::-1])).all(axis=1)
    x, y = ahead[held].T
    if not hole[y, x].any():
        return None
    return End(spot, np.asarray(way, np.float64), thickness, color, piece)


def _pairs(ends: list[End], hole: Mask, dark: Mask) -> Iterator[tuple[End, End]]:
    """Ends that are one line, the likeliest first; each once."""
    if len(ends) < 2:
        return
    costs = []
    away = cv2.distanceTransform((~dark).astype(np.uint8), cv2.DIST_L2, 5)
    for i, j in combinations(range(len(ends)), 2):
        cost = _cost(ends[i], ends[j])
        if cost is None or not _runs_inside(ends[i], ends[j], hole):
            continue
        if not _runs_along(ends[i], ends[j], away):
            costs.append((cost, i, j))
    used: set[int] = set()
    for _, i, j in sorted(costs):
        if i not in used and j not in used:
            used |= {i, j}
            yield ends[i], ends[j]


def _cost(one: End, other: End) -> float | None:
    """How much two ends differ from one line; None = too much."""
    chord = other.spot - one.spot
    length = float(np.hypot(*chord))
    if length < 3:
        return None
    chord = chord / length
    bends = [
        float(np.degrees(np.arccos(np.clip(way @ to, -1, 1))))
        for way, to in ((one.way, chord), (other.way, -chord))
    ]
    thin, thick = sorted((one.thickness, other.thickness))
    apart = float(np.abs(one.color - other.color).max())
    far = length > FARTHEST * (thin + thick) / 2
    if max(bends) > BEND or thick > ALIKE * thin + 1 or apart > LIKE or far:
        return None
    return sum(bend**2 for bend in bends) + 100 * float(np.log(thick / thin)) ** 2


def _path(one: End, other: End) -> Vector:
    """``(N, 2)`` points of the curve from one end to the other."""
    chord = float(np.hypot(*(other.spot - one.spot)))
    t = np.linspace(0, 1, max(8, round(chord / 2)))[:, None]
    start, stop = one.way * chord, -other.way * chord
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * one.spot
        + (t**3 - 2 * t**2 + t) * start
        + (3 * t**2 - 2 * t**3) * other.spot
        + (t**3 - t**2) * stop
    )
    return np.asarray(curve, np.float64)


def _runs_inside(one: End, other: End, hole: Mask) -> bool:
    """Whether the curve keeps to the hole, but for its ends."""
    x, y = np.rint(_path(one, other)).astype(int).T
    near = cv2.dilate(hole.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    held = (x >= 0) & (y >= 0) & (x < hole.shape[1]) & (y < hole.shape[0])
    return bool(held.all()) and bool(near[y, x].mean() >= 0.95)


def _runs_along(one: End, other: End, away: NDArray[Any]) -> bool:
    """Whether the curve never leaves what is dark and known: a line of which a part is covered.

    Its ends are where it is thinnest, and a line like them would be drawn beside the rest of it.

    Args:
        one: Where it begins.
        other: Where it ends.
        away: ``(h, w)`` pixels to what is dark and known.
    """
    x, y = np.rint(_path(one, other)).astype(int).T
    return float(away[y, x].max()) <= (one.thickness + other.thickness) / 4 + BESIDE


def _curve(one: End, other: End, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """``(h, w)`` coverage, 0 to 1, of the line from one end to the other."""
    canvas = np.zeros((shape[0] * FINE, shape[1] * FINE), np.uint8)
    path = _path(one, other)
    # A little of the known line at both ends, so that no gap is left.
    path = np.concatenate([[path[0] - 2 * one.way], path, [path[-1] - 2 * other.way]])
    wide = np.linspace(one.thickness, other.thickness, len(path)) * FINE
    points = np.rint(((path + 0.5) * FINE - 0.5) * 16).astype(int)
    for k in range(len(points) - 1):
        thick = max(1, round(float(wide[k])))
        cv2.line(canvas, points[k].tolist(), points[k + 1].tolist(), 255, thick, cv2.LINE_AA, 4)
    size = shape[1], shape[0]
    cover = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cover, np.float32) / np.float32(255)
