"""Figures for the letterer: safe areas, type sizes, and what a chapter costs as PSDs.

``make bench-letterer`` prints them. Pages of ``--data`` are measured, never copied anywhere.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

import textclean
from textclean.lettering.room import ellipse_mask
from textclean.types import Page

FONTS = (
    ("horizontal", "truetype/dejavu/DejaVuSans.ttf", "So this is the way we go, my friend!"),
    ("horizontal", "truetype/liberation/LiberationSans-Bold.ttf", "THE QUICK FOX JUMPED OVER IT"),
    ("horizontal", "truetype/tomsontalks/TomsonTalks.ttf", "I HAVE NEVER SEEN THIS BEFORE"),
    ("horizontal", "opentype/comic-neue/ComicNeue-Bold.otf", "Where have you been all this time?"),
    (
        "vertical",
        "truetype/bizud-gothic/BIZUDGothic-Bold.ttf",
        "これは私の大切な本です。忘れないで",
    ),
    ("vertical", "truetype/klee/KleeOne-SemiBold.ttf", "今日は本当にいい天気だね。一緒に行こう"),
    (
        "horizontal",
        "truetype/bizud-gothic/BIZUDGothic-Regular.ttf",
        "明日の朝、駅の前で待っています",
    ),
    ("horizontal", "truetype/nanum/NanumGothic.ttf", "오늘은 정말 좋은 날씨네요 같이 가요"),
)
SIZES = (22, 32, 46)
FOLDER = Path("/usr/share/fonts")
DARK, FILL = 128, 32  # grey levels: a line; how far paper may be from its colour


class Size(NamedTuple):
    """What was set, and what was measured."""

    font: str
    direction: str
    truth: int
    found: float | None


def drawn_page(direction: str, font: Path, text: str, size: int) -> np.ndarray:
    """A white page with a bubble and a few lines in it, set solid or with usual leading."""
    face = ImageFont.truetype(str(font), size)
    image = PILImage.new("RGB", (900, 900), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 60, 840, 840), outline="black", width=4)
    if direction == "vertical":
        for column, start in enumerate(range(0, len(text), 7)):
            for row, sign in enumerate(text[start : start + 7]):
                x, y = 560 - column * size * 1.5, 250 + row * size
                draw.text((x + size / 2, y + size / 2), sign, "black", face, anchor="mm")
        return np.array(image)
    words, lines = text.split(" "), [""]
    for word in words if len(words) > 1 else [text[i : i + 6] for i in range(0, len(text), 6)]:
        joined = f"{lines[-1]} {word}".strip()
        if draw.textlength(joined, face) > 300 or len(words) == 1:
            lines.append(word)
        else:
            lines[-1] = joined
    for row, line in enumerate(filter(None, lines)):
        draw.text((450, 330 + row * size * 1.25), line, "black", face, anchor="ms")
    return np.array(image)


def sizes(cleaner: textclean.Cleaner) -> list[Size]:
    """Measured sizes of type, a page each."""
    found = []
    for (direction, name, text), size in itertools.product(FONTS, SIZES):
        if not (FOLDER / name).exists():
            continue
        result = cleaner.clean(Page.from_rgb(drawn_page(direction, FOLDER / name, text, size)))
        measured = [r.lettering.font_size for r in result.regions if r.lettering is not None]
        value = statistics.median(measured) if measured else None
        found.append(Size(Path(name).stem, direction, size, value))
    return found


class Room(NamedTuple):
    """Safe areas of a page, and how many lie wholly inside."""

    page: str
    bubbles: int
    boxes_inside: int
    ellipses_inside: int
    of_bubble: float


def rooms(cleaner: textclean.Cleaner, lettered: Path, truth: Path) -> Room:
    """Safe areas of a page against the same page without its text.

    An area lies inside when nothing in it on the textless page is a line or of another colour
    than its middle's.
    """
    page = np.array(PILImage.open(lettered).convert("RGB"))
    clean = np.array(PILImage.open(truth).convert("RGB")).astype(np.int16)
    regions = [r for r in cleaner.clean(Page.from_rgb(page)).regions if r.safe_box is not None]
    boxes = {region.safe_box: region for region in regions}
    inside = round_ = 0
    shares = []
    for box, region in boxes.items():
        x0, y0, x1, y1 = box
        inside += _is_empty(clean[y0:y1, x0:x1].reshape(-1, 3))
        if region.safe_ellipse is not None:
            x0, y0, x1, y1 = region.safe_ellipse
            part = clean[y0:y1, x0:x1]
            round_ += _is_empty(part[ellipse_mask((0, 0, x1 - x0, y1 - y0), part.shape[:2])])
        x, y = region.bubble.T
        area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
        shares.append((box[2] - box[0]) * (box[3] - box[1]) / area)
    return Room(lettered.stem, len(boxes), inside, round_, statistics.mean(shares or [0.0]))


def _is_empty(pixels: np.ndarray) -> bool:
    color = np.median(pixels, axis=0)
    return bool(np.abs(pixels - color).max() <= FILL) or bool(pixels.min() >= 255 - FILL)


def chapter(pages: int, sample: Path) -> tuple[float, float]:
    """Seconds for a chapter as PNGs, and as PSDs beside them, in turns; the better of two."""
    best = [float("inf")] * 2
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "chapter"
        source.mkdir()
        image = PILImage.open(sample).convert("RGB")
        for number in range(pages):
            image.save(source / f"{number:03d}.png")
        for turn in range(2):
            for kind in (0, 1):
                target = Path(folder) / f"{turn}-{kind}"
                start = time.perf_counter()
                run(source, target, psd=target.with_name(f"{target.name}-psd") if kind else None)
                best[kind] = min(best[kind], time.perf_counter() - start)
    return best[0], best[1]


def run(source: Path, target: Path, psd: Path | None) -> None:
    """Clean a folder."""
    textclean.clean_document(source, target, psd_out=psd)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pages", type=int, default=20, help="pages of the chapter; 0 = skip")
    given = parser.parse_args()
    cleaner = textclean.make_cleaner()

    print("safe areas: bubbles, rectangles inside, ellipses inside, rectangle / bubble")
    for lettered in sorted((given.data / "manga").glob("*_lettered.*")):
        truth = next(lettered.parent.glob(lettered.name.split("_lettered")[0] + "_cleanbubbles.*"))
        room = rooms(cleaner, lettered, truth)
        print(f"  {room.page:40} {room.bubbles:3} {room.boxes_inside:3} "
              f"{room.ellipses_inside:3}  {room.of_bubble:.2f}", flush=True)  # fmt: skip

    print("size of type: drawn, measured, error")
    errors = []
    for size in sizes(cleaner):
        error = None if size.found is None else size.found / size.truth - 1
        errors.append(1.0 if error is None else abs(error))
        told = "not measured" if error is None else f"{size.found:5.1f}  {error:+.1%}"
        print(f"  {size.font:24} {size.direction:10} {size.truth:3}  {told}", flush=True)
    if errors:
        good = sum(error <= 0.15 for error in errors)
        print(f"  within 15 %: {good} of {len(errors)}; worst {max(errors):.1%}")

    if given.pages:
        png, psd = chapter(given.pages, Path("samples/comic-en.png"))
        print(f"chapter of {given.pages}: PNG {png:.1f} s, with PSD {psd:.1f} s: {psd / png:.2f}×")


if __name__ == "__main__":
    main()
