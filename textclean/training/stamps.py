"""Rubber stamps and seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from textclean.training.drawing import chance, log_uniform, pick, uniform
from textclean.training.pens import Coverage, laid
from textclean.training.typesetting import slanted
from textclean.training.words import eastern, latin_words

if TYPE_CHECKING:
    from textclean.training.fonts import Fonts


def stamp(rng: np.random.Generator, fonts: Fonts, size: tuple[int, int]) -> Coverage:
    """A round or square stamp, turned at will."""
    side = int(log_uniform(rng, 40, max(50.0, 0.8 * min(size))))
    picture = PillowImage.new("L", (side, side))
    pen = ImageDraw.Draw(picture)
    line = max(1, round(side * uniform(rng, 0.015, 0.05)))
    kind = pick(rng, ("round", "square", "seal"), (0.4, 0.4, 0.2))
    if kind == "round":
        pen.ellipse((line, line, side - line, side - line), outline=255, width=line)
        if chance(rng, 0.6):
            inset = side // 5
            pen.ellipse((inset, inset, side - inset, side - inset), outline=255, width=line)
            _arc_text(picture, rng, fonts, side)
    elif kind == "square":
        height = int(side * uniform(rng, 0.3, 0.9))
        pen.rectangle((line, line, side - line, height), outline=255, width=line)
        picture = picture.crop((0, 0, side, height + line))
    else:
        bounds = (line, line, side - line, side - line)
        (pen.ellipse if chance(rng, 0.5) else pen.rectangle)(bounds, outline=255, width=line)
    _stamp_text(picture, rng, fonts, seal=kind == "seal")
    block = slanted(rng, np.asarray(picture), 0.6)
    return laid(rng, size, block)


def _stamp_text(
    picture: PillowImage.Image, rng: np.random.Generator, fonts: Fonts, *, seal: bool
) -> None:
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    if seal and "japanese" in fonts.scripts():
        font = fonts.choose(rng, ("print", "brush"), "japanese").at(max(8, round(width * 0.4)))
        text = eastern(rng, 2, "japanese")
        for k, character in enumerate(text):
            pen.text((width / 2, height * (0.29 + 0.42 * k)), character, 255, font, anchor="mm")
        return
    texts = latin_words(rng, int(rng.integers(1, 4)), capitals=True)
    if chance(rng, 0.5):
        texts[-1] = f"{rng.integers(1, 29)}.{rng.integers(1, 13)}.{rng.integers(1890, 2030)}"
    face = fonts.choose(rng, ("print",))
    for k, text in enumerate(texts):
        glyph = max(6, min(round(height * 0.5 / len(texts)), round(1.1 * width / (len(text) + 1))))
        spot = (width / 2, height * (k + 1) / (len(texts) + 1))
        pen.text(spot, text, 255, face.at(glyph), anchor="mm")


def _arc_text(
    picture: PillowImage.Image, rng: np.random.Generator, fonts: Fonts, side: int
) -> None:
    text = " ".join(latin_words(rng, 4, capitals=True))[:28]
    glyph = max(6, round(side * 0.1))
    face = fonts.choose(rng, ("print",)).at(glyph)
    radius = side * 0.4
    for k, character in enumerate(text):
        turn = 2 * np.pi * k / max(len(text), 12) - np.pi / 2
        cell = PillowImage.new("L", (2 * glyph, 2 * glyph))
        ImageDraw.Draw(cell).text((glyph, glyph), character, 255, face, anchor="mm")
        cell = cell.rotate(-np.rad2deg(turn) - 90, PillowImage.Resampling.BILINEAR)
        x, y = side / 2 + radius * np.cos(turn), side / 2 + radius * np.sin(turn)
        picture.paste(255, (round(x) - glyph, round(y) - glyph), cell)
