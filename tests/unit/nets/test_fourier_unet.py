from __future__ import annotations

import json
import math

import pytest
import torch
from torch import Tensor, nn

from textclean.nets.fourier_unet import (
    SPEC_BASE,
    SPEC_SMALL,
    FourierUNet,
    FourierUNetSpec,
    SpectralGate,
)

TINY = FourierUNetSpec(widths=(8, 16, 16), blocks=(1, 1, 1), spectral=(4, 4, 0), priors=2)


def make(spec: FourierUNetSpec = TINY, *, trained: bool = True) -> FourierUNet:
    """A network in eval mode; ``trained`` moves its weights away from where they start."""
    torch.manual_seed(0)
    network = FourierUNet(spec).eval()
    if trained:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return network


def windows(
    height: int = 32, width: int = 48, batch: int = 2, priors: int = 2
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Image, hole, see-through, priors; the see-through pixels are the hole's upper half."""
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(batch, 3, height, width, generator=generator)
    hole, seen = torch.zeros(2, batch, 1, height, width)
    hole[..., height // 4 : 3 * height // 4, width // 4 : width // 2] = 1
    seen[..., height // 4 : height // 2, width // 4 : width // 2] = 1
    fills = torch.rand(batch, priors, 3, height, width, generator=generator) if priors else None
    return image, hole, seen, fills


def test_sizes_of_the_named_specifications() -> None:
    count = [sum(p.numel() for p in FourierUNet(s).parameters()) for s in (SPEC_SMALL, SPEC_BASE)]
    assert 1.0e6 < count[0] < 1.3e6
    assert 3e6 < count[1] < 8e6  # the shipped file may have 16 MB in fp16


def test_the_specification_survives_json() -> None:
    for spec in (SPEC_SMALL, TINY):
        assert FourierUNetSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"widths": (8, 16)},
        {"widths": (8, 0, 8)},
        {"blocks": (1, 1, -1)},
        {"blocks": (1, 1, 10**6)},
        {"widths": (), "blocks": (), "spectral": ()},
        {"priors": -1},
    ],
)
def test_impossible_specifications_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        FourierUNetSpec(**{**TINY.to_dict(), **change})


@pytest.mark.parametrize(
    "change", [{"widths": "8"}, {"widths": [8, 16, 1.5]}, {"priors": True}, {"depth": 1}]
)
def test_stored_values_of_the_wrong_type_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        FourierUNetSpec.from_dict({**TINY.to_dict(), **change})


def test_starts_as_the_mean_of_the_candidates() -> None:
    image, hole, seen, priors = windows()
    out = make(trained=False)(image, hole, seen, priors)
    mean = priors.mean(dim=1)
    opaque = (hole - seen).expand_as(image) > 0
    torch.testing.assert_close(out[opaque], mean[opaque])
    visible = seen.expand_as(image) > 0
    torch.testing.assert_close(out[visible], ((2 * mean + image) / 3)[visible])


def test_equal_to_the_image_outside_the_hole() -> None:
    image, hole, seen, priors = windows()
    out = make()(image, hole, seen, priors)
    outside = hole.expand_as(image) == 0
    assert torch.equal(out[outside], image[outside])
    assert (out - image)[~outside].abs().max() > 0.01


def test_opaque_pixels_are_not_looked_at_and_see_through_ones_are() -> None:
    network = make()
    image, hole, seen, priors = windows()
    opaque = hole - seen
    out = network(image, hole, seen, priors)
    # Not even what is not a number there comes through.
    hidden = network(image.masked_fill(opaque > 0, 0.9), hole, seen, priors)
    torch.testing.assert_close(hidden, out, rtol=0, atol=0)
    changed = network(image * (1 - seen), hole, seen, priors)
    below = opaque.expand_as(image) > 0
    assert (changed - out)[below].abs().max() > 1e-4  # also where nothing was shown anyway


def test_without_priors_it_starts_near_the_mean_of_the_known_pixels() -> None:
    spec = FourierUNetSpec(TINY.widths, TINY.blocks, TINY.spectral, priors=0)
    image, hole, seen, _ = windows(priors=0)
    network = make(spec, trained=False)
    out = network(image, hole, seen * 0)
    inside = hole[:, 0] > 0
    known = torch.stack([i[:, m == 0].mean(dim=1) for i, m in zip(image, hole[:, 0])])  # noqa: B905
    filled = torch.stack([o[:, m].mean(dim=1) for o, m in zip(out, inside)])  # noqa: B905
    torch.testing.assert_close(filled, known, rtol=0, atol=0.2)
    assert out.movedim(1, -1)[inside].std() > 1e-3  # the correction is awake
    everything = network(image, torch.ones_like(hole), seen * 0)
    assert (everything - 0.5).abs().mean() < 0.2


