"""Regions from the ink map: lettering that the detector missed, and annotations.

Pixels become pieces (connected parts), pieces become groups: those near one another, measured by
their own size, of like size, stroke width and colour. A small piece (a dot, an accent) joins what
it is very near to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.alone import alone_in_bubble
from textclean.detect.doubtful import vouched
from textclean.detect.ink_pieces import Pieces, in_order, outline
from textclean.detect.lines import Line, rectangle
from textclean.ink_map import BUBBLE, HIGHLIGHTER, PEN, STAMP, InkMap
from textclean.mask.annotations import annotation_ink
from textclean.mask.ink import HIGH, seen_parts
from textclean.mask.morphology import Components, dilate, rasterize, ring
from textclean.surface import channel_distance, dominant_colors
from textclean.types import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Direction, Image, Kind, Mask, Polygon

COVERED = 0.5
"""Share of a piece inside detected regions from which on it is theirs."""

CUT_OFF = 0.45
"""Height and width of such a piece's rest in usual glyphs, from which on it is a glyph."""

IN_BUBBLE = 0.9
"""Share of such a rest that lies in a bubble."""

MIN_AREA = 200
"""Pixels of a block of lettering at least."""

MIN_AREA_SURE, SURE = 40, 0.85
"""The same in a bubble, and the mean probability from which on: an exclamation mark, a particle."""

MIN_HEIGHT = 9.0
"""Height of a block's glyphs at least, in pixels."""

MIN_MEAN: Mapping[Kind, float] = {"sfx": 0.8, "free": 0.85}
"""Mean probability of a block's pixels at least; of effects, at 0.78 the first drawings come in.
Sound effects are only removed when somebody asks for it."""

FEW, SMALL, MIN_ALONE = 4, 4.0, 0.7
"""Shapes up to which a block that is alone in a bubble may be missed by a detector, times the
page's usual glyph height that they are large at most, and that mean of one."""

LARGE, MIN_LARGE = 0.1, 0.9
"""Share of the page from which on a block is large, and that mean of one: a row of windows, a
crowd. A lone mark on art that is no larger than the page's letters needs it, too: an eye."""

MIN_ONE = 0.86
"""That mean of a larger one: a plant, a leaf, an eye seen close. Of eleven such between 0.8 and
this on 126 pages ten were art; the twelve above were lettering."""

BAND = 10.0
"""Times its thickness that a shape is long from which on it is no letter: a row of some that run
together, or a fringe, a rim."""

NEAR = 0.8
"""Widest gap between pieces of a group, in sizes of the smaller."""

NEAR_SMALL = 0.25
"""Widest gap between a small piece and a large one, in sizes of the larger."""

LIKE_SIZE = 2.5
"""Ratio of sizes up to which pieces are of one size, and of stroke widths likewise."""

LIKE_COLOR = 96.0
"""Grey levels by which the mean colours of pieces of a group may differ."""

LOUD = 1.7
"""Times the page's usual glyph height from which on lettering is a sound effect."""

USUAL = 0.022
"""The usual glyph height of a page without detected text, in page heights."""

SLANTED = 8.0
"""Degrees from which on lettering is a sound effect."""

PLAIN = 0.6
"""Share of its surroundings in one colour under which lettering lies on art."""

MIN_MARK = {PEN: 24, HIGHLIGHTER: 150, STAMP: 150}
"""Pixels of an annotation at least, by plane."""

MARK_MEAN = 0.48
"""Mean probability of an annotation's pixels at least."""

MARK_NEAR = {PEN: 0.8, HIGHLIGHTER: 0.6, STAMP: 0.35}
"""Widest gap between pieces of one annotation, by plane: for pen in sizes of the smaller piece
(or the height of the hand's letters), for highlighter in the smaller's height, for stamps in sizes
of the larger."""

WINDING = 2.0
"""Length of a pen stroke, in half perimeters of its rectangle, from which on it is writing: an
underline has 1, a circle 1.6, a written word 3 and more."""

WORD = 2.0
"""Widest gap between pieces of one piece of writing, in heights of the hand's letters."""

BESIDE = 4.0
"""Such heights within which a lone letter-sized stroke is writing, when there is writing."""

LONG = 25.0
"""Stroke widths from which on a stroke that does not wind is a line and no letter."""


