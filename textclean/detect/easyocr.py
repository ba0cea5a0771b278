"""The detector ``easyocr``: CRAFT, as the package of that name carries it.

Baek et al., *Character Region Awareness for Text Detection*, CVPR 2019. Network and
post-processing are the package's own; the weights are loaded as plain tensors, pages go through at
native scale, and words become lines and blocks as with every other detector. Text is read by the
recognizer of ``ppocr`` when it is asked for.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from textclean.detect.assemble import assemble
from textclean.detect.craft_store import load_tensors, locate
from textclean.detect.lines import Line, clipped, rectangle
from textclean.detect.onnx import shipped_weights
from textclean.detect.ppocr import RECOGNITION_WEIGHTS, SMALLEST_PAGE
from textclean.detect.recognize import Recognizer
from textclean.detect.tiles import DEFAULT_TILING, Tiling, padded, stitched
from textclean.device import choose_device, inference
from textclean.errors import MissingExtraError, WeightsError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from textclean.detect import DetectorOptions
    from textclean.types import Image, Page, Region

# What the package's own Reader passes to the post-processing.
TEXT_THRESHOLD, LINK_THRESHOLD, LOW_TEXT = 0.7, 0.4, 0.4
_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_INSTALL = "Install it: pip install 'textclean[easyocr]'"


class CraftDetector:
    """Finds text with CRAFT.

    Args:
        weights: A state dict of CRAFT; None = the one in ``easyocr``'s store.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        offline: Never download weights.
        reading_order: "rtl", "ltr" or "auto".
        recognizer: Reads the text; None = not read.
        tiling: How large pages are cut.

    Raises:
        MissingExtraError: ``easyocr`` or a package it needs is not installed.
        WeightsError: The weights are missing or are not CRAFT's.
        FileAccessError: The store cannot be written.
    """

    def __init__(
        self,
        weights: Path | None = None,
        *,
        device: str = "auto",
        offline: bool = False,
        reading_order: str = "auto",
        recognizer: Recognizer | None = None,
        tiling: Tiling = DEFAULT_TILING,
    ) -> None:
        package = craft_package()
        self.path = locate(weights, offline=offline)
        self.device = choose_device(device)
        self.network = _network(package, self.path).to(self.device)
        self.reading_order = reading_order
        self.recognizer = recognizer
        self.tiling = tiling

    @classmethod
    def from_options(cls, options: DetectorOptions) -> Self:
        """The detector that a run's options ask for."""
        recognition = options.recognizer_weights
        reader = None
        if options.needs_text:
            path = Path(recognition) if recognition else shipped_weights(RECOGNITION_WEIGHTS)
            reader = Recognizer(path)
        return cls(
            Path(options.detector_weights) if options.detector_weights else None,
            device=options.device,
            offline=options.offline,
            reading_order=options.reading_order,
            recognizer=reader,
        )

    @property
    def weights(self) -> dict[str, str]:
        """File names of the weights in use, by task, for reports."""
        names = {"detection": self.path.name}
        if self.recognizer is not None:
            names["recognition"] = self.recognizer.path.name
        return names

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The blocks of text on ``page.rgb``, in reading order.

        Pages with a side under 16 pixels have no text.
        """
        if min(page.size) < SMALLEST_PAGE:
            return ()
        return assemble(
            self.find_lines(page.rgb),
            page.rgb,
            reading_order=self.reading_order,
            recognizer=self.recognizer,
        )

    def find_lines(self, image: Image) -> list[Line]:
        """Rectangles around the words of an ``(H, W, 3)`` uint8 RGB image."""
        height, width = image.shape[:2]
        maps = stitched(image, self._maps, 2, self.tiling)[::2, ::2].astype(np.float32) / 255.0
        return [
            Line(clipped(rectangle(quad), width, height), score)
            for quad, score in words(maps[..., 0], maps[..., 1])
        ]

    def _maps(self, image: Image) -> NDArray[np.uint8]:
        """``(h, w, 2)`` uint8 text and link scores of an ``(h, w, 3)`` uint8 RGB image."""
        import torch

        height, width = image.shape[:2]
        canvas = craft_package().imgproc.normalizeMeanVariance(padded(image))
        batch = torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]))
        with inference(self.device):
            scores, _ = self.network(batch.to(self.device))  # (1, h / 2, w / 2, 2)
        half = (scores[0].float().clamp(0, 1) * 255).round().cpu().numpy().astype(np.uint8)
        return np.kron(half, np.ones((2, 2, 1), np.uint8))[:height, :width]


def _network(package: Any, path: Path) -> torch.nn.Module:
    """CRAFT with the weights of a file."""
    import torch

    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
        network: torch.nn.Module = package.craft.CRAFT(pretrained=False)
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_tensors(path).items()
    }
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not hold the weights of CRAFT: {_shortened(error)}",
            remedy="Give craft_mlt_25k.pth of EasyOCR or one trained from it",
        ) from None
    return network.eval()


def words(
    text: NDArray[np.float32], link: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], float]]:
    """CRAFT's own post-processing, component by component.

    The package's function makes arrays of the size of the page for each word it finds; on a large
    page that takes minutes. Handed the surroundings of one component at a time it finds the same.

    Args:
        text: ``(h, w)`` float32 character scores at half the page's size, 0 to 1.
        link: The same for the gaps between characters of a word.

    Returns:
        For each word its ``(4, 2)`` corners in page pixels and its mean character score.
    """
    tools = craft_package().craft_utils
    joined = ((text > LOW_TEXT) | (link > LINK_THRESHOLD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    found = []
    for index in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[index])
        # The package dilates a word by up to this much.
        margin = int((area / max(width, height)) ** 0.5 * 2) + 2
        window = np.s_[
            max(y - margin, 0) : y + height + margin, max(x - margin, 0) : x + width + margin
        ]
        own = labels[window] == index
        quads, _, _ = tools.getDetBoxes(
            text[window] * own, link[window] * own, TEXT_THRESHOLD, LINK_THRESHOLD, LOW_TEXT, False
        )
        score = float(text[window][own & (text[window] > LOW_TEXT)].mean()) if quads else 0.0
        offset = np.array([window[1].start, window[0].start], np.float32)
        placed = [np.asarray(quad, np.float32) + offset for quad in quads]
        found += [
            (np.asarray(quad, np.float32), round(min(score, 1.0), 4))
            for quad in tools.adjustResultCoordinates(placed, 1.0, 1.0)
        ]
    return found


@cache
def craft_package() -> Any:
    """The package ``easyocr`` with its modules ``craft``, ``craft_utils`` and ``imgproc``.

    Raises:
        MissingExtraError: It, or a package it needs, is not installed.
    """
    if find_spec("easyocr") is None:
        raise MissingExtraError("the package easyocr is not installed", remedy=_INSTALL)
    kept = os.environ.get("LRU_CACHE_CAPACITY")
    try:
        _make_torchvision_importable()
        import easyocr
        import easyocr.craft
        import easyocr.craft_utils
        import easyocr.imgproc
    except ImportError as error:
        raise MissingExtraError(
            f"the package easyocr cannot be imported: {error}", remedy=_INSTALL
        ) from None
    finally:
        # The package sets this for the whole process when it is imported.
        if kept is None:
            os.environ.pop("LRU_CACHE_CAPACITY", None)
        else:
            os.environ["LRU_CACHE_CAPACITY"] = kept
    return easyocr


def _make_torchvision_importable() -> None:
    """Declare torchvision's operators where its binary part does not fit this PyTorch.

    With a CPU build of PyTorch and torchvision from the registry, ``import torchvision`` fails
    with ``operator torchvision::nms does not exist``: its binary part needs CUDA libraries, and
    its Python part describes operators that only the binary part declares. CRAFT uses none of
    them, so an empty declaration is enough.
    """
    import torch

    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("No module named 'torchvision'")
    for library in sorted(Path(spec.submodule_search_locations[0]).glob("_C*")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except (OSError, RuntimeError):
            continue
    for name, schema in _SCHEMAS.items():
        try:
            getattr(torch.ops.torchvision, name)
        except AttributeError:
            _torchvision_library().define(schema)


@cache
def _torchvision_library() -> Any:
    """Declarations last as long as this object does."""
    import torch

    return torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]


def _shortened(error: RuntimeError) -> str:
    """The second line of PyTorch's message: the first one only names the class."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[1] if len(lines) > 1 else (lines or ["no reason given"])[0]
    return text if len(text) <= 120 else text[:117] + "..."
