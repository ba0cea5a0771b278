"""Cleans every sample into a folder and says what was done: ``python samples/demo.py out``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image

import textclean

HERE = Path(__file__).resolve().parent
SAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("comic-en.png", {"profile": "comic"}),
    ("comic-ja.webp", {"profile": "comic"}),
    ("comic-ko.jpg", {"profile": "comic"}),
    ("screentone-ja.png", {"profile": "manga", "sfx": "remove"}),
    ("manga-vector-ja.png", {"profile": "manga"}),
    ("chapter.cbz", {"profile": "comic"}),
    ("scan.pdf", {"profile": "document"}),
    ("annotated.jpg", {"profile": "annotations"}),
)
SHOWN = {"comic-en.png": "before-after.png", "screentone-ja.png": "before-after-screentone.png"}


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, options in SAMPLES:
        started = time.perf_counter()
        result = textclean.clean_document(
            HERE / name, out / name, overwrite=True, regions_out=out, **options
        )
        seconds = time.perf_counter() - started
        pages = result.pages
        removed = sum(page.removed for page in pages)
        left = sum(page.residual for page in pages)
        print(
            f"{name:22} {len(pages)} page{'s' if len(pages) > 1 else ' '}  "
            f"{removed:3} blocks of text removed, {left} still readable, {seconds:5.1f} s"
        )
    for name, picture in SHOWN.items():
        before_after(HERE / name, out / name).save(out / picture)
    pictures = " and ".join(str(out / picture) for picture in SHOWN.values())
    print(f"\nLook at {pictures} first; the cleaned pages and *.regions.json lie beside them.")


def before_after(before: Path, after: Path) -> Image.Image:
    with Image.open(before) as left, Image.open(after) as right:
        both = Image.new("RGB", (left.width + right.width + 16, left.height), "white")
        both.paste(left, (0, 0))
        both.paste(right, (left.width + 16, 0))
    return both


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
