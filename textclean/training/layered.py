"""Windows of real pages with their own lettering, where it really is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from textclean.training.drawing import chance, log_uniform, pick, uniform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from textclean.training.art import ArtFolder
    from textclean.types import Image, Mask

Aim = Literal["effects", "lettering", "anywhere"]

_DIFFERS = 20
"""Grey levels by which the layers with and without text differ where there is text."""
_SOLID = 200
"""Alpha above which a layer hides the art."""
_CREDITS = 0.06
"""Share of a page that only credits and titles cover with text without a bubble."""


@dataclass(frozen=True, slots=True, eq=False)
class Layered:
    """A window of a page: art, the bubbles over it, and bubbles with text.

    Attributes:
        art: ``(H, W, 3)`` uint8 RGB.
        bare: ``(H, W, 4)`` uint8, bubbles: colours times alpha, and alpha.
        full: ``(H, W, 4)`` uint8, bubbles with text, likewise.
        inside: ``(H, W)`` bool, inside of the bubbles that hold text somewhere on the page.
    """

    art: Image
    bare: NDArray[np.uint8]
    full: NDArray[np.uint8]
    inside: Mask

    def text(self) -> NDArray[np.uint8]:
        """``(H, W)`` uint8, by how much the layers with and without text differ."""
        return difference(self.full, self.bare)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W)`` uint8, the largest difference of any channel of two pictures."""
    largest, *rest = cv2.split(cv2.absdiff(one, other))
    for channel in rest:
        largest = cv2.max(largest, channel)
    return np.asarray(largest, np.uint8)


def over(image: Image, layer: NDArray[np.uint8]) -> Image:
    """``(H, W, 3)`` under an ``(H, W, 4)`` layer whose colours are multiplied by its alpha."""
    red, green, blue, alpha = cv2.split(layer)
    through = cv2.bitwise_not(cv2.merge([alpha, alpha, alpha]))
    beneath = cv2.multiply(image, through, scale=1 / 255)
    return np.asarray(cv2.add(beneath, cv2.merge([red, green, blue])), np.uint8)


