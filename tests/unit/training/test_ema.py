from __future__ import annotations

import pytest
import torch
from torch import nn

from textclean.training.ema import WeightAverage, has_batch_norm, recalibrated


def test_the_average_is_the_recursion():
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
    average = WeightAverage(network, decay=0.5)
    expected = 1.0
    for t, value in enumerate((2.0, 4.0, -1.0, 3.0, 5.0, 0.0, 9.0, 1.0, 1.5, 2.5, 7.0)):
        with torch.no_grad():
            network.weight.fill_(value)
        average.update(network)
        decay = min(0.5, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * value
        assert average.network.weight.item() == pytest.approx(expected, rel=1e-6)
    assert average.updates == 11


def test_the_network_itself_is_not_touched():
    network = nn.Linear(2, 2)
    before = network.weight.clone()
    average = WeightAverage(network, decay=0.9)
    average.update(nn.Linear(2, 2))
    assert torch.equal(network.weight, before)
    assert network.weight.requires_grad
    assert not average.network.weight.requires_grad


def test_counters_are_copied_and_statistics_averaged():
    network = nn.BatchNorm2d(2)
    average = WeightAverage(network, decay=0.0)
    network.running_mean.fill_(3.0)
    network.num_batches_tracked.fill_(7)
    average.update(network)
    assert average.network.num_batches_tracked.item() == 7
    assert torch.equal(average.network.running_mean, network.running_mean)


def test_recalibrated_statistics_are_the_mean_over_the_batches():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1)).eval()
    network[0].running_mean.fill_(100.0)
    generator = torch.Generator().manual_seed(0)
    batches = [{"x": torch.randn(4, 3, 5, 5, generator=generator) + i} for i in range(3)]
    fresh = recalibrated(network, batches, lambda net, batch: net(batch["x"]))
    means = torch.stack([b["x"].mean(dim=(0, 2, 3)) for b in batches])
    variances = torch.stack([b["x"].var(dim=(0, 2, 3)) for b in batches])
    assert torch.allclose(fresh[0].running_mean, means.mean(0), atol=1e-6)
    assert torch.allclose(fresh[0].running_var, variances.mean(0), atol=1e-6)
    assert fresh[0].momentum == network[0].momentum == 0.1
    assert not fresh.training
    assert not fresh[0].training
    assert (network[0].running_mean == 100).all()


def test_a_network_without_batch_norm_needs_no_batches():
    network = nn.Conv2d(1, 1, 1)
    assert not has_batch_norm(network)

    def batches():
        raise AssertionError("not asked for")
        yield {}

    assert recalibrated(network, batches(), lambda *_: None) is network
