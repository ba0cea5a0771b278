"""What the ink network says of a page, pixel by pixel. Pure NumPy and OpenCV, no torch.

The masks, the detection and the cleaner all read it; :class:`textclean.detect.ink.InkReader` makes
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Box, Mask

    Plane = NDArray[np.uint8]

NOTHING, LETTERING, PEN, HIGHLIGHTER, STAMP, PRINT = range(6)
"""The classes of a pixel, which exclude each other; also the numbers of their planes."""

BUBBLE = 6
"""The plane that tells whether a pixel lies inside a bubble or caption box, whatever its class."""

PLANES = 7


@dataclass(frozen=True, slots=True, eq=False)
class InkMap:
    """Probabilities by pixel.

    Attributes:
        planes: ``(7, H, W)`` uint8, probabilities times 255, rounded: nothing, lettering with its
            outline or glow, handwriting and pen, highlighter, stamp, printed body text (these six
            sum to about 255), and the inside of bubbles.
        pixel: Side in pixels of what the network saw as one, 1 or more: it knows of no finer rims.
    """

    planes: NDArray[np.uint8]
    pixel: float = 1.0

    def __post_init__(self) -> None:
        if self.planes.ndim != 3 or len(self.planes) != PLANES or self.planes.dtype != np.uint8:
            raise ValueError(
                f"an ink map is uint8 of shape (7, H, W), not {self.planes.dtype} of shape "
                f"{self.planes.shape}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.planes.shape[1]), int(self.planes.shape[2])

    def plane(self, number: int) -> Plane:
        """``(H, W)`` uint8 view of one plane."""
        view: Plane = self.planes[number]
        return view

    @property
    def lettering(self) -> Plane:
        """``(H, W)`` uint8 view: lettering with its outline or glow."""
        return self.plane(LETTERING)

    @property
    def pen(self) -> Plane:
        """``(H, W)`` uint8 view: handwriting and pen strokes."""
        return self.plane(PEN)

    @property
    def highlighter(self) -> Plane:
        """``(H, W)`` uint8 view: highlighter."""
        return self.plane(HIGHLIGHTER)

    @property
    def stamp(self) -> Plane:
        """``(H, W)`` uint8 view: stamps."""
        return self.plane(STAMP)

    @property
    def print(self) -> Plane:
        """``(H, W)`` uint8 view: printed body text."""
        return self.plane(PRINT)

    @property
    def bubble(self) -> Plane:
        """``(H, W)`` uint8 view: the inside of bubbles and caption boxes, lettering included."""
        return self.plane(BUBBLE)

    def with_print_as_lettering(self) -> InkMap:
        """The map of a page on which print is what is to go: of the two planes one is made."""
        planes = self.planes.copy()
        planes[LETTERING] = cv2.add(planes[LETTERING], planes[PRINT])  # saturates
        planes[PRINT] = 0
        return InkMap(planes, self.pixel)

    def resized(self, shape: tuple[int, ...]) -> InkMap:
        """The map of a scaled page on the page itself, or of a page on its view.

        Args:
            shape: The other's; its height and width come first.
        """
        (before, _), (height, width) = self.shape, shape[:2]
        larger = height > before
        how = cv2.INTER_LINEAR if larger else cv2.INTER_AREA
        planes = np.empty((PLANES, height, width), np.uint8)
        for plane, page in zip(self.planes, planes, strict=True):
            cv2.resize(plane, (width, height), dst=page, interpolation=how)
        return InkMap(planes, max(self.pixel * height / before, 1.0))

    def labels(self) -> Plane:
        """``(H, W)`` uint8: the likeliest class of each pixel; of equals the lower number."""
        best = self.planes[0].copy()
        label = np.zeros(self.shape, np.uint8)
        # One plane at a time: arg max over the first axis makes an array of 8 bytes a pixel.
        for number in range(1, BUBBLE):
            plane = self.planes[number]
            higher = plane > best
            label[higher] = number
            np.maximum(best, plane, out=best)
        return label

    def crop(self, box: Box) -> InkMap:
        """A view of a part of the page; ``x0, y0, x1, y1`` lie within it."""
        x0, y0, x1, y1 = box
        return InkMap(self.planes[:, y0:y1, x0:x1], self.pixel)


def hysteresis(plane: Plane, low: int, high: int) -> Mask:
    """Pixels that are at least ``low`` and hang together with one that is at least ``high``.

    Canny's rule for edges (PAMI 1986): a faint pixel counts where it continues a sure one.

    Args:
        plane: ``(H, W)`` uint8.
        low: Level of the pixels that count.
        high: Level that one pixel of each connected part (over corners too) must reach.
    """
    strong = plane >= high
    if not strong.any():
        return np.zeros(plane.shape, bool)
    weak = (plane >= low).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    chosen = np.zeros(count, bool)
    chosen[labels[strong]] = True
    chosen[0] = False
    kept: Mask = chosen[labels]
    return kept
