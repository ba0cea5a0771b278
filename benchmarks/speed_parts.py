"""What ``speed.py`` times on a page: the parts of our pipeline, and what others do instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from timing import Log, Spent, timed

from textclean.cleaner import Cleaner, _Timer
from textclean.detect.ink_scale import lettering_view
from textclean.inpaint.jobs import pad
from textclean.io import read_image, write_image
from textclean.mask.build import union
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.types import PageResult

SIDE = 2048  # longer side to which a page is brought for the full-page rival, at most
TRIGGER, MARGIN = 800, 128  # of the rival that cuts a window for each contour
TELEA_RADIUS = 5

DETECT, INK = "detection", "ink network"
MASKS, PLAIN, FILL = "masks", "plain fills", "inpainting stage"
VERIFY, FILES, CLEAN = "verification", "decode and encode", "clean_page"
COMPOSE = "composing, lettering"
FULL, CONTOURS = "LaMa, full page", "LaMa, window a contour"
TELEA, FSR = "Telea, full page", "FSR, full page"


class _Untouched:
    """An inpainter that leaves everything as it is."""

    unmixes = True

    def __call__(self, image: np.ndarray, mask: np.ndarray, see_through: Any = None) -> np.ndarray:
        return image


@dataclass(frozen=True)
class Prepared:
    """A page with what the parts of the pipeline hand to one another."""

    name: str
    path: Path
    cleaner: Cleaner
    page: Any
    ink: Any
    regions: Any
    masks: Any
    image: np.ndarray
    filled: Any
    found: Any
    hole: np.ndarray
    result: PageResult

    @property
    def facts(self) -> dict[str, Any]:
        """What there is on the page."""
        actions = [region.action for region in self.result.regions]
        return {
            "page": self.name,
            "size": list(self.page.size),
            "regions": len(actions),
            "filled": actions.count("fill"),
            "inpainted": actions.count("inpaint") + actions.count("unmix"),
            "left": len(self.result.residual),
            "masked": round(float(self.hole.mean()), 4),
        }


def prepared(cleaner: Cleaner, path: Path) -> Prepared:
    """A page and its intermediate results; everything is warm afterwards."""
    page = read_image(path)
    regions, ink = cleaner._find(page, _Timer())
    masks = cleaner._masks(page.rgb, regions, ink)
    image, filled = cleaner._fill(page.rgb, page.rgb, regions, masks)
    found = cleaner._look_again(cleaner._as_on(page), image, masks)
    hole = union(masks, page.rgb.shape[:2])
    result = cleaner.clean(page)
    return Prepared(
        path.stem, path, cleaner, page, ink, regions, masks, image, filled, found, hole, result
    )


def ours(it: Prepared) -> dict[str, Callable[[], Any]]:
    """The parts of our pipeline, by name."""
    cleaner, page, data = it.cleaner, it.page, it.path.read_bytes()
    plain = Cleaner(cleaner.options, detector=cleaner.detector, inpainter=_Untouched())

    def files() -> None:
        read_image(it.path)
        if it.result.changed:
            write_image(it.result.page, it.result.mask, data)

    parts: dict[str, Callable[[], Any]] = {
        DETECT: lambda: cleaner.detector.detect(page),
        MASKS: lambda: cleaner._masks(page.rgb, it.regions, it.ink),
        PLAIN: lambda: plain._fill(page.rgb, page.rgb, it.regions, it.masks),
        FILL: lambda: cleaner._fill(page.rgb, page.rgb, it.regions, it.masks),
        VERIFY: lambda: cleaner._look_again(cleaner._as_on(page), it.image, it.masks),
        COMPOSE: lambda: cleaner._compose(page, it.image, it.filled, it.masks, it.found, {}),
        FILES: files,
        CLEAN: lambda: cleaner.clean(page),
    }
    if (reader := cleaner.reader) is not None:
        found = cleaner.detector.detect(page)
        parts[INK] = lambda: reader(lettering_view(page.rgb, found))
    return parts


def classical(it: Prepared) -> dict[str, Callable[[], Any]]:
    """What OpenCV does on the whole page with the same mask."""
    hole, image = it.hole.astype(np.uint8), it.page.rgb
    found: dict[str, Callable[[], Any]] = {
        TELEA: lambda: cv2.inpaint(image, hole, TELEA_RADIUS, cv2.INPAINT_TELEA)
    }
    if hasattr(cv2, "xphoto"):
        found[FSR] = lambda: cv2.xphoto.inpaint(
            image, 255 - 255 * hole, cv2.xphoto.INPAINT_FSR_FAST
        )
    return found


@cache
def lama() -> LamaGenerator:
    """The network of 18 blocks that others run; its weights do not matter for the time."""
    torch.manual_seed(0)
    network = LamaGenerator(LamaSpec(blocks=18)).eval().requires_grad_(False)
    network.fold()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


@torch.inference_mode()
def _run_lama(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    height, width = hole.shape
    size = max(16, -(-height // 8) * 8), max(16, -(-width // 8) * 8)
    x = torch.from_numpy(pad(image, size)).float().permute(2, 0, 1)[None] / 255
    m = torch.from_numpy(pad(hole, size)).float()[None, None]
    y = lama()(x, m)[0].permute(1, 2, 0).mul(255).round().byte().numpy()[:height, :width]
    out = image.copy()
    out[hole] = y[hole]
    return out


def full_page(it: Prepared) -> np.ndarray:
    """The page, brought to a longer side of at most :data:`SIDE`, through LaMa at once."""
    image, hole = it.page.rgb, it.hole
    scale = SIDE / max(hole.shape)
    if scale < 1:
        size = round(hole.shape[1] * scale), round(hole.shape[0] * scale)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        shrunk = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        hole = np.asarray(shrunk) > 0
    return _run_lama(image, hole)


def contour_boxes(hole: np.ndarray) -> list[tuple[int, int, int, int]]:
    """One window for each connected contour of a mask; the page where it is small."""
    height, width = hole.shape
    if max(height, width) <= TRIGGER:
        return [(0, 0, width, height)] if hole.any() else []
    contours, _ = cv2.findContours(
        hole.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    boxes = []
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        wide, high = min(w + 2 * MARGIN, width), min(h + 2 * MARGIN, height)
        # Kept on the page by moving it, so that there is as much around it as everywhere.
        left = min(max(x + w // 2 - wide // 2, 0), width - wide)
        top = min(max(y + h // 2 - high // 2, 0), height - high)
        boxes.append((left, top, left + wide, top + high))
    return boxes


def by_contours(it: Prepared, log: Log, number: int, most: int) -> dict[str, int]:
    """Time LaMa on windows around contours; of many, some spread over their sizes.

    What those take for their area, all take for theirs.

    Returns:
        How many windows there are and how many were run.
    """
    boxes = sorted(contour_boxes(it.hole), key=_area)
    if not boxes:
        return {"windows": 0, "run": 0}
    places = sorted({round(i) for i in np.linspace(0, len(boxes) - 1, min(most, len(boxes)))})
    spent = Spent(0.0, 0.0)
    for x0, y0, x1, y1 in (boxes[place] for place in places):
        image, hole = it.page.rgb[y0:y1, x0:x1], it.hole[y0:y1, x0:x1]
        spent += timed(lambda image=image, hole=hole: _run_lama(image, hole))[1]
    share = sum(map(_area, boxes)) / sum(_area(boxes[place]) for place in places)
    log.add(CONTOURS, it.name, number, spent.times(share))
    return {"windows": len(boxes), "run": len(places)}


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def warm_lama() -> None:
    """Make the network and let it choose its kernels."""
    lama()
    _run_lama(np.zeros((256, 256, 3), np.uint8), np.eye(256, dtype=bool))
