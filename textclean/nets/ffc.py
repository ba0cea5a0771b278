"""Fast Fourier convolution, with the parameter names of the published LaMa weights.

Chi, Jiang and Mu, "Fast Fourier Convolution", NeurIPS 2020, as used by Suvorov et al.,
"Resolution-robust Large Mask Inpainting with Fourier Convolutions" (LaMa), WACV 2022: channels are
split into a *local* part, which sees its neighbourhood, and a *global* part, one branch of which
works in the frequency domain and sees the whole image. The local Fourier unit of the first paper is
left out, as in all published LaMa weights.

Modules hand ``(local, global)`` pairs to each other; a part without channels is None.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Parts = tuple[Tensor | None, Tensor | None]
PaddingMode = Literal["reflect", "circular"]


def full_precision(x: Tensor) -> Tensor:
    """``x`` in at least fp32: half-precision FFTs want powers of two, and overflow at the mean."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


class FourierUnit(nn.Module):
    """A 1x1 convolution with batch norm and ReLU on the spectrum.

    The spectrum's real and imaginary parts are separate channels, interleaved: channel ``2c`` is
    the real and ``2c + 1`` the imaginary part of input channel ``c``. The ReLU acts on each, so
    that the unit, unlike a convolution, does not commute with shifts of the image.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * in_channels, 2 * out_channels, 1, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(2 * out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C_in, H, W)`` -> ``(B, C_out, H, W)``."""
        size = x.shape[-2:]
        spectrum = torch.view_as_real(torch.fft.rfft2(full_precision(x), norm="ortho"))
        x = spectrum.movedim(-1, 2).flatten(1, 2)  # (B, C, H, W/2+1, 2) -> (B, 2C, H, W/2+1)
        x = full_precision(self.relu(self.bn(self.conv_layer(x))))
        batch, channels, *half = x.shape
        x = x.reshape(batch, channels // 2, 2, *half).movedim(2, -1)  # (B, C, H, W/2+1, 2)
        y: Tensor = torch.fft.irfft2(torch.view_as_complex(x.contiguous()), s=size, norm="ortho")
        return y

    def fold(self) -> None:
        """Fold the batch norm into the convolution; for inference only."""
        self.bn = fold_batch_norm(self.bn, self.conv_layer)


class SpectralTransform(nn.Module):
    """A Fourier unit on half the channels, with a way around it, between two 1x1 convolutions."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.fu = FourierUnit(half, half)
        self.conv2 = nn.Conv2d(half, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C_in, H, W)`` -> ``(B, C_out, H, W)``."""
        x = self.conv1(x)  # (B, C_out/2, H, W)
        y: Tensor = self.conv2(x + self.fu(x))
        return y

    def fold(self) -> None:
        """Fold the batch norms into the convolutions; for inference only."""
        conv = self.conv1[0]
        assert isinstance(conv, nn.Conv2d)
        self.conv1[1] = fold_batch_norm(self.conv1[1], conv)
        self.fu.fold()


class FFC(nn.Module):
    """The four branches between local and global channels.

    Args:
        in_channels: Channels of both parts together.
        out_channels: Channels of both parts together.
        kernel_size: Of the spatial branches.
        ratio_in: Share of the input channels that is global.
        ratio_out: Share of the output channels that is global.
        stride: Of the spatial branches; 1 where global channels meet global channels.
        padding: Of the spatial branches.
        padding_mode: Of the spatial branches, as in ``torch.nn.Conv2d``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        ratio_in: float = 0.0,
        ratio_out: float = 0.0,
        *,
        stride: int = 1,
        padding: int = 0,
        padding_mode: PaddingMode = "reflect",
    ) -> None:
        super().__init__()
        in_global, out_global = round(in_channels * ratio_in), round(out_channels * ratio_out)
        in_local, out_local = in_channels - in_global, out_channels - out_global

        def conv(inputs: int, outputs: int) -> nn.Conv2d | None:
            if not inputs or not outputs:
                return None
            return nn.Conv2d(
                inputs,
                outputs,
                kernel_size,
                stride,
                padding,
                bias=False,
                padding_mode=padding_mode,
            )

        self.convl2l = conv(in_local, out_local)
        self.convl2g = conv(in_local, out_global)
        self.convg2l = conv(in_global, out_local)
        self.convg2g = (
            SpectralTransform(in_global, out_global) if in_global and out_global else None
        )

    def forward(self, parts: Parts) -> Parts:
        """``(B, C, H, W)`` per part -> ``(B, C', H/stride, W/stride)`` per part."""
        local, global_ = parts
        return (
            _sum(_apply(self.convl2l, local), _apply(self.convg2l, global_)),
            _sum(_apply(self.convl2g, local), _apply(self.convg2g, global_)),
        )


class FFCLayer(nn.Module):
    """An :class:`FFC` with batch norm and ReLU on each part; arguments are passed on to it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        ratio_in: float = 0.0,
        ratio_out: float = 0.0,
        *,
        stride: int = 1,
        padding: int = 0,
        padding_mode: PaddingMode = "reflect",
    ) -> None:
        super().__init__()
        self.ffc = FFC(
            in_channels,
            out_channels,
            kernel_size,
            ratio_in,
            ratio_out,
            stride=stride,
            padding=padding,
            padding_mode=padding_mode,
        )
        out_global = round(out_channels * ratio_out)
        self.bn_l = _norm(out_channels - out_global)
        self.bn_g = _norm(out_global)
        self.act = nn.ReLU(inplace=True)

    def forward(self, parts: Parts) -> Parts:
        """``(B, C, H, W)`` per part -> ``(B, C', H/stride, W/stride)`` per part."""
        local, global_ = self.ffc(parts)
        return _apply(self.act, _apply(self.bn_l, local)), _apply(
            self.act, _apply(self.bn_g, global_)
        )

    def fold(self) -> None:
        """Fold the batch norms into the convolutions before them; for inference only."""
        ffc = self.ffc
        if self.bn_l is not None:
            self.bn_l = fold_batch_norm(self.bn_l, ffc.convl2l, ffc.convg2l)
        if ffc.convg2g is not None:
            ffc.convg2g.fold()
        if self.bn_g is not None:
            last = None if ffc.convg2g is None else ffc.convg2g.conv2
            self.bn_g = fold_batch_norm(self.bn_g, ffc.convl2g, last)


class FFCResidualBlock(nn.Module):
    """Two :class:`FFCLayer` and the way around them, without an activation after the sum."""

    def __init__(
        self, channels: int, ratio: float, *, padding_mode: PaddingMode = "reflect"
    ) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            FFCLayer(channels, channels, 3, ratio, ratio, padding=1, padding_mode=padding_mode)
            for _ in range(2)
        )

    def forward(self, parts: Parts) -> Parts:
        """``(B, C, H, W)`` per part -> the same shapes."""
        local, global_ = self.conv2(self.conv1(parts))
        return _sum(parts[0], local), _sum(parts[1], global_)


def fold_batch_norm(norm: nn.Module, *convs: nn.Module | None) -> nn.Module:
    """Put a batch norm's affine map into the convolutions whose outputs are summed before it.

    Args:
        norm: The batch norm, with running statistics.
        convs: The convolutions, plain or transposed; None is passed over. The first that is there
            takes the bias.

    Returns:
        What to put in the batch norm's place.
    """
    if not isinstance(norm, nn.BatchNorm2d):
        return norm  # folded already
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    with torch.no_grad():
        for conv in convs:
            if conv is None:
                continue
            assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
            if conv.bias is not None:
                shift = shift + conv.bias.double() * scale
            outputs = (1, -1, 1, 1) if isinstance(conv, nn.ConvTranspose2d) else (-1, 1, 1, 1)
            conv.weight.copy_(conv.weight.double() * scale.view(outputs))
            conv.bias = None
        first = next(conv for conv in convs if conv is not None)
        first.bias = nn.Parameter(shift.to(norm.weight.dtype))
    return nn.Identity()


def _norm(channels: int) -> nn.Module | None:
    return nn.BatchNorm2d(channels) if channels else None


def _apply(module: nn.Module | None, x: Tensor | None) -> Tensor | None:
    return None if module is None or x is None else module(x)


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
