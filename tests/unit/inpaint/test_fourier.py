from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from textclean.errors import DependencyError, MaskError, PageError, WeightsError
from textclean.inpaint import fourier
from textclean.inpaint.fourier import FourierInpainter
from textclean.inpaint.jobs import Job
from textclean.inpaint.priors import make_priors, predicted_error
from textclean.inpaint.ring import ring_correction
from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.protocols import ErrorPredictor
from textclean.types import Image, Mask, Window
from textclean.weights import LoadedNetwork, SizeRequirement, save_safetensors


def loaded(module: FourierUNet | LamaGenerator) -> LoadedNetwork:
    size = SizeRequirement(module.spec.minimum, module.spec.multiple)
    kind = "lama" if isinstance(module, LamaGenerator) else "fourier-unet"
    return LoadedNetwork(module.eval(), kind, module.spec, size, Path("made.safetensors"), {})


def make_unet(priors: int = 2, spectral: int = 16) -> FourierUNet:
    """With weights that do something everywhere."""
    torch.manual_seed(0)
    network = FourierUNet(
        FourierUNetSpec((16, 32, 32), (1, 1, 1), (spectral, spectral, spectral), priors)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.03)
    return network


def make_lama() -> LamaGenerator:
    torch.manual_seed(0)
    network = LamaGenerator(LamaSpec(width=8, blocks=1))
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.uniform_(-0.3, 0.3)
            norm.running_var.uniform_(0.02, 0.2)
    return network


class Scripted(nn.Module):
    """A network whose painting is given by a function of its inputs."""

    def __init__(self, paint: Callable[..., Tensor], spec: FourierUNetSpec) -> None:
        super().__init__()
        self.paint, self.spec = paint, spec
        self.calls: list[tuple[Tensor, ...]] = []

    def forward(self, *inputs: Tensor) -> Tensor:
        self.calls.append(inputs)
        return self.paint(*inputs)


class ScriptedLama(LamaGenerator):
    """A LaMa generator that paints what it is told."""

    def __init__(self, paint: Callable[..., Tensor]) -> None:
        super().__init__(LamaSpec(width=2, blocks=1))
        self.paint = paint

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        return self.paint(image, hole)


def scripted(paint: Callable[..., Tensor], priors: int = 0, **options: int) -> FourierInpainter:
    network = Scripted(paint, FourierUNetSpec((8, 8, 8), (0, 0, 0), (0, 0, 0), priors))
    inpainter = FourierInpainter(loaded(network), "cpu", **options)  # type: ignore[arg-type]
    inpainter._module.calls = network.calls = []
    return inpainter


def calls(inpainter: FourierInpainter) -> list[tuple[Tensor, ...]]:
    return inpainter._module.calls


def constant(value: float) -> Callable[..., Tensor]:
    return lambda image, *_: torch.full_like(image, value)


