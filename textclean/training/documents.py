"""Synthetic scanned documents with annotations over their print."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.bookpages import aged_sheet, cut_edge
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
from textclean.training.inks import marker_ink, pen_ink, ruling_ink, stamp_ink, textured
from textclean.training.paper import Scan, paper
from textclean.training.penmanship import writer
from textclean.training.pens import handwriting, highlight, ruled, sheet, sketch, strokes, written
from textclean.training.printing import print_layer
from textclean.training.sample import Sample
from textclean.training.stamps import stamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.training.fonts import Fonts
    from textclean.training.inks import Ink
    from textclean.training.printing import Print
    from textclean.types import Image, Mask

_VISIBLE = 6


def document_page(
    rng: np.random.Generator,
    fonts: Fonts,
    size: tuple[int, int],
    *,
    old: bool | None = None,
    amount: float | None = None,
    notes: bool = False,
) -> DrawnPage:
    """A piece of an annotated document.

    Args:
        rng: Where the randomness comes from.
        fonts: Fonts to print with.
        size: Height and width in pixels.
        old: Whether it is a yellowed page, mostly of old or broken type; None = three in ten are.
        amount: Annotations per 256 by 256 pixels, 0 for none; None = drawn.
        notes: Whether a sheet of small notes lies over the page.
    """
    old = chance(rng, 0.3) if old is None else old
    broken = chance(rng, 0.3 if old else 0.04)
    layer = print_layer(rng, fonts, size, broken=broken, old=chance(rng, 0.8 if old else 0.06))
    scan = document_scan(rng, old=old)
    # What shines through is lighter than the level that parts black from white.
    through = 0.35 if scan.bilevel is None else 0.1
    sheet = aged_sheet(rng, size) if old else paper(rng, size)
    printed = _printed(rng, fonts, layer, sheet, through, old=old)
    if scan.bilevel is None and chance(rng, 0.3 if old else 0.08):
        printed, beyond = cut_edge(rng, printed)
        layer.text &= ~beyond
    clean = scan(u8(printed))
    amount = log_uniform(rng, 0.7, 6) if amount is None else amount
    shown, labels = _annotated(rng, fonts, clean, layer, amount, notes=notes)
    labels = np.where((labels == 0) & layer.text, np.uint8(PRINT), labels)
    if chance(rng, 0.5):  # what was scanned together was compressed together
        last = Scan(
            blur=uniform(rng, 0, 0.5) if chance(rng, 0.4) else 0.0,
            quality=int(rng.integers(60, 97)),
        )
        clean, shown = last(clean), last(shown)
    return DrawnPage(clean, shown, labels, np.zeros(size, bool), "document")


def document_scan(rng: np.random.Generator, *, old: bool = False) -> Scan:
    """A scanner's way with documents: crisp, soft or bitonal; old ones seldom bitonal."""
    shares = (0.4, 0.46, 0.06, 0.08) if old else (0.35, 0.3, 0.25, 0.1)
    kind = pick(rng, ("crisp", "soft", "bilevel", "perfect"), shares)
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


def _printed(
    rng: np.random.Generator,
    fonts: Fonts,
    layer: Print,
    sheet: NDArray[np.float32],
    through: float,
    *,
    old: bool,
) -> NDArray[np.float32]:
    """Print on a sheet; of what is on the other side up to a share shines ``through``."""
    size = (layer.ink.shape[0], layer.ink.shape[1])
    if chance(rng, 0.7 if old else 0.35):
        back = print_layer(rng, fonts, size, broken=old).ink[:, ::-1]
        ghost = cv2.GaussianBlur(np.ascontiguousarray(back), (0, 0), uniform(rng, 0.8, 3))
        sheet = sheet * (1 - ghost * uniform(rng, 0.03, through))[..., None]
    color = np.full(3, uniform(rng, 0.02, 0.3), np.float32)
    if old:  # letterpress black fades towards blue or brown
        color += uniform(rng, 0, 0.12) + rng.normal(0, 0.03, 3).astype(np.float32)
    elif chance(rng, 0.12):
        color = rng.uniform(0, 0.6, 3).astype(np.float32)
    ink = layer.ink
    if chance(rng, 0.7 if old else 0.4):
        ink = ink * np.clip(0.9 + 0.12 * field(rng, size, log_uniform(rng, 3, 40), 2), 0.3, 1)
    return np.asarray(sheet * (1 - ink[..., None] * (1 - np.clip(color, 0, 1))), np.float32)


def _annotated(
    rng: np.random.Generator,
    fonts: Fonts,
    clean: Image,
    layer: Print,
    amount: float,
    *,
    notes: bool,
) -> tuple[Image, NDArray[np.uint8]]:
    """The page under its annotations, and which pixels belong to which."""
    size = (clean.shape[0], clean.shape[1])
    page, labels = clean.astype(np.float32), np.zeros(size, np.uint8)
    pens = [pen_ink(rng) for _ in range(int(rng.integers(1, 3)))]
    hand = writer(rng)
    marker, pad = marker_ink(rng), stamp_ink(rng)
    area = size[0] * size[1] / 256**2
    if notes:
        cover = sheet(rng, hand, fonts, size)
        if cover.any() and chance(rng, 0.25):
            _laid(rng, page, labels, ruled(rng, cover), ruling_ink(rng), PEN)
        _laid(rng, page, labels, cover, pens[0], PEN)
    kinds = ("strokes", "writing", "font", "sketch", "marker", "stamp")
    for _ in range(max(1, round(area * amount)) if amount > 0 else 0):
        kind = pick(rng, kinds, (0.26, 0.18, 0.22, 0.04, 0.14, 0.16))
        ink, label = pick(rng, pens), PEN
        if kind == "marker":
            cover, ink, label = highlight(rng, size, layer.lines, layer.glyph), marker, HIGHLIGHTER
        elif kind == "stamp":
            cover, ink, label = stamp(rng, fonts, size), pad, STAMP
        elif kind == "strokes":
            cover = strokes(rng, size, layer.lines, layer.glyph)
        elif kind == "sketch":
            cover = sketch(rng, size)
        elif kind == "writing":
            cover = written(rng, hand, size)
        else:
            cover = handwriting(rng, fonts, size)
        if kind in ("writing", "font") and cover.any() and chance(rng, 0.16):
            _laid(rng, page, labels, ruled(rng, cover), ruling_ink(rng), PEN)
        _laid(rng, page, labels, cover, ink, label)
    return u8(page), labels


def _laid(
    rng: np.random.Generator,
    page: NDArray[np.float32],
    labels: NDArray[np.uint8],
    cover: NDArray[np.float32],
    ink: Ink,
    label: int,
) -> None:
    """Lay ink on the part of a page that it covers, and label it there, in place."""
    x, y, width, height = cv2.boundingRect((cover > 0).astype(np.uint8))
    if not width or not height:
        return
    part = (slice(y, y + height), slice(x, x + width))
    page, labels = page[part], labels[part]
    cover = textured(rng, cover[part], ink.texture)
    after = ink.over(page, cover)
    red, green, blue = cv2.split(cv2.absdiff(page, after))
    visible = (cover > 0.08) & (cv2.max(cv2.max(red, green), blue) > _VISIBLE / 2)
    # Highlighter lies beneath what is written over it, whichever came first.
    labels[visible & ((labels == 0) | (label != HIGHLIGHTER))] = label
    page[:] = after


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
