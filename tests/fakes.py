"""A detector and an inpainter without networks, and pages for them, for all tests.

``from fakes import ...`` works in every test: pytest puts the folder of ``conftest.py`` on the
path.
"""

from __future__ import annotations

import io
import os
import signal
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PILImage

from textclean.cleaner import Cleaner
from textclean.errors import CorruptInputError
from textclean.options import Options
from textclean.types import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textclean.types import Image, Mask, Page, PageResult

INK = 90
"""Pixels darker than this are text to :class:`FakeDetector`."""


class FakeDetector:
    """Finds the dark marks of a page: each group of them that lies close together is a region.

    It really looks, so that the second look after cleaning finds nothing where it is clean.

    Args:
        score: Score of the regions.
        on_page: Called with each page before it is looked at; may raise.

    Attributes:
        pages: Names of the pages it was shown.
        weights: As detectors have it.
    """

    def __init__(
        self, *, score: float = 0.9, on_page: Callable[[Page], None] | None = None
    ) -> None:
        self.score = score
        self.on_page = on_page
        self.pages: list[str] = []
        self.weights = {"detection": "fake.onnx"}

    def detect(self, page: Page) -> tuple[Region, ...]:
        self.pages.append(page.name)
        if self.on_page is not None:
            self.on_page(page)
        dark = (page.rgb.max(axis=2) < INK).astype(np.uint8)
        close = cv2.dilate(dark, np.ones((15, 15), np.uint8))
        count, labels = cv2.connectedComponents(close)
        found = []
        for label in range(1, count):
            ys, xs = np.nonzero((labels == label) & (dark > 0))
            found.append(self._region(xs.min() - 3, ys.min() - 3, xs.max() + 3, ys.max() + 3))
        return tuple(found)

    def _region(self, x0: int, y0: int, x1: int, y1: int) -> Region:
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return Region(polygon=corners, lines=(corners,), score=self.score)


class SeesGhosts(FakeDetector):
    """A detector that still finds what was there on the first page it saw, whatever was done."""

    def __init__(self) -> None:
        super().__init__()
        self._first: tuple[Region, ...] = ()

    def detect(self, page: Page) -> tuple[Region, ...]:
        if not self._first:
            self._first = super().detect(page)
            return self._first
        height, width = page.rgb.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        middle = corners * 0.5 + np.array([width, height], np.float32) * 0.25
        return (Region(polygon=middle, lines=(middle,), score=0.5),)


class FakeInpainter:
    """Paints the hole in one colour.

    Attributes:
        calls: How many pixels it was asked to fill, call by call.
    """

    def __init__(self, color: tuple[int, int, int] = (128, 128, 128)) -> None:
        self.color = color
        self.calls: list[int] = []

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        self.calls.append(int(mask.sum()))
        filled = image.copy()
        filled[mask] = self.color
        return filled


@dataclass(frozen=True)
class FakeWork:
    """Gives worker processes a cleaner without networks; picklable.

    Attributes:
        trouble: Name of a page -> what happens on it: "error", "nan", "kill" (the process is
            killed), "kill once", "exit", or a number of seconds to sleep. "*" is every page.
        diary: Folder in which a file says of each page how often it was begun, or None.
    """

    trouble: Mapping[str, str | float] = field(default_factory=dict)
    diary: Path | None = None

    def __call__(self, device: str | None) -> Callable[[Page], PageResult]:
        cleaner = Cleaner(
            Options(ink=False, verify=1),
            detector=FakeDetector(on_page=self._on_page),
            inpainter=FakeInpainter(),
            versions={"detector": "fake"},
        )

        def work(page: Page) -> PageResult:
            if self.trouble.get(page.name) == "nan":
                cleaner.inpainter = lambda image, mask: np.full(image.shape, np.nan, np.float32)
                cleaner.options = Options(ink=False, mask="polygons")
                return cleaner.inpaint(page, np.ones(page.pixels.shape[:2], np.bool_))
            return cleaner.clean(page)

        return work

    def begun(self) -> dict[str, int]:
        """How often each page was begun."""
        assert self.diary is not None
        return {path.name: path.stat().st_size for path in self.diary.iterdir()}

    def _on_page(self, page: Page) -> None:
        first = True
        if self.diary is not None and page.name:
            with (self.diary / page.name.replace("/", "_")).open("ab") as file:
                first = file.tell() == 0
                file.write(b".")
        trouble = self.trouble.get(page.name, self.trouble.get("*") if page.name else None)
        if isinstance(trouble, int | float):
            time.sleep(trouble)
        elif trouble == "error":
            raise CorruptInputError("it is damaged")
        elif trouble == "kill" or (trouble == "kill once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        elif trouble == "exit":
            os._exit(3)


def lettered(
    width: int = 160, height: int = 120, *, text: str = "TEXT", mode: str = "RGB"
) -> PILImage.Image:
    """A white page with a grey frame and a line of dark lettering, or none with ``text=""``."""
    canvas = np.full((height, width, 3), 255, np.uint8)
    cv2.rectangle(canvas, (4, 4), (width - 5, height - 5), (170, 170, 170), 2)
    if text:
        cv2.putText(
            canvas, text, (30, height // 2 + 8), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (10, 10, 10), 2
        )
    return PILImage.fromarray(canvas).convert(mode)


def encoded(image: PILImage.Image, kind: str = "PNG") -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def write_archive(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A ZIP file with these entries."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def read_archive(path: Path) -> dict[str, bytes]:
    """The entries of a ZIP file."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_below(folder: Path) -> set[str]:
    """Names of all files and folders below one, hidden ones, too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
