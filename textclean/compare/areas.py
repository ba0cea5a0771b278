"""Where a page may have changed: the regions of a regions file, and masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean import native, regions_json
from textclean.errors import FileAccessError, MaskError, RegionsFileError
from textclean.io import read_mask

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.regions_json import PageRecord
    from textclean.types import Mask, Page, Region


class Areas:
    """Hands out the pixels of each page that may have changed.

    Args:
        regions: Path to a regions file.
        masks: What ``--mask-out`` wrote, a picture or a folder of them; or masks by page number,
            each ``(H, W)`` bool as stored.
        margin: Pixels by which regions are grown, on top of the growth that the file tells.

    Raises:
        FileAccessError: A path cannot be read.
        RegionsFileError: The regions file does not follow the schema.
    """

    def __init__(
        self,
        regions: str | os.PathLike[str] | None = None,
        masks: str | os.PathLike[str] | Mapping[int, Mask] | None = None,
        *,
        margin: int = 0,
    ) -> None:
        self._margin = margin
        self._source = "" if regions is None else str(regions)
        self._records = () if regions is None else _parsed(Path(regions))
        self._masks: Mapping[int, Mask] | Path = {}
        if isinstance(masks, Mapping):
            self._masks = masks
        elif masks is not None:
            self._masks = Path(masks)
            if not self._masks.exists():
                raise FileAccessError(f"there is no file or folder {self._masks}")

    def of(self, page: Page) -> Mask:
        """``(H, W)`` bool, as stored: pixels of the page that may have changed.

        Raises:
            FileAccessError: A mask cannot be read.
            MaskError: A mask has another size than the page.
            RegionsFileError: The regions are those of a page of another size.
        """
        area = np.zeros(page.pixels.shape[:2], bool)
        record = self._record(page)
        if record is not None:
            self._check_size(record, page)
            for region in record.regions:
                if region.action != "keep":
                    _paint(area, region, region.grown + self._margin)
        mask = self._mask(page)
        return area if mask is None else area | mask

    def _record(self, page: Page) -> PageRecord | None:
        """What the regions file says about a page: by name, by number, or as its only page."""
        records = self._records
        named = next((r for r in records if r.name and r.name == page.name), None)
        if named is not None:
            return named
        numbered = next((r for r in records if r.number == page.number), None)
        if numbered is not None or len(records) != 1 or records[0].number is not None:
            return numbered
        return records[0]

    def _check_size(self, record: PageRecord, page: Page) -> None:
        height, width = page.pixels.shape[:2]
        if record.size is not None and record.size != (width, height):
            raise RegionsFileError(
                f"the regions were made for a page of {record.size[0]}×{record.size[1]} pixels, "
                f"and this one has {width}×{height}",
                remedy="Use the file that was written when this document was cleaned",
                source=self._source or None,
                page=page.name or None,
            )

    def _mask(self, page: Page) -> Mask | None:
        if not isinstance(self._masks, Path):
            mask = self._masks.get(page.number)
            if mask is not None and (mask.shape != page.pixels.shape[:2] or mask.dtype != bool):
                raise MaskError(
                    f"the mask is {mask.dtype} {mask.shape}; the page as stored is "
                    f"{page.pixels.shape[:2]} and needs a boolean mask",
                    page=page.name or None,
                )
            return mask
        path = _mask_path(self._masks, page.name)
        if path is None:
            return None
        return native.stored(read_mask(path, page.size), page.metadata.orientation)


def _parsed(path: Path) -> Sequence[PageRecord]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise FileAccessError(
            f"the regions file {path} cannot be read: {error.strerror or error}",
            remedy="Check the path given with --regions",
        ) from None
    return regions_json.parse(text, source=str(path))


def _mask_path(base: Path, name: str) -> Path | None:
    """Where ``--mask-out`` put the mask of a page; None when it has none."""
    if not base.is_dir():
        return base
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        return None
    # Of "a.jpg" and "a.png" in one document the second has the longer name.
    candidates = (base / f"{name}.png", base / inside.with_suffix(".png"), base / inside)
    return next((path for path in candidates if path.is_file()), None)


def _paint(area: Mask, region: Region, grown: int) -> None:
    """Set the pixels of a region and its lines, grown by a square."""
    canvas: NDArray[np.uint8] = np.zeros(area.shape, np.uint8)
    for polygon in (region.polygon, *region.lines):
        cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32)], 1)
    if grown:
        square = np.ones((2 * grown + 1, 2 * grown + 1), np.uint8)
        canvas = cv2.dilate(canvas, square).astype(np.uint8)
    area |= canvas > 0
