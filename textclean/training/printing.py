"""Printed matter: running text, columns, tables, forms, rules, pictures, notes, bar codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training import drawing
from textclean.training.drawing import chance, pick, uniform
from textclean.training.press import Press

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts


@dataclass(slots=True)
class Print:
    """A layer of print.

    Attributes:
        ink: ``(H, W)`` float32, 0 paper to 1 ink.
        text: ``(H, W)`` bool, ink that is text rather than rules and pictures.
        lines: The text lines, each as its two ends ``(2, 2)`` of x, y on the baseline.
        glyph: Usual size of the glyphs in pixels.
    """

    ink: NDArray[np.float32]
    text: NDArray[np.bool_]
    lines: list[NDArray[np.float32]] = field(default_factory=list)
    glyph: float = 20.0


def print_layer(
    rng: np.random.Generator,
    fonts: Fonts,
    size: tuple[int, int],
    *,
    broken: bool = False,
    old: bool = False,
) -> Print:
    """A piece of a printed page, slightly out of the straight.

    Args:
        rng: Where the randomness comes from.
        fonts: Fonts to print with.
        size: Height and width in pixels.
        broken: Whether its text is set in broken type (blackletter) that no font has.
        old: Whether it is set in the faces of old books.
    """
    scale = pick(rng, (1.0, 2.0, 3.0), (0.25, 0.5, 0.25))
    press = Press(rng, fonts, size, scale, broken=broken, old=old)
    height, width = press.size
    left, top = rng.uniform(-0.25, 0.3) * width, rng.uniform(-0.1, 0.15) * height
    right = left + width * uniform(rng, 0.8, 1.4)
    if chance(rng, 0.2):
        top = press.title((max(left, 0.0), top, right, height))
    box = (left, top, right, height * 1.05)
    kind = pick(
        rng,
        ("text", "columns", "table", "form", "picture", "staff", "bars"),
        (0.5, 0.16, 0.12, 0.06, 0.1, 0.03, 0.03),
    )
    if kind == "columns":
        gutter, middle = press.glyph * uniform(rng, 1, 2.5), width * uniform(rng, 0.3, 0.7)
        press.text_block((left, top, middle - gutter / 2, box[3]))
        press.text_block((middle + gutter / 2, top, box[2], box[3]))
        if chance(rng, 0.3):
            press.rule((middle, top), (middle, box[3]), uniform(rng, 0.7, 1.6))
    elif kind in ("picture", "bars", "staff"):
        cut = height * uniform(rng, 0.25, 0.75)
        upper, lower = (box[0], top, box[2], cut), (box[0], cut, box[2], box[3])
        (first, second) = (upper, lower) if chance(rng, 0.5) else (lower, upper)
        {"picture": press.engraving, "bars": press.bars, "staff": press.staff}[kind](first)
        press.text_block(second)
    else:
        {"text": press.text_block, "table": press.table, "form": press.form}[kind](box)
    if chance(rng, 0.25):
        press.numbers(int(rng.integers(1, 7)))
    if chance(rng, 0.35 if old or broken else 0.15):
        y, thick = uniform(rng, 0, height), uniform(rng, 0.8, 4)
        press.rule((left, y), (box[2], y), thick)
        if chance(rng, 0.4):  # and a fine one along it, as above the pages of old books
            beside = y + press.scale * thick * uniform(rng, 1.2, 3) * pick(rng, (-1, 1))
            press.rule((left, beside), (box[2], beside), thick * uniform(rng, 0.25, 0.6))
    return _pulled(rng, press, size)


def _pulled(rng: np.random.Generator, press: Press, size: tuple[int, int]) -> Print:
    """The print as it comes off the press: turned a little, with rough edges and uneven ink."""
    height, width = press.size
    angle = rng.normal() * 0.5 if chance(rng, 0.6) else 0.0
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    text = np.maximum(np.asarray(press.picture), press.type)
    both = np.maximum(text, press.rules)
    if angle:
        text, both = (
            cv2.warpAffine(layer, turn, (width, height), flags=cv2.INTER_LINEAR)
            for layer in (text, both)
        )
    cover = both.astype(np.float32) / 255
    if chance(rng, 0.5):  # ink spreads or fails along the edges of the type
        # Small type would be lost: its stems are about a tenth of its size.
        ease = min(1.0, press.glyph / press.scale / 24)
        soft = cv2.GaussianBlur(cover, (0, 0), uniform(rng, 0.3, 0.9) * press.scale * ease)
        rough = drawing.field(rng, press.size, uniform(rng, 1.2, 3) * press.scale)
        cover = soft + ease * (rough * uniform(rng, 0.02, 0.16) + uniform(rng, -0.1, 0.15))
        middle = 0.25 + 0.25 * ease
        cover = np.clip((cover - middle) * uniform(rng, 2, 8) + 0.5, 0, 1)
        cover *= soft > 0.02
    cover = cv2.resize(cover.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    printed = cv2.resize(text, size[::-1], interpolation=cv2.INTER_AREA) > 100
    ends = [
        (np.column_stack([line, np.ones(2)]) @ turn.T / press.scale).astype(np.float32)
        for line in press.lines
    ]
    return Print(cover.astype(np.float32), printed, ends, press.glyph / press.scale)
