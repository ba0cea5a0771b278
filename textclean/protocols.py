"""What the parts of the pipeline promise each other; implementations live in their own rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from textclean.detect.lines import Line
    from textclean.ink_map import InkMap
    from textclean.types import Image, Mask, Page, Polygon, Region


@runtime_checkable
class Detector(Protocol):
    """Finds text.

    A detector that does not look at the pixels may have an attribute ``can_verify = False``: the
    second look at the cleaned page is not taken with it. One that goes by the whole page may have
    ``needs_page = True``: at the second look it is shown that, and not parts. One that adapts to
    the page may have a method ``as_on(page)`` that gives the detector as it looks at that page: the
    second look is taken with it.
    """

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The blocks of text on ``page.rgb``, in reading order."""


@runtime_checkable
class InkedDetector(Detector, Protocol):
    """A detector that makes use of what the ink network says of the page, where there is one."""

    def detect_inked(
        self, page: Page, read: PixelReader
    ) -> tuple[tuple[Region, ...], InkMap | None]:
        """The same as :meth:`detect`, knowing which pixels are lettering, pen, print ...

        Args:
            page: The page.
            read: Says what pixels are; the detector knows at which scale it should look.

        Returns:
            The regions, and the ink map of the page; None where it was not needed.
        """


@runtime_checkable
class LineFinder(Protocol):
    """Finds single lines: a detector before it makes blocks of them."""

    def find_lines(self, image: Image) -> list[Line]:
        """The lines of an ``(H, W, 3)`` uint8 RGB image, in any order."""


@runtime_checkable
class LineReader(Protocol):
    """Reads single lines: a detector that has a recognizer."""

    def read_lines(self, image: Image, lines: Sequence[Polygon]) -> list[tuple[str, float]]:
        """For each line its text and the mean probability of its characters, 0 to 1.

        Args:
            image: ``(H, W, 3)`` uint8 RGB page.
            lines: Polygons around them.
        """


@runtime_checkable
class PixelReader(Protocol):
    """Says of each pixel of a page what it is."""

    def __call__(self, image: Image) -> InkMap:
        """The ink map of an ``(H, W, 3)`` uint8 RGB page."""


class DrawnMask(Protocol):
    """Gives the masks that somebody drew."""

    def __call__(self, page: Page) -> Mask | None:
        """``(H, W)`` bool, upright, for a page; None when there is none for it.

        Raises:
            InputError: It cannot be read or has not the size of the page.
        """


@runtime_checkable
class Inpainter(Protocol):
    """Fills holes.

    An inpainter that makes use of ``see_through`` may have an attribute ``unmixes = True``: its
    work on such regions is told as "unmix".
    """

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """A new ``(H, W, 3)`` uint8 image; equal to ``image`` outside ``mask``.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            mask: ``(H, W)`` bool, True = fill.
            see_through: ``(H, W)`` bool, a subset of ``mask``: pixels whose present colour still
                says something about what lies beneath (translucent ink). None = none.
        """


@runtime_checkable
class ErrorPredictor(Inpainter, Protocol):
    """An inpainter that knows how wrong its fills are likely to be."""

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """What a call gives back, and the error that is to be expected of it.

        Args:
            image: As for a call.
            mask: As for a call.
            see_through: As for a call.

        Returns:
            The filled image, and ``(H, W)`` float32, root mean square error in grey levels at
            each pixel of the mask, NaN where it is not known; None when nothing is known.
        """


class PageEntry(Protocol):
    """One page of a source, not decoded yet."""

    @property
    def name(self) -> str:
        """Name inside the document, with forward slashes; unique in its source."""

    @property
    def number(self) -> int:
        """Position in the document, from 1."""

    def load(self) -> Page:
        """Decode the page.

        Raises:
            InputError: The page cannot be decoded.
        """


class Source(Protocol):
    """A document or a folder, opened for reading."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def entries(self) -> Sequence[PageEntry]:
        """The pages in natural order; nothing is decoded to list them."""

    def close(self) -> None:
        """Let go of the file; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Sink(Protocol):
    """Where the cleaned document goes. The output appears whole, on ``commit``, or not at all."""

    def keep(self, entry: PageEntry) -> None:
        """Take the page over as it is, byte for byte."""

    def write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        """Write the cleaned page in place of the entry; ``mask`` is as stored.

        Raises:
            UnsupportedFormatError: The entry's format cannot hold the page as it is.
        """

    def commit(self) -> None:
        """Make the output visible under its final name."""

    def discard(self) -> None:
        """Remove everything that was written; safe to call twice and after ``commit``."""
