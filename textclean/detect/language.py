"""A guess at the language of recognized text, from its script alone.

What a script tells, and what not:

* kana -> ``ja``, hangul -> ``ko``, and likewise every script that (nearly) one language uses:
  ``th``, ``el``, ``he``, ``hy``, ``ka``;
* han alone -> ``zh``, unless another block of the page has kana: then ``ja``;
* Latin, Cyrillic, Arabic and Devanagari letters are shared by many languages, and a bubble holds
  too few words to tell them apart: these give ``und-Latn``, ``und-Cyrl``, ``und-Arab`` and
  ``und-Deva`` (BCP 47: language undetermined, script known). :func:`matches` lets ``en``, ``fr``
  or ``latin`` stand for ``und-Latn``, so that ``--keep-language en`` keeps all Latin lettering;
* digits, punctuation and symbols alone -> None.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# First word of a character's Unicode name -> script.
_SCRIPTS = {
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "CJK": "han",
    "HANGUL": "ko",
    "LATIN": "und-Latn",
    "CYRILLIC": "und-Cyrl",
    "ARABIC": "und-Arab",
    "DEVANAGARI": "und-Deva",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
}
_SHARED = {
    "und-Latn": "latin af az bs ca cs cy da de en es et eu fi fil fr ga gl hr hu id is it lt lv ms "
    "mt nl no nb nn pl pt ro sk sl sq sv sw tl tr uz vi",
    "und-Cyrl": "cyrillic be bg kk ky mk mn ru sr tg tt uk",
    "und-Arab": "arabic ar fa ku ps ug ur",
    "und-Deva": "devanagari hi mr ne sa",
}
_SCRIPT_OF = {code: script for script, codes in _SHARED.items() for code in codes.split()}


def guess_language(text: str | None) -> str | None:
    """The language of a text by itself; see the module for what can be told.

    Returns:
        An ISO 639-1 code, ``und-`` and a script, or None.
    """
    plain = unicodedata.normalize("NFKC", text or "")  # full-width letters, half-width kana
    counts = Counter(script for script in map(_script, plain) if script)
    if not counts:
        return None
    if counts["kana"] and counts["kana"] + counts["han"] >= sum(counts.values()) / 2:
        return "ja"
    if not counts["kana"] and not counts["han"]:
        return counts.most_common(1)[0][0]
    best = counts.most_common(1)[0][0]
    return {"han": "zh", "kana": "ja"}.get(best, best)


def guess_languages(texts: Sequence[str | None]) -> list[str | None]:
    """The languages of the texts of one page; han alone is Japanese beside kana."""
    guesses = [guess_language(text) for text in texts]
    if "ja" in guesses:
        guesses = ["ja" if guess == "zh" else guess for guess in guesses]
    return guesses


def matches(language: str | None, wanted: str) -> bool:
    """Whether a guessed language can be the one a user names.

    Args:
        language: From :func:`guess_language`, or any code from a regions file.
        wanted: An ISO 639-1 code, a script name ("latin"), or one of our own guesses; upper and
            lower case and a region ("pt-BR") do not matter.
    """
    if language is None:
        return False
    asked, guess = wanted.strip().lower().replace("_", "-"), language.lower()
    if guess == asked:
        return True
    primary = asked.split("-")[0]
    return primary == guess or _SCRIPT_OF.get(primary, "").lower() == guess


def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    return _SCRIPTS.get(unicodedata.name(character, "").split(" ")[0].split("-")[0])
