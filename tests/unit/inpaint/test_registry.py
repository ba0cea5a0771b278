"""Names of inpainters, and what becomes of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import textclean.inpaint as registry
from textclean.errors import UnknownNameError, UsageError, WeightsError
from textclean.inpaint import list_inpainters, load_inpainter, register_inpainter
from textclean.inpaint.by_parts import ByParts
from textclean.inpaint.dyes import DyesFirst
from textclean.inpaint.gutters import GuttersFirst
from textclean.inpaint.hues import HuesLast
from textclean.inpaint.limits import WithinLimits
from textclean.inpaint.lines import LinesFirst
from textclean.inpaint.paper import PaperLast
from textclean.inpaint.pens import ThinPens
from textclean.inpaint.plain import PlainFirst
from textclean.protocols import ErrorPredictor, Inpainter
from textclean.types import Image, Mask
from textclean.weights import WeightsEntry


class Painter:
    """Paints everything in one grey."""

    def __init__(self, device: str, offline: bool) -> None:
        self.device, self.offline = device, offline

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return np.where(mask[..., None], np.uint8(128), image)


def make(*, device: str, offline: bool) -> Painter:
    return Painter(device, offline)


@pytest.fixture(autouse=True)
def own_factories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A table with one network of ours, and the calls that load it."""
    from textclean.inpaint.fourier import FourierInpainter

    calls: list[object] = []

    def load(name_or_path: str | Path, device: str = "auto") -> Painter:
        calls.append(name_or_path)
        return Painter(device, False)

    entry = WeightsEntry("ours-1", "ours-1.safetensors", "0" * 64, 1, "CC-BY-4.0", "fourier-unet")
    monkeypatch.setattr(registry, "WEIGHTS", (entry,))
    monkeypatch.setattr(FourierInpainter, "load", load)
    return calls


@pytest.mark.parametrize("name", ["flat", "telea", "ns", "projection"])
def test_the_names_without_weights_fill(name: str) -> None:
    image = np.full((60, 80, 3), 200, np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:30, 20:50] = True
    image[mask] = 0
    inpainter = load_inpainter(name, device="cpu", offline=True)
    assert isinstance(inpainter, Inpainter)
    filled = inpainter(image, mask)
    assert np.abs(filled.astype(int) - 200).max() <= 3  # OpenCV's Telea is off by 2


def _hole() -> tuple[np.ndarray, np.ndarray]:
    ys, xs = np.mgrid[0:60, 0:80]
    image = np.repeat(np.where((xs + ys) % 8 < 4, 40, 220)[..., None], 3, axis=2).astype(np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:30, 20:50] = True
    return image, mask


def test_auto_is_what_the_registry_says_and_made_when_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, mask = _hole()
    assert registry.AUTO in registry._FACTORIES
    expected = load_inpainter(registry.AUTO, device="cpu")(image, mask)
    made: list[str] = []
    real = registry._FACTORIES[registry.AUTO]
    monkeypatch.setitem(
        registry._FACTORIES, registry.AUTO, lambda **more: made.append("made") or real(**more)
    )
    auto = load_inpainter("auto", device="cpu")
    assert not made  # not before there is something to fill
    assert np.array_equal(auto(image, mask), expected)
    assert np.array_equal(auto(image, mask), expected)
    assert made == ["made"]


def test_auto_follows_the_switch_and_passes_everything_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Sure(Painter):
        unmixes = True

        def fill_with_error(
            self, image: Image, mask: Mask, see_through: Mask | None = None
        ) -> tuple[Image, np.ndarray]:
            assert see_through is not None and (see_through == mask).all()
            return self(image, mask), np.where(mask, np.float32(7), np.float32(0))

    image, mask = _hole()
    for kind, unmixes in ((Sure, True), (Painter, False)):
        register_inpainter("mine", lambda k=kind, **given: k(**given), replace=True)
        monkeypatch.setattr(registry, "AUTO", "mine")
        auto = load_inpainter("auto")
        assert isinstance(auto, ErrorPredictor)
        filled, error = auto.fill_with_error(image, mask, mask)
        assert (filled[mask] == np.maximum(image[mask], 128)).all()  # ink never lightens
        assert error is not None
        assert (error[mask] == 7).all() if unmixes else np.isnan(error[mask]).all()
        assert auto.unmixes is unmixes  # type: ignore[attr-defined]


def test_a_device_that_is_asked_for_is_not_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    register_inpainter("mine", make)
    monkeypatch.setattr(registry, "AUTO", "mine")
    auto = load_inpainter("auto", device="cuda:3", offline=True)
    inner = auto
    on_paper = (HuesLast, PaperLast, DyesFirst, WithinLimits, ThinPens)
    for kind in (ByParts, LinesFirst, PlainFirst, *on_paper, GuttersFirst):
        assert isinstance(inner, kind)
        inner = inner.inpainter
    assert isinstance(inner, Painter)
    assert (inner.device, inner.offline) == ("cuda:3", True)


def test_networks_of_which_no_weights_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "WEIGHTS", ())
    for name in ("fourier", "lama", "choice"):
        with pytest.raises(WeightsError, match="come with textclean"):
            load_inpainter(name)


def test_choice_chooses_among_the_network_and_its_priors(shipped: list[object]) -> None:
    image, mask = _hole()
    choice = load_inpainter("choice", device="cpu")
    assert isinstance(choice, ErrorPredictor)
    assert shipped == ["ours-1"]
    assert (choice(image, mask)[mask] == 128).all()


def test_shipped_weights_are_fourier_and_a_name(shipped: list[object]) -> None:
    for name in ("fourier", "ours-1"):
        assert isinstance(load_inpainter(name, device="cpu"), Painter)
    assert shipped == ["ours-1"] * 2
    assert "ours-1" in list_inpainters()
    with pytest.raises(WeightsError, match="'lama'"):
        load_inpainter("lama")


@pytest.mark.parametrize(
    "where", ["weights.safetensors", "old/model.ckpt", Path("no-suffix"), Path("telea")]
)
def test_paths_are_loaded_as_weights(shipped: list[object], where: str | Path) -> None:
    load_inpainter(where)
    assert shipped == [Path(where)]


def test_a_file_in_the_current_folder_is_a_path(
    shipped: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_bytes(b"")
    load_inpainter("mine")
    assert shipped == [Path("mine")]


def test_a_missing_file_is_a_weights_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_inpainter(tmp_path / "none.safetensors")


def test_unknown_names_tell_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="'tellea'") as caught:
        load_inpainter("tellea")
    for name in ("auto", "choice", "flat", "fourier", "lama", "ns", "projection", "telea"):
        assert name in (caught.value.remedy or "")


def test_registering() -> None:
    register_inpainter("grey", make)
    assert "grey" in list_inpainters()
    made = load_inpainter("grey", device="cuda:1", offline=True)
    assert isinstance(made, Painter)
    assert (made.device, made.offline) == ("cuda:1", True)
    with pytest.raises(UsageError, match="exists already"):
        register_inpainter("grey", make)
    with pytest.raises(UsageError, match="needs a name"):
        register_inpainter("", make)
    register_inpainter("telea", make, replace=True)
    assert isinstance(load_inpainter("telea"), Painter)


def test_listing_is_sorted() -> None:
    names = list_inpainters()
    assert list(names) == sorted(set(names))


def test_importing_and_listing_load_nothing_heavy() -> None:
    code = (
        "import sys, textclean.inpaint as i; i.list_inpainters(); i.load_inpainter('telea');"
        "print([m for m in ('torch', 'onnxruntime', 'rapidocr', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
