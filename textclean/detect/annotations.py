"""What people added to a printed page, found by the ink network alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from textclean.detect.ink_regions import annotation_regions
from textclean.detect.sheet_look import SheetLook
from textclean.scales import placed, steps

if TYPE_CHECKING:
    from textclean.detect import DetectorOptions
    from textclean.ink_map import InkMap
    from textclean.protocols import PixelReader
    from textclean.types import Image, Page, Region


class AnnotationDetector:
    """Finds handwriting, pen, highlighter and stamps; print is none of its business.

    See :class:`textclean.protocols.InkedDetector`.

    Args:
        reader: The ink network.
        like: ``(H, W, 3)`` uint8 RGB, a sheet like which all are looked at; None = as fits each.

    Attributes:
        needs_page: What a page's print looks like, and how large it is, tells what is none.
    """

    name = "ink"
    needs_page = True

    def __init__(self, reader: PixelReader, like: Image | None = None) -> None:
        self.reader = reader
        self._like = like

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

    def as_on(self, page: Page) -> AnnotationDetector:
        """The detector that looks at sheets as it looks at this one."""
        return AnnotationDetector(self.reader, page.rgb)

    @cached_property
    def _look(self) -> SheetLook | None:
        """How all sheets are looked at; found when first needed, for many need no second look."""
        return None if self._like is None else SheetLook.of(self._like)

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The annotations on ``page.rgb``, from the top, then the left."""
        return self.detect_inked(page, self.reader)[0]

    def detect_inked(self, page: Page, read: PixelReader) -> tuple[tuple[Region, ...], InkMap]:
        """The same with a reader, and its map of the page."""
        image = page.rgb
        view = (self._look or SheetLook.of(image))(image)
        ink = read(view)
        found = annotation_regions(ink, view)
        if view.shape == image.shape:
            return found, ink
        step = steps(image, view)
        return tuple(placed(region, step) for region in found), ink.resized(image.shape)
