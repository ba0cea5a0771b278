"""Networks as inpainters: windows in native scale, priors, batches, and what keeps results exact.

A window's result depends on the window alone. The convolutions of PyTorch choose another order of
summation for another batch size and for another number of threads, and the last bit of a sum
decides now and then between two grey levels. So windows run one by one unless told otherwise, and
batches always have the same shape, the last one filled up. On a CPU each window runs in one thread,
and as many windows side by side as there are threads to use.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from textclean.device import choose_device, inference, one_thread
from textclean.errors import MaskError, PageError, WeightsError
from textclean.inpaint.ring import ring_correction
from textclean.inpaint.windows import crop, merge_windows, own_hole, paste
from textclean.nets.lama import LamaGenerator
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Window
    from textclean.weights import LoadedNetwork

    Windows = Sequence[tuple[Image, Mask, Mask | None]]
    Painting = NDArray[np.float32]

log = logging.getLogger(__name__)

TELEA_RADIUS = 5
"""Radius of the diffusion prior in pixels."""

CONTEXT = 64
"""Known pixels around a hole in its window, where the page has them."""

AT_ONCE = 4 * 1024**2
"""Pixels of the windows that are worked on side by side on a CPU; bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One window: ``(H, W, 3)`` uint8, two ``(H, W)`` bool, and priors as the image."""

    image: Image
    mask: Mask
    see_through: Mask
    priors: tuple[Image, ...] = ()

    def part(self, rows: slice, columns: slice) -> _Job:
        """A part of it."""
        box = (rows, columns)
        return _Job(
            self.image[box],
            self.mask[box],
            self.see_through[box],
            tuple(prior[box] for prior in self.priors),
        )

    def cut(self, window: Window) -> _Job:
        """The part that a window shows."""
        x0, y0, x1, y1 = window.box
        return self.part(slice(y0, y1), slice(x0, x1))

    def after(self, image: Image, mask: Mask) -> _Job:
        """The same with some of the hole filled: ``mask`` is what is left of it."""
        left = mask[..., None]
        priors = tuple(np.where(left, prior, image) for prior in self.priors)
        return _Job(image.copy(), mask.copy(), self.see_through & mask, priors)


class FourierInpainter:
    """A network as an inpainter; see :class:`textclean.protocols.Inpainter`.

    Args:
        network: The network; a copy is kept, changed for speed.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        batch: Windows of one size that run at once. Another number may turn a grey level here and
            there, other windows in the batch never.

    Raises:
        WeightsError: The network wants more priors than there are.
        DependencyError: The device is not there.
        OptionsError: No such device.
    """

    def __init__(self, network: LoadedNetwork, device: str = "auto", *, batch: int = 1) -> None:
        self.requirement = network.requirement
        self._device = choose_device(device)
        module = deepcopy(network.module)
        self._priors = 0
        if isinstance(module, LamaGenerator):
            module.fold()
        else:
            self._priors = module.spec.priors
        if self._priors > 2:
            raise WeightsError(
                f"the network wants {self._priors} priors and there are 2", source=network.path.name
            )
        self._module = module.to(self._device)
        for parameter in module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self._batch = max(1, batch)

    @classmethod
    def load(cls, name_or_path: str | Path, device: str = "auto") -> Self:
        """The inpainter around :func:`textclean.weights.load_network`."""
        return cls(load_network(name_or_path), device)

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill a page.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            mask: ``(H, W)`` bool, True = fill.
            see_through: ``(H, W)`` bool, subset of ``mask`` where the ink is translucent. LaMa
                cannot make use of it.

        Returns:
            A new image, equal to ``image`` outside the mask.

        Raises:
            MaskError: A mask that does not fit the image.
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        page = self._prepare(image, mask, see_through)
        if not mask.any():
            return image.copy()
        out, open_ = image.copy(), mask.copy()
        for wave in _waves(
            merge_windows(mask, context=CONTEXT, multiple=self.requirement.multiple)
        ):
            # What earlier waves filled is known by now, to the priors as well.
            now = page.after(out, open_)
            jobs = [now.cut(window) for window in wave]
            for window, filled in zip(wave, self._fill(jobs), strict=True):
                paste(out, filled, mask, window)
            for window in wave:
                crop(open_, window)[own_hole(mask, window)] = False
        return out

    def fill_windows(self, windows: Windows) -> list[Image]:
        """Fill windows that stand for themselves.

        Args:
            windows: Image, mask and see-through mask of each, as for a page.

        Returns:
            The filled windows in the same order. Each is the same whatever it is filled with.

        Raises:
            MaskError: A mask that does not fit its image.
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        return self._fill([self._prepare(*window) for window in windows])

    def _prepare(self, image: Image, mask: Mask, see_through: Mask | None) -> _Job:
        seen = np.zeros_like(mask) if see_through is None else see_through
        for what, m in (("mask", mask), ("see-through mask", seen)):
            if m.shape != image.shape[:2] or m.dtype != np.bool_:
                raise MaskError(
                    f"the {what} is {m.dtype} of shape {m.shape}, the image {image.shape}"
                )
        if (seen & ~mask).any():
            raise MaskError("the see-through mask reaches beyond the mask")
        return _Job(image, mask, seen, self._make_priors(image, mask))

    def _make_priors(self, image: Image, mask: Mask) -> tuple[Image, ...]:
        """The finished fills that the network was trained with, in that order."""
        priors: list[Image] = []
        if self._priors > 0:
            from textclean.inpaint.projection import project

            on_gpu = self._device.type == "cuda"
            priors.append(project(image, mask, device=self._device if on_gpu else None))
        if self._priors > 1:
            hole = mask.astype(np.uint8)
            smooth: NDArray[Any] = cv2.inpaint(image, hole, TELEA_RADIUS, cv2.INPAINT_TELEA)
            priors.append(smooth)
        return tuple(priors)

    def _fill(self, jobs: list[_Job]) -> list[Image]:
        """Fill in batches of equal size; in the order given."""
        sizes: dict[tuple[int, int], list[int]] = {}
        for index, job in enumerate(jobs):
            if job.mask.any():
                sizes.setdefault(self._padded(job), []).append(index)
        chunks = [
            indices[i : i + self._batch]
            for indices in sizes.values()
            for i in range(0, len(indices), self._batch)
        ]
        out = [job.image.copy() for job in jobs]
        for chunk, painted in zip(chunks, self._paint_all(jobs, chunks), strict=True):
            for i, values in zip(chunk, painted, strict=True):
                out[i] = self._finish(jobs[i], values)
        return out

    def _paint_all(self, jobs: list[_Job], chunks: list[list[int]]) -> Iterator[list[Painting]]:
        """What the network paints for each chunk of jobs; on a CPU, chunks side by side."""

        def work(chunk: list[int]) -> list[Painting]:
            return self._paint([jobs[i] for i in chunk])

        if self._device.type != "cpu" or not chunks:
            yield from map(work, chunks)
            return
        largest = max(jobs[i].mask.size for chunk in chunks for i in chunk) * self._batch
        workers = min(torch.get_num_threads(), len(chunks), max(1, AT_ONCE // largest))
        with one_thread(), ThreadPoolExecutor(workers, "inpaint") as pool:
            yield from pool.map(work, chunks)

    def _padded(self, job: _Job) -> tuple[int, int]:
        height, width = job.mask.shape
        return self.requirement.fit(height), self.requirement.fit(width)

    def _paint(self, jobs: list[_Job]) -> list[Painting]:
        """``(H, W, 3)`` in about [0, 1] for each of some jobs of one padded size."""
        done: list[Painting] = []
        while len(done) < len(jobs):
            batch = self._batch
            chunk = jobs[len(done) : len(done) + batch]
            try:
                done += self._forward(chunk, batch)
                continue
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
            # Outside the handler, which would keep the tensors alive.
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            if batch > 1:
                self._batch = min(self._batch, batch // 2)
            else:
                done += self._make_do(chunk[0])
        return done

    def _make_do(self, job: _Job) -> list[Painting]:
        """Paint a window that is too large for the device: in halves, or on the CPU."""
        axis = int(np.argmax(job.mask.shape))
        length = job.mask.shape[axis]
        if length > 4 * CONTEXT:
            middle = length // 2
            cuts = (slice(0, middle + CONTEXT), slice(middle - CONTEXT, length))
            whole = slice(None)
            halves = [job.part(c, whole) if axis == 0 else job.part(whole, c) for c in cuts]
            first, second = (self._paint([half])[0] for half in halves)
            first, second = (
                np.moveaxis(first, axis, 0)[:middle],
                np.moveaxis(second, axis, 0)[CONTEXT:],
            )
            return [np.moveaxis(np.concatenate([first, second]), 0, axis)]
        if self._device.type == "cpu":
            raise PageError(
                f"there is not enough memory to inpaint a window of {job.mask.shape} pixels",
                remedy="Close other programs, or use --jobs 1",
            )
        log.warning("the memory of %s does not suffice; going on on the CPU", self._device)
        self._device = torch.device("cpu")
        self._module.to(self._device)
        return self._paint([job])

    def _forward(self, jobs: list[_Job], batch: int) -> list[Painting]:
        """One run of the network on at most ``batch`` jobs of one padded size."""
        size = self._padded(jobs[0])
        rows = [*jobs, *[jobs[-1]] * (batch - len(jobs))]  # always the same shape

        def tensor(arrays: list[NDArray[Any]]) -> torch.Tensor:
            """``(B, ..., H, W, C)`` uint8 -> ``(B, ..., C, H, W)`` in [0, 1], channels last."""
            x = torch.from_numpy(np.stack(arrays)).to(self._device)
            return x.movedim(-1, -3).float() / 255

        def plane(masks: list[Mask]) -> torch.Tensor:
            return tensor([_pad(m, size)[..., None].astype(np.uint8) * 255 for m in masks])

        with inference(self._device):
            image = tensor([_pad(job.image, size) for job in rows])
            hole = plane([job.mask for job in rows])
            if isinstance(self._module, LamaGenerator):
                y = self._module(image, hole)
            else:
                priors = None
                if self._priors:
                    priors = tensor([np.stack([_pad(p, size) for p in j.priors]) for j in rows])
                seen = plane([job.see_through for job in rows])
                y = self._module(image, hole, seen, priors)
            values = y.float().movedim(1, -1).cpu().numpy()  # (B, H, W, 3)
        return [v[: j.mask.shape[0], : j.mask.shape[1]] for v, j in zip(values, jobs, strict=False)]

    def _finish(self, job: _Job, painted: Painting) -> Image:
        """Compose a window from what the network painted."""
        mask = job.mask
        if not np.isfinite(painted[mask]).all():
            raise PageError(
                "the network gave values that are not finite",
                remedy="The weights may be damaged, or the GPU faulty; try --device cpu",
            )
        if isinstance(self._module, LamaGenerator):
            painted = painted + ring_correction(job.image, mask, painted)
        values = painted[mask]  # (n, 3)
        known = job.image[~mask]
        if len(known) and (known == known[:, :1]).all():
            values = np.repeat(values.mean(axis=1, keepdims=True), 3, axis=1)
        out = job.image.copy()
        # Rounded: truncation would turn white into 254.
        out[mask] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
        return out


def _waves(windows: Sequence[Window]) -> list[list[Window]]:
    """Windows in the order they can be filled in: side by side, or one after another.

    A hole that is too large for a window is cut. Its parts come one after the other, so that each
    continues what the one before has drawn.
    """
    wave_of: list[int] = []
    waves: list[list[Window]] = []
    for i, window in enumerate(windows):
        before = [wave_of[j] for j in range(i) if _touch(windows[j].hole, window.hole)]
        wave_of.append(max(before, default=-1) + 1)
        if wave_of[i] == len(waves):
            waves.append([])
        waves[wave_of[i]].append(window)
    return waves


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or share a border."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _pad(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Reflect ``(H, W, ...)`` at its lower and right edge up to a size."""
    extra = [(0, n - m) for n, m in zip(size, array.shape, strict=False)]
    return np.pad(array, extra + [(0, 0)] * (array.ndim - 2), mode="reflect")


def _out_of_memory(error: Exception) -> bool:
    """Whether an error says so; CPU and mps have no class of their own for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text
    )
