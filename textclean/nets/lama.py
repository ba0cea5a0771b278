"""The LaMa generator, with the parameter names of the published weights.

Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022; the
mask position encoding is that of Dong, Cao and Fu, "Incremental Transformer Structure Enhanced
Image Inpainting with Masking Positional Encoding" (ZITS), CVPR 2022, as weights for manga use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.nets.ffc import FFCLayer, FFCResidualBlock, Parts, fold_batch_norm
from textclean.nets.initial import normal

POSITIONS = 128
"""Rows of the published table of distances."""

POSITION_SIZE = 256
"""Side of the square that masks are brought to before distances are measured."""


@dataclass(frozen=True, slots=True)
class LamaSpec:
    """Hyper-parameters of a :class:`LamaGenerator`; all can be read off a state dict's shapes.

    Attributes:
        in_channels: Colour channels and the mask.
        out_channels: Colour channels.
        width: Channels of the first layer (``ngf``), doubled by each of the three halvings.
        blocks: FFC residual blocks: 6, 9 or 18 in published weights.
        ratio: Share of the channels at 1/8 that is global.
        mpe: Whether the mask position encoding is there.
    """

    in_channels: int = 4
    out_channels: int = 3
    width: int = 64
    blocks: int = 9
    ratio: float = 0.75
    mpe: bool = False

    def __post_init__(self) -> None:
        whole = (self.in_channels, self.out_channels, self.width, self.blocks)
        if not all(type(n) is int and n > 0 for n in whole) or type(self.mpe) is not bool:
            raise ValueError(f"a value of the wrong type or range: {self}")
        if not isinstance(self.ratio, int | float) or not 0 < self.ratio < 1:
            raise ValueError(f"the ratio must lie between 0 and 1: {self}")

    @property
    def multiple(self) -> int:
        """What height and width must be a multiple of: there are three halvings."""
        return 8

    @property
    def minimum(self) -> int:
        """Smallest height and width: at 1/8, a single pixel has no neighbour to reflect."""
        return 16

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; the inverse of :meth:`from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The specification stored in ``values``.

        Raises:
            ValueError: A value is missing, unknown, of the wrong type or out of range.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ValueError(f"expected the values {sorted(names)}, found {sorted(values)}")
        return cls(**values)

    @classmethod
    def from_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> Self:
        """Read the hyper-parameters off the shapes of a state dict.

        Args:
            shapes: Shape of each tensor of a generator, "model.1.ffc.convl2l.weight" and so on.

        Raises:
            ValueError: They are not those of a LaMa generator.
        """
        try:
            width, in_channels, *_ = shapes["model.1.ffc.convl2l.weight"]
            local = shapes["model.4.ffc.convl2l.weight"][0]
            global_ = shapes["model.4.ffc.convl2g.weight"][0]
            blocks = 0
            while f"model.{5 + blocks}.conv1.ffc.convl2l.weight" in shapes:
                blocks += 1
            # Blocks, concatenation, three times three layers, padding, convolution.
            out_channels = shapes[f"model.{5 + blocks + 11}.weight"][0]
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(f"not the tensors of a LaMa generator: {error}") from None
        mpe = "mpe.rel_pos_emb.weight" in shapes
        return cls(in_channels, out_channels, width, blocks, global_ / (local + global_), mpe)


class LamaGenerator(nn.Module):
    """Paints a whole picture, of which the hole is what counts.

    Attributes:
        spec: The hyper-parameters.
    """

    def __init__(self, spec: LamaSpec = LamaSpec()) -> None:
        super().__init__()
        self.spec = spec
        width = spec.width
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            FFCLayer(spec.in_channels, width, 7),
        ]
        for i in range(3):
            layers.append(
                FFCLayer(
                    width * 2**i,
                    width * 2 ** (i + 1),
                    3,
                    ratio_out=spec.ratio if i == 2 else 0.0,
                    stride=2,
                    padding=1,
                )
            )
        layers += [FFCResidualBlock(width * 8, spec.ratio) for _ in range(spec.blocks)]
        layers.append(Concatenate())
        for i in (3, 2, 1):
            layers += [
                nn.ConvTranspose2d(
                    width * 2**i, width * 2 ** (i - 1), 3, stride=2, padding=1, output_padding=1
                ),
                nn.BatchNorm2d(width * 2 ** (i - 1)),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, spec.out_channels, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)
        self.mpe = MaskPositions(width) if spec.mpe else None

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """Paint.

        Args:
            image: ``(B, 3, H, W)`` in [0, 1]; what it shows in the hole is not looked at.
            hole: ``(B, 1, H, W)``, 1 = to fill, 0 = known.

        Returns:
            ``(B, 3, H, W)`` in [0, 1], *not* composed with ``image`` outside the hole, where the
            loss of the published recipe looks.

        Raises:
            ValueError: A size that does not fit.
        """
        height, width = image.shape[-2:]
        multiple, minimum = self.spec.multiple, self.spec.minimum
        if height % multiple or width % multiple or min(height, width) < minimum:
            raise ValueError(
                f"height and width must be multiples of {multiple} and at least {minimum}, "
                f"not {height}x{width}"
            )
        pad, stem, *layers = self.model
        x = pad(torch.cat([image * (1 - hole), hole], dim=1))  # (B, 4, H + 6, W + 6)
        x, _ = stem((x, None))  # (B, C, H, W)
        if self.mpe is not None:
            x = x + self.mpe(hole)
        y: Tensor | Parts = (x, None)
        for layer in layers:
            y = layer(y)
        return cast(Tensor, y)

    def fold(self) -> None:
        """Fold all batch norms into the convolutions before them; for inference only."""
        for module in self.modules():
            if isinstance(module, FFCLayer):
                module.fold()
        for i, module in enumerate(self.model):
            if isinstance(module, nn.BatchNorm2d):
                self.model[i] = fold_batch_norm(module, self.model[i - 1])


class Concatenate(nn.Module):
    """Joins the local and global channels."""

    def forward(self, parts: Parts) -> Tensor:
        """Two of ``(B, C_i, H, W)`` -> ``(B, sum C_i, H, W)``."""
        return torch.cat([part for part in parts if part is not None], dim=1)


class MaskPositions(nn.Module):
    """Tells each pixel of the hole how far the known pixels are and on which sides.

    Distances are measured on a square of 256 pixels whatever the window's size, as in the code
    that the published weights were trained with.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rel_pos_emb = nn.Embedding(POSITIONS, channels)
        self.direct_emb = Directions(4, channels)
        self.alpha5 = nn.Parameter(torch.zeros(()))
        self.alpha6 = nn.Parameter(torch.zeros(()))

    def forward(self, hole: Tensor) -> Tensor:
        """``(B, 1, H, W)`` hole -> ``(B, C, H, W)`` encoding."""
        distance, sides = measure_positions(hole)
        by_distance = self.rel_pos_emb(distance.clamp(max=POSITIONS - 1)).movedim(-1, 1)
        by_side = self.direct_emb(sides)
        encoding: Tensor = by_distance * self.alpha5 + by_side * self.alpha6  # (B, C, H, W)
        return encoding