def propose_regions(ink: InkMap, regions: Sequence[Region], image: Image) -> tuple[Region, ...]:
    """Lettering that no detected region covers.

    Args:
        ink: What the ink network says of the page.
        regions: What the detector found, also what is to be kept.
        image: ``(H, W, 3)`` uint8 RGB page.

    Returns:
        Regions of kind "bubble" (a few letters alone in one), "sfx" (large, slanted or on art) or
        "free", from the top, then the left.
    """
    if not (ink.lettering >= HIGH).any():
        return ()
    usual = _usual_height(regions, image)
    free, cut = _uncovered(ink, covered_by(regions, ink.shape), usual)
    in_bubble = free & (ink.bubble > 127)
    pieces = Pieces.of(free | cut, ink.lettering, image)
    groups = pieces.groups(NEAR * pieces.size, lambda i, j: _same_lettering(pieces, i, j))
    proposed = [_block(pieces, group, in_bubble, image, usual) for group in groups]
    return in_order([region for region in proposed if region is not None])


def annotation_regions(ink: InkMap, image: Image) -> tuple[Region, ...]:
    """What people wrote, drew and stamped on a page.

    Args:
        ink: What the ink network says of the page.
        image: ``(H, W, 3)`` uint8 RGB page.

    Returns:
        Regions of the kinds "pen" (lines, circles, ticks), "handwriting", "highlighter" and
        "stamp", with ``see_through`` set, from the top, then the left.
    """
    found: list[Region] = []
    for plane in (PEN, HIGHLIGHTER, STAMP):
        mask = annotation_ink(ink, plane)
        if not mask.any():
            continue
        pieces = Pieces.of(mask, ink.plane(plane), image)
        marks = _pen_marks(pieces) if plane == PEN else _flat_marks(pieces, plane)
        finds: list[Region] = []
        areas: list[float] = []
        for kind, group in marks:
            area = float(pieces.area[group].sum())
            score = float((pieces.area[group] * pieces.mean[group]).sum()) / area
            if area < MIN_MARK[plane] or score < MARK_MEAN:
                continue
            box, pixels = pieces.window(group)
            height = float(np.median(pieces.size[group])) if kind == "handwriting" else None
            finds.append(
                Region(
                    polygon=outline(pixels, box, 2.0, ink.shape)[0],
                    kind=kind,
                    score=round(score, 4),
                    font_size=None if height is None else round(height, 1),
                    see_through=True,
                )
            )
            areas.append(area)
        found += vouched(finds, areas, ink.shape) if plane == PEN else finds
    return in_order(found)


def covered_by(regions: Sequence[Region], shape: tuple[int, int], around: float = 0.15) -> Mask:
    """Inside the detected regions, and a little around each: glyphs stick out of their lines.

    Args:
        regions: What the detector found.
        shape: Height and width of the page.
        around: How far around, in parts of a region's thinnest line.
    """
    covered = np.zeros(shape, bool)
    for region in regions:
        lines = region.lines or (region.polygon,)
        x0, y0, x1, y1 = region.box
        reach = max(2, round(around * min(Line(rectangle(line)).thickness for line in lines)))
        left, top = max(x0 - reach, 0), max(y0 - reach, 0)
        right, bottom = min(x1 + reach, shape[1]), min(y1 + reach, shape[0])
        if left >= right or top >= bottom:
            continue
        local = [line - np.array([left, top], np.float32) for line in (*lines, region.polygon)]
        covered[top:bottom, left:right] |= dilate(
            rasterize(local, (bottom - top, right - left)), reach
        )
    return covered


def _uncovered(ink: InkMap, covered: Mask, usual: float) -> tuple[Mask, Mask]:
    """What of the lettering that the network sees is no region's, and what is left of a region's.

    Letters may run together with those of a line that was cut short: what is left of them in a
    bubble counts where it is as large as a glyph, and not the tips that stick out of a line.
    """
    parts, seen = seen_parts(ink.lettering)
    theirs = seen & (parts.count(covered) >= COVERED * parts.area)
    free = parts.select(seen & ~theirs)
    cut = Components.of(parts.select(theirs) & ~covered)
    glyphs = cut.box[:, 2:].min(axis=1) >= CUT_OFF * usual
    inside = cut.count(ink.plane(BUBBLE) > 127) >= IN_BUBBLE * cut.area
    return free, cut.select(glyphs & inside)


