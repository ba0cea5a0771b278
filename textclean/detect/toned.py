"""Lettering in screentone: another look at what the ink network suspects, with the dots blurred.

To a text detector, dots as large as the strokes of small lettering hide it. Blurred, tone is a
grey on which letters stand out. Of plain captions on 150 pieces of halftone art (pitches of 2 to 12
pixels) the detector found 40 % of the lettering, with views blurred by both of :data:`BLURS` 54 %,
with either of them 50 or 48 %.

Blurred art looks like text now and then. So a find counts where the ink network sees some lettering
in it, or a little, and it can be read: of 152 new finds there, 61 % of those of text and none of
the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.assemble import assemble
from textclean.detect.ink_regions import covered_by
from textclean.detect.lines import Line
from textclean.mask.morphology import rasterize
from textclean.mask.tone import dots
from textclean.parts import parts
from textclean.protocols import LineReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.detect.recognize import Recognizer
    from textclean.ink_map import InkMap
    from textclean.protocols import LineFinder
    from textclean.types import Image, Mask, Region

BLURS = (1.2, 2.2)
"""Deviations of the Gaussians that views are blurred by, in pixels."""
SUSPECTED = 64
"""Level of the ink map from which on lettering is suspected."""
LEAST = 60
"""Pixels of suspected lettering within a cell of :data:`CELL` pixels that are worth a look."""
CELL = 32
"""Side of such a cell."""
AROUND = 64
"""Pixels around suspected lettering that a view shows."""
SOME_TONE = 0.55
"""Share of dots from which on a view is worth it: through finer tone the detector sees by itself.
From 0.2 on, lettering came in on five of 29 pages of halftone, not on two, and pages of manga took
a fifth more time."""
REST = 1.0
"""Thicknesses around a sound effect that stays within which nothing is looked for: what is
suspected there are the rest of it and its next letter."""
KNOWN = 0.1
"""Share of a line in known regions from which on it is no news: it may be them that are read."""
AGAIN = 0.5
"""The same in lines that another view has shown; neighbours overlap a little."""
SEEN = 0.2
"""Mean probability of lettering in a line from which on it needs no reading."""
SEEN_AT_ALL = 0.03
"""That from which on it counts when it can be read."""
READ = 0.7
"""Mean probability of a line's characters from which on it can be."""


def lettering_in_tone(
    ink: InkMap,
    regions: Sequence[Region],
    proposed: Sequence[Region],
    image: Image,
    finder: LineFinder,
    order: str = "auto",
    *,
    effects: bool = True,
) -> tuple[Region, ...]:
    """Blocks of lettering that a detector finds once tone is blurred.

    Args:
        ink: What the ink network says of the page.
        regions: What the detector has found.
        proposed: What else the ink network is sure of: no reason for a look, but what is found in
            another's view may be the whole of it.
        image: ``(H, W, 3)`` uint8 RGB page.
        finder: Finds lines; reads them, too, if it is a :class:`textclean.protocols.LineReader`.
        order: "rtl", "ltr" or "auto": the reading order.
        effects: Whether sound effects are to go; of those that stay no rest is looked for.
    """
    covered = covered_by(regions, ink.shape)
    taken = np.zeros_like(covered)
    suspected = (ink.lettering >= SUSPECTED) & ~covered & ~covered_by(proposed, ink.shape)
    if not effects:
        loud = [region for region in (*regions, *proposed) if region.kind == "sfx"]
        suspected &= ~covered_by(loud, ink.shape, REST)
    lines: list[Line] = []
    for rows, columns in parts(suspected, AROUND, CELL, LEAST):
        corner = np.array([columns.start, rows.start], np.float32)
        piece = np.ascontiguousarray(image[rows, columns])
        if float(dots(piece).mean()) < SOME_TONE:
            continue
        for blur in BLURS:
            view = np.asarray(cv2.GaussianBlur(piece, (0, 0), blur), np.uint8)
            for found in finder.find_lines(view):
                line = Line(found.polygon + corner, found.score)
                inside = rasterize([line.polygon], ink.shape)
                old = covered[inside].mean() > KNOWN or taken[inside].mean() > AGAIN
                if not old and _is_text(line, inside, ink, image, finder):
                    lines.append(line)
                    taken |= inside
    if not lines:
        return ()
    # Where the detector reads what it finds, this is read, too.
    recognizer: Recognizer | None = getattr(finder, "recognizer", None)
    return assemble(lines, image, reading_order=order, recognizer=recognizer)


def _is_text(line: Line, inside: Mask, ink: InkMap, image: Image, finder: LineFinder) -> bool:
    """Whether the ink network sees lettering in a line, or a little that can be read."""
    seen = float(ink.lettering[inside].mean()) / 255
    if seen >= SEEN or seen < SEEN_AT_ALL or not isinstance(finder, LineReader):
        return seen >= SEEN
    text, probability = finder.read_lines(image, [line.polygon])[0]
    return len(text) > 1 and probability >= READ
