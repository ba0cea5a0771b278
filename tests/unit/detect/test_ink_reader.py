from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from textclean.detect.ink import BAND, InkReader, plan_tiles
from textclean.errors import PageError, WeightsError
from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec
from textclean.nets.ink import InkUNet, InkUNetSpec
from textclean.scales import halved
from textclean.weights import LoadedNetwork, SizeRequirement, save_safetensors

SPEC = InkUNetSpec(widths=(8, 8, 16), blocks=(1, 1, 1))


class Darkness(nn.Module):
    """Lettering where a pixel is dark, bubble where it is light; remembers what it was shown."""

    def __init__(self, spec: InkUNetSpec = SPEC) -> None:
        super().__init__()
        self.spec = spec
        self.shapes: list[tuple[int, int]] = []

    def forward(self, image: Tensor) -> Tensor:
        assert image.shape[2] % self.spec.multiple == image.shape[3] % self.spec.multiple == 0
        self.shapes.append((image.shape[2], image.shape[3]))
        grey = image.mean(dim=1, keepdim=True)
        logits = torch.full((1, 7, *image.shape[2:]), -20.0)
        logits[:, 0:1] = 40 * (grey - 0.5)
        logits[:, 1:2] = -40 * (grey - 0.5)
        logits[:, 6:7] = 40 * (grey - 0.5)
        return logits


def loaded(module: nn.Module) -> LoadedNetwork:
    size = SizeRequirement(module.spec.minimum, module.spec.multiple)
    return LoadedNetwork(module.eval(), "ink-unet", module.spec, size, Path("made.safetensors"), {})


def make_network() -> InkUNet:
    torch.manual_seed(3)
    network = InkUNet(SPEC)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        network.head.weight.mul_(10)
    return network.requires_grad_(False)