class Directions(nn.Module):
    """A sum of vectors, one for each label that is set."""

    def __init__(self, labels: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(labels, channels))
        normal(self.weight)

    def forward(self, labels: Tensor) -> Tensor:
        """``(B, L, H, W)``, 0 or 1 -> ``(B, C, H, W)``."""
        return torch.einsum("blhw,lc->bchw", labels.to(self.weight.dtype), self.weight)


@torch.no_grad()
def measure_positions(hole: Tensor) -> tuple[Tensor, Tensor]:
    """Distances from the known pixels into the hole, and on which sides these lie.

    Args:
        hole: ``(B, 1, H, W)``, 1 = hole.

    Returns:
        ``(B, H, W)`` int64: chessboard distance to the nearest known pixel, 0 where known; and
        ``(B, 4, H, W)`` float, 1 where one step towards the upper left, lower left, upper right or
        lower right comes closer. Measured on a square of 256 pixels.
    """
    size = hole.shape[-2:]
    # A pixel of the square is hole when any pixel under it is.
    known = 1 - F.adaptive_max_pool2d(hole.float(), POSITION_SIZE)  # (B, 1, 256, 256)
    distance, sides = torch.zeros_like(known), known.new_zeros(len(known), 4, *known.shape[-2:])
    step = 0
    while True:
        step += 1
        # The 2x2 squares that the pixel is the lower right, upper right ... corner of.
        squares = F.max_pool2d(F.pad(known, (1, 1, 1, 1), mode="reflect"), 2, stride=1)
        near = torch.cat(
            [
                squares[..., :-1, :-1],
                squares[..., 1:, :-1],
                squares[..., :-1, 1:],
                squares[..., 1:, 1:],
            ],
            dim=1,
        )  # (B, 4, 256, 256)
        grown = near.amax(dim=1, keepdim=True)
        if torch.equal(grown, known):  # everything reached, or nothing known to start from
            break
        distance += step * (grown - known)
        sides += near * (1 - known)
        known = grown
    distance, sides = (
        F.interpolate(x, size=size, mode="nearest") * (hole > 0.5) for x in (distance, sides)
    )
    return distance[:, 0].long(), sides
