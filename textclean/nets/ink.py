"""What every pixel is: a small U-Net for lettering, annotations, print and bubbles.

A U-Net (Ronneberger et al., MICCAI 2015) behind a 2x pixel-unshuffle stem (Shi et al., CVPR 2016):
most of the work is done at 1/8 and below, where a sound effect of 300 pixels is some tens of cells
wide and is seen whole, while the skips keep the edges of strokes. Residual blocks start small
(Zhang, Dauphin and Ma, "Fixup Initialization", ICLR 2019) instead of being normalized: with any
statistic of the picture in it, the result at a pixel would change with what else the tile shows.
So a pixel's result hangs on the pixels within :attr:`InkUNetSpec.reach` of it and on nothing else,
and a page that is cut into tiles gives what it gives whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import torch.nn.functional as F
from torch import Tensor, nn

from textclean.nets.fourier_unet import RECTIFIED, SLOPE, ResidualBlock
from textclean.nets.initial import draw
from textclean.nets.shuffle import grown

CLASSES = ("nothing", "lettering", "pen", "highlighter", "stamp", "print")
"""The classes, in the order of the first output channels; one of them holds at each pixel."""

PLANES = (*CLASSES, "bubble")
"""All output channels; the inside of bubbles is a question of its own, answered yes or no."""


@dataclass(frozen=True, slots=True)
class InkUNetSpec:
    """Hyper-parameters of an :class:`InkUNet`; plain values, stored with the weights.

    Attributes:
        widths: Channels at 1/2, 1/4, 1/8 ... of the resolution. Multiples of 16 have the fastest
            convolutions on CPUs.
        blocks: Residual blocks at each level: on the way down and again on the way up, at the
            lowest level once.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 160)
    blocks: tuple[int, ...] = (1, 1, 2, 2, 2)

    def __post_init__(self) -> None:
        if not 1 <= len(self.widths) == len(self.blocks) <= 8:
            raise ValueError(f"widths and blocks must be of one length, 1 to 8: {self}")
        # Bounds that no sensible network meets, so that a hostile file cannot ask for the moon.
        for name, low, high in (("widths", 1, 4096), ("blocks", 1, 99)):
            if not all(low <= value <= high for value in getattr(self, name)):
                raise ValueError(f"{name} must lie between {low} and {high}: {self}")

    @property
    def multiple(self) -> int:
        """What height and width must be a multiple of, and tiles be aligned to."""
        return int(2 ** len(self.widths))

    @property
    def minimum(self) -> int:
        """Smallest height and width: two pixels at the lowest level."""
        return 2 * self.multiple

    @property
    def reach(self) -> int:
        """Farthest, in pixels along either axis, that an input pixel can act on an output pixel.

        Found by following an output pixel of each phase of the grid back to the input, as an
        interval of cells at each level.
        """
        spans = [self._origin(pixel) for pixel in range(self.multiple)]
        return max(max(p - low, high - p) for p, (low, high) in enumerate(spans))

    def _origin(self, pixel: int) -> tuple[int, int]:
        """First and last input pixel that an output pixel can depend on."""
        low, high = pixel // 2 - 1, pixel // 2 + 1  # the head's 3x3 convolution
        last = len(self.widths) - 1
        skips = []
        for level in range(last):
            low, high = low - 2 * self.blocks[level], high + 2 * self.blocks[level]
            skips.append((low, high))
            low, high = low // 2, high // 2
        low, high = low - 2 * self.blocks[last], high + 2 * self.blocks[last]
        for level in reversed(range(last)):
            low, high = 2 * low - 1, 2 * high + 1  # the convolution of stride 2
            low, high = min(low, skips[level][0]), max(high, skips[level][1])
            low, high = low - 2 * self.blocks[level], high + 2 * self.blocks[level]
        return 2 * (low - 1), 2 * (high + 1) + 1  # the stem

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; the inverse of :meth:`from_dict`."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The specification stored in ``values``.

        Raises:
            ValueError: A value is missing, unknown, of the wrong type or out of range.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ValueError(f"expected the values {sorted(names)}, found {sorted(values)}")
        return cls(**{name: _integers(values[name]) for name in names})


def _integers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(item) is int for item in value):
        raise ValueError(f"expected a list of whole numbers, found {value!r}")
    return tuple(value)


class InkUNet(nn.Module):
    """Says of each pixel what it is.

    Attributes:
        spec: The hyper-parameters.
    """

    def __init__(self, spec: InkUNetSpec | None = None) -> None:
        super().__init__()
        self.spec = spec = spec or InkUNetSpec()
        widths, last = spec.widths, len(spec.widths) - 1
        # Each 2x2 block of pixels becomes channels.
        self.stem = nn.Conv2d(4 * 3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_stage(spec, level) for level in range(last))
        self.shrink = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1) for i in range(last)
        )
        self.bottom = _stage(spec, last)
        self.grow = nn.ModuleList(nn.Conv2d(widths[i + 1], 4 * widths[i], 1) for i in range(last))
        self.up = nn.ModuleList(_stage(spec, level) for level in range(last))
        self.head = nn.Conv2d(widths[0], 4 * len(PLANES), 3, padding=1)
        self._initialize()

    def _initialize(self) -> None:
        blocks = [m for m in self.modules() if isinstance(m, ResidualBlock)]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                draw(module, 1.0)
        for block in blocks:
            # Variance doubles over the whole depth, not with every block.
            draw(block.conv2, RECTIFIED / math.sqrt(len(blocks)))
        draw(self.head, 0.1)  # to start undecided

    def forward(self, image: Tensor) -> Tensor:
        """Logits of each pixel.

        Args:
            image: ``(B, 3, H, W)`` RGB in [0, 1]; grey pages have three equal channels.

        Returns:
            ``(B, 7, H, W)``, in the order of :data:`PLANES`: the classes, for a softmax over the
            first six, and the inside of bubbles, for a sigmoid.

        Raises:
            ValueError: A shape that does not fit.
        """
        multiple = self.spec.multiple
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(f"expected an image (B, 3, H, W), found {tuple(image.shape)}")
        if image.shape[2] % multiple or image.shape[3] % multiple:
            raise ValueError(
                f"height and width must be multiples of {multiple}, not "
                f"{image.shape[2]}x{image.shape[3]}"
            )
        # Centred, so that the zeros around the picture are mid-grey, not black.
        x = self.stem(F.pixel_unshuffle(image, 2).mul_(2).sub_(1))  # (B, C0, H/2, W/2)
        skips = []
        for stage, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(stage(_rectified(x)))
            x = shrink(skips[-1])
        x = self.bottom(_rectified(x))  # (B, C-1, H/multiple, W/multiple)
        for stage, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            x = stage(_rectified(grown(grow, x, skips.pop())))
        return F.pixel_shuffle(self.head(_rectified(x)), 2)


def _rectified(x: Tensor) -> Tensor:
    # In place, because at these sizes a new tensor costs as much as the arithmetic.
    return F.leaky_relu(x, SLOPE, inplace=True)


def _stage(spec: InkUNetSpec, level: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(spec.widths[level], 0) for _ in range(spec.blocks[level])))
