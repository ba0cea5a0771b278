"""A font that every machine has: the one inside Pillow, written to a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import ImageFont

from textclean.training.fonts import Fonts, find_fonts


def builtin_font(folder: Path) -> Path:
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    assert isinstance(face.path, BytesIO)
    path = folder / "builtin.ttf"
    path.write_bytes(face.path.getvalue())
    return path


def builtin_fonts(folder: Path) -> Fonts:
    return find_fonts([builtin_font(folder)])
