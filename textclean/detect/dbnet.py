"""From a text probability map to rectangles around lines: the DB post-processing, refined.

Liao et al., *Real-time Scene Text Detection with Differentiable Binarization*, AAAI 2020,
section 3.4: threshold, connected components, smallest rectangle, mean probability as score,
offset by ``area * ratio / perimeter`` because the network was trained on shrunk lines.

Added to that: a component that fills its rectangle badly is several lines that touch (a column
and its furigana, two columns joined at the top). The plain method gives it a low score and loses
it whole; here it is parted first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.lines import Line, corners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_FILLED = 0.72  # share of its rectangle that one straight line's component fills at least
_BETTER = 0.85  # parted, the rectangles must together be this much smaller
_CELL = 8  # pixels of the map that are labelled as one at first
_STEP = 1.15  # growth of the radius by which a component is eroded, beyond single pixels
_DEPTH = 5  # times that a part may be parted again


@dataclass(frozen=True, slots=True, kw_only=True)
class DBParameters:
    """Parameters of the post-processing; the defaults are those PP-OCR ships with.

    Attributes:
        threshold: Probability above which a pixel is text, 0 to 1.
        box_threshold: Mean probability that a line must reach, 0 to 1.
        unclip_ratio: Offset ratio that undoes the shrinking.
        minimum: Shortest side in pixels of the map that a shrunk line must have.
    """

    threshold: float = 0.3
    box_threshold: float = 0.5
    unclip_ratio: float = 1.6
    minimum: float = 3.0


PP_OCR = DBParameters()


def lines_from_map(
    probability: NDArray[np.uint8],
    parameters: DBParameters = PP_OCR,
) -> list[Line]:
    """Rectangles around the lines of text in a probability map.

    Args:
        probability: ``(H, W)`` uint8, 255 = certainly text.
        parameters: Thresholds and offset.

    Returns:
        The lines, not clipped to the map, from top to bottom.
    """
    lines = []
    for x, y, component in _components(probability, round(255 * parameters.threshold)):
        if component.sum() < parameters.minimum**2:
            continue
        height, width = component.shape
        window = probability[y : y + height, x : x + width]
        for left, top, part in _parts(0, 0, component, window, _DEPTH):
            line = _line(left, top, part, window, parameters)
            if line is not None:
                lines.append(Line(line.polygon + np.array([x, y], np.float32), line.score))
    return sorted(lines, key=lambda line: (line.center[1], line.center[0]))


def _components(
    probability: NDArray[np.uint8], level: int
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Connected pixels over a level, as ``(h, w)`` uint8 crops with the place of their corner.

    First on a map of cells, then pixel by pixel in each group of cells: labels for every pixel of
    a large scan would take more memory than the scan.
    """
    peaks = cv2.dilate(probability, np.ones((_CELL, _CELL), np.uint8), anchor=(0, 0))
    cells = (np.asarray(peaks)[::_CELL, ::_CELL] > level).astype(np.uint8)
    cells = np.asarray(cv2.dilate(cells, np.ones((3, 3), np.uint8)), np.uint8)
    count, groups, places, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
    for group in range(1, count):
        left, top, width, height = (int(value) for value in places[group][:4])
        cover = (groups[top : top + height, left : left + width] == group).astype(np.uint8)
        window = np.s_[top * _CELL : (top + height) * _CELL, left * _CELL : (left + width) * _CELL]
        over = (probability[window] > level).astype(np.uint8)
        size = (width * _CELL, height * _CELL)
        mask = np.asarray(cv2.resize(cover, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        over &= mask[: over.shape[0], : over.shape[1]]
        # A 2x2 dilation closes the one-pixel cracks of the transposed convolution's grid.
        over = np.asarray(cv2.dilate(over, np.ones((2, 2), np.uint8)), np.uint8)
        parts, labels, stats, _ = cv2.connectedComponentsWithStats(over, connectivity=8)
        for part in range(1, parts):
            x, y, w, h = (int(value) for value in stats[part][:4])
            crop = (labels[y : y + h, x : x + w] == part).astype(np.uint8)
            yield left * _CELL + x, top * _CELL + y, crop


def _parts(
    x: int, y: int, component: NDArray[np.uint8], probability: NDArray[np.uint8], depth: int
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """A component, parted into pieces that fill their rectangles better where that is possible.

    Args:
        x: Where the component's crop begins in the map of the probabilities.
        y: The same for its rows.
        component: ``(h, w)`` uint8.
        probability: ``(H, W)`` uint8.
        depth: How often it may be parted.

    Yields:
        Place of the corner and crop of each piece.
    """
    height, width = component.shape
    filled, area = int(component.sum()), _rectangle_area(component)
    if depth and filled < _FILLED * area:
        for pieces in _partitions(component, probability[y : y + height, x : x + width]):
            if len(pieces) > 1 and sum(map(_rectangle_area, pieces)) <= _BETTER * area:
                for piece in pieces:
                    left, top, w, h = cv2.boundingRect(piece)
                    crop = piece[top : top + h, left : left + w]
                    yield from _parts(x + left, y + top, crop, probability, depth - 1)
                return
    yield x, y, component


def _partitions(
    component: NDArray[np.uint8], probability: NDArray[np.uint8]
) -> Iterator[list[NDArray[np.uint8]]]:
    """Ways to part a component, the most trustworthy first.

    By its cores: where the network is surer, then what is left when it is eroded. Where that
    parts nothing it is one bent line: in two halves it is less bent.
    """
    for level in (128, 180, 220):
        yield _around_seeds(component, component & (probability > level))
    bordered = cv2.copyMakeBorder(component, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(bordered, cv2.DIST_L2, 3)[1:-1, 1:-1]
    radius = 2
    while radius <= int(depth.max()):
        yield _around_seeds(component, (depth > radius).astype(np.uint8))
        radius = max(radius + 1, round(_STEP * radius))
    yield _halves(component)


def _halves(component: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A component cut across the longer side of its rectangle."""
    center, (width, height), angle = _rectangle(component)
    turn = np.deg2rad(angle if width >= height else angle + 90.0)
    ys, xs = np.indices(component.shape)
    beyond = (xs - center[0]) * np.cos(turn) + (ys - center[1]) * np.sin(turn) > 0
    halves = [component * ~beyond, component * beyond]
    return [half.astype(np.uint8) for half in halves if half.any()]


def _around_seeds(
    component: NDArray[np.uint8], seeds: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    """The component's pixels by nearest seed; seeds that are mere specks do not count."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seeds, connectivity=4)
    least = max(9, round(0.02 * int(component.sum())))
    kept = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= least]
    if len(kept) < 2:
        return []
    chosen = np.isin(labels, kept)
    _, nearest = cv2.distanceTransformWithLabels(
        (~chosen).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(nearest.max()) + 1, np.int32)  # the seed that each seed's pixel is of
    owner[nearest[chosen]] = labels[chosen]
    owners = np.where(component > 0, owner[nearest], 0)
    return [(owners == i).astype(np.uint8) for i in kept]


def _rectangle(
    component: NDArray[np.uint8],
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Centre, size and angle of the smallest rectangle; sizes count pixels, not gaps."""
    # The rims hold the hull, and far fewer points than the component.
    rims, _ = cv2.findContours(component, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    center, (width, height), angle = cv2.minAreaRect(np.concatenate(rims))
    return (center[0], center[1]), (width + 1.0, height + 1.0), angle


def _rectangle_area(component: NDArray[np.uint8]) -> float:
    _, (width, height), _ = _rectangle(component)
    return width * height


def _line(
    x: int,
    y: int,
    component: NDArray[np.uint8],
    probability: NDArray[np.uint8],
    parameters: DBParameters,
) -> Line | None:
    """The line of a component whose crop begins at a place of a map; None if it is none."""
    middle, (width, height), angle = _rectangle(component)
    center = middle[0] + x, middle[1] + y
    if min(width, height) < parameters.minimum + 1:
        return None
    score = _mean_inside(corners(center, (width - 1, height - 1), angle), probability)
    if score < parameters.box_threshold:
        return None
    offset = width * height * parameters.unclip_ratio / (2 * (width + height))
    grown = (width + 2 * offset, height + 2 * offset)
    return Line(corners(center, grown, angle), round(score, 4))


def _mean_inside(quad: NDArray[np.float32], probability: NDArray[np.uint8]) -> float:
    """Mean probability inside a rectangle, 0 to 1."""
    limit = np.array(probability.shape[::-1]) - 1
    x0, y0 = np.clip(np.floor(quad.min(axis=0)).astype(int), 0, limit)
    x1, y1 = np.clip(np.ceil(quad.max(axis=0)).astype(int), 0, limit)
    inside = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(inside, [(quad - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(probability[y0 : y1 + 1, x0 : x1 + 1], inside)[0]) / 255.0
