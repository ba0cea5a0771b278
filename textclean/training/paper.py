"""What paper, printing and the scanner do to a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from textclean.training.drawing import as_rgb, chance, field, log_uniform, pick, u8, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

_RESAMPLINGS = (cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_LINEAR)


@dataclass(frozen=True, slots=True)
class Scan:
    """How a page came to be a file; the same for the clean and the lettered look of a page.

    Attributes:
        blur: Deviation of the optics' blur in pixels, 0 = none.
        sharpen: Strength of the unsharp mask after it, 0 = none.
        black: Level that becomes 0.
        white: Level that becomes 255.
        noise: Deviation of the sensor's noise, in grey levels.
        colored: Whether the noise differs between channels.
        quality: JPEG quality, or None.
        bilevel: Level that parts black from white in a bitonal file, or None.
        seed: What the noise is drawn from.
    """

    blur: float = 0.0
    sharpen: float = 0.0
    black: float = 0.0
    white: float = 255.0
    noise: float = 0.0
    colored: bool = False
    quality: int | None = None
    bilevel: int | None = None
    seed: int = 0

    def __call__(self, image: Image) -> Image:
        """``(H, W, 3)`` uint8 as this scan would give it."""
        out = image
        if self.blur > 0:
            out = u8(cv2.GaussianBlur(out, (0, 0), self.blur))
        if self.sharpen > 0:
            soft = cv2.GaussianBlur(out, (0, 0), 1.2)
            out = u8(cv2.addWeighted(out, 1 + self.sharpen, soft, -self.sharpen, 0))
        if (self.black, self.white) != (0, 255):
            levels = (np.arange(256) - self.black) * (255 / (self.white - self.black))
            out = u8(levels)[out]
        if self.noise > 0:
            out = self._noisy(out)
        if self.bilevel is not None:
            grey = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
            out = as_rgb(np.where(grey >= self.bilevel, np.uint8(255), np.uint8(0)))
        return out if self.quality is None else jpeg(out, self.quality)

    def _noisy(self, image: Image) -> Image:
        rng = np.random.default_rng(self.seed)
        shape = image.shape if self.colored else (*image.shape[:2], 1)
        noise = rng.standard_normal(shape, dtype=np.float32) * self.noise
        return u8(image + noise)


def random_scan(rng: np.random.Generator, *, colored: bool = False) -> Scan:
    """A scan as comics come: three in ten are perfect renderings, some are bitonal, some poor."""
    kind = pick(rng, ("perfect", "good", "poor", "bilevel"), (0.3, 0.4, 0.2, 0.1))
    plain = Scan(seed=int(rng.integers(2**31)), colored=colored and chance(rng, 0.5))
    if kind == "perfect" or (kind == "bilevel" and colored):
        return replace(plain, quality=int(rng.integers(85, 99)) if chance(rng, 0.4) else None)
    if kind == "bilevel":
        return replace(plain, blur=uniform(rng, 0, 0.6), bilevel=int(rng.integers(90, 170)))
    poor = kind == "poor"
    return replace(
        plain,
        blur=uniform(rng, 0.5, 1.1) if poor else uniform(rng, 0, 0.6),
        sharpen=uniform(rng, 0, 0.8) if chance(rng, 0.4) else 0.0,
        black=uniform(rng, -35, 25) if chance(rng, 0.6) else 0.0,
        white=uniform(rng, 235, 290 if poor else 262) if chance(rng, 0.6) else 255.0,
        noise=uniform(rng, 0, 5 if poor else 2) if chance(rng, 0.5) else 0.0,
        quality=int(rng.integers(55, 88) if poor else rng.integers(80, 99))
        if chance(rng, 0.75)
        else None,
    )


def jpeg(image: Image, quality: int) -> Image:
    """``(H, W, 3)`` uint8 RGB after a JPEG round trip; greys stay grey."""
    grey = bool((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all())
    source = image[..., 0] if grey else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", source, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    assert decoded is not None
    return as_rgb(u8(decoded)) if grey else u8(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def reduced(
    canvas: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A canvas drawn larger than the page, brought to ``size`` (H, W) as scans and exports are."""
    if canvas.shape[:2] == size:
        return canvas
    method = pick(rng, _RESAMPLINGS, (0.55, 0.2, 0.15, 0.1))
    if method != cv2.INTER_AREA:  # these take few samples: without a low pass they alias
        factor = canvas.shape[0] / size[0]
        canvas = u8(cv2.GaussianBlur(canvas, (0, 0), max(0.3, 0.33 * factor)))
    return u8(cv2.resize(canvas, size[::-1], interpolation=method))


def paper(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """A blank sheet, ``(H, W, 3)`` float32, 0 to 255: tint, fibres, stains, uneven light."""
    kind = pick(rng, ("white", "office", "aged"), (0.35, 0.35, 0.3))
    if kind == "white":
        return np.full((*size, 3), 255.0, np.float32)
    tint = np.array([252, 251, 248], np.float32) - np.abs(rng.normal(0, 4, 3)).astype(np.float32)
    if kind == "aged":
        age = uniform(rng, 0.2, 1)
        tint -= np.array([14, 24, 62], np.float32) * age + rng.normal(0, 5, 3).astype(np.float32)
    sheet = np.empty((*size, 3), np.float32)
    light = field(rng, size, max(size) * 0.8) * uniform(rng, 0, 6)
    strength = uniform(rng, 0.5, 3) * (2.0 if kind == "aged" else 1.0)
    light += field(rng, size, log_uniform(rng, 1.5, 12), octaves=3) * strength
    if kind == "aged" and chance(rng, 0.6):
        stain = np.maximum(field(rng, size, uniform(rng, 20, 90), octaves=2) - 0.6, 0)
        light -= stain * uniform(rng, 3, 16)
    for channel in range(3):
        sheet[..., channel] = tint[channel] + light * (1.0 + 0.25 * (channel == 2))
    return np.clip(sheet, 0, 255)
