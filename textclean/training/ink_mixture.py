"""Pages to learn from which pixels are lettering, pen, highlighter, stamp and print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.art import color_art
from textclean.training.balloons import bordered, comic_lettering
from textclean.training.bubbles import with_bubbles
from textclean.training.documents import document_page
from textclean.training.drawing import (
    LETTERING,
    DrawnPage,
    as_rgb,
    chance,
    grown,
    log_uniform,
    pick,
    u8,
)
from textclean.training.halftones import grey_look, halftone_look
from textclean.training.layered import Aim, Layered, difference, layered_window, over
from textclean.training.negatives import figure_page
from textclean.training.pages import comic_page
from textclean.training.paper import random_scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from textclean.training.mixture import Sources
    from textclean.types import Image, Mask

    Look = Callable[[Image], Image]

INK_FAMILIES: Mapping[str, float] = {
    "comic": 0.17,
    "comic_grey": 0.07,
    "comic_halftone": 0.16,
    "tone": 0.06,
    "art_lettered": 0.11,
    "art_captioned": 0.03,
    "document": 0.27,
    "notes": 0.05,
    "blank": 0.08,
}
"""The families of pages and their usual shares."""

_NEEDS_LAYERS = frozenset({"comic", "comic_grey", "comic_halftone"})
_NEEDS_ART = frozenset({"art_lettered", "art_captioned"})
_SEEN = 12
"""Grey levels by which a pixel must change for ink on it to be seen."""


def draw_ink_page(
    rng: np.random.Generator,
    sources: Sources,
    size: tuple[int, int] = (384, 384),
    family: str | None = None,
) -> DrawnPage:
    """A page, or a window of one, with the truth about its ink.

    Args:
        rng: Where the randomness comes from; same state and sources, same page.
        sources: Fonts, and real art with its lettering where there is some; ``weights`` are
            those of the inpainting mixture and not looked at.
        size: Height and width in pixels.
        family: One of :data:`INK_FAMILIES`; None = drawn by weight from those that the sources
            allow.

    Raises:
        ValueError: There is no such family, or the sources lack what it is made of.
    """
    name = family or pick(rng, *_able(sources))
    if name not in _able(sources)[0]:
        raise ValueError(f"these sources cannot draw pages of the family {name!r}")
    page = _FAMILIES[name](rng, sources, size)
    return DrawnPage(page.clean, page.shown, page.labels, page.bubble, name)


def _able(sources: Sources) -> tuple[list[str], list[float]]:
    """The families that the sources allow, and their shares."""
    lacking: frozenset[str] = frozenset()
    if sources.art is None:
        lacking = _NEEDS_ART | _NEEDS_LAYERS
    elif not sources.art.layers:
        lacking = _NEEDS_LAYERS
    names = [name for name in INK_FAMILIES if name not in lacking]
    return names, [INK_FAMILIES[name] for name in names]


def unsure(page: DrawnPage) -> Mask:
    """``(H, W)`` bool, pixels whose label is a matter of taste: the faint rim of ink.

    They changed a little and have no label, or have one and changed hardly.
    """
    change = difference(page.clean, page.shown)
    inked = (page.labels > 0) & (page.labels < 5)
    rim = grown(inked, 2) & ~inked & (change > 4)
    edge = inked & grown(~inked, 1) & (change < _SEEN)
    return np.asarray(rim | edge, bool)


def _comic(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    window = _window(rng, sources, size)
    if chance(rng, 0.2):
        order = np.append(rng.permutation(3), 3)
        window = Layered(
            np.ascontiguousarray(window.art[..., order[:3]]),
            np.ascontiguousarray(window.bare[..., order]),
            np.ascontiguousarray(window.full[..., order]),
            window.inside,
        )
    return _composed(rng, window, lambda image: image, late=True, color=True)


def _comic_grey(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    window = _window(rng, sources, size)
    look = grey_look(rng, window.art)
    return _composed(rng, window, look, late=chance(rng, 0.6), color=False)


def _comic_halftone(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    window = _window(rng, sources, size)
    look = halftone_look(rng, window.art)
    return _composed(rng, window, look, late=chance(rng, 0.65), color=False)


def _window(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> Layered:
    assert sources.art is not None
    aims: tuple[Aim, ...] = ("effects", "lettering", "anywhere")
    return layered_window(rng, sources.art, size, pick(rng, aims, (0.3, 0.22, 0.48)))


def _composed(
    rng: np.random.Generator, window: Layered, look: Look, *, late: bool, color: bool
) -> DrawnPage:
    """Art, bubbles and text in one look; ``late`` = bubbles and text are laid over the look."""
    bare, full = window.bare, window.full
    if not color and late:
        bare, full = _greyed(bare), _greyed(full)
    if chance(rng, 0.1):  # white letters in black bubbles
        bare, full = _inverted(bare), _inverted(full)
    ground = look(window.art) if late else window.art
    if chance(rng, 0.35 if color else 0.6):
        ground = bordered(rng, ground, window.inside)
    clean, shown = over(ground, bare), over(ground, full)
    if not late:
        clean, shown = look(clean), look(shown)
    text = window.text()
    changed = difference(clean, shown) > _SEEN
    # A glow is lettering as far as it shows; the strokes, wherever some of them shows.
    found = (text > 6) & changed if late else text > 24
    found |= (text > 60) & grown(changed, 8)
    labels = np.where(found, np.uint8(LETTERING), np.uint8(0))
    return _scanned(rng, DrawnPage(clean, shown, labels, window.inside), color=color)


def _inverted(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A layer whose colours are multiplied by its alpha, with these inverted."""
    red, green, blue, alpha = cv2.split(layer)
    colors = [cv2.subtract(alpha, channel) for channel in (red, green, blue)]
    return np.asarray(cv2.merge([*colors, alpha]), np.uint8)


