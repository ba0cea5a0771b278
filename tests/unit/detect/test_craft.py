from __future__ import annotations

import hashlib
import os
import pickle
import socket
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from lettered import Sheet, blank
from numpy.typing import NDArray

from textclean.detect import craft_store, easyocr, load_detector
from textclean.detect.craft_store import FILE, is_offline, load_tensors, locate, store
from textclean.detect.tiles import Tiling
from textclean.errors import FileAccessError, MissingExtraError, WeightsError
from textclean.options import Options
from textclean.protocols import Detector
from textclean.types import Image, Page

needs_easyocr = pytest.mark.skipif(
    find_spec("easyocr") is None, reason="the extra textclean[easyocr] is not installed"
)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, and no word about being offline."""
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "store"))
    for name in ("TEXTCLEAN_OFFLINE", "HF_HUB_OFFLINE", "MODULE_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "store" / "model"


def words_sheet() -> Image:
    sheet = Sheet(192, 128)
    sheet.write(20, 30, "Words", 32)
    sheet.write(90, 80, "more", 24)
    return sheet.image


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of CRAFT with seeded random weights, saved as the published one is.

    The last layer is scaled so that the scores of :func:`words_sheet` spread over the thresholds;
    what is found is chance, but something is.
    """
    import torch

    torch.manual_seed(7)
    package = easyocr.craft_package()
    network = package.craft.CRAFT(pretrained=False).eval()
    image = package.imgproc.normalizeMeanVariance(words_sheet()).transpose(2, 0, 1)[None]
    with torch.inference_mode():
        scores = network(torch.from_numpy(image))[0].reshape(-1, 2)
    low, high = (torch.quantile(scores, q, dim=0) for q in (0.6, 0.97))
    wanted_low, wanted_high = torch.tensor([0.2, 0.0]), torch.tensor([0.9, 0.5])
    scale = (wanted_high - wanted_low) / (high - low)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    bias = state["conv_cls.8.bias"] * scale + wanted_low - low * scale
    state["conv_cls.8.weight"] *= scale[:, None, None, None]
    state["conv_cls.8.bias"] = bias
    path = tmp_path_factory.mktemp("craft") / "random.pth"
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    return path


# The store


