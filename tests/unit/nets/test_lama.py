from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from textclean.nets.lama import LamaGenerator, LamaSpec, measure_positions

SMALL = LamaSpec(width=8, blocks=2)


def small(spec: LamaSpec = SMALL, seed: int = 0) -> LamaGenerator:
    torch.manual_seed(seed)
    return LamaGenerator(spec).eval()


def window(height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    image = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))
    hole = torch.zeros(batch, 1, height, width)
    hole[..., height // 3 : 2 * height // 3, width // 4 : width // 2] = 1
    return image, hole


@pytest.mark.parametrize(
    ("blocks", "parameters", "keys"),
    [(6, 19_073_155, 365), (9, 27_048_835, 521), (18, 50_975_875, 989)],
)
def test_the_published_sizes(blocks: int, parameters: int, keys: int) -> None:
    with torch.device("meta"):
        network = LamaGenerator(LamaSpec(blocks=blocks))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == keys


def test_the_published_names() -> None:
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in LamaGenerator(LamaSpec()).state_dict().items()}
    for name, shape in {
        "model.1.ffc.convl2l.weight": (64, 4, 7, 7),
        "model.4.ffc.convl2l.weight": (128, 256, 3, 3),
        "model.4.ffc.convl2g.weight": (384, 256, 3, 3),
        "model.4.bn_g.running_var": (384,),
        "model.5.conv1.ffc.convg2l.weight": (128, 384, 3, 3),
        "model.13.conv2.ffc.convg2g.conv1.0.weight": (192, 384, 1, 1),
        "model.13.conv2.ffc.convg2g.conv1.1.bias": (192,),
        "model.13.conv2.ffc.convg2g.fu.conv_layer.weight": (384, 384, 1, 1),
        "model.13.conv2.ffc.convg2g.fu.bn.weight": (384,),
        "model.13.conv2.ffc.convg2g.conv2.weight": (384, 192, 1, 1),
        "model.15.weight": (512, 256, 3, 3),
        "model.15.bias": (256,),
        "model.22.running_mean": (64,),
        "model.25.weight": (3, 64, 7, 7),
        "model.25.bias": (3,),
    }.items():
        assert shapes[name] == shape, name


def test_mask_positions_add_the_published_tensors() -> None:
    with torch.device("meta"):
        plain, more = LamaGenerator(LamaSpec()), LamaGenerator(LamaSpec(mpe=True))
    shapes = {k: tuple(v.shape) for k, v in more.state_dict().items()}
    assert {k: shapes[k] for k in set(shapes) - set(plain.state_dict())} == {
        "mpe.rel_pos_emb.weight": (128, 64),
        "mpe.direct_emb.weight": (4, 64),
        "mpe.alpha5": (),
        "mpe.alpha6": (),
    }


@pytest.mark.parametrize(
    "spec",
    [
        LamaSpec(),
        LamaSpec(blocks=18, mpe=True),
        LamaSpec(in_channels=2, out_channels=1, width=24, blocks=6, ratio=0.5),
        LamaSpec(width=20, ratio=0.3),
    ],
)
def test_the_specification_is_read_off_the_shapes(spec: LamaSpec) -> None:
    with torch.device("meta"):
        network = LamaGenerator(spec)
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    found = LamaSpec.from_shapes(shapes)
    with torch.device("meta"):
        again = LamaGenerator(found)
    assert {k: tuple(v.shape) for k, v in again.state_dict().items()} == shapes
    assert LamaSpec.from_dict(found.to_dict()) == found


def test_shapes_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match="not the tensors of a LaMa generator"):
        LamaSpec.from_shapes({"model.1.ffc.convl2l.weight": (64, 4, 7, 7)})


@pytest.mark.parametrize("change", [{"width": 0}, {"blocks": "9"}, {"ratio": 1.5}, {"mpe": 1}])
def test_impossible_specifications_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        LamaSpec.from_dict({**SMALL.to_dict(), **change})


