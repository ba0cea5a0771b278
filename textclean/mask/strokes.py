"""Which pixels inside a block's polygons are lettering?

Two ways. Where the background is plain (one colour or a smooth gradient), everything that stands
out from it and hangs together like glyphs is lettering; what runs on to the outside (a bubble's
border, a panel line) is art. Where it is not, solid shapes that lie mostly inside the polygons are
lettering, with the outline around them; where no such shape stands out, the polygons are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.mask.art import strokes_over_art
from textclean.mask.morphology import Components, dilate, erode, opened, rasterize, ring
from textclean.surface import Surface, channel_distance, dominant_colors, fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Polygon

_MIN_SHARE = 0.3  # of the polygons' pixels that a plain background must explain
_MAX_INK = 0.7  # of the polygons' pixels that lettering may cover
_MAX_SPREAD = 8.0  # robust standard deviation of a plain background, in grey levels
_MARK = 0.35  # line heights: extent of punctuation
_STOP = 0.3  # that of a full stop or a dot
_RING = 0.4  # that of a handakuten or an ideographic full stop
_LIKE = 48  # grey levels within which colours are one lettering's
_TOLERANCE = 12.0  # grey levels within which a pixel is the background


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """The lettering of one block, in a crop of the page.

    Attributes:
        mask: ``(H, W)`` bool, the lettering with its outline, not grown.
        art: ``(H, W)`` bool, pixels that are neither lettering nor plain background; growth
            stays off them. Empty where the background is not plain.
        surface: Model of the plain background, or None.
        interior: ``(H, W)`` bool, the plain background around the lettering (with it), or None.
        bridge: ``(H, W)`` bool, where lettering lies on a border or another line of the art that
            ought to go on beneath it; a plain fill would leave a gap there.
        reason: How the strokes were found, in a few words.
    """

    mask: Mask
    art: Mask
    surface: Surface | None
    interior: Mask | None
    bridge: Mask
    reason: str


def find_strokes(image: Image, lines: Sequence[Polygon], height: float) -> Strokes:
    """Find the lettering of a block.

    Args:
        image: ``(H, W, 3)`` uint8 crop of the page around the block.
        lines: Polygons of the block's lines, in pixels of the crop.
        height: Typical line height in pixels.
    """
    core = rasterize(lines, image.shape[:2])
    if not core.any():
        return Strokes(core, core, None, None, core, "outside the page")
    surface = plain_background(image, core, height)
    if surface is not None:
        strokes = _on_plain(image, core, surface, height)
        if strokes is not None:
            return strokes
    mask, reason = strokes_over_art(image, core, height)
    nothing = np.zeros_like(core)
    return Strokes(mask, nothing, None, None, nothing, reason)


def plain_background(image: Image, core: Mask, height: float) -> Surface | None:
    """The surface behind the lettering when it is plain, else None.

    Plain means: a fair part of what lies inside the polygons, and of a band around them or else
    about half of the inside, is within a few levels of one colour or of one smooth surface, in
    patches with nothing else in them (which screentone has not).
    """
    band = ring(core, 0, max(3, round(0.4 * height)))
    if not band.any():
        band = core
    patch = max(1, min(4, round(height / 12)))
    for surface in _models(image, core, band):
        if surface.spread > _MAX_SPREAD:
            continue
        near = surface.distance(image) <= max(_TOLERANCE, 3.0 * surface.spread)
        pure = erode(near, patch)
        if near[core].mean() < _MIN_SHARE:
            continue
        open_around = near[band].mean() >= 0.3 and pure[band].mean() >= 0.15
        small_bubble = near[core].mean() >= 0.45 and pure[core].mean() >= 0.15
        if open_around or small_bubble or _holds_glyphs(near, pure, core, height):
            return surface
    return None


def _holds_glyphs(near: Mask, pure: Mask, core: Mask, height: float) -> bool:
    """Whether plain background lies inside the polygons with several marks wholly in it.

    A small bubble in a polygon that is much too large for it.
    """
    if pure[core].mean() < 0.1:
        return False
    marks = Components.of(~near)
    enclosed = (marks.count(core) == marks.area) & (marks.longest <= height)
    enclosed &= marks.area >= max(6.0, (0.05 * height) ** 2)
    enclosed[0] = False
    share = float(marks.area[enclosed].sum()) / float(core.sum())
    return int(enclosed.sum()) >= 4 and 0.02 <= share <= 0.5


def _models(image: Image, core: Mask, band: Mask) -> Iterator[Surface]:
    """Candidate backgrounds: constant colours by their share inside, then a quadratic surface.

    Inside the polygons counts, not around them: a small bubble on dark art is light inside.
    """
    both = core | band
    inside = image[core][None]
    colors = dominant_colors(image[both], 4)
    shares = [float((channel_distance(inside, color) <= 20).mean()) for color in colors]
    for index in np.argsort(shares)[::-1]:
        if shares[index] >= _MIN_SHARE:
            near = channel_distance(image, colors[index]) <= 20
            yield fit(image, near & both, 0, tolerance=_TOLERANCE)
    yield fit(image, both, 2, tolerance=_TOLERANCE)


def _on_plain(image: Image, core: Mask, surface: Surface, height: float) -> Strokes | None:
    distance = surface.distance(image)
    low = max(10.0, 3.5 * surface.spread)
    contrast = float(np.quantile(distance[core], 0.95))
    if contrast < 2.0 * low:
        return None
    ink = distance > low
    search = dilate(core, max(3, round(0.3 * height)))
    parts = Components.of(ink)
    text = _text_components(parts, core, search, distance > 0.4 * contrast, height)
    mask = parts.select(text)
    crossing = parts.select((parts.count(core) > 0) & ~text)
    strong = distance > 0.5 * contrast
    cut = _cut_off(crossing, crossing & strong, core, height)
    mask |= cut
    if crossing.any() and (mask & strong).any():
        color = np.median(image[mask & strong], axis=0)
        stops = _stops_on_lines(image, distance, crossing & strong & ~cut, core, color, height)
        cut |= dilate(stops, 2) & crossing
        mask |= cut
    interior = _interior(~ink | mask, core & ~ink)
    mask |= _companions(parts, mask, interior, distance > 0.4 * contrast, height)
    if not mask.any() or float(mask[core].mean()) > _MAX_INK:
        return None  # nothing, or so much that it was no plain background
    art = ink & ~mask
    # The line goes on where lettering was cut off it, be the gap wider than a glyph.
    bridge = dilate(cut, 2)
    reason = "stands out from a plain background"
    return Strokes(mask, art, surface, interior | mask, bridge, reason)


def _text_components(
    parts: Components, core: Mask, search: Mask, strong: Mask, height: float
) -> NDArray[np.bool_]:
    """Components that touch the polygons, hold real ink and lie mostly in the search area."""
    inside = parts.count(search) / np.maximum(parts.area, 1)
    glyph = parts.longest <= 2.5 * height
    held = (inside >= 0.75) | (glyph & (inside >= 0.4))
    chosen: NDArray[np.bool_] = (parts.count(core) > 0) & (parts.count(strong) > 0) & held
    return chosen


def _cut_off(crossing: Mask, strong: Mask, core: Mask, height: float) -> Mask:
    """Lettering that hangs together with a border or a drawing: separate it.

    Once more with only the strong ink, where thin bridges of antialiasing break; then what fills
    the inside of the polygons. A line that merely grazes the polygons' rim is not lettering.
    """
    if not crossing.any():
        return crossing
    parts = Components.of(strong)
    inside = parts.count(core) / np.maximum(parts.area, 1)
    # Lines end short of a full stop or the dot of a question mark, and may go through it.
    mark = (parts.longest <= _MARK * height) & (inside >= 0.4)
    apart = parts.select(((inside >= 0.75) | mark) & (parts.area >= 4))
    rest = strong & ~apart & core
    deep = Components.of(rest)
    margin = erode(core, max(2, round(0.2 * height)))
    solid = deep.select(deep.count(margin) >= 0.35 * deep.area)
    return apart | (dilate(solid, 1) & crossing & core) | (dilate(apart, 2) & crossing)


def _stops_on_lines(
    image: Image,
    distance: NDArray[np.float32],
    ink: Mask,
    core: Mask,
    color: NDArray[np.float64],
    height: float,
) -> Mask:
    """Full stops and dots that have run into a border: round, and of the lettering's colour.

    The thick line that they hang on is found by opening. The points of a jagged bubble's
    surroundings remain, too, and are widest where they hang on it.
    """
    found = np.zeros_like(ink)
    parts = Components.of(ink)
    rim = parts.count(ink & ~erode(ink, 1))
    for index in np.flatnonzero((parts.count(core) > 0) & (parts.longest > height)):
        # A line's two long rims have its length: its area through theirs is half its width.
        radius = int(parts.area[index] / max(int(rim[index]), 1)) - 1
        if not index or radius < 1:
            continue
        line = parts.labels == index
        thick = dilate(opened(line, radius), 1)
        stops = Components.of(line & ~thick)
        held = stops.count(dilate(thick, 1)) <= 1.1 * stops.longest
        inside = stops.count(core) >= 0.4 * stops.area
        compact = stops.box[:, 2:].min(axis=1) >= 0.55 * stops.longest
        large = stops.area >= max(6.0, (0.07 * height) ** 2)
        small = stops.longest <= _STOP * height
        for stop in np.flatnonzero(held & inside & compact & large & small):
            if not stop:
                continue
            pixels = stops.labels == stop
            purest = pixels & (distance >= np.quantile(distance[pixels], 0.6))
            own = np.median(image[purest], axis=0)
            if float(np.abs(own - color).max()) <= _LIKE:
                found |= pixels
    return found


def _interior(free: Mask, seeds: Mask) -> Mask:
    """The connected parts of ``free`` that hold most of the polygons' background."""
    parts = Components.of(free)
    hits = parts.count(seeds)
    total = max(int(hits[1:].sum()), 1)
    return parts.select(hits >= 0.15 * total)


