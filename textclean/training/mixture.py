"""The families of training pages, and how a page becomes an inpainting sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from textclean.training.art import ArtFolder, color_art, grey_art, halftone_art
from textclean.training.bubbles import with_bubbles
from textclean.training.drawing import (
    LETTERING,
    DrawnPage,
    chance,
    grown,
    pick,
)
from textclean.training.fonts import find_fonts
from textclean.training.holes import dull_share, grown_hole, shapes
from textclean.training.lettered import lettered, really_lettered
from textclean.training.pages import comic_page
from textclean.training.paper import random_scan
from textclean.training.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textclean.training.fonts import Fonts
    from textclean.types import Mask

FAMILIES: Mapping[str, float] = {
    "tone": 0.27,
    "halftone": 0.28,
    "grey": 0.1,
    "color": 0.15,
    "document": 0.2,
}
"""The families and their usual shares of a pack."""

_ART = {"halftone": halftone_art, "grey": grey_art, "color": color_art}
_DULL_KEPT = 0.1


@dataclass(frozen=True, slots=True)
class Sources:
    """What pages are drawn from.

    Attributes:
        fonts: Fonts to letter with.
        art: Real art and lettering, or None; the families made of art are then left out.
        weights: Share of each family.
    """

    fonts: Fonts = field(default_factory=find_fonts)
    art: ArtFolder | None = None
    weights: Mapping[str, float] = field(default_factory=lambda: dict(FAMILIES))

    def family(self, rng: np.random.Generator) -> str:
        """One of the families that can be drawn, by weight."""
        able = [
            name
            for name, weight in self.weights.items()
            if weight > 0 and (self.art is not None or name not in _ART)
        ]
        return pick(rng, able, [self.weights[name] for name in able])


def draw_page(
    rng: np.random.Generator, sources: Sources, family: str, size: tuple[int, int]
) -> DrawnPage:
    """A page of a family, ``size`` = height and width in pixels."""
    if family == "document":
        from textclean.training.documents import document_page

        return document_page(rng, sources.fonts, size)
    bubble: Mask = np.zeros(size, bool)
    if family == "tone":
        clean, bubble = comic_page(rng, size)
    else:
        assert sources.art is not None
        clean = _ART[family](rng, sources.art, size)
    color = family == "color"
    if family != "tone" and sources.art and sources.art.layers and chance(rng, 0.35):
        page = really_lettered(rng, sources.art, clean, color=color)
    else:
        if family != "tone" and chance(rng, 0.2):
            clean, bubble = with_bubbles(rng, clean, color=color)
        page = lettered(rng, sources.fonts, clean, bubble, color=color)
    scan = random_scan(rng, colored=color)
    return DrawnPage(scan(page.clean), scan(page.shown), page.labels, page.bubble, family)


def draw_sample(
    rng: np.random.Generator, sources: Sources, size: int = 256, family: str | None = None
) -> Sample:
    """An inpainting sample that is worth learning from; ``size`` = side of the window."""
    family = family or sources.family(rng)
    while True:
        page = draw_page(rng, sources, family, (size, size))
        sample = as_sample(rng, page)
        share = sample.hole.mean()
        if not 0.02 < share < 0.6:
            continue
        if dull_share(sample.target, sample.hole) < 0.8 or chance(rng, _DULL_KEPT):
            return sample


def as_sample(rng: np.random.Generator, page: DrawnPage) -> Sample:
    """What the inpainting network is to do with a page; without projection and smooth fill.

    The hole is what was laid over the page, grown as mask code grows it. What lies outside it is
    the page as found, in the target too: outside its mask a page never changes.
    """
    if page.family == "document":
        from textclean.training.documents import document_sample

        return document_sample(rng, page)
    nothing = np.zeros(page.labels.shape, bool)
    if chance(rng, 0.15):
        hole = shapes(rng, (page.labels.shape[0], page.labels.shape[1]))
        return Sample(page.clean, page.clean, hole, nothing, family=page.family)
    ink = page.labels == LETTERING
    ink |= page.changed() & grown(ink, 2)  # JPEG changes pixels far from any ink a little
    hole = grown_hole(rng, ink)
    target = np.where(hole[..., None], page.clean, page.shown)
    return Sample(target, page.shown, hole, nothing, family=page.family)
