"""Synthetic scanned documents with annotations over their print."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import (
    HIGHLIGHTER,
    PEN,
    PRINT,
    STAMP,
    DrawnPage,
    chance,
    field,
    grown,
    log_uniform,
    pick,
    u8,
    uniform,
)
from textclean.training.holes import grown_hole
from textclean.training.inks import marker_ink, pen_ink, stamp_ink, textured
from textclean.training.paper import Scan, paper
from textclean.training.pens import handwriting, highlight, strokes
from textclean.training.printing import print_layer
from textclean.training.sample import Sample
from textclean.training.stamps import stamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts
    from textclean.training.printing import Print
    from textclean.types import Image, Mask

_VISIBLE = 6


def document_page(rng: np.random.Generator, fonts: Fonts, size: tuple[int, int]) -> DrawnPage:
    """A piece of an annotated document, ``size`` = height and width in pixels."""
    layer = print_layer(rng, fonts, size)
    scan = document_scan(rng)
    # What shines through is lighter than the level that parts black from white.
    clean = scan(_printed(rng, fonts, layer, 0.35 if scan.bilevel is None else 0.1))
    shown, labels = _annotated(rng, fonts, clean, layer)
    labels = np.where((labels == 0) & layer.text, np.uint8(PRINT), labels)
    if chance(rng, 0.5):  # what was scanned together was compressed together
        last = Scan(
            blur=uniform(rng, 0, 0.5) if chance(rng, 0.4) else 0.0,
            quality=int(rng.integers(60, 97)),
        )
        clean, shown = last(clean), last(shown)
    return DrawnPage(clean, shown, labels, np.zeros(size, bool), "document")


def document_scan(rng: np.random.Generator) -> Scan:
    """A scanner's way with documents: crisp, soft or bitonal."""
    kind = pick(rng, ("crisp", "soft", "bilevel", "perfect"), (0.35, 0.3, 0.25, 0.1))
    scan = Scan(seed=int(rng.integers(2**31)), colored=chance(rng, 0.5))
    if kind == "perfect":
        return scan
    if kind == "bilevel":
        return replace(scan, blur=uniform(rng, 0, 0.8), noise=uniform(rng, 0, 12),
                       bilevel=int(rng.integers(125, 205)))  # fmt: skip
    soft = kind == "soft"
    return replace(
        scan,
        blur=uniform(rng, 0.7, 1.5) if soft else uniform(rng, 0, 0.7),
        sharpen=uniform(rng, 0, 1.0) if chance(rng, 0.4) else 0.0,
        black=uniform(rng, -20, 30),
        white=uniform(rng, 225, 262) if chance(rng, 0.5) else 255.0,
        noise=uniform(rng, 0, 4),
        quality=int(rng.integers(45, 97)) if chance(rng, 0.75) else None,
    )


def _printed(rng: np.random.Generator, fonts: Fonts, layer: Print, through: float) -> Image:
    """Print on paper; of what is on the other side up to a share shines ``through``."""
    size = (layer.ink.shape[0], layer.ink.shape[1])
    sheet = paper(rng, size)
    if chance(rng, 0.35):
        back = print_layer(rng, fonts, size).ink[:, ::-1]
        ghost = cv2.GaussianBlur(np.ascontiguousarray(back), (0, 0), uniform(rng, 0.8, 3))
        sheet = sheet * (1 - ghost * uniform(rng, 0.03, through))[..., None]
    color = np.full(3, uniform(rng, 0.02, 0.3), np.float32)
    if chance(rng, 0.12):
        color = rng.uniform(0, 0.6, 3).astype(np.float32)
    ink = layer.ink
    if chance(rng, 0.4):
        ink = ink * np.clip(0.9 + 0.12 * field(rng, size, log_uniform(rng, 3, 40), 2), 0.3, 1)
    page = sheet * (1 - ink[..., None] * (1 - color))
    return u8(page)


def _annotated(
    rng: np.random.Generator, fonts: Fonts, clean: Image, layer: Print
) -> tuple[Image, NDArray[np.uint8]]:
    """The page under its annotations, and which pixels belong to which."""
    size = (clean.shape[0], clean.shape[1])
    page, labels = clean.astype(np.float32), np.zeros(size, np.uint8)
    pens = [pen_ink(rng) for _ in range(int(rng.integers(1, 3)))]
    marker, pad = marker_ink(rng), stamp_ink(rng)
    area = size[0] * size[1] / 256**2
    for _ in range(max(1, round(area * log_uniform(rng, 0.7, 6)))):
        kind = pick(rng, ("strokes", "writing", "marker", "stamp"), (0.34, 0.36, 0.2, 0.1))
        if kind == "marker":
            cover, ink, label = highlight(rng, size, layer.lines, layer.glyph), marker, HIGHLIGHTER
        elif kind == "stamp":
            cover, ink, label = stamp(rng, fonts, size), pad, STAMP
        elif kind == "strokes":
            cover, ink, label = strokes(rng, size, layer.lines, layer.glyph), pick(rng, pens), PEN
        else:
            cover, ink, label = handwriting(rng, fonts, size), pick(rng, pens), PEN
        cover = textured(rng, cover, ink.texture)
        before, page = page, ink.over(page, cover)
        visible = (cover > 0.08) & (np.abs(before - page).max(axis=2) > _VISIBLE / 2)
        # Highlighter lies beneath what is written over it, whichever came first.
        labels[visible & ((labels == 0) | (label != HIGHLIGHTER))] = label
    return u8(page), labels


def document_sample(rng: np.random.Generator, page: DrawnPage) -> Sample:
    """Annotations to be taken off a page, with more or less of them left visible.

    The see-through pixels are the whole hole, the ink alone, the ink that lets light through, or
    none: the network learns to un-mix, to restore beside ink, and to guess under it.
    """
    ink = (page.labels >= PEN) & (page.labels <= STAMP)
    # Compression changes pixels far from any ink a little; that is no ink.
    ink |= page.changed(_VISIBLE) & grown(ink, 2)
    hole = grown_hole(rng, ink)
    target = np.where(hole[..., None], page.clean, page.shown)
    marked = page.labels == HIGHLIGHTER
    mode = pick(rng, ("hole", "ink", "translucent", "none"), (0.55, 0.15, 0.15, 0.15))
    see_through: Mask
    if mode == "hole":
        see_through = hole.copy()
    elif mode == "ink":
        see_through = ink
    elif mode == "translucent":
        see_through = ink & (page.shown.max(axis=2) > uniform(rng, 90, 150))
    else:  # print under a band of highlighter cannot be guessed
        see_through = grown(marked, 1) & hole
    return Sample(target, page.shown, hole, see_through, family=page.family)