def _same_lettering(pieces: Pieces, i: int, j: int) -> bool:
    """Whether two pieces belong to one block: near, and of like size, stroke and colour."""
    small, large = sorted((float(pieces.size[i]), float(pieces.size[j])))
    alike = large <= LIKE_SIZE * small
    if pieces.gap(i, j) > (NEAR * small if alike else NEAR_SMALL * large):
        return False
    thin, thick = sorted((float(pieces.stroke[i]), float(pieces.stroke[j])))
    if thick > LIKE_SIZE * thin:
        return False
    return float(np.abs(pieces.color[i] - pieces.color[j]).max()) <= LIKE_COLOR


def _usual_height(regions: Sequence[Region], image: Image) -> float:
    """Glyph height of the page's usual lettering, in pixels."""
    heights = [
        region.font_size or 0.8 * Line(rectangle(line)).thickness
        for region in regions
        if region.kind != "sfx"
        for line in region.lines or (region.polygon,)
    ]
    return float(np.median(heights)) if heights else max(12.0, USUAL * image.shape[0])


def _block(
    pieces: Pieces, group: list[int], free: Mask, image: Image, usual: float
) -> Region | None:
    """The region of a group of pieces, or None when it is too little or too faint.

    A small one must be surer, and lie where it is ``free`` to: in a bubble, and no tip of a line.
    """
    area = float(pieces.area[group].sum())
    score = float((pieces.area[group] * pieces.mean[group]).sum()) / area
    large = np.array(group)[pieces.area[group] >= 0.2 * float(pieces.area[group].max())]
    bands = np.array([_band(pieces, index) for index in large])
    glyph = float(np.median(np.where(bands > 0, bands, pieces.size[large])))
    if area < MIN_AREA_SURE or glyph < MIN_HEIGHT or score < MIN_ALONE:
        return None
    box, pixels = pieces.window(group)
    x0, y0, x1, y1 = box
    inside = float(free[y0:y1, x0:x1][pixels].mean())
    if area < MIN_AREA and (score < SURE or inside < IN_BUBBLE):
        return None
    polygon, slant = outline(pixels, box, max(2.0, 0.08 * glyph), image.shape[:2])
    loud = glyph >= LOUD * usual or slant >= SLANTED
    kind: Kind = "sfx" if loud or not _on_plain(image, box, pixels, glyph) else "free"
    share = (box[2] - box[0]) * (box[3] - box[1]) / (image.shape[0] * image.shape[1])
    least = MIN_LARGE if share >= LARGE else MIN_MEAN[kind]
    if kind == "sfx" and (len(group) == 1 or bands.all()):
        least = max(least, MIN_ONE if glyph >= LOUD * usual else MIN_LARGE)
    if area < MIN_AREA:
        kind = "bubble"
    elif score < least:
        largest = float(pieces.size[group].max())
        few = len(group) <= FEW and largest <= SMALL * usual
        if not few or not alone_in_bubble(image, box, largest):
            return None
        kind = "sfx" if slant >= SLANTED else "bubble"
    lines, direction = _lines(pieces, group, glyph, polygon, image.shape[:2])
    return Region(
        polygon=polygon,
        lines=lines,
        kind=kind,
        score=round(score, 4),
        direction=direction,
        font_size=round(glyph, 1),
    )


def _band(pieces: Pieces, index: int) -> float:
    """The thickness of a piece that is a band, in pixels; 0 = it is none."""
    frame = _frame(pieces, index)
    return frame.thickness if frame.length >= BAND * frame.thickness else 0.0


def _lines(
    pieces: Pieces, group: list[int], glyph: float, polygon: Polygon, shape: tuple[int, ...]
) -> tuple[tuple[Polygon, ...], Direction]:
    """The lines of a block, and which way they run: the way in which pieces lie closer.

    Pieces are parted into rows and into columns; what has fewer gaps along than across is a line.
    """
    frame = Line(rectangle(polygon))
    right, down = frame.frame(vertical=False)
    middle = (pieces.box[group][:, :2] + pieces.box[group][:, 2:]) / 2
    rows = _runs(middle @ down, 0.6 * glyph)
    columns = _runs(middle @ right, 0.6 * glyph)
    vertical = len(columns) < len(rows) or (
        len(columns) == len(rows) and frame.height > 1.3 * frame.width
    )
    direction: Direction = "vertical" if vertical else "horizontal"
    runs = columns[::-1] if vertical else rows
    if len(runs) == 1:
        return (polygon,), direction
    lines = []
    for run in runs:
        box, pixels = pieces.window([group[index] for index in run])
        lines.append(outline(pixels, box, max(2.0, 0.08 * glyph), shape)[0])
    return tuple(lines), direction


