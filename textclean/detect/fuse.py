"""Lines found at several scales of a page, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from textclean.detect.lines import Line, rectangle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely import Geometry

_NEWS = 0.4  # share of a coarser line that no finer line covers, for it to count
_INSIDE = 0.8  # share of a finer line inside a coarser one that makes it a fragment of it
_SEAM = 0.15  # thicknesses by which a coarser line is wider than the finer ones it repeats
_FULL = 0.7  # share of its rectangle that an uncovered piece must fill to be a line by itself


def unseen(fine: Sequence[Line], coarse: Sequence[Line]) -> list[Line]:
    """Those coarser lines of which the finer ones miss a good part."""
    from shapely import Polygon, STRtree, unary_union

    if not fine:
        return list(coarse)
    shapes = [Polygon(line.polygon) for line in fine]
    tree = STRtree(shapes)
    new = []
    for line in coarse:
        shape = Polygon(line.polygon)
        near = [shapes[i] for i in sorted(tree.query(shape).tolist())]
        if shape.difference(unary_union(near)).area >= _NEWS * shape.area:
            new.append(line)
    return new


def fused(fine: Sequence[Line], coarse: Sequence[Line]) -> list[Line]:
    """Finer lines, and coarser ones that were :func:`unseen` among them.

    The rest of a line that was found in part becomes a line of its own; large lettering of which
    only fragments were found replaces them.

    Args:
        fine: Lines of one scale, in page pixels.
        coarse: What a coarser scale adds, in page pixels.

    Returns:
        The finer lines that stay, then the new ones.
    """
    from shapely import Polygon, unary_union

    shapes = [Polygon(line.polygon) for line in fine]
    dropped: set[int] = set()
    added: list[Line] = []
    for line in coarse:
        shape = Polygon(line.polygon)
        # Coarser lines are a little wider; a seam left beside the finer ones is no text.
        seam = _SEAM * line.thickness
        covered = unary_union(
            [other.buffer(seam, join_style="mitre") for other in shapes if other.intersects(shape)]
        )
        piece = _piece(line, shape.difference(covered))
        added.append(piece or line)
        if piece is None:
            dropped.update(
                index
                for index, other in enumerate(shapes)
                if other.intersection(shape).area >= _INSIDE * other.area
            )
    return [line for i, line in enumerate(fine) if i not in dropped] + added


def _piece(line: Line, rest: Geometry) -> Line | None:
    """The uncovered rest of a coarser line as a line, where it is one neat piece of it."""
    largest = max(getattr(rest, "geoms", [rest]), key=lambda part: part.area)
    if largest.is_empty or largest.area < 0.8 * rest.area:
        return None
    quad = rectangle(np.asarray(largest.exterior.coords, np.float32))
    piece = replace(line, polygon=quad)
    size = piece.width * piece.height
    if size > 0.9 * line.width * line.height or largest.area < _FULL * size:
        return None
    return piece if piece.thickness >= 0.4 * line.thickness else None
