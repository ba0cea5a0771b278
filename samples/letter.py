"""Pages of our own: a typed letter on scanned paper, and the same with annotations over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1240, 1754  # A4 at 150 pixels per inch

TEXTS = (
    """The reading room keeps its catalogue on cards. Each card was typed once, corrected twice and
annotated by everybody who ever looked for something else. When the cards were scanned, the
corrections came along: arrows in red pencil, question marks, the names of people who had borrowed
a volume and never brought it back.""",
    """A scan is evidence. Whoever removes a note from it must be able to say which pixels were
changed, and that no other pixel was. The print beneath a pencil line is part of the page and has
to be read afterwards as it was read before; the pencil line has to go as if it had never been
there. Both can be measured, and both are.""",
    """Highlighter is the easy case, for ink that is translucent hides nothing. Stamps are harder:
they are opaque where the rubber was pressed and faint where it was not. Handwriting across a line
of type is the hardest, since two strokes of one darkness share the same paper.""",
    """The pages that follow were set for this purpose alone. They may be copied, cleaned, compared
and thrown away.""",
)
ROWS = (("Series", "Boxes", "Cards", "Scanned"), ("Maps", "14", "3,208", "yes"),
        ("Letters", "61", "18,940", "in part"), ("Plates", "7", "412", "no"))  # fmt: skip


def letter(seed: int, fonts: Path) -> NDArray[np.uint8]:
    """A typed page, ``(1754, 1240, 3)`` uint8; the seed turns the order of its paragraphs."""
    ink = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(ink)
    body = ImageFont.truetype(fonts / "liberation/LiberationSerif-Regular.ttf", 27)
    bold = ImageFont.truetype(fonts / "liberation/LiberationSerif-Bold.ttf", 40)
    draw.text((150, 150), f"On cleaning scanned pages, {seed}", 25, bold)
    y = 250
    for number in range(4):
        y = _paragraph(draw, body, TEXTS[(number + seed) % 4], y) + 34
        if number == 1:
            y = _table(draw, body, y) + 40
    return _scanned(np.asarray(ink), seed)


def annotate(page: NDArray[np.uint8], fonts: Path) -> NDArray[np.uint8]:
    """The page with handwriting, highlighter, pen lines and a stamp multiplied over it."""
    marks = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(marks)
    for x0, y0, x1 in ((148, 284, 830), (148, 706, 610)):
        draw.rounded_rectangle((x0, y0, x1, y0 + 36), 8, fill=(255, 240, 90))
    pen = ImageFont.truetype(fonts / "kristi/Kristi.ttf", 78)
    draw.text((560, 836), "check the originals!", (30, 50, 160), pen)
    draw.text((170, 1500), "seen, 14 May", (70, 70, 74), pen)
    random = np.random.default_rng(5)
    _wavy(draw, random, (150, 1010), (620, 1012), (190, 30, 40))
    _wavy(draw, random, (905, 470), (905, 640), (190, 30, 40))
    draw.ellipse((520, 560, 700, 622), outline=(30, 50, 160), width=4)
    _stamp(marks, fonts)
    soft = cv2.GaussianBlur(np.asarray(marks), (0, 0), 0.7)
    product = page.astype(np.uint16) * soft.astype(np.uint16)
    return ((product + 127) // 255).astype(np.uint8)


def _paragraph(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, text: str, y: int) -> int:
    line = ""
    for word in [*text.split(), None]:
        if word is None or draw.textlength(f"{line} {word}", font) > WIDTH - 300:
            draw.text((150, y), line, 30, font)
            y, line = y + 37, word or ""
        else:
            line = f"{line} {word}".strip()
    return y


def _table(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, y: int) -> int:
    for row in ROWS:
        for column, cell in enumerate(row):
            draw.text((170 + 240 * column, y + 6), cell, 30, font)
        draw.line((150, y, WIDTH - 150, y), 60, 2)
        y += 46
    draw.line((150, y, WIDTH - 150, y), 60, 2)
    return y


def _wavy(
    draw: ImageDraw.ImageDraw,
    random: np.random.Generator,
    start: tuple[int, int],
    end: tuple[int, int],
    color: tuple[int, int, int],
) -> None:
    steps = np.linspace(0, 1, 24)
    wobble = np.cumsum(random.normal(0, 1.2, (24, 2)), axis=0)
    points = np.outer(1 - steps, start) + np.outer(steps, end) + wobble
    draw.line([(float(x), float(y)) for x, y in points], fill=color, width=4, joint="curve")


def _stamp(marks: Image.Image, fonts: Path) -> None:
    stamp = Image.new("RGB", (330, 330), "white")
    draw = ImageDraw.Draw(stamp)
    red = (196, 52, 60)
    draw.ellipse((6, 6, 324, 324), outline=red, width=9)
    draw.ellipse((30, 30, 300, 300), outline=red, width=3)
    font = ImageFont.truetype(fonts / "liberation/LiberationSans-Bold.ttf", 54)
    draw.text((165, 165), "ARCHIVE", red, font, anchor="mm")
    worn = np.random.default_rng(9).normal(0, 1, (330, 330)).astype(np.float32)
    worn = np.clip(cv2.GaussianBlur(worn, (0, 0), 2) * 3 + 0.9, 0.35, 1)[..., None]
    picture = 255 - (255 - np.asarray(stamp)) * worn
    turned = Image.fromarray(picture.astype(np.uint8)).rotate(-14, fillcolor="white")
    area = (820, 940)
    under = marks.crop((*area, area[0] + 330, area[1] + 330))
    both = np.asarray(under).astype(np.uint16) * np.asarray(turned).astype(np.uint16) // 255
    marks.paste(Image.fromarray(both.astype(np.uint8)), area)


def _scanned(ink: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Paper with a tint, a grain and a shadow at the fold, and print that is a little soft."""
    random = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(random.normal(0, 1, ink.shape).astype(np.float32), (0, 0), 1.1) * 6
    shade = 1.0 - 0.10 * np.exp(-np.arange(WIDTH) / 60.0)
    paper = (np.array([246, 242, 232]) + grain[..., None]) * shade[None, :, None]
    print_ = cv2.GaussianBlur(ink, (0, 0), 0.6).astype(np.float32)[..., None] / 255
    return np.clip(np.rint(paper * print_), 0, 255).astype(np.uint8)
