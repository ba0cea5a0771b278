from __future__ import annotations

import pytest
import torch

from textclean.nets.discriminator import PatchDiscriminator, shrink_mask


def make(ndf: int = 8, layers: int = 4) -> PatchDiscriminator:
    torch.manual_seed(0)
    return PatchDiscriminator(ndf=ndf, layers=layers)


def test_the_published_structure() -> None:
    with torch.device("meta"):
        critic = PatchDiscriminator(3, 64, 4)
    assert [tuple(c.weight.shape) for c in (*critic.features, critic.logits)] == [
        (64, 3, 4, 4),
        (128, 64, 4, 4),
        (256, 128, 4, 4),
        (512, 256, 4, 4),
        (512, 512, 4, 4),
        (1, 512, 4, 4),
    ]
    assert [c.stride[0] for c in critic.features] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize("layers", [1, 3, 4])
def test_logits_and_a_feature_map_per_layer(layers: int) -> None:
    logits, maps = make(layers=layers)(torch.rand(2, 3, 64, 48))
    assert logits.shape[:2] == (2, 1)
    assert len(maps) == layers + 1
    assert [m.shape[1] for m in maps] == [8 * min(2**i, 8) for i in range(layers + 1)]
    assert maps[0].shape[2:] == (33, 25)  # half, and one more for the even kernel
    assert logits.shape[2] == maps[-1].shape[2] + 1


def test_a_window_is_judged_without_its_neighbours() -> None:
    critic = make().double()
    images = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    together, _ = critic(images)
    alone, _ = critic(images[1:2])
    torch.testing.assert_close(alone, together[1:2], rtol=0, atol=1e-12)


def test_the_gradient_penalty_has_a_gradient() -> None:
    critic = make()
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(critic(images)[0].sum(), images, create_graph=True)
    gradient.square().sum(dim=(1, 2, 3)).mean().backward()
    for name, parameter in critic.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_it_learns_to_tell_flat_from_striped() -> None:
    critic = make(layers=2)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    stripes = (torch.arange(32) % 4 < 2).float().expand(4, 3, 32, 32)
    flat = torch.full_like(stripes, 0.5)
    for _ in range(60):
        loss = (-critic(stripes)[0]).exp().log1p().mean() + critic(flat)[0].exp().log1p().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert critic(stripes)[0].mean() > 1
    assert critic(flat)[0].mean() < -1


@pytest.mark.parametrize("size", [(5, 5), (10, 7), (1, 1), (64, 64)])
def test_no_stroke_is_lost_when_a_mask_shrinks(size: tuple[int, int]) -> None:
    for y, x in ((0, 0), (63, 63), (31, 17)):
        mask = torch.zeros(1, 1, 64, 64)
        mask[..., y, x] = 1
        small = shrink_mask(mask, size)
        assert small.shape == (1, 1, *size)
        assert small.max() == 1
        row, column = small[0, 0].nonzero()[0].tolist()
        assert abs((row + 0.5) / size[0] - (y + 0.5) / 64) <= 1 / size[0]
        assert abs((column + 0.5) / size[1] - (x + 0.5) / 64) <= 1 / size[1]


@pytest.mark.parametrize("arguments", [(0, 8, 4), (3, 0, 4), (3, 8, 0)])
def test_impossible_structures_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="a discriminator of"):
        PatchDiscriminator(*arguments)
