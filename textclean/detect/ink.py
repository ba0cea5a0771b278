"""The ink network on a page: which pixels are lettering, pen, highlighter, stamp, print, bubble.

A page goes through at native scale. What the network says of a pixel depends on the page within
its reach alone, so a large page is cut into tiles that overlap by that much, and the part of each
that the cut cannot have touched is kept: there is no seam to blend. Rims of tiles lie on the grid
of the network's lowest level, and only the page's own right and lower rim is continued by
reflection, so that a pixel meets the same arithmetic whatever the tiles.

How a page is cut depends on its size alone, never on the machine. Tiles come one after the other,
each on all threads: PyTorch's convolutions split their output among threads, never a sum, so that
the bytes are the same whatever the number of cores (a test holds it), and one tile's memory does.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import cv2
import numpy as np

from textclean.device import choose_device, download, inference, is_out_of_memory, one_ahead, upload
from textclean.errors import PageError, WeightsError
from textclean.ink_map import BUBBLE, LETTERING, PLANES, InkMap
from textclean.scales import halved
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from textclean.types import Box, Image
    from textclean.weights import LoadedNetwork

    Planes = NDArray[np.uint8]
    Arriving = tuple[Planes, Callable[[], Any], Callable[[], Any]]

log = logging.getLogger(__name__)

DEFAULT_WEIGHTS = "textclean-ink"

BUDGET = 9 * 1024**2
"""Pixels of a tile, halo included, at most; a page up to this size (A4 at 300 dpi) is one tile.

