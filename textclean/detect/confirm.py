"""A second look at doubtful lines, at a scale where lettering is easy to see.

Art that looks like text to a network (a face in screentone, rain, a crowd) does so at one scale;
lettering does at any. A line with a middling score is cut out, scaled to a usual line height and
must be found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.dbnet import DBParameters, lines_from_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from textclean.detect.lines import Line
    from textclean.types import Image

SURE = 0.7  # lines with at least this score need no second look
_HEIGHTS = (48, 32, 64)  # pixels; scales at which one is taken, until the line is found
_FOUND = 0.4  # share of the line that must be found again
_LONGEST = 2048  # pixels; longer views are scaled down further


def confirmed(
    line: Line,
    image: Image,
    network: Callable[[Image], NDArray[np.uint8]],
    parameters: DBParameters,
) -> bool:
    """Whether a line is surely text, or is found again when looked at alone.

    Args:
        line: A line of the page.
        image: ``(H, W, 3)`` uint8 page.
        network: Takes ``(h, w, 3)`` uint8, gives ``(h, w, 1)`` uint8 probabilities.
        parameters: Thresholds of the post-processing.
    """
    if line.score >= SURE:
        return True
    x0, y0, x1, y1 = _surroundings(line, image)
    view = image[y0:y1, x0:x1]
    height, width = view.shape[:2]
    for wanted in _HEIGHTS:
        scale = min(wanted / line.thickness, _LONGEST / max(height, width))
        size = (max(16, round(width * scale)), max(16, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        probability = network(np.asarray(cv2.resize(view, size, interpolation=method), np.uint8))
        factor = np.array([size[0] / width, size[1] / height])
        quad = (line.polygon - (x0, y0)) * factor
        if _share_found(quad, probability[..., 0], parameters) >= _FOUND:
            return True
    return False


def _surroundings(line: Line, image: Image) -> tuple[int, int, int, int]:
    """The line's box with its own thickness around it, on the page."""
    low = np.floor(line.polygon.min(axis=0) - line.thickness).astype(int)
    high = np.ceil(line.polygon.max(axis=0) + line.thickness).astype(int) + 1
    height, width = image.shape[:2]
    return max(low[0], 0), max(low[1], 0), min(high[0], width), min(high[1], height)


def _share_found(
    quad: NDArray[np.floating], probability: NDArray[np.uint8], parameters: DBParameters
) -> float:
    wanted = np.zeros(probability.shape, np.uint8)
    cv2.fillPoly(wanted, [np.rint(quad).astype(np.int32)], 1)
    found = np.zeros(probability.shape, np.uint8)
    for line in lines_from_map(probability, parameters):
        cv2.fillPoly(found, [np.rint(line.polygon).astype(np.int32)], 1)
    return float((wanted & found).sum()) / max(float(wanted.sum()), 1.0)
