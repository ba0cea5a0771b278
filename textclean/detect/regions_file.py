"""The detector ``regions``: polygons from a region file instead of a network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Self

from textclean import native, regions_json
from textclean.errors import FileAccessError, OptionsError, RegionsFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.detect import DetectorOptions
    from textclean.regions_json import PageRecord
    from textclean.types import Page, Region


_LOG = logging.getLogger(__name__)


class RegionsFileDetector:
    """Hands out the regions that a file holds for each page.

    A page is looked up by its name, then by its number; a file with a single page that has
    neither serves any page. Regions marked ``action="keep"`` stay kept; every other decision in
    the file (fill, colours, growth, residual) is made anew.

    Args:
        pages: What the file says, from :func:`textclean.regions_json.parse`.
        source: Name of the file, for messages.

    Attributes:
        can_verify: False. It does not look at pixels, so it cannot tell what is left after
            cleaning.
    """

    can_verify = False

    def __init__(self, pages: Sequence[PageRecord], *, source: str = "") -> None:
        self._pages = tuple(pages)
        self._source = source
        self._by_name = {page.name: page for page in reversed(self._pages) if page.name}
        self._by_number = {page.number: page for page in reversed(self._pages) if page.number}

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The detector for a file.

        Raises:
            FileAccessError: The file cannot be read.
            RegionsFileError: It does not follow the schema.
        """
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise FileAccessError(
                f"the regions file {path} cannot be read: {error.strerror or error}",
                remedy="Check the path given with --regions",
            ) from None
        return cls(regions_json.parse(text, source=str(path)), source=str(path))

    @classmethod
    def from_options(cls, options: DetectorOptions) -> Self:
        """The detector that a run's options ask for.

        Raises:
            OptionsError: They name no file.
            FileAccessError: The file cannot be read.
            RegionsFileError: It does not follow the schema.
        """
        if not options.regions:
            raise OptionsError(
                "the detector 'regions' reads its polygons from a file and none was given",
                remedy="Give one with --regions FILE",
            )
        return cls.from_file(options.regions)

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The regions of the file for ``page``, in pixels of ``page.rgb``.

        Raises:
            RegionsFileError: They were made for a page of another size.
        """
        record = self._find(page)
        if record is None:
            _LOG.warning("%s says nothing about %s", self._source, page.name or page.number)
            return ()
        height, width = page.pixels.shape[:2]
        if record.size is not None and record.size != (width, height):
            raise RegionsFileError(
                "the regions were made for a page of "
                f"{record.size[0]}×{record.size[1]} pixels, and this one has {width}×{height}",
                remedy="Use the file that was written for this page, or remove its width and "
                "height if the polygons do fit",
                source=self._source or None,
                page=page.name or None,
            )
        return tuple(_upright(region, page) for region in record.regions)

    def _find(self, page: Page) -> PageRecord | None:
        """What the file says about a page."""
        if page.name in self._by_name:
            return self._by_name[page.name]
        if len(self._pages) == 1 and not (page.name and self._pages[0].name):
            return self._pages[0]
        return self._by_number.get(page.number) if not self._by_name or not page.name else None


def _upright(region: Region, page: Page) -> Region:
    """A region of the file for this page, with nothing decided but what is to be kept."""
    kept = region.action == "keep"
    turned = native.region_upright(region, page.metadata.orientation, page.size)
    return turned.with_(
        lettering=None,
        action="keep" if kept else None,
        reason=(region.reason or "kept: the regions file says so") if kept else "",
        background=None,
        stroke_color=None,
        grown=0,
        confidence=None,
        residual=None,
    )
