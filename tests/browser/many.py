"""A report over thousands of made-up pages: ``python tests/browser/many.py report.html 5000``."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image as PILImage

from textclean.batch import DocumentResult, PageReport, PageView
from textclean.errors import CorruptInputError
from textclean.report import ReportFiles, Written

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = (300, 420)
REASONS = (
    "background is one colour: spread 0.4, 0.3% stands out; strokes: stand out from a plain "
    "background; the ink network agrees, 0.98",
    "background is not plain: 61% of it stands out, spread 31.2, drift 8.0 levels; strokes: marks "
    "that stand out from the art",
)
KINDS = ("bubble", "bubble", "bubble", "caption", "sfx", "sign")
CHAPTER = 20
PER_DOCUMENT = 500


def write_many(path: Path, count: int, *, overwrite: bool = False, **settings: Any) -> Written:
    """Write a report over so many pages, always the same for the same count."""
    files = ReportFiles([path], overwrite=overwrite, **settings)
    rng = np.random.default_rng(5)
    for first in range(1, count + 1, PER_DOCUMENT):
        numbers = range(first, min(first + PER_DOCUMENT, count + 1))
        volume = f"shelf/series-{first // PER_DOCUMENT + 1:02}.cbz"
        files.collector.opened(volume, len(numbers))
        reports = [page(number - first + 1, rng) for number in numbers]
        for report in reports:
            files.collector.finished(report, None)
        files.collector.add(
            DocumentResult(
                volume, Path("cleaned") / volume,
                tuple(replace(report, view=None) for report in reports),
                seconds=sum(report.seconds for report in reports),
                warnings=("ComicInfo.xml names a page that is not there",) if first == 1 else (),
                versions={"textclean": "0.1.0", "detector": "ppocr", "inpainter": "auto"},
            )
        )  # fmt: skip
    (written,) = files.write({}, {"profile": "manga", "sfx": "remove", "verify": 2})
    files.close()
    return written


def page(number: int, rng: np.random.Generator) -> PageReport:
    """One page; about one in a hundred fails or has text left, one in ten is worth a look."""
    name = f"Chapter {(number - 1) // CHAPTER + 1:03}/{(number - 1) % CHAPTER + 1:03}.png"
    fate = rng.random()
    seconds = float(rng.gamma(4, 0.25))
    thumbnail, before, patch = drawn(int(rng.integers(12)))
    if fate < 0.006:
        error = CorruptInputError("the PNG is cut off in the middle of its pixels")
        view = PageView(SIZE, (), thumbnail, before)
        return PageReport(name, number, "failed", error.message, seconds, error=error, view=view)
    regions = [] if fate > 0.93 else [region(rng, n, fate) for n in range(rng.integers(2, 10))]
    removed = sum(item["action"] != "keep" for item in regions)
    return PageReport(
        name, number, "cleaned" if removed else "untouched",
        "" if removed else "no text was found", seconds,
        {"ink": 0.3 * seconds, "detect": 0.2 * seconds, "mask": 0.1 * seconds,
         "fill": 0.2 * seconds, "verify": 0.1 * seconds},
        len(regions), removed, sum(bool(item["residual"]) for item in regions),
        warnings=(f"JPEG: {number} pixels outside the mask changed",) if fate > 0.9 else (),
        view=PageView(SIZE, tuple(regions), thumbnail, before, patch if removed else b""),
    )  # fmt: skip


def region(rng: np.random.Generator, index: int, fate: float) -> dict[str, Any]:
    """A region in the grid of :func:`drawn`."""
    x, y = 24 + 140 * (index % 2), 24 + 78 * (index // 2)
    kind = str(rng.choice(KINDS))
    plain = kind in ("bubble", "caption")
    kept = kind == "sfx" and rng.random() < 0.5
    error = float(rng.gamma(2, 3)) + (25 if fate < 0.1 and index == 1 else 0)
    return {
        "kind": kind, "action": "keep" if kept else "fill" if plain else "inpaint",
        "reason": "kept: sound effects stay unless --sfx remove" if kept else REASONS[not plain],
        "score": round(float(rng.uniform(0.55, 0.99)), 4),
        "confidence": None if plain or kept else round(error, 2),
        "residual": 0.71 if fate < 0.016 and index == 0 and not kept else 0.0,
        "background": "flat" if plain else "art", "see_through": False,
        "grown": int(rng.integers(2, 8)), "text": None, "language": None,
        "polygon": [[x, y], [x + 110, y], [x + 110, y + 50], [x, y + 50]],
    }  # fmt: skip


@cache
def drawn(seed: int) -> tuple[bytes, bytes, bytes]:
    """The pictures of a page: thumbnail, before, patch."""
    rng = np.random.default_rng(seed)
    clean = np.full((SIZE[1], SIZE[0], 3), 250, np.uint8)
    for row in range(3):
        shade = rng.integers(120, 235, 3).tolist()
        cv2.rectangle(clean, (10, 12 + 136 * row), (290, 138 + 136 * row), shade, cv2.FILLED)
    for index in range(10):
        x, y = 24 + 140 * (index % 2), 24 + 78 * (index // 2)
        cv2.ellipse(clean, (x + 55, y + 25), (62, 30), 0, 0, 360, (255, 255, 255), cv2.FILLED)
    lettered = clean.copy()
    for index in range(10):
        x, y = 24 + 140 * (index % 2), 24 + 78 * (index // 2)
        cv2.putText(lettered, "words", (x + 16, y + 33), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    alpha = np.uint8(255) * (lettered != clean).any(axis=2)[..., None]
    patch = io.BytesIO()
    PILImage.fromarray(np.dstack([clean, alpha])).save(patch, "WEBP", quality=60)
    small = np.asarray(cv2.resize(lettered, (97, 136), interpolation=cv2.INTER_AREA))
    return jpeg(small), jpeg(lettered), patch.getvalue()


def jpeg(image: NDArray[Any]) -> bytes:
    """As a coarse JPEG."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1])


if __name__ == "__main__":
    sys.stdout.write(f"{write_many(Path(sys.argv[1]), int(sys.argv[2]), overwrite=True)}\n")
