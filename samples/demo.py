"""Cleans every sample into a folder and says what was done: ``python samples/demo.py out``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PIL import Image

import textclean

HERE = Path(__file__).resolve().parent
SAMPLES = (
    ("comic-en.png", "comic"),
    ("comic-ja.webp", "comic"),
    ("comic-ko.jpg", "comic"),
    ("screentone-ja.png", "manga"),
    ("manga-vector-ja.png", "manga"),
    ("chapter.cbz", "comic"),
    ("scan.pdf", "document"),
    ("annotated.jpg", "document"),
)
SHOWN = "comic-en.png"


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, profile in SAMPLES:
        started = time.perf_counter()
        result = textclean.clean_document(
            HERE / name, out / name, overwrite=True, profile=profile, regions_out=out
        )
        seconds = time.perf_counter() - started
        pages = result.pages
        removed = sum(page.removed for page in pages)
        left = sum(page.residual for page in pages)
        print(
            f"{name:22} {len(pages)} page{'s' if len(pages) > 1 else ' '}  "
            f"{removed:3} blocks of text removed, {left} still readable, {seconds:5.1f} s"
        )
    picture = out / "before-after.png"
    before_after(HERE / SHOWN, out / SHOWN).save(picture)
    print(f"\nLook at {picture} first; the cleaned pages and *.regions.json lie beside it.")


def before_after(before: Path, after: Path) -> Image.Image:
    with Image.open(before) as left, Image.open(after) as right:
        both = Image.new("RGB", (left.width + right.width + 16, left.height), "white")
        both.paste(left, (0, 0))
        both.paste(right, (left.width + 16, 0))
    return both


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
