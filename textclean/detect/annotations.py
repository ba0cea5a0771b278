"""What people added to a printed page, found by the ink network alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from textclean.detect.ink_regions import annotation_regions
from textclean.detect.sheet_scale import sheet_scale
from textclean.scales import placed, scaled, steps

if TYPE_CHECKING:
    from textclean.detect import DetectorOptions
    from textclean.ink_map import InkMap
    from textclean.protocols import PixelReader
    from textclean.types import Page, Region


class AnnotationDetector:
    """Finds handwriting, pen, highlighter and stamps; print is none of its business.

    See :class:`textclean.protocols.InkedDetector`.

    Args:
        reader: The ink network.

    Attributes:
        needs_page: What a page's print looks like, and how large it is, tells what is none.
    """

    name = "ink"
    needs_page = True

    def __init__(self, reader: PixelReader) -> None:
        self.reader = reader

    @classmethod
    def from_options(cls, options: DetectorOptions) -> Self:
        """With the ink network that comes with textclean, or the one that the options name.

        Raises:
            WeightsError: Its weights are missing or damaged.
        """
        from textclean.detect.ink import DEFAULT_WEIGHTS, InkReader
        from textclean.detect.marks import MarksReader

        reader = InkReader.load(options.ink_weights or DEFAULT_WEIGHTS, options.device)
        return cls(MarksReader(reader))

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The annotations on ``page.rgb``, from the top, then the left."""
        return self.detect_inked(page, self.reader)[0]

    def detect_inked(self, page: Page, read: PixelReader) -> tuple[tuple[Region, ...], InkMap]:
        """The same with a reader, and its map of the page."""
        image = page.rgb
        view = scaled(image, sheet_scale(image))
        ink = read(view)
        found = annotation_regions(ink, view)
        if view is image:
            return found, ink
        step = steps(image, view)
        return tuple(placed(region, step) for region in found), ink.resized(image.shape)
