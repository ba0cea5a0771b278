"""Meaningless text that looks like text: made of syllables and of the characters of a script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from textclean.training.drawing import chance, pick

if TYPE_CHECKING:
    from textclean.training.fonts import Script

# Separated by bars; nothing between two bars is a part too.
_ONSETS = "b|c|d|f|g|h|j|k|l|m|n|p|qu|r|s|t|v|w|y|st|tr|pl|gr|ch|sh|th|br|cl|sp|fr|"
_VOWELS = "a|a|e|e|e|i|i|o|o|u|ea|ou|ai|ee|oo|ie"
_CODAS = "|||n|r|s|t|l|d|m|ng|nd|rt|st|ck|ss|nt|gh|ll"
_SMALL = "a|the|of|to|in|is|it|and|that|he|on|as|at|but|we|be|or|no|so|if"
_ENGLISH = _ONSETS, _VOWELS, _CODAS, _SMALL
_GERMAN = (
    "b|d|f|g|h|k|l|m|n|r|s|t|w|z|v|j|st|sch|schl|schw|tr|pf|gr|fr|kl|zw|ch|",
    "a|a|e|e|e|e|i|i|o|u|ei|ei|ie|au|eu|ä|ö|ü",
    "||n|n|n|r|s|t|l|ch|ck|tz|ng|nd|st|ß|cht|ll|mm|ff|rt|lt|nk",
    "der|die|das|und|ist|nicht|zu|den|von|sich|er|es|ein|mit|auf|daß|als|aber|so|wie|Muth",
)
_MARKS = ",|,|.|.|;|:|!|?|...|-"
_SOUNDS = "BOOM|CRASH|Tsk|WHAM!|zzz|KRAK|swoosh|BAM!!|PLOP|Aaaah"


def latin_words(
    rng: np.random.Generator, count: int, *, capitals: bool = False, german: bool = False
) -> list[str]:
    """Words of one to four syllables with punctuation here and there."""
    onsets, vowels, codas, small = _GERMAN if german else _ENGLISH
    words = []
    for _ in range(count):
        if chance(rng, 0.3):
            word = _part(rng, small)
        elif chance(rng, 0.04):
            word = str(int(rng.integers(0, 10 ** int(rng.integers(1, 5)))))
        else:
            parts = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.35, 0.2, 0.05]))
            word = "".join(
                _part(rng, onsets) + _part(rng, vowels) + _part(rng, codas) for _ in range(parts)
            )
        if chance(rng, 0.12):
            word = word.capitalize()
        if chance(rng, 0.14):
            word += _part(rng, _MARKS)
        words.append(word.upper() if capitals else word)
    return words


def wrap(words: list[str], width: int) -> list[str]:
    """Words joined into lines of at most ``width`` characters; a longer word has its own line."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def eastern(rng: np.random.Generator, count: int, script: Script) -> str:
    """A run of ``count`` characters of an East Asian script, mixed as in running text."""
    if script == "korean":
        text = [pick(rng, " " if chance(rng, 0.2) else _table("euc_kr", 16, 41))
                for _ in range(count)]  # fmt: skip
        return "".join(text).strip() or "가"
    if script == "chinese":
        return "".join(pick(rng, _table("gb2312", 16, 56)) for _ in range(count))
    kana, kanji = _table("euc_jp", 4, 5), _table("euc_jp", 16, 48)
    katakana = _table("euc_jp", 5, 6)
    pools, weights = (kana, kanji, katakana, "ー…！？、。っ"), (0.5, 0.3, 0.12, 0.08)
    return "".join(pick(rng, pick(rng, pools, weights)) for _ in range(count))


def sound(rng: np.random.Generator, script: Script) -> str:
    """A sound effect: few large characters, often repeated."""
    if script == "latin":
        return _part(rng, _SOUNDS) if chance(rng, 0.7) else latin_words(rng, 1, capitals=True)[0]
    if script == "japanese":
        kana = _table("euc_jp", 5, 6)
        unit = "".join(pick(rng, kana) for _ in range(int(rng.integers(1, 3))))
        return unit * int(rng.integers(1, 3)) + pick(rng, ["", "ッ", "ー", "！", "…"])
    return eastern(rng, int(rng.integers(1, 4)), script)


def _part(rng: np.random.Generator, parts: str) -> str:
    return pick(rng, parts.split("|"))


@cache
def _table(codec: str, first: int, last: int) -> str:
    """The characters in rows ``first`` to ``last`` - 1 of a 94 by 94 national character set."""
    found = []
    for row in range(first, last):
        for cell in range(1, 95):
            try:
                found.append(bytes([0xA0 + row, 0xA0 + cell]).decode(codec))
            except UnicodeDecodeError:
                continue
    return "".join(found)
