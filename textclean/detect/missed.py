"""A detector together with the ink network: what the one misses or mistakes, the other tells.

A detector of text takes a face, a crowd or a wing for lettering now and then, and the larger the
find the worse the damage. The ink network seldom sees lettering there. It is blind to some small
print, so only finds that the detector is not sure of are put to it, large ones sooner than small
ones, and those on art sooner than those on plain paper, where little but text is found. Of 595
lines of 36 lettered pages that cost two, both of sound effects; on those and 32 pages of art it
took away 39 finds, one of them as large as its page.

A sound effect with a white rim looks like a small bubble to rules about paper. Where the network
sees no bubble and the letters are much larger than the page's, it is told as what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.ink_regions import MIN_AREA, covered_by, propose_regions
from textclean.detect.lines import Line, rectangle
from textclean.detect.order import reading_order
from textclean.detect.toned import lettering_in_tone
from textclean.mask.ink import HIGH, LOW
from textclean.mask.morphology import Components, rasterize
from textclean.protocols import LineFinder, LineReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.ink_map import InkMap
    from textclean.types import Image, Kind, Polygon, Region

LARGE = 0.04
"""Thickness of a line, in page heights, from which on the ink network is asked."""
TALLEST = 1.5
"""Height of a page, in widths, beyond which it is a strip: a screen of it is its height."""
SURE = 0.9
"""Score of a region from which on it is not."""
SEEN = 0.1
"""Share of a line on art that must be lettering to the ink network."""
SEEN_ON_PAPER = 0.03
"""Share of a line on the plain paper of a bubble or caption that must be."""
UNSURE = 0.7
"""Score of a region on art under which lines of any size are put to it."""
SEEN_AT_ALL = 0.02
"""Share of such a line that must be lettering to it."""
LIKELY = 128
"""Level from which on a pixel is."""
FILLED = 0.5
"""Share of a line on art from which on what the ink network takes for lettering is read: letters
leave gaps, a row of windows or a fence hardly any. Of 131 lines of lettering five reach it."""
READ = 0.6
"""Mean probability of its characters under which such a line says nothing."""
DOUBTFUL, HARDLY_READ, ON_ART = 0.65, 0.45, 0.3
"""Score of a region on art under which it is read however it looks, and that probability; and mean
probability of a bubble under which it is on art."""
LOUD = 2.0
"""Thickness of a block's lines, in the page's median, from which on it is loud."""
ONE_LETTER = 1.5
"""Length of a line, in its thicknesses, up to which it is one letter."""
ALIKE = 2.0
"""Ratio of the sizes of two letters of one word at most."""
HALF_IN = 0.5
"""Mean probability of a bubble in a letter's polygon under which it may be a part of an effect."""
NO_BUBBLE, IN_BUBBLE = 0.1, 0.8
"""Mean probability of a bubble in a block's polygon under which there is none, and from which on
all of it is in one."""


def with_missed(
    regions: tuple[Region, ...],
    ink: InkMap,
    image: Image,
    order: str = "auto",
    detector: object = None,
    *,
    effects: bool = True,
) -> tuple[Region, ...]:
    """Detected regions that show lettering, and lettering that lies in none, in reading order.

    Args:
        regions: What a detector found, in reading order.
        ink: What the ink network says of the page.
        image: ``(H, W, 3)`` uint8 RGB page.
        order: "rtl", "ltr" or "auto": right to left when most blocks are vertical.
        detector: What found the regions: as a :class:`textclean.protocols.LineReader` it reads what
            may be a pattern, as a :class:`textclean.protocols.LineFinder` it looks again at what
            may be lettering in tone.
        effects: Whether sound effects are to go; those that stay need not be read.
    """
    reader = detector if isinstance(detector, LineReader) else None
    regions = without_frames(without_art(regions, ink), ink)
    regions = parts_told(effects_told(regions, ink), ink)
    regions = patterns_told(regions, ink, image, reader, effects=effects)
    missed = speech_told(propose_regions(ink, regions, image), ink)
    if isinstance(detector, LineFinder):
        toned = lettering_in_tone(ink, regions, missed, image, detector, order, effects=effects)
        if toned:
            toned = patterns_told(toned, ink, image, reader, effects=effects)
            more = propose_regions(ink, (*regions, *toned), image)
            missed = (*toned, *speech_told(more, ink))
    if not missed:
        return regions
    every = (*regions, *missed)
    vertical = sum(region.direction == "vertical" for region in regions or missed)
    rtl = order == "rtl" or (order == "auto" and 2 * vertical > len(regions or missed))
    return tuple(every[i] for i in reading_order([r.box for r in every], image, rtl=rtl))


