"""Contact sheets of training samples: to be looked at before hours of training are spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from textclean.training.drawing import u8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.training.drawing import DrawnPage
    from textclean.training.sample import Sample
    from textclean.types import Image

_GAP = 4
_LABEL_COLORS = np.array(
    [[0, 0, 0], [255, 60, 60], [70, 130, 255], [255, 230, 0], [255, 60, 255], [60, 220, 90]],
    np.float32,
)


def sheet(samples: Sequence[Sample], path: str | Path, columns: int = 2) -> None:
    """Write samples as a PNG at full size, each as a row of pictures.

    A row shows the page as found, its hole (red; see-through pixels green), the target, and, where
    the sample has them, the projection and the smooth fill.
    """
    _write([_strip(sample) for sample in samples], [s.family for s in samples], path, columns)


def page_sheet(pages: Sequence[DrawnPage], path: str | Path, columns: int = 2) -> None:
    """Write drawn pages as a PNG: as found, with their labels in colours, and clean.

    Lettering is red, pen blue, highlighter yellow, stamp magenta, print green; the inside of
    bubbles is lighter.
    """
    gap = [np.full((page.labels.shape[0], _GAP, 3), 128, np.uint8) for page in pages]
    strips = [
        np.hstack([page.shown, space, labelled(page), space, page.clean])
        for page, space in zip(pages, gap, strict=True)
    ]
    _write(strips, [page.family for page in pages], path, columns)


def labelled(page: DrawnPage) -> Image:
    """A page as found, dimmed, with its labels in colours."""
    out = page.shown.astype(np.float32) * 0.4 + 60.0 * page.bubble[..., None]
    out[page.labels > 0] = _LABEL_COLORS[page.labels[page.labels > 0]]
    return u8(out)


def _write(strips: list[Image], names: list[str], path: str | Path, columns: int) -> None:
    if not strips:
        raise ValueError("a sheet needs at least one picture")
    width = max(strip.shape[1] for strip in strips) + 3 * _GAP
    height = max(strip.shape[0] for strip in strips) + _GAP
    rows = -(-len(strips) // columns)
    canvas = np.full((rows * height, columns * width, 3), 128, np.uint8)
    for i, strip in enumerate(strips):
        y, x = i // columns * height, i % columns * width
        canvas[y : y + strip.shape[0], x : x + strip.shape[1]] = strip
    picture = PillowImage.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    for i, name in enumerate(names):
        spot = (i % columns * width + 4, i // columns * height + 2)
        pen.text(spot, f"{i} {name}", fill=(255, 0, 255))
    picture.save(Path(path))


def _strip(sample: Sample) -> Image:
    pictures = [sample.shown, overlay(sample), sample.target]
    pictures += [extra for extra in (sample.projection, sample.smooth) if extra is not None]
    gap = np.full((sample.target.shape[0], _GAP, 3), 128, np.uint8)
    return np.hstack([part for picture in pictures for part in (picture, gap)][:-1])


def overlay(sample: Sample) -> Image:
    """The page as found under its hole: red, and green where it is see-through."""
    tint = np.array([255, 40, 40], np.float32), np.array([40, 220, 40], np.float32)
    out = sample.shown.astype(np.float32)
    for mask, color in (
        (sample.hole & ~sample.see_through, tint[0]),
        (sample.see_through, tint[1]),
    ):
        out[mask] = out[mask] * 0.5 + color * 0.5
    return u8(out)
