"""Lettering of a known setting, drawn with the font that Pillow brings along."""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from textclean.types import Region

PAPER, INK = (250, 250, 250), (20, 20, 60)


def block(
    lines: tuple[str, ...] = ("Some lines of text", "that were all set", "by a hand"),
    *,
    size: int = 30,
    step: int = 42,
    anchor: str = "ms",
    turn: float = 0.0,
    lean: float = 0.0,
    outline: tuple[int, int, int] | None = None,
    paper: tuple[int, int, int] = PAPER,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Region]:
    """The page with text, without it, the mask, and the region.

    ``turn`` is clockwise and ``lean`` to the right, both in degrees.
    """
    face = ImageFont.load_default(size)
    image = PILImage.new("RGB", (520, 400), paper)
    draw = ImageDraw.Draw(image)
    corners = []
    for row, text in enumerate(lines):
        at = ({"ls": 80, "ms": 260, "rs": 440}[anchor], 140 + row * step)
        width = 3 if outline else 0
        draw.text(at, text, INK, face, anchor=anchor, stroke_width=width, stroke_fill=outline)
        x0, y0, x1, y1 = draw.textbbox(at, text, face, anchor=anchor, stroke_width=width)
        corners.append(
            np.array([[x0 - 3, y0 - 3], [x1 + 3, y0 - 3], [x1 + 3, y1 + 3], [x0 - 3, y1 + 3]])
        )
    page = np.array(image)
    matrix = cv2.getRotationMatrix2D((260, 200), -turn, 1.0)
    shear = math.tan(math.radians(lean))
    leaning = np.array([[1.0, -shear, shear * 200], [0.0, 1.0, 0.0]])
    for change in (leaning, matrix):
        page = cv2.warpAffine(page, change, (520, 400), borderValue=paper)
        corners = [corner @ change[:, :2].T + change[:, 2] for corner in corners]
    polygons = tuple(corner.astype(np.float32) for corner in corners)
    clean = np.full_like(page, paper)
    mask = np.abs(page.astype(int) - paper).max(axis=2) > 8
    hull = cv2.convexHull(np.concatenate(polygons)).reshape(-1, 2)
    region = Region(hull, polygons, action="fill", stroke_color=INK)
    return page, clean, mask, region
