"""Drawings with lettering for the tests of detection; made here, with Pillow's built-in font."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from textclean.detect.lines import Line, box_line

if TYPE_CHECKING:
    from textclean.types import Image

WHITE = (255, 255, 255)


class Sheet:
    """A page to write and draw on; remembers where the text is."""

    def __init__(self, width: int, height: int, color: tuple[int, int, int] = WHITE) -> None:
        self.picture = PILImage.new("RGB", (width, height), color)
        self.draw = ImageDraw.Draw(self.picture)
        self.texts: list[tuple[int, int, int, int]] = []

    def write(
        self, x: float, y: float, text: str, size: float = 24, color: str = "black"
    ) -> tuple[int, int, int, int]:
        """Text with its top left corner at x, y; its bounding box."""
        font = ImageFont.load_default(size=size)
        self.draw.text((x, y), text, fill=color, font=font)
        x0, y0, x1, y1 = self.draw.textbbox((x, y), text, font=font)
        box = (int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1)))
        self.texts.append(box)
        return box

    @property
    def image(self) -> Image:
        """``(H, W, 3)`` uint8."""
        return np.asarray(self.picture).copy()


def blank(width: int = 400, height: int = 400, level: int = 255) -> Image:
    """A page of one grey."""
    return np.full((height, width, 3), level, np.uint8)


def rows(count: int, *, x: float = 50, y: float = 50, pitch: float = 26) -> list[Line]:
    """Horizontal lines of equal length below each other, 24 thick."""
    return [box_line(x, y + i * pitch, x + 160, y + i * pitch + 24, 0.9) for i in range(count)]


def columns(count: int, *, x: float = 300, y: float = 50, pitch: float = 28) -> list[Line]:
    """Vertical lines of equal length, from the right, 24 thick."""
    return [box_line(x - i * pitch, y, x - i * pitch + 24, y + 160, 0.9) for i in range(count)]