@pytest.mark.parametrize("size", [(16, 16), (24, 16), (32, 72), (64, 40)])
@pytest.mark.parametrize("mpe", [False, True])
def test_any_multiple_of_8_from_16_up(size: tuple[int, int], mpe: bool) -> None:
    network = small(LamaSpec(width=8, blocks=1, mpe=mpe))
    with torch.inference_mode():
        painted = network(*window(*size))
    assert painted.shape == (1, 3, *size)
    assert painted.min() >= 0 and painted.max() <= 1


@pytest.mark.parametrize("size", [(8, 16), (20, 16), (0, 16)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 8 and at least 16"):
        small()(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))


def test_what_lies_in_the_hole_does_not_matter() -> None:
    network, (image, hole) = small(), window(32, 32)
    with torch.inference_mode():
        assert torch.equal(network(image, hole), network(image * (1 - hole), hole))
        assert not torch.equal(network(image, hole), network(image * hole, hole))


def test_gradients_flow_to_every_parameter() -> None:
    network = small(LamaSpec(width=8, blocks=2, mpe=True)).train()
    nn.init.ones_(network.mpe.alpha5)
    nn.init.ones_(network.mpe.alpha6)
    image, hole = window(32, 32, batch=2)
    (network(image, hole) - 0.3).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_eval_is_deterministic() -> None:
    network, inputs = small(), window(48, 32)
    with torch.inference_mode():
        assert torch.equal(network(*inputs), network(*inputs))


@pytest.mark.parametrize("mpe", [False, True])
def test_folding_changes_nothing(mpe: bool) -> None:
    network = small(LamaSpec(width=8, blocks=2, mpe=mpe)).double()
    generator = torch.Generator().manual_seed(3)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.uniform_(-0.3, 0.3, generator=generator)
            norm.running_var.uniform_(0.3, 3, generator=generator)
            norm.weight.data.uniform_(0.5, 1.5, generator=generator)
            norm.bias.data.uniform_(-0.3, 0.3, generator=generator)
    folded = copy.deepcopy(network)
    folded.fold()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    image, hole = (x.double() for x in window(32, 40))
    with torch.inference_mode():
        painted = network(image, hole)
        torch.testing.assert_close(folded(image, hole), painted, rtol=0, atol=1e-12)
    assert painted.std() > 1e-3  # something to compare


def chessboard(hole: np.ndarray) -> np.ndarray:
    """Distance of each hole pixel to the nearest known one, by looking at all of them."""
    known = np.argwhere(~hole)
    out = np.zeros(hole.shape, int)
    for y, x in np.argwhere(hole):
        out[y, x] = np.abs(known - (y, x)).max(axis=1).min()
    return out


def test_positions_are_chessboard_distances_and_sides() -> None:
    hole = torch.zeros(1, 1, 256, 256)
    hole[0, 0, 100:109, 50:61] = 1
    hole[0, 0, 0:4, 0:6] = 1  # at a corner: known pixels on two sides only
    distance, sides = measure_positions(hole)
    near = hole[0, 0, 90:120, 40:70].numpy() > 0
    np.testing.assert_array_equal(distance[0, 90:120, 40:70].numpy(), chessboard(near))
    assert distance[0, 0, 0] == 4 and distance[0, 3, 5] == 1
    assert distance[0][hole[0, 0] == 0].max() == 0
    # Upper left, lower left, upper right, lower right.
    assert sides[0, :, 100, 50].tolist() == [1, 1, 1, 0]
    assert sides[0, :, 108, 60].tolist() == [0, 1, 1, 1]
    assert sides[0, :, 104, 55].tolist() == [1, 1, 1, 1]  # 5 from above and from below
    assert sides[0, :, 104, 50].tolist() == [1, 1, 0, 0]
    assert sides[0, :, 10, 10].tolist() == [0, 0, 0, 0]


def test_positions_at_other_sizes_stay_in_the_hole() -> None:
    hole = torch.zeros(2, 1, 64, 96)
    hole[0, 0, 16:48, 24:72] = 1
    hole[1] = 1  # nothing known: no distance to measure
    distance, sides = measure_positions(hole)
    assert distance.shape == (2, 64, 96) and sides.shape == (2, 4, 64, 96)
    assert distance[0, 32, 48] == 64  # of 256, not 16 of 64
    assert (distance[0] > 0).eq(hole[0, 0] > 0).all()
    assert distance[1].max() == 0 and sides[1].max() == 0
