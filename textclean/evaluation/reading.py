"""Can the print still be read? Readings of a cleaned document against those of its truth.

A recognizer reads the same lines on the page without annotations, on the page as it came and on
the cleaned page. That its readings agree is what counts for archives; Jo et al., "Handwritten text
segmentation via end-to-end learning of convolutional neural networks", 2020, report this kind of
figure. The reading of the truth need not be right: old type is misread in the same way each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.detect.lines import Line
    from textclean.detect.ppocr import PPOCRDetector
    from textclean.detect.recognize import Recognizer
    from textclean.evaluation.data import PairImages
    from textclean.types import Image

CONFIDENT = 0.9  # mean probability of a line's characters


class LineReader(Protocol):
    """What reading needs."""

    def find(self, image: Image) -> Sequence[Line]:
        """The lines of text on an ``(H, W, 3)`` uint8 RGB page."""

    def read(self, image: Image, lines: Sequence[Line]) -> Sequence[tuple[str, float]]:
        """Each line's text and its confidence, 0 to 1; ``("", 0.0)`` where there is none."""


class ShippedReader:
    """The detection and recognition networks that come with the install, loaded when needed."""

    def find(self, image: Image) -> Sequence[Line]:
        """The lines of text on an ``(H, W, 3)`` uint8 RGB page."""
        return self._detector.find_lines(image)

    def read(self, image: Image, lines: Sequence[Line]) -> Sequence[tuple[str, float]]:
        """Each line's text, however unsure, and its confidence."""
        return self._recognizer.read(image, lines)

    @cached_property
    def _detector(self) -> PPOCRDetector:
        from textclean.detect.ppocr import PPOCRDetector

        return PPOCRDetector()

    @cached_property
    def _recognizer(self) -> Recognizer:
        from textclean.detect.onnx import shipped_weights
        from textclean.detect.ppocr import RECOGNITION_WEIGHTS
        from textclean.detect.recognize import Recognizer

        return Recognizer(shipped_weights(RECOGNITION_WEIGHTS), minimum=0.0)


@dataclass(frozen=True, slots=True)
class PrintReadings:
    """How the print of one document is read.

    Attributes:
        reader: Reads the versions of the page.
        lines: The lines that are read with confidence where nothing lies over them.
        texts: What they say there.
        annotated: Share of these characters that are read on the page as it came, 0 to 1.
    """

    reader: LineReader
    lines: tuple[Line, ...]
    texts: tuple[str, ...]
    annotated: float

    def agreement(self, image: Image) -> float:
        """Share of the characters that are read on another version of the page, 0 to 1."""
        return _agreement(self.reader, self.lines, self.texts, image)


def read_print(reader: LineReader, images: PairImages) -> PrintReadings:
    """Find and read the print of a document, its truth first.

    Lines count that are read on the truth with a confidence of 0.9 or more: what is read there
    with less is noise, and would change with it.
    """
    found = tuple(reader.find(images.clean))
    sure = [
        (line, text)
        for line, (text, confidence) in zip(found, reader.read(images.clean, found), strict=True)
        if confidence >= CONFIDENT
    ]
    lines, texts = tuple(line for line, _ in sure), tuple(text for _, text in sure)
    return PrintReadings(reader, lines, texts, _agreement(reader, lines, texts, images.lettered))


def _agreement(
    reader: LineReader, lines: tuple[Line, ...], truth: tuple[str, ...], image: Image
) -> float:
    return agreement(truth, [text for text, _ in reader.read(image, lines)])


def agreement(truth: Sequence[str], texts: Sequence[str]) -> float:
    """Share of the truth's characters that another reading agrees with, spaces included.

    One less the lines' edit distances over the length of the truth, both summed over the lines;
    at least 0, NaN without truth. Equal to one less the character error rate.

    Raises:
        ValueError: The readings differ in their number of lines.
    """
    wrong = sum(edit_distance(a, b) for a, b in zip(truth, texts, strict=True))
    total = sum(map(len, truth))
    return max(0.0, 1 - wrong / total) if total else float("nan")


def edit_distance(a: str, b: str) -> int:
    """The least number of characters to insert, delete or replace to turn ``a`` into ``b``.

    Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966,
    by the table of Wagner and Fischer, "The string-to-string correction problem", 1974, one row
    at a time. Insertions run along the row: a running minimum takes them all at once.
    """
    letters = np.array([ord(character) for character in b], dtype=np.int64)
    steps = np.arange(len(b) + 1)
    row = steps
    for index, character in enumerate(a, 1):
        replaced = row[:-1] + (letters != ord(character))
        best = np.concatenate(([index], np.minimum(replaced, row[1:] + 1)))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])