def effects_told(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Regions of which loud lettering outside of any bubble is told as sound effects.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
    """
    usual = [_thickness(line) for region in regions for line in region.lines]
    loud = LOUD * float(np.median(usual)) if usual else np.inf

    def told(region: Region) -> Region:
        if region.kind not in ("bubble", "caption") or not region.lines:
            return region
        if float(np.median([_thickness(line) for line in region.lines])) < loud:
            return region
        outside = _in_bubble(region.polygon, ink, beyond=1.0) < NO_BUBBLE
        return region.with_(kind="sfx") if outside else region

    return tuple(told(region) for region in regions)


def parts_told(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Regions of which a lone letter of a larger sound effect is told as a part of it.

    A detector that finds one letter of an effect finds it by itself, on plain paper it looks like
    speech, and the rest would stay without it. Of 76 pages it was so on one, and on another such a
    find was art.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
    """
    lone = [index for index, region in enumerate(regions) if _is_lone(region, ink)]
    if not lone:
        return regions
    others = Components.of((ink.lettering >= LOW) & ~covered_by(regions, ink.shape))
    told = list(regions)
    for index in lone:
        size = _thickness(regions[index].lines[0])
        x0, y0, x1, y1 = regions[index].box
        reach = round(size)
        near = np.s_[max(y0 - reach, 0) : y1 + reach, max(x0 - reach, 0) : x1 + reach]
        beside = others.longest[np.setdiff1d(others.labels[near], [0])]
        if bool(((beside >= size / ALIKE) & (beside <= size * ALIKE)).any()):
            told[index] = regions[index].with_(kind="sfx")
    return tuple(told)


def _is_lone(region: Region, ink: InkMap) -> bool:
    """Whether a region is one letter outside of any bubble."""
    if region.kind == "sfx" or region.action == "keep" or len(region.lines) != 1:
        return False
    line = Line(rectangle(region.lines[0]))
    outside = _in_bubble(region.polygon, ink, beyond=1.0) < HALF_IN
    return outside and line.length <= ONE_LETTER * line.thickness


def without_art(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Regions without their doubtful lines in which the ink network sees no lettering.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
    """
    height, width = ink.shape
    large = LARGE * min(height, TALLEST * width)
    kept = []
    for region in regions:
        lines = region.lines or (region.polygon,)
        shown = tuple(line for line in lines if _may_be_text(line, region, large, ink))
        if len(shown) == len(lines):
            kept.append(region)
        elif shown:
            around = rectangle(np.concatenate(shown))
            kept.append(region.with_(lines=shown, polygon=around, kind=_kind(region, around, ink)))
    return tuple(kept)


def without_frames(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Regions without doubtful ones on art whose lettering lies in a bubble.

    There the art around a bubble was taken for lettering, too. Left to itself, what is in the
    bubble is proposed alone. Of 130 pages it was so on one, where two bubbles were one such find.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
    """
    return tuple(region for region in regions if not _frames_speech(region, ink))


def _frames_speech(region: Region, ink: InkMap) -> bool:
    if region.action == "keep" or region.score >= DOUBTFUL:
        return False
    bubble = _inside(ink.bubble, region.polygon)
    lettered = bubble[_inside(ink.lettering, region.polygon) >= HIGH]
    return (
        len(lettered) >= MIN_AREA
        and float(bubble.mean()) / 255 < ON_ART
        and float((lettered >= LIKELY).mean()) >= IN_BUBBLE
    )


def speech_told(regions: tuple[Region, ...], ink: InkMap) -> tuple[Region, ...]:
    """Proposed regions of which those in bubbles are told as such, however loud they are.

    Args:
        regions: What the ink network sees and no detector found.
        ink: What it says of the page.
    """
    return tuple(region.with_(kind=_kind(region, region.polygon, ink)) for region in regions)


def _kind(region: Region, polygon: Polygon, ink: InkMap) -> Kind:
    """The kind of a region in this polygon: in a bubble, lettering may be loud or slanted."""
    if region.kind in ("sfx", "free") and _in_bubble(polygon, ink, beyond=0.0) >= IN_BUBBLE:
        return "bubble"
    return region.kind


def patterns_told(
    regions: tuple[Region, ...],
    ink: InkMap,
    image: Image,
    reader: LineReader | None,
    *,
    effects: bool = True,
) -> tuple[Region, ...]:
    """Regions of which those on art that look like a pattern, and read like none, are kept.

    A script that the recognizer does not know reads like nothing, too; so only what also fills its
    lines as letters do not is put to it, and what the detector itself is least sure of.

    Args:
        regions: What a detector found.
        ink: What the ink network says of the page.
        image: ``(H, W, 3)`` uint8 RGB page.
        reader: Reads lines; None = nothing is told.
        effects: Whether sound effects are asked about, too.
    """
    if reader is None:
        return regions

    def told(region: Region) -> Region:
        if region.action == "keep" or (region.kind == "sfx" and not effects):
            return region
        least = _to_be_read(region, ink)
        if not least:
            return region
        lines = region.lines or (region.polygon,)
        best = max(probability for _, probability in reader.read_lines(image, lines))
        if best >= least:
            return region
        reason = f"kept: a pattern rather than text, which reads as nothing ({best:.2f})"
        return region.with_(action="keep", reason=reason)

    return tuple(told(region) for region in regions)


def _to_be_read(region: Region, ink: InkMap) -> float:
    """Probability that a region's characters must reach for it to be text; 0 = it need not be."""
    if region.kind not in ("free", "sfx") or region.score >= SURE:
        return 0.0
    lines = region.lines or (region.polygon,)
    if region.kind == "free" and all(_filled(line, ink, beyond=0.0) >= FILLED for line in lines):
        return READ
    if region.score < DOUBTFUL and _in_bubble(region.polygon, ink, beyond=0.0) < ON_ART:
        return HARDLY_READ
    return 0.0


def _in_bubble(polygon: Polygon, ink: InkMap, *, beyond: float) -> float:
    """Mean probability of a bubble in a polygon; ``beyond`` where it is off the page."""
    inside = _inside(ink.bubble, polygon)
    return float(inside.mean()) / 255 if len(inside) else beyond


def _filled(line: Polygon, ink: InkMap, *, beyond: float) -> float:
    """Share of a line that is lettering to the ink network; ``beyond`` where it is off the page."""
    inside = _inside(ink.lettering, line)
    return float((inside >= LIKELY).mean()) if len(inside) else beyond


def _may_be_text(line: Polygon, region: Region, large: float, ink: InkMap) -> bool:
    least, on_paper = 0.0, region.kind in ("bubble", "caption")
    if region.score < SURE and _thickness(line) >= large:
        least = SEEN_ON_PAPER if on_paper else SEEN
    elif region.score < UNSURE and not on_paper:
        least = SEEN_AT_ALL
    return not least or _filled(line, ink, beyond=1.0) >= least


def _thickness(line: Polygon) -> float:
    return Line(rectangle(line)).thickness


def _inside(plane: NDArray[np.uint8], polygon: Polygon) -> NDArray[np.uint8]:
    """The values of a plane in a polygon; none where it lies outside of the page."""
    height, width = plane.shape
    low = np.clip(np.floor(polygon.min(axis=0)).astype(int), 0, (width, height))
    high = np.clip(np.ceil(polygon.max(axis=0)).astype(int) + 1, 0, (width, height))
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    if x0 >= x1 or y0 >= y1:
        return np.zeros(0, np.uint8)
    inside = rasterize([polygon - low.astype(np.float32)], (y1 - y0, x1 - x0))
    values: NDArray[np.uint8] = plane[y0:y1, x0:x1][inside]
    return values
