"""Two opinions on a block's strokes: thresholds on the image, and the ink network.

Thresholds are exact to the pixel where the background is plain, and wrong in whole shapes where it
is not, or where a drawing shares the bubble. The network knows shapes, and is unsure of their
rims. So, block by block: where the two agree the thresholds are kept; where they do not, the
network chooses among the shapes that stand out; where nothing stands out it is followed, with its
rims settled by the colours of the image. The reason says which.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from textclean.ink_map import BUBBLE, hysteresis
from textclean.mask.kin import FAINT, HINTED, alike_beside
from textclean.mask.left_out import left_out
from textclean.mask.morphology import Components, dilate, erode, rasterize, ring
from textclean.mask.strokes import Strokes
from textclean.mask.tone import is_toned
from textclean.surface import channel_distance, dominant_colors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.ink_map import InkMap
    from textclean.types import Image, Mask, Polygon

LOW = 96
"""Level from which on a pixel may be lettering, where it continues a sure one."""

HIGH = 160
"""Level from which on a pixel is surely lettering."""

AGREE = 0.75
"""Agreement from which on the thresholds are kept, on a plain background and over art."""

APART = 0.45
"""Agreement that the network's choice among shapes must reach; under it the network is followed."""

EXCESS, HIGH_LINE = 1.25, 50.0
"""Times what the network sees of lettering from which on chosen shapes are joined with the art that
they lie on, and the line height in pixels from which on that is so: small lettering it sees in
part, and in bubbles nothing is joined."""

SPANS = 0.5
"""Share of the polygons that must lie near lettering that the network sees, for it to judge."""

FEWEST = 0.02
"""Share of the polygons that lettering must cover, for the same."""

WHOLE = 0.9
"""Share of the polygons from which on strokes are no strokes: the polygon was the last resort."""

FOREIGN = 0.03
"""Share of a large shape's pixels with a hint of lettering, under which the shape is none."""

LARGE = 0.25
"""Extent of such a shape in line heights; smaller ones (dots, furigana) are given the benefit."""

SMALL = 0.4
"""Shorter side of the glyphs that the network sees, in line heights, up to which a line is several,
and much else."""

FINE, SOLID = 0.03, 0.05
"""Line heights by which tone is shrunk to nothing, and share that may be left of it."""

IN_LINE = 0.85
"""Share of a shape inside the lines' polygons, and of all shapes, for it to be in them."""

AMONG = 0.85
"""Share of what the network sees that must stand out, for it to have seen a part of the whole."""

FEW = 12
"""How many such marks there may be."""

MOSTLY = 0.6
"""Share of a shape's pixels from which on, when the network sees them, all of it is lettering."""

SEEN_WHOLE = 0.95
"""Share of a shape's pixels on art under which the network sees it in part: the rest is art."""

STRAY = 0.12
"""Line heights from any hint of lettering beyond which a shape is something that touches it."""

LOST, FEWEST_LOST = 0.15, 16
"""Extent of what the network sees and thresholds took for art, in line heights, from which on
it comes in, and its pixels."""

OUTLINE = 0.1
"""Size of an outline that only the network sees, in shares of the strokes, from which on it counts.
"""

FAINTEST = 3.0
"""Grey levels by which an outline differs from a plain background at least."""

SEEN, LEFT = 0.2, 0.1
"""Share of some lines that the network takes for lettering from which on it has seen what there is;
and share of that which may lie outside of a mask that took all of it."""

SEEN_OF_LINE = 0.2
"""Share of a line under which the network has not seen all of it."""

RIM = 2
"""Pixels around what the network is sure of whose colours decide."""

SAME_COLOR = 40.0
"""Grey levels within which a pixel of the rim has a colour of the lettering."""