def _runs(positions: NDArray[np.float64], gap: float) -> list[list[int]]:
    """Indices parted where sorted positions leave a gap."""
    order = np.argsort(positions, kind="stable")
    runs: list[list[int]] = []
    for before, index in zip([None, *order.tolist()], order.tolist(), strict=False):
        if before is None or positions[index] - positions[before] > gap:
            runs.append([])
        runs[-1].append(index)
    return runs


def _on_plain(image: Image, box: Box, pixels: Mask, glyph: float) -> bool:
    """Whether most of what surrounds the pixels is of one colour."""
    reach = max(4, round(0.4 * glyph))
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box
    left, top = max(x0 - reach, 0), max(y0 - reach, 0)
    right, bottom = min(x1 + reach, width), min(y1 + reach, height)
    crop = image[top:bottom, left:right]
    padded = np.pad(pixels, ((y0 - top, bottom - y1), (x0 - left, right - x1)))
    around = ring(padded, 2, reach)
    if not around.any():
        return False
    colors = dominant_colors(crop[around], 1)
    return len(colors) > 0 and float((channel_distance(crop, colors[0])[around] <= 28).mean()) >= (
        PLAIN
    )


def _flat_marks(pieces: Pieces, plane: int) -> list[tuple[Kind, list[int]]]:
    """Groups of highlighter strokes or of the parts of a stamp."""
    near = MARK_NEAR[plane]
    sizes = pieces.short if plane == HIGHLIGHTER else pieces.size

    def belong(i: int, j: int) -> bool:
        pair = (float(sizes[i]), float(sizes[j]))
        return pieces.gap(i, j) <= near * (min(pair) if plane == HIGHLIGHTER else max(pair))

    kind: Kind = "highlighter" if plane == HIGHLIGHTER else "stamp"
    return [(kind, group) for group in pieces.groups(near * sizes, belong)]


def _pen_marks(pieces: Pieces) -> list[tuple[Kind, list[int]]]:
    """Writing in groups; lines, circles and other single strokes each for itself."""
    winding = pieces.area / pieces.stroke / _half_perimeter(pieces)
    line = (winding < WINDING) & (pieces.size >= LONG * pieces.stroke)
    letters = ~line & (pieces.size >= MIN_HEIGHT)
    hand = float(np.median(pieces.short[letters])) if letters.any() else 0.0

    def belong(i: int, j: int) -> bool:
        small = min(float(pieces.size[i]), float(pieces.size[j]))
        reach = min(max(MARK_NEAR[PEN] * small, hand), WORD * hand)
        return not line[i] and not line[j] and pieces.gap(i, j) <= reach

    reach = np.full(len(pieces.label), WORD * hand)
    writing: list[list[int]] = []
    single: list[list[int]] = []
    for group in pieces.groups(reach, belong):
        simple = len(group) <= 2 and bool((winding[group] < WINDING).all())
        (single if simple else writing).append(group)
    written = [index for group in writing for index in group]
    marks: list[tuple[Kind, list[int]]] = [("handwriting", group) for group in writing]
    for group in single:
        # A lone letter or figure among the writing, but not an underline or a circle.
        letter = bool((~line[group] & (pieces.size[group] <= LIKE_SIZE * hand)).all())
        near = letter and any(pieces.gap(group[0], other) <= BESIDE * hand for other in written)
        marks.append(("handwriting" if near else "pen", group))
    return marks


def _half_perimeter(pieces: Pieces) -> NDArray[np.float64]:
    """``(n,)`` width plus height of the smallest rectangle around each piece, in pixels."""
    frames = [_frame(pieces, index) for index in range(len(pieces.label))]
    return np.array([frame.width + frame.height + 2.0 for frame in frames], np.float64)


def _frame(pieces: Pieces, index: int) -> Line:
    """The smallest rectangle around a piece's pixels."""
    (x0, y0, _, _), pixels = pieces.window([index])
    ys, xs = np.nonzero(pixels)
    return Line(rectangle(np.stack([xs + x0, ys + y0], axis=1)))
