"""Room for new text inside a bubble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.mask.morphology import rasterize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Box, Mask, Polygon

_STEPS: Final = 12  # halvings when an ellipse is made as large as it fits


def safe_ellipse(bubble: Polygon, safe_box: Box) -> Box | None:
    """The bounding box of a large upright ellipse inside a bubble.

    The largest of a few: of the bubble's and the safe rectangle's proportions, around either's
    middle, each as large as it fits. It is a good ellipse, not the largest there is.

    Args:
        bubble: ``(N, 2)`` float32 outline.
        safe_box: The largest upright rectangle inside it.
    """
    low = np.floor(bubble.min(axis=0)).astype(int)
    high = np.ceil(bubble.max(axis=0)).astype(int) + 1
    width, height = (int(side) for side in high - low)
    inside = rasterize([bubble - low.astype(np.float32)], (height, width))
    around = np.array(safe_box, np.float64)
    whole = np.array([*low, *high], np.float64)
    best: Box | None = None
    for middle in (_middle(around), _middle(whole), (_middle(around) + _middle(whole)) / 2):
        for box in (around, whole):
            ratio = float((box[2] - box[0]) / (box[3] - box[1]))
            found = _largest(inside, middle - low, ratio)
            if found is not None and (best is None or _area(found) > _area(best)):
                best = found
    if best is None:
        return None
    left, top = int(low[0]), int(low[1])
    return best[0] + left, best[1] + top, best[2] + left, best[3] + top


def ellipse_mask(box: Box, shape: tuple[int, int]) -> Mask:
    """``(H, W)`` bool: pixels of the ellipse that fills a box."""
    x0, y0, x1, y1 = box
    ys, xs = np.ogrid[: shape[0], : shape[1]]
    across = (xs + 0.5 - (x0 + x1) / 2) / max((x1 - x0) / 2, 0.5)
    down = (ys + 0.5 - (y0 + y1) / 2) / max((y1 - y0) / 2, 0.5)
    mask: Mask = across**2 + down**2 <= 1.0
    return mask


def _largest(inside: Mask, middle: NDArray[np.float64], ratio: float) -> Box | None:
    """The largest ellipse of some proportions around a point."""
    small, large = 0.0, float(max(inside.shape))
    best: Box | None = None
    for _ in range(_STEPS):
        height = (small + large) / 2
        half = np.array([height * ratio, height]) / 2
        (x0, y0), (x1, y1) = np.ceil(middle - half).astype(int), np.floor(middle + half).astype(int)
        box = (int(x0), int(y0), int(x1), int(y1))
        if x1 <= x0 or y1 <= y0:
            small = height
        elif _fits(inside, box):
            small, best = height, box
        else:
            large = height
    return best


def _fits(inside: Mask, box: Box) -> bool:
    x0, y0, x1, y1 = box
    if x0 < 0 or y0 < 0 or x1 > inside.shape[1] or y1 > inside.shape[0]:
        return False
    ellipse = ellipse_mask((0, 0, x1 - x0, y1 - y0), (y1 - y0, x1 - x0))
    return bool(inside[y0:y1, x0:x1][ellipse].all())


def _middle(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
