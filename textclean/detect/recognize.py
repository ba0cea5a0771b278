"""Reading lines: the recognition network of the PP-OCR family with greedy CTC decoding.

Graves et al., *Connectionist Temporal Classification*, ICML 2006: the best class of each step,
repetitions merged, blanks dropped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.detect.onnx import OnnxNetwork
from textclean.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from textclean.detect.lines import Line
    from textclean.types import Image

HEIGHT = 48  # pixels; what the network was trained at
_NARROWEST = 320  # pixels; narrower lines are padded to it, as in training
_STEP = 64  # widths are rounded up to this, so that a line's reading depends on no other line
_WIDEST = 6400
_BATCH = 8
_UPRIGHT = 1.5  # crops higher than this many widths are columns and are laid on their side


class Recognizer:
    """Reads single lines and columns.

    Args:
        path: An ``.onnx`` file with its characters, one a line, in the metadata "character".
        threads: Threads for one inference; None = the cores this process may use.
        minimum: Mean probability under which a reading is thrown away, 0 to 1.

    Raises:
        WeightsError: The file is missing, damaged, or carries no characters.
    """

    def __init__(self, path: Path, *, threads: int | None = None, minimum: float = 0.75) -> None:
        self._network = OnnxNetwork(path, threads=threads)
        characters = self._network.notes.get("character")
        if not characters:
            raise WeightsError(
                f"{path} carries no list of characters",
                remedy="Give a recognition network of the PP-OCR family, exported with its "
                "dictionary in the metadata",
            )
        # Class 0 is the CTC blank, the last one the space.
        self._characters = ["", *characters.splitlines(), " "]
        self._minimum = minimum

    @property
    def path(self) -> Path:
        """The weights in use."""
        return self._network.path

    def read(
        self, image: Image, lines: Sequence[Line], minimum: float | None = None
    ) -> list[tuple[str, float]]:
        """Read lines of a page.

        Args:
            image: ``(H, W, 3)`` uint8 RGB page.
            lines: What to read.
            minimum: Mean probability under which a reading is thrown away; None = the usual one.

        Returns:
            For each line its text and the mean probability of its characters; ``("", 0.0)`` where
            nothing was read with confidence.
        """
        strips = [strip(image, line) for line in lines]
        widths = [max(_NARROWEST, -(-item.shape[1] // _STEP) * _STEP) for item in strips]
        order = sorted(range(len(strips)), key=lambda i: (widths[i], i))
        results = [("", 0.0)] * len(strips)
        while order:
            width = widths[order[0]]
            batch = [i for i in order[:_BATCH] if widths[i] == width]
            order = order[len(batch) :]
            canvas = np.zeros((len(batch), HEIGHT, width, 3), np.float32)
            for row, index in enumerate(batch):
                normal = strips[index].astype(np.float32) / 127.5 - 1.0
                canvas[row, :, : normal.shape[1]] = normal
            answer = self._network(np.ascontiguousarray(canvas.transpose(0, 3, 1, 2)))
            for row, index in enumerate(batch):
                text, confidence = self._decoded(answer[row])
                if text and confidence >= (self._minimum if minimum is None else minimum):
                    results[index] = text, round(confidence, 4)
        return results

    def _decoded(self, steps: NDArray[np.float32]) -> tuple[str, float]:
        """Text and confidence from ``(T, classes)`` probabilities."""
        if steps.ndim != 2 or steps.shape[1] != len(self._characters):
            raise WeightsError(
                f"{self.path} gives {steps.shape[-1]} classes for {len(self._characters)} "
                "characters",
                remedy="The dictionary in its metadata belongs to another network",
            )
        best = steps.argmax(axis=1)
        fresh = best != 0
        fresh[1:] &= best[1:] != best[:-1]
        if not fresh.any():
            return "", 0.0
        confidence = float(steps.max(axis=1)[fresh].mean())
        return "".join(self._characters[i] for i in best[fresh]).strip(), confidence


def strip(image: Image, line: Line) -> NDArray[np.uint8]:
    """A line as the network wants it: ``(48, W, 3)`` uint8 BGR, reading to the right.

    Columns are turned a quarter to the left, as in the network's training.
    """
    width, height = max(2, round(line.width)), max(2, round(line.height))
    target = np.array(
        [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32
    )
    matrix = cv2.getPerspectiveTransform(line.polygon.astype(np.float32), target)
    crop = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    if height >= _UPRIGHT * width:
        crop = np.rot90(crop)
    height, width = crop.shape[:2]
    wide = min(_WIDEST, max(8, math.ceil(HEIGHT * width / height)))
    shrinking = height > HEIGHT
    resized = cv2.resize(
        np.ascontiguousarray(crop),
        (wide, HEIGHT),
        interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
    )
    return np.asarray(resized[..., ::-1], np.uint8)
