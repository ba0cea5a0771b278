"""How much of real lettering the default detector finds; needs the ground-truth pages."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from textclean.detect.ppocr import PPOCRDetector
from textclean.types import Image, Mask, Page

# Set -> least share of the text pixels that the lines, grown by 2 px, must cover on average.
# The figures are those of the plain method at native scale; ours must not fall behind them.
WANTED = {"manga/bj": 0.993, "manga/msdemo": 0.939, "comics/": 0.900, "screentone/": 0.774}


def pages(prefix: str) -> Iterator[tuple[str, Image, Mask]]:
    """Name, RGB and text mask of a set's pages; what is to be ignored is not in the mask."""
    root = os.environ.get("TEXTCLEAN_DATA")
    if not root:
        pytest.skip("TEXTCLEAN_DATA is not set")
    folder, start = prefix.split("/")
    for path in sorted((Path(root) / folder).glob(f"{start}*_lettered.*")):
        stem = path.name.split("_lettered")[0]
        image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        mask = cv2.imread(str(path.with_name(f"{stem}_textmask.png")), cv2.IMREAD_GRAYSCALE) > 127
        boxes = path.with_name(f"{stem}_regions.json")
        if boxes.exists():
            for x0, y0, x1, y1 in json.loads(boxes.read_text())["ignore"]:
                mask[y0:y1, x0:x1] = False
        yield stem, image, mask


@pytest.mark.data
@pytest.mark.parametrize("prefix", WANTED)
def test_text_pixels_covered_by_the_lines(prefix: str) -> None:
    detector = PPOCRDetector()
    shares = []
    for stem, image, mask in pages(prefix):
        inside = np.zeros(mask.shape, np.uint8)
        for region in detector.detect(Page.from_rgb(image)):
            for line in region.lines:
                cv2.fillPoly(inside, [np.rint(line).astype(np.int32)], 1)
        inside = np.asarray(cv2.dilate(inside, np.ones((5, 5), np.uint8)))
        shares.append(float(inside[mask].mean()))
        sys.stdout.write(f"{prefix} {stem} {shares[-1]:.4f}\n")
    sys.stdout.write(f"{prefix} mean {np.mean(shares):.4f} min {min(shares):.4f}\n")
    assert np.mean(shares) >= WANTED[prefix]