@pytest.mark.parametrize("size", [(16, 16), (16, 64), (40, 24), (8, 8)])
def test_any_multiple_of_8(size: tuple[int, int]) -> None:
    assert make()(*windows(*size)).shape == (2, 3, *size)


def test_inputs_that_do_not_fit_are_refused() -> None:
    network = make()
    with pytest.raises(ValueError, match="multiples of 8, not 20x16"):
        network(*windows(20, 16))
    image, hole, seen, priors = windows()
    with pytest.raises(ValueError, match="hole is"):
        network(image, hole[:, 0], seen, priors)
    for wrong in (None, priors[:, :1]):
        with pytest.raises(ValueError, match="priors must be"):
            network(image, hole, seen, wrong)


@pytest.mark.parametrize("priors", [0, 2])
def test_gradients_flow_to_every_parameter(priors: int) -> None:
    network = make(FourierUNetSpec((8, 16), (1, 1), (4, 4), priors)).train()
    (network(*windows(priors=priors)) - 0.3).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_correction_moves_in_the_first_steps() -> None:
    network = make(trained=False).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    image, hole, seen, priors = windows()
    inside = hole.expand_as(image) > 0
    errors = []
    for _ in range(30):
        error = (network(image, hole, seen, priors) - 0.3)[inside].square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.3 * errors[0]


def test_the_result_does_not_depend_on_the_rest_of_the_batch() -> None:
    network = make().double().train()  # in train mode too: there are no batch statistics
    image, hole, seen, priors = (x.double() for x in windows(batch=3))
    together = network(image, hole, seen, priors)
    assert together.dtype == torch.float64
    for i in range(3):
        alone = network(*(x[i : i + 1] for x in (image, hole, seen, priors)))
        torch.testing.assert_close(alone, together[i : i + 1], rtol=0, atol=1e-12)


def circular(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.padding_mode = "circular"
    return network


@pytest.mark.parametrize("by", [(8, 0), (0, 16), (24, 40)])
def test_commutes_with_shifts_of_a_torus(by: tuple[int, int]) -> None:
    network = circular(make().double())
    inputs = [x.double() for x in windows(48, 64, batch=1)]
    straight = network(*inputs)
    moved = network(*(x.roll(by, dims=(-2, -1)) for x in inputs))
    torch.testing.assert_close(moved, straight.roll(by, dims=(-2, -1)), rtol=0, atol=1e-12)


def test_the_gate_starts_as_a_wiener_filter() -> None:
    torch.manual_seed(0)
    gate = SpectralGate(3, 2).double()
    nn.init.eye_(gate.gate.weight)
    nn.init.constant_(gate.gate.bias, -math.log(0.5))  # a noise power of 0.5
    x = torch.randn(1, 3, 9, 10, dtype=torch.float64)
    spectrum = torch.fft.fft2(gate.reduce(x), norm="ortho")
    power = spectrum.abs().square()
    expected = torch.fft.ifft2(spectrum * power / (power + 0.5), norm="ortho").real
    # log(power + 1e-4) instead of log(power): all but the weakest coefficients are the same.
    torch.testing.assert_close(gate(x), gate.expand(expected), rtol=0, atol=1e-3)


def test_the_gate_passes_a_wave_and_stops_noise() -> None:
    gate = SpectralGate(1, 1)
    for part in (gate.reduce, gate.expand, gate.gate):
        nn.init.ones_(part.weight)
    nn.init.constant_(gate.gate.bias, -math.log(10.0))
    wave = torch.cos(torch.arange(64) * 2 * math.pi / 8).expand(1, 1, 64, 64)
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gate(wave), wave, rtol=0, atol=0.02)
    assert gate(noise).std() < 0.3 * noise.std()


def test_autocast_keeps_the_transform_in_fp32() -> None:
    network, inputs = make(), windows()
    with torch.inference_mode():
        exact = network(*inputs)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = network(*inputs)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, exact, rtol=0, atol=0.05)


def test_channels_last_gives_the_same_values() -> None:
    network, (image, *rest) = make(), windows()
    with torch.inference_mode():
        plain = network(image, *rest)
        network = network.to(memory_format=torch.channels_last)
        other = network(image.contiguous(memory_format=torch.channels_last), *rest)
    torch.testing.assert_close(other, plain, rtol=0, atol=1e-5)


def test_eval_is_deterministic() -> None:
    network, inputs = make(), windows()
    with torch.inference_mode():
        assert torch.equal(network(*inputs), network(*inputs))
