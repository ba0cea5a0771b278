from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from textclean.errors import OptionsError
from textclean.training import losses
from textclean.training.losses import LossWeights, PixelLoss


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    output = torch.rand(2, 3, 32, 32, generator=generator, dtype=torch.float64)
    target = torch.rand(2, 3, 32, 32, generator=generator, dtype=torch.float64)
    mask = torch.zeros(2, 1, 32, 32, dtype=torch.float64)
    mask[0, :, 4:12, 6:20] = 1
    mask[1, :, 20:22, 2:30] = 1
    return output, target, mask


PIXEL = [losses.l1, losses.squared, losses.charbonnier, losses.log_squared, losses.spectral]


@pytest.mark.parametrize("loss", PIXEL)
def test_is_zero_for_equal_images_and_positive_for_others(loss, pair):
    output, target, mask = pair
    assert loss(target, target, mask).item() == pytest.approx(0, abs=1e-12)
    assert loss(output, target, mask).item() > 1e-3


@pytest.mark.parametrize("loss", PIXEL[:4])
def test_pixel_losses_look_only_at_the_mask(loss, pair):
    output, target, mask = pair
    changed = torch.where(mask > 0.5, output, torch.rand_like(output))
    assert loss(changed, target, mask).item() == loss(output, target, mask).item()


@pytest.mark.parametrize("loss", PIXEL)
def test_an_empty_mask_gives_zero_and_finite_gradients(loss, pair):
    output, target, mask = pair
    output.requires_grad_()
    value = loss(output, target, torch.zeros_like(mask))
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize("loss", [losses.squared, losses.charbonnier, losses.log_squared])
def test_gradients_are_those_of_finite_differences(loss, pair):
    output, target, mask = (x[:, :, :8, 4:12].clone() for x in pair)
    output.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, target, mask), (output,), fast_mode=True)


def test_the_gradient_of_the_spectral_loss_is_that_of_finite_differences(pair):
    output, target, mask = (x[:, :, 2:10, 4:12].clone() for x in pair)
    output.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: losses.spectral(x, target, mask, size=8), (output,), fast_mode=True
    )


def test_means_are_over_pixels_of_the_mask(pair):
    output, target, mask = pair
    inside = (mask > 0.5).expand_as(output)
    difference = (output - target)[inside]
    assert losses.l1(output, target, mask).item() == pytest.approx(difference.abs().mean().item())
    assert losses.squared(output, target, mask).item() == pytest.approx(
        difference.square().mean().item()
    )


def test_charbonnier_is_square_near_zero_and_linear_far_away():
    target, mask = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    near = losses.charbonnier(target + 1e-3, target, mask, epsilon=0.1).item()
    far = losses.charbonnier(target + 0.9, target, mask, epsilon=1e-3).item()
    assert near == pytest.approx(1e-6 / 0.2, rel=1e-2)
    assert far == pytest.approx(0.9, abs=2e-3)


def test_log_squared_is_the_mean_psnr_of_windows_turned():
    target, mask = torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    output = target.clone()
    output[0], output[1] = 0.1, 0.01
    psnr = [-10 * math.log10(e) for e in (0.1**2, 0.01**2)]
    value = losses.log_squared(output, target, mask, floor=1e-9).item()
    decibels = value * 10 / math.log(10) - 90  # ln(mse / floor) in dB
    assert -decibels == pytest.approx(sum(psnr) / 2, abs=1e-2)


def test_log_squared_cares_for_windows_that_are_nearly_right():
    target, mask = torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    output = target.clone()
    output[0], output[1] = 0.5, 0.01
    output.requires_grad_()
    losses.log_squared(output, target, mask).backward()
    hard, easy = output.grad.abs().mean(dim=(1, 2, 3))
    assert easy > 10 * hard  # under the squared error it is the other way round