def multiplied(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An ``(H, W, 4)`` layer with its colours weighted by alpha: what is clear has none."""
    *colors, alpha = cv2.split(layer)
    weighted = [cv2.multiply(color, alpha, scale=1 / 255) for color in colors]
    return np.asarray(cv2.merge([*weighted, alpha]), np.uint8)


def layered_window(
    rng: np.random.Generator, art: ArtFolder, size: tuple[int, int], aim: Aim = "anywhere"
) -> Layered:
    """A window of a page of art with its lettering at a scale of 0.6 to 1.6.

    Args:
        rng: Where the randomness comes from.
        art: Pages and their layers; there must be some.
        size: Height and width of the window in pixels.
        aim: Whether some sound effect, or some text, is to be in the window.
    """
    name, spots = _aimed(rng, art, aim)
    scale = 1.0 if chance(rng, 0.35) else log_uniform(rng, 0.6, 1.6)
    need = int(np.ceil(size[0] / scale)), int(np.ceil(size[1] / scale))
    page = art.page(_page_name(art, name))
    corner = _corner(rng, (page.shape[0], page.shape[1]), need, spots)
    full, bare = (multiplied(_cut(layer, corner, need, 0)) for layer in art.layer(name))
    inside = _facts(art, name).inside((page.shape[0], page.shape[1]))
    pieces = [_cut(page, corner, need, 255), bare, full, _cut(inside, corner, need, 0)]
    if need != size:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        pieces = [
            np.asarray(cv2.resize(piece, size[::-1], interpolation=method), np.uint8)
            for piece in pieces
        ]
    return Layered(pieces[0], pieces[1], pieces[2], pieces[3] > 127)


def _aimed(
    rng: np.random.Generator, art: ArtFolder, aim: Aim
) -> tuple[str, NDArray[np.intp] | None]:
    """A pair of layers that has what is aimed at, and where."""
    name = ""
    for _ in range(12):
        name = pick(rng, art.layers)
        facts = _facts(art, name)
        if facts.credits:
            continue
        if aim == "anywhere":
            return name, None
        if len(facts.spots[aim]) > 3:
            return name, facts.spots[aim]
    return name, None


def _page_name(art: ArtFolder, layer: str) -> str:
    stem = layer.split("_")[0]
    return next(name for name in art.names if name.split(".")[0] == stem)


@dataclass(frozen=True, slots=True, eq=False)
class _Facts:
    """What is known of a pair of layers.

    Attributes:
        spots: Where there is what can be aimed at, ``(N, 2)`` of y, x; few points.
        bubbles: Its bubbles at half the size, packed bits of ``shape``.
        shape: Of the bubbles, unpacked.
        credits: Whether it is a page of text.
    """

    spots: Mapping[Aim, NDArray[np.intp]]
    bubbles: NDArray[np.uint8]
    shape: tuple[int, int]
    credits: bool

    def inside(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        """``(H, W)`` uint8, 255 in the bubbles."""
        height, width = self.shape
        bits = np.unpackbits(self.bubbles, count=height * width).reshape(self.shape)
        return np.asarray(
            cv2.resize(bits * np.uint8(255), size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
        )


_KNOWN: dict[str, _Facts] = {}
"""By the path of the layer: looking for text costs as much as drawing a page."""


def _facts(art: ArtFolder, name: str) -> _Facts:
    key = f"{art.lettering}/{name}"
    if key not in _KNOWN:
        _KNOWN[key] = _looked_at(art, name)
    return _KNOWN[key]


def _looked_at(art: ArtFolder, name: str) -> _Facts:
    full, bare = (multiplied(np.ascontiguousarray(layer[::2, ::2])) for layer in art.layer(name))
    text = difference(full, bare) > _DIFFERS
    solid = bare[..., 3] > _SOLID
    # Drops and stars on the layer hold no text: they are art.
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    letters = np.bincount(parts.ravel(), weights=text.ravel(), minlength=count)
    kept = (letters > 20) & (boxes[:, cv2.CC_STAT_AREA] > 400)
    kept[0] = False
    # What lies within a bubble's edge is speech that touches it, not an effect.
    near = cv2.dilate(solid.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    coarse, beside = text[::4, ::4], (text & ~near)[::4, ::4]
    return _Facts(
        {"lettering": np.argwhere(coarse) * 8, "effects": np.argwhere(beside) * 8},
        np.packbits(kept[parts]),
        (solid.shape[0], solid.shape[1]),
        bool(text.mean() > _CREDITS and solid.mean() < 0.02),
    )


def _corner(
    rng: np.random.Generator,
    page: tuple[int, int],
    need: tuple[int, int],
    spots: NDArray[np.intp] | None,
) -> tuple[int, int]:
    """Top left y, x of a window on the page; of one larger than the page, around it."""
    aim = spots[int(rng.integers(len(spots)))] if spots is not None and len(spots) else None
    corner = []
    for k in range(2):
        room = page[k] - need[k]
        if aim is None or room <= 0:
            corner.append(int(rng.integers(min(room, 0), max(room, 0) + 1)))
        else:
            place = int(aim[k]) - round(need[k] * uniform(rng, 0.15, 0.85))
            corner.append(min(max(place, 0), room))
    return corner[0], corner[1]


def _cut(
    picture: NDArray[np.uint8], corner: tuple[int, int], size: tuple[int, int], ground: int
) -> NDArray[np.uint8]:
    """A window of a picture; beyond its edges it is all ``ground``."""
    out = np.full((*size, *picture.shape[2:]), ground, np.uint8)
    y0, x0 = (max(0, c) for c in corner)
    y1, x1 = (
        min(limit, c + s) for limit, c, s in zip(picture.shape[:2], corner, size, strict=True)
    )
    if y1 > y0 and x1 > x0:
        part = picture[y0:y1, x0:x1]
        out[y0 - corner[0] : y1 - corner[0], x0 - corner[1] : x1 - corner[1]] = part
    return out
