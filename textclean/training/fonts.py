"""The fonts that training pages are lettered with: found, sorted by script and by manner."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import ImageFont

from textclean.errors import DependencyError
from textclean.training.drawing import pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

Script = Literal["latin", "japanese", "korean", "chinese"]
Manner = Literal["print", "old", "comic", "hand", "brush"]

_SUFFIXES = (".ttf", ".otf", ".ttc")
# A font writes a script when it draws these characters with glyphs of their own.
_PROBES: dict[Script, str] = {
    "latin": "aRg",
    "japanese": "あカ日",
    "korean": "가한",
    "chinese": "们这",
}
# Parts of family names that tell how the letters were made; everything else is print.
_MANNERS: dict[Manner, tuple[str, ...]] = {
    "brush": ("aoyagi", "kouzan", "brush", "mouhitsu", "kaushan"),
    "hand": (
        "because we", "kristi", "kiloji", "seto", "dkg", "handwriting", "breip", "hand", "script",
        "nanumpen", "barunpen", "unpilgi", "dancing", "joscelyn", "yusei", "klee", "miama",
        "ecolier",
    ),
    "old": ("blankenburg", "gotico", "gamaliel", "fraktur", "yfrak", "ygoth", "yswab", "missaali"),
    "comic": ("comic", "tomson", "humor", "staypuft", "manga", "maruberi", "rounded", "lobster",
              "cabinsketch"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Font:
    """One face of a font file.

    Attributes:
        path: The file.
        scripts: What it can write.
        manner: "print", "old" (type of old books), "comic" (lettering), "hand" (handwriting) or
            "brush".
    """

    path: str
    scripts: frozenset[Script]
    manner: Manner

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The face at an em of ``size`` pixels."""
        return _load(self.path, size)

    def writes(self, characters: str) -> bool:
        """Whether the face has a glyph of its own for each of the characters."""
        return _can_write(self.path, characters)


@dataclass(frozen=True, slots=True)
class Fonts:
    """A set of fonts to draw from, in a fixed order."""

    faces: tuple[Font, ...]

    def choose(
        self,
        rng: np.random.Generator,
        manners: Sequence[Manner] = ("print",),
        script: Script = "latin",
    ) -> Font:
        """A font of that script; of one of the manners if there is any, else of another.

        What is written by hand is the last that takes the place of something else.
        """
        able = [face for face in self.faces if script in face.scripts] or list(self.faces)
        fitting = [face for face in able if face.manner in manners]
        fitting = fitting or [face for face in able if face.manner not in ("hand", "brush")] or able
        # By folder first: a family of seventy faces is no more usual than one of four.
        folder = pick(rng, list(dict.fromkeys(Path(face.path).parent for face in fitting)))
        return pick(rng, [face for face in fitting if Path(face.path).parent == folder])

    def scripts(self) -> tuple[Script, ...]:
        """The scripts that some font can write."""
        return tuple(script for script in _PROBES if any(script in f.scripts for f in self.faces))


def find_fonts(places: Iterable[str | Path] | None = None) -> Fonts:
    """The usable fonts in some folders or files, or all that fontconfig knows.

    The order is that of the file names, so that the same folders give the same pages.

    Raises:
        DependencyError: There is none, or fontconfig is not there to be asked.
    """
    files = _installed() if places is None else _listed(places)
    faces = tuple(
        face for path in sorted(files, key=lambda p: (p.name, str(p))) if (face := _face(path))
    )
    if not faces:
        raise DependencyError(
            "no font was found that can write Latin or East Asian letters, so no training page "
            "can be lettered",
            remedy="Install some fonts, or name folders that hold .ttf, .otf or .ttc files",
        )
    return Fonts(faces)


def _installed() -> list[Path]:
    command = ["fc-list", "--format", "%{file}\n"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        raise DependencyError(
            "fontconfig's fc-list could not be run, so the installed fonts are not known",
            remedy="Install fontconfig, or name folders that hold fonts",
        ) from None
    return [path for line in set(listed.stdout.split("\n")) if (path := Path(line)).suffix.lower()
            in _SUFFIXES]  # fmt: skip


def _listed(places: Iterable[str | Path]) -> list[Path]:
    found: set[Path] = set()
    for place in map(Path, places):
        members = place.rglob("*") if place.is_dir() else [place]
        found.update(path for path in members if path.suffix.lower() in _SUFFIXES)
    return list(found)


def _face(path: Path) -> Font | None:
    """What a font file can do; None if it cannot be read or writes none of the scripts."""
    try:
        font = _load(str(path), 32)
        family = (font.getname()[0] or "").lower()
        scripts = frozenset(s for s, probe in _PROBES.items() if _writes(font, probe))
    except OSError:
        return None
    if not scripts or "math" in family:
        return None
    named = f"{family} {path.parent.name} {path.stem.lower()}"
    manner: Manner = next(
        (m for m, parts in _MANNERS.items() if any(part in named for part in parts)), "print"
    )
    return Font(str(path), scripts, manner)


@lru_cache(maxsize=1024)
def _can_write(path: str, characters: str) -> bool:
    return _writes(_load(path, 32), characters)


def _writes(font: ImageFont.FreeTypeFont, characters: str) -> bool:
    missing = bytes(font.getmask("\ufffe"))
    glyphs = [bytes(font.getmask(character)) for character in characters]
    return all(any(glyph) and glyph != missing for glyph in glyphs)


@lru_cache(maxsize=256)
def _load(path: str, size: int) -> ImageFont.FreeTypeFont:
    # The basic layout engine is the same everywhere; complex shaping depends on the build.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
