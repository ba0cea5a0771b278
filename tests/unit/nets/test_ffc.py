from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from textclean.nets.ffc import (
    FFC,
    FFCLayer,
    FFCResidualBlock,
    FourierUnit,
    SpectralTransform,
    fold_batch_norm,
)


def wake_up(module: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norms as after training, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low, high in (
                (norm.running_mean, -0.5, 0.5),
                (norm.running_var, 0.5, 2.0),
                (norm.weight.data, 0.5, 1.5),
                (norm.bias.data, -0.5, 0.5),
            ):
                tensor.uniform_(low, high, generator=generator)
    return module.eval()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dft(x: Tensor) -> Tensor:
    """Orthonormal DFT over the last two axes, from the definition."""
    for axis in (-2, -1):
        n = x.shape[axis]
        k = torch.arange(n, dtype=torch.float64)
        matrix = torch.exp(-2j * math.pi * torch.outer(k, k) / n) / math.sqrt(n)
        x = torch.tensordot(x.to(torch.complex128), matrix, dims=([axis], [0])).movedim(-1, axis)
    return x


def inverse_of_half(half: Tensor, size: tuple[int, int]) -> Tensor:
    """What real image has this half spectrum, from the definition.

    Each frequency pair (k, -k) has one member in the half; where it has both or k = -k, the
    real image is that of the half's columns read as they stand, without their mirror images.
    """
    height, width = size
    y, x = torch.arange(height).double(), torch.arange(width).double()
    image = torch.zeros(*half.shape[:-2], height, width, dtype=torch.float64)
    for v in range(height):
        for u in range(width // 2 + 1):
            wave = torch.exp(2j * math.pi * (v * y[:, None] / height + u * x[None] / width))
            twice = 1 if u == 0 or 2 * u == width else 2
            image += twice * (half[..., v, u, None, None] * wave).real
    return image / math.sqrt(height * width)


@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_fourier_unit_is_a_1x1_convolution_of_the_spectrum(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    unit = wake_up(FourierUnit(2, 3).double())
    x = noise(2, 2, *size)

    spectrum = dft(x)[..., : size[1] // 2 + 1]  # (B, 2, H, W/2+1)
    parts = torch.stack([f(spectrum[:, c]) for c in range(2) for f in (torch.real, torch.imag)], 1)
    mixed = torch.einsum("oi,bihw->bohw", unit.conv_layer.weight[:, :, 0, 0], parts)
    norm = unit.bn
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps))[:, None, None]
    mixed = (mixed - norm.running_mean[:, None, None]) * scale + norm.bias[:, None, None]
    mixed = mixed.clamp(min=0)
    expected = inverse_of_half(torch.complex(mixed[:, 0::2], mixed[:, 1::2]), size)

    torch.testing.assert_close(unit(x), expected, rtol=0, atol=1e-12)


def shifted(x: Tensor, by: tuple[int, int]) -> Tensor:
    return x.roll(by, dims=(-2, -1))


SHIFTS = [(1, 0), (0, 1), (3, 5)]


@pytest.mark.parametrize("by", SHIFTS)
def test_spatial_branches_commute_with_shifts_of_a_torus(by: tuple[int, int]) -> None:
    ffc = FFC(8, 8, 3, 0.0, 0.5, padding=1, padding_mode="circular").double()
    x = noise(1, 8, 12, 16)
    for straight, moved in zip(ffc((x, None)), ffc((shifted(x, by), None)), strict=True):
        torch.testing.assert_close(moved, shifted(straight, by), rtol=0, atol=1e-12)


def complex_linear(unit: FourierUnit) -> FourierUnit:
    """Give the unit weights of the form [[a, -b], [b, a]] and leave out its activation."""
    weight = unit.conv_layer.weight.data[:, :, 0, 0]
    a, b = weight[0::2, 0::2].clone(), weight[0::2, 1::2].clone()
    weight[0::2, 0::2], weight[1::2, 1::2] = a, a
    weight[0::2, 1::2], weight[1::2, 0::2] = -b, b
    unit.bn, unit.relu = nn.Identity(), nn.Identity()
    return unit


@pytest.mark.parametrize("by", SHIFTS)
def test_all_branches_commute_with_shifts_when_the_spectrum_is_mixed_linearly(
    by: tuple[int, int],
) -> None:
    torch.manual_seed(0)
    layer = wake_up(FFCLayer(8, 8, 3, 0.5, 0.5, padding=1, padding_mode="circular").double())
    complex_linear(layer.ffc.convg2g.fu)
    local, global_ = noise(1, 4, 12, 15), noise(1, 4, 12, 15, seed=2)
    straight = layer((local, global_))
    moved = layer((shifted(local, by), shifted(global_, by)))
    for s, m in zip(straight, moved, strict=True):
        torch.testing.assert_close(m, shifted(s, by), rtol=0, atol=1e-12)


def test_the_activation_on_real_and_imaginary_parts_does_not_commute_with_shifts() -> None:
    torch.manual_seed(0)
    unit = wake_up(FourierUnit(2, 2).double())
    x = noise(1, 2, 8, 8)
    assert (unit(shifted(x, (0, 1))) - shifted(unit(x), (0, 1))).abs().max() > 0.1


def test_the_fourier_unit_sees_the_whole_image() -> None:
    torch.manual_seed(0)
    unit = wake_up(FourierUnit(1, 1).double())
    x = noise(1, 1, 9, 11)
    other = x.clone()
    other[..., 0, 0] += 1
    assert ((unit(other) - unit(x)).abs() > 1e-9).all()


def test_half_precision_input_is_transformed_in_fp32() -> None:
    torch.manual_seed(0)
    unit = wake_up(FourierUnit(2, 2))
    x = noise(1, 2, 12, 20).bfloat16()  # bf16 and sizes other than powers of two have no FFT
    torch.testing.assert_close(unit(x), unit(x.float()))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = unit(x)
    torch.testing.assert_close(mixed, unit(x.float()), rtol=0, atol=0.1)
    assert mixed.dtype == torch.float32


def test_parts_without_channels_are_none() -> None:
    local, global_ = FFC(4, 6, 3, padding=1)((noise(1, 4, 8, 8).float(), None))
    assert local.shape == (1, 6, 8, 8) and global_ is None
    layer = FFCLayer(4, 8, 3, ratio_out=0.75, stride=2, padding=1)
    local, global_ = layer((noise(1, 4, 8, 8).float(), None))
    assert local.shape == (1, 2, 4, 4) and global_.shape == (1, 6, 4, 4)


def test_the_residual_block_adds_to_its_input() -> None:
    block = wake_up(FFCResidualBlock(8, 0.75).double())
    parts = noise(1, 2, 8, 8), noise(1, 6, 8, 8)
    for norm in (block.conv2.bn_l, block.conv2.bn_g):
        nn.init.zeros_(norm.weight)
        nn.init.zeros_(norm.bias)
    for before, after in zip(parts, block(parts), strict=True):
        torch.testing.assert_close(before, after)


@pytest.mark.parametrize("ratio_in", [0.0, 0.75])
def test_folding_changes_nothing(ratio_in: float) -> None:
    torch.manual_seed(0)
    layer = wake_up(FFCLayer(8, 8, 3, ratio_in, 0.75, padding=1).double())
    local = noise(2, round(8 * (1 - ratio_in)), 8, 10)
    global_ = noise(2, 6, 8, 10, seed=2) if ratio_in else None
    expected = layer((local, global_))
    layer.fold()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in layer.modules())
    for a, b in zip(layer((local, global_)), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    layer.fold()  # a second time there is nothing to do
    for a, b in zip(layer((local, global_)), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_folding_into_a_transposed_convolution_with_bias() -> None:
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1).double()
    norm = wake_up(nn.BatchNorm2d(5).double())
    x = noise(1, 3, 4, 4)
    expected = norm(conv(x))
    assert isinstance(fold_batch_norm(norm, conv), nn.Identity)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-12)


def test_spectral_transform_passes_its_input_around_the_fourier_unit() -> None:
    torch.manual_seed(0)
    transform = wake_up(SpectralTransform(4, 6).double())
    nn.init.zeros_(transform.fu.bn.weight)
    nn.init.constant_(transform.fu.bn.bias, -1.0)  # the ReLU then lets nothing through
    x = noise(1, 4, 6, 6)
    torch.testing.assert_close(transform(x), transform.conv2(transform.conv1(x)))