def refine(
    strokes: Strokes, ink: InkMap, image: Image, lines: Sequence[Polygon], height: float
) -> Strokes:
    """The better of two opinions on a block's strokes.

    Args:
        strokes: What the thresholds found in a crop of the page.
        ink: What the network says of the same crop.
        image: ``(H, W, 3)`` uint8, the crop.
        lines: Polygons of the block's lines, in pixels of the crop.
        height: Typical line height in pixels.

    Returns:
        Strokes whose ``reason`` says what was chosen and why.
    """
    core = rasterize(lines, image.shape[:2])
    if not core.any():
        return strokes
    seen = seen_lettering(ink.lettering, core, height)
    if not _spans(seen, core, height):
        whole, also = _whole_lines(strokes, seen, core, image, lines, height)
        strokes = replace(strokes, mask=strokes.mask | whole)
        strokes = _told(strokes, f"the ink network sees too little lettering to judge{also}")
        return _completed(strokes, image, lines)
    alike = agreement(strokes.mask, seen)
    last_resort = strokes.surface is None and float(strokes.mask[core].mean()) >= WHOLE
    if alike >= AGREE and not last_resort:
        kept = strokes if strokes.surface is None else _without_foreign(strokes, ink, height)
        kept, added = _with_outline(kept, seen, ink.lettering, image)
        kept = _with_lost(kept, seen & core, height)
        return _told(kept, f"the ink network agrees, {alike:.2f}{added}")
    shapes = _shapes(strokes, seen, core, ink, image, height, alike)
    if shapes is not None:
        return shapes
    whole, also = _whole_lines(strokes, seen, core, image, lines, height)
    mask = sharpened(seen, ink.lettering, image)
    mask |= alike_beside(mask, ink.lettering, image, height) | whole
    reason = f"the ink network's{also}; thresholds said: {strokes.reason} (agreement {alike:.2f})"
    nothing = np.zeros_like(core)
    plain = None if strokes.surface is None else strokes.mask
    return _completed(Strokes(mask, nothing, None, None, nothing, reason), image, lines, plain)


def _shapes(
    strokes: Strokes,
    seen: Mask,
    core: Mask,
    ink: InkMap,
    image: Image,
    height: float,
    alike: float,
) -> Strokes | None:
    """The shapes on a plain background that the network bears out; None if there are none."""
    if strokes.surface is None:
        return None
    chosen = _chosen_shapes(strokes, seen, ink.lettering, height)
    chosen = _without_hinted(chosen, seen, height)
    chosen, added = _with_outline(chosen, seen, ink.lettering, image)
    again = agreement(chosen.mask, seen)
    if again >= APART and again > alike:
        on_art = height >= HIGH_LINE and float((ink.plane(BUBBLE)[core] > 127).mean()) < 0.5
        if on_art:
            if _joined(chosen.mask, seen, core):
                return None
            chosen = _seen_alone(chosen, seen, ink.lettering)
        note = f"shapes chosen by the ink network, agreement {alike:.2f} then {again:.2f}"
        return _told(chosen, note + added)
    if alike >= APART:
        return _told(strokes, f"the ink network agrees in part, {alike:.2f}")
    if (in_lines := _in_lines(strokes, seen, core)) is not None:
        return _told(in_lines, f"the ink network sees a part of it, {alike:.2f}")
    return None


def took_all(mask: Mask, ink: InkMap, lines: Sequence[Polygon]) -> bool:
    """Whether the network saw lettering in some lines and a mask has taken all that it saw.

    Args:
        mask: ``(H, W)`` bool, of a crop of the page.
        ink: What the network says of the same crop.
        lines: Polygons in pixels of the crop.
    """
    there = rasterize(lines, mask.shape)
    seen = hysteresis(ink.lettering, LOW, HIGH) & there
    found = int(seen.sum())
    return found >= SEEN * max(int(there.sum()), 1) and int((seen & ~mask).sum()) <= LEFT * found


