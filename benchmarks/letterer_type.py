"""Sizes of type: bubbles lettered with known faces, and what is measured in them.

A size means what pixels can tell (``textclean.types.Lettering.font_size``): for alphabets the em of
a face whose capitals are 0.72 em high, so that the truth is computed from the median height of the
face's own capitals; for kana, ideographs and hangul the side of the full-width cell, the em.
"""

from __future__ import annotations

import itertools
import statistics
import string
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

import textclean
from textclean.types import Page

FOLDER = Path("/usr/share/fonts")
SIZES = (18, 22, 30, 42)
CELL = 480  # pixels a side that a bubble has; four of them make a page
CAPITAL = 0.72  # height of a capital in ems, by definition


class Setting(NamedTuple):
    """How a text is set: "capitals", "mixed", "columns" or "lines", the last two full-width."""

    manner: str
    font: str
    text: str
    ruby: str = ""


_KANJI = "これは私の大切な本です忘れないで"
_KANA = "あのひとはもうここにはいないのよ"
_HANZI = "今天天気很好我們一起去公園散歩"
_HANGUL = "오늘은 정말 좋은 날씨네요 같이 가요"
_RUBY = "　　　わたし　たいせつ　ほん　　わす"
SETTINGS = (
    Setting("capitals", "truetype/liberation/LiberationSans-Bold.ttf", "THE QUICK FOX JUMPED OVER"),
    Setting("capitals", "truetype/tomsontalks/TomsonTalks.ttf", "I HAVE NEVER SEEN THIS BEFORE"),
    Setting("capitals", "opentype/comic-neue/ComicNeue-Bold.otf", "WHO WOULD DO SUCH A THING?"),
    Setting("capitals", "opentype/bebas-neue/BebasNeue-Bold.otf", "NOBODY MOVES UNTIL I SAY SO"),
    Setting("capitals", "opentype/league-spartan/LeagueSpartan-Bold.otf", "GO ON, COME WITH ME"),
    Setting("capitals", "truetype/humor-sans/Humor-Sans.ttf", "WELL, THAT WENT BETTER"),
    Setting("mixed", "truetype/dejavu/DejaVuSans.ttf", "So this is the way we go, my friend!"),
    Setting("mixed", "opentype/comic-neue/ComicNeue-Bold.otf", "Where have you been all this"),
    Setting("mixed", "truetype/liberation/LiberationSerif-Italic.ttf", "Nobody knows what became"),
    Setting("mixed", "opentype/ebgaramond/EBGaramond12-Regular.otf", "A letter came for you today"),
    Setting("mixed", "truetype/dejavu/DejaVuSansMono.ttf", "It says that the door is open"),
    Setting("mixed", "truetype/breip/Breip.ttf", "Please do not forget the milk"),
    Setting("columns", "truetype/bizud-gothic/BIZUDGothic-Bold.ttf", _KANJI),
    Setting("columns", "truetype/klee/KleeOne-SemiBold.ttf", _KANA),
    Setting("columns", "truetype/yusei-magic/YuseiMagic-Regular.ttf", _KANJI),
    Setting("columns", "opentype/ipafont-gothic/ipag.ttf", _HANZI),
    Setting("columns", "truetype/bizud-mincho/BIZUDMincho-Regular.ttf", _KANJI, _RUBY),
    Setting("columns", "truetype/kiloji/kiloji.ttf", _KANJI, _RUBY),
    Setting("lines", "truetype/bizud-gothic/BIZUDGothic-Regular.ttf", "明日の朝駅の前で待っている"),
    Setting("lines", "truetype/sawarabi-mincho/sawarabi-mincho-medium.ttf", _KANA),
    Setting("lines", "truetype/motoya-l-maruberi/MTLmr3m.ttf", _KANJI, _RUBY),
    Setting("lines", "truetype/seto/setofont.ttf", _KANJI, _RUBY),
    Setting("lines", "truetype/droid/DroidSansFallbackFull.ttf", "今天天气很好我们一起去公园散步"),
    Setting("lines", "truetype/bizud-mincho/BIZUDMincho-Regular.ttf", _HANZI),
    Setting("lines", "truetype/nanum/NanumGothic.ttf", _HANGUL),
    Setting("lines", "truetype/nanum/NanumMyeongjoBold.ttf", _HANGUL),
    Setting("lines", "truetype/nanum/NanumBarunpenB.ttf", _HANGUL),
    Setting("lines", "truetype/nanum/NanumSquareRoundR.ttf", _HANGUL),
)  # fmt: skip


