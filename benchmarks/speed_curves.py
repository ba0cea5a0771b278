"""What cost grows with: page area, strip height, bubbles. Pages are drawn, nothing is read."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from timing import timed

from textclean.cleaner import Cleaner
from textclean.types import Page

LINES = ("WHERE ARE YOU", "GOING WITH THAT", "OLD LANTERN?")
STAGES = {"ink + detect": ("ink", "detect"), "fill": ("fill",)}
COLORS = {"clean": "#1f4e9c", "ink + detect": "#8a8a8a", "fill": "#c2410c"}
WIDE, HIGH = 460, 340  # of a panel of the plot


@dataclass
class Curve:
    """Seconds of processors against one quantity.

    Attributes:
        title: What is on the x axis.
        x: Its values.
        y: By name of a line: seconds at each value.
    """

    title: str
    x: list[float] = field(default_factory=list)
    y: dict[str, list[float]] = field(default_factory=dict)

    @property
    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        lines = {name: [round(v, 3) for v in values] for name, values in self.y.items()}
        return {"title": self.title, "x": self.x, "cpu_seconds": lines}

    def measure(self, cleaner: Cleaner, x: float, page: np.ndarray, rounds: int) -> None:
        """Add a point: the median of some rounds."""
        taken: dict[str, list[float]] = {}
        loaded = Page.from_rgb(page)
        for _ in range(rounds):
            result, spent = timed(lambda: cleaner.clean(loaded))
            taken.setdefault("clean", []).append(spent.cpu)
            for name, stages in STAGES.items():
                # The cleaner tells of the clock; its shares of the page are those of processors.
                share = sum(result.seconds.get(s, 0.0) for s in stages) / max(spent.wall, 1e-9)
                taken.setdefault(name, []).append(share * spent.cpu)
        self.x.append(x)
        for name, values in taken.items():
            self.y.setdefault(name, []).append(statistics.median(values))


def curves(cleaner: Cleaner, *, quick: bool) -> list[Curve]:
    """All three."""
    rounds = 1 if quick else 3
    area = Curve("page without text: megapixels")
    for side in (1000, 2000) if quick else (700, 1000, 1400, 2000, 2800):
        width, height = round(side * 0.7), side
        area.measure(cleaner, round(width * height / 1e6, 2), drawn(width, height, 0), rounds)
    strip = Curve("strip 800 wide, a bubble every 1000 px: height in 1000 px")
    for height in (2000, 6000) if quick else (2000, 5000, 10000, 20000):
        page = drawn(800, height, height // 1000)
        strip.measure(cleaner, height / 1000, page, rounds)
    bubbles = Curve("page 1414 x 2000: bubbles, and as many words on tone")
    for count in (2, 8) if quick else (0, 2, 4, 8, 16):
        page = drawn(1414, 2000, count, words=count)
        bubbles.measure(cleaner, count, page, rounds)
    return [area, strip, bubbles]


def drawn(width: int, height: int, bubbles: int, words: int = 0) -> np.ndarray:
    """A page of panels with hatching and tone, bubbles with lettering, words on tone."""
    rng = np.random.default_rng(5)
    page = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(page)
    for top in range(20, height - 60, 520):
        bottom = min(top + 500, height - 20)
        pen.rectangle((20, top, width - 20, bottom), outline=0, width=4)
        _tone(page, (24, top + 4, width // 2, bottom - 4))
        for _ in range(width * 500 // 9000):
            x, y = (
                rng.integers(width // 2, width - 60),
                rng.integers(top + 10, max(bottom - 60, top + 11)),
            )
            dx, dy = rng.integers(-50, 50, 2)
            pen.line((x, y, min(x + dx, width - 24), min(y + dy, bottom - 6)), fill=0, width=2)
    font = ImageFont.load_default(26)
    # Bubbles stand on a grid of places, spread evenly.
    places = _places(width, height)
    for x, y in _spread(places[1::2] or places, bubbles):
        pen.ellipse((x - 150, y - 80, x + 150, y + 80), fill=255, outline=0, width=3)
        for row, line in enumerate(LINES):
            pen.text((x, y + 32 * (row - 1)), line, fill=0, font=font, anchor="mm")
    loud = ImageFont.load_default(38)
    for x, y in _spread(places[0::2], words):
        pen.text(
            (x, y), "MEANWHILE", fill=0, font=loud, anchor="mm", stroke_width=3, stroke_fill=255
        )
    return np.asarray(page.convert("RGB"))


def _tone(page: Image.Image, box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    ys, xs = np.mgrid[y0:y1, x0:x1]
    dots = np.sin((xs + ys) * 2 * np.pi / 9) * np.sin((xs - ys) * 2 * np.pi / 9) > 0.35
    page.paste(Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)), (x0, y0))


def _places(width: int, height: int) -> list[tuple[int, int]]:
    columns = max(1, (width - 60) // 330)
    return [
        (round((c + 0.5) * width / columns), y)
        for y in range(140, height - 90, 230)
        for c in range(columns)
    ]


def _spread(places: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    step = len(places) / max(count, 1)
    return [places[int(i * step)] for i in range(min(count, len(places)))]


def plot(found: list[Curve], path: Path) -> None:
    """Draw the curves side by side."""
    picture = Image.new("RGB", (WIDE * len(found), HIGH), "white")
    for number, curve in enumerate(found):
        _panel(ImageDraw.Draw(picture), curve, WIDE * number)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(16).save(path, optimize=True)


def _panel(pen: ImageDraw.ImageDraw, curve: Curve, left: int) -> None:
    font = ImageFont.load_default(13)
    x0, y0, x1, y1 = left + 50, 56, left + WIDE - 20, HIGH - 46
    most_x = max([*curve.x, 1e-9]) * 1.05
    most_y = max([v for values in curve.y.values() for v in values] or [1.0]) * 1.1
    pen.line((x0, y0, x0, y1, x1, y1), fill="black")
    pen.text((left + WIDE / 2, HIGH - 14), curve.title, fill="black", font=font, anchor="mm")
    pen.text((x0, 14), "seconds of processors", fill="black", font=font, anchor="lm")
    for i in range(1, 5):
        y = y1 - (y1 - y0) * i / 4.4
        pen.line((x0, y, x1, y), fill="#dddddd")
        pen.text((x0 - 6, y), f"{most_y * i / 4.4:.1f}", fill="black", font=font, anchor="rm")
    for value in curve.x:
        x = x0 + (x1 - x0) * value / most_x
        pen.text((x, y1 + 12), f"{value:g}", fill="black", font=font, anchor="mm")
    for row, (name, values) in enumerate(curve.y.items()):
        points = [
            (x0 + (x1 - x0) * x / most_x, y1 - (y1 - y0) * y / most_y)
            for x, y in zip(curve.x, values, strict=True)
        ]
        pen.line(points, fill=COLORS[name], width=3)
        for x, y in points:
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=COLORS[name])
        pen.text((x0 + 8 + 130 * row, 38), name, fill=COLORS[name], font=font, anchor="lm")
