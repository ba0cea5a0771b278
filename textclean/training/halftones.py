"""Pictures in grey and as halftone, by a look that can be given to several of them alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import as_rgb, chance, f32, log_uniform, pick, u8, uniform
from textclean.training.paper import reduced
from textclean.training.tone import Screen, random_screen, screened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image


@dataclass(frozen=True, slots=True)
class GreyLook:
    """How colours become greys.

    Attributes:
        weights: Shares of red, green and blue.
        low: Lightness, 0 to 1, that becomes black.
        high: Lightness that becomes white.
        gamma: Exponent after that.
    """

    weights: tuple[float, float, float]
    low: float = 0.0
    high: float = 1.0
    gamma: float = 1.0

    def lightness(self, image: Image) -> NDArray[np.float32]:
        """``(H, W)`` float32, 0 to 1."""
        weights = np.array([self.weights], np.float32) / 255
        grey = f32(cv2.transform(f32(image), weights))
        stretched = np.clip((grey - self.low) / (self.high - self.low), 0, 1)
        return f32(stretched**self.gamma)

    def __call__(self, image: Image) -> Image:
        """``(H, W, 3)`` uint8, grey."""
        return as_rgb(u8(255 * self.lightness(image)))


def grey_look(rng: np.random.Generator, image: Image) -> GreyLook:
    """A look that stretches this picture to black and white at random percentiles."""
    share = rng.dirichlet((6, 10, 4))
    weights = float(share[0]), float(share[1]), float(share[2])
    sample = GreyLook(weights).lightness(image[::4, ::4])
    low, high = np.percentile(sample, (uniform(rng, 0, 12), uniform(rng, 80, 100)))
    if high - low < 0.08:
        return GreyLook(weights)
    return GreyLook(weights, float(low), float(high), log_uniform(rng, 0.55, 1.5))


@dataclass(frozen=True, slots=True)
class Lines:
    """Ink lines of a picture: difference of Gaussians, thresholded (XDoG).

    Winnemoeller, Kyprianidis and Olsen, "XDoG: An eXtended difference-of-Gaussians compendium",
    Computers & Graphics 36 (2012).

    Attributes:
        sigma: Deviation of the narrow Gaussian in page pixels.
        strength: Of the difference.
        edge: Value below which there is ink.
        gain: Steepness there.
        hard: Whether ink has no greys.
    """

    sigma: float
    strength: float
    edge: float
    gain: float
    hard: bool

    def __call__(self, grey: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
        """``(H, W)`` uint8, 0 = ink, of lightness 0 to 1 at ``scale`` pixels to a page pixel."""
        narrow = cv2.GaussianBlur(grey, (0, 0), self.sigma * scale)
        wide = cv2.GaussianBlur(grey, (0, 0), 1.6 * self.sigma * scale)
        sharp = narrow + self.strength * (narrow - wide)
        if self.hard:
            # tanh(gain (sharp - edge)) > -1/2
            light = sharp > self.edge - np.arctanh(0.5) / self.gain
            return np.where(light, np.uint8(255), np.uint8(0))
        return u8(255 * (1 + np.tanh(self.gain * np.minimum(sharp - self.edge, 0))))


@dataclass(frozen=True, slots=True)
class HalftoneLook:
    """How a picture becomes a black-and-white comic: lines in black, greys through a screen.

    Attributes:
        grey: How its colours become greys.
        scale: Canvas pixels to a page pixel while it is screened.
        steps: Number of flat tones, or 0 for all of them.
        cuts: Darkness below which there is no ink, and above which there is only ink.
        screen: The tone.
        soft: Span of darkness over which ink fades in.
        lines: Its lines, or None.
        seed: What decides how the canvas is reduced to the page.
    """

    grey: GreyLook
    scale: float
    steps: int
    cuts: tuple[float, float]
    screen: Screen
    soft: float
    lines: Lines | None
    seed: int

    def __call__(self, image: Image) -> Image:
        """``(H, W, 3)`` uint8, black and white but for the edges of the ink."""
        size = image.shape[0], image.shape[1]
        light = self.grey.lightness(image)
        extent = round(size[0] * self.scale), round(size[1] * self.scale)
        if extent != size:
            light = f32(cv2.resize(light, extent[::-1], interpolation=cv2.INTER_CUBIC))
        light = np.clip(light, 0, 1)
        ink = None if self.lines is None else self.lines(light, self.scale)
        if self.steps:
            smooth = cv2.GaussianBlur(light, (0, 0), 1.5 * self.scale)
            light = f32(np.rint(smooth * self.steps) / self.steps)
        darkness = 1 - light
        darkness[darkness < self.cuts[0]] = 0
        darkness[darkness > self.cuts[1]] = 1
        inked = screened(darkness, self.screen.thresholds(extent, self.scale), self.soft)
        if ink is not None:
            inked = np.minimum(inked, ink)
        return as_rgb(reduced(inked, size, np.random.default_rng(self.seed)))


def halftone_look(rng: np.random.Generator, image: Image, line_art: float = 0.13) -> HalftoneLook:
    """A look for this picture, as manga are printed and scanned.

    Args:
        rng: Where the randomness comes from.
        image: ``(H, W, 3)`` uint8, whose lightness decides how it is stretched.
        line_art: How often there are lines and solid black, and hardly any tone.
    """
    lines_only = chance(rng, line_art)
    scale = pick(rng, (1.0, 2.0, uniform(rng, 1.3, 2.8)), (0.3, 0.4, 0.3))
    soft = 0.0 if chance(rng, 0.6) else uniform(rng, 0.05, 0.5)
    lines = None
    if lines_only or chance(rng, 0.86):
        lines = Lines(
            uniform(rng, 0.6, 1.6),
            uniform(rng, 8, 25),
            uniform(rng, 0.15, 0.5),
            uniform(rng, 4, 15),
            hard=soft == 0.0 and scale > 1,
        )
    return HalftoneLook(
        grey_look(rng, image),
        scale,
        int(rng.integers(3, 7)) if chance(rng, 0.35) else 0,
        (uniform(rng, 0.75, 0.9), 0.92)
        if lines_only
        else (uniform(rng, 0.02, 0.2), uniform(rng, 0.8, 0.99)),
        random_screen(rng, shape=pick(rng, ("round", "euclid")) if chance(rng, 0.5) else None),
        soft,
        lines,
        int(rng.integers(2**31)),
    )