def window(height: int = 40, width: int = 56, seed: int = 0) -> tuple[Image, Mask]:
    """A coloured window with a hole in its middle."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2, width // 4 : width // 2] = True
    return image, mask


@pytest.mark.parametrize("make", [make_unet, make_lama, lambda: make_unet(0)])
def test_nothing_outside_the_mask_changes(make: Callable[[], nn.Module]) -> None:
    image, mask = window(70, 90)
    before = image.copy()
    out = FourierInpainter(loaded(make()), "cpu")(image, mask)
    assert out.dtype == np.uint8 and out.shape == image.shape
    np.testing.assert_array_equal(out[~mask], image[~mask])
    assert (out[mask] != image[mask]).any()
    np.testing.assert_array_equal(image, before)


def test_no_hole_no_work() -> None:
    image, mask = window()
    inpainter = scripted(constant(0.0))
    np.testing.assert_array_equal(inpainter(image, mask & False), image)
    np.testing.assert_array_equal(inpainter.fill_windows([(image, mask & False, None)])[0], image)
    assert not calls(inpainter)


@pytest.mark.parametrize(
    ("value", "level"),
    [(1.0, 255), (254.6 / 255, 255), (254.4 / 255, 254), (0.4 / 255, 0), (7.0, 255), (-3.0, 0)],
)
def test_rounded_and_clamped(value: float, level: int) -> None:
    image, mask = window()
    out = scripted(constant(value)).fill_windows([(image, mask, None)])[0]
    assert (out[mask] == level).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_a_page_error(bad: float) -> None:
    image, mask = window()

    def paint(image: Tensor, *_: Tensor) -> Tensor:
        out = image.clone()
        out[..., 12, 16] = bad  # one pixel in the hole
        return out

    with pytest.raises(PageError, match="not finite"):
        scripted(paint)(image, mask)


def test_such_values_outside_the_hole_do_no_harm() -> None:
    image, mask = window()

    def paint(image: Tensor, *_: Tensor) -> Tensor:
        out = torch.full_like(image, 0.5)
        out[..., 0, 0] = float("nan")
        return out

    assert (scripted(paint)(image, mask)[mask] == 128).all()


@pytest.mark.parametrize("make", [make_unet, make_lama, lambda: make_unet(0)])
def test_grey_windows_give_grey_results(make: Callable[[], nn.Module]) -> None:
    image, mask = window()
    image[...] = image[..., :1]
    image[mask] = (255, 0, 0)  # the lettering itself may be coloured
    out = FourierInpainter(loaded(make()), "cpu").fill_windows([(image, mask, None)])[0]
    assert (out[mask] == out[mask][:, :1]).all()
    assert out[mask].std() > 1


def test_coloured_windows_stay_coloured() -> None:
    image, mask = window()
    out = FourierInpainter(loaded(make_unet()), "cpu").fill_windows([(image, mask, None)])[0]
    assert (out[mask] != out[mask][:, :1]).any()


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (3, 5), (1, 1), (33, 8)])
def test_padding_to_the_size_rule_by_reflection(size: tuple[int, int]) -> None:
    image, _ = window(*size)
    mask = np.zeros(size, bool)
    mask[0, 0] = True
    inpainter = scripted(lambda image, *_: image)
    out = inpainter.fill_windows([(image, mask, None)])[0]
    np.testing.assert_array_equal(out, image)
    (seen, *_), *more = calls(inpainter)
    assert not more
    height, width = seen.shape[2:]
    assert height % 8 == 0 and width % 8 == 0 and min(height, width) >= 16
    assert height - size[0] < 16 and width - size[1] < 16
    values = (seen[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
    np.testing.assert_array_equal(values[: size[0], : size[1]], image)
    if 1 < size[0] < height:
        np.testing.assert_array_equal(values[size[0]], values[size[0] - 2])
    if 1 < size[1] < width:
        np.testing.assert_array_equal(values[:, size[1]], values[:, size[1] - 2])


def test_what_the_network_is_given() -> None:
    image, mask = window(32, 48)
    seen = mask.copy()
    seen[:10] = False
    inpainter = scripted(lambda image, *_: image, priors=2)
    inpainter.fill_windows([(image, mask, seen)])
    ((shown, hole, see_through, priors),) = calls(inpainter)
    assert shown.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(shown[0].permute(1, 2, 0), image / 255, atol=1e-6)
    np.testing.assert_array_equal(hole[0, 0], mask)
    np.testing.assert_array_equal(see_through[0, 0], seen)
    telea = cv2.inpaint(image, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    np.testing.assert_allclose(priors[0, 1].permute(1, 2, 0), telea / 255, atol=1e-6)
    assert priors.shape == (1, 2, 3, 32, 48)
    known = ~mask
    np.testing.assert_allclose(
        priors[0, 0].permute(1, 2, 0).numpy()[known], image[known] / 255, atol=1e-6
    )


def windows_of_some_sizes(count: int = 7) -> list[tuple[Image, Mask, Mask | None]]:
    sizes = [(40, 56), (48, 48), (40, 56), (33, 50), (40, 50), (64, 40), (40, 56)]
    return [(*window(*size, seed=i), None) for i, size in enumerate(sizes[:count])]


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("make", [lambda: make_unet(0), make_lama])
def test_a_window_does_not_depend_on_its_batch(make: Callable[[], nn.Module], batch: int) -> None:
    inpainter = FourierInpainter(loaded(make()), "cpu", batch=batch)
    windows = windows_of_some_sizes()
    together = inpainter.fill_windows(windows)
    backwards = inpainter.fill_windows(windows[::-1])[::-1]
    for alone, one, other in zip(
        (inpainter.fill_windows([w])[0] for w in windows), together, backwards, strict=True
    ):
        np.testing.assert_array_equal(one, alone)
        np.testing.assert_array_equal(other, alone)


@pytest.mark.parametrize("make", [lambda: make_unet(0, spectral=8), make_lama])
def test_the_number_of_threads_does_not_matter(make: Callable[[], nn.Module]) -> None:
    windows, results = windows_of_some_sizes(3), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            # Convolutions of 8 channels are split among threads in another way than among one.
            inpainter = FourierInpainter(loaded(make()), "cpu")
            results.append(inpainter.fill_windows(windows))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_batches_hold_windows_of_one_size_and_are_filled_up() -> None:
    inpainter = scripted(lambda image, *_: image, batch=2)
    windows = windows_of_some_sizes()
    for (image, _, _), out in zip(windows, inpainter.fill_windows(windows), strict=True):
        np.testing.assert_array_equal(out, image)
    shapes = sorted(tuple(seen.shape) for seen, *_ in calls(inpainter))
    # (40, 56) four times, with (33, 50) and (40, 50) padded to it; the others once.
    assert shapes == [(2, 3, 40, 56)] * 3 + [(2, 3, 48, 48), (2, 3, 64, 40)]


def test_the_network_itself_is_left_alone() -> None:
    network = loaded(make_lama())
    before = {k: v.clone() for k, v in network.module.state_dict().items()}
    inpainter = FourierInpainter(network, "cpu")
    assert not any(isinstance(m, nn.BatchNorm2d) for m in inpainter._module.modules())
    after = network.module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_folded_and_channels_last_paints_the_same() -> None:
    network, (image, mask) = make_lama().eval(), window(48, 64)
    out = FourierInpainter(loaded(network), "cpu").fill_windows([(image, mask, None)])[0]
    with torch.inference_mode():
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        hole = torch.from_numpy(mask)[None, None].float()
        painted = network(x, hole)[0].permute(1, 2, 0).numpy()
    painted = painted + ring_correction(image, mask, painted)
    difference = out[mask] - np.clip(painted[mask], 0, 1) * 255
    assert np.abs(difference).max() <= 0.5 + 1e-2


# Colour shift


def gradient(height: int = 96, width: int = 128) -> Image:
    y, x = np.mgrid[:height, :width]
    return np.stack([60 + x, 200 - y, 100 + 0 * x], axis=2).astype(np.uint8)


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.07])
def test_a_colour_shift_is_taken_back(shift: float) -> None:
    image, mask = gradient(), np.zeros((96, 128), bool)
    mask[40:60, 30:100] = True

    def paint(_: Tensor, hole: Tensor) -> Tensor:
        truth = torch.from_numpy(gradient()).permute(2, 0, 1)[None].float() / 255
        return truth + shift

    shown = image.copy()
    shown[mask] = 0
    network = loaded(ScriptedLama(paint))
    out = FourierInpainter(network, "cpu").fill_windows([(shown, mask, None)])[0]
    assert np.abs(out.astype(int) - image).max() <= 1


def test_a_shift_that_changes_across_the_hole_is_followed() -> None:
    image, mask = gradient(), np.zeros((96, 128), bool)
    mask[30:50, 20:110] = True
    ramp = np.linspace(-0.1, 0.1, 128, dtype=np.float32)[None, :, None]
    painted = image.astype(np.float32) / 255 + ramp
    left = np.abs(painted + ring_correction(image, mask, painted) - image / 255)[mask]
    assert left.mean() < 0.25 * np.abs(ramp).mean()


def test_texture_around_the_hole_is_no_shift() -> None:
    rng = np.random.default_rng(0)
    image = np.repeat(rng.choice([0, 255], (96, 96, 1)).astype(np.uint8), 3, axis=2)
    mask = np.zeros((96, 96), bool)
    mask[40:56, 30:66] = True
    painted = np.full((96, 96, 3), image[~mask].mean() / 255, np.float32)
    assert np.abs(ring_correction(image, mask, painted)[mask]).max() < 0.12


def test_no_ring_no_correction() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    painted = np.ones((16, 16, 3), np.float32)
    for mask in (np.ones((16, 16), bool), np.zeros((16, 16), bool)):
        assert not ring_correction(image, mask, painted).any()


# Pages


def test_a_page_is_filled_window_by_window() -> None:
    image, _ = window(400, 700)
    mask = np.zeros((400, 700), bool)
    mask[30:60, 30:80] = mask[300:330, 600:680] = True
    inpainter = scripted(constant(0.5))
    out = inpainter(image, mask)
    assert (out[mask] == 128).all()
    np.testing.assert_array_equal(out[~mask], image[~mask])
    assert len(calls(inpainter)) == 2
    assert all(seen.shape[2] < 300 and seen.shape[3] < 300 for seen, *_ in calls(inpainter))


def test_the_parts_of_a_cut_hole_see_those_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = window(64, 128)
    mask = np.zeros((64, 128), bool)
    mask[20:40, 20:60] = True  # cut at 40
    mask[50:60, 100:110] = True  # by itself
    made = (
        Window((0, 0, 64, 64), (20, 20, 40, 40)),
        Window((0, 0, 128, 64), (40, 20, 60, 40)),
        Window((64, 16, 128, 64), (100, 50, 110, 60)),
    )
    monkeypatch.setattr(fourier, "merge_windows", lambda *_, **__: made)
    inpainter = scripted(constant(0.5), priors=1)
    out = inpainter(image, mask)
    assert (out[mask] == 128).all()
    by_size = {tuple(call[0].shape[2:]): call for call in calls(inpainter)}
    assert [tuple(c[0].shape[2:]) for c in calls(inpainter)][-1] == (64, 128)  # in the second wave
    first, second = by_size[64, 64][1], by_size[64, 128]
    assert first[0, 0, 30, 50] == 1  # the second part is a hole to the first
    assert second[1][0, 0, 30, 30] == 0 and second[1][0, 0, 30, 50] == 1
    np.testing.assert_allclose(second[0][0, :, 30, 30], 128 / 255)
    np.testing.assert_allclose(second[3][0, 0, :, 30, 30], 128 / 255)  # to the prior as well


@pytest.mark.parametrize("priors", [0, 1, 2])
def test_a_page_with_each_number_of_priors(priors: int) -> None:
    image, mask = window(80, 80)
    seen = np.zeros_like(mask)
    seen[25:30, 25:30] = True
    out = FourierInpainter(loaded(make_unet(priors)), "cpu")(image, mask, seen)
    np.testing.assert_array_equal(out[~mask], image[~mask])


def test_see_through_pixels_count() -> None:
    image, mask = window(64, 64)
    inpainter = FourierInpainter(loaded(make_unet()), "cpu")
    blind = inpainter(image, mask)
    assert (inpainter(image, mask, mask) != blind).any()
    np.testing.assert_array_equal(inpainter(image, mask, mask & False), blind)


def test_masks_that_do_not_fit() -> None:
    image, mask = window()
    inpainter = scripted(constant(0.5))
    with pytest.raises(MaskError, match="the mask is bool of shape"):
        inpainter(image, mask[1:])
    with pytest.raises(MaskError, match="the mask is uint8"):
        inpainter(image, mask.astype(np.uint8))
    with pytest.raises(MaskError, match="see-through mask is bool of shape"):
        inpainter(image, mask, mask[:, 1:])
    with pytest.raises(MaskError, match="reaches beyond"):
        inpainter.fill_windows([(image, mask, ~mask)])


def test_a_page_comes_with_the_error_that_its_priors_tell() -> None:
    image, mask = window(80, 80)
    inpainter = FourierInpainter(loaded(make_unet()), "cpu")
    assert isinstance(inpainter, ErrorPredictor)
    filled, error = inpainter.fill_with_error(image, mask)
    np.testing.assert_array_equal(filled, inpainter(image, mask))
    assert error is not None
    np.testing.assert_array_equal(error, predicted_error(filled, make_priors(image, mask, 2), mask))
    assert (error[mask] > 0).all() and not error[~mask].any()


def test_see_through_pixels_reach_the_network_with_the_error() -> None:
    image, mask = window(64, 64)
    inpainter = FourierInpainter(loaded(make_unet()), "cpu")
    filled, _ = inpainter.fill_with_error(image, mask, mask)
    np.testing.assert_array_equal(filled, inpainter(image, mask, mask))


def some_pages() -> list[tuple[Image, Mask, Mask | None]]:
    """A hole each in the same place of two pages, two holes, none, and a hole that is cut."""
    pages = []
    for seed, holes in enumerate([[(20, 30)], [(20, 30)], [(20, 30), (300, 200)], []]):
        image, _ = window(400, 320, seed)
        mask = np.zeros((400, 320), bool)
        for y, x in holes:
            mask[y : y + 24, x : x + 40] = True
        pages.append((image, mask, mask & (np.arange(320) < 50) if seed == 1 else None))
    image, _ = window(96, 1800, 9)
    mask = np.zeros((96, 1800), bool)
    mask[40:50, 20:1780] = True
    return [*pages, (image, mask, None)]


@pytest.mark.parametrize("batch", [1, 2])
def test_pages_together_are_filled_as_each_alone(batch: int) -> None:
    inpainter = FourierInpainter(loaded(make_unet()), "cpu", batch=batch)
    pages = some_pages()
    for page, (filled, error) in zip(pages, inpainter.fill_pages(pages), strict=True):
        alone, expected = inpainter.fill_with_error(*page)
        np.testing.assert_array_equal(filled, alone)
        np.testing.assert_array_equal(error, expected)
    assert inpainter.fill_pages([]) == []


def test_windows_of_several_pages_share_a_batch() -> None:
    inpainter = scripted(constant(0.5), batch=4)
    same = some_pages()[:2] * 2
    for (image, mask, _), (filled, error) in zip(same, inpainter.fill_pages(same), strict=True):
        assert (filled[mask] == 128).all() and error is None
        np.testing.assert_array_equal(filled[~mask], image[~mask])
    assert [call[0].shape[0] for call in calls(inpainter)] == [4]


@pytest.mark.parametrize(("grid", "multiple"), [(None, 8), (8, 8), (60, 64), (64, 64)])
def test_windows_on_a_coarser_grid(grid: int | None, multiple: int) -> None:
    image, _ = window(700, 900)
    mask = np.zeros((700, 900), bool)
    mask[300:333, 401:470] = True
    network = Scripted(constant(0.5), FourierUNetSpec((8, 8, 8), (0, 0, 0), (0, 0, 0), 0))
    inpainter = FourierInpainter(loaded(network), "cpu", grid=grid)  # type: ignore[arg-type]
    inpainter._module.calls = shown = []
    assert (inpainter(image, mask)[mask] == 128).all()
    assert all(side % multiple == 0 for side in shown[0][0].shape[2:])
    assert multiple == 64 or any(side % 64 for side in shown[0][0].shape[2:])


def test_a_gpu_has_the_next_batch_before_the_last_one_is_waited_for() -> None:
    inpainter, order = scripted(constant(0.5)), []
    inpainter._device = torch.device("meta")  # stands for a GPU

    def forward(jobs: list[Job], batch: int) -> list[Callable[[], np.ndarray]]:
        number = sum(what == "begin" for what, _ in order)
        order.append(("begin", number))

        def wait() -> np.ndarray:
            order.append(("wait", number))
            return np.full((*jobs[0].mask.shape, 3), number / 255, np.float32)

        return [wait]

    inpainter._forward = forward  # type: ignore[method-assign]
    windows = [(*window(seed=i), None) for i in range(3)]
    filled = inpainter.fill_windows(windows)
    assert [what + str(number) for what, number in order] == [
        "begin0", "begin1", "wait0", "begin2", "wait1", "wait2",
    ]  # fmt: skip
    for number, ((_, mask, _), out) in enumerate(zip(windows, filled, strict=True)):
        assert (out[mask] == number).all()


@pytest.mark.parametrize("make", [make_lama, lambda: make_unet(0)])
def test_without_priors_nothing_is_said_of_the_error(make: Callable[[], nn.Module]) -> None:
    inpainter = FourierInpainter(loaded(make()), "cpu")
    assert inpainter.fill_with_error(*window())[1] is None
    assert inpainter.prior_names == ()
    assert inpainter.unmixes is not isinstance(inpainter._module, LamaGenerator)


@pytest.mark.parametrize("count", [1, 2])
def test_windows_come_with_their_priors(count: int) -> None:
    windows = windows_of_some_sizes(3)
    inpainter = FourierInpainter(loaded(make_unet(count)), "cpu")
    assert inpainter.prior_names == ("projection", "telea")[:count]
    for (image, mask, _), alone, (filled, *priors) in zip(
        windows,
        inpainter.fill_windows(windows),
        inpainter.fill_with_priors(windows),
        strict=True,
    ):
        np.testing.assert_array_equal(filled, alone)
        for prior, expected in zip(priors, make_priors(image, mask, count), strict=True):
            np.testing.assert_array_equal(prior, expected)


# Out of memory


def too_large(pixels: int) -> Callable[..., Tensor]:
    """A device that runs out of memory over so many pixels a batch."""

    def paint(image: Tensor, *_: Tensor) -> Tensor:
        batch, _, height, width = image.shape
        if batch * height * width > pixels:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return image * 0 + 0.5

    return paint


def test_out_of_memory_halves_the_batch() -> None:
    windows = [(*window(64, 64, seed=i), None) for i in range(5)]
    inpainter = scripted(too_large(2 * 64 * 64), batch=4)
    for (_, mask, _), out in zip(windows, inpainter.fill_windows(windows), strict=True):
        assert (out[mask] == 128).all()
    sizes = [call[0].shape[0] for call in calls(inpainter)]
    # Four windows and one, side by side: the four fail and run in pairs, the one fails or not,
    # depending on whether it comes first.
    assert sizes.count(2) == 3 and sizes.count(4) in (1, 2) and len(sizes) == sizes.count(4) + 3


def test_then_the_window() -> None:
    image, _ = window(80, 600)
    mask = np.zeros((80, 600), bool)
    mask[20:60, 20:580] = True

    def paint(image: Tensor, *rest: Tensor) -> Tensor:
        too_large(80 * 400)(image)
        return image  # shows whether the halves are put together in their places

    inpainter = scripted(paint)
    out = inpainter.fill_windows([(image, mask, None)])[0]
    np.testing.assert_array_equal(out, image)
    assert [call[0].shape[3] for call in calls(inpainter)] == [600, 368, 368]
    turned = inpainter.fill_windows(
        [(np.ascontiguousarray(image.swapaxes(0, 1)), np.ascontiguousarray(mask.T), None)]
    )[0]
    np.testing.assert_array_equal(turned, image.swapaxes(0, 1))


def test_then_the_cpu_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    def paint(image: Tensor, *_: Tensor) -> Tensor:
        if inpainter._device.type != "cpu":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return image * 0 + 0.5

    inpainter = scripted(paint)
    inpainter._device = torch.device("meta")  # stands for a GPU that holds nothing
    inpainter._forward = lambda *args: (  # type: ignore[method-assign]
        _fail() if inpainter._device.type == "meta" else FourierInpainter._forward(inpainter, *args)
    )
    windows = [(*window(seed=i), None) for i in range(3)]
    with caplog.at_level(logging.WARNING, logger="textclean"):
        filled = inpainter.fill_windows(windows)
    for (_, mask, _), out in zip(windows, filled, strict=True):
        assert (out[mask] == 128).all()
    assert [r.message for r in caplog.records] == [
        "the memory of meta does not suffice; going on on the CPU"
    ]


def _fail() -> list[np.ndarray]:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    ],
)
def test_where_nothing_helps_it_is_a_page_error(error: Exception) -> None:
    def paint(*_: Tensor) -> Tensor:
        raise error

    with pytest.raises(PageError, match="not enough memory to inpaint a window"):
        scripted(paint)(*window())


def test_other_errors_of_the_network_are_not_swallowed() -> None:
    def paint(*_: Tensor) -> Tensor:
        raise RuntimeError("expected scalar type Float but found Half")

    with pytest.raises(RuntimeError, match="expected scalar type"):
        scripted(paint)(*window())


# Loading


def test_loading_from_a_file(tmp_path: Path) -> None:
    network = make_unet()
    path = save_safetensors(network, network.spec, tmp_path / "n.safetensors", dtype="float32")
    image, mask = window()
    expected = FourierInpainter(loaded(network), "cpu")(image, mask)
    np.testing.assert_array_equal(FourierInpainter.load(path, "cpu")(image, mask), expected)


def test_what_cannot_be_run() -> None:
    with pytest.raises(WeightsError, match="wants 3 priors"):
        FourierInpainter(loaded(make_unet(3)), "cpu")
    other = LoadedNetwork(
        make_unet(), "ink-unet", object(), SizeRequirement(16, 8), Path("ink.safetensors"), {}
    )
    with pytest.raises(WeightsError, match=r"ink-unet.*do not fill holes"):
        FourierInpainter(other, "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(DependencyError):
            FourierInpainter(loaded(make_unet()), "cuda")