def test_spectral_loss_forgives_phase_and_not_texture():
    x = torch.arange(64.0)
    stripes = (torch.sin(x * 2 * math.pi / 8) * 0.5 + 0.5).expand(1, 3, 64, 64)
    mask = torch.ones(1, 1, 64, 64)
    shifted, blurred = stripes.roll(4, dims=-1), torch.full_like(stripes, 0.5)
    forgiven = losses.spectral(shifted, stripes, mask).item()
    assert forgiven < 0.02 * losses.spectral(blurred, stripes, mask).item()
    assert losses.l1(shifted, stripes, mask) > losses.l1(blurred, stripes, mask)


def test_spectral_loss_takes_images_smaller_than_a_block(pair):
    output, target, mask = (x[:, :, :20, :12] for x in pair)
    assert math.isfinite(losses.spectral(output, target, mask, size=32).item())


def test_the_generator_is_judged_inside_the_mask_only():
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 0, 0] = 1  # one pixel marks its cell
    loss = losses.adversarial(logits, mask)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert logits.grad[0, 0, 0, 0] == pytest.approx(-0.5)
    assert logits.grad.abs().sum() == pytest.approx(0.5)


def test_fills_are_fake_inside_the_mask_and_real_outside():
    fake = torch.zeros(1, 1, 4, 4, requires_grad=True)
    real = torch.zeros(1, 1, 4, 4, requires_grad=True)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32, :] = 1
    terms = losses.discriminator_terms(real, fake, mask)
    sum(terms.values()).backward()
    assert (fake.grad[..., :2, :] > 0).all()  # a step down lowers these logits
    assert (fake.grad[..., 2:, :] < 0).all()
    assert (real.grad < 0).all()


def test_r1_is_the_squared_gradient_of_the_masked_logits():
    weight = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    conv = nn.Conv2d(3, 1, 16, stride=16, bias=False)
    conv.weight = nn.Parameter(weight)
    images = torch.rand(2, 3, 32, 16, requires_grad=True)
    logits = conv(images)  # (2, 1, 2, 1): one logit a half
    mask = torch.zeros(2, 1, 32, 16)
    mask[0, :, 3, 3] = 1  # the first image's upper half
    penalty = losses.r1_penalty(logits, images, mask)
    assert penalty.item() == pytest.approx(weight.square().sum().item() / 2, rel=1e-5)
    penalty.backward()
    assert conv.weight.grad.abs().sum() > 0


def test_feature_matching_teaches_the_generator_alone():
    fake = [torch.ones(1, 2, 4, 4, requires_grad=True), torch.ones(1, 4, 2, 2, requires_grad=True)]
    real = [torch.zeros(1, 2, 4, 4, requires_grad=True), torch.zeros(1, 4, 2, 2)]
    loss = losses.feature_matching(fake, real)
    loss.backward()
    assert loss.item() == pytest.approx(1)
    assert all(f.grad is not None for f in fake)
    assert real[0].grad is None


def test_terms_are_weighted_and_left_out_at_zero(pair):
    output, target, mask = pair
    painted = torch.where(mask > 0.5, output, target + 0.1)
    weights = LossWeights(
        l1=2.0, charbonnier=0, mse=3.0, psnr=0, known=5.0, spectral=0, perceptual=0
    )
    terms = PixelLoss(weights)(painted, output, target, mask)
    assert set(terms) == {"l1", "mse", "known"}
    assert terms["l1"].item() == pytest.approx(2 * losses.l1(output, target, mask).item())
    assert terms["mse"].item() == pytest.approx(3 * losses.squared(output, target, mask).item())
    assert terms["known"].item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mse": -1.0},
        {"l1": math.nan},
        {"charbonnier": 0.0, "mse": 0.0, "psnr": 0.0, "spectral": 0.0},
        {"epsilon": 0.0},
        {"spectral_size": 2},
    ],
)
def test_weights_that_make_no_sense_are_refused(wrong):
    with pytest.raises(OptionsError):
        LossWeights(**wrong)


def test_by_default_there_is_no_discriminator():
    assert not LossWeights().needs_discriminator
    assert LossWeights(matching=1.0).needs_discriminator
