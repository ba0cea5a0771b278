from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from textclean import nets
from textclean.errors import WeightsError
from textclean.nets.ink import PLANES, InkUNet, InkUNetSpec
from textclean.weights import load_network, save_safetensors

TINY = InkUNetSpec(widths=(4, 4, 8), blocks=(1, 1, 2))


def make(spec: InkUNetSpec = TINY) -> InkUNet:
    torch.manual_seed(0)
    return InkUNet(spec).eval()


def page(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_the_specification_survives_json() -> None:
    for spec in (InkUNetSpec(), TINY):
        assert InkUNetSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "change",
    [{"widths": [4]}, {"widths": [4, 0, 8]}, {"blocks": [1, 0, 1]}, {"blocks": [1, 1, 10**6]},
     {"widths": "4"}, {"blocks": [1, 1, True]}, {"depth": 1}],
)  # fmt: skip
def test_impossible_specifications_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        InkUNetSpec.from_dict({**TINY.to_dict(), **change})


def test_the_default_fits_its_file_and_sees_large_sound_effects() -> None:
    spec = InkUNetSpec()
    with torch.device("meta"):
        count = sum(p.numel() for p in InkUNet(spec).parameters())
    assert 2 * count < 8e6  # bytes in fp16
    assert spec.multiple == 32
    assert spec.reach >= 300


def test_every_pixel_gets_its_planes_and_starts_undecided() -> None:
    with torch.inference_mode():
        logits = make(InkUNetSpec())(page(64, 96, 2))
    assert logits.shape == (2, len(PLANES), 64, 96)
    assert 0 < logits.abs().max() < 3


@pytest.mark.parametrize("shape", [(1, 3, 24, 20), (1, 1, 24, 24), (3, 24, 24)])
def test_shapes_that_do_not_fit_are_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        make()(torch.zeros(shape))


@pytest.mark.parametrize(
    "spec",
    [TINY, InkUNetSpec((4,), (2,)), InkUNetSpec((4, 4), (2, 1)), InkUNetSpec((2,) * 4, (1,) * 4)],
    ids=str,
)
def test_reach_is_the_farthest_that_a_pixel_acts_and_no_farther(spec: InkUNetSpec) -> None:
    network = make(spec)
    torch.nn.init.normal_(network.head.weight)
    multiple, reach = spec.multiple, spec.reach
    side = -(-2 * (reach + multiple) // multiple) * multiple + multiple
    middle = side // 2 // multiple * multiple
    farthest = 0
    for phase in range(multiple):
        image = page(multiple, side).double().requires_grad_()
        network.double()(image)[0, :, multiple // 2, middle + phase].sum().backward()
        assert image.grad is not None
        columns = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten() - (middle + phase)
        farthest = max(farthest, int(columns.abs().max()))
    assert farthest == reach


def test_a_tile_gives_what_the_page_gives() -> None:
    network, reach, multiple = make(), TINY.reach, TINY.multiple
    halo = -(-reach // multiple) * multiple
    cut = halo + multiple
    image = page(multiple * 8, 2 * cut + halo)
    with torch.inference_mode():
        whole = network(image)
        left = network(image[..., : cut + halo])[..., :cut]
        right = network(image[..., cut - halo :])[..., halo:]
    assert torch.allclose(torch.cat([left, right], dim=3), whole, atol=1e-5)


def test_batches_and_memory_formats_agree() -> None:
    network, image = make(), page(24, 32, 3)
    with torch.inference_mode():
        together = network(image)
        alone = torch.cat([network(one[None]) for one in image])
        last = network.to(memory_format=torch.channels_last)(image)  # type: ignore[call-overload]
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together, last, atol=1e-5)


def test_gradients_reach_every_weight() -> None:
    network = make()
    network(page(24, 24)).square().mean().backward()
    assert not [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]


def test_weights_survive_the_file(tmp_path: Path) -> None:
    network, image = make(), page(24, 32)
    path = save_safetensors(network, network.spec, tmp_path / "ink.safetensors", dtype="float32")
    loaded = load_network(path)
    assert loaded.architecture == nets.INK_UNET
    assert loaded.spec == TINY
    assert (loaded.requirement.minimum, loaded.requirement.multiple) == (16, 8)
    assert isinstance(loaded.module, InkUNet)
    with torch.inference_mode():
        assert torch.equal(loaded.module(image), network(image))
    half = load_network(save_safetensors(network, network.spec, tmp_path / "half.safetensors"))
    assert isinstance(half.module, InkUNet)
    with torch.inference_mode():
        assert torch.allclose(half.module(image), network(image), atol=0.01)


def test_a_file_with_an_unreadable_specification_is_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    about = {"architecture": nets.INK_UNET, "spec": "[1"}
    save_file({"a": torch.zeros(1)}, tmp_path / "bad.safetensors", about)
    with pytest.raises(WeightsError, match="specification"):
        load_network(tmp_path / "bad.safetensors")
