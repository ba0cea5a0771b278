"""The convolution of twice the resolution against its definition."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textclean.nets.shuffle import grown


def drawn(layout: torch.memory_format) -> tuple[nn.Conv2d, Tensor, Tensor]:
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 4 * 5, 1)
    x = torch.randn(2, 6, 3, 4).contiguous(memory_format=layout)
    skip = torch.randn(2, 5, 6, 8).contiguous(memory_format=layout)
    return conv, x, skip


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_is_a_shuffled_convolution_and_the_skip(layout: torch.memory_format) -> None:
    conv, x, skip = drawn(layout)
    expected = F.pixel_shuffle(conv(x), 2) + skip
    with torch.inference_mode():
        found = grown(conv, x, skip.clone())
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=layout)


def test_with_gradients_the_skip_stays_as_it_is() -> None:
    conv, x, skip = drawn(torch.channels_last)
    before = skip.clone()
    grown(conv, x.requires_grad_(), skip).square().sum().backward()
    assert torch.equal(skip, before)
    found = [x.grad, conv.weight.grad, conv.bias.grad]
    x.grad, conv.weight.grad, conv.bias.grad = None, None, None
    (F.pixel_shuffle(conv(x), 2) + skip).square().sum().backward()
    for one, other in zip(
        found,
        [x.grad, conv.weight.grad, conv.bias.grad],
        strict=True,
    ):
        torch.testing.assert_close(one, other)
