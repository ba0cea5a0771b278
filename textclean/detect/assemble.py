"""From lines to regions: what all detectors that find lines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.blocks import Block, group
from textclean.detect.complete import completed
from textclean.detect.kinds import kind_of
from textclean.detect.language import guess_languages
from textclean.detect.order import reading_order as ordered
from textclean.detect.paper import paper_around
from textclean.types import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.detect.lines import Line
    from textclean.detect.recognize import Recognizer
    from textclean.types import Box, Image, Kind, Polygon


def assemble(
    lines: Sequence[Line],
    image: Image,
    *,
    reading_order: str = "auto",
    recognizer: Recognizer | None = None,
) -> tuple[Region, ...]:
    """Blocks of text from lines, in reading order.

    Args:
        lines: The lines of a page, in any order.
        image: ``(H, W, 3)`` uint8 RGB page.
        reading_order: "rtl", "ltr" or "auto": right to left when most of the text is vertical.
        recognizer: Reads the text; None = not read.
    """
    blocks = group(lines, image)
    usual = _usual_thickness(blocks)
    found = [(index, line.polygon) for index, block in enumerate(blocks) for line in block.lines]
    regions = []
    for index, block in enumerate(blocks):
        paper = paper_around(image, [line.polygon for line in block.lines], block.thickness)
        kind = kind_of(block, paper, usual)
        if kind != "sfx":  # drawn lettering has no punctuation to look for
            others = [
                polygon for i, polygon in found if i != index and _touches(polygon, paper.box)
            ]
            blocks[index] = block = completed(block, paper, others)
        regions.append(_region(block, kind))
    if recognizer is not None:
        regions = _read(regions, blocks, image, recognizer)
    rtl = reading_order == "rtl" or (reading_order == "auto" and _mostly_vertical(blocks))
    return tuple(regions[i] for i in ordered([region.box for region in regions], image, rtl=rtl))


def _touches(polygon: Polygon, box: Box) -> bool:
    """Whether a polygon's bounding box overlaps a box."""
    (left, top), (right, bottom) = polygon.min(axis=0), polygon.max(axis=0)
    return bool(left < box[2] and right >= box[0] and top < box[3] and bottom >= box[1])


def _region(block: Block, kind: Kind) -> Region:
    return Region(
        polygon=block.polygon,
        lines=tuple(line.polygon for line in block.lines),
        kind=kind,
        score=block.score,
        direction="vertical" if block.vertical else "horizontal",
    )


def _usual_thickness(blocks: Sequence[Block]) -> float:
    """Thickness of the page's usual lettering in pixels: the median over its glyphs."""
    if not blocks:
        return 1.0
    sizes = np.array([block.thickness for block in blocks])
    weights = np.array(
        [sum(line.length for line in block.lines) / block.thickness for block in blocks]
    )
    order = np.argsort(sizes, kind="stable")
    middle = int(np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2))
    return float(sizes[order][min(middle, len(sizes) - 1)])


def _mostly_vertical(blocks: Sequence[Block]) -> bool:
    lengths = [0.0, 0.0]
    for block in blocks:
        lengths[block.vertical] += sum(line.length for line in block.lines)
    return lengths[True] > lengths[False]


def _read(
    regions: Sequence[Region],
    blocks: Sequence[Block],
    image: Image,
    recognizer: Recognizer,
) -> list[Region]:
    """The regions with their text and its language; furigana are left out of the text."""
    wanted = [
        (index, line)
        for index, block in enumerate(blocks)
        for line, ruby in zip(block.lines, block.ruby(), strict=True)
        if not ruby
    ]
    texts: list[list[str]] = [[] for _ in blocks]
    readings = recognizer.read(image, [line for _, line in wanted])
    for (index, _), (text, _) in zip(wanted, readings, strict=True):
        if text:
            texts[index].append(text)
    joined = ["\n".join(parts) or None for parts in texts]
    return [
        region.with_(text=text, language=language)
        for region, text, language in zip(regions, joined, guess_languages(joined), strict=True)
    ]
