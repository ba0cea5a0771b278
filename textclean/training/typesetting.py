"""Glyphs set in lines and columns, and bent: coverage without colour yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from textclean.training.drawing import chance, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import ImageFont

    from textclean.training.fonts import Font

# Turned by 90 degrees in vertical columns.
_TURNED = "ー…‥―-~〜（）()「」『』【】"


def set_lines(font: Font, size: int, lines: list[str], leading: float) -> NDArray[np.uint8]:
    """Horizontal lines, centred: ``(H, W)`` uint8 coverage."""
    face = font.at(size)
    step = max(1, round(size * leading))
    width = max(int(face.getlength(line)) for line in lines) + size
    picture = PillowImage.new("L", (max(1, width), step * len(lines) + size))
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        pen.text((width // 2, size // 2 + row * step + step // 2), line, 255, face, anchor="mm")
    return _trimmed(np.asarray(picture))


def set_columns(
    font: Font, size: int, columns: list[str], leading: float, *, ruby: bool = False
) -> NDArray[np.uint8]:
    """Vertical columns from right to left, with furigana beside them at will; coverage."""
    face = font.at(size)
    step, advance = max(1, round(size * leading)), max(1, round(size * 1.04))
    longest = max(len(column) for column in columns)
    extent = (step * len(columns) + size, advance * longest + size)
    picture = PillowImage.new("L", extent)
    pen = ImageDraw.Draw(picture)
    for k, column in enumerate(columns):
        x = extent[0] - size // 2 - step // 2 - k * step
        for row, character in enumerate(column):
            y = size // 2 + row * advance + advance // 2
            if character in _TURNED:
                _paste_turned(picture, face, character, size, (x, y))
            elif character in "、。":
                pen.text((x + size // 2, y - size // 3), character, 255, face, anchor="mm")
            else:
                pen.text((x, y), character, 255, face, anchor="mm")
        if ruby and size >= 16:
            small = font.at(max(7, size * 2 // 5))
            for row in range(0, max(1, 2 * len(column) - 3)):
                spot = (x + size * 0.72, size // 2 + row * advance * 0.5 + advance * 0.5)
                pen.text(spot, "のかたりいしうな"[(row * 5 + k) % 8], 255, small, anchor="mm")
    return _trimmed(np.asarray(picture))


def _paste_turned(
    picture: PillowImage.Image,
    face: ImageFont.FreeTypeFont,
    character: str,
    size: int,
    spot: tuple[int, int],
) -> None:
    cell = PillowImage.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(cell).text((size, size), character, 255, face, anchor="mm")
    turned = cell.transpose(PillowImage.Transpose.ROTATE_270)
    picture.paste(turned, (spot[0] - size, spot[1] - size), turned)


def _trimmed(coverage: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    if not len(rows):
        return np.zeros((1, 1), np.uint8)
    return np.ascontiguousarray(coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def bent(
    rng: np.random.Generator, coverage: NDArray[np.uint8], strength: float
) -> NDArray[np.uint8]:
    """Coverage turned, sheared and bent, as sound effects are; strength from 0 to 1."""
    height, width = coverage.shape
    margin = int(0.35 * max(height, width) * strength) + 4
    padded = np.pad(coverage, margin)
    size = padded.shape
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    # An arc and a wave; both move points by less than the margin.
    reach = margin * 0.45
    along = (x - size[1] / 2) / max(size[1], 1)
    y = y + np.float32(reach * uniform(rng, -1, 1)) * (4 * along**2 - 0.5)
    if chance(rng, 0.4):
        wave = 2 * np.pi * uniform(rng, 0.5, 2) * along + uniform(rng, 0, 6)
        y = y + np.float32(reach * 0.4) * np.sin(wave)
    # Letters grow along the word.
    taper = 1 + np.float32(uniform(rng, -0.35, 0.35) * strength) * along
    y = (y - size[0] / 2) * taper + size[0] / 2
    moved = cv2.remap(
        padded, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip
    return _trimmed(slanted(rng, moved.astype(np.uint8), strength))


def slanted(
    rng: np.random.Generator, coverage: NDArray[np.uint8], strength: float
) -> NDArray[np.uint8]:
    """Coverage turned by up to 45 degrees and sheared, in a canvas that holds all of it."""
    height, width = coverage.shape
    angle, shear = rng.normal() * 0.4 * strength, rng.normal() * 0.25 * strength
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, shear], [0, 1]])
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height]], np.float64)
    low = corners.min(axis=1)
    extent = np.ceil(np.ptp(corners, axis=1)).astype(int) + 2
    affine = np.column_stack([matrix, 1 - low])
    return cv2.warpAffine(
        coverage, affine, (int(extent[0]), int(extent[1])), flags=cv2.INTER_LINEAR
    ).astype(np.uint8)
