"""The inks of pens, highlighters and stamp pads: how they take up light, how they cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from textclean.training.drawing import chance, field, log_uniform, pick, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

Texture = Literal["even", "ball", "felt", "pencil", "streaks", "blotches"]
Color = tuple[float, float, float]

# Transmittance of red, green and blue: low and high ends.
_PENS: dict[str, tuple[Color, Color]] = {
    "black": ((0.04, 0.04, 0.04), (0.3, 0.3, 0.3)),
    "grey": ((0.18, 0.2, 0.18), (0.42, 0.45, 0.42)),
    "blue": ((0.05, 0.1, 0.45), (0.35, 0.45, 0.85)),
    "red": ((0.7, 0.05, 0.05), (0.97, 0.4, 0.4)),
    "green": ((0.02, 0.35, 0.15), (0.35, 0.65, 0.45)),
    "purple": ((0.35, 0.08, 0.45), (0.6, 0.35, 0.75)),
    "pencil": ((0.3, 0.3, 0.3), (0.65, 0.65, 0.66)),
}
_PEN_WEIGHTS = (0.33, 0.1, 0.17, 0.16, 0.05, 0.04, 0.15)
_RULING: tuple[Color, Color] = ((0.45, 0.45, 0.45), (0.92, 0.92, 0.92))
_MARKERS: dict[str, tuple[Color, Color]] = {
    "yellow": ((0.94, 0.9, 0.1), (1.0, 1.0, 0.55)),
    "pink": ((0.95, 0.4, 0.6), (1.0, 0.75, 0.9)),
    "green": ((0.4, 0.9, 0.3), (0.75, 1.0, 0.65)),
    "blue": ((0.35, 0.75, 0.93), (0.7, 0.93, 1.0)),
    "orange": ((0.96, 0.6, 0.15), (1.0, 0.8, 0.5)),
    "violet": ((0.7, 0.55, 0.9), (0.88, 0.75, 1.0)),
}
_MARKER_WEIGHTS = (0.4, 0.16, 0.14, 0.1, 0.14, 0.06)
_STAMPS = ("red", "blue", "purple", "black", "green")
_STAMP_WEIGHTS = (0.5, 0.24, 0.12, 0.09, 0.05)


@dataclass(frozen=True, slots=True)
class Ink:
    """How ink takes up light.

    Attributes:
        color: Transmittance of red, green and blue where it covers fully, 0 to 1.
        texture: How unevenly it covers.
        opaque: Share that hides what is beneath instead of staining it, 0 to 1.
    """

    color: Color
    texture: Texture = "even"
    opaque: float = 0.0

    def over(self, page: NDArray[np.float32], coverage: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(H, W, 3)`` page, 0 to 255, under this ink at ``(H, W)`` coverage."""
        color = np.asarray(self.color, np.float32)
        cover = coverage[..., None]
        stained = page * (1 - cover * (1 - color))
        if self.opaque <= 0:
            return stained
        hidden = page + (255 * color - page) * cover
        return stained + (hidden - stained) * np.float32(self.opaque)


def _between(rng: np.random.Generator, ends: tuple[Color, Color]) -> Color:
    share = float(rng.random())
    low, high = np.array(ends[0]), np.array(ends[1])
    color = np.clip(low + (high - low) * share + rng.normal(0, 0.03, 3), 0.02, 1)
    return float(color[0]), float(color[1]), float(color[2])


def pen_ink(rng: np.random.Generator) -> Ink:
    """The ink of a pen or pencil."""
    name = pick(rng, list(_PENS), _PEN_WEIGHTS)
    texture: Texture = "pencil" if name == "pencil" else pick(rng, ("even", "ball", "felt"))
    opaque = uniform(rng, 0.5, 1) if name != "pencil" and chance(rng, 0.12) else 0.0
    return Ink(_between(rng, _PENS[name]), texture, opaque)


def ruling_ink(rng: np.random.Generator) -> Ink:
    """What the lines of writing paper are printed with: faint, grey, blue or red."""
    if chance(rng, 0.5):
        return Ink(_between(rng, _RULING))
    ends = _PENS[pick(rng, ("blue", "red"))]
    color, faint = np.array(_between(rng, ends)), uniform(rng, 0.2, 0.8)
    red, green, blue = (float(value) for value in 1 - (1 - color) * faint)
    return Ink((red, green, blue))


def marker_ink(rng: np.random.Generator) -> Ink:
    """The ink of a highlighter."""
    return Ink(_between(rng, _MARKERS[pick(rng, list(_MARKERS), _MARKER_WEIGHTS)]), "streaks")


def stamp_ink(rng: np.random.Generator) -> Ink:
    """The ink of a stamp pad."""
    return Ink(_between(rng, _PENS[pick(rng, _STAMPS, _STAMP_WEIGHTS)]), "blotches")


def textured(
    rng: np.random.Generator, coverage: NDArray[np.float32], texture: Texture
) -> NDArray[np.float32]:
    """Coverage with the unevenness of what it was drawn with."""
    height, width = coverage.shape
    size = (height, width)
    strength = uniform(rng, 0.55, 1.0) if chance(rng, 0.5) else 1.0
    if texture == "ball":
        noise = field(rng, size, uniform(rng, 1.5, 4), octaves=2)
        coverage = coverage * np.clip(0.92 + 0.18 * noise, 0.3, 1)
    elif texture == "felt":
        coverage = coverage * np.clip(0.93 + 0.07 * field(rng, size, 10, octaves=2), 0.5, 1)
    elif texture == "pencil":
        tooth = field(rng, size, uniform(rng, 1.1, 2.2), octaves=2)
        coverage = coverage * np.clip(0.65 + 0.4 * tooth, 0.05, 1)
    elif texture == "blotches":
        noise = field(rng, size, log_uniform(rng, 2, 14), octaves=3)
        coverage = coverage * np.clip(uniform(rng, 0.7, 1.1) + 0.35 * noise, 0, 1)
    return (coverage * np.float32(strength)).astype(np.float32)
