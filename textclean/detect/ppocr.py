"""The default detector: PP-OCRv6 small, run on the CPU by onnxruntime.

The weights (Apache-2.0, PaddlePaddle) lie inside the wheel of ``rapidocr``; nothing is ever
downloaded, and ``rapidocr`` itself is not imported: its pipeline scales every page to at most
2000 pixels, reads all text whether asked or not, and configures logging. Here pages go through at
native scale, in tiles where they are large, and once more halved for large lettering.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from textclean.detect.assemble import assemble
from textclean.detect.confirm import confirmed
from textclean.detect.dbnet import PP_OCR, DBParameters, lines_from_map
from textclean.detect.fuse import fused, unseen
from textclean.detect.ink_scale import LARGE, SMALLEST
from textclean.detect.lines import Line, clipped, rectangle
from textclean.detect.onnx import OnnxNetwork, shipped_weights
from textclean.detect.recognize import Recognizer
from textclean.detect.tiles import DEFAULT_TILING, Tiling, halvings, padded, stitched
from textclean.scales import halved, times_halved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.detect import DetectorOptions
    from textclean.protocols import Detector  # noqa: F401  (what the class below follows)
    from textclean.types import Image, Page, Polygon, Region

DETECTION_WEIGHTS = "PP-OCRv6_det_small.onnx"
RECOGNITION_WEIGHTS = "PP-OCRv6_rec_small.onnx"
SMALLEST_PAGE = 16
SMALL = 25
"""Percentile of the lines' thickness that must be large for a page to be looked at halved only."""
EASY = 1.6
"""Times as large as for the ink network they must be: half as large they are to be found."""
FULL, NO_CUTOUT = 0.8, 400
"""Share of a page's width and height from which on a line is none, and shorter side in pixels that
such a page has at least: a word that was cut out fills its picture."""


class PPOCRDetector:
    """Finds text with a detection network of the PP-OCR family.

    Attributes:
        needs_contrast: Where all is of one colour it has nothing to find.

    Args:
        detection: An ``.onnx`` file; None = the weights in the wheel of ``rapidocr``.
        recognition: An ``.onnx`` file with its characters in the metadata; None = those in the
            wheel. Loaded when text is first read.
        read: Recognize the text too.
        reading_order: "rtl", "ltr" or "auto".
        parameters: Thresholds of the post-processing.
        tiling: How large pages are cut.
        threads: Threads for one inference; None = the cores this process may use.

    Raises:
        WeightsError: The detection weights are missing or not understood.
        MissingExtraError: ``rapidocr`` is not installed and its weights are wanted.
    """

    needs_contrast = True

    def __init__(
        self,
        detection: Path | None = None,
        recognition: Path | None = None,
        *,
        read: bool = False,
        reading_order: str = "auto",
        parameters: DBParameters = PP_OCR,
        tiling: Tiling = DEFAULT_TILING,
        threads: int | None = None,
    ) -> None:
        self.network = OnnxNetwork(detection or shipped_weights(DETECTION_WEIGHTS), threads=threads)
        self._recognition, self._threads = recognition, threads
        self.recognizer = self._loaded_recognizer() if read else None
        self.reading_order = reading_order
        self.parameters = parameters
        self.tiling = tiling

    @classmethod
    def from_options(cls, options: DetectorOptions) -> Self:
        """The detector that a run's options ask for."""
        detection, recognition = options.detector_weights, options.recognizer_weights
        return cls(
            Path(detection) if detection else None,
            Path(recognition) if recognition else None,
            read=options.needs_text,
            reading_order=options.reading_order,
        )

    @property
    def weights(self) -> dict[str, str]:
        """File names of the weights in use, by task, for reports."""
        names = {"detection": self.network.path.name}
        if self.recognizer is not None:
            names["recognition"] = self.recognizer.path.name
        return names

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The blocks of text on ``page.rgb``, in reading order.

        Pages with a side under 16 pixels have no text.
        """
        if min(page.size) < SMALLEST_PAGE:
            return ()
        lines = self.find_lines(page.rgb)
        return assemble(
            lines, page.rgb, reading_order=self.reading_order, recognizer=self.recognizer
        )

    def read_lines(self, image: Image, lines: Sequence[Polygon]) -> list[tuple[str, float]]:
        """See :class:`textclean.protocols.LineReader`; the network is loaded when first needed."""
        wanted = [Line(rectangle(line)) for line in lines]
        return self._reading.read(image, wanted, minimum=0.0)

    @cached_property
    def _reading(self) -> Recognizer:
        return self.recognizer or self._loaded_recognizer()

    def _loaded_recognizer(self) -> Recognizer:
        path = self._recognition or shipped_weights(RECOGNITION_WEIGHTS)
        return Recognizer(path, threads=self._threads)

    def find_lines(self, image: Image) -> list[Line]:
        """Rectangles around the lines of an ``(H, W, 3)`` uint8 RGB image."""
        height, width = image.shape[:2]
        levels = halvings(width, height)
        views = [image]
        for _ in levels[1:]:
            views.append(halved(views[-1]))
        halves = self._lines(views[1])
        first = min(_first_level(halves, width, height), levels[-1])
        found: list[Line] = []
        for level in levels[first:]:
            lines = halves if level == 1 else self._lines(views[level])
            lines = [_enlarged(line, 2**level, width, height) for line in lines]
            sure = [
                line
                for line in unseen(found, lines)
                if not _fills(line, width, height)
                and confirmed(line, image, self._probability, self.parameters)
            ]
            found = fused(found, sure)
        return found

    def _lines(self, view: Image) -> list[Line]:
        """The lines of one scale of a page, in its pixels."""
        probability = stitched(view, self._probability, 1, self.tiling)[..., 0]
        return lines_from_map(probability, self.parameters)

    def _probability(self, image: Image) -> NDArray[np.uint8]:
        """``(h, w, 1)`` uint8 text probability of an ``(h, w, 3)`` uint8 RGB image."""
        height, width = image.shape[:2]
        canvas = padded(image)
        batch = np.empty((1, 3, *canvas.shape[:2]), np.float32)
        for plane, channel in zip(batch[0], (2, 1, 0), strict=True):  # the network takes BGR
            np.divide(canvas[..., channel], np.float32(127.5), out=plane)
            plane -= np.float32(1.0)
        answer = self.network(batch)[0, 0, :height, :width]
        return np.rint(np.clip(answer, 0.0, 1.0) * 255).astype(np.uint8)[..., None]


def _first_level(halves: Sequence[Line], width: int, height: int) -> int:
    """How often a page is halved before it is looked at first, by the lines of the halved page."""
    if not halves:
        return 0
    size = 2 * float(np.percentile([line.thickness for line in halves], SMALL))
    return times_halved(size, EASY * LARGE, min(width, height), SMALLEST)


def _fills(line: Line, width: int, height: int) -> bool:
    """Whether a line is as large as its page, which is no strip or cut-out of one line."""
    across, down = np.ptp(line.polygon, axis=0)
    full = across >= FULL * width and down >= FULL * height
    return bool(full) and min(width, height) >= NO_CUTOUT


def _enlarged(line: Line, factor: int, width: int, height: int) -> Line:
    """A line of a smaller scale in page pixels, clipped to the page."""
    return Line(clipped((line.polygon + 0.5) * factor - 0.5, width, height), line.score)
