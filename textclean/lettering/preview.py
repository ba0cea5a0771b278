"""A first lettering: given texts set into the safe areas, to see that a page is ready.

It is no typesetter: lines run horizontally, centred, in one typeface.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from textclean.errors import FileAccessError, UnsupportedFormatError
from textclean.lettering.fit import Fitted, fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Region

_LARGER: Final = 1.15  # of the original type, at most
_UNKNOWN: Final = 0.25  # of the room's shorter side, where the original type is not known
_READABLE: Final = 110  # difference of grey levels that text must have from what it lies on
_MISSING: Final = "\U0010fffd"  # a character that no font has


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Texts as a picture.

    Attributes:
        layer: ``(H, W, 4)`` uint8 RGBA, the texts on nothing.
        small: Numbers, from 1, of regions whose text is too long even for the smallest type.
        missing: Characters that the font does not have.
    """

    layer: NDArray[np.uint8]
    small: tuple[int, ...]
    missing: str

    def over(self, page: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The texts on an ``(H, W, 3)`` uint8 RGB page."""
        alpha = self.layer[..., 3:].astype(np.uint16)
        mixed = self.layer[..., :3] * alpha + page * (255 - alpha) + 127
        return (mixed // 255).astype(np.uint8)


def letter(
    size: tuple[int, int],
    regions: Sequence[Region],
    texts: Mapping[int, str],
    font: str | Path | None = None,
) -> Preview:
    """Set texts into the regions' safe areas.

    Args:
        size: Width and height of the page, upright.
        regions: In reading order, in pixels of the page as it is seen.
        texts: Number of the region, from 1, and what is to stand there.
        font: A TrueType or OpenType file; None = the one that Pillow brings along, which has
            Latin letters only.

    Raises:
        FileAccessError: The font cannot be read.
        UnsupportedFormatError: It is no font.
    """
    face = load_font(font)
    image = PILImage.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    small = []
    for number, region in enumerate(regions, start=1):
        text = texts.get(number, "").strip()
        if not text:
            continue
        fitted = fit(
            text,
            _room(region),
            lambda piece, pixels: float(face(pixels).getlength(piece)),
            most=_most(region),
            is_round=_is_round(region),
        )
        if not fitted.fits:
            small.append(number)
        _draw(draw, fitted, face(fitted.size), region)
    return Preview(np.array(image), tuple(small), _missing("".join(texts.values()), face(24)))


class Face:
    """A font in any size.

    Args:
        path: Its file, or None for the one that Pillow brings along.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = path
        self._sized = cache(self._load)

    def __call__(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in a size."""
        return self._sized(size)

    def _load(self, size: int) -> ImageFont.FreeTypeFont:
        if self._path is None:
            found = ImageFont.load_default(size)
            assert isinstance(found, ImageFont.FreeTypeFont)  # since a size is asked for
            return found
        return ImageFont.truetype(str(self._path), size)


def load_font(path: str | Path | None) -> Face:
    """A font to set texts in.

    Raises:
        FileAccessError: It cannot be read.
        UnsupportedFormatError: It is no font.
    """
    face = Face(path)
    if path is not None and not Path(path).is_file():
        raise FileAccessError(
            f"there is no font {path}", remedy="Name a TrueType or OpenType file with --font"
        )
    try:
        face(24)
    except OSError:
        raise UnsupportedFormatError(
            f"{path} is no font that can be read", remedy="Name a TrueType or OpenType file"
        ) from None
    return face


def _room(region: Region) -> Box:
    if region.safe_ellipse is not None and _is_round(region):
        return region.safe_ellipse
    return region.safe_box or region.box


def _is_round(region: Region) -> bool:
    """Whether the ellipse holds more than the rectangle."""
    box, ellipse = region.safe_box, region.safe_ellipse
    if box is None or ellipse is None:
        return False
    inside = 0.785 * (ellipse[2] - ellipse[0]) * (ellipse[3] - ellipse[1])
    return inside > (box[2] - box[0]) * (box[3] - box[1])


def _most(region: Region) -> float:
    if region.lettering is not None:
        return _LARGER * region.lettering.font_size
    if region.font_size:
        return _LARGER * region.font_size
    x0, y0, x1, y1 = _room(region)
    return _UNKNOWN * min(x1 - x0, y1 - y0)


def _draw(
    draw: ImageDraw.ImageDraw, fitted: Fitted, face: ImageFont.FreeTypeFont, region: Region
) -> None:
    color, outline = _colors(region)
    width = max(1, round(fitted.size / 10)) if outline is not None else 0
    for line, x, y in fitted.lines:
        draw.text(
            (x, y + 0.35 * fitted.size), line, fill=(*color, 255), font=face, anchor="ms",
            stroke_width=width, stroke_fill=None if outline is None else (*outline, 255),
        )  # fmt: skip


def _colors(region: Region) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
    """The original's colours, unless they could not be read on what is there now."""
    setting = region.lettering
    if setting is None:
        return (0, 0, 0), (255, 255, 255)
    ground = setting.background_color
    color = setting.color
    if _contrast(color, ground) < _READABLE and setting.outline_color is None:
        color = (0, 0, 0) if sum(ground) >= 384 else (255, 255, 255)
    if setting.outline_color is None and region.bubble is None:
        dark = sum(color) < 384
        return color, (255, 255, 255) if dark else (0, 0, 0)
    return color, setting.outline_color


def _contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    weights = np.array([0.299, 0.587, 0.114])
    return abs(float(weights @ np.array(one)) - float(weights @ np.array(other)))


def _missing(text: str, face: ImageFont.FreeTypeFont) -> str:
    """Characters that come out as the box for what is not there, once each."""
    box = bytes(face.getmask(_MISSING))
    signs = sorted({sign for sign in text if not sign.isspace()})
    return "".join(sign for sign in signs if bytes(face.getmask(sign)) == box)
