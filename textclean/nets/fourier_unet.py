"""Our generator: a U-Net whose residual blocks filter spectra beside full convolutions.

Three ideas, from three places:

* Branches in the frequency domain see the whole window at once, which repeated tone needs: Chi,
  Jiang and Mu, "Fast Fourier Convolution", NeurIPS 2020; Suvorov et al., "Resolution-robust Large
  Mask Inpainting with Fourier Convolutions", WACV 2022. Here they run on few channels, beside full
  convolutions, and filter by the power of each coefficient instead of convolving real and imaginary
  parts: see :class:`SpectralGate`.
* Skips carry thin strokes and the phase of fine tone past the lower levels: Ronneberger et al.,
  "U-Net", MICCAI 2015. A 2x pixel-unshuffle stem (Shi et al., "Real-Time Single Image and Video
  Super-Resolution", CVPR 2016) keeps every pixel and quarters the area of the first level.
* The network does not paint from nothing. It is handed *priors*, finished fills by methods without
  weights, decides per pixel which to believe, and adds a correction. Where the ink is translucent
  the pixel itself is one more candidate, so that un-mixing starts from what is there.

There are no normalization layers. Batch statistics of pages that are nearly white one moment and
solid tone the next differ between training and use, tie a window's result to its batch in training
and make two half batches differ from one whole; group statistics make a pixel's result depend on
how much white the window holds. Residual branches that start small (Zhang, Dauphin and Ma, "Fixup
Initialization", ICLR 2019) train as well at this depth, and leave nothing to fold or recalibrate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.nets.ffc import full_precision
from textclean.nets.initial import draw, identity
from textclean.nets.shuffle import grown

SLOPE = 0.1
"""Slope of the leaky ReLUs below zero; without normalization a plain ReLU may die."""

RECTIFIED = math.sqrt(2 / (1 + SLOPE**2))
"""Gain that keeps the variance of a signal that has passed such a ReLU (He et al., ICCV 2015)."""

POWER_FLOOR = 1e-4
"""Added to powers before their logarithm is taken; features have a variance of about 1."""


@dataclass(frozen=True, slots=True)
class FourierUNetSpec:
    """Hyper-parameters of a :class:`FourierUNet`; plain values, stored with the weights.

    Attributes:
        widths: Channels at 1/2, 1/4, 1/8 ... of the resolution.
        blocks: Residual blocks at each level: on the way down and again on the way up, at the
            lowest level once.
        spectral: Channels that the blocks of each level filter in the frequency domain; 0 = none.
            Multiples of 16 have the fastest and most repeatable convolutions on CPUs.
        priors: How many finished fills the network is handed.
    """

    widths: tuple[int, ...] = (32, 64, 96)
    blocks: tuple[int, ...] = (2, 2, 3)
    spectral: tuple[int, ...] = (16, 16, 16)
    priors: int = 2

    def __post_init__(self) -> None:
        if not 1 <= len(self.widths) == len(self.blocks) == len(self.spectral) <= 8:
            raise ValueError(f"widths, blocks and spectral must be of one length, 1 to 8: {self}")
        # Bounds that no sensible network meets, so that a hostile file cannot ask for the moon.
        for name, low, high in (("widths", 1, 4096), ("blocks", 0, 99), ("spectral", 0, 4096)):
            if not all(low <= value <= high for value in getattr(self, name)):
                raise ValueError(f"{name} must lie between {low} and {high}: {self}")
        if not 0 <= self.priors <= 9:
            raise ValueError(f"priors must lie between 0 and 9: {self}")

    @property
    def multiple(self) -> int:
        """What height and width must be a multiple of."""
        return int(2 ** len(self.widths))

    @property
    def minimum(self) -> int:
        """Smallest height and width: two pixels at the lowest level."""
        return 2 * self.multiple

    @property
    def candidates(self) -> int:
        """Images the output is mixed from, the shown pixel included."""
        return max(self.priors, 1) + 1

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; the inverse of :meth:`from_dict`."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The specification stored in ``values``.

        Raises:
            ValueError: A value is missing, unknown, of the wrong type or out of range.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ValueError(f"expected the values {sorted(names)}, found {sorted(values)}")
        return cls(
            widths=_integers(values["widths"]),
            blocks=_integers(values["blocks"]),
            spectral=_integers(values["spectral"]),
            priors=_integer(values["priors"]),
        )


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"expected a whole number, found {value!r}")
    return value


def _integers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of whole numbers, found {value!r}")
    return tuple(_integer(v) for v in value)


SPEC_SMALL = FourierUNetSpec()
"""1.0 million parameters; trains in hours on few cores."""

SPEC_BASE = FourierUNetSpec(widths=(48, 96, 160), blocks=(2, 2, 4), spectral=(16, 16, 32))
"""3.0 million parameters, twice the time."""


class SpectralGate(nn.Module):
    """Few channels, each coefficient of their spectra weighed by how strong it is.

    Tone is a few strong coefficients; what a hole does to it is many weak ones. So each is
    multiplied by ``sigmoid(log(power) * weight + bias)``, with the power of all channels at its
    frequency taken into account. Where the matrix is the identity, as at the start, that is the
    filter of N. Wiener (1949), ``power / (power + noise)``, its noise level learned per channel: a
    soft, learned form of the threshold in Papoulis-Gerchberg projections.

    A real weight that hangs on the power alone makes the branch commute with shifts of a torus,
    and nothing in it depends on the size of the window: with the orthonormal transform, noise has
    the same power at any size.
    """

    def __init__(self, channels: int, spectral: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, spectral, 1, bias=False)
        self.gate = nn.Linear(spectral, spectral)
        self.expand = nn.Conv2d(spectral, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, C, H, W)``."""
        x = self.reduce(x)  # (B, S, H, W)
        expanded: Tensor = self.expand(self._filter(x).to(x.dtype))
        return expanded

    def _filter(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            signal = full_precision(x).contiguous()
            spectrum = torch.fft.rfft2(signal, norm="ortho")  # (B, S, H, W/2+1)
            real, imaginary = spectrum.real, spectrum.imag
            power = torch.addcmul(real * real, imaginary, imaginary)
            level = torch.log(power + POWER_FLOOR).flatten(2)  # (B, S, H * (W/2+1))
            # Not matmul, which takes another way, and rounds otherwise, where gradients are wanted.
            mixing = self.gate.weight.expand(len(level), -1, -1)
            level = torch.baddbmm(self.gate.bias[:, None], mixing, level)
            weight = torch.sigmoid(level).view_as(power)
            filtered: Tensor = torch.fft.irfft2(spectrum * weight, s=x.shape[-2:], norm="ortho")
            return filtered  # (B, S, H, W)


class ResidualBlock(nn.Module):
    """``x + conv(act(conv(x) + spectral(x)))``, all ``(B, C, H, W)``."""

    def __init__(self, channels: int, spectral: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.spectral = SpectralGate(channels, spectral) if spectral else None
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, C, H, W)``."""
        # In place, because at these sizes a new tensor costs as much as the sum.
        h = self.conv1(x)
        if self.spectral is not None:
            h.add_(self.spectral(x))
        y: Tensor = self.conv2(F.leaky_relu(h, SLOPE, inplace=True)).add_(x)
        return y


class FourierUNet(nn.Module):
    """Fills holes and un-mixes translucent ink, given finished fills to start from.

    Attributes:
        spec: The hyper-parameters.
    """

    def __init__(self, spec: FourierUNetSpec = SPEC_SMALL) -> None:
        super().__init__()
        self.spec = spec
        widths, last = spec.widths, len(spec.widths) - 1
        # RGB, hole, see-through, and RGB of each prior; each 2x2 block of pixels becomes channels.
        self.stem = nn.Conv2d(4 * (5 + 3 * spec.priors), widths[0], 3, padding=1)
        self.down = nn.ModuleList(_stage(spec, level) for level in range(last))
        self.shrink = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1) for i in range(last)
        )
        self.bottom = _stage(spec, last)
        self.grow = nn.ModuleList(nn.Conv2d(widths[i + 1], 4 * widths[i], 1) for i in range(last))
        self.up = nn.ModuleList(_stage(spec, level) for level in range(last))
        self.correction = nn.Conv2d(widths[0], 4 * 3, 3, padding=1)
        self.logits = nn.Conv2d(widths[0], 4 * spec.candidates, 3, padding=1)
        self._initialize()

    def _initialize(self) -> None:
        blocks = [m for m in self.modules() if isinstance(m, ResidualBlock)]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                draw(module, 1.0)
        for block in blocks:
            # What two branches add up to has the variance of one.
            draw(block.conv1, 1.0 if block.spectral is None else math.sqrt(0.5))
            if block.spectral is not None:
                draw(block.spectral.expand, math.sqrt(0.5))
                identity(block.spectral.gate.weight)
                nn.init.zeros_(block.spectral.gate.bias)
            # Variance doubles over the whole depth, not with every block.
            draw(block.conv2, RECTIFIED / math.sqrt(len(blocks)))
        nn.init.zeros_(self.logits.weight)
        # With priors the output starts as their mean. The mean colour, which stands in for them
        # otherwise, is no start to keep, but noise should not drown it either.
        draw(self.correction, 0.0 if self.spec.priors else 0.1)

    def forward(
        self, image: Tensor, hole: Tensor, see_through: Tensor, priors: Tensor | None = None
    ) -> Tensor:
        """Fill the hole.

        Args:
            image: ``(B, 3, H, W)`` in [0, 1]; what it shows under an opaque hole is not looked at.
            hole: ``(B, 1, H, W)``, 1 = to fill, 0 = known.
            see_through: ``(B, 1, H, W)``, subset of the hole: 1 = the pixel may be looked at.
            priors: ``(B, P, 3, H, W)`` in [0, 1], finished fills; None where ``P`` is 0.

        Returns:
            ``(B, 3, H, W)``: ``image`` itself outside the hole. Inside, values may leave [0, 1]:
            losses must feel that, inference clamps.

        Raises:
            ValueError: A shape that does not fit.
        """
        bases = self._bases(image, hole, see_through, priors)  # K candidates, (B, 3, H, W) each
        features = self._features(image, hole, see_through, priors)  # (B, C, H/2, W/2)
        filled = full_precision(F.pixel_shuffle(self.correction(features), 2))  # (B, 3, H, W)
        logits = full_precision(F.pixel_shuffle(self.logits(features), 2))  # (B, K, H, W)
        opaque = see_through < 0.5
        logits = torch.cat([logits[:, :-1], logits[:, -1:].masked_fill(opaque, -math.inf)], dim=1)
        for weight, base in zip(torch.softmax(logits, dim=1).unbind(dim=1), bases, strict=True):
            filled = torch.addcmul(filled, weight.unsqueeze(1), full_precision(base))
        return torch.where(hole > 0.5, filled, full_precision(image))

    def _bases(
        self, image: Tensor, hole: Tensor, see_through: Tensor, priors: Tensor | None
    ) -> list[Tensor]:
        batch, _, height, width = image.shape
        if height % self.spec.multiple or width % self.spec.multiple:
            raise ValueError(
                f"height and width must be multiples of {self.spec.multiple}, not {height}x{width}"
            )
        for name, mask in (("hole", hole), ("see_through", see_through)):
            if mask.shape != (batch, 1, height, width):
                raise ValueError(f"{name} is {tuple(mask.shape)}, the image {tuple(image.shape)}")
        if not self.spec.priors:
            known = 1 - hole
            count = known.sum(dim=(2, 3), keepdim=True)
            mean = (image * known).sum(dim=(2, 3), keepdim=True) / count.clamp(min=1)
            return [torch.where(count > 0, mean, 0.5).expand_as(image), image]
        if priors is None or priors.shape != (batch, self.spec.priors, 3, height, width):
            found = None if priors is None else tuple(priors.shape)
            raise ValueError(
                f"priors must be {(batch, self.spec.priors, 3, height, width)}, not {found}"
            )
        return [*priors.unbind(dim=1), image]

    def _features(
        self, image: Tensor, hole: Tensor, see_through: Tensor, priors: Tensor | None
    ) -> Tensor:
        visible = 1 - hole + see_through
        # Centred, so that a hidden pixel (zero) is mid-grey, not black.
        inputs = [(image - 0.5) * visible, hole, see_through]
        if self.spec.priors:
            assert priors is not None  # checked by _bases
            inputs.append(priors.flatten(1, 2) - 0.5)  # (B, 3P, H, W)
        x = self.stem(F.pixel_unshuffle(torch.cat(inputs, dim=1), 2))  # (B, C0, H/2, W/2)
        skips = []
        for stage, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(stage(x))
            x = shrink(skips[-1])
        x = self.bottom(x)  # (B, C-1, H/multiple, W/multiple)
        for stage, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            x = stage(grown(grow, x, skips.pop()))
        return F.leaky_relu(x, SLOPE)


def _stage(spec: FourierUNetSpec, level: int) -> nn.Sequential:
    width, spectral = spec.widths[level], spec.spectral[level]
    return nn.Sequential(*(ResidualBlock(width, spectral) for _ in range(spec.blocks[level])))