def seen_lettering(plane: NDArray[np.uint8], core: Mask, height: float) -> Mask:
    """Lettering that the network sees in a block's polygons.

    Shapes that touch the polygons and lie mostly in or beside them count whole, of others (a
    neighbour, a sound effect that runs through) only what is inside.

    Args:
        plane: ``(H, W)`` uint8, the lettering plane of a crop.
        core: ``(H, W)`` bool, inside the polygons.
        height: Line height in pixels.
    """
    near = dilate(core, max(3, round(0.3 * height)))
    parts, sure = seen_parts(plane)
    touching = sure & (parts.count(core) > 0)
    mostly = parts.count(near) >= 0.5 * parts.area
    return parts.select(touching & mostly) | (parts.select(touching & ~mostly) & core)


def seen_parts(plane: NDArray[np.uint8]) -> tuple[Components, NDArray[np.bool_]]:
    """The parts of what may be lettering, and which are: those that :func:`hysteresis` keeps."""
    parts = Components.of(plane >= LOW)
    return parts, parts.count(plane >= HIGH) > 0


def agreement(one: Mask, other: Mask) -> float:
    """Intersection over union, 0 to 1; a pixel next to the other mask counts as in it.

    Rims differ by a pixel with the threshold alone, and thin strokes are nearly all rim.
    """
    union = int((one | other).sum())
    if not one.any() or not other.any():
        return 0.0
    matched = (one & dilate(other, 1)) | (other & dilate(one, 1))
    return int(matched.sum()) / union


def sharpened(seen: Mask, plane: NDArray[np.uint8], image: Image) -> Mask:
    """The network's lettering with its rim settled by the image.

    Sure pixels stay. Of the rest, and of the pixels around, those count whose colour is one of the
    lettering's and nearer to it than to any colour of the surroundings.

    Args:
        seen: ``(H, W)`` bool, what the network takes for lettering.
        plane: ``(H, W)`` uint8, the lettering plane.
        image: ``(H, W, 3)`` uint8.
    """
    sure = seen & (plane >= HIGH)
    around = ring(seen, RIM, RIM + 5)
    if not sure.any() or not around.any():
        return seen
    inner = erode(sure, 1)
    inner = inner if int(inner.sum()) >= 0.1 * int(sure.sum()) else sure
    own = _nearest(image, dominant_colors(image[inner], 4))
    foreign = _nearest(image, dominant_colors(image[around], 4))
    like = (own <= SAME_COLOR) & (own < foreign)
    rim = dilate(seen, RIM) & ~sure
    return sure | (rim & like)


