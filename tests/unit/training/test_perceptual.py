from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from textclean.errors import FileAccessError, WeightsError
from textclean.training.perceptual import DilatedResNet50, PerceptualLoss, load_perceptual_loss


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine, threads that wait for each other cost more than they give."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = DilatedResNet50()
    generator = torch.Generator().manual_seed(1)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
    return made.eval()


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(2)
    return torch.rand(2, 1, 3, 32, 48, generator=generator)


def test_counts_and_shapes_are_those_of_the_published_encoder(network):
    # ResNet-50 without its classifier has 23,508,032 parameters; the stem of three convolutions
    # and the 128 channels it hands on make the difference.
    stem = 3 * 64 * 9 + 64 * 64 * 9 + 64 * 128 * 9 - 3 * 64 * 49 + 2 * 64 + 2 * 128
    first_block = 64 * 64 + 64 * 256
    assert sum(p.numel() for p in network.parameters()) == 23_508_032 + stem + first_block
    names = set(network.state_dict())
    assert {"conv3.weight", "bn3.running_var", "layer1.0.downsample.1.bias"} <= names
    assert {"layer3.5.conv3.weight", "layer4.0.downsample.0.weight"} <= names
    with torch.no_grad():
        shapes = [tuple(f.shape) for f in network(torch.zeros(1, 3, 32, 48))]
    assert shapes == [(1, 256, 8, 12), (1, 512, 4, 6), (1, 1024, 4, 6), (1, 2048, 4, 6)]


def test_dilated_stages_see_what_strided_ones_would(network, images):
    """Every fourth pixel of the last stage is that of ResNet-50 with its strides left in."""
    strided = DilatedResNet50().eval()
    strided.load_state_dict(network.state_dict())
    for stage in (strided.layer3, strided.layer4):
        for i, block in enumerate(stage):
            block.conv2.dilation = block.conv2.padding = (1, 1)
            block.conv2.stride = (2, 2) if i == 0 else (1, 1)
        stage[0].downsample[0].stride = (2, 2)
    with torch.no_grad():
        ours, theirs = network(images[0]), strided(images[0])
    assert torch.allclose(ours[2][..., ::2, ::2], theirs[2], atol=1e-4, rtol=1e-4)
    assert torch.allclose(ours[3][..., ::4, ::4], theirs[3], atol=1e-4, rtol=1e-4)


def test_is_zero_for_equal_images_and_teaches_the_output_alone(network, images):
    loss = PerceptualLoss(network).train()
    output, target = images[0].requires_grad_(), images[1].requires_grad_()
    assert loss(images[1], images[1]).item() == 0
    loss(output, target).backward()
    assert output.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(m.training for m in loss.modules())
    assert not any(p.requires_grad for p in loss.parameters())


@pytest.mark.parametrize("form", ["zip", "old", "safetensors", "with decoder"])
def test_all_forms_of_the_file_give_the_same_loss(network, images, tmp_path, form):
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "encoder_epoch_20.pth")
    tensors = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    if form == "safetensors":
        save_file(tensors, path)
    elif form == "with decoder":
        torch.save({**tensors, "decoder.conv.weight": torch.zeros(1)}, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=form == "zip")
    with torch.no_grad():
        expected = PerceptualLoss(network)(*images)
        assert torch.equal(load_perceptual_loss(path)(*images), expected)


def test_a_planted_payload_does_not_run(tmp_path):
    witness = tmp_path / "witness"

    class Payload:
        def __reduce__(self):
            return (open, (str(witness), "w"))

    path = tmp_path / "encoder_epoch_20.pth"
    torch.save({"conv1.weight": Payload()}, path)
    with pytest.raises(WeightsError):
        load_perceptual_loss(path)
    path.write_bytes(pickle.dumps({"conv1.weight": Payload()}))
    with pytest.raises(WeightsError):
        load_perceptual_loss(path)
    assert not witness.exists()


def test_another_network_is_refused_by_name(network, tmp_path):
    path = tmp_path / "other.pth"
    tensors = network.state_dict()
    torch.save({k: v for k, v in tensors.items() if not k.startswith("layer4.2")}, path)
    with pytest.raises(WeightsError, match=r"layer4\.2\.bn1\.bias.*encoder_epoch_20"):
        load_perceptual_loss(path)
    torch.save({**tensors, "conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(WeightsError, match=r"conv1\.weight"):
        load_perceptual_loss(path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="no dictionary"):
        load_perceptual_loss(path)
    with pytest.raises(FileAccessError):
        load_perceptual_loss(tmp_path / "nothing.pth")