def _companions(parts: Components, mask: Mask, interior: Mask, strong: Mask, height: float) -> Mask:
    """Furigana, punctuation, ellipses and dashes beside the lettering that no polygon covers.

    They are small, lie wholly in the same plain area, close to lettering already found, and in
    rows (a patch of dots on both axes is screentone). Repeated, to follow a row to its end.
    """
    small = (parts.longest <= 1.3 * height) & (parts.count(strong) > 0)
    outside = parts.count(_touching_other(parts, interior))
    small &= parts.count(mask) == 0
    candidate = small & (outside == 0)
    groups = Components.of(dilate(parts.select(candidate), max(1, round(0.12 * height))))
    narrow = groups.box[:, 2:].min(axis=1) <= 0.9 * height
    reach = dilate(mask, max(2, round(0.6 * height)))
    members = parts.select(candidate)
    crowd = groups.area / np.maximum(groups.box[:, 2] * groups.box[:, 3], 1)
    near = (groups.count(reach) > 0) & narrow & (groups.longest <= 8 * height) & (crowd > 0.2)
    rings = small & (parts.longest <= _RING * height) & (parts.count(reach) > 0)
    return (groups.select(near) & members) | parts.select(_rings(parts, rings, interior, height))


def _rings(
    parts: Components, candidate: NDArray[np.bool_], interior: Mask, height: float
) -> NDArray[np.bool_]:
    """Those candidates that are small rings: a handakuten, an ideographic full stop.

    What they enclose is plain background of another area, but their own.
    """
    if not candidate.any():
        return candidate
    holes = Components.of((parts.labels == 0) & ~interior, connectivity=4)
    enclosed = holes.select(holes.longest <= _RING * height)
    ring = parts.count(dilate(enclosed, 1)) > 0
    apart = parts.count(_touching_other(parts, interior | enclosed)) == 0
    rings: NDArray[np.bool_] = candidate & ring & apart
    return rings


def _touching_other(parts: Components, interior: Mask) -> Mask:
    """Ink pixels that touch plain background of some other area, or the edge of the crop."""
    ink = parts.labels > 0
    other = ~ink & ~interior
    touching: Mask = dilate(other, 1) & ink
    edge = np.zeros_like(ink)
    edge[[0, -1], :] = True
    edge[:, [0, -1]] = True
    return (touching & ~dilate(interior, 1)) | (edge & ink)