A million pixels take about 0.1 GB of memory while they are looked at."""

BAND = 256
"""Rows whose probabilities are worked out at once."""

Coarse = Literal["off", "max", "mean"]
"""Whether the half-size page is looked at too, and how its lettering joins the other's."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a page.

    Attributes:
        box: What the network sees, in pixels of the page continued to the network's grid.
        core: What is kept of it, in pixels of the page.
    """

    box: Box
    core: Box


def plan_tiles(width: int, height: int, *, reach: int, multiple: int, budget: int) -> list[Tile]:
    """How a page is cut: the cheapest grid of tiles that a budget allows.

    Args:
        width: Page width in pixels, at least 1.
        height: Page height in pixels, at least 1.
        reach: How far the network looks, in pixels.
        multiple: What the tiles' sides and positions are multiples of.
        budget: Pixels of a tile at most. When the reach alone takes more, tiles are as small as
            they can be.

    Returns:
        Tiles row by row whose cores cover the page without overlap.
    """
    whole = (_up(width, multiple), _up(height, multiple))
    if whole[0] * whole[1] <= budget:
        return [Tile((0, 0, *whole), (0, 0, width, height))]
    halo = _up(reach, multiple)
    best, core = None, (multiple, multiple)
    # Across, every useful width of the core; down, the highest that the budget still allows.
    for columns in range(1, whole[0] // multiple + 1):
        core_width = _up(-(-whole[0] // columns), multiple)
        seen_width = min(core_width + 2 * halo, whole[0])
        room = budget // seen_width // multiple * multiple
        core_height = whole[1] if room >= whole[1] else room - 2 * halo
        if core_height < multiple:
            continue
        rows = -(-whole[1] // core_height)
        core_height = _up(-(-whole[1] // rows), multiple)
        work = columns * seen_width * rows * min(core_height + 2 * halo, whole[1])
        if best is None or work < best:
            best, core = work, (core_width, core_height)
    return [
        Tile(
            (
                max(x - halo, 0),
                max(y - halo, 0),
                min(x + core[0] + halo, whole[0]),
                min(y + core[1] + halo, whole[1]),
            ),
            (x, y, min(x + core[0], width), min(y + core[1], height)),
        )
        for y in range(0, height, core[1])
        for x in range(0, width, core[0])
    ]


class InkReader:
    """Runs an ink network on pages.

    Args:
        network: The network; a copy is kept.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        coarse: "max" or "mean" looks at the half-size page too, so that sound effects twice as
            large are seen whole; the lettering found there, enlarged, joins the page's own by the
            larger value or by the mean. The other planes stay as they are.
        budget: Pixels of a tile at most; see :func:`plan_tiles`.

    Raises:
        WeightsError: The weights are of another kind of network.
        DependencyError: The device is not there.
        OptionsError: No such device.
    """

    name = "ink"

    def __init__(
        self,
        network: LoadedNetwork,
        device: str = "auto",
        *,
        coarse: Coarse = "off",
        budget: int = BUDGET,
    ) -> None:
        import torch

        spec = network.spec
        if not hasattr(spec, "reach"):
            raise WeightsError(
                f"these weights are of a network of another kind, {network.architecture}",
                remedy="Give weights of an ink network",
                source=network.path.name,
            )
        self.coarse: Coarse = coarse
        self._reach = int(spec.reach)
        self._requirement = network.requirement
        self._budget = budget
        self._file = network.path.name
        self._device = choose_device(device)
        self._module: torch.nn.Module = deepcopy(network.module).to(self._device)
        for parameter in self._module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path = DEFAULT_WEIGHTS,
        device: str = "auto",
        *,
        coarse: Coarse = "off",
    ) -> Self:
        """The reader around :func:`textclean.weights.load_network`.

        Raises:
            UnknownNameError: Neither a known name nor an existing file.
            WeightsError: The weights are missing, damaged, or of another kind of network.
        """
        return cls(load_network(name_or_path), device, coarse=coarse)

    @property
    def weights(self) -> dict[str, str]:
        """File names of the weights in use, by task, for reports."""
        return {"ink": self._file}

    def __call__(self, image: Image) -> InkMap:
        """Read a page.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.

        Raises:
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        planes = self._read(image)
        if self.coarse != "off" and min(image.shape[:2]) > 1:
            _merge(planes[LETTERING], self._read(halved(image))[LETTERING], self.coarse)
        return InkMap(planes)

    def _read(self, image: Image) -> Planes:
        """``(7, H, W)`` uint8 at one scale."""
        height, width = image.shape[:2]
        planes = np.zeros((PLANES, height, width), np.uint8)
        if not height or not width:
            return planes
        tiles = plan_tiles(
            width,
            height,
            reach=self._reach,
            multiple=self._requirement.multiple,
            budget=self._budget,
        )

        for tile in tiles:
            x0, y0, x1, y1 = tile.core
            self._tile(image, tile, planes[:, y0:y1, x0:x1])
        return planes

    def _tile(self, image: Image, tile: Tile, out: Planes) -> None:
        """Fill the ``(7, h, w)`` planes of a tile's core."""
        seen = self._continued(image, tile.box)
        try:
            return self._forward(seen, tile, out)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside the handler, which would keep the tensors alive.
        if self._device.type == "cpu":
            raise PageError(
                f"there is not enough memory to look at {seen.shape[1]}x{seen.shape[0]} pixels",
                remedy="Close other programs, or use --jobs 1",
            )
        log.warning("the memory of %s does not suffice; going on on the CPU", self._device)
        self._device = choose_device("cpu")
        self._module.to(self._device)
        return self._forward(seen, tile, out)

    def _continued(self, image: Image, box: Box) -> Image:
        """A box of the page continued by reflection to the right and below."""
        x0, y0, x1, y1 = box
        part = image[y0:y1, x0:x1]
        need = self._requirement
        below = need.fit(y1 - y0) - part.shape[0]
        right = need.fit(x1 - x0) - part.shape[1]
        return np.pad(part, ((0, below), (0, right), (0, 0)), mode="reflect")

    def _forward(self, seen: Image, tile: Tile, out: Planes) -> None:
        import torch

        left, top = tile.core[0] - tile.box[0], tile.core[1] - tile.box[1]
        height, width = out.shape[1:]
        # In full precision: bf16 has eight bits, less than the planes show.
        with inference(self._device), torch.autocast(self._device.type, enabled=False):
            x = upload([seen], self._device).movedim(-1, 1).float().div_(255)
            logits = self._module(x)[0, :, top : top + height, left : left + width]  # (7, h, w)
            for planes, is_finite, levels in one_ahead(_bands(logits, out)):
                if not is_finite():
                    raise PageError(
                        "the ink network gave values that are not finite",
                        remedy="The weights may be damaged, or the GPU faulty; try --device cpu",
                    )
                planes[...] = levels()


def _bands(logits: torch.Tensor, out: Planes) -> Iterator[Arriving]:
    """Probabilities of ``(7, h, w)`` logits on their way to the host, some planes of a band a time.

    Yields:
        The part of ``out`` they belong to; whether all are finite; ``(n, rows, w)`` uint8.
    """
    import torch

    for row in range(0, out.shape[1], BAND):
        band = logits[:, row : row + BAND].float()
        for values, planes in (
            (torch.softmax(band[:BUBBLE], 0), out[:BUBBLE]),
            (torch.sigmoid(band[BUBBLE:]), out[BUBBLE:]),
        ):
            is_finite = download(values.sum().isfinite())
            levels = values.mul_(255).round_().to(torch.uint8)
            yield planes[:, row : row + BAND], is_finite, download(levels)


def _merge(plane: Planes, coarse: Planes, how: Coarse) -> None:
    """Join the half-size page's plane to the page's own, in place, in bands of rows."""
    height, width = plane.shape
    enlarged = np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )
    if how == "max":
        np.maximum(plane, enlarged, out=plane)
        return
    for top in range(0, height, 256):
        rows = slice(top, top + 256)
        plane[rows] = (plane[rows].astype(np.uint16) + enlarged[rows] + 1) // 2


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
