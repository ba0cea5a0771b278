"""Rubber stamps and seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageChops, ImageDraw

from textclean.training.drawing import chance, log_uniform, pick, uniform
from textclean.training.pens import Coverage, laid
from textclean.training.typesetting import slanted
from textclean.training.words import eastern, latin_words

if TYPE_CHECKING:
    from textclean.training.fonts import Fonts


_WORDS = ("RECEIVED", "PAID", "COPY", "DRAFT", "APPROVED", "VOID", "ORIGINAL", "FILED", "URGENT",
          "CONFIDENTIAL", "ERLEDIGT", "BEZAHLT", "EINGEGANGEN", "KOPIE", "REÇU", "PAYÉ", "COPIE",
          "ENTWERTET", "DUPLICATA", "No 214", "LIBRARY", "ARCHIV", "17 MAI 1911")  # fmt: skip


def stamp(rng: np.random.Generator, fonts: Fonts, size: tuple[int, int]) -> Coverage:
    """A round or square stamp, a single word, or a seal, cut or raised; turned at will."""
    side = int(log_uniform(rng, 52, max(60.0, 0.8 * min(size))))
    kind = pick(rng, ("round", "square", "seal", "word"), (0.32, 0.3, 0.18, 0.2))
    if kind == "word":
        return laid(rng, size, slanted(rng, np.asarray(_word(rng, fonts, side)), 0.6))
    picture = PillowImage.new("L", (side, side))
    pen = ImageDraw.Draw(picture)
    line = max(1, round(side * uniform(rng, 0.015, 0.05)))
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
    if kind == "seal" and chance(rng, 0.4):  # the signs are what stays white
        cut = PillowImage.new("L", picture.size)
        (ImageDraw.Draw(cut).ellipse if chance(rng, 0.3) else ImageDraw.Draw(cut).rectangle)(
            (line, line, side - line, side - line), fill=255
        )
        picture = ImageChops.subtract(cut, picture.crop((0, 0, side, side)))
    block = slanted(rng, np.asarray(picture), 0.6)
    return laid(rng, size, block)


def _word(rng: np.random.Generator, fonts: Fonts, width: int) -> PillowImage.Image:
    """One or two words in capitals, as bold as rubber is, within a frame, a double one or none."""
    text = pick(rng, _WORDS) if chance(rng, 0.6) else " ".join(latin_words(rng, 1, capitals=True))
    face = fonts.choose(rng, ("print",))
    glyph = max(8, round(1.35 * width / max(len(text), 3)))
    bold = max(0, round(glyph * uniform(rng, 0.0, 0.09)))
    left, top, right, bottom = face.at(glyph).getbbox(text, stroke_width=bold)
    margin = round(glyph * uniform(rng, 0.25, 0.6))
    extent = round(right - left) + 2 * margin, round(bottom - top) + 2 * margin
    picture = PillowImage.new("L", extent)
    pen = ImageDraw.Draw(picture)
    spot = margin - left, margin - top
    pen.text(spot, text, 255, face.at(glyph), stroke_width=bold, stroke_fill=255)
    line = max(1, round(glyph * uniform(rng, 0.05, 0.14)))
    frames = pick(rng, (0, 1, 2), (0.25, 0.5, 0.25))
    for k in range(frames):
        inset = 2 * k * line
        bounds = (inset, inset, extent[0] - 1 - inset, extent[1] - 1 - inset)
        pen.rounded_rectangle(bounds, pick(rng, (0, line, 3 * line)), outline=255, width=line)
    return picture


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
