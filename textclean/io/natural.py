"""The order in which people number pages."""

from __future__ import annotations

import re
import unicodedata
from typing import TypeAlias

_NUMBER = re.compile(r"([0-9]+)")

_Part: TypeAlias = tuple[int, int, str]
NaturalKey: TypeAlias = tuple[tuple[tuple[_Part, ...], ...], tuple[_Part, ...], str]


def natural_key(name: str) -> NaturalKey:
    """Sort key: folder by folder, then by name, numbers by value, capitals beside small letters.

    Pages of one folder stay together, and those of a folder come before those of the folders
    inside it. Full-width digits count as digits. Names that differ only in what is ignored are
    ordered by their code points, so that the order is total.

    Args:
        name: Path with forward or backward slashes.
    """
    *folders, base = name.replace("\\", "/").split("/")
    return tuple(_parts(folder) for folder in folders), _parts(base), name


def _parts(text: str) -> tuple[_Part, ...]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return tuple(
        # Digits compare by length, then by text: the same as by value, without a limit on it.
        (0, len(digits := part.lstrip("0")), digits) if index % 2 else (1, 0, part)
        for index, part in enumerate(_NUMBER.split(folded))
        if part
    )