def test_the_store_is_easyocrs_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert store() == tmp_path / "store" / "model"
    monkeypatch.delenv("EASYOCR_MODULE_PATH")
    monkeypatch.setenv("MODULE_PATH", str(tmp_path / "other"))
    assert store() == tmp_path / "other" / "model"
    monkeypatch.delenv("MODULE_PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store() == tmp_path / ".EasyOCR" / "model"


@pytest.mark.parametrize("variable", ["TEXTCLEAN_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize(
    ("value", "offline"),
    [("1", True), ("true", True), ("YES", True), ("0", False), ("", False), ("off", False)],
)
def test_offline_by_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, offline: bool
) -> None:
    monkeypatch.setenv(variable, value)
    assert is_offline() is offline
    assert is_offline(True)


def test_offline_without_weights_says_what_is_missing_where_and_what_helps(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(craft_store, "urlopen", lambda *a, **k: pytest.fail("looked outside"))
    with pytest.raises(WeightsError) as caught:
        locate(offline=True)
    assert FILE in caught.value.message and str(own_store) in caught.value.message
    assert caught.value.remedy is not None
    assert craft_store.URL in caught.value.remedy
    assert "EASYOCR_MODULE_PATH" in caught.value.remedy
    assert "--detector-weights" in caught.value.remedy
    assert caught.value.exit_code == 3
    assert not own_store.exists()


def test_weights_in_the_store_are_taken_without_a_network(own_store: Path) -> None:
    own_store.mkdir(parents=True)
    (own_store / FILE).write_bytes(b"x")
    assert locate(offline=True) == own_store / FILE


def test_weights_that_are_named_are_taken_and_must_be_there(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pth"
    with pytest.raises(WeightsError, match="no weights file"):
        locate(mine)
    mine.write_bytes(b"x")
    assert locate(mine) == mine


def packed(folder: Path, content: bytes, name: str = FILE) -> str:
    path = folder / "craft.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path.as_uri()


def test_a_download_is_unpacked_checked_and_put_in_place(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = packed(tmp_path, b"the weights")
    with pytest.raises(WeightsError, match="its MD5 is"):
        locate(url=url)
    assert list(own_store.iterdir()) == []  # nothing half done is left
    monkeypatch.setattr(craft_store, "MD5", hashlib.md5(b"the weights").hexdigest())
    assert locate(url=url).read_bytes() == b"the weights"
    assert [path.name for path in own_store.iterdir()] == [FILE]


def test_a_download_that_fails_is_told_with_another_way(own_store: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    for url in (
        (tmp_path / "missing.zip").as_uri(),
        (tmp_path / "broken.zip").as_uri(),
        packed(tmp_path, b"x", name="other.pth"),
    ):
        with pytest.raises(WeightsError, match="downloading it failed") as caught:
            locate(url=url)
        assert str(own_store) in str(caught.value)


def test_a_download_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(craft_store, "_LARGEST", 1000)
    with pytest.raises(WeightsError, match="more than 1000 bytes"):
        locate(url=packed(tmp_path, bytes(5000)))


def test_a_store_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "file"))
    with pytest.raises(FileAccessError, match="cannot be stored"):
        locate(url=packed(tmp_path, b"x"))


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_code_in_weights_is_not_run(tmp_path: Path) -> None:
    import torch

    marker = tmp_path / "was here"
    path = tmp_path / "evil.pth"
    torch.save({"weight": Evil(marker)}, path)
    with pytest.raises(WeightsError, match="cannot be loaded as plain tensors"):
        load_tensors(path)
    path.write_bytes(pickle.dumps(Evil(marker)))
    with pytest.raises(WeightsError, match="cannot be loaded as plain tensors"):
        load_tensors(path)
    assert not marker.exists()


def test_weights_that_are_no_state_dict_are_refused(tmp_path: Path) -> None:
    import torch

    for number, value in enumerate((torch.zeros(3), {"epoch": 4}, [torch.zeros(1)])):
        path = tmp_path / f"{number}.pth"
        torch.save(value, path)
        with pytest.raises(WeightsError, match="state dict of tensors"):
            load_tensors(path)


def test_the_prefix_of_data_parallel_is_dropped(tmp_path: Path) -> None:
    import torch

    torch.save({"module.a": torch.ones(2), "b": torch.zeros(1)}, tmp_path / "w.pth")
    assert sorted(load_tensors(tmp_path / "w.pth")) == ["a", "b"]


# The package


def test_a_missing_package_is_told_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    easyocr.craft_package.cache_clear()
    monkeypatch.setattr(easyocr, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="easyocr is not installed") as caught:
        load_detector("easyocr", Options(offline=True))
    assert caught.value.remedy == "Install it: pip install 'textclean[easyocr]'"
    easyocr.craft_package.cache_clear()


def test_a_package_that_misses_another_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    easyocr.craft_package.cache_clear()
    monkeypatch.setattr(easyocr, "find_spec", lambda name: object() if name == "easyocr" else None)
    with pytest.raises(MissingExtraError, match="torchvision"):
        easyocr.craft_package()
    easyocr.craft_package.cache_clear()


@needs_easyocr
def test_the_package_imports_beside_a_torchvision_that_does_not_fit() -> None:
    code = (
        "import os\n"
        "os.environ.pop('LRU_CACHE_CAPACITY', None)\n"
        "from textclean.detect.easyocr import craft_package\n"
        "craft_package(); import torchvision\n"
        "assert 'LRU_CACHE_CAPACITY' not in os.environ\n"
        "import torch; torch.ops.torchvision.nms\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# The detector


@needs_easyocr
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="does not hold the weights of CRAFT"):
        load_detector(
            "easyocr", Options(device="cpu", detector_weights=str(tmp_path / "other.pth"))
        )


@needs_easyocr
def test_random_craft_runs_offline_and_gives_regions_on_the_page(
    own_store: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_store.mkdir(parents=True)
    (own_store / FILE).symlink_to(random_weights)
    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("a socket was opened"))
    detector = load_detector("easyocr", Options(offline=True, device="cpu"))
    assert isinstance(detector, Detector)
    assert detector.weights == {"detection": FILE}  # type: ignore[attr-defined]
    page = Page.from_rgb(words_sheet())
    regions = detector.detect(page)
    assert regions
    for region in regions:
        points = np.concatenate(region.lines)
        assert points.min() > -12 and points[:, 0].max() < 204 and points[:, 1].max() < 140
        assert 0 <= region.score <= 1
    again = detector.detect(page)
    assert [r.polygon.tolist() for r in again] == [r.polygon.tolist() for r in regions]
    for size in (1, 15, 16, 33):
        detector.detect(Page.from_rgb(blank(size, size)))


@needs_easyocr
def test_maps_and_words_are_those_of_the_package_itself(random_weights: Path) -> None:
    from easyocr.detection import test_net as package_net

    detector = easyocr.CraftDetector(random_weights, device="cpu")
    image = words_sheet()
    thresholds = (easyocr.TEXT_THRESHOLD, easyocr.LINK_THRESHOLD, easyocr.LOW_TEXT)
    boxes, _ = package_net(2560, 1.0, detector.network, image, *thresholds, False, "cpu")
    theirs = sorted(np.asarray(box, np.float32).round().tolist() for box in boxes[0])
    maps = detector._maps(image)[::2, ::2].astype(np.float32) / 255
    ours = [q for q, _ in easyocr.words(maps[..., 0], maps[..., 1])]
    assert len(theirs) == len(ours) > 0
    # Our maps are kept in 8 bits, which may shift a threshold's contour by a pixel.
    for quad in theirs:
        assert min(np.abs(np.array(quad) - other).max() for other in ours) <= 4


def blobs(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score maps with words of a few characters, some touching, some at the rim."""
    random = np.random.default_rng(seed)
    text, link = np.zeros((120, 200), np.float32), np.zeros((120, 200), np.float32)
    for _ in range(9):
        x, y, count = random.integers(0, 180), random.integers(0, 115), random.integers(1, 5)
        for i in range(count):
            center = (int(x + 14 * i), int(y + random.integers(0, 4)))
            cv2.circle(text, center, 6, float(random.uniform(0.5, 1)), -1)
            cv2.circle(link, (center[0] + 7, center[1]), 4, 0.8, -1)
    blur = (cv2.GaussianBlur(m, (5, 5), 0) for m in (text, link))
    first, second = (np.asarray(m, np.float32) for m in blur)
    return first, second


@needs_easyocr
@pytest.mark.parametrize("seed", range(6))
def test_words_one_by_one_are_those_found_on_the_whole_page(seed: int) -> None:
    text, link = blobs(seed)
    tools = easyocr.craft_package().craft_utils
    thresholds = (easyocr.TEXT_THRESHOLD, easyocr.LINK_THRESHOLD, easyocr.LOW_TEXT)
    boxes, _, _ = tools.getDetBoxes(text, link, *thresholds, False)
    whole = tools.adjustResultCoordinates(boxes, 1.0, 1.0)
    ours = sorted(quad.tolist() for quad, _ in easyocr.words(text, link))
    assert len(ours) > 1
    assert np.allclose(ours, sorted(np.asarray(quad).tolist() for quad in whole), atol=1e-3)


@needs_easyocr
def test_maps_are_stitched_from_tiles(random_weights: Path) -> None:
    cut = easyocr.CraftDetector(
        random_weights, device="cpu", tiling=Tiling(whole=0, longest=0, side=128, overlap=64)
    )
    image = words_sheet()
    seen = []
    run = cut._maps
    cut._maps = lambda tile: seen.append(tile.shape) or run(tile)  # type: ignore[method-assign]
    assert cut.find_lines(image)
    assert len(seen) > 1 and all(max(shape[:2]) <= 128 for shape in seen)