def _greyed(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = u8(cv2.cvtColor(np.ascontiguousarray(layer[..., :3]), cv2.COLOR_RGB2GRAY))
    return np.dstack([as_rgb(grey), layer[..., 3]])


def _scanned(rng: np.random.Generator, page: DrawnPage, *, color: bool) -> DrawnPage:
    """The page as a scan gives it; what a blur spreads of its lettering is lettering."""
    scan = random_scan(rng, colored=color)
    clean, shown = scan(page.clean), scan(page.shown)
    inked = page.labels == LETTERING
    change = difference(clean, shown)
    inked |= grown(inked, 2) & (change > 2 * _SEEN)
    # Where black and white are all there is, some ink is lost: what nowhere shows is none.
    _, parts = cv2.connectedComponents(inked.astype(np.uint8))
    seen = np.bincount(parts.ravel(), weights=(change > _SEEN).ravel())
    inked &= (seen > 0.05 * np.bincount(parts.ravel()))[parts]
    labels = np.where(inked, np.uint8(LETTERING), np.uint8(0))
    return DrawnPage(clean, shown, labels, page.bubble)


def _tone(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    clean, bubble = comic_page(rng, size)
    effects = 0.0 if chance(rng, 0.3) else 1.3
    page = comic_lettering(rng, sources.fonts, clean, bubble, color=False, effects=effects)
    return _scanned(rng, page, color=False)


def _art_lettered(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    clean, color = _art(rng, sources, size)
    bubble: Mask = np.zeros(size, bool)
    if chance(rng, 0.3):
        clean, bubble = with_bubbles(rng, clean, color=color)
    page = comic_lettering(rng, sources.fonts, clean, bubble, color=color, effects=1.4)
    return _scanned(rng, page, color=color)


def _art_captioned(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    """Small plain text right on the art, without a bubble or an outline: thoughts, narration."""
    clean, color = _art(rng, sources, size)
    nowhere: Mask = np.zeros(size, bool)
    page = comic_lettering(
        rng, sources.fonts, clean, nowhere, color=color, effects=0.3, blocks=3.0, plain=0.8
    )
    return _scanned(rng, page, color=color)


def _art(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> tuple[Image, bool]:
    """Real art in colour, in grey, as halftone or line art, and whether it has colours."""
    assert sources.art is not None
    image = color_art(rng, sources.art, size)
    kind = pick(rng, ("color", "grey", "halftone", "lines"), (0.36, 0.15, 0.34, 0.15))
    if kind == "color":
        return image, True
    if kind == "grey":
        return grey_look(rng, image)(image), False
    return halftone_look(rng, image, 1.0 if kind == "lines" else 0.1)(image), False


def _document(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    amount = 0.0 if chance(rng, 0.25) else log_uniform(rng, 0.25, 5)
    return document_page(rng, sources.fonts, size, old=chance(rng, 0.4), amount=amount)


def _notes(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    amount = 0.0 if chance(rng, 0.4) else log_uniform(rng, 0.25, 2)
    return document_page(rng, sources.fonts, size, old=chance(rng, 0.4), amount=amount, notes=True)


def _blank(rng: np.random.Generator, sources: Sources, size: tuple[int, int]) -> DrawnPage:
    kind = pick(rng, ("art", "drawn", "figure"), (0.5, 0.28, 0.22))
    bubble: Mask = np.zeros(size, bool)
    if kind == "figure":
        clean, color = figure_page(rng, size), True
    elif kind == "drawn" or sources.art is None:
        (clean, bubble), color = comic_page(rng, size), False
    else:
        clean, color = _art(rng, sources, size)
    clean = random_scan(rng, colored=color)(clean)
    return DrawnPage(clean, clean, np.zeros(size, np.uint8), bubble)


_FAMILIES: Mapping[str, Callable[[np.random.Generator, Sources, tuple[int, int]], DrawnPage]] = {
    "comic": _comic,
    "comic_grey": _comic_grey,
    "comic_halftone": _comic_halftone,
    "tone": _tone,
    "art_lettered": _art_lettered,
    "art_captioned": _art_captioned,
    "document": _document,
    "notes": _notes,
    "blank": _blank,
}