def page(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3))
    smooth = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width]
    return np.clip(smooth + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(
    width=st.integers(1, 600),
    height=st.integers(1, 600),
    reach=st.integers(0, 90),
    levels=st.integers(1, 5),
    budget=st.integers(1, 200_000),
)
def test_tiles_cover_the_page_once_with_a_halo_on_the_grid(width, height, reach, levels, budget):
    multiple = 2**levels
    tiles = plan_tiles(width, height, reach=reach, multiple=multiple, budget=budget)
    seen = np.zeros((height, width), np.int32)
    whole = (-(-width // multiple) * multiple, -(-height // multiple) * multiple)
    for tile in tiles:
        x0, y0, x1, y1 = tile.core
        assert x0 < x1 and y0 < y1
        seen[y0:y1, x0:x1] += 1
        left, top, right, bottom = tile.box
        assert all(side % multiple == 0 for side in tile.box)
        assert left == 0 or x0 - left >= reach
        assert top == 0 or y0 - top >= reach
        assert right == whole[0] or right - x1 >= reach
        assert bottom == whole[1] or bottom - y1 >= reach
        assert left >= 0 and top >= 0 and right <= whole[0] and bottom <= whole[1]
    assert (seen == 1).all()
    sizes = [(t.box[2] - t.box[0]) * (t.box[3] - t.box[1]) for t in tiles]
    smallest = (2 * (-(-reach // multiple)) + 1) * multiple
    assert max(sizes) <= max(budget, smallest**2)


def test_a_long_strip_is_cut_across_only():
    tiles = plan_tiles(800, 60_000, reach=400, multiple=32, budget=9 * 1024**2)
    assert {(tile.box[0], tile.box[2]) for tile in tiles} == {(0, 800)}
    assert sum((t.box[3] - t.box[1]) for t in tiles) < 1.2 * 60_000


@pytest.mark.parametrize(("height", "width"), [(300, 260), (517, 193), (90, 1000)])
def test_the_result_does_not_depend_on_the_tiles(height, width):
    network, image = make_network(), page(height, width)
    whole = InkReader(loaded(network), "cpu")(image).planes
    assert whole.std() > 20  # it does say something
    for budget in (1, 40_000, 60_000):
        tiles = plan_tiles(width, height, reach=SPEC.reach, multiple=8, budget=budget)
        assert len(tiles) > 1
        cut = InkReader(loaded(network), "cpu", budget=budget)(image).planes
        assert np.abs(cut.astype(int) - whole).max() <= 1


def test_the_bytes_are_the_same_with_any_number_of_threads():
    reader, image = InkReader(loaded(make_network()), "cpu", budget=60_000), page(300, 260)
    before, answers = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            answers.append(reader(image).planes.tobytes())
    finally:
        torch.set_num_threads(before)
    assert len(set(answers)) == 1


def test_no_tile_is_larger_than_the_budget():
    reader = InkReader(loaded(Darkness()), "cpu", budget=50_000)
    reader(page(700, 500))
    assert len(reader._module.shapes) > 1
    assert max(h * w for h, w in reader._module.shapes) <= 50_000


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (17, 16), (64, 33), (1, 200)])
def test_pages_of_any_size_are_read_pixel_by_pixel(height, width):
    image = np.where(page(height, width)[..., :1] < 128, 0, 255).astype(np.uint8).repeat(3, axis=2)
    ink = InkReader(loaded(Darkness()), "cpu")(image)
    assert ink.shape == (height, width)
    assert np.array_equal(ink.lettering == 255, image[..., 0] == 0)
    assert np.array_equal(ink.bubble == 255, image[..., 0] == 255)
    assert np.array_equal(ink.labels() == 1, image[..., 0] == 0)


def test_an_empty_image_gives_an_empty_map():
    assert InkReader(loaded(Darkness()), "cpu")(np.zeros((0, 5, 3), np.uint8)).shape == (0, 5)


def test_the_coarse_scale_joins_the_lettering_only():
    image = page(101, 75)
    plain = InkReader(loaded(Darkness()), "cpu")(image)
    small = InkReader(loaded(Darkness()), "cpu")(halved(image)).lettering
    for how in ("max", "mean"):
        ink = InkReader(loaded(Darkness()), "cpu", coarse=how)(image)
        others = [0, 2, 3, 4, 5, 6]
        assert np.array_equal(ink.planes[others], plain.planes[others])
        enlarged = np.repeat(np.repeat(small, 2, 0), 2, 1)[:101, :75].astype(float)
        wanted = (
            np.maximum(plain.lettering, enlarged)
            if how == "max"
            else (plain.lettering + enlarged) / 2
        )
        assert np.corrcoef(ink.lettering.ravel(), wanted.ravel())[0, 1] > 0.9
        assert not np.array_equal(ink.lettering, plain.lettering)
    louder = InkReader(loaded(Darkness()), "cpu", coarse="max")(image)
    assert (louder.lettering >= plain.lettering).all()


def test_values_that_are_not_finite_are_an_error():
    class Broken(Darkness):
        def forward(self, image: Tensor) -> Tensor:
            return super().forward(image) * float("nan")

    with pytest.raises(PageError, match="not finite"):
        InkReader(loaded(Broken()), "cpu")(page(32, 32))


def test_a_value_that_is_not_finite_in_the_last_band_is_one_too():
    class Broken(Darkness):
        def forward(self, image: Tensor) -> Tensor:
            logits = super().forward(image)
            logits[0, 3, -1, 5] = float("nan")
            return logits

    with pytest.raises(PageError, match="not finite"):
        InkReader(loaded(Broken()), "cpu")(page(2 * BAND + 8, 16))


def test_too_little_memory_is_an_error_with_advice():
    class Hungry(Darkness):
        def forward(self, image: Tensor) -> Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(PageError, match="memory"):
        InkReader(loaded(Hungry()), "cpu")(page(32, 32))


def test_other_errors_of_a_network_are_not_taken_for_that():
    class Wrong(Darkness):
        def forward(self, image: Tensor) -> Tensor:
            raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape"):
        InkReader(loaded(Wrong()), "cpu")(page(32, 32))


def test_weights_are_loaded_by_path_and_told(tmp_path):
    path = save_safetensors(make_network(), SPEC, tmp_path / "ink.safetensors", dtype="float32")
    reader = InkReader.load(path, "cpu")
    assert reader.weights == {"ink": "ink.safetensors"}
    image = page(40, 56)
    same = InkReader(loaded(make_network()), "cpu")(image).planes
    assert np.array_equal(reader(image).planes, same)


def test_weights_of_another_network_are_refused(tmp_path):
    spec = FourierUNetSpec((8, 8, 8), (0, 0, 0), (0, 0, 0), 0)
    path = save_safetensors(FourierUNet(spec), spec, tmp_path / "fill.safetensors")
    with pytest.raises(WeightsError, match="another kind"):
        InkReader.load(path, "cpu")