class Size(NamedTuple):
    """What was set, and what was measured."""

    setting: Setting
    truth: float
    found: float | None


def sizes(cleaner: textclean.Cleaner) -> Iterator[Size]:
    """Sizes of type in bubbles, four a page."""
    there = [setting for setting in SETTINGS if (FOLDER / setting.font).exists()]
    cases = list(itertools.product(SIZES, there))
    for start in range(0, len(cases), 4):
        four = cases[start : start + 4]
        page = PILImage.new("RGB", (2 * CELL, 2 * CELL), "white")
        for place, (size, setting) in enumerate(four):
            page.paste(bubble(setting, size), _corner(place))
        regions = cleaner.clean(Page.from_rgb(np.array(page))).regions
        for place, (size, setting) in enumerate(four):
            yield Size(setting, truth_of(setting, size), _found(regions, _corner(place)))


def truth_of(setting: Setting, size: int) -> float:
    """The size that is to be measured."""
    if setting.manner in ("columns", "lines"):
        return float(size)
    face = ImageFont.truetype(str(FOLDER / setting.font), 1000)
    boxes = [face.getbbox(letter, anchor="ls") for letter in string.ascii_uppercase]
    return size * statistics.median(box[3] - box[1] for box in boxes) / 1000 / CAPITAL


def bubble(setting: Setting, size: int) -> PILImage.Image:
    """A bubble with a few lines in it, set solid or with usual leading."""
    face = ImageFont.truetype(str(FOLDER / setting.font), size)
    small = ImageFont.truetype(str(FOLDER / setting.font), size // 2)
    image = PILImage.new("RGB", (CELL, CELL), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 8, CELL - 8, CELL - 8), outline="black", width=3)
    step = size * (
        1.25 if setting.manner in ("capitals", "mixed") else 1.75 if setting.ruby else 1.4
    )
    if setting.manner == "columns" or setting.ruby:
        _set_solid(draw, setting, size, step, face, small)
        return image
    lines = _lines(setting, draw, face)
    for row, line in enumerate(lines):
        y = CELL / 2 + (row - (len(lines) - 1) / 2) * step + 0.35 * size
        draw.text((CELL / 2, y), line, "black", face, anchor="ms")
    return image


def _set_solid(
    draw: ImageDraw.ImageDraw,
    setting: Setting,
    size: int,
    step: float,
    face: ImageFont.FreeTypeFont,
    small: ImageFont.FreeTypeFont,
) -> None:
    """Sign by sign in columns or lines; small signs beside them, two to a cell."""
    many = 6
    count = -(-len(setting.text) // many)
    for index, sign in enumerate(setting.text):
        across = ((count - 1) / 2 - index // many) * step
        along = (index % many + 0.5 - many / 2) * size
        x, y = (across, along) if setting.manner == "columns" else (along, -across)
        draw.text((CELL / 2 + x, CELL / 2 + y), sign, "black", face, anchor="mm")
        for half in (0, 1):
            if 2 * index + half >= len(setting.ruby):
                break
            beside, on = 0.75 * size, along + (half - 0.5) * size / 2
            x, y = (across + beside, on) if setting.manner == "columns" else (on, -across - beside)
            place = (CELL / 2 + x, CELL / 2 + y)
            draw.text(place, setting.ruby[2 * index + half], "black", small, anchor="mm")


def _lines(setting: Setting, draw: ImageDraw.ImageDraw, face: ImageFont.FreeTypeFont) -> list[str]:
    """The text broken where a bubble is full, between words where there are some."""
    if " " not in setting.text:
        return [setting.text[start : start + 6] for start in range(0, len(setting.text), 6)]
    lines = [""]
    for word in setting.text.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(joined, face) > min(300, 8 * face.size):
            lines.append(word)
        else:
            lines[-1] = joined
    return lines


def _corner(place: int) -> tuple[int, int]:
    return place % 2 * CELL, place // 2 * CELL


def _found(regions: tuple[textclean.Region, ...], corner: tuple[int, int]) -> float | None:
    """What is told of the largest region in a bubble."""
    inside = []
    for region in regions:
        x, y = region.polygon.mean(axis=0) - corner
        if 0 <= x < CELL and 0 <= y < CELL and region.lettering is not None:
            area = float(cv2.contourArea(region.polygon.astype(np.float32)))
            inside.append((area, region.lettering.font_size))
    return max(inside)[1] if inside else None
