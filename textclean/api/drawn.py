"""Masks that somebody drew, found by the name of their page."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError
from textclean.io import read_mask

if TYPE_CHECKING:
    from textclean.types import Mask, Page


class DrawnMasks:
    """The masks of a file or a folder; see :class:`textclean.protocols.DrawnMask`.

    Args:
        path: A picture for every page, or a folder of PNGs with the names that ``--mask-out``
            gives: ``a/1.png`` for the page ``a/1.jpg``. Pages without one are masked as found.
        max_pixels: Larger pictures are refused.

    Raises:
        FileAccessError: There is no such file or folder.
    """

    def __init__(self, path: str, max_pixels: int) -> None:
        self._path = Path(path)
        self._max_pixels = max_pixels
        if not self._path.exists():
            raise FileAccessError(
                f"there is no mask {path}",
                remedy="Give a picture or a folder with --mask, or strokes or polygons",
            )

    def __call__(self, page: Page) -> Mask | None:
        """The mask of a page, upright."""
        file = self._path
        if file.is_dir():
            name = PurePosixPath(page.name or "page")
            candidates = (file / name.with_suffix(".png"), file / f"{name}.png")
            found = [path for path in candidates if path.is_file()]
            if not found:
                return None
            file = found[0]
        return read_mask(file, page.size, max_pixels=self._max_pixels)