def _nearest(image: Image, colors: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(H, W)`` float32: distance of each pixel to the nearest of some colours."""
    nearest = np.full(image.shape[:2], np.inf, np.float32)
    for color in colors:
        np.minimum(nearest, channel_distance(image, color), out=nearest)
    return nearest


def _spans(seen: Mask, core: Mask, height: float) -> bool:
    if float(seen[core].mean()) < FEWEST:
        return False
    reached = dilate(seen, max(2, round(0.6 * height)))
    return float(reached[core].mean()) >= SPANS


def _whole_lines(
    strokes: Strokes,
    seen: Mask,
    core: Mask,
    image: Image,
    lines: Sequence[Polygon],
    height: float,
) -> tuple[Mask, str]:
    """Lines of small lettering in tone of which the network sees too little; and a note.

    Dots hide their thin strokes from thresholds, too, so all of such a line goes.
    """
    found = np.zeros_like(seen)
    if strokes.surface is not None or height >= HIGH_LINE:
        return found, ""
    around = ring(core, round(0.2 * height), max(8, round(height)))
    if not is_toned(image, around):
        return found, ""
    for line in lines:
        inside = rasterize([line], seen.shape)
        if inside.any() and float(seen[inside].mean()) < SEEN_OF_LINE:
            found |= inside
    return found, ", and whole lines in tone" if found.any() else ""


def _completed(
    strokes: Strokes, image: Image, lines: Sequence[Polygon], plain: Mask | None = None
) -> Strokes:
    """The strokes with what they leave out of a line; it may lie on another ground."""
    rest = left_out(strokes.mask, image, lines, plain)
    if not rest.any():
        return strokes
    nothing = np.zeros_like(rest)
    reason = f"{strokes.reason}; completed by what is left out of a line"
    return Strokes(strokes.mask | rest, nothing, None, None, nothing, reason)


def _joined(mask: Mask, seen: Mask, core: Mask) -> bool:
    """Whether shapes are joined with the art, which makes far more of them than the network sees.

    Shapes inside the lines of which it sees nothing are glyphs that it missed, and do not count.
    """
    parts = Components.of(mask)
    missed = (parts.count(seen) == 0) & (parts.count(core) >= IN_LINE * parts.area)
    missed[0] = False
    inside = int((mask & core).sum()) >= IN_LINE * int(mask.sum())
    counted = int(mask.sum()) - (int(parts.area[missed].sum()) if inside else 0)
    return counted > EXCESS * int(seen.sum())


def _seen_alone(strokes: Strokes, seen: Mask, plane: NDArray[np.uint8]) -> Strokes:
    """The strokes without what the network does not see of shapes that it sees in part.

    On art such shapes are lettering with the dots and lines that touch it. The tips of its strokes
    bear hints of lettering.
    """
    shapes = Components.of(strokes.mask)
    partly = shapes.select(shapes.count(seen) < SEEN_WHOLE * shapes.area)
    rest = Components.of(partly & ~dilate(seen, 2 * RIM))
    foreign = rest.select(rest.count(plane >= FAINT) < HINTED * rest.area)
    return _parted(strokes, strokes.mask & ~foreign, foreign)


def _chosen_shapes(
    strokes: Strokes, seen: Mask, plane: NDArray[np.uint8], height: float
) -> Strokes:
    """The shapes that stand out from a plain background, told apart by the network.

    Large ones in which it sees no lettering are drawings, however much they look like glyphs;
    ones that were taken for art and are mostly lettering come in, and of ones that are partly
    (lettering that hangs on a border, or runs together with tone) that part.
    """
    hint = plane >= FAINT
    own, unseen, large = _unseen(strokes.mask, hint, height)
    foreign = own.select(unseen)
    foreign |= own.select(large & ~unseen) & ~dilate(hint, max(RIM + 1, round(STRAY * height)))
    art = Components.of(strokes.art)
    held = art.count(seen) / np.maximum(art.area, 1)
    added = art.select(held >= MOSTLY) | (art.select((held > 0) & (held < MOSTLY)) & seen)
    return _parted(strokes, (strokes.mask & ~foreign) | added, foreign)


def _without_hinted(strokes: Strokes, seen: Mask, height: float) -> Strokes:
    """The strokes without tone that bears hints of lettering, if the others are what is seen.

    It lies in lines that are much higher than the glyphs and is finer than theirs would be; in
    others what is not seen are glyphs.
    """
    glyphs = Components.of(seen).box[1:, 2:].min(axis=1)
    if not len(glyphs) or float(np.percentile(glyphs, 90)) > SMALL * height:
        return strokes
    own = Components.of(strokes.mask)
    tone = own.select(_no_marks(own.count(seen) == 0, own.longest >= LARGE * height))
    if int(erode(tone, max(2, round(FINE * height))).sum()) > SOLID * int(tone.sum()):
        return strokes
    rest = strokes.mask & ~tone
    if agreement(rest, seen) < max(AGREE, agreement(strokes.mask, seen)):
        return strokes
    return _parted(strokes, rest, tone)


def _unseen(
    mask: Mask, hint: Mask, height: float
) -> tuple[Components, NDArray[np.bool_], NDArray[np.bool_]]:
    """A mask's shapes; those in which there is no hint of lettering; and those that are large.

    A few small marks without a hint are punctuation that the network overlooks, and not among
    them; many are screentone.
    """
    own = Components.of(mask)
    large = own.longest >= LARGE * height
    return own, _no_marks(own.count(hint) < FOREIGN * own.area, large), large


def _no_marks(unseen: NDArray[np.bool_], large: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Unseen shapes without the small ones, if these are few enough to be punctuation."""
    return unseen & large if int((unseen & ~large).sum()) <= FEW else unseen


def _without_foreign(strokes: Strokes, ink: InkMap, height: float) -> Strokes:
    """The strokes without tone, and what is drawn in it, that lie in the lines' polygons, too.

    A shape or two that the network does not see are rather glyphs that hang on a border.
    """
    own, unseen, large = _unseen(strokes.mask, ink.lettering >= FAINT, height)
    if not (unseen & ~large).any():
        return strokes
    foreign = own.select(unseen)
    return _parted(strokes, strokes.mask & ~foreign, foreign)


def _parted(strokes: Strokes, mask: Mask, foreign: Mask) -> Strokes:
    """The strokes with another mask; what is foreign is art, and no plain background."""
    interior = strokes.interior
    return replace(
        strokes,
        mask=mask,
        art=(strokes.art | foreign) & ~mask,
        interior=None if interior is None else (interior & ~foreign) | mask,
    )


def _in_lines(strokes: Strokes, seen: Mask, core: Mask) -> Strokes | None:
    """The shapes in the lines, where all that the network sees is among them; else None.

    What the detector marked, stands out from plain paper and hangs together with nothing outside of
    the lines is lettering: two are against one, and the one has missed some of it.
    """
    known = int((seen & dilate(strokes.mask, 1)).sum()) / max(int(seen.sum()), 1)
    parts = Components.of(strokes.mask)
    inside = parts.count(core) >= IN_LINE * parts.area
    held = parts.count(seen) >= MOSTLY * parts.area
    inside[0] = False
    if known < AMONG or int(parts.area[inside].sum()) < IN_LINE * int(strokes.mask.sum()):
        return None
    mask = parts.select(inside | held)
    return replace(strokes, mask=mask, art=(strokes.art | strokes.mask) & ~mask)


def _with_outline(
    strokes: Strokes, seen: Mask, plane: NDArray[np.uint8], image: Image
) -> tuple[Strokes, str]:
    """The strokes with an outline or glow around them that only the network sees; and a note.

    On a plain background an outline is something that shows, however faintly.
    """
    beyond = seen & (plane >= HIGH) & ~dilate(strokes.mask, 2)
    if strokes.surface is not None:
        beyond &= strokes.surface.distance(image) > max(FAINTEST, 2.0 * strokes.surface.spread)
    parts = Components.of(beyond)
    outline = parts.select(parts.count(dilate(strokes.mask, 4)) > 0)
    if int(outline.sum()) < OUTLINE * int(strokes.mask.sum()):
        return strokes, ""
    mask = strokes.mask | (seen & dilate(strokes.mask | outline, 3))
    return _parted(strokes, mask, np.zeros_like(mask)), ", and adds an outline"


def _with_lost(strokes: Strokes, inside: Mask, height: float) -> Strokes:
    """The strokes with parts of glyphs that hang on a border or on tone and were taken for them.

    Args:
        strokes: What thresholds found.
        inside: ``(H, W)`` bool, what the network sees inside the lines.
        height: Line height in pixels.
    """
    if strokes.surface is None:
        return strokes
    parts = Components.of(inside & strokes.art)
    lost = parts.select(parts.area >= max(FEWEST_LOST, (LOST * height) ** 2))
    mask, bridge = strokes.mask | lost, strokes.bridge | dilate(lost, 2)
    return replace(strokes, mask=mask, art=strokes.art & ~lost, bridge=bridge)


def _told(strokes: Strokes, note: str) -> Strokes:
    return replace(strokes, reason=f"{strokes.reason}; {note}")
