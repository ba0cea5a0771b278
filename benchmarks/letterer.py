"""Figures for the letterer: safe areas, type sizes, and what a chapter costs as PSDs.

``make bench-letterer`` prints them. Pages of ``--data`` are measured, never copied anywhere.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
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
FILL = 32  # grey levels that paper may be from its colour


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


def sizes(cleaner: textclean.Cleaner) -> Iterator[Size]:
    """Measured sizes of type, a page each."""
    for (direction, name, text), size in itertools.product(FONTS, SIZES):
        if not (FOLDER / name).exists():
            continue
        result = cleaner.clean(Page.from_rgb(drawn_page(direction, FOLDER / name, text, size)))
        measured = [r.lettering.font_size for r in result.regions if r.lettering is not None]
        value = statistics.median(measured) if measured else None
        yield Size(Path(name).stem, direction, size, value)


class Room(NamedTuple):
    """Safe areas of a page: how many lie wholly inside, and how many have nothing in them."""

    page: str
    bubbles: int
    boxes_inside: int
    boxes_empty: int
    ellipses_inside: int
    ellipses_empty: int
    of_bubble: float


def rooms(cleaner: textclean.Cleaner, lettered: Path, truth: Path) -> Room:
    """Safe areas of a page against the same page without its text.

    An area lies inside when the textless page shows nothing but paper along its edge: a border
    would cross it. It is empty when there is nothing else in it either; a mark that the makers of
    the textless page overlooked, or a drawing in the bubble, may be.
    """
    page = np.array(PILImage.open(lettered).convert("RGB"))
    clean = np.array(PILImage.open(truth).convert("RGB")).astype(np.int16)
    regions = [r for r in cleaner.clean(Page.from_rgb(page)).regions if r.safe_box is not None]
    boxes = {region.safe_box: region for region in regions}
    counts = np.zeros(4, int)
    shares = []
    for box, region in boxes.items():
        whole = np.ones((box[3] - box[1], box[2] - box[0]), bool)
        counts[:2] += _judged(clean, box, whole)
        if (ellipse := region.safe_ellipse) is not None:
            shape = ellipse[3] - ellipse[1], ellipse[2] - ellipse[0]
            counts[2:] += _judged(clean, ellipse, ellipse_mask((0, 0, shape[1], shape[0]), shape))
        x, y = region.bubble.T
        area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
        shares.append((box[2] - box[0]) * (box[3] - box[1]) / area)
    return Room(lettered.stem, len(boxes), *counts.tolist(), statistics.mean(shares or [0.0]))


def _judged(clean: np.ndarray, box: tuple[int, ...], shape: np.ndarray) -> tuple[bool, bool]:
    """Whether an area lies inside, and whether it is empty."""
    part = clean[box[1] : box[3], box[0] : box[2]]
    color = np.median(part[shape], axis=0)
    other = (np.abs(part - color).max(axis=2) > FILL) & (part.min(axis=2) < 255 - FILL) & shape
    inner = cv2.erode(np.pad(shape, 1).view(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
    return not other[shape & ~inner].any(), not other.any()


def chapter(result: textclean.PageResult, pages: int) -> tuple[float, float]:
    """Seconds to write a chapter of one page, over and over, as PNGs and as PSDs, in turns."""
    png = psd = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(pages):
            for suffix in (".png", ".psd"):
                start = time.perf_counter()
                result.save(Path(folder) / f"{number:03d}{suffix}")
                spent = time.perf_counter() - start
                png, psd = (png + spent, psd) if suffix == ".png" else (png, psd + spent)
    return png, psd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pages", type=int, default=20, help="pages of the chapter; 0 = skip")
    parser.add_argument("--only", choices=("room", "type", "chapter"), help="one of the three")
    given = parser.parse_args()
    cleaner = textclean.make_cleaner()

    if given.only in (None, "room"):
        print_rooms(cleaner, given.data)
    if given.only in (None, "type"):
        print_sizes(cleaner)
    if given.only in (None, "chapter") and given.pages:
        print_chapter(cleaner, given.pages)


def print_rooms(cleaner: textclean.Cleaner, data: Path) -> None:
    print(
        "safe areas: bubbles, rectangles inside (empty), ellipses inside (empty), share of bubble"
    )
    for lettered in sorted((data / "manga").glob("*_lettered.*")):
        truth = next(lettered.parent.glob(lettered.name.split("_lettered")[0] + "_cleanbubbles.*"))
        room = rooms(cleaner, lettered, truth)
        boxes = f"{room.boxes_inside:3} ({room.boxes_empty})"
        ellipses = f"{room.ellipses_inside:3} ({room.ellipses_empty})"
        told = f"{room.page:34} {room.bubbles:3}  {boxes}  {ellipses}  {room.of_bubble:.2f}"
        print(f"  {told}", flush=True)


def print_sizes(cleaner: textclean.Cleaner) -> None:
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


def print_chapter(cleaner: textclean.Cleaner, pages: int) -> None:
    image = np.array(PILImage.open("samples/comic-en.png").convert("RGB"))
    start = time.perf_counter()
    result = cleaner.clean(Page.from_rgb(image))
    cleaning = pages * (time.perf_counter() - start)
    png, psd = chapter(result, pages)
    print(f"chapter of {pages} pages: cleaned {cleaning:.1f} s, written as PNG {png:.1f} s, "
          f"as PSD {psd:.1f} s; writing {psd / png:.2f}×, "
          f"all {(cleaning + psd) / (cleaning + png):.2f}×")  # fmt: skip


if __name__ == "__main__":
    main()
